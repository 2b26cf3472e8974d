//! An item's attributes: text, and what is packed.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use runtime::chain;

use crate::packed::{MOST_BYTES, NotPacked, pack, unpack};

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// An item is not what it should be: another version of the code wrote it, or a hand did.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// An attribute is missing or of another type.
    #[error("the item's attribute `{0}` is missing or of another type")]
    Attribute(&'static str),
    /// The state is not JSON of the type.
    #[error("reading the item's state")]
    State(#[source] serde_json::Error),
    /// A packed attribute cannot be unpacked.
    #[error("the item's attribute `{0}` cannot be unpacked")]
    Packed(&'static str, #[source] NotPacked),
    /// One of the others, of the item with this key. A key is made of ids.
    #[error("{key}: {}", said(.what))]
    Of {
        /// The item's `pk` and `sk`, as the AWS CLI takes them.
        key: String,
        /// What is wrong with it.
        what: Box<ItemError>,
    },
}

fn said(what: &ItemError) -> String {
    chain(what)
}

impl ItemError {
    /// The error with the key of `item`.
    pub(crate) fn of(self, item: &Item) -> Self {
        let part = |name| text(item, name).unwrap_or("?");
        let key = format!("pk `{}`, sk `{}`", part("pk"), part("sk"));
        let what = Box::new(self);
        Self::Of { key, what }
    }
}

/// `text` as an attribute. What is larger than may be unpacked stays text, and DynamoDB refuses it.
pub(crate) fn packed(text: &str) -> AttributeValue {
    match text.len() > MOST_BYTES {
        true => AttributeValue::S(text.to_owned()),
        false => AttributeValue::B(Blob::new(pack(text))),
    }
}

/// The text of an attribute that may be packed.
pub(crate) fn unpacked<'a>(item: &'a Item, name: &'static str) -> Result<Cow<'a, str>, ItemError> {
    match item.get(name) {
        Some(AttributeValue::B(packed)) => {
            let text = unpack(packed.as_ref());
            text.map(Cow::Owned)
                .map_err(|error| ItemError::Packed(name, error))
        }
        _ => text(item, name).map(Cow::Borrowed),
    }
}

pub(crate) fn text<'a>(item: &'a Item, name: &'static str) -> Result<&'a str, ItemError> {
    item.get(name)
        .and_then(|a| a.as_s().ok())
        .map(String::as_str)
        .ok_or(ItemError::Attribute(name))
}

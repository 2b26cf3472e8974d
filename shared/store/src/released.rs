//! This code reads every item that a release wrote, and loses nothing that it says.
//! `tests/released` has the items; CONTRIBUTING.md has the rule.

use std::{fs, path::Path};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::{Blocks, ConcurrencyLimits, EntityState, Job, Usage, VoiceModel};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    OpenBreaker, OutboxEntry,
    attributes::{Item, ItemError, unpacked},
    items::{self, Key},
};

/// The items of each release, with where they are written.
fn released() -> Vec<(String, Item)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/released"));
    let mut found = Vec::new();
    for release in fs::read_dir(folder).unwrap() {
        let file = release.unwrap().path().join("items.json");
        if let Ok(text) = fs::read_to_string(&file) {
            let items: Vec<Value> = serde_json::from_str(&text).unwrap();
            let place = |number| format!("{}, item {number}", file.display());
            let items = items.iter().enumerate();
            found.extend(items.map(|(number, item)| (place(number), item_of(item))));
        }
    }
    found
}

/// An item as DynamoDB's API has it in JSON.
fn item_of(json: &Value) -> Item {
    let members = json.as_object().unwrap().iter();
    members
        .map(|(name, value)| (name.clone(), attribute_of(value)))
        .collect()
}

fn attribute_of(json: &Value) -> AttributeValue {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "B" => {
            let bytes = base64_simd::STANDARD.decode_to_vec(text()).unwrap();
            AttributeValue::B(Blob::new(bytes))
        }
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute_of).collect()),
        "M" => AttributeValue::M(item_of(value)),
        other => panic!("an attribute of the type {other}: read it here"),
    }
}

/// Reads an item as the functions read it.
fn read(item: &Item) -> Result<(), ItemError> {
    let Key { pk, sk } = Key::of(item)?;
    let kind = pk.split('#').next().unwrap_or_default();
    match (kind, sk.as_str()) {
        ("inbound", "outbox") | ("job", "end") | ("voice", "created" | "ready") => {
            OutboxEntry::from_item(item).map(drop)
        }
        ("entity", "state") => state::<EntityState>(item),
        ("job", "state") => state::<Job>(item),
        ("voice", "state") => state::<VoiceModel>(item),
        ("provider", "breaker") => state::<OpenBreaker>(item),
        ("provider", "leases") => state::<ConcurrencyLimits>(item),
        ("provider", "blocks") => state::<Blocks>(item),
        ("provider", "usage") => state::<Usage>(item),
        other => panic!("an item {other:?}: read it here"),
    }
}

fn state<T: Serialize + DeserializeOwned>(item: &Item) -> Result<(), ItemError> {
    let read: T = items::state(item)?;
    let was: Value = serde_json::from_str(&unpacked(item, "state")?).map_err(ItemError::State)?;
    let is = serde_json::to_value(read).map_err(ItemError::State)?;
    assert!(keeps(&was, &is), "of\n{was}\nthis is left:\n{is}");
    Ok(())
}

/// Whether all that `was` says is in `is`, which may say more.
fn keeps(was: &Value, is: &Value) -> bool {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => was
            .iter()
            .all(|(name, value)| is.get(name).is_some_and(|now| keeps(value, now))),
        (Value::Array(was), Value::Array(is)) => {
            was.len() == is.len() && was.iter().zip(is).all(|(was, is)| keeps(was, is))
        }
        _ => was == is,
    }
}

#[test]
fn every_item_that_a_release_wrote_is_read_whole() {
    let items = released();
    assert!(
        !items.is_empty(),
        "tests/released has no release: make release-fixtures"
    );
    for (place, item) in items {
        if let Err(error) = read(&item) {
            panic!("{place}: {error:?}");
        }
    }
}

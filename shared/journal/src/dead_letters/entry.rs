//! The entry of a dead letter: what the table says of it.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use contract::Time;
use uuid::Uuid;

use super::{DeadLetter, DeadLetterError};
use crate::{
    Journal, StoreError,
    items::{Item, ItemError, Key},
};

/// How many items one read of several may ask for, by DynamoDB's own limit.
const MOST_AT_ONCE: usize = 100;

/// What the table says of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id: the same for the same record at the same place.
    pub id: Uuid,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Whose it is, where its key says that.
    pub tenant: Option<String>,
    /// Why it was last dead-lettered, in one sentence.
    pub cause: String,
    /// When it was first dead-lettered.
    pub first_seen: Time,
    /// When it was last dead-lettered.
    pub last_seen: Time,
    /// How often it was dead-lettered.
    pub count: u64,
    /// What became of it; `None` as long as it waits for somebody.
    pub resolved: Option<Resolved>,
    /// The key of its object in the bucket; that of a resolved one is deleted, and has old versions
    /// for a while.
    pub object: Option<String>,
}

/// What became of a dead letter, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// What.
    pub how: Resolution,
    /// When.
    pub at: Time,
}

/// What may become of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Its consumer took it.
    Redriven,
    /// An operator does not want it.
    Discarded,
    /// It was its tenant's, and all of that tenant's was erased.
    Erased,
}

impl Resolution {
    /// As the table has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redriven => "redriven",
            Self::Discarded => "discarded",
            Self::Erased => "erased",
        }
    }
}

impl Entry {
    pub(super) fn read(item: &Item) -> Result<Self, ItemError> {
        let text = |name: &'static str| {
            item.get(name)
                .and_then(|a| a.as_s().ok())
                .ok_or(ItemError::Attribute(name))
        };
        let number = |name: &'static str| {
            item.get(name)
                .and_then(|a| a.as_n().ok())
                .ok_or(ItemError::Attribute(name))
        };
        let time = |name: &'static str| {
            let timestamp = text(name)?
                .parse()
                .map_err(|_| ItemError::Attribute(name))?;
            Ok::<_, ItemError>(Time::new(timestamp))
        };
        let resolved = match item.get("resolved").and_then(|how| how.as_s().ok()) {
            None => None,
            Some(how) => {
                let all = [
                    Resolution::Redriven,
                    Resolution::Discarded,
                    Resolution::Erased,
                ];
                let how = all
                    .into_iter()
                    .find(|one| one.as_str() == how)
                    .ok_or(ItemError::Attribute("resolved"))?;
                Some(Resolved {
                    how,
                    at: time("resolved_at")?,
                })
            }
        };
        Ok(Self {
            id: id_of(item)?,
            topic: text("topic")?.clone(),
            partition: number("partition")?
                .parse()
                .map_err(|_| ItemError::Attribute("partition"))?,
            offset: number("offset")?
                .parse()
                .map_err(|_| ItemError::Attribute("offset"))?,
            tenant: text("tenant").ok().cloned(),
            cause: text("cause")?.clone(),
            first_seen: time("first_seen")?,
            last_seen: time("last_seen")?,
            count: number("count")?
                .parse()
                .map_err(|_| ItemError::Attribute("count"))?,
            resolved,
            object: text("object").ok().cloned(),
        })
    }
}

/// The id in the key of a record's entry.
pub(super) fn id_of(item: &Item) -> Result<Uuid, ItemError> {
    let pk = item
        .get("pk")
        .and_then(|pk| pk.as_s().ok())
        .ok_or(ItemError::Attribute("pk"))?;
    let id = pk.split_once('#').and_then(|(_, id)| id.parse().ok());
    id.ok_or(ItemError::Attribute("pk"))
}

impl Journal {
    /// The entry `id`, read consistently, if there is one.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn dead_letter_entry(&self, id: Uuid) -> Result<Option<Entry>, StoreError> {
        let item = self.read(Key::dead_letter(id)).await?;
        Ok(item.as_ref().map(Entry::read).transpose()?)
    }

    /// The record of an entry, as it came; `None` if nothing is left of it.
    ///
    /// # Errors
    /// A [`DeadLetterError`].
    pub async fn dead_letter(&self, entry: &Entry) -> Result<Option<DeadLetter>, DeadLetterError> {
        let Some(object) = &entry.object else {
            return Ok(None);
        };
        let json = self.dead_letter_object(object).await?;
        Ok(json.map(|json| DeadLetter::from_json(&json)).transpose()?)
    }

    /// An object of the bucket for dead letters, a record's or an envelope; `None` if it is not
    /// there.
    ///
    /// # Errors
    /// [`DeadLetterError::Fetch`].
    pub async fn dead_letter_object(&self, key: &str) -> Result<Option<Vec<u8>>, DeadLetterError> {
        let get = match self
            .s3
            .get_object()
            .bucket(&self.dead_letters_bucket)
            .key(key)
            .send()
            .await
        {
            Ok(get) => get,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(DeadLetterError::Fetch(error.into())),
        };
        let body = get
            .body
            .collect()
            .await
            .map_err(|error| DeadLetterError::Fetch(error.into()))?;
        Ok(Some(body.to_vec()))
    }

    /// Items by their keys, read consistently, in the keys' order; what is not there any more is
    /// left out.
    pub(crate) async fn read_all(&self, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(MOST_AT_ONCE) {
            let wanted = some.iter().map(|key| key.clone().into_item()).collect();
            let mut ask = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()
                .ok();
            while let Some(of_table) = ask.take() {
                let get = self
                    .dynamodb
                    .batch_get_item()
                    .request_items(&self.table, of_table)
                    .send()
                    .await;
                let get = get.map_err(|error| StoreError::Read(error.into()))?;
                found.extend(get.responses.unwrap_or_default().into_values().flatten());
                // What did not fit into one answer.
                ask = get
                    .unprocessed_keys
                    .unwrap_or_default()
                    .into_values()
                    .next();
            }
        }
        let place = |item: &Item| keys.iter().position(|key| is_of(item, key));
        found.sort_by_key(place);
        Ok(found)
    }
}

fn is_of(item: &Item, key: &Key) -> bool {
    let is = |name: &str, value: &String| {
        item.get(name).and_then(|a: &AttributeValue| a.as_s().ok()) == Some(value)
    };
    is("pk", &key.pk) && is("sk", &key.sk)
}

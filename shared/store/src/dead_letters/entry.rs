//! The entry of a dead letter: what the table says of it.

use contract::Time;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    items::{Item, ItemError, Key},
};

/// What the table says of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterEntry {
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
    /// How often it was dead-lettered: once, and once more for each redrive from which it came back.
    /// A redelivery by the mapping does not count.
    pub count: u64,
    /// How often it was written, by any delivery: a caller that resolves it checks that it is the
    /// one it read.
    pub writes: u64,
    /// What became of it; `None` as long as it waits for an operator.
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

impl DeadLetterEntry {
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
            // An item from before this attribute has none.
            writes: match item.contains_key("writes") {
                true => number("writes")?
                    .parse()
                    .map_err(|_| ItemError::Attribute("writes"))?,
                false => 0,
            },
            resolved,
            object: text("object").ok().cloned(),
        })
    }
}

/// The id in the key of a record's entry.
fn id_of(item: &Item) -> Result<Uuid, ItemError> {
    let pk = item
        .get("pk")
        .and_then(|pk| pk.as_s().ok())
        .ok_or(ItemError::Attribute("pk"))?;
    let id = pk.split_once('#').and_then(|(_, id)| id.parse().ok());
    id.ok_or(ItemError::Attribute("pk"))
}

impl Store {
    /// The entry `id`, read consistently, if there is one.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn dead_letter_entry(&self, id: Uuid) -> Result<Option<DeadLetterEntry>, StoreError> {
        let item = self.read(Key::dead_letter(id)).await?;
        Ok(item.as_ref().map(DeadLetterEntry::read).transpose()?)
    }
}

//! What the function `watch` reads each minute: times alone, and of no item what it says.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use contract::Time;
use domain::HORIZON_SECONDS;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    Store, StoreError,
    items::{self, Item, Key},
};

/// The most items of one shard that are looked at. Each open item comes to the head of its shard
/// before the sweep can put it behind others, so one that hangs in a backlog is seen too.
const MOST_OF_A_SHARD: i32 = 5;

/// How many requests of a reading are under way at once: with a hundred new connections at the same
/// time, the last request could not be answered within its time.
const AT_ONCE: usize = 8;

/// The attributes that are read: `open` is a word of DynamoDB's own, and so has another name.
const TIMES: &str = "pk, sk, #open, listed, version, expires_at";

/// Since when each kind of work is open; `None` if none is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OldestOpen {
    /// The oldest job that waits in the queue.
    pub queued: Option<Time>,
    /// The oldest job for a vendor that was not begun.
    pub not_begun: Option<Time>,
    /// The oldest job that a vendor makes, or made without an end.
    pub at_vendor: Option<Time>,
    /// The oldest job that waits for its turn at a vendor.
    pub in_line: Option<Time>,
    /// The oldest voice model.
    pub voice: Option<Time>,
    /// The oldest decision that is not known to be published: an end of a job, or what was decided
    /// of a voice model.
    pub unpublished: Option<Time>,
}

/// The dead letters that wait for an operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitingDeadLetters {
    /// How many.
    pub count: usize,
    /// When the oldest was first seen.
    pub oldest: Option<Time>,
}

/// What runs by a schedule, and notes when it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// The sweep of `completion`.
    Sweep,
    /// The gathering of `operator`.
    Gather,
    /// The readings of `watch`.
    Watch,
}

impl Schedule {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Gather => "gather",
            Self::Watch => "watch",
        }
    }

    fn key(self) -> Key {
        Key {
            pk: format!("schedule#{}", self.as_str()),
            sk: "ran".to_owned(),
        }
    }
}

impl OldestOpen {
    /// Takes an item into account. One that was closed since the index was read has no `open`, and
    /// one of a kind that this version of the code does not know is left to the sweep, which names
    /// it.
    fn note(&mut self, item: &Item) {
        let text = |name: &str| {
            item.get(name)
                .and_then(|a| a.as_s().ok())
                .map(String::as_str)
        };
        let (Some(pk), Some(sk), Some(shard)) = (text("pk"), text("sk"), text("open")) else {
            return;
        };
        let kind = pk.split_once('#').map_or("", |(kind, _)| kind);
        let (oldest, since) = match (kind, sk) {
            ("job", "state") => (self.of_jobs(shard, is_begun(item)), listed(item, "job#")),
            ("voice", "state") => (&mut self.voice, listed(item, "voice#")),
            ("job", "end") | ("voice", "created" | "ready") => {
                (&mut self.unpublished, committed(item))
            }
            _ => return,
        };
        *oldest = [*oldest, since].into_iter().flatten().min();
    }

    /// The oldest of the jobs like one that stands in `shard`.
    fn of_jobs(&mut self, shard: &str, is_begun: bool) -> &mut Option<Time> {
        match shard.split_once('#') {
            Some(("queue", _)) => &mut self.queued,
            Some(("turn", _)) => &mut self.in_line,
            Some(_) | None if is_begun => &mut self.at_vendor,
            Some(_) | None => &mut self.not_begun,
        }
    }
}

/// Whether an open job was written after it was decided on: it asked a vendor, was restarted, or
/// came out of a line.
fn is_begun(item: &Item) -> bool {
    let version = item.get("version").and_then(|a| a.as_n().ok());
    version.is_some_and(|version| version != "1")
}

/// When an item came to be, by its place among all that is its tenant's.
fn listed(item: &Item, prefix: &str) -> Option<Time> {
    let listed = item.get("listed")?.as_s().ok()?;
    Some(Time::new(listed.strip_prefix(prefix)?.parse().ok()?))
}

/// When an entry was committed, by its time to live.
fn committed(item: &Item) -> Option<Time> {
    let second = item.get("expires_at")?.as_n().ok()?.parse().ok()?;
    let expires = Time::new(jiff::Timestamp::from_second(second).ok()?);
    Some(expires.minus_seconds(HORIZON_SECONDS))
}

impl Store {
    /// Since when each kind of work is open: exactly as long as no shard has more than five open
    /// items; in a backlog, of the five of each shard that the sweep would look at first. One
    /// request for each of 48 shards, and a few for what they have.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn oldest_open(&self) -> Result<OldestOpen, StoreError> {
        let firsts = shards().map(|shard| {
            let query = self
                .open_in(shard)
                .key_condition_expression("#open = :shard");
            query.limit(MOST_OF_A_SHARD).send()
        });
        let firsts = stream::iter(firsts).buffered(AT_ONCE).try_collect().await;
        let firsts: Vec<_> = firsts.map_err(|error| self.unread(error))?;
        let keys = firsts.iter().flat_map(|first| first.items()).map(Key::of);
        let keys = keys.collect::<Result<_, _>>()?;
        let times = KeysAndAttributes::builder()
            .projection_expression(TIMES)
            .expression_attribute_names("#open", "open");
        let mut oldest = OldestOpen::default();
        for item in self.read_as(keys, times).await?.values() {
            oldest.note(item);
        }
        Ok(oldest)
    }

    /// How many jobs have a deadline after `from`, and at `to` at the latest, among those in the
    /// queue and at vendors, or among those `in_line`. A job's deadline is a fixed time after it was
    /// decided on, begun again or put into its line, unless the sweep has postponed it. One request
    /// for each of 32 or 16 shards.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn count_due_between(
        &self,
        from: Time,
        to: Time,
        in_line: bool,
    ) -> Result<usize, StoreError> {
        let is_asked_for = |shard: &String| shard.starts_with("turn#") == in_line;
        let counts = shards().filter(is_asked_for).map(|shard| async {
            let pages = self
                .open_in(shard)
                .key_condition_expression("#open = :shard AND deadline BETWEEN :from AND :to")
                .expression_attribute_values(":from", AttributeValue::S(from.to_string()))
                .expression_attribute_values(":to", AttributeValue::S(to.to_string()))
                .into_paginator()
                .items()
                .send();
            let found: Result<Vec<Item>, _> = pages.collect().await;
            let found = found.map_err(|error| self.unread(error))?;
            // BETWEEN has both of its ends.
            let from = AttributeValue::S(from.to_string());
            let is_late = |item: &&Item| is_job(item) && item.get("deadline") != Some(&from);
            Ok::<_, StoreError>(found.iter().filter(is_late).count())
        });
        let counts = stream::iter(counts).buffered(AT_ONCE);
        counts.try_fold(0, async |sum, count| Ok(sum + count)).await
    }

    /// The dead letters that wait for an operator. Two requests for each of 16 shards, one of which
    /// reads all of its keys.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn waiting_dead_letters(&self) -> Result<WaitingDeadLetters, StoreError> {
        let firsts = items::OPEN_SHARDS.map(|shard| {
            let query = self
                .open_in(items::dead_letters_shard(shard))
                .key_condition_expression("#open = :shard");
            query.limit(1).send()
        });
        let firsts = stream::iter(firsts).buffered(AT_ONCE).try_collect().await;
        let firsts: Vec<_> = firsts.map_err(|error| self.unread(error))?;
        let first_seen = firsts.iter().flat_map(|first| first.items()).map(|item| {
            let seen = items::text(item, "deadline")?.parse();
            seen.map(Time::new)
                .map_err(|_| items::ItemError::Attribute("deadline"))
        });
        let first_seen: Vec<Time> = first_seen.collect::<Result<_, _>>()?;
        Ok(WaitingDeadLetters {
            count: self.count_dead_letters().await?,
            oldest: first_seen.into_iter().min(),
        })
    }

    /// Notes that what `schedule` starts has done its work, which began at `at`.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_run(&self, schedule: Schedule, at: Time) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(schedule.key().into_item()))
            .update_expression("SET #at = :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", AttributeValue::S(at.to_string()));
        update
            .send()
            .await
            .map_err(|error| StoreError::Write(error.into()))?;
        Ok(())
    }

    /// When what `schedule` starts last did its work; `None` if it never did.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn last_run(&self, schedule: Schedule) -> Result<Option<Time>, StoreError> {
        let Some(item) = self.read(schedule.key()).await? else {
            return Ok(None);
        };
        let at = items::text(&item, "at")?.parse();
        let at = at.map_err(|_| items::ItemError::Attribute("at"))?;
        Ok(Some(Time::new(at)))
    }
}

/// Every shard of what is open.
fn shards() -> impl Iterator<Item = String> {
    let of_digit = |shard: &str| {
        [
            shard.to_owned(),
            items::queued_shard(shard),
            items::in_line_shard(shard),
        ]
    };
    items::OPEN_SHARDS.into_iter().flat_map(of_digit)
}

/// Whether an entry of the index is of a job, and not of its end or of a voice model.
fn is_job(item: &Item) -> bool {
    let is = |name: &str, holds: fn(&str) -> bool| {
        let text = item.get(name).and_then(|a| a.as_s().ok());
        text.is_some_and(|text| holds(text))
    };
    is("pk", |pk| pk.starts_with("job#")) && is("sk", |sk| sk == "state")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u32) -> Time {
        Time::new("2026-11-27T10:00:00Z".parse().unwrap()).plus_seconds(second)
    }

    fn item(attributes: &[(&str, &str)], version: &str) -> Item {
        let text = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), AttributeValue::S((*value).to_owned()))
        };
        let mut item: Item = attributes.iter().map(text).collect();
        item.insert("version".to_owned(), AttributeValue::N(version.to_owned()));
        item
    }

    fn job(shard: &str, created: Time, version: &str) -> Item {
        let listed = format!("job#{created}");
        let attributes = [
            ("pk", "job#7"),
            ("sk", "state"),
            ("open", shard),
            ("listed", &listed),
        ];
        item(&attributes, version)
    }

    #[test]
    fn each_kind_of_work_has_its_own_oldest() {
        let mut oldest = OldestOpen::default();
        for one in [
            job("queue#7", at(9), "1"),
            job("queue#7", at(3), "1"),
            job("7", at(4), "1"),
            job("7", at(2), "3"),
            job("turn#7", at(1), "2"),
        ] {
            oldest.note(&one);
        }
        let voice = format!("voice#{}", at(5));
        oldest.note(&item(
            &[
                ("pk", "voice#7"),
                ("sk", "state"),
                ("open", "7"),
                ("listed", &voice),
            ],
            "2",
        ));
        let mut end = item(&[("pk", "job#7"), ("sk", "end"), ("open", "7")], "0");
        end.insert("expires_at".to_owned(), items::expires_at(at(6)));
        oldest.note(&end);
        let expected = OldestOpen {
            queued: Some(at(3)),
            not_begun: Some(at(4)),
            at_vendor: Some(at(2)),
            in_line: Some(at(1)),
            voice: Some(at(5)),
            unpublished: Some(at(6)),
        };
        assert_eq!(oldest, expected);
    }

    #[test]
    fn what_was_closed_meanwhile_or_is_not_known_counts_for_nothing() {
        let mut oldest = OldestOpen::default();
        let mut closed = job("7", at(1), "1");
        closed.remove("open");
        oldest.note(&closed);
        oldest.note(&item(
            &[("pk", "thing#7"), ("sk", "state"), ("open", "7")],
            "1",
        ));
        oldest.note(&item(
            &[("pk", "job#7"), ("sk", "state"), ("open", "7")],
            "1",
        ));
        assert_eq!(oldest, OldestOpen::default());
    }
}

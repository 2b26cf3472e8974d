//! What waits to be resolved, in the order in which it was first dead-lettered.

use std::{collections::HashMap, fmt, str::FromStr};

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Select},
};
use contract::{Identifier, Time};
use futures::future::try_join_all;
use uuid::Uuid;

use super::entry::{DeadLetterEntry, id_of};
use crate::{
    Store, StoreError,
    items::{self, Item, ItemError, Key},
};

/// Which entries, by what the indexes know of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// Only this tenant's.
    pub tenant: Option<Identifier>,
    /// Only those first dead-lettered at this time or later.
    pub since: Option<Time>,
    /// Only those first dead-lettered before this time.
    pub until: Option<Time>,
}

/// The place of something in the order in which it came to be; written `<time>/<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it came to be.
    pub time: Time,
    /// Its id, among those of one moment.
    pub id: Uuid,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.time, self.id)
    }
}

/// Some text is no [`Place`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no place in the list; take it as a listing ended with it")]
pub struct UnknownPlace(String);

impl FromStr for Place {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, UnknownPlace> {
        let read = || {
            let (time, id) = text.split_once('/')?;
            Some(Self {
                time: Time::new(time.parse().ok()?),
                id: id.parse().ok()?,
            })
        };
        read().ok_or_else(|| UnknownPlace(text.to_owned()))
    }
}

/// What one partition of an index has: its first places, and whether those are all.
struct Found {
    places: Vec<Place>,
    is_all: bool,
}

impl Store {
    /// The entries in `window` after the place `after`, each with its own: at most `most` of them,
    /// those first dead-lettered earliest first, and the place to go on after; `None` once all was
    /// seen. One that was resolved meanwhile is left out.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn dead_letter_entries(
        &self,
        window: &Window,
        after: Option<Place>,
        most: usize,
    ) -> Result<(Vec<(Place, DeadLetterEntry)>, Option<Place>), StoreError> {
        let queries: Vec<_> = match &window.tenant {
            Some(tenant) => vec![self.entries_of(tenant)],
            None => items::OPEN_SHARDS
                .iter()
                .map(|shard| self.entries_open(shard))
                .collect(),
        };
        let found = try_join_all(
            queries
                .into_iter()
                .map(|(query, prefix)| find(query, prefix, window, after, most)),
        );
        let (places, is_all) = merge(found.await?, most);
        let keys = places
            .iter()
            .map(|place| Key::dead_letter(place.id))
            .collect();
        let items = self.read_all(keys).await?;
        let mut entries = Vec::with_capacity(items.len());
        for item in items.iter().filter(|item| item.contains_key("open")) {
            let entry = DeadLetterEntry::read(item)?;
            entries.extend(
                places
                    .iter()
                    .find(|place| place.id == entry.id)
                    .map(|place| (*place, entry)),
            );
        }
        Ok((entries, places.last().copied().filter(|_| !is_all)))
    }

    /// How many dead letters wait for an operator.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn count_dead_letters(&self) -> Result<usize, StoreError> {
        let counts = items::OPEN_SHARDS.iter().map(|shard| async {
            let (query, _) = self.entries_open(shard);
            let query = query
                .key_condition_expression("#partition = :partition")
                .select(Select::Count);
            let pages = query.set_expression_attribute_names(Some(HashMap::from([(
                "#partition".to_owned(),
                "open".to_owned(),
            )])));
            let pages: Result<Vec<_>, _> = pages.into_paginator().send().collect().await;
            let pages = pages.map_err(|error| StoreError::Read(error.into()))?;
            Ok::<_, StoreError>(
                pages
                    .iter()
                    .map(|page| usize::try_from(page.count()).unwrap_or_default())
                    .sum::<usize>(),
            )
        });
        Ok(try_join_all(counts).await?.into_iter().sum())
    }

    /// A query of what is open, and what its times are written after.
    fn entries_open(&self, shard: &str) -> (QueryFluentBuilder, &'static str) {
        let query = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name("open");
        let query = query
            .expression_attribute_names("#partition", "open")
            .expression_attribute_names("#time", "deadline");
        (
            query.expression_attribute_values(
                ":partition",
                AttributeValue::S(items::dead_letters_shard(shard)),
            ),
            "",
        )
    }

    /// A query of what is a tenant's, and what its times are written after.
    fn entries_of(&self, tenant: &Identifier) -> (QueryFluentBuilder, &'static str) {
        let query = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name("by-tenant");
        let query = query
            .expression_attribute_names("#partition", "tenant")
            .expression_attribute_names("#time", "listed");
        (
            query.expression_attribute_values(
                ":partition",
                AttributeValue::S(tenant.as_str().to_owned()),
            ),
            "dead-letter#",
        )
    }
}

/// The first places of one partition of an index: `most` of them, and besides all that share the
/// last one's time, for the index has those in an order of its own.
async fn find(
    query: QueryFluentBuilder,
    prefix: &str,
    window: &Window,
    after: Option<Place>,
    most: usize,
) -> Result<Found, StoreError> {
    let mut found = Found {
        places: Vec::new(),
        is_all: true,
    };
    let from = [window.since, after.map(|place| place.time)]
        .into_iter()
        .flatten()
        .max();
    if window
        .until
        .is_some_and(|until| from.is_some_and(|from| from >= until))
    {
        return Ok(found);
    }
    // A time begins with a digit: nothing comes before a zero and nothing after a tilde; and a key
    // is never empty.
    let until = window
        .until
        .map_or_else(|| "~".to_owned(), |time| time.to_string());
    let from = from.map_or_else(|| "0".to_owned(), |time| time.to_string());
    let query = query
        .key_condition_expression("#partition = :partition AND #time BETWEEN :from AND :until")
        .expression_attribute_values(":from", AttributeValue::S(format!("{prefix}{from}")))
        .expression_attribute_values(":until", AttributeValue::S(format!("{prefix}{until}")));
    let query = query.limit(i32::try_from(most).unwrap_or(i32::MAX).saturating_add(1));
    let mut next = None;
    loop {
        let output = query.clone().set_exclusive_start_key(next).send().await;
        let output = output.map_err(|error| StoreError::Read(error.into()))?;
        for item in output.items() {
            let place = place(item, prefix)?;
            if after < Some(place) && window.until.is_none_or(|until| place.time < until) {
                found.places.push(place);
            }
        }
        next = output.last_evaluated_key;
        if next.is_none() {
            break;
        }
        let last = found.places.last().map(|place| place.time);
        if most
            .checked_sub(1)
            .and_then(|index| found.places.get(index))
            .is_some_and(|place| Some(place.time) < last)
        {
            found.is_all = false;
            break;
        }
    }
    Ok(found)
}

fn place(item: &Item, prefix: &str) -> Result<Place, ItemError> {
    let name = if prefix.is_empty() {
        "deadline"
    } else {
        "listed"
    };
    let time = item
        .get(name)
        .and_then(|time| time.as_s().ok())
        .and_then(|time| time.strip_prefix(prefix));
    let time = time
        .and_then(|time| time.parse().ok())
        .ok_or(ItemError::Attribute(name))?;
    Ok(Place {
        time: Time::new(time),
        id: id_of(item)?,
    })
}

/// The first `most` places of all partitions, and whether those are all there is.
fn merge(found: Vec<Found>, most: usize) -> (Vec<Place>, bool) {
    let is_all = found.iter().all(|found| found.is_all);
    let mut places: Vec<Place> = found.into_iter().flat_map(|found| found.places).collect();
    places.sort_unstable();
    let is_all = is_all && places.len() <= most;
    places.truncate(most);
    (places, is_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, id: u128) -> Place {
        Place {
            time: Time::new(jiff::Timestamp::from_second(second).unwrap()),
            id: Uuid::from_u128(id),
        }
    }

    #[test]
    fn a_place_reads_back_as_it_is_written() {
        let place = at(1_795_000_000, 7);
        assert_eq!(
            place.to_string(),
            "2026-11-18T11:06:40.000Z/00000000-0000-0000-0000-000000000007"
        );
        assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        for wrong in [
            "",
            "2026-11-18T11:06:40.000Z",
            "noon/00000000-0000-0000-0000-000000000007",
        ] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_earliest_of_all_partitions_come_first_and_what_is_left_is_said() {
        let found = || {
            let one = Found {
                places: vec![at(1, 9), at(3, 1)],
                is_all: true,
            };
            vec![
                one,
                Found {
                    places: vec![at(1, 2), at(2, 5)],
                    is_all: true,
                },
            ]
        };
        assert_eq!(
            merge(found(), 3),
            (vec![at(1, 2), at(1, 9), at(2, 5)], false)
        );
        assert!(merge(found(), 4).1);
        let cut = Found {
            places: vec![at(4, 4)],
            is_all: false,
        };
        assert_eq!(merge(vec![cut], 4), (vec![at(4, 4)], false));
    }
}

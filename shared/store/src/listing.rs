//! Several partitions of an index as one list, in the order of the times in their sort keys.
//!
//! A page of it asks each partition for as many keys as the page has, at half a read unit for each
//! 4 KiB of keys: sixteen queries for what is failed or dead-lettered, forty-eight for what is open.
//! No list scans the table.

use std::cmp::Ordering;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use contract::Time;
use futures::future::try_join_all;

use crate::{
    Place, Store, StoreError,
    items::{Item, ItemError, Key, text},
};

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

impl Order {
    fn of(self, one: &Place, other: &Place) -> Ordering {
        match self {
            Self::OldestFirst => one.cmp(other),
            Self::NewestFirst => other.cmp(one),
        }
    }
}

/// Partitions of an index whose items are listed as one.
pub(crate) struct Listing {
    pub index: &'static str,
    /// The names of the index's partition key and sort key.
    pub keys: [&'static str; 2],
    pub partitions: Vec<String>,
    /// What stands before the time in a sort key.
    pub prefix: &'static str,
    /// What the `pk` of the items that are meant has before `#`, and their `sk`.
    pub of: [&'static str; 2],
}

/// From when to when, the end left out, and behind which place.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub since: Option<Time>,
    pub until: Option<Time>,
    pub after: Option<Place>,
}

/// What one partition has: its first places, and whether those are all.
struct Found {
    places: Vec<Place>,
    is_all: bool,
}

impl Store {
    /// The places of the first `most` items of a list within `span`, and whether those are all there
    /// is.
    pub(crate) async fn places(
        &self,
        listing: &Listing,
        span: Span,
        order: Order,
        most: usize,
    ) -> Result<(Vec<Place>, bool), StoreError> {
        let of_each = listing.partitions.iter().map(|partition| {
            let query = self
                .dynamodb
                .query()
                .table_name(&self.table)
                .index_name(listing.index)
                .expression_attribute_names("#partition", listing.keys[0])
                .expression_attribute_names("#time", listing.keys[1])
                .expression_attribute_values(":partition", AttributeValue::S(partition.clone()));
            self.find(query, listing, span, order, most)
        });
        Ok(merge(try_join_all(of_each).await?, order, most))
    }

    /// The first places of one partition: `most` of them, and besides all that share the last one's
    /// time, for the index has those in an order of its own.
    async fn find(
        &self,
        query: QueryFluentBuilder,
        listing: &Listing,
        span: Span,
        order: Order,
        most: usize,
    ) -> Result<Found, StoreError> {
        let mut found = Found {
            places: Vec::new(),
            is_all: true,
        };
        let Some((from, to)) = range(span, order) else {
            return Ok(found);
        };
        let prefix = listing.prefix;
        let query = query
            .key_condition_expression("#partition = :partition AND #time BETWEEN :from AND :to")
            .expression_attribute_values(":from", AttributeValue::S(format!("{prefix}{from}")))
            .expression_attribute_values(":to", AttributeValue::S(format!("{prefix}{to}")))
            .scan_index_forward(order == Order::OldestFirst)
            .limit(i32::try_from(most).unwrap_or(i32::MAX).saturating_add(1));
        let mut next = None;
        loop {
            let output = query.clone().set_exclusive_start_key(next).send().await;
            let output = output.map_err(|error| self.unread(error))?;
            for item in output.items() {
                let place = place(item, listing)?;
                found
                    .places
                    .extend(place.filter(|place| is_within(place, span, order)));
            }
            next = output.last_evaluated_key;
            if next.is_none() {
                break;
            }
            let last = found.places.last().map(|place| place.time);
            if most
                .checked_sub(1)
                .and_then(|index| found.places.get(index))
                .is_some_and(|place| Some(place.time) != last)
            {
                found.is_all = false;
                break;
            }
        }
        Ok(found)
    }
}

/// The first and the last time to ask for, both of which BETWEEN has; `None` if no time is meant.
fn range(span: Span, order: Order) -> Option<(String, String)> {
    let Span {
        since,
        until,
        after,
    } = span;
    let after = after.map(|place| place.time);
    let (from, to) = match order {
        Order::OldestFirst => (since.max(after), until),
        Order::NewestFirst => {
            let to = [until, after].into_iter().flatten().min();
            (since, to)
        }
    };
    let is_empty = until.is_some_and(|until| from.is_some_and(|from| from >= until))
        || to.is_some_and(|to| from.is_some_and(|from| from > to));
    // A time begins with a digit: nothing comes before a zero and nothing after a tilde; and a key
    // is never empty.
    let from = from.map_or_else(|| "0".to_owned(), |time| time.to_string());
    let to = to.map_or_else(|| "~".to_owned(), |time| time.to_string());
    (!is_empty).then_some((from, to))
}

fn is_within(place: &Place, span: Span, order: Order) -> bool {
    let is_behind = span
        .after
        .is_none_or(|after| order.of(&after, place) == Ordering::Less);
    is_behind && span.until.is_none_or(|until| place.time < until)
}

/// The place of an item, if it is one of those that are meant.
fn place(item: &Item, listing: &Listing) -> Result<Option<Place>, ItemError> {
    let Key { pk, sk } = Key::of(item)?;
    let [kind, sort] = listing.of;
    let id = pk.split_once('#').filter(|(of, _)| *of == kind);
    let Some((_, id)) = id.filter(|_| sk == sort) else {
        return Ok(None);
    };
    let name = listing.keys[1];
    let time = text(item, name)?.strip_prefix(listing.prefix);
    let time = time.and_then(|time| time.parse().ok());
    Ok(Some(Place {
        time: Time::new(time.ok_or(ItemError::Attribute(name))?),
        id: id.parse().map_err(|_| ItemError::Attribute("pk"))?,
    }))
}

/// The first `most` places of all partitions, and whether those are all there is.
fn merge(found: Vec<Found>, order: Order, most: usize) -> (Vec<Place>, bool) {
    let is_all = found.iter().all(|found| found.is_all);
    let mut places: Vec<Place> = found.into_iter().flat_map(|found| found.places).collect();
    places.sort_unstable_by(|one, other| order.of(one, other));
    let is_all = is_all && places.len() <= most;
    places.truncate(most);
    (places, is_all)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(second: i64, id: u128) -> Place {
        Place {
            time: Time::new(jiff::Timestamp::from_second(second).unwrap()),
            id: Uuid::from_u128(id),
        }
    }

    fn two() -> Vec<Found> {
        let of = |places: [Place; 2]| Found {
            places: places.to_vec(),
            is_all: true,
        };
        vec![of([at(1, 9), at(3, 1)]), of([at(1, 2), at(2, 5)])]
    }

    #[test]
    fn the_first_of_all_partitions_come_first_and_what_is_left_is_said() {
        let oldest = vec![at(1, 2), at(1, 9), at(2, 5)];
        assert_eq!(merge(two(), Order::OldestFirst, 3), (oldest, false));
        let newest = vec![at(3, 1), at(2, 5), at(1, 9)];
        assert_eq!(merge(two(), Order::NewestFirst, 3), (newest, false));
        assert!(merge(two(), Order::NewestFirst, 4).1);
        let cut = Found {
            places: vec![at(4, 4)],
            is_all: false,
        };
        let merged = merge(vec![cut], Order::OldestFirst, 4);
        assert_eq!(merged, (vec![at(4, 4)], false));
    }

    #[test]
    fn a_page_begins_behind_the_place_where_the_last_one_ended() {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let (all, _) = merge(two(), order, 4);
            for (index, place) in all.iter().enumerate() {
                let span = Span {
                    after: Some(*place),
                    ..Span::default()
                };
                let behind = all.iter().filter(|place| is_within(place, span, order));
                assert!(behind.eq(&all[index + 1..]), "{order:?}");
            }
        }
    }

    #[test]
    fn a_range_has_no_time_outside_of_the_span_and_none_before_the_place() {
        let time = |second| Some(at(second, 0).time);
        let of = |since, until, after: Option<i64>, order| {
            let span = Span {
                since: time(since),
                until: time(until),
                after: after.map(|second| at(second, 5)),
            };
            let between = |time: String| time.parse::<jiff::Timestamp>().unwrap().as_second();
            range(span, order).map(|(from, to)| (between(from), between(to)))
        };
        assert_eq!(of(2, 9, Some(5), Order::OldestFirst), Some((5, 9)));
        assert_eq!(of(2, 9, Some(5), Order::NewestFirst), Some((2, 5)));
        assert_eq!(of(2, 9, None, Order::NewestFirst), Some((2, 9)));
        for order in [Order::OldestFirst, Order::NewestFirst] {
            assert_eq!(of(9, 9, None, order), None);
        }
        assert_eq!(of(2, 9, Some(9), Order::OldestFirst), None);
        assert_eq!(of(2, 9, Some(1), Order::NewestFirst), None);
    }
}

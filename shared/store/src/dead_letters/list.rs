//! What waits to be resolved, in the order in which it was first dead-lettered, or the other way
//! round.

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use contract::{Identifier, Time};
use futures::future::try_join_all;

use super::entry::DeadLetterEntry;
use crate::{
    Place, Store, StoreError,
    items::{self, Key},
    listing::{Listing, Order, Span},
};

/// The keys of an entry: what its `pk` begins with, and its `sk`.
const DEAD_LETTER: [&str; 2] = ["dead-letter", "record"];

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
        self.entries_in(window, after, Order::OldestFirst, most)
            .await
    }

    /// As [`dead_letter_entries`](Self::dead_letter_entries), those first dead-lettered latest first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn newest_dead_letter_entries(
        &self,
        window: &Window,
        after: Option<Place>,
        most: usize,
    ) -> Result<(Vec<(Place, DeadLetterEntry)>, Option<Place>), StoreError> {
        self.entries_in(window, after, Order::NewestFirst, most)
            .await
    }

    async fn entries_in(
        &self,
        window: &Window,
        after: Option<Place>,
        order: Order,
        most: usize,
    ) -> Result<(Vec<(Place, DeadLetterEntry)>, Option<Place>), StoreError> {
        let listing = match &window.tenant {
            Some(tenant) => of_tenant(tenant),
            None => of_all(),
        };
        let span = Span {
            since: window.since,
            until: window.until,
            after,
        };
        let (places, is_all) = self.places(&listing, span, order, most).await?;
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
        let counts = items::OPEN_SHARDS
            .map(items::dead_letters_shard)
            .map(|shard| {
                let query = self
                    .dynamodb
                    .query()
                    .table_name(&self.table)
                    .index_name("open")
                    .key_condition_expression("#open = :shard")
                    .expression_attribute_names("#open", "open")
                    .expression_attribute_values(":shard", AttributeValue::S(shard))
                    .select(Select::Count);
                async move {
                    let pages: Result<Vec<_>, _> = query.into_paginator().send().collect().await;
                    let pages = pages.map_err(|error| self.unread(error))?;
                    Ok::<_, StoreError>(
                        pages
                            .iter()
                            .map(|page| usize::try_from(page.count()).unwrap_or_default())
                            .sum::<usize>(),
                    )
                }
            });
        Ok(try_join_all(counts).await?.into_iter().sum())
    }
}

/// The dead letters that wait, of all tenants.
fn of_all() -> Listing {
    Listing {
        index: "open",
        keys: ["open", "deadline"],
        partitions: items::OPEN_SHARDS.map(items::dead_letters_shard).to_vec(),
        prefix: "",
        of: DEAD_LETTER,
    }
}

/// The dead letters of a tenant, resolved ones included.
fn of_tenant(tenant: &Identifier) -> Listing {
    Listing {
        index: "by-tenant",
        keys: ["tenant", "listed"],
        partitions: vec![tenant.as_str().to_owned()],
        prefix: "dead-letter#",
        of: DEAD_LETTER,
    }
}

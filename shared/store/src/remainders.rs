//! Remainders: what a vendor or a bucket refused to delete when its tenant was erased, and what an
//! operator decided about it. They stay on record, without anything personal but the tenant's id.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Time};

use crate::{
    Store, StoreError,
    erase::is_met,
    items::{Item, ItemError, Key},
    tombstone::partition,
};

/// What the `listed` attribute of each remainder begins with, in the index of a tenant's items.
const LISTED: &str = "remainder#";

/// Something that a vendor or a bucket keeps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remainder {
    /// The vendor, or the bucket.
    pub keeper: String,
    /// The item that it is of.
    pub item: String,
}

/// A remainder as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRemainder {
    /// What is kept, and by whom.
    pub remainder: Remainder,
    /// When a pass was last refused.
    pub met_at: Time,
    /// What an operator decided; `None` if nothing.
    pub closed: Option<Closing>,
}

/// An operator's decision that an erasure goes on without a remainder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// When.
    pub at: Time,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Puts on record that a pass over `tenant` was refused a deletion.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_remainder(
        &self,
        tenant: &Identifier,
        remainder: &Remainder,
        now: Time,
    ) -> Result<(), StoreError> {
        let Remainder { keeper, item } = remainder;
        let update = self
            .update(&key(tenant, remainder))
            .update_expression(
                "SET tenant = :tenant, listed = :listed, keeper = :keeper, #item = :item, \
                 first_met_at = if_not_exists(first_met_at, :now), met_at = :now",
            )
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .expression_attribute_values(":listed", text(&format!("{LISTED}{keeper}#{item}")))
            .expression_attribute_values(":keeper", text(keeper))
            .expression_attribute_values(":item", text(item))
            .expression_attribute_values(":now", text(&now.to_string()));
        update.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// Puts on record that an erasure of `tenant` goes on without a remainder; `false` if no pass
    /// met it, or if it is closed already.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn close_remainder(
        &self,
        tenant: &Identifier,
        remainder: &Remainder,
        closing: &Closing,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(&key(tenant, remainder))
            .update_expression("SET closed_at = :at, reason = :reason")
            .condition_expression("attribute_exists(met_at) AND attribute_not_exists(closed_at)")
            .expression_attribute_values(":at", text(&closing.at.to_string()))
            .expression_attribute_values(":reason", text(&closing.reason));
        is_met(update).await
    }

    /// A remainder, read consistently; `None` if no pass met it.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn remainder(
        &self,
        tenant: &Identifier,
        remainder: &Remainder,
    ) -> Result<Option<RecordedRemainder>, StoreError> {
        let item = self.read(key(tenant, remainder)).await?;
        Ok(item.as_ref().map(recorded).transpose()?)
    }

    /// Every remainder of `tenant`, each read consistently.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn remainders(
        &self,
        tenant: &Identifier,
    ) -> Result<Vec<RecordedRemainder>, StoreError> {
        let query = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name("by-tenant")
            .key_condition_expression("tenant = :tenant AND begins_with(listed, :listed)")
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .expression_attribute_values(":listed", text(LISTED));
        let mut listed = query.into_paginator().items().send();
        let mut remainders = Vec::new();
        while let Some(item) = listed.next().await {
            let item = item.map_err(|error| self.unread(error))?;
            let key = Key {
                pk: string(&item, "pk")?,
                sk: string(&item, "sk")?,
            };
            let item = self.read(key).await?;
            remainders.extend(item.as_ref().map(recorded).transpose()?);
        }
        Ok(remainders)
    }
}

fn key(tenant: &Identifier, Remainder { keeper, item }: &Remainder) -> Key {
    Key {
        pk: partition(tenant),
        sk: format!("remainder#{keeper}#{item}"),
    }
}

fn recorded(item: &Item) -> Result<RecordedRemainder, ItemError> {
    let closed = match item.contains_key("closed_at") {
        false => None,
        true => Some(Closing {
            at: time(item, "closed_at")?,
            reason: string(item, "reason")?,
        }),
    };
    Ok(RecordedRemainder {
        remainder: Remainder {
            keeper: string(item, "keeper")?,
            item: string(item, "item")?,
        },
        met_at: time(item, "met_at")?,
        closed,
    })
}

fn time(item: &Item, name: &'static str) -> Result<Time, ItemError> {
    let time = string(item, name)?.parse();
    time.map(Time::new).map_err(|_| ItemError::Attribute(name))
}

fn string(item: &Item, name: &'static str) -> Result<String, ItemError> {
    let string = item.get(name).and_then(|value| value.as_s().ok());
    string.cloned().ok_or(ItemError::Attribute(name))
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

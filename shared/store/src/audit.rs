//! The audit: one item for each change that an operator asked for. Months of the index of what is
//! open list them; nothing there is overdue for the sweep, which looks at its sixteen shards alone.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Time;

use crate::{
    Store, StoreError,
    items::{Item, ItemError, Key},
};

/// How long an entry stays, in seconds: 400 days, so that each review of a year finds the last one.
const KEPT_SECONDS: u32 = 400 * 24 * 60 * 60;

/// An entry of the audit, as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditItem {
    /// The id of the invocation.
    pub id: String,
    /// When it was asked for.
    pub at: Time,
    /// Who asked, and why, as JSON.
    pub by: String,
    /// The request, as JSON.
    pub request: String,
    /// What came of it.
    pub outcome: Option<String>,
}

impl AuditItem {
    fn read(item: &Item) -> Result<Self, ItemError> {
        let text = |name: &'static str| {
            item.get(name)
                .and_then(|attribute| attribute.as_s().ok())
                .cloned()
                .ok_or(ItemError::Attribute(name))
        };
        let at = text("at")?
            .parse()
            .map_err(|_| ItemError::Attribute("at"))?;
        Ok(Self {
            id: text("id")?,
            at: Time::new(at),
            by: text("by")?,
            request: text("request")?,
            outcome: text("outcome").ok(),
        })
    }
}

impl Store {
    /// Writes an entry before the change is made, so that no change goes without one.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn open_audit(&self, entry: &AuditItem) -> Result<(), StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let expires = entry.at.plus_seconds(KEPT_SECONDS).timestamp().as_second();
        let mut item = Key::audit(&entry.id).into_item();
        item.extend([
            ("id".to_owned(), text(&entry.id)),
            ("at".to_owned(), text(&entry.at.to_string())),
            ("by".to_owned(), text(&entry.by)),
            ("request".to_owned(), text(&entry.request)),
            ("open".to_owned(), text(&month_of(&entry.at.to_string()))),
            ("deadline".to_owned(), text(&entry.at.to_string())),
            (
                "expires_at".to_owned(),
                AttributeValue::N(expires.to_string()),
            ),
        ]);
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        put.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// Adds what came of the change.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn close_audit(&self, id: &str, outcome: &str) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::audit(id).into_item()))
            .update_expression("SET outcome = :outcome")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":outcome", AttributeValue::S(outcome.to_owned()));
        update.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// The entries of `since..until`, the newest first: at most `most` of them, and those of the
    /// same millisecond as the last of these.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn audit(
        &self,
        since: Time,
        until: Time,
        most: usize,
    ) -> Result<Vec<AuditItem>, StoreError> {
        let (from, to) = (since.to_string(), until.to_string());
        let mut keys = Vec::new();
        for month in months_back(&from, &to) {
            let query = self
                .dynamodb
                .query()
                .table_name(&self.table)
                .index_name("open")
                .key_condition_expression("#open = :month AND deadline BETWEEN :from AND :to")
                .expression_attribute_names("#open", "open")
                .expression_attribute_values(":month", AttributeValue::S(month))
                .expression_attribute_values(":from", AttributeValue::S(from.clone()))
                .expression_attribute_values(":to", AttributeValue::S(to.clone()))
                .scan_index_forward(false)
                .into_paginator()
                .items()
                .send();
            let found: Result<Vec<Item>, _> = query.collect().await;
            let found = found.map_err(|error| self.unread(error))?;
            keys.extend(found.iter().filter_map(|item| {
                let id = item.get("pk")?.as_s().ok()?.strip_prefix("audit#")?;
                let at = item.get("deadline")?.as_s().ok()?;
                // BETWEEN has both of its ends.
                (*at < to).then(|| (at.clone(), Key::audit(id)))
            }));
            if keys.len() >= most {
                break;
            }
        }
        let last = keys.get(most.saturating_sub(1)).map(|(at, _)| at.clone());
        let keys = keys
            .into_iter()
            .take_while(|(at, _)| last.as_ref().is_none_or(|last| at >= last));
        let items = self.read_all(keys.map(|(_, key)| key).collect()).await?;
        let entries: Result<_, ItemError> = items.iter().map(AuditItem::read).collect();
        Ok(entries?)
    }
}

/// The partition of the index for a time that is written as in RFC 3339.
fn month_of(time: &str) -> String {
    format!("audit#{}", &time[..7])
}

/// The partitions of every month from that of `to` back to that of `from`.
fn months_back(from: &str, to: &str) -> Vec<String> {
    let number = |time: &str| -> i32 {
        let part = |range: std::ops::Range<usize>| time[range].parse().unwrap_or(0);
        part(0..4) * 12 + part(5..7) - 1
    };
    (number(from)..=number(to))
        .rev()
        .map(|month| format!("audit#{:04}-{:02}", month / 12, month % 12 + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_months_go_back_over_the_turn_of_the_year() {
        assert_eq!(
            months_back("2025-11-30T23:59:59.999Z", "2026-01-01T00:00:00.000Z"),
            ["audit#2026-01", "audit#2025-12", "audit#2025-11"]
        );
        let one = "2026-12-05T10:00:00.000Z";
        assert_eq!(months_back(one, one), [month_of(one)]);
    }
}

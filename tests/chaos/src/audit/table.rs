//! Reads the whole table.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{error::DisplayErrorContext, types::AttributeValue};
use jiff::Timestamp;
use local::stack::Stack;
use serde_json::{Value, value::RawValue};

use crate::{
    Error,
    lines::{Held, held},
    packed::text,
    workload::is_long,
};

type Item = HashMap<String, AttributeValue>;

/// The items of the table, by kind.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The number of decided inbound events.
    pub decisions: usize,
    /// The bytes of every committed outbound event, by id.
    pub kept: BTreeMap<String, String>,
    /// The ids of committed events that have two contents.
    pub committed_twice: Vec<String>,
    /// The states of the jobs, by id.
    pub jobs: BTreeMap<String, Value>,
    /// The states of the entities.
    pub entities: Vec<Value>,
    /// What stands in a line: its keys.
    pub waiting: Vec<String>,
    /// The slots that are held, of each vendor that has given out one.
    pub slots: BTreeMap<String, Held>,
    /// When it was read.
    pub read_at: Timestamp,
    /// The entries of dead letters: topic, partition, offset, and the object's key.
    pub dead_letters: Vec<Entry>,
}

/// The entry of a dead letter.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its topic, partition and offset.
    pub place: (String, i32, i64),
    /// The key of its object.
    pub object: String,
    /// The cause.
    pub cause: String,
}

impl Table {
    /// Reads the whole table.
    pub async fn read(stack: &Stack) -> Result<Self, Error> {
        let scan = stack
            .clients
            .dynamodb
            .scan()
            .table_name(&stack.outputs.table_name)
            .consistent_read(true);
        let mut items = scan.into_paginator().items().send();
        let mut table = Self {
            read_at: Timestamp::now(),
            ..Self::default()
        };
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| Error::Aws {
                doing: "reading the table",
                reason: DisplayErrorContext(error).to_string(),
            })?;
            table.take(&item);
        }
        Ok(table)
    }

    /// The jobs in a state, by id.
    pub fn in_state(&self, state: &str) -> impl Iterator<Item = (&String, &Value)> {
        let is = move |(_, job): &(&String, &Value)| job["state"]["is"].as_str() == Some(state);
        self.jobs.iter().filter(is)
    }

    /// The jobs that a vendor makes, by id.
    pub fn long(&self) -> impl Iterator<Item = (&String, &Value)> {
        let is = |(_, job): &(&String, &Value)| job["asset"].as_str().is_some_and(is_long);
        self.jobs.iter().filter(is)
    }

    fn take(&mut self, item: &Item) {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        let (kind, id) = pk.split_once('#').unwrap_or_default();
        let state = || serde_json::from_str(&text(item, "state")).unwrap_or_default();
        match (kind, sk.as_str()) {
            ("inbound", "outbox") => self.decisions += 1,
            ("job", "state") => {
                self.jobs.insert(id.to_owned(), state());
            }
            ("waiting", _) => self.waiting.push(format!("{pk} / {sk}")),
            ("provider", "leases") => {
                let held = held(&text(item, "state"));
                self.slots.insert(id.to_owned(), held);
            }
            ("entity", "state") => self.entities.push(state()),
            ("dead-letter", "record") => {
                let place = (
                    text(item, "topic"),
                    number(item, "partition"),
                    number(item, "offset"),
                );
                self.dead_letters.push(Entry {
                    place,
                    object: text(item, "object"),
                    cause: text(item, "cause"),
                });
            }
            _ => {}
        }
        for value in values(item) {
            let event: Value = serde_json::from_str(&value).unwrap_or_default();
            let id = event["id"].as_str().unwrap_or_default().to_owned();
            if let Some(before) = self.kept.insert(id.clone(), value.clone())
                && before != value
            {
                self.committed_twice.push(id);
            }
        }
    }
}

/// The values of an entry's events, byte by byte.
fn values(item: &Item) -> Vec<String> {
    if !item.contains_key("packed") {
        let events = item.get("events").and_then(|events| events.as_l().ok());
        let events = events.into_iter().flatten();
        let maps = events.filter_map(|event| event.as_m().ok());
        return maps.map(|event| text(event, "value")).collect();
    }
    let packed = text(item, "packed");
    let parts: BTreeMap<String, &RawValue> = serde_json::from_str(&packed).unwrap_or_default();
    let events = parts.get("events").map_or("[]", |events| events.get());
    let events: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(events).unwrap_or_default();
    let values = events.iter().filter_map(|event| event.get("value"));
    values.map(|value| value.get().to_owned()).collect()
}

fn number<N: std::str::FromStr + From<i8>>(item: &Item, name: &str) -> N {
    item.get(name)
        .and_then(|value| value.as_n().ok()?.parse().ok())
        .unwrap_or_else(|| N::from(-1))
}

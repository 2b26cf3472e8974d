//! The lines of the vendors, from outside: which jobs wait for their turn, and which slots are held.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{error::DisplayErrorContext, types::AttributeValue};
use jiff::Timestamp;
use local::stack::Stack;
use serde_json::Value;

use crate::{Error, packed::text};

/// The vendors of the storm, as the table names them.
const VENDORS: [&str; 2] = ["runway", "polly"];

/// The partitions of a vendor's line.
const PARTITIONS: u8 = 4;

/// The slots of a vendor that are held: the jobs, each with the end of its lease.
pub type Held = BTreeMap<String, Timestamp>;

/// The jobs that were seen in a line.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// Their ids.
    pub stood: BTreeSet<String>,
}

impl Lines {
    /// Looks at all lines.
    pub async fn look(&mut self, stack: &Stack) -> Result<(), Error> {
        self.stood.extend(waiting(stack).await?);
        Ok(())
    }
}

/// The jobs that stand in a line, or what else stands there.
pub async fn waiting(stack: &Stack) -> Result<Vec<String>, Error> {
    let mut waiting = Vec::new();
    for vendor in VENDORS {
        for number in 0..PARTITIONS {
            let line = AttributeValue::S(format!("waiting#{vendor}#{number}"));
            let query = stack.clients.dynamodb.query();
            let query = query
                .table_name(&stack.outputs.table_name)
                .key_condition_expression("pk = :line")
                .expression_attribute_values(":line", line)
                .consistent_read(true);
            let items: Result<Vec<_>, _> = query.into_paginator().items().send().collect().await;
            let items = items.map_err(|error| Error::Aws {
                doing: "looking at a line",
                reason: DisplayErrorContext(error).to_string(),
            })?;
            waiting.extend(items.iter().map(|item| waiter(&text(item, "sk"))));
        }
    }
    Ok(waiting)
}

/// The id at the end of a place in a line.
fn waiter(place: &str) -> String {
    let (_, id) = place.rsplit_once('#').unwrap_or_default();
    id.to_owned()
}

/// How many slots are held now.
pub async fn held_now(stack: &Stack) -> Result<usize, Error> {
    let mut count = 0;
    for vendor in VENDORS {
        let get = stack.clients.dynamodb.get_item();
        let get = get
            .table_name(&stack.outputs.table_name)
            .key("pk", AttributeValue::S(format!("provider#{vendor}")))
            .key("sk", AttributeValue::S("leases".to_owned()));
        let got = get.consistent_read(true).send().await;
        let got = got.map_err(|error| Error::Aws {
            doing: "looking at the slots of a vendor",
            reason: DisplayErrorContext(error).to_string(),
        })?;
        let held = got.item.map(|item| held(&text(&item, "state")));
        let now = Timestamp::now();
        count += held
            .iter()
            .flatten()
            .filter(|(_, until)| **until > now)
            .count();
    }
    Ok(count)
}

/// The slots that the leases of a vendor say are held, expired ones too. One whose end cannot be read
/// is held for ever.
pub fn held(leases: &str) -> Held {
    let leases: Value = serde_json::from_str(leases).unwrap_or_default();
    let held = leases["held"].as_object().into_iter().flatten();
    let until = |lease: &Value| -> Option<Timestamp> { lease["until"].as_str()?.parse().ok() };
    held.map(|(job, lease)| (job.clone(), until(lease).unwrap_or(Timestamp::MAX)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_from_its_place_in_a_line() {
        let place = "0b0c#1-job#2026-11-27T10:00:00.000Z#5f0e";
        assert_eq!(waiter(place), "5f0e");
    }

    #[test]
    fn leases_are_read_with_their_ends() {
        let leases = r#"{ "version": 3, "held": {
            "job-1": { "tenant": "t", "until": "2026-11-27T10:00:00.000Z" },
            "job-2": { "tenant": "t", "until": "tomorrow" }
        } }"#;
        let held = held(leases);
        assert_eq!(held["job-1"], "2026-11-27T10:00:00Z".parse().unwrap());
        assert_eq!(held["job-2"], Timestamp::MAX);
        assert!(super::held("").is_empty());
    }
}

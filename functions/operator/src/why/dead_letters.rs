//! The dead letters of a tenant that something is about.

use contract::Identifier;
use dead_letters::DeadLetter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use operations::{DeadLetterSummary, Explanation};
use serde_json::Value;
use store::{DeadLetterEntry, Window};
use uuid::Uuid;

use super::Found;
use crate::{Operator, list::entry_of, step::StepError};

/// Among how many of the tenant's dead letters that wait one is looked for.
const MOST: usize = 100;

/// The number of records that are read from the bucket concurrently.
const AT_ONCE: usize = 8;

/// The first of the tenant's dead letters that wait, at most `most`, and whether there are more.
pub(super) async fn first(
    operator: &Operator,
    tenant: &Identifier,
    most: usize,
) -> Result<(Vec<DeadLetterSummary>, bool), StepError> {
    let (entries, next) = operator
        .store
        .dead_letter_entries(&of(tenant), None, most)
        .await?;
    let entries = entries.into_iter().map(|(_, entry)| entry_of(entry));
    Ok((entries.collect(), next.is_some()))
}

/// The dead letter of this id, open or resolved.
pub(super) async fn of_id(
    operator: &Operator,
    tenant: &Identifier,
    id: Uuid,
    found: &mut Found,
) -> Result<(), StepError> {
    let entry = operator.store.dead_letter_entry(id).await?;
    let is_its = |entry: &DeadLetterEntry| entry.tenant.as_deref() == Some(tenant.as_str());
    match entry.filter(is_its) {
        Some(entry) => found.add(Explanation::DeadLetter(Box::new(entry_of(entry)))),
        None => found.lacks(format!("no dead letter {id} of this tenant")),
    }
    Ok(())
}

/// The dead letters of the record at a place: a topic, a partition and an offset. Those that wait.
pub(super) async fn at(
    operator: &Operator,
    tenant: &Identifier,
    (topic, partition, offset): (&str, i32, i64),
    found: &mut Found,
) -> Result<(), StepError> {
    let (entries, _) = operator
        .store
        .dead_letter_entries(&of(tenant), None, MOST)
        .await?;
    let before = found.explanations.len();
    for (_, entry) in entries {
        if (entry.topic.as_str(), entry.partition, entry.offset) == (topic, partition, offset) {
            found.add(Explanation::DeadLetter(Box::new(entry_of(entry))));
        }
    }
    if found.explanations.len() == before {
        found.lacks(format!(
            "no dead letter of {topic}/{partition}/{offset} among the {MOST} of this tenant that \
             wait longest: the record was taken, or is still to be read. Its event's id says more"
        ));
    }
    Ok(())
}

/// The dead letters that wait, of the event with the id `id`. Reads their records from the bucket.
pub(super) async fn of_event(
    operator: &Operator,
    tenant: &Identifier,
    id: &str,
) -> Result<Vec<DeadLetterSummary>, StepError> {
    let (entries, _) = operator
        .store
        .dead_letter_entries(&of(tenant), None, MOST)
        .await?;
    let read = entries.into_iter().map(|(_, entry)| async move {
        let record = operator.dead_letters.record(&entry).await?;
        let is_its = record.is_some_and(|record| is_of(&record, id));
        Ok::<_, StepError>(is_its.then(|| entry_of(entry)))
    });
    let found: Vec<_> = stream::iter(read).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Whether a record is the event with the id `id`: in the structured mode its value says that, in
/// the binary mode a header.
fn is_of(record: &DeadLetter, id: &str) -> bool {
    let value = record.value.as_deref().unwrap_or_default();
    let value: Result<Value, _> = serde_json::from_slice(value);
    let structured = value.is_ok_and(|value| value["id"] == id);
    let is_id = |(name, value): &(String, Option<Vec<u8>>)| {
        name == "ce_id" && value.as_deref() == Some(id.as_bytes())
    };
    structured || record.headers.iter().any(is_id)
}

fn of(tenant: &Identifier) -> Window {
    Window {
        tenant: Some(tenant.clone()),
        ..Window::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    #[test]
    fn a_record_is_of_an_event_in_both_modes_and_also_if_it_is_no_json() {
        assert!(is_of(&record(r#"{"id":"evt-1"}"#, &[]), "evt-1"));
        assert!(is_of(&record("{}", &[("ce_id", "evt-1")]), "evt-1"));
        assert!(is_of(&record("\u{0}", &[("ce_id", "evt-1")]), "evt-1"));
        let other = record(r#"{"id":"evt-2"}"#, &[("ce_id", "evt-3"), ("id", "evt-1")]);
        assert!(!is_of(&other, "evt-1"));
    }
}

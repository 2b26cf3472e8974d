//! Correct: gives the consumer of a dead letter its record again, edited and under a new id. The
//! record keeps its topic, partition and offset. Nothing is published to the topic.

use contract::Time;
use dead_letters::{DeadLetter, DeadLetterError};
use domain::derive;
use operations::{Correct, Corrected, CorrectionFate, DeadLetterSource};
use serde_json::Value;
use store::{DeadLetterEntry, Resolution, ResolveOutcome};

use crate::{Operator, delivery::Delivery, list::entry_of, step::StepError};

/// The header that has the id of an event whose attributes are headers.
const ID: &str = "ce_id";

/// Corrects a dead letter, or without `execute` reports what would be sent to which consumer.
pub(crate) async fn correct(
    operator: &Operator,
    step: &Correct,
    now: Time,
) -> Result<Corrected, StepError> {
    let entry = operator.store.dead_letter_entry(step.id).await?;
    let entry = entry.ok_or(StepError::NoSuchRecord(step.id))?;
    let fate = match entry.resolved {
        Some(_) => CorrectionFate::WasResolved,
        None => fate(operator, &entry, step, now).await?,
    };
    Ok(Corrected {
        record: entry_of(entry),
        fate,
    })
}

async fn fate(
    operator: &Operator,
    entry: &DeadLetterEntry,
    step: &Correct,
    now: Time,
) -> Result<CorrectionFate, DeadLetterError> {
    let Some(record) = operator.dead_letters.record(entry).await? else {
        return Ok(stays("its content is gone"));
    };
    let (edited, event) = match edited(&record, step) {
        Ok(edited) => edited,
        Err(why) => return Ok(stays(&why)),
    };
    let delivery = match Delivery::of(operator, &edited) {
        Ok(delivery) => delivery,
        Err(why) => return Ok(stays(&why)),
    };
    let to = delivery.to().to_owned();
    if !step.execute {
        return Ok(CorrectionFate::WouldBeSent { to, event });
    }
    if let Err(why) = delivery.deliver(operator).await {
        return Ok(CorrectionFate::NotYet { why });
    }
    if let Some(cause) = refused(operator, &edited, now).await? {
        return Ok(CorrectionFate::Refused { cause });
    }
    let resolved = operator
        .dead_letters
        .resolve(entry, Some(&record), Resolution::Redriven, now)
        .await?;
    Ok(match resolved {
        ResolveOutcome::Resolved => CorrectionFate::Sent { to, event },
        // The mapping delivered the unedited record in the meantime.
        ResolveOutcome::CameBack => CorrectionFate::NotYet {
            why: "the record itself came again: its event may be edited once more".to_owned(),
        },
    })
}

/// Why the consumer made a dead letter of the edited record, if it did. That dead letter is
/// discarded, because the first one waits as before.
async fn refused(
    operator: &Operator,
    edited: &DeadLetter,
    now: Time,
) -> Result<Option<String>, DeadLetterError> {
    let again = operator.store.dead_letter_entry(edited.id()).await;
    let again = again.map_err(DeadLetterError::Entry)?;
    let Some(again) = again.filter(|again| again.resolved.is_none()) else {
        return Ok(None);
    };
    operator
        .dead_letters
        .resolve(&again, Some(edited), Resolution::Discarded, now)
        .await?;
    Ok(Some(again.cause))
}

fn stays(why: &str) -> CorrectionFate {
    CorrectionFate::Stays {
        why: why.to_owned(),
    }
}

/// The record with its edited value and key under a new id, and that id; or why it cannot be edited.
fn edited(record: &DeadLetter, step: &Correct) -> Result<(DeadLetter, String), String> {
    if record.topic == DeadLetterSource::RenderQueue.as_str() {
        return Err("it is a message of the studio's own: redrive it, or discard it".to_owned());
    }
    let key = step
        .key
        .as_ref()
        .map(|key| key.as_str().as_bytes().to_vec());
    let mut edited = DeadLetter {
        key: key.or_else(|| record.key.clone()),
        value: Some(step.value.0.clone().into_bytes()),
        unread: None,
        cause: String::new(),
        ..record.clone()
    };
    let header = edited
        .headers
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case(ID));
    let event = match header {
        Some((_, id)) => {
            let before = id
                .as_deref()
                .map(|id| String::from_utf8_lossy(id).into_owned());
            let event = new_id(before.as_deref(), step);
            *id = Some(event.clone().into_bytes());
            event
        }
        None => {
            let (value, event) = with_new_id(record, step)?;
            edited.value = Some(value);
            event
        }
    };
    Ok((edited, event))
}

/// The edited event under a new id, unless the editor gave it one.
fn with_new_id(record: &DeadLetter, step: &Correct) -> Result<(Vec<u8>, String), String> {
    let mut event: Value = serde_json::from_str(&step.value.0)
        .map_err(|error| format!("the edited event is not JSON: {error}"))?;
    let before = record.value.as_deref().unwrap_or_default();
    let before: Value = serde_json::from_slice(before).unwrap_or(Value::Null);
    let members = event
        .as_object_mut()
        .ok_or("the edited event is not a JSON object")?;
    let id = members.get("id").and_then(Value::as_str);
    let event_id = match id {
        Some(id) if before["id"].as_str() != Some(id) => id.to_owned(),
        id => new_id(id, step),
    };
    members.insert("id".to_owned(), event_id.clone().into());
    Ok((event.to_string().into_bytes(), event_id))
}

/// The new id of an event. The same edit has the same id, so a repeated step does nothing twice.
fn new_id(before: Option<&str>, step: &Correct) -> String {
    let key = step.key.as_ref().map_or("", |key| key.as_str());
    let edit = derive(&[
        b"corrected",
        step.id.as_bytes(),
        key.as_bytes(),
        step.value.0.as_bytes(),
    ]);
    match before {
        Some(before) if before.len() + 50 <= 256 => format!("{before}-corrected-{edit}"),
        Some(_) | None => format!("corrected-{edit}"),
    }
}

#[cfg(test)]
mod tests {
    use contract::Identifier;
    use operations::Edited;
    use uuid::Uuid;

    use super::*;
    use crate::fixtures::record;

    fn step(value: &str) -> Correct {
        Correct {
            id: Uuid::from_u128(7),
            value: Edited(value.to_owned()),
            key: None,
            execute: true,
        }
    }

    #[test]
    fn an_edited_event_has_a_new_id_and_the_same_edit_has_the_same() {
        let record = record(r#"{"id":"e-1","data":{"title":" "}}"#, &[]);
        let correct = step(r#"{"id":"e-1","data":{"title":"Lanterns"}}"#);
        let (sent, event) = edited(&record, &correct).unwrap();
        assert!(event.starts_with("e-1-corrected-"), "{event}");
        let value: Value = serde_json::from_slice(&sent.value.clone().unwrap()).unwrap();
        assert_eq!(value["id"], event);
        assert_eq!(value["data"]["title"], "Lanterns");
        assert_eq!((sent.offset, &sent.key), (7, &record.key));
        assert_ne!(
            sent.id(),
            record.id(),
            "it would be a dead letter of its own"
        );
        assert_eq!(edited(&record, &correct).unwrap().1, event);
        let other = step(r#"{"id":"e-1","data":{"title":"Lamps"}}"#);
        assert_ne!(edited(&record, &other).unwrap().1, event);
        let named = step(r#"{"id":"e-2","data":{"title":"Lanterns"}}"#);
        assert_eq!(edited(&record, &named).unwrap().1, "e-2");
    }

    #[test]
    fn an_event_whose_attributes_are_headers_has_its_new_id_there() {
        let record = record(r#"{"title":" "}"#, &[("ce_id", "e-1"), ("ce_type", "t")]);
        let correct = Correct {
            key: Identifier::parse("t-1").ok(),
            ..step(r#"{"title":"Lanterns"}"#)
        };
        let (sent, event) = edited(&record, &correct).unwrap();
        assert_eq!(sent.headers[0].1.as_deref(), Some(event.as_bytes()));
        assert_eq!(sent.headers[1], record.headers[1]);
        assert_eq!(sent.value.as_deref(), Some(&br#"{"title":"Lanterns"}"#[..]));
        assert_eq!(sent.key.as_deref(), Some(&b"t-1"[..]));
    }

    #[test]
    fn what_is_no_event_is_not_sent() {
        let event = record("{}", &[]);
        for wrong in ["", "[]", "{"] {
            assert!(edited(&event, &step(wrong)).is_err(), "{wrong}");
        }
        let message = DeadLetter {
            topic: "render-queue".to_owned(),
            ..event
        };
        assert!(edited(&message, &step("{}")).is_err());
    }
}

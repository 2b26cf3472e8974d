//! What a team is told of: the event that Kafka has of the end of a job.

use contract::{Identifier, Time, Topic};
use serde::Deserialize;
use store::OutboxEntry;

/// The end of a job that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedJob {
    /// The event's id: the same each time a team is told.
    pub event: String,
    /// The tenant whose job it is.
    pub tenant: Identifier,
    /// When it failed.
    pub at: Time,
    /// The event `render-job.failed` as Kafka has it, byte by byte.
    pub body: String,
}

/// An end says something that is no event of ours.
#[derive(Debug, thiserror::Error)]
#[error("the end of the job holds no event that can be read")]
pub(crate) struct NoEvent(#[source] serde_json::Error);

/// The members of the event that the function itself needs.
#[derive(Deserialize)]
struct Envelope {
    id: String,
    time: Time,
    subject: Identifier,
}

impl FailedJob {
    /// The failure that `end` tells of; `None` if it tells of none, or of none any more: an erasure
    /// blanks the ends of a tenant's jobs.
    pub(crate) fn of(end: &OutboxEntry) -> Result<Option<Self>, NoEvent> {
        let mut events = end.events.iter();
        let Some(event) = events.find(|event| event.topic == Topic::RenderJobFailed) else {
            return Ok(None);
        };
        let Envelope { id, time, subject } = serde_json::from_str(&event.value).map_err(NoEvent)?;
        Ok(Some(Self {
            event: id,
            tenant: subject,
            at: time,
            body: event.value.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use domain::{JobId, OutboundEvent, derive};
    use store::Key;

    use super::*;

    const EXAMPLE: &str =
        include_str!("../../../events/eventzr.studio.render-job.failed.v1/example.json");

    fn end(topic: Topic, value: &str) -> OutboxEntry {
        let key = Key::end(JobId(derive(&[b"a job"])));
        let mut end = OutboxEntry::of_erased_tenant(key, "end".to_owned());
        end.events.push(OutboundEvent {
            topic,
            key: "tenant".to_owned(),
            value: value.to_owned(),
            trace: None,
        });
        end
    }

    #[test]
    fn a_team_is_told_the_bytes_that_kafka_has_under_the_events_id() {
        let example: serde_json::Value = serde_json::from_str(EXAMPLE).unwrap();
        let told = FailedJob::of(&end(Topic::RenderJobFailed, EXAMPLE));
        let told = told.unwrap().unwrap();
        assert_eq!(told.body, EXAMPLE);
        assert_eq!(told.event, example["id"].as_str().unwrap());
        assert_eq!(told.tenant.as_str(), example["subject"].as_str().unwrap());
        assert_eq!(told.at.to_string(), example["time"].as_str().unwrap());
    }

    #[test]
    fn of_another_end_and_of_a_blanked_one_nothing_is_told() {
        let other = end(Topic::RenderJobCompleted, EXAMPLE);
        assert_eq!(FailedJob::of(&other).unwrap(), None);
        let mut blanked = end(Topic::RenderJobFailed, EXAMPLE);
        blanked.events.clear();
        assert_eq!(FailedJob::of(&blanked).unwrap(), None);
        assert!(FailedJob::of(&end(Topic::RenderJobFailed, "{}")).is_err());
    }
}

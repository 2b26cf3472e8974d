//! Judges an event as its consumer will, before anything is started.

use base64_simd::STANDARD as BASE64;
use contract::{Time, Topic};
use domain::{Planning, ProviderRouting, plan};
use intake::{BatchError, Examined, ReadEvent, examine};
use serde_json::json;

use crate::input::{Event, STRUCTURED};

/// How long the consumer would wait for a job. Its value does not change the judgement.
const DEADLINE_SECONDS: u32 = 900;

/// Why the consumer would make a dead letter of `event` on a stack that knows nothing yet, at the
/// time `now`. `None` if it would take it.
pub(super) fn dead_letter(event: &Event, now: Time) -> Option<String> {
    let examined = examined(event.topic, &batch(event));
    // Neither happens: the batch is ours, and the topic has a consumer.
    let record = examined?.ok()?.pop()?;
    match record.examination {
        Err(dead_letter) => Some(dead_letter.cause),
        Ok(read) => refused(&read, now),
    }
}

/// Why the event cannot be planned.
fn refused(read: &ReadEvent, now: Time) -> Option<String> {
    let routing = ProviderRouting::default();
    let planning = Planning {
        now,
        deadline: now.plus_seconds(DEADLINE_SECONDS),
        routing: &routing,
    };
    let planned = plan(None, &read.inbound, &read.description, planning);
    planned.err().map(|error| error.to_string())
}

/// The event's record as a batch of its own, as the mapping sends it.
fn batch(event: &Event) -> String {
    let base64 = |bytes: &[u8]| BASE64.encode_to_string(bytes);
    let (name, value) = STRUCTURED;
    let partition = format!("{}-0", event.topic);
    json!({
        "eventSource": "aws:kafka",
        "records": { partition: [{
            "topic": event.topic.as_str(),
            "partition": 0,
            "offset": 0,
            "key": event.key.as_deref().map(|key| base64(key.as_bytes())),
            "value": event.value.as_deref().map(base64),
            "headers": [{ name: value }],
        }] },
    })
    .to_string()
}

/// Each record of a batch as the function that consumes `topic` reads it.
fn examined(topic: Topic, batch: &str) -> Option<Result<Vec<Examined>, BatchError>> {
    Some(match topic {
        Topic::EventCreated => examine(topic, event_created::describe, batch),
        Topic::EventPublished => examine(topic, event_published::describe, batch),
        Topic::CmsPublished => examine(topic, cms_published::describe, batch),
        Topic::CampaignLaunched => examine(topic, campaign_launched::describe, batch),
        Topic::RenderJobCreated
        | Topic::RenderJobCompleted
        | Topic::RenderJobFailed
        | Topic::TemplateCreated
        | Topic::TemplateUpdated
        | Topic::VoiceModelCreated
        | Topic::VoiceModelReady => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;
    use crate::checkout::Checkout;

    fn now() -> Time {
        Time::new("2026-11-27T09:30:00Z".parse().expect("a time"))
    }

    /// The example of a topic, with its time a minute before [`now`].
    fn example(topic: Topic) -> Value {
        let checkout = Checkout::find().expect("the tests run in a checkout");
        let text = fs::read(checkout.example(topic)).expect("each topic has an example");
        let mut event: Value = serde_json::from_slice(&text).expect("JSON");
        event["time"] = "2026-11-27T09:29:00Z".into();
        event
    }

    fn judged(event: &Value) -> Option<String> {
        let event = Event::of("my.json", event.to_string().into_bytes()).expect("a topic");
        dead_letter(&event, now())
    }

    #[test]
    fn each_example_is_foreseen_to_be_taken() {
        for topic in Topic::consumed() {
            assert_eq!(judged(&example(topic)), None, "{topic}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_event_is_foreseen_in_its_consumers_words() {
        let wrong = |member: &str, value: Value| {
            let mut event = example(Topic::EventCreated);
            let place = event.pointer_mut(member).expect("the example has it");
            *place = value;
            judged(&event).unwrap_or_else(|| panic!("{member} is taken"))
        };
        let causes = [
            wrong("/data/startsAt", json!("tomorrow")),
            wrong("/data/title", json!(42)),
            wrong("/subject", json!("tenant-of-another")),
            wrong("/time", json!("2026-08-01T00:00:00Z")),
            wrong("/time", json!("2031-01-01T00:00:00Z")),
        ];
        insta::assert_snapshot!(causes.join("\n"));
    }

    #[test]
    fn what_is_no_event_at_all_is_foreseen_too() {
        for (bytes, cause) in [
            (&b""[..], "tombstone"),
            (b"{", "not JSON"),
            (b"[]", "not an object"),
        ] {
            let event = Event::of("my.json", bytes.to_vec()).expect("judged by the function");
            let found = dead_letter(&event, now()).expect("no event");
            assert!(found.contains(cause), "{found}");
        }
    }
}

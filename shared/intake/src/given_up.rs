//! What the mapping gave up → the records in it. AWS puts one object for each batch into the on-failure destination, with the whole event
//! as an escaped JSON string (docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html).

use events::Time;
use jiff::Timestamp;
use journal::SetAside;
use serde::Deserialize;

use crate::{
    batch::{self, BatchError},
    examine::set_aside,
};

/// A batch that the mapping gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// When it did.
    pub at: Time,
    /// Its records, to be set aside.
    pub records: Vec<SetAside>,
}

/// Some text is not what the mapping leaves behind.
#[derive(Debug, thiserror::Error)]
pub enum GivenUpError {
    /// It is not the envelope that AWS documents.
    #[error("it is not an envelope as the mapping writes it")]
    Envelope(#[source] serde_json::Error),
    /// The event in it is not a batch.
    #[error("its payload cannot be read")]
    Payload(#[source] BatchError),
}

/// The envelope, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    request_context: RequestContext,
    timestamp: Timestamp,
    payload: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    condition: String,
    approximate_invoke_count: u32,
}

impl RequestContext {
    /// Why a record of the batch is set aside.
    fn cause(&self) -> String {
        let condition = &self.condition;
        match self.approximate_invoke_count {
            0 => format!("the mapping gave it up and never sent it: {condition}"),
            1 => format!("the mapping gave it up after 1 invocation: {condition}"),
            count => format!("the mapping gave it up after {count} invocations: {condition}"),
        }
    }
}

/// Reads what the mapping left in a bucket for a batch that it gave up.
///
/// # Errors
/// A [`GivenUpError`]; no record of it is known then.
pub fn given_up(envelope: &str) -> Result<GivenUp, GivenUpError> {
    let envelope: Envelope = serde_json::from_str(envelope).map_err(GivenUpError::Envelope)?;
    let cause = envelope.request_context.cause();
    let partitions = batch::parse(&envelope.payload).map_err(GivenUpError::Payload)?;
    let records = partitions.iter().flat_map(|partition| &partition.records);
    let records = records.map(|record| set_aside(record, &cause)).collect();
    Ok(GivenUp { at: Time::new(envelope.timestamp), records })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn envelope(condition: &str, invocations: u32, event: &str) -> String {
        json!({
            "requestContext": { "requestId": "316aa6d0", "functionArn": "arn", "condition": condition,
                "approximateInvokeCount": invocations },
            "responseContext": null, "version": "1.0", "timestamp": "2019-11-14T00:38:06.021Z",
            "KafkaBatchInfo": { "batchSize": 1 },
            "payload": event,
        })
        .to_string()
    }

    #[test]
    fn each_record_of_a_batch_that_was_given_up_is_there_with_why() {
        let event = json!({ "records": {
            "eventzr.event.created.v1-3": [
                { "offset": 7, "timestamp": 5, "key": "dA==", "value": "e30=", "headers": [{ "a": [-61, -87] }] },
                { "offset": 8, "value": "***" },
            ],
            "eventzr.event.created.v1-4": [{ "offset": 1 }],
        } });
        let given_up = given_up(&envelope("RetryAttemptsExhausted", 12, &event.to_string())).unwrap();
        assert_eq!(given_up.at.to_string(), "2019-11-14T00:38:06.021Z");
        let [first, unread, tombstone] = &given_up.records[..] else { panic!("{given_up:?}") };
        assert_eq!(first.cause, "the mapping gave it up after 12 invocations: RetryAttemptsExhausted");
        assert_eq!((first.partition, first.offset, first.timestamp), (3, 7, Some(5)));
        assert_eq!((first.key.as_deref(), first.value.as_deref()), (Some(&b"t"[..]), Some(&b"{}"[..])));
        assert_eq!(first.headers, [("a".to_owned(), Some("é".as_bytes().to_vec()))]);
        assert_eq!(unread.unread.as_deref(), Some(r#"{"offset":8,"value":"***"}"#));
        assert_eq!((tombstone.partition, tombstone.value.as_ref()), (4, None));
    }

    #[test]
    fn one_that_was_never_sent_says_so() {
        let event = r#"{"records":{"t-0":[{"offset":1}]}}"#;
        let given_up = given_up(&envelope("MaximumPayloadSizeExceeded", 0, event)).unwrap();
        assert_eq!(given_up.records[0].cause, "the mapping gave it up and never sent it: MaximumPayloadSizeExceeded");
    }

    #[test]
    fn what_is_no_envelope_is_refused_as_a_whole() {
        assert!(matches!(given_up("{}"), Err(GivenUpError::Envelope(_))));
        assert!(matches!(given_up(&envelope("x", 1, "{}")), Err(GivenUpError::Payload(_))));
    }
}

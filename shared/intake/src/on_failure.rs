//! Reads the records of an on-failure envelope. AWS writes one object for each batch to the
//! on-failure destination, with the whole event as an escaped JSON string
//! (docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html).

use contract::Time;
use dead_letters::DeadLetter;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    batch::{self, Batch, BatchError},
    examine::dead_letter,
};

/// A batch that the mapping gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnFailureBatch {
    /// When it gave up.
    pub at: Time,
    /// Its records, as dead letters.
    pub records: Vec<DeadLetter>,
}

/// Text that is not an on-failure envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It does not have the format that AWS documents.
    #[error("it is not an envelope as the mapping writes it")]
    Envelope(#[source] serde_json::Error),
    /// Its payload is not a batch.
    #[error("its payload cannot be read")]
    Payload(#[source] BatchError),
}

/// The fields of the envelope that are read.
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
    /// The cause for the dead letters of the batch.
    fn cause(&self) -> String {
        let condition = &self.condition;
        match self.approximate_invoke_count {
            0 => format!("the mapping gave it up and never sent it: {condition}"),
            1 => format!("the mapping gave it up after 1 invocation: {condition}"),
            count => format!("the mapping gave it up after {count} invocations: {condition}"),
        }
    }
}

/// Reads the envelope that the mapping wrote to a bucket for a batch that it gave up.
///
/// # Errors
/// An [`EnvelopeError`]; then no record of the batch is known.
pub fn read_envelope(envelope: &str) -> Result<OnFailureBatch, EnvelopeError> {
    let envelope: Envelope = serde_json::from_str(envelope).map_err(EnvelopeError::Envelope)?;
    let cause = envelope.request_context.cause();
    let Batch { partitions, .. } =
        batch::parse(&envelope.payload).map_err(EnvelopeError::Payload)?;
    let records = partitions.iter().flat_map(|partition| &partition.records);
    let records = records.map(|record| dead_letter(record, &cause)).collect();
    Ok(OnFailureBatch {
        at: Time::new(envelope.timestamp),
        records,
    })
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
    fn an_on_failure_envelope_gives_each_record_with_its_cause() {
        let event = json!({ "records": {
            "eventzr.event.created.v1-3": [
                { "offset": 7, "timestamp": 5, "key": "dA==", "value": "e30=", "headers": [{ "a": [-61, -87] }] },
                { "offset": 8, "value": "***" },
            ],
            "eventzr.event.created.v1-4": [{ "offset": 1 }],
        } });
        let batch =
            read_envelope(&envelope("RetryAttemptsExhausted", 12, &event.to_string())).unwrap();
        assert_eq!(batch.at.to_string(), "2019-11-14T00:38:06.021Z");
        let [first, unread, tombstone] = &batch.records[..] else {
            panic!("{batch:?}")
        };
        assert_eq!(
            first.cause,
            "the mapping gave it up after 12 invocations: RetryAttemptsExhausted"
        );
        assert_eq!(
            (first.partition, first.offset, first.timestamp),
            (3, 7, Some(5))
        );
        assert_eq!(
            (first.key.as_deref(), first.value.as_deref()),
            (Some(&b"t"[..]), Some(&b"{}"[..]))
        );
        assert_eq!(
            first.headers,
            [("a".to_owned(), Some("é".as_bytes().to_vec()))]
        );
        assert_eq!(
            unread.unread.as_deref(),
            Some(r#"{"offset":8,"value":"***"}"#)
        );
        assert_eq!((tombstone.partition, tombstone.value.as_ref()), (4, None));
    }

    #[test]
    fn the_cause_says_if_a_batch_was_never_sent() {
        let event = r#"{"records":{"t-0":[{"offset":1}]}}"#;
        let batch = read_envelope(&envelope("MaximumPayloadSizeExceeded", 0, event)).unwrap();
        assert_eq!(
            batch.records[0].cause,
            "the mapping gave it up and never sent it: MaximumPayloadSizeExceeded"
        );
    }

    #[test]
    fn text_that_is_not_an_envelope_is_refused() {
        assert!(matches!(
            read_envelope("{}"),
            Err(EnvelopeError::Envelope(_))
        ));
        assert!(matches!(
            read_envelope(&envelope("x", 1, "{}")),
            Err(EnvelopeError::Payload(_))
        ));
    }
}

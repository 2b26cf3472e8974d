//! The poller's outgoing calls: invocations of the function, and deliveries to the on-failure
//! destination.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{StalledStreamProtectionConfig, http::HttpResponse};
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::RequestId;
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use bytes::Bytes;
use futures::future::try_join_all;
use jiff::Timestamp;
use kafka_client::{Cluster, Message};

use super::action::{Answer, Discard, Outcome};
use super::destination::{failed_batch, failed_records};
use super::error::chain;
use super::mapping::{Destination, Mapping};
use super::payload::Frame;

/// How a report begins that says why records are not at their on-failure destination yet.
pub const NOT_DELIVERED: &str = "on-failure destination";

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Invokes `function` synchronously with an event, once. The client neither retries nor times out:
/// a function may run for 14 minutes, and a hidden retry would be an attempt that the mapping does
/// not count.
pub async fn invoke(lambda: &aws_sdk_lambda::Client, function: &str, event: Vec<u8>) -> Outcome {
    let patient = aws_sdk_lambda::Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let invocation = lambda
        .invoke()
        .function_name(function)
        .payload(Blob::new(event));
    match invocation.customize().config_override(patient).send().await {
        Ok(output) => Outcome::Answered {
            answer: Answer {
                request_id: output.request_id().map(str::to_owned),
                status: output.status_code(),
                executed_version: output.executed_version().map(str::to_owned),
                function_error: output.function_error().map(str::to_owned),
            },
            body: output.payload.map(Blob::into_inner).unwrap_or_default(),
        },
        Err(error) => not_taken(&error),
    }
}

fn not_taken(error: &SdkError<InvokeError, HttpResponse>) -> Outcome {
    // Status 429 is TooManyRequestsException, whatever the body says.
    match error
        .raw_response()
        .map(|response| response.status().as_u16())
    {
        Some(429) => Outcome::Throttled,
        _ => Outcome::NotReached {
            reason: chain(error),
        },
    }
}

/// Delivers one mapping's discarded records.
pub struct Delivery {
    mapping: Arc<Mapping>,
    frame: Arc<Frame>,
    s3: aws_sdk_s3::Client,
    cluster: Cluster,
}

impl Delivery {
    /// Creates the delivery to the mapping's destination.
    pub fn new(
        mapping: Arc<Mapping>,
        frame: Arc<Frame>,
        s3: aws_sdk_s3::Client,
        cluster: Cluster,
    ) -> Self {
        Self {
            mapping,
            frame,
            s3,
            cluster,
        }
    }

    /// Delivers records that were discarded `at`, and retries until it succeeds. Until then it
    /// holds their partitions, and reports every failure to `trouble`. (AWS does not document what
    /// it does then; here no record is lost silently.) Returns where the records went, or `None` if
    /// there is no destination.
    pub async fn deliver(
        &self,
        discard: &Discard,
        at: Timestamp,
        trouble: impl Fn(String),
    ) -> Option<String> {
        let destination = self.mapping.destination.as_ref()?;
        let mut pause = FIRST_PAUSE;
        loop {
            let delivered = match destination {
                Destination::S3 { bucket } => self.put(bucket, discard, at).await,
                Destination::Kafka { topic } => self.produce(topic, discard, at).await,
            };
            match delivered {
                Ok(place) => return Some(place),
                Err(problem) => trouble(format!("{NOT_DELIVERED}: {problem}")),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn put(&self, bucket: &str, discard: &Discard, at: Timestamp) -> Result<String, String> {
        let batch = failed_batch(&self.mapping, &self.frame, discard, at);
        let put = self
            .s3
            .put_object()
            .bucket(bucket)
            .key(&batch.key)
            .content_type("application/json");
        match put.body(batch.body.into()).send().await {
            Ok(_) => Ok(format!("s3://{bucket}/{}", batch.key)),
            Err(error) => Err(chain(&error)),
        }
    }

    async fn produce(
        &self,
        topic: &str,
        discard: &Discard,
        at: Timestamp,
    ) -> Result<String, String> {
        // "The same partition key": without a partition, the key decides the partition as in Java's
        // client.
        let messages = failed_records(&self.mapping, &self.frame, discard, at)
            .into_iter()
            .map(|record| Message {
                topic: topic.to_owned(),
                key: record.key.map(Bytes::from),
                value: Some(record.body.into()),
                ..Message::default()
            });
        try_join_all(messages.map(|message| self.cluster.publish(message)))
            .await
            .map_err(|error| error.to_string())?;
        Ok(format!("kafka://{topic}"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hyper::Response;

    use super::*;
    use crate::poller::tests::{lambda_at, serve};

    /// The outcome of one invocation with a client that by default would retry and time out early,
    /// and the number of its calls.
    async fn outcome(status: u16, kind: &'static str) -> (Outcome, usize) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let answer = move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let answer = Response::builder()
                    .status(status)
                    .header("x-amzn-errortype", kind);
                answer.body("null".into()).unwrap()
            }
        };
        let impatient = TimeoutConfig::builder()
            .operation_timeout(Duration::from_millis(100))
            .operation_attempt_timeout(Duration::from_millis(100))
            .read_timeout(Duration::from_millis(100))
            .build();
        let lambda = lambda_at(serve(answer).await)
            .timeout_config(impatient)
            .retry_config(RetryConfig::standard());
        let outcome = invoke(
            &aws_sdk_lambda::Client::from_conf(lambda.build()),
            "function-arn",
            b"{}".to_vec(),
        )
        .await;
        (outcome, calls.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn an_invocation_is_one_call_without_a_timeout() {
        let (answered, calls) = outcome(200, "").await;
        assert!(
            matches!(&answered, Outcome::Answered { body, .. } if body == b"null"),
            "{answered:?}"
        );
        assert_eq!(calls, 1);
        assert_eq!(
            outcome(429, "TooManyRequestsException").await,
            (Outcome::Throttled, 1)
        );
        let (failed, calls) = outcome(503, "ServiceException").await;
        assert!(
            matches!(&failed, Outcome::NotReached { reason } if reason.len() < 300),
            "{failed:?}"
        );
        assert_eq!(calls, 1);
    }
}

//! Handles a request of the custom resource. CloudFormation invokes the function and waits for an
//! answer at a given URL, in the form that its User Guide documents ("Custom resource response
//! objects").

use std::{collections::BTreeMap, time::Duration};

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::HttpConnector as _,
        orchestrator::{HttpRequest, HttpResponse},
    },
};
use aws_smithy_types::body::SdkBody;
use contract::Topic;
use kafka::{Ensured, TopicSettings, TopicsError};
use runtime::{ConfigError, chain};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::{App, answer_url::AnswerUrl, error::ProvideError};

/// The resource's physical id, which must never change: CloudFormation would take another id for a
/// new resource and delete this one.
const NAME: &str = "studio-kafka-topics";

/// The number of attempts to answer CloudFormation. Without an answer it waits for minutes and then
/// rolls back everything.
const TRIES: u32 = 3;

/// The longest time that an attempt may take.
const WITHIN: Duration = Duration::from_secs(10);

/// The longest time for the brokers. CloudFormation waits for 240 s in all.
const BROKERS_AT_MOST: Duration = Duration::from_secs(150);

/// What is kept of an invocation's time to tell CloudFormation the result: all attempts, and the
/// pauses between them.
const TO_TELL: Duration = Duration::from_secs(40);

/// The longest reason in characters; an answer may have 4 KiB.
const LONGEST_REASON: usize = 1000;

/// CloudFormation's request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TopicsRequest {
    request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    /// Parsed later, so that an error in it can be reported to CloudFormation.
    resource_properties: Value,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// The properties in the template. CloudFormation turns every value into a string. They are those
/// of the function's own environment: an invoker may write a request, and not what topics keep.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TopicsProperties {
    #[serde(deserialize_with = "number")]
    partitions: u32,
    #[serde(deserialize_with = "number")]
    retention_hours: u32,
    /// 0 means the brokers' default.
    #[serde(deserialize_with = "number")]
    min_in_sync_replicas: u32,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("`{text}` is not a whole number")))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TopicsResponse<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'static str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

/// Why the topics do not match the template.
#[derive(Debug, thiserror::Error)]
enum NotProvided {
    #[error("reading the resource's properties: {0}")]
    Properties(#[source] serde_json::Error),
    #[error(
        "the request asks for other topics than the template gives the function: deploy what is wanted"
    )]
    NotDeployed,
    #[error(transparent)]
    Topics(#[from] TopicsError),
}

/// Handles CloudFormation's request in the time that is `left` of the invocation, and reports the
/// result to it. The function itself fails only if that report cannot be sent. It does nothing for a
/// request whose answer may go nowhere.
pub(crate) async fn provide(
    app: &App,
    asked: &TopicsRequest,
    left: Duration,
) -> Result<(), ProvideError> {
    let until = Instant::now() + for_the_brokers(left);
    let url = AnswerUrl::parse(&asked.response_url, app.answers_to)?;
    let provided = match asked.request_type {
        RequestType::Create | RequestType::Update => {
            // Boxed, because the compiler computes the layout of all that is awaited in one piece,
            // and to a limited depth.
            Box::pin(ensure(app, &asked.resource_properties, until)).await
        }
        // The topics belong to their readers too, and outlive the stack like its table.
        RequestType::Delete => Ok(BTreeMap::new()),
    };
    let reason = match &provided {
        Ok(topics) => {
            let of = |became| topics.iter().filter(move |(_, is)| **is == became).count();
            let (made, changed, left) =
                (of(Ensured::Made), of(Ensured::Changed), of(Ensured::Left));
            tracing::info!(made, changed, left, "topics are as the template says");
            None
        }
        Err(error) => {
            tracing::error!("topics are not as the template says: {}", chain(error));
            Some(
                chain(error)
                    .chars()
                    .take(LONGEST_REASON)
                    .collect::<String>(),
            )
        }
    };
    tell(&app.https, &url, asked, reason.as_deref()).await
}

/// The time for the brokers, if this is `left` of the invocation.
fn for_the_brokers(left: Duration) -> Duration {
    left.saturating_sub(TO_TELL).min(BROKERS_AT_MOST)
}

async fn ensure(
    app: &App,
    properties: &Value,
    until: Instant,
) -> Result<BTreeMap<Topic, Ensured>, NotProvided> {
    let properties = TopicsProperties::deserialize(properties).map_err(NotProvided::Properties)?;
    let wanted = TopicSettings {
        partitions: properties.partitions,
        retention_hours: properties.retention_hours,
        min_insync_replicas: (properties.min_in_sync_replicas > 0)
            .then_some(properties.min_in_sync_replicas),
    };
    if wanted != app.wanted {
        return Err(NotProvided::NotDeployed);
    }
    Ok(app.topics.ensure(wanted, until).await?)
}

/// The topics of the template: `TOPIC_PARTITIONS`, `TOPIC_RETENTION_HOURS` and
/// `TOPIC_MIN_IN_SYNC_REPLICAS` (0 means the brokers' default).
pub(crate) fn wanted() -> Result<TopicSettings, ConfigError> {
    let replicas: u32 = number_of("TOPIC_MIN_IN_SYNC_REPLICAS")?;
    Ok(TopicSettings {
        partitions: number_of("TOPIC_PARTITIONS")?,
        retention_hours: number_of("TOPIC_RETENTION_HOURS")?,
        min_insync_replicas: (replicas > 0).then_some(replicas),
    })
}

fn number_of(name: &'static str) -> Result<u32, ConfigError> {
    runtime::number(name, "a whole number")
}

/// Puts the answer to the URL that CloudFormation gave. No content type is set, because the URL's
/// signature has none.
async fn tell(
    https: &Connector,
    url: &AnswerUrl,
    asked: &TopicsRequest,
    reason: Option<&str>,
) -> Result<(), ProvideError> {
    let told = TopicsResponse {
        status: if reason.is_some() {
            "FAILED"
        } else {
            "SUCCESS"
        },
        reason,
        physical_resource_id: NAME,
        stack_id: &asked.stack_id,
        request_id: &asked.request_id,
        logical_resource_id: &asked.logical_resource_id,
    };
    let body = serde_json::to_string(&told).expect("strings are JSON");
    for tries in 1.. {
        match put(https, url, body.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) if tries == TRIES => return Err(error),
            Err(error) => tracing::warn!(
                "CloudFormation was not told, and is told again: {}",
                chain(&error)
            ),
        }
        sleep(Duration::from_secs(1)).await;
    }
    unreachable!("the tries end")
}

async fn put(https: &Connector, url: &AnswerUrl, body: String) -> Result<(), ProvideError> {
    let sent = send(https, url, body).await;
    let status = sent.map_err(ProvideError::NotSent)?.status();
    match status.is_success() {
        true => Ok(()),
        false => Err(ProvideError::NotTaken {
            host: url.host(),
            status,
        }),
    }
}

/// Sends one request. No redirect is followed: S3 redirects no presigned URL, and where another
/// server points to was not checked. No error has the URL, because anyone who has it can answer.
async fn send(https: &Connector, url: &AnswerUrl, body: String) -> Result<HttpResponse, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("PUT")?;
    request.set_uri(url.as_str())?;
    Ok(timeout(WITHIN, https.call(request)).await??)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn properties_are_numbers_in_strings() {
        let properties = |partitions: Value| json!({ "ServiceToken": "arn", "Partitions": partitions, "RetentionHours": "168", "MinInSyncReplicas": "0" });
        let read = TopicsProperties::deserialize(properties("12".into())).unwrap();
        assert_eq!(
            (
                read.partitions,
                read.retention_hours,
                read.min_in_sync_replicas
            ),
            (12, 168, 0)
        );
        let error = TopicsProperties::deserialize(properties("a dozen".into())).unwrap_err();
        assert_eq!(error.to_string(), "`a dozen` is not a whole number");
    }

    #[test]
    fn cloudformation_is_told_before_the_function_or_its_own_wait_ends() {
        const CLOUDFORMATION_WAITS: Duration = Duration::from_secs(240);
        let telling = (WITHIN + Duration::from_secs(1)) * TRIES;
        assert!(telling <= TO_TELL, "{telling:?}");
        for (left, brokers) in [
            (300, 150),
            (200, 150),
            (190, 150),
            (60, 20),
            (40, 0),
            (0, 0),
        ] {
            let left = Duration::from_secs(left);
            let time = for_the_brokers(left);
            assert_eq!(time, Duration::from_secs(brokers));
            assert!(time + TO_TELL <= left.max(TO_TELL) && time + TO_TELL < CLOUDFORMATION_WAITS);
        }
    }

    #[test]
    fn an_answer_has_the_form_that_cloudformation_documents() {
        let told = TopicsResponse {
            status: "FAILED",
            reason: Some("why"),
            physical_resource_id: NAME,
            stack_id: "s",
            request_id: "r",
            logical_resource_id: "KafkaTopics",
        };
        let expected = json!({ "Status": "FAILED", "Reason": "why", "PhysicalResourceId": "studio-kafka-topics", "StackId": "s", "RequestId": "r",
            "LogicalResourceId": "KafkaTopics" });
        assert_eq!(serde_json::to_value(told).unwrap(), expected);
    }
}

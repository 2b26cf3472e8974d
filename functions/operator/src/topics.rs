//! Topics: what CloudFormation asks of the custom resource `Custom::KafkaTopics`. It asks a
//! function, and waits for an answer at an address that it gives, in the form that it documents
//! (User Guide, "Custom resource response objects").

use std::{collections::BTreeMap, time::Duration};

use contract::Topic;
use kafka::{Ensured, TopicSettings, TopicsError};
use runtime::chain;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use tokio::time::sleep;

use crate::{Operator, step::StepError};

/// The resource's own name, which never changes: CloudFormation would take another one for another
/// resource, and delete this one.
const NAME: &str = "studio-kafka-topics";

/// How often CloudFormation is told. Whatever it does not hear it waits for, for minutes, and then
/// takes back all that it did.
const TRIES: u32 = 3;

/// The longest reason that is given, in characters: an answer may be 4 KiB.
const LONGEST_REASON: usize = 1000;

/// What CloudFormation asks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Asked {
    request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    /// Read by itself: whatever it is, CloudFormation is told.
    resource_properties: Value,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// What the template says. CloudFormation makes every value a string.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    #[serde(deserialize_with = "number")]
    partitions: u32,
    #[serde(deserialize_with = "number")]
    retention_hours: u32,
    /// 0 is as the brokers have it.
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
struct Told<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'static str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

/// Why the topics are not as the template says.
#[derive(Debug, thiserror::Error)]
enum NotProvided {
    #[error("reading the resource's properties: {0}")]
    Properties(#[source] serde_json::Error),
    #[error(transparent)]
    Topics(#[from] TopicsError),
}

/// Does what CloudFormation asks, and tells it how that ended. Only that it could not be told is a
/// failure of the function.
pub(crate) async fn provide(operator: &Operator, asked: &Asked) -> Result<(), StepError> {
    let provided = match asked.request_type {
        RequestType::Create | RequestType::Update => {
            ensure(operator, &asked.resource_properties).await
        }
        // They are other teams' to read, and outlive the stack as its table does.
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
    tell(asked, reason.as_deref()).await
}

async fn ensure(
    operator: &Operator,
    properties: &Value,
) -> Result<BTreeMap<Topic, Ensured>, NotProvided> {
    let properties = Properties::deserialize(properties).map_err(NotProvided::Properties)?;
    let wanted = TopicSettings {
        partitions: properties.partitions,
        retention_hours: properties.retention_hours,
        min_insync_replicas: (properties.min_in_sync_replicas > 0)
            .then_some(properties.min_in_sync_replicas),
    };
    Ok(operator.topics.ensure(wanted).await?)
}

/// Puts the answer where CloudFormation looks for it. The address is signed for no type of content.
async fn tell(asked: &Asked, reason: Option<&str>) -> Result<(), StepError> {
    let told = Told {
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
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()?;
    for tries in 1.. {
        let put = client
            .put(&asked.response_url)
            .body(body.clone())
            .send()
            .await;
        // The address lets whoever has it answer: it is in no error.
        match put
            .and_then(reqwest::Response::error_for_status)
            .map_err(reqwest::Error::without_url)
        {
            Ok(_) => return Ok(()),
            Err(error) if tries == TRIES => return Err(error.into()),
            Err(error) => tracing::warn!(
                "CloudFormation was not told, and is told again: {}",
                chain(&error)
            ),
        }
        sleep(Duration::from_secs(1)).await;
    }
    unreachable!("the tries end")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn properties_are_strings_and_what_is_no_number_is_named() {
        let properties = |partitions: Value| json!({ "ServiceToken": "arn", "Partitions": partitions, "RetentionHours": "168", "MinInSyncReplicas": "0" });
        let read = Properties::deserialize(properties("12".into())).unwrap();
        assert_eq!(
            (
                read.partitions,
                read.retention_hours,
                read.min_in_sync_replicas
            ),
            (12, 168, 0)
        );
        let error = Properties::deserialize(properties("a dozen".into())).unwrap_err();
        assert_eq!(error.to_string(), "`a dozen` is not a whole number");
    }

    #[test]
    fn an_answer_is_what_cloudformation_reads() {
        let told = Told {
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

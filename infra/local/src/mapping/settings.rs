//! A mapping's settings, read once from the deployed stack.
//!
//! There are two sources, because an emulator's record of a mapping may lack Kafka's own settings
//! (topics, consumer group, pollers) and fills missing numbers with the defaults of queues. The
//! processed template has the requested settings. The record has the resolved function, cluster and
//! destination.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use aws_sdk_lambda::types::{
    EventSourceMappingConfiguration, EventSourcePosition, FunctionResponseType,
};
use serde_json::Value;

use super::error::{Error, chain};
use super::template::{Properties, Template};
use crate::aws::{Aws, QueryService, members};

/// The number of retries that Lambda applies if they are infinite and there is an on-failure
/// destination (docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html).
const RETRIES_WITH_DESTINATION: u32 = 10;

/// The settings in force for one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The mapping's id, a UUID.
    pub uuid: String,
    /// The ARN of the function that the mapping invokes.
    pub function: String,
    /// The ARN of the MSK cluster.
    pub event_source_arn: String,
    /// The mapping's only topic.
    pub topic: String,
    /// The consumer group. It is the mapping's id if the template names none.
    pub consumer_group: String,
    /// The maximum number of records in one invocation, 1 to 10,000. The default is 100.
    pub batch_size: usize,
    /// How long records are gathered, at most 300 s. The default is 500 ms.
    pub window: Duration,
    /// Where a group without committed offsets begins.
    pub start: StartingPosition,
    /// Whether there are provisioned pollers. Without them the error controls below are not in
    /// force, whatever the template says: the whole batch is retried until it succeeds
    /// (kafka-scaling-modes.html).
    pub provisioned: bool,
    /// The maximum number of retries after the first try, 0 to 10,000. `None` is infinite. It is
    /// ten if the template says infinite and there is an on-failure destination.
    pub maximum_retries: Option<u32>,
    /// Records older than this are not sent any more. `None` allows any age.
    pub maximum_age: Option<Duration>,
    /// Whether a batch is split in two on a function error.
    pub bisect: bool,
    /// Whether the function's response may list the records that failed.
    pub report_batch_item_failures: bool,
    /// The destination of discarded records.
    pub destination: Option<Destination>,
    /// Whether the mapping polls at all.
    pub enabled: bool,
}

/// Where a consumer group without committed offsets begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// At the oldest record.
    TrimHorizon,
    /// At the records that arrive after the mapping was created.
    Latest,
    /// At the first record that is not older than this, in milliseconds since the Unix epoch.
    AtTimestamp(i64),
}

/// An on-failure destination that this machine supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// An S3 bucket, by name.
    S3 {
        /// The bucket's name.
        bucket: String,
    },
    /// A topic of the same cluster, by name.
    Kafka {
        /// The topic's name.
        topic: String,
    },
}

/// The Kafka mappings of a deployed stack, in order of logical id.
///
/// # Errors
/// [`Error`] if a service does not answer, or if a mapping has a setting that is not supported
/// here.
pub async fn read_mappings(
    aws: &Aws,
    lambda: &aws_sdk_lambda::Client,
    stack: &str,
) -> Result<Vec<Mapping>, Error> {
    let of_stack = ("StackName", stack);
    let cloudformation = async |operation, fields: &[(&str, &str)]| {
        aws.query(QueryService::CloudFormation, operation, fields)
            .await
    };
    let stacks = cloudformation("DescribeStacks", &[of_stack]).await?;
    let description = members(&stacks["Stacks"]).first().ok_or(Error::NoStack {
        stack: stack.to_owned(),
    })?;
    let template =
        cloudformation("GetTemplate", &[of_stack, ("TemplateStage", "Processed")]).await?;
    let resources = cloudformation("DescribeStackResources", &[of_stack]).await?;
    let records = lambda
        .list_event_source_mappings()
        .into_paginator()
        .items()
        .send();
    let records = records.collect::<Result<Vec<_>, _>>().await;
    let records = records.map_err(|error| Error::Service {
        call: "ListEventSourceMappings",
        reason: chain(&error),
    })?;

    let mut references = BTreeMap::from([("AWS::StackName".to_owned(), stack.to_owned())]);
    if let Some(id) = description["StackId"].as_str() {
        // arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<id>
        let parts = id.split(':').map(str::to_owned);
        let names = [
            None,
            Some("AWS::Partition"),
            None,
            Some("AWS::Region"),
            Some("AWS::AccountId"),
        ];
        references.extend(
            names
                .into_iter()
                .zip(parts)
                .filter_map(|(name, part)| Some((name?.to_owned(), part))),
        );
        references.insert("AWS::StackId".to_owned(), id.to_owned());
    }
    let pairs = |list: &Value, name: &str, value: &str| {
        let text = |item: &Value, field: &str| item[field].as_str().map(str::to_owned);
        let pairs = members(list)
            .iter()
            .filter_map(|item| Some((text(item, name)?, text(item, value)?)));
        pairs.collect::<Vec<_>>()
    };
    references.extend(pairs(
        &resources["StackResources"],
        "LogicalResourceId",
        "PhysicalResourceId",
    ));
    references.extend(pairs(
        &description["Parameters"],
        "ParameterKey",
        "ParameterValue",
    ));
    references.extend(pairs(
        &description["Parameters"],
        "ParameterKey",
        "ResolvedValue",
    ));
    mappings_of(
        template["TemplateBody"].as_str().unwrap_or_default(),
        references,
        &records,
    )
}

fn mappings_of(
    template: &str,
    references: BTreeMap<String, String>,
    records: &[EventSourceMappingConfiguration],
) -> Result<Vec<Mapping>, Error> {
    let physical_ids = references.clone();
    let template =
        Template::parse(template, references).map_err(|reason| Error::Template { reason })?;
    let mut mappings = Vec::new();
    for (logical_id, properties) in template
        .resources_of("AWS::Lambda::EventSourceMapping")
        .map_err(|reason| Error::Template { reason })?
    {
        if !properties.has("Topics") {
            continue; // the mapping of a queue or stream, which the emulator polls itself
        }
        let record = physical_ids
            .get(logical_id)
            .and_then(|id| records.iter().find(|record| record.uuid() == Some(id)));
        let record = record.ok_or_else(|| Error::NotDeployed {
            mapping: logical_id.to_owned(),
        })?;
        mappings.push(
            Reader {
                logical_id,
                properties,
                record,
            }
            .read()?,
        );
    }
    Ok(mappings)
}

/// Combines a mapping's template with its deployed record.
struct Reader<'a> {
    logical_id: &'a str,
    properties: Properties<'a>,
    record: &'a EventSourceMappingConfiguration,
}

impl Reader<'_> {
    fn read(&self) -> Result<Mapping, Error> {
        let record = self.record;
        let source = self
            .known("AmazonManagedKafkaEventSourceConfig")?
            .unwrap_or_default();
        let unsupported = match source.get("SchemaRegistryConfig") {
            Some(_) => Some("SchemaRegistryConfig"),
            None => ["FilterCriteria", "SelfManagedEventSource"]
                .into_iter()
                .find(|name| self.properties.has(name)),
        };
        if let Some(property) = unsupported {
            return Err(Error::NotSupported {
                mapping: self.logical_id.to_owned(),
                what: property.to_owned(),
            });
        }
        let topic = match self
            .known("Topics")?
            .as_ref()
            .and_then(Value::as_array)
            .map(Vec::as_slice)
        {
            Some([Value::String(topic)]) => topic.clone(),
            _ => return Err(self.wrong("Topics", "a list of one topic")),
        };
        let provisioned = self.known("ProvisionedPollerConfig")?.is_some();
        let destination = self.destination(provisioned, &topic)?;
        let batch_size = self
            .number("BatchSize", 1..=10_000, record.batch_size())?
            .unwrap_or(100);
        let window = self.number(
            "MaximumBatchingWindowInSeconds",
            0..=300,
            record.maximum_batching_window_in_seconds(),
        )?;
        let retries = self
            .number(
                "MaximumRetryAttempts",
                -1..=10_000,
                record.maximum_retry_attempts(),
            )?
            .unwrap_or(-1);
        let age = self
            .number(
                "MaximumRecordAgeInSeconds",
                -1..=604_800,
                record.maximum_record_age_in_seconds(),
            )?
            .unwrap_or(-1);
        if (0..60).contains(&age) {
            return Err(self.wrong("MaximumRecordAgeInSeconds", "-1, or 60 to 604800"));
        }
        let uuid = self.of_record("UUID", record.uuid())?;
        Ok(Mapping {
            function: self.of_record("FunctionName", record.function_arn())?,
            event_source_arn: self.of_record("EventSourceArn", record.event_source_arn())?,
            consumer_group: source
                .get("ConsumerGroupId")
                .and_then(Value::as_str)
                .unwrap_or(&uuid)
                .to_owned(),
            topic,
            batch_size: usize::try_from(batch_size).expect("1 to 10,000"),
            window: window.map_or(Duration::from_millis(500), |seconds| {
                Duration::from_secs(seconds.unsigned_abs())
            }),
            start: self.starting_position()?,
            provisioned,
            maximum_retries: match u32::try_from(retries) {
                _ if !provisioned => None,
                Ok(retries) => Some(retries),
                Err(_) => destination.is_some().then_some(RETRIES_WITH_DESTINATION),
            },
            maximum_age: u64::try_from(age)
                .ok()
                .filter(|_| provisioned)
                .map(Duration::from_secs),
            bisect: provisioned
                && self
                    .flag(
                        "BisectBatchOnFunctionError",
                        record.bisect_batch_on_function_error(),
                    )?
                    .unwrap_or(false),
            report_batch_item_failures: provisioned && self.reports()?,
            destination,
            enabled: self
                .flag(
                    "Enabled",
                    Some(!matches!(record.state(), Some("Disabled" | "Disabling"))),
                )?
                .unwrap_or(true),
            uuid,
        })
    }

    fn destination(&self, provisioned: bool, topic: &str) -> Result<Option<Destination>, Error> {
        let config = match self.properties.get("DestinationConfig") {
            Ok(config) => config.and_then(|config| {
                Some(
                    config
                        .get("OnFailure")?
                        .get("Destination")?
                        .as_str()?
                        .to_owned(),
                )
            }),
            Err(_) => self
                .record
                .destination_config()
                .and_then(|config| Some(config.on_failure()?.destination()?.to_owned())),
        };
        let Some(destination) = config.filter(|destination| !destination.is_empty()) else {
            return Ok(None);
        };
        if let Some(to) = destination.strip_prefix("kafka://") {
            // kafka-on-failure-destination.html, "Requirements and limitations".
            return match (provisioned, to == topic) {
                (true, false) => Ok(Some(Destination::Kafka {
                    topic: to.to_owned(),
                })),
                (false, _) => Err(self.wrong(
                    "DestinationConfig",
                    "a Kafka topic only with provisioned pollers",
                )),
                (_, true) => Err(self.wrong(
                    "DestinationConfig",
                    "another topic than the one that is read",
                )),
            };
        }
        match destination.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "s3", _, _, bucket] => Ok(Some(Destination::S3 {
                bucket: (*bucket).to_owned(),
            })),
            ["arn", _, "sqs" | "sns", ..] => {
                let what = format!(
                    "the on-failure destination {destination} (an S3 bucket or kafka://topic is)"
                );
                Err(Error::NotSupported {
                    mapping: self.logical_id.to_owned(),
                    what,
                })
            }
            _ => Err(self.wrong("DestinationConfig", "an ARN or kafka://topic")),
        }
    }

    fn starting_position(&self) -> Result<StartingPosition, Error> {
        let position = match self.properties.get("StartingPosition") {
            Ok(position) => position
                .as_ref()
                .and_then(Value::as_str)
                .map(EventSourcePosition::from),
            Err(_) => self.record.starting_position().cloned(),
        };
        match position {
            Some(EventSourcePosition::TrimHorizon) => Ok(StartingPosition::TrimHorizon),
            Some(EventSourcePosition::Latest) => Ok(StartingPosition::Latest),
            Some(EventSourcePosition::AtTimestamp) => {
                // Seconds since the Unix epoch, with or without a fraction.
                match self
                    .known("StartingPositionTimestamp")?
                    .and_then(|at| at.as_f64().or_else(|| at.as_str()?.parse().ok()))
                {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "milliseconds of any real date fit"
                    )]
                    Some(seconds) => Ok(StartingPosition::AtTimestamp(
                        (seconds * 1000.0).round() as i64
                    )),
                    None => {
                        Err(self.wrong("StartingPositionTimestamp", "seconds since the Unix epoch"))
                    }
                }
            }
            _ => Err(self.wrong("StartingPosition", "TRIM_HORIZON, LATEST or AT_TIMESTAMP")),
        }
    }

    fn reports(&self) -> Result<bool, Error> {
        match self.properties.get("FunctionResponseTypes") {
            Ok(None) => Ok(false),
            Ok(Some(Value::Array(types))) => {
                Ok(types.iter().any(|kind| kind == "ReportBatchItemFailures"))
            }
            Ok(Some(_)) => Err(self.wrong("FunctionResponseTypes", "a list")),
            Err(_) => Ok(self
                .record
                .function_response_types()
                .contains(&FunctionResponseType::ReportBatchItemFailures)),
        }
    }

    /// A property that only the template has.
    fn known(&self, property: &str) -> Result<Option<Value>, Error> {
        let mapping = || self.logical_id.to_owned();
        self.properties
            .get(property)
            .map_err(|reason| Error::Unknown {
                mapping: mapping(),
                property: property.to_owned(),
                reason,
            })
    }

    /// A whole number from the template. If it cannot be resolved there, the record's; `None` if it
    /// is absent. A number that came from a parameter is text.
    fn number(
        &self,
        property: &str,
        range: RangeInclusive<i64>,
        recorded: Option<i32>,
    ) -> Result<Option<i64>, Error> {
        let number = match self.properties.get(property) {
            Ok(None) => return Ok(None),
            Ok(Some(value)) => value.as_i64().or_else(|| value.as_str()?.parse().ok()),
            Err(_) => recorded.map(i64::from),
        };
        match number {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.wrong(
                property,
                &format!("a whole number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    fn flag(&self, property: &str, recorded: Option<bool>) -> Result<Option<bool>, Error> {
        let flag = match self.properties.get(property) {
            Ok(None) => return Ok(None),
            Ok(Some(value)) => value.as_bool().or_else(|| value.as_str()?.parse().ok()),
            Err(_) => recorded,
        };
        flag.map(Some)
            .ok_or_else(|| self.wrong(property, "true or false"))
    }

    fn of_record(&self, property: &str, value: Option<&str>) -> Result<String, Error> {
        value
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| self.wrong(property, "known to Lambda"))
    }

    fn wrong(&self, property: &str, expected: &str) -> Error {
        Error::Wrong {
            mapping: self.logical_id.to_owned(),
            property: property.to_owned(),
            expected: expected.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;

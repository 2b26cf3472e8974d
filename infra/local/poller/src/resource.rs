//! Reads the settings of a Kafka mapping from its resource in a template.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::types::{EventSourceMappingConfiguration, EventSourcePosition};
use serde_json::{Value, json};

use super::declared::Declared;
use super::error::Error;
use super::mapping::{Destination, Mapping, StartingPosition};
use super::template::{Properties, Template};

/// The number of retries that Lambda applies if they are infinite and there is an on-failure
/// destination (docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html).
const RETRIES_WITH_DESTINATION: u32 = 10;

impl Mapping {
    /// The mapping that a resource of type `AWS::Lambda::EventSourceMapping` describes, without a
    /// deployment. The resource has values instead of intrinsic functions. Its `FunctionName` is
    /// what Lambda is asked to invoke. `id` stands for the UUID that AWS would give, and names the
    /// consumer group if the resource names none.
    ///
    /// # Errors
    /// [`Error`] if the resource is not the mapping of a Kafka topic, or has a setting that AWS or
    /// this poller refuses.
    pub fn of_resource(id: &str, resource: &Value) -> Result<Self, Error> {
        let document = json!({ "Resources": { id: resource } });
        let template = Template::of(document, BTreeMap::new());
        let declared = Declared::in_template(&template)?;
        match declared.first() {
            Some(declared) if is_of_topics(&declared.properties) => declared.mapping(),
            _ => Err(Error::NotKafka {
                mapping: id.to_owned(),
            }),
        }
    }

    /// The Kafka mappings of a deployed template, in order of logical id. `records` has Lambda's
    /// record of each mapping. The mappings of queues and streams are left out.
    ///
    /// # Errors
    /// [`Error`] if a mapping is not among the records, or has a setting that AWS or this poller
    /// refuses.
    pub fn of_deployed(
        template: &Template,
        records: &[EventSourceMappingConfiguration],
    ) -> Result<Vec<Self>, Error> {
        let declared = Declared::deployed(template, records, is_of_topics)?;
        declared.iter().map(Declared::mapping).collect()
    }
}

/// Whether a mapping's properties are those of a Kafka mapping.
fn is_of_topics(properties: &Properties<'_>) -> bool {
    properties.has("Topics")
}

/// The settings for failures. The default is that of on-demand mode: a batch is retried as a whole
/// until it succeeds.
#[derive(Default)]
struct ErrorControls {
    maximum_retries: Option<u32>,
    maximum_age: Option<Duration>,
    bisect: bool,
    report_batch_item_failures: bool,
}

/// Reads a Kafka mapping.
impl Declared<'_> {
    fn mapping(&self) -> Result<Mapping, Error> {
        let source = self
            .known("AmazonManagedKafkaEventSourceConfig")?
            .unwrap_or_default();
        self.refuse_unsupported(&source)?;
        let topic = self.topic()?;
        let provisioned = self.known("ProvisionedPollerConfig")?.is_some();
        let destination = self.destination(provisioned, &topic)?;
        let controls = self.error_controls(provisioned, destination.is_some())?;
        let uuid = self.uuid()?;
        let group = source.get("ConsumerGroupId").and_then(Value::as_str);
        Ok(Mapping {
            function: self.arn("FunctionName", |record| record.function_arn())?,
            event_source_arn: self.arn("EventSourceArn", |record| record.event_source_arn())?,
            consumer_group: group.unwrap_or(&uuid).to_owned(),
            topic,
            batch_size: self.batch_size()?,
            window: self.window()?,
            start: self.starting_position()?,
            provisioned,
            maximum_retries: controls.maximum_retries,
            maximum_age: controls.maximum_age,
            bisect: controls.bisect,
            report_batch_item_failures: controls.report_batch_item_failures,
            destination,
            enabled: self.enabled()?,
            uuid,
        })
    }

    fn refuse_unsupported(&self, source: &Value) -> Result<(), Error> {
        let unsupported = match source.get("SchemaRegistryConfig") {
            Some(_) => Some("SchemaRegistryConfig"),
            None => ["FilterCriteria", "SelfManagedEventSource"]
                .into_iter()
                .find(|name| self.properties.has(name)),
        };
        match unsupported {
            None => Ok(()),
            Some(property) => Err(self.not_supported(property)),
        }
    }

    fn topic(&self) -> Result<String, Error> {
        let topics = self.known("Topics")?;
        match topics.as_ref().and_then(Value::as_array).map(Vec::as_slice) {
            Some([Value::String(topic)]) => Ok(topic.clone()),
            _ => Err(self.wrong("Topics", "a list of one topic")),
        }
    }

    fn batch_size(&self) -> Result<usize, Error> {
        let recorded = self.record.and_then(|record| record.batch_size());
        let size = self.number("BatchSize", 1..=10_000, recorded)?;
        Ok(usize::try_from(size.unwrap_or(100)).expect("1 to 10,000"))
    }

    fn window(&self) -> Result<Duration, Error> {
        let recorded = self
            .record
            .and_then(|record| record.maximum_batching_window_in_seconds());
        let seconds = self.number("MaximumBatchingWindowInSeconds", 0..=300, recorded)?;
        Ok(seconds.map_or(Duration::from_millis(500), |seconds| {
            Duration::from_secs(seconds.unsigned_abs())
        }))
    }

    /// The settings that are in force only with provisioned pollers. The numbers are read in any
    /// case, so that a wrong one is refused.
    fn error_controls(
        &self,
        provisioned: bool,
        has_destination: bool,
    ) -> Result<ErrorControls, Error> {
        let record = self.record;
        let retries = self
            .number(
                "MaximumRetryAttempts",
                -1..=10_000,
                record.and_then(|record| record.maximum_retry_attempts()),
            )?
            .unwrap_or(-1);
        let age = self
            .number(
                "MaximumRecordAgeInSeconds",
                -1..=604_800,
                record.and_then(|record| record.maximum_record_age_in_seconds()),
            )?
            .unwrap_or(-1);
        if (0..60).contains(&age) {
            return Err(self.wrong("MaximumRecordAgeInSeconds", "-1, or 60 to 604800"));
        }
        if !provisioned {
            return Ok(ErrorControls::default());
        }
        let bisect = self.flag(
            "BisectBatchOnFunctionError",
            record.and_then(|record| record.bisect_batch_on_function_error()),
        )?;
        Ok(ErrorControls {
            maximum_retries: match u32::try_from(retries) {
                Ok(retries) => Some(retries),
                Err(_) => has_destination.then_some(RETRIES_WITH_DESTINATION),
            },
            maximum_age: u64::try_from(age).ok().map(Duration::from_secs),
            bisect: bisect.unwrap_or(false),
            report_batch_item_failures: self.reports()?,
        })
    }

    fn destination(&self, provisioned: bool, topic: &str) -> Result<Option<Destination>, Error> {
        let destination = match self.properties.get("DestinationConfig") {
            Ok(config) => config.and_then(|config| {
                let destination = config.get("OnFailure")?.get("Destination")?;
                Some(destination.as_str()?.to_owned())
            }),
            Err(_) => self
                .record
                .and_then(|record| record.destination_config())
                .and_then(|config| Some(config.on_failure()?.destination()?.to_owned())),
        };
        let Some(destination) = destination.filter(|destination| !destination.is_empty()) else {
            return Ok(None);
        };
        if let Some(to) = destination.strip_prefix("kafka://") {
            return self.destination_topic(to, provisioned, topic).map(Some);
        }
        match destination.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "s3", _, _, bucket] => Ok(Some(Destination::S3 {
                bucket: (*bucket).to_owned(),
            })),
            ["arn", _, "sqs" | "sns", ..] => Err(self.not_supported(&format!(
                "the on-failure destination {destination} (an S3 bucket or kafka://topic is)"
            ))),
            _ => Err(self.wrong("DestinationConfig", "an ARN or kafka://topic")),
        }
    }

    /// kafka-on-failure-destination.html, "Requirements and limitations".
    fn destination_topic(
        &self,
        to: &str,
        provisioned: bool,
        topic: &str,
    ) -> Result<Destination, Error> {
        if !provisioned {
            let expected = "a Kafka topic only with provisioned pollers";
            return Err(self.wrong("DestinationConfig", expected));
        }
        if to == topic {
            let expected = "another topic than the one that is read";
            return Err(self.wrong("DestinationConfig", expected));
        }
        Ok(Destination::Kafka {
            topic: to.to_owned(),
        })
    }

    fn starting_position(&self) -> Result<StartingPosition, Error> {
        let position = match self.properties.get("StartingPosition") {
            Ok(position) => position
                .as_ref()
                .and_then(Value::as_str)
                .map(EventSourcePosition::from),
            Err(_) => self
                .record
                .and_then(|record| record.starting_position().cloned()),
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
}

#[cfg(test)]
mod tests;

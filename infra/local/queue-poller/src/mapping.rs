//! A mapping of a queue: its settings, with the defaults and the limits of AWS applied.
//!
//! There are two sources. The processed template has the requested settings. Lambda's record of the
//! mapping has the resolved function and queue, which are attributes of other resources.

use std::ops::RangeInclusive;

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use poller::{Properties, Template};
use serde_json::Value;

use crate::error::Error;

/// The resource type of a mapping.
const MAPPING: &str = "AWS::Lambda::EventSourceMapping";

/// How many invocations a mapping without a maximum concurrency has at once. On AWS it begins with
/// five batches and adds more while messages wait
/// (docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html); this one adds none.
const WITHOUT_MAXIMUM: usize = 5;

/// The settings in force for the mapping of one standard queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMapping {
    /// The mapping's id, a UUID.
    pub uuid: String,
    /// The ARN of the function that the mapping invokes.
    pub function: String,
    /// The ARN of the queue.
    pub queue_arn: String,
    /// The maximum number of messages in one invocation, 1 to 10. The default is 10.
    pub batch_size: u8,
    /// The maximum number of invocations at once, 2 to 1,000.
    pub maximum_concurrency: usize,
    /// Whether the function's response may list the messages that failed.
    pub report_batch_item_failures: bool,
    /// Whether the mapping polls at all.
    pub enabled: bool,
}

impl QueueMapping {
    /// The mappings of a deployed template whose sources are queues, in order of logical id.
    /// `records` has Lambda's record of each mapping. The mappings of topics and streams are left
    /// out.
    ///
    /// # Errors
    /// [`Error`] if a mapping is not among the records, or has a setting that AWS or this poller
    /// refuses.
    pub fn of_deployed(
        template: &Template,
        records: &[EventSourceMappingConfiguration],
    ) -> Result<Vec<Self>, Error> {
        let resources = template
            .resources_of(MAPPING)
            .map_err(|reason| Error::Template { reason })?;
        let mut mappings = Vec::new();
        for (logical_id, properties) in resources {
            if properties.has("Topics") {
                continue;
            }
            let id = template.reference(logical_id).ok();
            let record = records
                .iter()
                .find(|record| id.is_some() && record.uuid() == id);
            let record = record.ok_or_else(|| Error::NotDeployed {
                mapping: logical_id.to_owned(),
            })?;
            let source = record.event_source_arn().unwrap_or_default();
            if source.split(':').nth(2) == Some("sqs") {
                let reader = Reader {
                    logical_id,
                    properties,
                    record,
                };
                mappings.push(reader.read()?);
            }
        }
        Ok(mappings)
    }

    /// The queue's name, which is the end of its ARN.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.queue_arn.rsplit(':').next().unwrap_or_default()
    }
}

/// Reads one mapping.
struct Reader<'a> {
    logical_id: &'a str,
    properties: Properties<'a>,
    record: &'a EventSourceMappingConfiguration,
}

impl Reader<'_> {
    fn read(&self) -> Result<QueueMapping, Error> {
        let queue_arn = self.recorded("EventSourceArn", self.record.event_source_arn())?;
        self.refuse_unsupported(&queue_arn)?;
        let batch_size = self.number("BatchSize", self.property("BatchSize")?, 1..=10)?;
        let scaling = self.property("ScalingConfig")?;
        let maximum =
            scaling.and_then(|mut scaling| Some(scaling.get_mut("MaximumConcurrency")?.take()));
        let maximum = self.number("ScalingConfig.MaximumConcurrency", maximum, 2..=1_000)?;
        Ok(QueueMapping {
            uuid: self.recorded("UUID", self.record.uuid())?,
            function: self.recorded("FunctionName", self.record.function_arn())?,
            queue_arn,
            batch_size: batch_size.map_or(10, |size| u8::try_from(size).unwrap_or(10)),
            maximum_concurrency: maximum.map_or(WITHOUT_MAXIMUM, usize::from),
            report_batch_item_failures: self.reports()?,
            enabled: self.enabled()?,
        })
    }

    fn refuse_unsupported(&self, queue_arn: &str) -> Result<(), Error> {
        let by_name = ["FilterCriteria", "ProvisionedPollerConfig"]
            .into_iter()
            .find(|name| self.properties.has(name));
        let window = self.property("MaximumBatchingWindowInSeconds")?;
        let window = self.number("MaximumBatchingWindowInSeconds", window, 0..=300)?;
        let what = if queue_arn.ends_with(".fifo") {
            Some("a FIFO queue")
        } else if window.is_some_and(|seconds| seconds > 0) {
            Some("MaximumBatchingWindowInSeconds above 0")
        } else {
            by_name
        };
        match what {
            None => Ok(()),
            Some(what) => Err(Error::NotSupported {
                mapping: self.logical_id.to_owned(),
                what: what.to_owned(),
            }),
        }
    }

    fn reports(&self) -> Result<bool, Error> {
        match self.property("FunctionResponseTypes")? {
            None => Ok(false),
            Some(Value::Array(types)) => {
                Ok(types.iter().any(|kind| kind == "ReportBatchItemFailures"))
            }
            Some(_) => Err(self.wrong("FunctionResponseTypes", "a list")),
        }
    }

    /// Whether the mapping polls. What the template says counts, because an emulator's record may
    /// say that every mapping is enabled.
    fn enabled(&self) -> Result<bool, Error> {
        match self.property("Enabled")? {
            None => Ok(!matches!(
                self.record.state(),
                Some("Disabled" | "Disabling")
            )),
            // A parameter's value is text.
            Some(value) => value
                .as_bool()
                .or_else(|| value.as_str()?.parse().ok())
                .ok_or_else(|| self.wrong("Enabled", "true or false")),
        }
    }

    /// A property with its functions resolved. `None` if it is absent.
    fn property(&self, name: &str) -> Result<Option<Value>, Error> {
        self.properties.get(name).map_err(|reason| Error::Unknown {
            mapping: self.logical_id.to_owned(),
            property: name.to_owned(),
            reason,
        })
    }

    /// A whole number. One that came from a parameter is text.
    fn number(
        &self,
        property: &str,
        value: Option<Value>,
        range: RangeInclusive<u16>,
    ) -> Result<Option<u16>, Error> {
        let Some(value) = value else {
            return Ok(None);
        };
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|number| u16::try_from(number).ok()),
        };
        number
            .filter(|number| range.contains(number))
            .map(Some)
            .ok_or_else(|| {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong(property, &expected)
            })
    }

    fn recorded(&self, property: &str, value: Option<&str>) -> Result<String, Error> {
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
mod tests {
    use serde_json::json;

    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:renders";

    fn record(source: &str) -> EventSourceMappingConfiguration {
        EventSourceMappingConfiguration::builder()
            .uuid("uuid-1")
            .event_source_arn(source)
            .function_arn("function-arn")
            .build()
    }

    /// The mappings of a template with one mapping of these properties.
    fn read(properties: &Value, source: &str) -> Result<Vec<QueueMapping>, Error> {
        let document =
            json!({ "Resources": { "Renders": { "Type": MAPPING, "Properties": properties } } });
        let references = [("Renders", "uuid-1"), ("Most", "26")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let template = Template::parse(&document.to_string(), references.into()).unwrap();
        QueueMapping::of_deployed(&template, &[record(source)])
    }

    #[test]
    fn the_template_has_the_settings_and_the_record_the_function_and_the_queue() {
        let properties = json!({
            "EventSourceArn": { "Fn::GetAtt": ["Queue", "Arn"] },
            "FunctionName": { "Ref": "Function" },
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 0,
            "ScalingConfig": { "MaximumConcurrency": { "Ref": "Most" } },
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        });
        let expected = QueueMapping {
            uuid: "uuid-1".to_owned(),
            function: "function-arn".to_owned(),
            queue_arn: QUEUE.to_owned(),
            batch_size: 10,
            maximum_concurrency: 26,
            report_batch_item_failures: true,
            enabled: true,
        };
        let mappings = read(&properties, QUEUE).unwrap();
        assert_eq!(mappings, [expected]);
        assert_eq!(mappings[0].queue(), "renders");
    }

    #[test]
    fn without_settings_those_of_aws_are_in_force() {
        let mapping = read(&json!({ "Enabled": "false" }), QUEUE)
            .unwrap()
            .remove(0);
        assert_eq!((mapping.batch_size, mapping.maximum_concurrency), (10, 5));
        assert!(!mapping.report_batch_item_failures && !mapping.enabled);
    }

    #[test]
    fn mappings_of_topics_and_streams_are_left_out() {
        let stream = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1";
        assert_eq!(read(&json!({}), stream).unwrap(), []);
        assert_eq!(read(&json!({ "Topics": ["a"] }), QUEUE).unwrap(), []);
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        for (properties, source, named) in [
            (json!({ "FilterCriteria": {} }), QUEUE, "FilterCriteria"),
            (
                json!({ "ProvisionedPollerConfig": {} }),
                QUEUE,
                "ProvisionedPollerConfig",
            ),
            (
                json!({ "MaximumBatchingWindowInSeconds": 1 }),
                QUEUE,
                "MaximumBatchingWindowInSeconds",
            ),
            (json!({ "BatchSize": 11 }), QUEUE, "BatchSize"),
            (
                json!({ "ScalingConfig": { "MaximumConcurrency": 1 } }),
                QUEUE,
                "MaximumConcurrency",
            ),
            (
                json!({}),
                "arn:aws:sqs:us-east-1:000000000000:renders.fifo",
                "FIFO",
            ),
        ] {
            let error = read(&properties, source).unwrap_err().to_string();
            assert!(error.contains(named), "{properties}: {error}");
        }
    }
}

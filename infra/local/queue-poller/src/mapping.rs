//! A mapping of a queue: its settings, with the defaults and the limits of AWS applied.

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use poller::{Declared, Template};

use crate::error::Error;

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
        let declared =
            Declared::deployed(template, records, |properties| !properties.has("Topics"))?;
        declared
            .iter()
            .filter(|declared| is_of_queue(declared))
            .map(read)
            .collect()
    }

    /// The queue's name, which is the end of its ARN.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.queue_arn.rsplit(':').next().unwrap_or_default()
    }
}

/// Whether the source of a mapping is a queue, and no stream.
fn is_of_queue(declared: &Declared<'_>) -> bool {
    let source = declared.record.and_then(|record| record.event_source_arn());
    // arn:<partition>:sqs:<region>:<account>:<name>
    source.and_then(|arn| arn.split(':').nth(2)) == Some("sqs")
}

/// The settings of one mapping.
fn read(declared: &Declared<'_>) -> Result<QueueMapping, Error> {
    let queue_arn = declared.arn("EventSourceArn", |record| record.event_source_arn())?;
    refuse_unsupported(declared, &queue_arn)?;
    let recorded = declared.record.and_then(|record| record.batch_size());
    let batch_size = declared.number("BatchSize", 1..=10, recorded)?;
    Ok(QueueMapping {
        uuid: declared.uuid()?,
        function: declared.arn("FunctionName", |record| record.function_arn())?,
        queue_arn,
        batch_size: batch_size.map_or(10, |size| u8::try_from(size).unwrap_or(10)),
        maximum_concurrency: maximum_concurrency(declared)?.unwrap_or(WITHOUT_MAXIMUM),
        report_batch_item_failures: declared.reports()?,
        enabled: declared.enabled()?,
    })
}

fn maximum_concurrency(declared: &Declared<'_>) -> Result<Option<usize>, Error> {
    let scaling = declared.known("ScalingConfig")?;
    let Some(maximum) = scaling
        .as_ref()
        .and_then(|one| one.get("MaximumConcurrency"))
    else {
        return Ok(None);
    };
    let maximum = declared.whole("ScalingConfig.MaximumConcurrency", maximum, 2..=1_000)?;
    Ok(usize::try_from(maximum).ok())
}

fn refuse_unsupported(declared: &Declared<'_>, queue_arn: &str) -> Result<(), Error> {
    let by_name = ["FilterCriteria", "ProvisionedPollerConfig"]
        .into_iter()
        .find(|name| declared.properties.has(name));
    let recorded = declared
        .record
        .and_then(|record| record.maximum_batching_window_in_seconds());
    let window = declared.number("MaximumBatchingWindowInSeconds", 0..=300, recorded)?;
    let what = if queue_arn.ends_with(".fifo") {
        Some("a FIFO queue")
    } else if window.is_some_and(|seconds| seconds > 0) {
        Some("MaximumBatchingWindowInSeconds above 0")
    } else {
        by_name
    };
    match what {
        None => Ok(()),
        Some(what) => Err(declared.not_supported(what).into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:renders";

    fn record(source: &str) -> EventSourceMappingConfiguration {
        EventSourceMappingConfiguration::builder()
            .uuid("uuid-1")
            .event_source_arn(source)
            .function_arn("function-arn")
            // What the template says or leaves out counts.
            .state("Disabled")
            .build()
    }

    /// The mappings of a template with one mapping of these properties.
    fn mappings(properties: &Value, source: &str) -> Result<Vec<QueueMapping>, Error> {
        let kind = "AWS::Lambda::EventSourceMapping";
        let renders = json!({ "Type": kind, "Properties": properties });
        let document = json!({ "Resources": { "Renders": renders } });
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
        let read = mappings(&properties, QUEUE).unwrap();
        assert_eq!(read, [expected]);
        assert_eq!(read[0].queue(), "renders");
    }

    #[test]
    fn without_settings_those_of_aws_are_in_force() {
        let mapping = mappings(&json!({ "Enabled": "false" }), QUEUE)
            .unwrap()
            .remove(0);
        assert_eq!((mapping.batch_size, mapping.maximum_concurrency), (10, 5));
        assert!(!mapping.report_batch_item_failures && !mapping.enabled);
    }

    #[test]
    fn mappings_of_topics_and_streams_are_left_out() {
        let stream = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1";
        assert_eq!(mappings(&json!({}), stream).unwrap(), []);
        assert_eq!(mappings(&json!({ "Topics": ["a"] }), QUEUE).unwrap(), []);
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
            let error = mappings(&properties, source).unwrap_err().to_string();
            assert!(error.contains(named), "{properties}: {error}");
        }
    }
}

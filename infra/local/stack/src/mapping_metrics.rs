//! The metrics of the mappings, and what came of their last batches: the pollers' reports, in AWS's
//! words. On AWS, Lambda's own pollers say it
//! (docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, "Event source mapping
//! metrics"). The emulator's patch `service_metrics` has those of other services.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kafka_client::{At, Cluster};
use poller::{Condition, Mapping, Outcome, Report, StartingPosition, What};
use queue_poller::QueueMapping;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::sleep;

use crate::aws::{self, Aws, JsonService};
use crate::emulator::Emulator;
use crate::topics::Topics;

/// How long the broker may take to say how far a mapping is.
const BROKER_WITHIN: Duration = Duration::from_secs(2);
/// How many metrics are sent in one request. AWS takes 1,000.
const AT_ONCE: usize = 500;

const FAILED: &str = "FailedInvokeEventCount";
const INVOKED: &str = "InvokedEventCount";
const DELETED: &str = "DeletedEventCount";
const DROPPED: &str = "DroppedEventCount";
const DELIVERED: &str = "OnFailureDestinationDeliveredEventCount";
const NOT_DELIVERED: &str = "OnFailureDestinationDeliveryErrorCount";
const NOT_POLLED: &str = "PollingErrorCount";

/// What Lambda's record of a mapping says of its last batch.
const WELL: &str = "OK";
const CALL_FAILED: &str = "PROBLEM: Function call failed";
const NOT_CONNECTED: &str = "PROBLEM: Connection error";

/// A number of the mappings' metrics, by the mapping's id and the metric's name.
type Counts = BTreeMap<(String, &'static str), u64>;

/// What the pollers of a stack's mappings did since it was last emitted.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The ids of the mappings, by topic or by queue.
    uuids: HashMap<String, String>,
    counts: Mutex<Counts>,
    /// The emulator's socket.
    socket: PathBuf,
}

impl Measured {
    /// Nothing yet, of these mappings.
    pub(crate) fn of(topics: &[Mapping], queues: &[QueueMapping], socket: PathBuf) -> Self {
        let topics = topics.iter().map(|one| (one.topic.clone(), &one.uuid));
        let queues = queues.iter().map(|one| (one.queue().to_owned(), &one.uuid));
        let uuids = topics.chain(queues);
        Self {
            uuids: uuids.map(|(name, uuid)| (name, uuid.clone())).collect(),
            counts: Mutex::default(),
            socket,
        }
    }

    /// Counts what the pollers of topics report, tells what came of each batch, and passes each
    /// report on. Ends when there are no pollers.
    pub(crate) async fn topics(
        self: Arc<Self>,
        mut reports: UnboundedReceiver<Report>,
        onward: UnboundedSender<Report>,
    ) {
        let mut last = HashMap::new();
        while let Some(report) = reports.recv().await {
            let result = result_of_topic(&report.what);
            self.note(&report.topic, &of_topic(&report.what), result, &mut last);
            // If the receiver is gone, the report is lost, and the mappings are still measured.
            let _ = onward.send(report);
        }
    }

    /// The same for the pollers of queues.
    pub(crate) async fn queues(
        self: Arc<Self>,
        mut reports: UnboundedReceiver<queue_poller::Report>,
        onward: UnboundedSender<queue_poller::Report>,
    ) {
        let mut last = HashMap::new();
        while let Some(report) = reports.recv().await {
            let result = result_of_queue(&report.what);
            self.note(&report.queue, &of_queue(&report.what), result, &mut last);
            let _ = onward.send(report);
        }
    }

    /// Notes a report about the mapping of a topic or a queue. `last` has what was told of each.
    fn note(
        &self,
        source: &str,
        counted: &[(&'static str, usize)],
        result: Option<&'static str>,
        last: &mut HashMap<String, &'static str>,
    ) {
        let Some(uuid) = self.uuids.get(source) else {
            return;
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, count) in counted {
            let count = u64::try_from(*count).unwrap_or(u64::MAX);
            *counts.entry((uuid.clone(), *name)).or_default() += count;
        }
        drop(counts);
        if let Some(result) = result
            && last.get(uuid) != Some(&result)
            && Emulator::tell_result(&self.socket, uuid, result).is_ok()
        {
            last.insert(uuid.clone(), result);
        }
    }

    /// Emits the counts every so often. What the emulator does not take is emitted the next time.
    pub(crate) async fn emit(self: Arc<Self>, aws: Aws, every: Duration) {
        loop {
            sleep(every).await;
            let counts =
                std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
            let metrics = counts.iter().map(|((uuid, name), count)| Metric {
                name,
                dimension: ("EventSourceMappingUUID", uuid),
                value: *count,
            });
            if put(&aws, &metrics.collect::<Vec<_>>()).await.is_err() {
                let mut newer = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, count) in counts {
                    *newer.entry(key).or_default() += count;
                }
            }
        }
    }
}

/// Emits every so often how far each mapping of a topic is behind. One that is disabled emits
/// nothing, as on AWS, where its pollers are gone.
pub(crate) async fn emit_lag(
    topics: Arc<Topics>,
    mappings: Vec<Mapping>,
    cluster: Cluster,
    aws: Aws,
    every: Duration,
) {
    let cluster = cluster.within(BROKER_WITHIN);
    loop {
        sleep(every).await;
        let polled = topics.polled().await;
        let mut metrics = Vec::new();
        for mapping in mappings.iter().filter(|one| polled.contains(&one.uuid)) {
            // While the broker does not say it, there is no data.
            if let Ok(value) = lag(&cluster, mapping).await {
                metrics.push(Metric {
                    name: "OffsetLag",
                    dimension: (
                        "FunctionName",
                        mapping.function.rsplit(':').next().unwrap_or_default(),
                    ),
                    value,
                });
            }
        }
        // It is measured again the next time.
        let _ = put(&aws, &metrics).await;
    }
}

/// How many records of its topic a mapping has not resolved, over all partitions.
async fn lag(cluster: &Cluster, mapping: &Mapping) -> Result<u64, kafka_client::Error> {
    let (group, topic) = (&mapping.consumer_group, &mapping.topic);
    let (committed, ends) = tokio::try_join!(
        cluster.committed(group, topic),
        cluster.offsets(topic, At::Latest)
    )?;
    let behind = ends.into_iter().map(|(partition, end)| {
        let from_the_start = mapping.start == StartingPosition::TrimHorizon;
        let begin = if from_the_start { 0 } else { end };
        let done = committed.get(&partition).copied().unwrap_or(begin);
        u64::try_from(end - done).unwrap_or(0)
    });
    Ok(behind.sum())
}

/// What a report about the mapping of a topic counts.
fn of_topic(what: &What) -> Vec<(&'static str, usize)> {
    match what {
        What::Invoked {
            records,
            outcome: Outcome::Answered { .. },
            ..
        } => vec![(INVOKED, *records)],
        // Also those that the function's answer lists.
        What::Retrying { records, .. } => vec![(FAILED, *records)],
        What::Discarded {
            records,
            condition,
            destination,
        } => {
            let end = match destination {
                Some(_) => DELIVERED,
                None => DROPPED,
            };
            let mut counted = vec![(end, *records)];
            if *condition == Condition::RetryAttemptsExhausted {
                counted.push((FAILED, *records));
            }
            counted
        }
        What::Trouble { problem } if problem.starts_with(poller::NOT_DELIVERED) => {
            vec![(NOT_DELIVERED, 1)]
        }
        What::Trouble { .. } => vec![(NOT_POLLED, 1)],
        What::Started { .. } | What::Invoked { .. } | What::Committed { .. } => vec![],
    }
}

/// What a report about the mapping of a queue counts.
fn of_queue(what: &queue_poller::What) -> Vec<(&'static str, usize)> {
    use queue_poller::What;

    match what {
        What::Invoked {
            messages,
            outcome: Outcome::Answered { .. },
            ..
        } => vec![(INVOKED, *messages)],
        What::Deleted { messages } => vec![(DELETED, *messages)],
        What::Kept { messages, .. } => vec![(FAILED, *messages)],
        What::Trouble { .. } => vec![(NOT_POLLED, 1)],
        What::Started | What::Invoked { .. } => vec![],
    }
}

/// What a report about the mapping of a topic says of its last batch, if it does.
fn result_of_topic(what: &What) -> Option<&'static str> {
    match what {
        What::Invoked { outcome, .. } => Some(result(outcome)),
        What::Trouble { problem } if !problem.starts_with(poller::NOT_DELIVERED) => {
            Some(NOT_CONNECTED)
        }
        What::Started { .. }
        | What::Retrying { .. }
        | What::Discarded { .. }
        | What::Committed { .. }
        | What::Trouble { .. } => None,
    }
}

/// What a report about the mapping of a queue says of its last batch, if it does.
fn result_of_queue(what: &queue_poller::What) -> Option<&'static str> {
    use queue_poller::What;

    match what {
        What::Invoked { outcome, .. } => Some(result(outcome)),
        What::Trouble { .. } => Some(NOT_CONNECTED),
        What::Started | What::Deleted { .. } | What::Kept { .. } => None,
    }
}

fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Answered { answer, .. } if answer.function_error.is_none() => WELL,
        Outcome::Answered { .. } | Outcome::Throttled | Outcome::NotReached { .. } => CALL_FAILED,
    }
}

/// A value of a metric of Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Metric<'a> {
    name: &'a str,
    /// The dimension's name and value.
    dimension: (&'a str, &'a str),
    /// A count.
    value: u64,
}

/// Puts metrics into CloudWatch under Lambda's namespace, which on AWS is Lambda's alone.
async fn put(aws: &Aws, metrics: &[Metric<'_>]) -> Result<(), aws::Error> {
    for some in metrics.chunks(AT_ONCE) {
        aws.json(JsonService::CloudWatch, "PutMetricData", &request(some))
            .await?;
    }
    Ok(())
}

fn request(metrics: &[Metric<'_>]) -> Value {
    let data = metrics.iter().map(|metric| {
        json!({
            "MetricName": metric.name,
            "Dimensions": [{ "Name": metric.dimension.0, "Value": metric.dimension.1 }],
            "Unit": "Count",
            "Value": metric.value,
        })
    });
    json!({ "Namespace": "AWS/Lambda", "MetricData": data.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use poller::Answer;

    use super::*;

    fn answered(function_error: Option<&str>) -> Outcome {
        Outcome::Answered {
            answer: Answer {
                request_id: None,
                status: 200,
                executed_version: None,
                function_error: function_error.map(str::to_owned),
            },
            body: vec![],
        }
    }

    fn invoked(outcome: Outcome) -> What {
        What::Invoked {
            records: 3,
            partitions: vec![0],
            attempt: 1,
            duration: Duration::ZERO,
            outcome,
        }
    }

    fn discarded(condition: Condition, destination: Option<&str>) -> What {
        What::Discarded {
            records: 2,
            condition,
            destination: destination.map(str::to_owned),
        }
    }

    fn trouble(problem: &str) -> What {
        What::Trouble {
            problem: problem.to_owned(),
        }
    }

    #[test]
    fn what_a_poller_of_a_topic_reports_is_counted_under_awss_names() {
        let retrying = What::Retrying {
            records: 2,
            cause: String::new(),
            pause: Duration::ZERO,
            split: false,
        };
        let undelivered = format!("{}: refused", poller::NOT_DELIVERED);
        for (what, expected) in [
            (invoked(answered(None)), vec![(INVOKED, 3)]),
            (invoked(answered(Some("Unhandled"))), vec![(INVOKED, 3)]),
            (invoked(Outcome::Throttled), vec![]),
            (retrying, vec![(FAILED, 2)]),
            (
                discarded(Condition::RetryAttemptsExhausted, Some("s3://b/k")),
                vec![(DELIVERED, 2), (FAILED, 2)],
            ),
            (
                discarded(Condition::RecordAgeExceeded, None),
                vec![(DROPPED, 2)],
            ),
            (trouble(&undelivered), vec![(NOT_DELIVERED, 1)]),
            (trouble("the broker is away"), vec![(NOT_POLLED, 1)]),
        ] {
            assert_eq!(of_topic(&what), expected, "{what:?}");
        }
    }

    #[test]
    fn the_last_result_is_that_of_the_last_invocation_or_of_the_connection() {
        for (what, expected) in [
            (invoked(answered(None)), Some(WELL)),
            (invoked(answered(Some("Unhandled"))), Some(CALL_FAILED)),
            (invoked(Outcome::Throttled), Some(CALL_FAILED)),
            (trouble("the broker is away"), Some(NOT_CONNECTED)),
            (trouble(poller::NOT_DELIVERED), None),
            (discarded(Condition::RecordAgeExceeded, None), None),
        ] {
            assert_eq!(result_of_topic(&what), expected, "{what:?}");
        }
    }

    #[tokio::test]
    async fn each_report_is_counted_told_once_and_passed_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let measured = Arc::new(Measured {
            uuids: HashMap::from([("orders".to_owned(), "uuid-1".to_owned())]),
            counts: Mutex::default(),
            socket: folder.path().join("aws.sock"),
        });
        let (sender, reports) = tokio::sync::mpsc::unbounded_channel();
        let (onward, mut passed) = tokio::sync::mpsc::unbounded_channel();
        for topic in ["orders", "unknown", "orders"] {
            let report = Report {
                topic: Arc::from(topic),
                what: invoked(answered(None)),
            };
            sender.send(report).expect("received");
        }
        drop(sender);
        Arc::clone(&measured).topics(reports, onward).await;
        let counts = measured.counts.lock().expect("counted").clone();
        assert_eq!(
            counts,
            BTreeMap::from([(("uuid-1".to_owned(), INVOKED), 6)])
        );
        let told = std::fs::read_to_string(folder.path().join("mapping-result-uuid-1"));
        assert_eq!(told.expect("told"), WELL);
        let mut topics = Vec::new();
        while let Some(report) = passed.recv().await {
            topics.push(report.topic.to_string());
        }
        assert_eq!(topics, ["orders", "unknown", "orders"]);
    }

    #[test]
    fn a_request_has_each_metric_with_its_dimension() {
        let lag = Metric {
            name: "OffsetLag",
            dimension: ("FunctionName", "studio-event-created-local"),
            value: 7,
        };
        let failed = Metric {
            name: FAILED,
            dimension: ("EventSourceMappingUUID", "uuid-1"),
            value: 2,
        };
        let expected = json!({
            "Namespace": "AWS/Lambda",
            "MetricData": [
                {
                    "MetricName": "OffsetLag",
                    "Dimensions": [
                        { "Name": "FunctionName", "Value": "studio-event-created-local" },
                    ],
                    "Unit": "Count",
                    "Value": 7,
                },
                {
                    "MetricName": "FailedInvokeEventCount",
                    "Dimensions": [{ "Name": "EventSourceMappingUUID", "Value": "uuid-1" }],
                    "Unit": "Count",
                    "Value": 2,
                },
            ],
        });
        assert_eq!(request(&[lag, failed]), expected);
    }
}

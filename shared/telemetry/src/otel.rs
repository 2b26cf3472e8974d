//! OpenTelemetry's metrics, beside the spans and to the same collector: what a function consumes,
//! how long it works on it, and how its invocations end, by the names of the semantic conventions
//! for messaging and for functions
//! (<https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/>,
//! <https://opentelemetry.io/docs/specs/semconv/faas/faas-metrics/>), both in development at
//! version 1.43.
//!
//! They are sent when an invocation ends, before the sandbox is frozen, as what was added since the
//! last time (delta temporality): a sandbox ends without notice, and each would be a series of its
//! own otherwise. A store that wants sums, such as Prometheus, has the collector's
//! `deltatocumulative` in front of it.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter, MeterProvider as _},
};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
        data::ResourceMetrics, exporter::PushMetricExporter as _, reader::MetricReader,
    },
};

use crate::{Measured, Telemetry, traces::AT_MOST};

/// OpenTelemetry's metrics that a function sends, with what each measures.
pub const OTEL_METRICS: [(&str, &str); 6] = [
    (
        "messaging.client.consumed.messages",
        "records that a mapping delivered, by topic and consumer group",
    ),
    (
        "messaging.process.duration",
        "seconds from an invocation with a batch to its answer; with `error.type` if records are to be delivered again",
    ),
    ("faas.invoke_duration", "seconds of an invocation"),
    ("faas.invocations", "invocations that succeeded"),
    ("faas.errors", "invocations that failed"),
    (
        "faas.coldstarts",
        "invocations that were the first of their sandbox",
    ),
];

/// The boundaries of buckets that the semantic conventions advise, in seconds.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// `error.type` of a batch of which records are to be delivered again.
const RETRIED: &str = "records_retried";

/// What has a function invoked, as the semantic conventions have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A mapping of a topic or of a queue.
    PubSub,
    /// A state machine, a schedule or another function.
    Other,
}

impl Trigger {
    fn as_str(self) -> &'static str {
        match self {
            Self::PubSub => "pubsub",
            Self::Other => "other",
        }
    }
}

/// An invocation that is under way.
#[must_use = "an invocation that is not ended sends nothing"]
pub struct Invocation<'t> {
    telemetry: &'t Telemetry,
    trigger: Trigger,
    begun: Instant,
}

impl Telemetry {
    /// Begins an invocation.
    pub fn invoked(&self, trigger: Trigger) -> Invocation<'_> {
        Invocation {
            telemetry: self,
            trigger,
            begun: Instant::now(),
        }
    }
}

impl Invocation<'_> {
    /// Ends the invocation, and sends the spans and the metrics to the collector, if there is one.
    /// What cannot be sent is logged and dropped.
    pub async fn end(self, has_failed: bool) {
        let Telemetry { traces, meters, .. } = self.telemetry;
        let Some(meters) = meters else {
            traces.flush().await;
            return;
        };
        meters.ended(self.trigger, self.begun.elapsed(), has_failed);
        tokio::join!(traces.flush(), meters.flush());
    }
}

/// The instruments, and the way to the collector.
#[derive(Debug)]
pub(crate) struct Meters {
    consumed: Counter<u64>,
    process: Histogram<f64>,
    invoke: Histogram<f64>,
    invocations: Counter<u64>,
    errors: Counter<u64>,
    coldstarts: Counter<u64>,
    /// Whether no invocation has ended yet.
    is_cold: AtomicBool,
    groups: Groups,
    reader: Reader,
    exporter: MetricExporter,
    // Keeps the instruments' values.
    _provider: SdkMeterProvider,
}

/// How the consumer groups are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Groups {
    /// `studio-<function>-<stage>`.
    ByStage(String),
    /// `studio-<function>`.
    Shared,
}

impl Groups {
    /// The group of the function that consumes a topic, as infra/template.yaml names it.
    fn of(&self, consumer: &str) -> String {
        match self {
            Self::ByStage(stage) => format!("studio-{consumer}-{stage}"),
            Self::Shared => format!("studio-{consumer}"),
        }
    }
}

/// The reader, which the provider and the flush share.
#[derive(Debug, Clone)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

impl Meters {
    /// Sends metrics to the collector at `endpoint`, for what `resource` describes.
    ///
    /// # Errors
    /// An error if the endpoint is invalid.
    pub(crate) fn to(
        endpoint: &str,
        resource: Resource,
        groups: Groups,
    ) -> Result<Self, ExporterBuildError> {
        let exporter = MetricExporter::builder()
            .with_temporality(Temporality::Delta)
            .with_http()
            .with_endpoint(format!("{}/v1/metrics", endpoint.trim_end_matches('/')))
            .with_timeout(AT_MOST)
            .build()?;
        let reader = ManualReader::builder().with_temporality(Temporality::Delta);
        let reader = Reader(Arc::new(reader.build()));
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(reader.clone())
            .build();
        let meter = provider.meter("studio");
        let [consumed, process, invoke, invocations, errors, coldstarts] =
            OTEL_METRICS.map(|(name, _)| name);
        Ok(Self {
            consumed: counter(&meter, consumed, "{message}"),
            process: seconds(&meter, process),
            invoke: seconds(&meter, invoke),
            invocations: counter(&meter, invocations, "{invocation}"),
            errors: counter(&meter, errors, "{error}"),
            coldstarts: counter(&meter, coldstarts, "{coldstart}"),
            is_cold: AtomicBool::new(true),
            groups,
            reader,
            exporter,
            _provider: provider,
        })
    }

    /// Adds a measurement, if OpenTelemetry has a metric for it.
    pub(crate) fn measured(&self, measured: &Measured<'_>) {
        let Measured::Batch {
            topic,
            received,
            retried,
            took,
            ..
        } = measured
        else {
            return;
        };
        let mut attributes = vec![
            KeyValue::new("messaging.system", "kafka"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.destination.name", topic.as_str()),
        ];
        if let Some(consumer) = topic.consumer() {
            let group = self.groups.of(consumer);
            attributes.push(KeyValue::new("messaging.consumer.group.name", group));
        }
        self.consumed.add(*received as u64, &attributes);
        if *retried > 0 {
            attributes.push(KeyValue::new("error.type", RETRIED));
        }
        self.process.record(took.as_secs_f64(), &attributes);
    }

    /// Counts an invocation that took this long.
    fn ended(&self, trigger: Trigger, took: Duration, has_failed: bool) {
        let trigger = [KeyValue::new("faas.trigger", trigger.as_str())];
        self.invoke.record(took.as_secs_f64(), &trigger);
        let count = if has_failed {
            &self.errors
        } else {
            &self.invocations
        };
        count.add(1, &trigger);
        if self.is_cold.swap(false, Ordering::Relaxed) {
            self.coldstarts.add(1, &trigger);
        }
    }

    /// Takes what was added since the last time.
    fn collect(&self) -> Result<ResourceMetrics, opentelemetry_sdk::error::OTelSdkError> {
        let mut metrics = ResourceMetrics::default();
        self.reader.collect(&mut metrics)?;
        Ok(metrics)
    }

    /// Sends what was added since the last time. What cannot be sent is logged and dropped.
    async fn flush(&self) {
        let metrics = match self.collect() {
            Ok(metrics) => metrics,
            Err(error) => return tracing::warn!("metrics were not collected: {error}"),
        };
        match tokio::time::timeout(AT_MOST, self.exporter.export(&metrics)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("metrics were not sent: {error}"),
            Err(_) => tracing::warn!("metrics were not sent within {} s", AT_MOST.as_secs()),
        }
    }
}

fn counter(meter: &Meter, name: &'static str, unit: &'static str) -> Counter<u64> {
    meter.u64_counter(name).with_unit(unit).build()
}

fn seconds(meter: &Meter, name: &'static str) -> Histogram<f64> {
    let histogram = meter.f64_histogram(name).with_unit("s");
    histogram.with_boundaries(SECONDS.to_vec()).build()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use contract::Topic;
    use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};

    use super::*;

    fn meters() -> Meters {
        let groups = Groups::ByStage("local".to_owned());
        Meters::to(
            "http://127.0.0.1:1",
            Resource::builder_empty().build(),
            groups,
        )
        .unwrap()
    }

    fn batch(retried: usize) -> Measured<'static> {
        Measured::Batch {
            topic: Topic::EventCreated,
            received: 7,
            done: 7 - retried,
            dead_lettered: 0,
            retried,
            took: Duration::from_millis(250),
        }
    }

    /// The attributes of each point, by metric.
    fn points(metrics: &ResourceMetrics) -> BTreeMap<String, BTreeSet<String>> {
        let mut points: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            let all: Vec<Vec<KeyValue>> = match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => sum
                    .data_points()
                    .map(|point| point.attributes().cloned().collect())
                    .collect(),
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
                    .data_points()
                    .map(|point| point.attributes().cloned().collect())
                    .collect(),
                other => panic!("{other:?}"),
            };
            for attributes in all {
                let mut text: Vec<String> = attributes
                    .iter()
                    .map(|one| format!("{}={}", one.key, one.value))
                    .collect();
                text.sort();
                let of = points.entry(metric.name().to_owned()).or_default();
                of.insert(text.join(" "));
            }
        }
        points
    }

    #[test]
    fn every_metric_of_the_list_is_sent_and_no_other() {
        let meters = meters();
        meters.measured(&batch(0));
        meters.ended(Trigger::PubSub, Duration::from_secs(1), false);
        meters.ended(Trigger::PubSub, Duration::from_secs(1), true);
        let sent = points(&meters.collect().unwrap());
        let listed: BTreeSet<&str> = OTEL_METRICS.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            sent.keys().map(String::as_str).collect::<BTreeSet<_>>(),
            listed
        );
    }

    #[test]
    fn a_batch_names_its_topic_its_group_and_its_error() {
        let meters = meters();
        meters.measured(&batch(2));
        let sent = points(&meters.collect().unwrap());
        let consumed = "messaging.consumer.group.name=studio-event-created-local \
                        messaging.destination.name=eventzr.event.created.v1 \
                        messaging.operation.name=process messaging.system=kafka";
        assert_eq!(
            sent["messaging.client.consumed.messages"],
            BTreeSet::from([consumed.to_owned()])
        );
        assert_eq!(
            sent["messaging.process.duration"],
            BTreeSet::from([format!("error.type=records_retried {consumed}")])
        );
        assert_eq!(Groups::Shared.of("event-created"), "studio-event-created");
    }

    #[test]
    fn only_the_first_invocation_is_a_cold_start_and_nothing_is_sent_twice() {
        let meters = meters();
        meters.ended(Trigger::Other, Duration::from_secs(1), false);
        assert!(points(&meters.collect().unwrap()).contains_key("faas.coldstarts"));
        meters.ended(Trigger::Other, Duration::from_secs(1), false);
        assert!(!points(&meters.collect().unwrap()).contains_key("faas.coldstarts"));
        assert_eq!(points(&meters.collect().unwrap()), BTreeMap::new());
    }
}

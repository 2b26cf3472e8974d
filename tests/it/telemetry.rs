//! What an operator sees of a function from outside: one trace from an event to its asset, and
//! every metric.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use contract::{Topic, TraceParent};
use fault_proxy::{Action, Fault, Matches, Occurrence};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use local::metrics::{Metric, emitted, logged};
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    trace::v1::Span,
};
use prost::Message as _;
use serde_json::{Value, json};
use telemetry::{METRICS, OTEL_METRICS};
use tokio::net::TcpListener;
use vendor_sandbox::{Refusal, Script, Vendor, refusal};

use crate::{
    campaigns::campaign,
    harness::{Studio, created, invoke, until},
    messages::RENDER,
};

/// A collector in this process.
struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<(String, Span)>>>,
    /// The names of the metrics.
    metrics: Arc<Mutex<BTreeSet<String>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::new(Mutex::new(Vec::new()));
        let metrics = Arc::new(Mutex::new(BTreeSet::new()));
        let (collected, named) = (spans.clone(), metrics.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (collected, named) = (collected.clone(), named.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (collected, named) = (collected.clone(), named.clone());
                    async move {
                        let path = request.uri().path().to_owned();
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        if path == "/v1/metrics" {
                            let batch = ExportMetricsServiceRequest::decode(body).unwrap();
                            let names = batch
                                .resource_metrics
                                .into_iter()
                                .flat_map(|of_resource| of_resource.scope_metrics)
                                .flat_map(|scope| scope.metrics)
                                .map(|metric| metric.name);
                            named.lock().unwrap().extend(names);
                            return Ok(Response::new(Empty::<hyper::body::Bytes>::new()));
                        }
                        assert_eq!(path, "/v1/traces");
                        let batch = ExportTraceServiceRequest::decode(body).unwrap();
                        for of_resource in batch.resource_spans {
                            let service = of_resource.resource.unwrap().attributes;
                            let service = service
                                .into_iter()
                                .find(|one| one.key == "service.name")
                                .unwrap();
                            let service = format!("{:?}", service.value.unwrap().value.unwrap());
                            let spans = of_resource
                                .scope_spans
                                .into_iter()
                                .flat_map(|scope| scope.spans);
                            collected
                                .lock()
                                .unwrap()
                                .extend(spans.map(|span| (service.clone(), span)));
                        }
                        Ok::<_, Infallible>(Response::new(Empty::<hyper::body::Bytes>::new()))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            address,
            spans,
            metrics,
        }
    }

    /// The spans of a trace so far.
    fn of(&self, trace: TraceParent) -> Vec<(String, Span)> {
        let trace = trace.trace.to_be_bytes();
        self.spans
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, span)| span.trace_id == trace)
            .cloned()
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_runs_from_the_producers_span_to_the_published_events() {
    let collector = Collector::start().await;
    let mut studio =
        Studio::on_apache_kafka(|options| options.otlp_endpoint.clone_from(&collector.address))
            .await;
    let parent: TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .unwrap();
    let event = created("tenant-traced", "traced");
    let headers = [
        ("content-type", Some(&b"application/cloudevents+json"[..])),
        (
            "traceparent",
            Some(&b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"[..]),
        ),
    ];
    let value = event.to_string();
    let topic = Topic::EventCreated.as_str();
    studio
        .stack
        .publish(
            topic,
            Some(b"tenant-traced"),
            Some(value.as_bytes()),
            &headers,
        )
        .await
        .unwrap();
    let produced = studio.produced_for("tenant-traced", 8).await;

    // Two assets, each drawn and closed.
    let names = || -> Vec<String> {
        let mut names: Vec<_> = collector
            .of(parent)
            .into_iter()
            .map(|(_, span)| span.name)
            .collect();
        names.sort();
        names
    };
    let expected = [
        "close invitation",
        "close poster",
        "draw studio-canvas",
        "draw studio-canvas",
        "process eventzr.event.created.v1",
    ];
    until("the whole trace is collected", async || names() == expected).await;
    let spans = collector.of(parent);
    let process = &spans
        .iter()
        .find(|(_, span)| span.name.starts_with("process"))
        .unwrap()
        .1;
    assert_eq!(process.parent_span_id, parent.span.to_be_bytes());
    assert_eq!(process.links.len(), 1, "the invocation");
    let happened: Vec<&str> = process
        .events
        .iter()
        .map(|event| event.name.as_str())
        .collect();
    assert_eq!(happened, ["committed", "published", "sent"]);
    for (service, span) in spans
        .iter()
        .filter(|(_, span)| span.span_id != process.span_id)
    {
        assert_eq!(span.parent_span_id, process.span_id, "{}", span.name);
        assert!(service.contains(RENDER), "{service}");
    }
    // A consumer of the published events continues from the span that handled the inbound event.
    for record in &produced {
        let header = record
            .headers
            .iter()
            .find(|(name, _)| name == "traceparent")
            .unwrap()
            .1
            .as_deref()
            .unwrap();
        let published: TraceParent = std::str::from_utf8(header).unwrap().parse().unwrap();
        assert_eq!(
            (published.trace, &published.span.to_be_bytes()[..]),
            (parent.trace, &process.span_id[..])
        );
    }

    // What fails is the one thing that did not happen.
    let expected: BTreeSet<String> = OTEL_METRICS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .filter(|name| name != "faas.errors")
        .collect();
    until("OpenTelemetry's metrics are collected", async || {
        *collector.metrics.lock().unwrap() == expected
    })
    .await;

    // Without a header, the CloudEvents extension continues the trace. An invalid extension starts
    // a new trace, and stops nothing.
    for (tenant, extension) in [
        (
            "tenant-extension",
            json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ),
        ("tenant-of-a-number", json!(7)),
    ] {
        let mut event = created(tenant, tenant);
        event["traceparent"] = extension;
        studio.publish(&event).await;
        studio.produced_for(tenant, 8).await;
    }
    let of_extension: TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        .parse()
        .unwrap();
    until("its trace is collected", async || {
        collector.of(of_extension).len() == 5
    })
    .await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_collector_delays_nothing_and_traces_still_pass_through() {
    let mut studio =
        Studio::start_with(|options| options.otlp_endpoint = "http://127.0.0.1:9".to_owned()).await;
    studio
        .publish(&created("tenant-uncollected", "uncollected"))
        .await;
    studio.produced_for("tenant-uncollected", 8).await;
    // The consumer and the function that draws tried to send, and were refused at once.
    let uncollected = async || {
        let lines = logged(&studio.stack.clients).await.unwrap();
        let lines = lines
            .into_iter()
            .filter(|line| line.contains("spans were not collected"));
        lines.collect::<Vec<_>>()
    };
    until("the functions try to send", async || {
        uncollected().await.len() >= 2
    })
    .await;
    let waited = |line: &String| line.contains("not collected within");
    let lines = uncollected().await;
    assert!(!lines.iter().any(waited), "{lines:#?}");
    studio.stop().await;

    let mut studio = Studio::start().await;
    let mut event = created("tenant-through", "through");
    event["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    studio.publish(&event).await;
    let published: BTreeSet<_> = studio
        .produced_for("tenant-through", 8)
        .await
        .iter()
        .map(|record| {
            record
                .headers
                .iter()
                .find(|(name, _)| name == "traceparent")
                .cloned()
        })
        .collect();
    let same = Some((
        "traceparent".to_owned(),
        Some(event["traceparent"].as_str().unwrap().as_bytes().to_vec()),
    ));
    assert_eq!(published, BTreeSet::from([same]));
    studio.stop().await;
}

/// The alarms on our metrics are not about missing data, so they would fall silent.
#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_logs_errors_alone_still_emits_its_metrics() {
    let mut studio = Studio::start_with(|options| options.log_level = "ERROR").await;
    studio.publish(&created("tenant-quiet", "quiet")).await;
    studio.produced_for("tenant-quiet", 8).await;
    let ends = ["RecordsDone", "JobsCompleted"];
    until("the metrics of the event and its jobs", async || {
        let emitted = emitted(&studio.stack.clients).await.unwrap();
        ends.iter()
            .all(|end| emitted.keys().any(|metric| metric.name == *end))
    })
    .await;
    let lines = logged(&studio.stack.clients).await.unwrap();
    let said = |line: &String| line.contains("batch handled");
    assert!(!lines.iter().any(said), "{lines:#?}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_names_records_jobs_and_tenants_but_none_of_their_content() {
    let mut studio = Studio::start().await;
    let mut event = created("tenant-logged", "logged");
    event["data"]["title"] = json!("A title for no log");
    studio.publish(&event).await;
    studio.produced_for("tenant-logged", 8).await;
    event["id"] = json!("evt-wrong");
    event["data"]["startsAt"] = json!("on the day of secrets");
    studio.publish(&event).await;
    let mut lines = Vec::new();
    until("the wrong one becomes a dead letter", async || {
        lines = logged(&studio.stack.clients).await.unwrap();
        lines
            .iter()
            .any(|line| line.contains("record dead-lettered"))
    })
    .await;
    let log = lines.join("\n");
    assert!(
        !log.contains("for no log") && !log.contains("secrets"),
        "{log}"
    );
    // The functions log JSON, as the template asks for: each line an object with its fields.
    let said: Vec<Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let saying = |words: &'static str| {
        said.iter()
            .filter(move |line| line["fields"]["message"] == words)
            .map(|line| &line["fields"])
    };
    let letter = saying("record dead-lettered").next().unwrap();
    assert_eq!(
        (&letter["tenant"], &letter["topic"]),
        (&json!("tenant-logged"), &json!("eventzr.event.created.v1"))
    );
    // The id with which an operator finds the cause.
    let id = letter["id"].as_str().unwrap();
    let shown = crate::operator::studio(&studio, &format!("dead-letters show {id}")).await;
    assert!(
        shown
            .text
            .contains("data.startsAt: `on the day of secrets` is not an RFC 3339 time"),
        "{shown:?}"
    );
    // One line for each invocation of the consumer, with its counts.
    let handled = saying("batch handled");
    // Those of `render` have no partitions.
    let handled: Vec<&Value> = handled
        .filter(|fields| fields["by_partition"].is_string())
        .collect();
    let of_wrong = handled
        .iter()
        .find(|fields| fields["dead_lettered"] == 1)
        .unwrap();
    let by_partition = of_wrong["by_partition"].as_str().unwrap();
    assert!(
        handled.len() == 2 && by_partition.ends_with(": 0 done, 1 dead-lettered, 0 retried"),
        "{handled:#?}"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_emitted() {
    let mut studio = Studio::start_with(|options| {
        options.providers.video = "runway".to_owned();
        options.providers.audio = "elevenlabs".to_owned();
        options.completion_concurrency = 8;
        // What is refused ends at once.
        options.vendor_patience = Duration::ZERO;
    })
    .await;
    // A spot that is paid for and cannot be stored at first.
    let completion = studio.stack.outputs.completion_function_name.clone();
    studio.stack.proxy.inject(Fault {
        matches: Matches {
            operation: Some("PutObject".to_owned()),
            function: Some(completion),
            occurrence: Occurrence::First(3),
            ..Matches::default()
        },
        action: Action::Fail {
            status: 503,
            error: "SlowDown".to_owned(),
        },
    });
    studio
        .publish(&campaign("tenant-kept", &["audio-spot"]))
        .await;
    studio.produced_for("tenant-kept", 4).await;
    // A poster that cannot be stored at first: its message is put off.
    studio.stack.proxy.inject(Fault {
        matches: Matches {
            operation: Some("PutObject".to_owned()),
            function: Some(RENDER.to_owned()),
            // As many failures as the SDK makes tries, so that the function sees the error.
            occurrence: Occurrence::First(3),
            ..Matches::default()
        },
        action: Action::Fail {
            status: 503,
            error: "SlowDown".to_owned(),
        },
    });
    let mut poster = created("tenant-put-off", "put-off");
    poster["data"]["assets"] = json!(["poster"]);
    // It is drawn twice, and what has no font is counted once.
    poster["data"]["organizer"] = json!("\u{12031}\u{12079}");
    studio.publish(&poster).await;
    studio.produced_for("tenant-put-off", 4).await;
    // A paid video, and one for which the account has no credit.
    studio.publish(&campaign("tenant-filmed", &["video"])).await;
    studio.produced_for("tenant-filmed", 4).await;
    let empty = refusal(Vendor::Runway, Refusal::Billing).unwrap();
    studio
        .stack
        .sandbox
        .script(Script::posts(Vendor::Runway, Occurrence::Every, empty));
    studio.publish(&campaign("tenant-unpaid", &["video"])).await;
    studio.ended("tenant-unpaid").await;
    studio
        .stack
        .publish(
            Topic::EventCreated.as_str(),
            Some(b"tenant-filmed"),
            None,
            &[],
        )
        .await
        .unwrap();
    // A producer's clock is a minute ahead; then its correction has the true time.
    let mut ahead = created("tenant-ahead", "ahead");
    ahead["data"]["assets"] = json!(["poster"]);
    let mut correction = ahead.clone();
    correction["id"] = json!("evt-correction");
    let minute = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(1);
    ahead["time"] = json!(contract::Time::new(minute).to_string());
    studio.publish(&ahead).await;
    studio.produced_for("tenant-ahead", 4).await;
    studio.publish(&correction).await;
    until("the correction is counted as older", async || {
        let emitted = emitted(&studio.stack.clients).await.unwrap();
        emitted.keys().any(|metric| metric.name == "OlderEvents")
    })
    .await;
    let gather = json!({ "step": "gather" });
    until("the tombstone is dead-lettered and counted", async || {
        invoke(&studio.stack, "studio-operator-local", &gather).await;
        let emitted = emitted(&studio.stack.clients).await.unwrap();
        emitted
            .iter()
            .any(|(metric, values)| metric.name == "DeadLetterDepth" && values.last() == Some(&1.0))
    })
    .await;
    invoke(&studio.stack, "studio-watch-local", &json!({})).await;
    until("the readings of watch are measured", async || {
        let emitted = emitted(&studio.stack.clients).await.unwrap();
        emitted.keys().any(|metric| metric.name == "ReadingsFailed")
    })
    .await;

    let emitted = emitted(&studio.stack.clients).await.unwrap();
    let sum = |name: &str, besides: &[(&str, &str)]| {
        let dimensions = [("Stage", "local")].iter().chain(besides);
        let dimensions = dimensions
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let metric = Metric {
            name: name.to_owned(),
            dimensions,
        };
        emitted
            .get(&metric)
            .unwrap_or_else(|| panic!("{metric:?} is not among {:#?}", emitted.keys()))
            .iter()
            .sum::<f64>()
    };
    let launched = [("Topic", "eventzr.campaign.launched.v1")];
    let runway = [("Provider", "runway")];
    assert_eq!(
        (
            sum("RecordsReceived", &launched),
            sum("RecordsDone", &launched)
        ),
        (3.0, 3.0)
    );
    assert_eq!(
        sum(
            "RecordsDeadLettered",
            &[("Topic", "eventzr.event.created.v1")]
        ),
        1.0
    );
    assert_eq!(sum("RecordsRetried", &launched), 0.0);
    assert!(sum("BatchDuration", &launched) > 0.0);
    assert!(sum("ProviderCalls", &runway) >= 3.0 && sum("ProviderDuration", &runway) > 0.0);
    assert!(sum("ProviderCredits", &runway) > 0.0);
    assert_eq!(
        sum(
            "ProviderFailures",
            &[("Provider", "runway"), ("Class", "billing")]
        ),
        1.0
    );
    assert_eq!(sum("BreakerOpened", &runway), 1.0);
    assert_eq!(
        (sum("JobsCompleted", &[]), sum("JobsFailed", &[])),
        (4.0, 1.0)
    );
    assert_eq!(sum("PaidResultsKept", &[("Provider", "elevenlabs")]), 1.0);
    assert_eq!(sum("MessagesPutOff", &[]), 1.0);
    assert_eq!(sum("CharactersUndrawn", &[]), 2.0);
    assert_eq!(sum("OlderEvents", &[]), 1.0);
    let ahead = sum("EventTimeAhead", &[]);
    assert!(ahead > 30_000.0 && ahead <= 60_000.0, "{ahead} ms");
    assert!(sum("EventToAsset", &[]) > 0.0);
    let names: BTreeSet<&str> = emitted.keys().map(|metric| metric.name.as_str()).collect();
    // No team is told here: `functions/notify` has the tests of its metric.
    let expected = METRICS.iter().map(|(name, _)| *name);
    let expected = expected.filter(|name| *name != "NoticesFailed");
    assert_eq!(names, expected.collect(), "each of them");
    // Only these six may be dimensions, because CloudWatch charges for each value of a dimension.
    let dimensions: BTreeSet<&str> = emitted
        .keys()
        .flat_map(|metric| metric.dimensions.keys().map(String::as_str))
        .collect();
    assert_eq!(
        dimensions,
        BTreeSet::from(["Class", "Provider", "Schedule", "Stage", "Topic", "Waits"])
    );
    studio.stop().await;
}

//! What an operator sees of a function from outside: one trace from an event to its asset, and
//! every metric.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use contract::{Topic, TraceParent};
use fault_proxy::{Action, Fault, Matches, Occurrence};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use local::metrics::{Metric, emitted, logged};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message as _;
use serde_json::json;
use telemetry::METRICS;
use tokio::net::TcpListener;
use vendor_sandbox::{Refusal, Script, Vendor, refusal};

use crate::{
    campaigns::campaign,
    harness::{Studio, created, invoke, until},
    messages::RENDER,
};

/// A collector of spans in this process.
struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<(String, Span)>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::new(Mutex::new(Vec::new()));
        let collected = spans.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let collected = collected.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let collected = collected.clone();
                    async move {
                        assert_eq!(request.uri().path(), "/v1/traces");
                        let body = request.into_body().collect().await.unwrap().to_bytes();
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
        Self { address, spans }
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
    // The emulator does not make functions log JSON, as Lambda does: the fields are in the line as
    // text.
    let letter = lines
        .iter()
        .find(|line| line.contains("record dead-lettered"))
        .unwrap();
    assert!(
        letter.contains(r#"tenant="tenant-logged""#)
            && letter.contains(r#"topic="eventzr.event.created.v1""#),
        "{letter}"
    );
    // The id with which an operator finds the cause.
    let id = letter
        .split("id=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let shown = crate::operator::studio(&studio, &format!("dead-letters show {id}")).await;
    assert!(
        shown
            .text
            .contains("data.startsAt: `on the day of secrets` is not an RFC 3339 time"),
        "{shown:?}"
    );
    // One line for each invocation of the consumer, with its counts.
    let handled: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("batch handled") && line.contains("by_partition="))
        .collect();
    let of_wrong = handled
        .iter()
        .find(|line| line.contains("dead_lettered=1"))
        .unwrap();
    assert!(
        handled.len() == 2 && of_wrong.contains(": 0 done, 1 dead-lettered, 0 retried"),
        "{handled:#?}"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_emitted() {
    let mut studio = Studio::start_with(|options| {
        options.providers.video = "runway".to_owned();
        options.completion_concurrency = 8;
    })
    .await;
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
    let gather = json!({ "step": "gather" });
    until("the tombstone is dead-lettered and counted", async || {
        invoke(&studio.stack, "studio-operator-local", &gather).await;
        let emitted = emitted(&studio.stack.clients).await.unwrap();
        emitted
            .iter()
            .any(|(metric, values)| metric.name == "DeadLetterDepth" && values.last() == Some(&1.0))
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
        (2.0, 2.0)
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
        (2.0, 1.0)
    );
    assert_eq!(sum("MessagesPutOff", &[]), 1.0);
    assert_eq!(sum("CharactersUndrawn", &[]), 2.0);
    assert!(sum("EventToAsset", &[]) > 0.0);
    let names: BTreeSet<&str> = emitted.keys().map(|metric| metric.name.as_str()).collect();
    assert_eq!(
        names,
        METRICS
            .iter()
            .map(|(name, _)| *name)
            .collect::<BTreeSet<_>>(),
        "each of them"
    );
    // Only these four may be dimensions, because CloudWatch charges for each value of a dimension.
    let dimensions: BTreeSet<&str> = emitted
        .keys()
        .flat_map(|metric| metric.dimensions.keys().map(String::as_str))
        .collect();
    assert_eq!(
        dimensions,
        BTreeSet::from(["Class", "Provider", "Stage", "Topic"])
    );
    studio.stop().await;
}

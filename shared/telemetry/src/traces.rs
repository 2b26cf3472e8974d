//! Traces: spans that are made by hand, held until the invocation is over, and sent then over OTLP,
//! before the sandbox is frozen. Where nobody collects them there are none, and a span is what it
//! would have been a part of.

use std::{
    borrow::Cow,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use contract::TraceParent;
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{
        IdGenerator as _, RandomIdGenerator, SpanData, SpanEvents, SpanExporter as _, SpanLinks,
    },
};

/// How long sending may take: a collector that is away must not take a function's time.
const AT_MOST: Duration = Duration::from_secs(2);

/// Where spans go.
#[derive(Debug)]
pub struct Traces {
    exporter: Option<SpanExporter>,
    finished: Mutex<Vec<SpanData>>,
}

/// What a span is to those before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It handles what another service published.
    Consumer,
    /// It asks another service.
    Client,
    /// It is this service's own affair.
    Internal,
}

/// Something that takes its time, and is sent when it is dropped.
#[derive(Debug)]
pub struct Span<'t> {
    traces: &'t Traces,
    parent: Option<TraceParent>,
    data: Option<Box<SpanData>>,
}

impl Traces {
    /// Nobody collects spans.
    #[must_use]
    pub fn off() -> Self {
        Self {
            exporter: None,
            finished: Mutex::default(),
        }
    }

    /// A collector does, at `endpoint`, of the function `function` of `stage`.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn to(endpoint: &str, function: String, stage: String) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http();
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let mut exporter = exporter
            .with_endpoint(address)
            .with_timeout(AT_MOST)
            .build()?;
        let resource = Resource::builder_empty()
            .with_service_name(function.clone())
            .with_attributes([
                KeyValue::new("service.namespace", "studio-svc"),
                KeyValue::new("faas.name", function),
                KeyValue::new("cloud.provider", "aws"),
                KeyValue::new("deployment.environment.name", stage),
            ])
            .build();
        exporter.set_resource(&resource);
        Ok(Self {
            exporter: Some(exporter),
            finished: Mutex::default(),
        })
    }

    /// Begins a span that is a part of `parent`, or the first of a trace of its own. Its name is
    /// written only if it is recorded.
    pub fn begin(
        &self,
        name: fmt::Arguments<'_>,
        kind: Kind,
        parent: Option<TraceParent>,
    ) -> Span<'_> {
        let is_recorded = self.exporter.is_some() && parent.is_none_or(|parent| parent.is_sampled);
        let data = is_recorded.then(|| Box::new(begin(name.to_string(), kind, parent)));
        Span {
            traces: self,
            parent,
            data,
        }
    }

    /// Sends what has ended. What cannot be sent is said in the log and forgotten: a function never
    /// waits for its own traces again.
    pub async fn flush(&self) {
        let Some(exporter) = &self.exporter else {
            return;
        };
        let finished =
            std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner));
        if finished.is_empty() {
            return;
        }
        let spans = finished.len();
        match tokio::time::timeout(AT_MOST, exporter.export(finished)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(spans, "spans were not collected: {error}"),
            Err(_) => tracing::warn!(
                spans,
                "spans were not collected within {} s",
                AT_MOST.as_secs()
            ),
        }
    }
}

fn begin(name: String, kind: Kind, parent: Option<TraceParent>) -> SpanData {
    let ids = RandomIdGenerator::default();
    let trace = parent.map_or_else(|| ids.new_trace_id(), |parent| TraceId::from(parent.trace));
    SpanData {
        span_context: SpanContext::new(
            trace,
            ids.new_span_id(),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: parent.map_or(SpanId::INVALID, |parent| SpanId::from(parent.span)),
        parent_span_is_remote: true,
        span_kind: match kind {
            Kind::Consumer => SpanKind::Consumer,
            Kind::Client => SpanKind::Client,
            Kind::Internal => SpanKind::Internal,
        },
        name: Cow::Owned(name),
        start_time: SystemTime::now(),
        end_time: SystemTime::UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("studio").build(),
    }
}

impl Span<'_> {
    /// Whether it is sent to anybody: if not, what would be said of it need not be made.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.data.is_some()
    }

    /// What is a part of this span: where nobody collects them, what this is a part of itself.
    #[must_use]
    pub fn context(&self) -> Option<TraceParent> {
        let Some(data) = &self.data else {
            return self.parent;
        };
        let context = &data.span_context;
        Some(TraceParent {
            trace: u128::from_be_bytes(context.trace_id().to_bytes()),
            span: u64::from_be_bytes(context.span_id().to_bytes()),
            is_sampled: true,
        })
    }

    /// Says something of it, under a name of OpenTelemetry's where there is one.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(data) = &mut self.data {
            data.attributes.push(KeyValue::new(name, value));
        }
    }

    /// It has to do with another span, which it is no part of.
    pub fn link(&mut self, other: TraceParent) {
        if let Some(data) = &mut self.data {
            let (trace, span) = (TraceId::from(other.trace), SpanId::from(other.span));
            let context =
                SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
            data.links.links.push(Link::with_context(context));
        }
    }

    /// Something happens in it now.
    pub fn happens(&mut self, what: &'static str) {
        if let Some(data) = &mut self.data {
            data.events
                .events
                .push(Event::new(what, SystemTime::now(), Vec::new(), 0));
        }
    }

    /// It did not do what it is for.
    pub fn fails(&mut self, why: impl Into<Cow<'static, str>>) {
        if let Some(data) = &mut self.data {
            data.status = Status::error(why);
        }
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        if let Some(mut data) = self.data.take() {
            data.end_time = SystemTime::now();
            self.traces
                .finished
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(*data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: TraceParent = TraceParent {
        trace: 7,
        span: 8,
        is_sampled: true,
    };

    #[test]
    fn where_nobody_collects_spans_a_span_is_what_it_would_be_a_part_of() {
        let traces = Traces::off();
        let mut span = traces.begin(format_args!("process"), Kind::Consumer, Some(PARENT));
        span.set("messaging.system", "kafka");
        assert!(!span.is_recorded());
        assert_eq!(span.context(), Some(PARENT));
        assert_eq!(
            traces
                .begin(format_args!("process"), Kind::Consumer, None)
                .context(),
            None
        );
        drop(span);
        assert!(traces.finished.lock().unwrap().is_empty());
    }

    #[test]
    fn a_span_is_a_part_of_its_parents_trace_and_what_is_not_sampled_is_not_recorded() {
        let traces = Traces::to(
            "http://127.0.0.1:1",
            "studio-x".to_owned(),
            "local".to_owned(),
        )
        .unwrap();
        let context = traces
            .begin(format_args!("process"), Kind::Consumer, Some(PARENT))
            .context()
            .unwrap();
        assert_eq!((context.trace, context.is_sampled), (PARENT.trace, true));
        assert_ne!(context.span, PARENT.span);
        let unsampled = TraceParent {
            is_sampled: false,
            ..PARENT
        };
        assert_eq!(
            traces
                .begin(format_args!("process"), Kind::Consumer, Some(unsampled))
                .context(),
            Some(unsampled)
        );
        let finished = traces.finished.lock().unwrap();
        let [span] = &finished[..] else {
            panic!("{finished:?}")
        };
        assert_eq!(span.parent_span_id, SpanId::from(PARENT.span));
        assert!(span.end_time >= span.start_time);
    }
}

//! Traces: spans are made by hand, held until the invocation ends, and then sent over OTLP, before
//! the sandbox is frozen. Without a collector no span is recorded, and the context of a span is
//! that of its parent.

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

/// The longest time for sending, because an absent collector must not hold a function up.
pub(crate) const AT_MOST: Duration = Duration::from_secs(2);

/// Collects finished spans and sends them.
#[derive(Debug)]
pub struct Traces {
    exporter: Option<SpanExporter>,
    finished: Mutex<Vec<SpanData>>,
}

/// The role of a span in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It handles a message that another service published.
    Consumer,
    /// It calls another service.
    Client,
    /// It is work within this service.
    Internal,
}

/// A timed operation. Dropping the span ends it and hands it over for sending.
#[derive(Debug)]
pub struct Span<'t> {
    traces: &'t Traces,
    parent: Option<TraceParent>,
    data: Option<Box<SpanData>>,
}

impl Traces {
    /// Traces without a collector: no span is recorded.
    #[must_use]
    pub fn off() -> Self {
        Self {
            exporter: None,
            finished: Mutex::default(),
        }
    }

    /// Sends spans to the collector at `endpoint`, for what `resource` describes.
    ///
    /// # Errors
    /// An error if the endpoint is invalid.
    pub fn to(endpoint: &str, resource: &Resource) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http();
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let mut exporter = exporter
            .with_endpoint(address)
            .with_timeout(AT_MOST)
            .build()?;
        exporter.set_resource(resource);
        Ok(Self {
            exporter: Some(exporter),
            finished: Mutex::default(),
        })
    }

    /// Begins a span that is a child of `parent`, or the root of a new trace. The name is formatted
    /// only if the span is recorded.
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

    /// Sends the spans that have ended. It logs and drops those that it cannot send, so that a
    /// function never waits for its own traces twice.
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
    /// Whether the span will be sent. If not, its attributes need not be computed.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.data.is_some()
    }

    /// The context for children of this span. Without recording it is the parent's context.
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

    /// Sets an attribute, under OpenTelemetry's name where there is one.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(data) = &mut self.data {
            data.attributes.push(KeyValue::new(name, value));
        }
    }

    /// Links another span that is not this span's parent.
    pub fn link(&mut self, other: TraceParent) {
        if let Some(data) = &mut self.data {
            let (trace, span) = (TraceId::from(other.trace), SpanId::from(other.span));
            let context =
                SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
            data.links.links.push(Link::with_context(context));
        }
    }

    /// Records an event at the current time.
    pub fn happens(&mut self, what: &'static str) {
        if let Some(data) = &mut self.data {
            data.events
                .events
                .push(Event::new(what, SystemTime::now(), Vec::new(), 0));
        }
    }

    /// Marks the span as failed, with `_OTHER` as its `error.type`: the sentence says more than a
    /// class of ours would.
    pub fn fails(&mut self, why: impl Into<Cow<'static, str>>) {
        if let Some(data) = &mut self.data {
            data.status = Status::error(why);
            data.attributes.push(KeyValue::new("error.type", "_OTHER"));
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
    fn without_a_collector_a_span_passes_its_parents_context_on() {
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
    fn a_span_joins_its_parents_trace_if_the_parent_is_sampled() {
        let nothing = Resource::builder_empty().build();
        let traces = Traces::to("http://127.0.0.1:1", &nothing).unwrap();
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

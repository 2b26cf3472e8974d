//! Metrics and traces: what an operator sees of a function besides its log. No other crate writes a
//! metric or sends a span.

mod config;
mod emf;
mod measured;
mod metrics;
mod otel;
mod readings;
mod traces;

use std::sync::Arc;

use otel::Meters;

pub use config::{TelemetryError, resource};
pub use measured::Measured;
pub use metrics::{METRICS, Metrics, NAMESPACE};
pub use otel::{Invocation, OTEL_METRICS, Trigger};
pub use readings::{Reading, Waits};
pub use traces::{Kind, Span, Traces};

/// The metrics and traces of a function, made in its init phase.
pub struct Telemetry {
    /// Its metrics.
    pub metrics: Metrics,
    /// Its traces.
    pub traces: Traces,
    /// Its metrics by OpenTelemetry, if there is a collector.
    meters: Option<Arc<Meters>>,
}

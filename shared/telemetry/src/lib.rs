//! Metrics and traces: what an operator sees of a function besides its log. No other crate writes a
//! metric or sends a span.

mod config;
mod emf;
mod metrics;
mod traces;

pub use config::TelemetryError;
pub use metrics::{METRICS, Measured, Metrics, NAMESPACE};
pub use traces::{Kind, Span, Traces};

/// The metrics and traces of a function, made in its init phase.
pub struct Telemetry {
    /// Its metrics.
    pub metrics: Metrics,
    /// Its traces.
    pub traces: Traces,
}

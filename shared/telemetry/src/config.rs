//! The settings of telemetry, read from the environment once.

use std::env;

use crate::{Metrics, Telemetry, Traces};

/// A variable that telemetry needs is missing or invalid.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// The endpoint is no address that spans can be sent to.
    #[error(
        "the environment variable OTEL_EXPORTER_OTLP_ENDPOINT is `{endpoint}`, where no spans can be sent"
    )]
    Endpoint {
        /// The variable's value.
        endpoint: String,
        /// Why it is invalid.
        source: opentelemetry_otlp::ExporterBuildError,
    },
}

impl Telemetry {
    /// Reads the environment: `STAGE`; `AWS_LAMBDA_FUNCTION_NAME`; and
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, the base URL of a collector over plain HTTP, such as
    /// `http://localhost:4318`. Without an endpoint there are no spans, and an event that arrives
    /// with a trace is published with the same trace.
    ///
    /// # Errors
    /// A [`TelemetryError`] that names the variable.
    pub fn from_env() -> Result<Self, TelemetryError> {
        let stage = variable("STAGE").ok_or(TelemetryError::Missing("STAGE"))?;
        let traces = match variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
            None => Traces::off(),
            Some(endpoint) => {
                let function =
                    variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "studio".to_owned());
                Traces::to(&endpoint, function, stage.clone())
                    .map_err(|source| TelemetryError::Endpoint { endpoint, source })?
            }
        };
        Ok(Self {
            metrics: Metrics::new(stage),
            traces,
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the config.rs that reads the environment"
)]
fn variable(name: &'static str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

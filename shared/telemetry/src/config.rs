//! The settings of telemetry, read from the environment once.

use std::{env, sync::Arc, time::Duration};

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::{
    Metrics, Telemetry, Traces,
    otel::{Groups, Meters},
};

/// A variable that telemetry needs is missing or invalid.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// The objective is no number of seconds.
    #[error(
        "the environment variable EVENT_TO_ASSET_SECONDS is `{0}`; it must be a number of seconds"
    )]
    Objective(String),
    /// The endpoint is no address that spans and metrics can be sent to.
    #[error(
        "the environment variable OTEL_EXPORTER_OTLP_ENDPOINT is `{endpoint}`, where no spans and no metrics can be sent"
    )]
    Endpoint {
        /// The variable's value.
        endpoint: String,
        /// Why it is invalid.
        source: opentelemetry_otlp::ExporterBuildError,
    },
}

impl Telemetry {
    /// Reads the environment: `STAGE`; `AWS_LAMBDA_FUNCTION_NAME`; `EVENT_TO_ASSET_SECONDS`, within
    /// which an asset is in time, where assets are made; `CONSUMER_GROUPS`, which is `stage` if the
    /// consumer groups end with the stage; and `OTEL_EXPORTER_OTLP_ENDPOINT`, the base URL of a
    /// collector over plain HTTP, such as `http://localhost:4318`. Without an endpoint there are no
    /// spans and no metrics by OpenTelemetry, and an event that arrives with a trace is published
    /// with the same trace.
    ///
    /// # Errors
    /// A [`TelemetryError`] that names the variable.
    pub fn from_env() -> Result<Self, TelemetryError> {
        let stage = variable("STAGE").ok_or(TelemetryError::Missing("STAGE"))?;
        let objective = variable("EVENT_TO_ASSET_SECONDS")
            .map(seconds)
            .transpose()?;
        let metrics = Metrics::new(stage.clone(), objective);
        let Some(endpoint) = variable("OTEL_EXPORTER_OTLP_ENDPOINT") else {
            return Ok(Self {
                metrics,
                traces: Traces::off(),
                meters: None,
            });
        };
        let function = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "studio".to_owned());
        let groups = match variable("CONSUMER_GROUPS") {
            Some(by) if by == "stage" => Groups::ByStage(stage.clone()),
            Some(_) | None => Groups::Shared,
        };
        let resource = resource(function, stage);
        let traces = Traces::to(&endpoint, &resource);
        let meters = Meters::to(&endpoint, resource, groups);
        let (traces, meters) = traces
            .and_then(|traces| Ok((traces, Arc::new(meters?))))
            .map_err(|source| TelemetryError::Endpoint { endpoint, source })?;
        Ok(Self {
            metrics: metrics.beside(Arc::clone(&meters)),
            traces,
            meters: Some(meters),
        })
    }
}

/// What sends spans and metrics: a function of a stage.
#[must_use]
pub fn resource(function: String, stage: String) -> Resource {
    Resource::builder_empty()
        .with_service_name(function.clone())
        .with_attributes([
            KeyValue::new("service.namespace", "studio-svc"),
            KeyValue::new("faas.name", function),
            KeyValue::new("cloud.provider", "aws"),
            KeyValue::new("deployment.environment.name", stage),
        ])
        .build()
}

fn seconds(text: String) -> Result<Duration, TelemetryError> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err(TelemetryError::Objective(text)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the config.rs that reads the environment"
)]
fn variable(name: &'static str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

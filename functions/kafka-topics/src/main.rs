//! Lambda: the template's custom resource `Custom::KafkaTopics`. CloudFormation cannot reach the
//! brokers, so this function, which is inside the VPC, creates the topics that the studio writes.

mod answer_url;
mod error;
mod provide;

use std::time::{Duration, SystemTime};

use aws_smithy_http_client::Connector;
use kafka::{TopicSettings, Topics};
use lambda_runtime::{LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{aws_config, deadline, https_connector, start_log};
use serde::Serialize;
use serde_json::Value;

use answer_url::AnswersTo;
use error::ProvideError;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The clients and configuration, made once in the init phase.
struct App {
    topics: Topics,
    https: Connector,
    wanted: TopicSettings,
    answers_to: AnswersTo,
}

/// The answer to Lambda. CloudFormation has got its own already.
#[derive(Serialize)]
struct Provided {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config()?;
    let app = &App {
        topics: Topics::new(&kafka::Config::from_env()?, &aws),
        https: https_connector()?,
        wanted: provide::wanted()?,
        answers_to: AnswersTo::from_env(),
    };
    run(service_fn(async |event: LambdaEvent<Value>| {
        let now = SystemTime::now();
        let ends = deadline(event.context.deadline(), now);
        let left = ends.duration_since(now).unwrap_or_default();
        let provided = provide(app, event.payload, left).await;
        provided.inspect_err(|error| tracing::error!("no answer: {}", runtime::chain(error)))
    }))
    .await
}

/// Handles a request in the time that is `left` of the invocation.
async fn provide(app: &App, asked: Value, left: Duration) -> Result<Provided, ProvideError> {
    let asked = serde_json::from_value(asked).map_err(ProvideError::Request)?;
    provide::provide(app, &asked, left).await?;
    Ok(Provided {})
}

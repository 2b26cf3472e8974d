//! The lower bound: a function that does nothing, with the same runtime crate and the same profile.

use lambda_runtime::{LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run(service_fn(async |_: LambdaEvent<Value>| {
        Ok::<_, lambda_runtime::Error>(json!({ "batchItemFailures": [] }))
    }))
    .await
}

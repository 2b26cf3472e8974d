//! Each function as a developer runs it: under `cargo lambda watch`, against the local stack, with
//! the files in `events/lambda`.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use contract::Topic;
use local::{checkout::Checkout, environment::environment, ports::free_port};
use serde_json::{Value, json};

use crate::harness::{Studio, batch_of_now, first_tenant, until};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Running {
    Running(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    )
}

/// The functions that consume topics.
fn consumers() -> impl Iterator<Item = &'static str> {
    Topic::consumed().filter_map(Topic::consumer)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_function_runs_under_cargo_lambda_with_the_example_batches() {
    let mut studio = Studio::on_apache_kafka(|options| options.poll = false).await;
    let checkout = Checkout::find().unwrap();
    let cargo_lambda = checkout.root.join("target/tools/bin/cargo-lambda");
    assert!(
        cargo_lambda.exists(),
        "cargo-lambda is not installed: run `make target/tools/installed`"
    );
    let port = free_port().unwrap().to_string();
    // Without this option, cargo-lambda compiles each function again before it starts it, and then
    // runs what is run here.
    let mut watch = Command::new(&cargo_lambda);
    watch.args([
        "lambda",
        "watch",
        "--only-lambda-apis",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port,
    ]);
    let _watch = start(watch.current_dir(&checkout.root));
    until("cargo lambda watch listens", async || {
        std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok()
    })
    .await;

    let variables = environment(&studio.stack, &checkout).await.unwrap();
    let mut functions = Vec::new();
    for function in consumers().chain(["completion", "render"]) {
        let mut command = Command::new(checkout.binaries.join(function));
        command.env_clear().envs(variables.iter().cloned());
        command.env(
            "AWS_LAMBDA_RUNTIME_API",
            format!("http://127.0.0.1:{port}/.rt/{function}"),
        );
        command
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512");
        command.env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        functions.push(start(&mut command));
    }

    let temporary = tempfile::tempdir().unwrap();
    let invoke = |function: &str, file: &str| {
        let path = temporary.path().join(file);
        fs::write(&path, batch_of_now(file).to_string()).unwrap();
        let mut command = Command::new(&cargo_lambda);
        command.args([
            "lambda",
            "invoke",
            function,
            "--invoke-address",
            "127.0.0.1",
            "--invoke-port",
            &port,
        ]);
        let output = command.arg("--data-file").arg(path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{function}: {said} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_str::<Value>(&said)
            .unwrap_or_else(|error| panic!("{function} answered {said}: {error}"))
    };
    for function in consumers() {
        assert_eq!(
            invoke(function, &format!("{function}.json")),
            json!({ "batchItemFailures": [] }),
            "{function}"
        );
    }
    // Bad records become dead letters, so they are not redelivered either.
    assert_eq!(
        invoke("event-created", "event-created-bad-records.json"),
        json!({ "batchItemFailures": [] })
    );
    assert_eq!(
        invoke("completion", "completion-sweep.json")["status"],
        "swept"
    );
    assert_eq!(
        invoke("render", "render-queue.json"),
        json!({ "batchItemFailures": [] })
    );

    // The functions did their work: the templates of the events' tenants are published.
    for function in consumers() {
        let tenant = first_tenant(&batch_of_now(&format!("{function}.json")));
        let produced = studio.produced_for(&tenant, 4).await;
        assert!(
            !produced.is_empty(),
            "{function} published nothing about {tenant}"
        );
    }

    // Kafka is down: every record is redelivered, named by its partition and offset.
    assert!(studio.stack.broker.kill().await);
    let batch = batch_of_now("event-created-several-partitions.json");
    let answer = invoke("event-created", "event-created-several-partitions.json");
    let failed: Vec<(&str, u64)> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| {
            let identifier = &failure["itemIdentifier"];
            (
                identifier["partition"].as_str().unwrap(),
                identifier["offset"].as_u64().unwrap(),
            )
        })
        .collect();
    let records = batch["records"].as_object().unwrap();
    let all: Vec<(&str, u64)> = records
        .iter()
        .flat_map(|(partition, records)| {
            records
                .as_array()
                .unwrap()
                .iter()
                .map(|record| (partition.as_str(), record["offset"].as_u64().unwrap()))
        })
        .collect();
    assert_eq!(failed, all);
    studio.stop().await;
}

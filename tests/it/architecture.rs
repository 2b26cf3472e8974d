//! The invariants of ARCHITECTURE.md that a manifest can break: the dependencies of each crate.

use std::{collections::BTreeSet, fs};

use local::checkout::Checkout;
use serde_json::Value;

/// The `[dependencies]` of a crate's manifest.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(
        Checkout::find()
            .unwrap()
            .root
            .join(folder)
            .join("Cargo.toml"),
    )
    .unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    section
        .lines()
        .filter_map(|line| Some(line.split_once(".workspace")?.0.to_owned()))
        .collect()
}

#[test]
fn the_contract_and_the_domain_do_no_io() {
    for folder in ["shared/contract", "shared/domain", "shared/operations"] {
        for dependency in dependencies(folder) {
            let does_io = ["tokio", "rdkafka", "hyper", "reqwest", "lambda_runtime"];
            let is_ours = shared().contains(&format!("shared/{dependency}"));
            assert!(
                !does_io.contains(&dependency.as_str())
                    && !dependency.starts_with("aws")
                    && (!is_ours || dependency == "contract"),
                "{folder} depends on {dependency}"
            );
        }
    }
}

/// The folders of the functions.
fn functions() -> Vec<String> {
    let folders = fs::read_dir(Checkout::find().unwrap().functions()).unwrap();
    folders
        .map(|folder| {
            format!(
                "functions/{}",
                folder.unwrap().file_name().into_string().unwrap()
            )
        })
        .collect()
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let root = Checkout::find().unwrap().root;
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let lints = manifest.split("[workspace.lints.rust]").nth(1).unwrap();
    assert!(
        lints.trim_start().starts_with("unsafe_code = \"forbid\""),
        "{lints}"
    );
    let crates: Vec<String> = functions().into_iter().chain(shared()).collect();
    assert!(crates.len() > 10, "{crates:?}");
    for folder in crates.iter().map(String::as_str).chain([
        "infra/local",
        "infra/cli",
        "tests",
        "tests/chaos",
        "fuzz",
    ]) {
        let manifest = fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{folder} goes without the workspace's lints"
        );
    }
}

/// The folders of the shared crates.
fn shared() -> Vec<String> {
    let folders = fs::read_dir(Checkout::find().unwrap().root.join("shared")).unwrap();
    folders
        .map(|folder| {
            format!(
                "shared/{}",
                folder.unwrap().file_name().into_string().unwrap()
            )
        })
        .collect()
}

/// Fails if a function or a shared crate other than `owners` depends on one of `forbidden`.
fn only(owners: &[&str], forbidden: &[&str]) {
    for folder in functions().into_iter().chain(shared()) {
        for dependency in dependencies(&folder) {
            let is_forbidden = forbidden.iter().any(|name| {
                dependency == *name
                    || name.ends_with('*') && dependency.starts_with(&name[..name.len() - 1])
            });
            assert!(
                !is_forbidden || owners.contains(&folder.as_str()),
                "{folder} depends on {dependency}, which only {owners:?} may"
            );
        }
    }
}

#[test]
fn only_the_store_knows_dynamodb_and_only_the_outbox_step_functions() {
    only(&["shared/store"], &["aws-sdk-dynamodb"]);
    only(&["shared/outbox"], &["aws-sdk-sfn"]);
}

#[test]
fn only_the_kafka_crate_knows_brokers_and_their_authentication() {
    only(
        &["shared/kafka"],
        &["rdkafka", "kafka-protocol", "aws-msk-iam-sasl-signer"],
    );
}

#[test]
fn only_intake_and_the_mains_know_lambda() {
    let functions = functions();
    let mut owners: Vec<&str> = functions.iter().map(String::as_str).collect();
    owners.push("shared/intake");
    only(&owners, &["lambda_runtime"]);
}

#[test]
fn the_storms_expectations_use_none_of_the_code_they_judge() {
    for judged in [
        "domain",
        "store",
        "outbox",
        "dead-letters",
        "kafka",
        "intake",
    ] {
        assert!(
            !dependencies("tests/chaos").contains(judged),
            "tests/chaos depends on {judged}"
        );
    }
}

#[test]
fn only_the_providers_know_vendors() {
    let vendors = ["aws-sdk-polly", "aws-sdk-secretsmanager", "secrecy"];
    only(&["shared/providers"], &vendors);
    // The operator function answers CloudFormation over HTTP.
    only(&["shared/providers", "functions/operator"], &["reqwest"]);
}

#[test]
fn only_telemetry_writes_metrics_and_sends_spans() {
    only(&["shared/telemetry"], &["metrique*", "opentelemetry*"]);
}

#[test]
fn no_consumer_links_a_renderer_and_no_function_links_another() {
    let functions = functions();
    assert_eq!(functions.len(), 6);
    let consumers = functions
        .iter()
        .filter(|folder| *folder != "functions/completion")
        .map(String::as_str);
    for folder in consumers.chain([
        "shared/intake",
        "shared/store",
        "shared/outbox",
        "shared/dead-letters",
        "shared/kafka",
        "shared/runtime",
        "shared/domain",
        "shared/contract",
    ]) {
        for forbidden in ["providers", "canvas"] {
            assert!(
                !dependencies(folder).contains(forbidden),
                "{folder} depends on {forbidden}"
            );
        }
    }
    for folder in &functions {
        for other in functions
            .iter()
            .filter_map(|function| function.strip_prefix("functions/"))
        {
            assert!(
                !dependencies(folder).contains(other),
                "{folder} depends on {other}"
            );
        }
    }
}

/// AWS's errors that the state machines may name, all from the Developer Guide:
/// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html.
const ERRORS_OF_AWS: [&str; 3] = [
    "Lambda.TooManyRequestsException",
    "States.ALL",
    "States.Timeout",
];

#[test]
fn a_state_machine_names_only_existing_errors() {
    let root = Checkout::find().unwrap().root;
    let source =
        ["step.rs", "steps/fail.rs"].map(|file| root.join("functions/completion/src").join(file));
    let source = source
        .map(|path| fs::read_to_string(path).unwrap())
        .concat();
    let mut named = BTreeSet::new();
    for machine in ["render", "voice-training"] {
        let machine =
            fs::read_to_string(root.join(format!("infra/statemachines/{machine}.asl.json")))
                .unwrap();
        named_in(&serde_json::from_str(&machine).unwrap(), &mut named);
    }
    for error in &named {
        let is_ours = error.starts_with("Studio.") && source.contains(&format!("\"{error}\""));
        assert!(
            is_ours || ERRORS_OF_AWS.contains(&error.as_str()),
            "nobody ever says {error}"
        );
    }
    assert!(
        named.contains("Studio.InvalidInput") && named.len() >= 5,
        "{named:?}"
    );
}

/// Collects every error that an `ErrorEquals` names.
fn named_in(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_array().filter(|_| name == "ErrorEquals") {
                    Some(errors) => named.extend(
                        errors
                            .iter()
                            .map(|error| error.as_str().unwrap().to_owned()),
                    ),
                    None => named_in(value, named),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| named_in(item, named)),
        _ => {}
    }
}

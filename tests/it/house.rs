//! The invariants of ARCHITECTURE.md that a manifest can break: who depends on whom.

use std::{collections::BTreeSet, fs};

use local::checkout::Checkout;

/// What a crate's manifest names under `[dependencies]`.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(Checkout::find().unwrap().root.join(folder).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    section.lines().filter_map(|line| Some(line.split_once(".workspace")?.0.to_owned())).collect()
}

#[test]
fn the_contract_and_the_domain_do_no_io() {
    for folder in ["shared/events", "shared/jobs"] {
        for dependency in dependencies(folder) {
            let does_io = ["tokio", "rdkafka", "hyper", "lambda_runtime", "journal"].contains(&dependency.as_str());
            assert!(!does_io && !dependency.starts_with("aws"), "{folder} depends on {dependency}");
        }
    }
}

#[test]
fn only_the_journal_knows_dynamodb_kafka_and_step_functions_and_only_intake_and_main_know_lambda() {
    for folder in
        ["functions/event-created", "functions/completion", "shared/intake", "shared/providers", "shared/canvas"]
    {
        for forbidden in ["aws-sdk-dynamodb", "rdkafka", "aws-sdk-sfn"] {
            assert!(!dependencies(folder).contains(forbidden), "{folder} depends on {forbidden}");
        }
    }
    for folder in ["shared/journal", "shared/providers", "shared/canvas"] {
        assert!(!dependencies(folder).contains("lambda_runtime"), "{folder} depends on lambda_runtime");
    }
}

#[test]
fn a_consumer_links_no_renderer_and_no_function_another() {
    for folder in ["functions/event-created", "shared/intake", "shared/journal", "shared/jobs", "shared/events"] {
        for forbidden in ["providers", "canvas", "completion", "event-created"] {
            assert!(!dependencies(folder).contains(forbidden), "{folder} depends on {forbidden}");
        }
    }
    assert!(!dependencies("functions/completion").contains("event-created"));
}

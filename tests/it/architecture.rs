//! The invariants of ARCHITECTURE.md that a manifest can break: the dependencies of each crate.

use std::{collections::BTreeSet, fs};

use contract::Topic;
use local::checkout::Checkout;
use serde_json::Value;

use crate::workspace::{Crate, crate_in, crates};

/// The crates in the folder `parent`.
fn crates_in(parent: &str) -> Vec<&'static Crate> {
    let found: Vec<_> = crates()
        .iter()
        .filter(|one| one.parent() == parent)
        .collect();
    assert!(!found.is_empty(), "there is no crate in {parent}");
    found
}

fn functions() -> Vec<&'static Crate> {
    crates_in("functions")
}

fn shared() -> Vec<&'static Crate> {
    crates_in("shared")
}

/// The crates of the local stack.
fn local() -> Vec<&'static Crate> {
    crates_in("infra/local")
}

/// The crates of this repository that a crate depends on.
fn ours(folder: &str) -> BTreeSet<&'static str> {
    let depends = &crate_in(folder).dependencies;
    let names = crates().iter().map(|one| one.name.as_str());
    names.filter(|name| depends.contains(*name)).collect()
}

#[test]
fn the_contract_and_the_domain_do_no_io() {
    for folder in ["shared/contract", "shared/domain", "shared/operations"] {
        let depends = &crate_in(folder).dependencies;
        assert!(depends.contains("serde"), "{folder}: {depends:?}");
        for dependency in depends {
            let does_io = ["tokio", "rdkafka", "hyper", "reqwest", "lambda_runtime"];
            assert!(
                !does_io.contains(&dependency.as_str()) && !dependency.starts_with("aws"),
                "{folder} depends on {dependency}"
            );
        }
        let mut ours = ours(folder);
        ours.remove("contract");
        assert!(ours.is_empty(), "{folder} depends on {ours:?}");
    }
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
    for one in crates() {
        let manifest = fs::read_to_string(one.path().join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{} goes without the workspace's lints",
            one.folder
        );
    }
}

/// Fails if a function or a shared crate other than `owners` depends on one of `forbidden`, or if an
/// owner does not: then the rule is about a name that is not used any more. What only a crate's tests
/// depend on does not count.
fn only(owners: &[&str], forbidden: &[&str]) {
    let is_forbidden = |dependency: &str| {
        forbidden.iter().any(|name| match name.strip_suffix('*') {
            Some(begin) => dependency.starts_with(begin),
            None => dependency == *name,
        })
    };
    for one in functions().into_iter().chain(shared()) {
        let found: Vec<_> = one
            .dependencies
            .iter()
            .filter(|name| is_forbidden(name))
            .collect();
        assert!(
            owners.contains(&one.folder.as_str()) != found.is_empty(),
            "{} depends on {found:?}; {owners:?} depend on {forbidden:?}, and nothing else does",
            one.folder
        );
    }
}

#[test]
fn only_one_crate_each_knows_dynamodb_step_functions_and_sqs() {
    only(&["shared/store"], &["aws-sdk-dynamodb"]);
    only(&["shared/executions"], &["aws-sdk-sfn"]);
    only(&["shared/queue"], &["aws-sdk-sqs"]);
    only(&["functions/notify"], &["aws-sdk-eventbridge"]);
}

/// What sends requests to addresses that teams give holds no vendor's key, writes no event and makes
/// nothing.
#[test]
fn what_tells_teams_links_no_vendor_no_broker_and_no_outbox() {
    let linked = linked("functions/notify");
    assert!(linked.contains("store"), "{linked:?}");
    for other in ["providers", "kafka", "outbox", "executions", "drawing"] {
        assert!(!linked.contains(other), "notify links {other}");
    }
}

#[test]
fn no_consumer_links_what_starts_executions() {
    only(
        &[
            "functions/completion",
            "functions/erase",
            "functions/operator",
            "functions/render",
        ],
        &["executions"],
    );
}

#[test]
fn only_the_kafka_crate_knows_brokers_and_their_authentication() {
    for forbidden in ["rdkafka", "kafka-protocol", "aws-msk-iam-sasl-signer"] {
        only(&["shared/kafka"], &[forbidden]);
    }
}

#[test]
fn only_intake_and_the_mains_know_lambda() {
    let functions = functions();
    let mut owners: Vec<&str> = functions.iter().map(|one| one.folder.as_str()).collect();
    owners.push("shared/intake");
    only(&owners, &["lambda_runtime"]);
}

#[test]
fn the_storms_expectations_use_none_of_the_code_they_judge() {
    let depends = &crate_in("tests/chaos").dependencies;
    assert!(depends.contains("local"), "{depends:?}");
    for judged in [
        "domain",
        "store",
        "outbox",
        "queue",
        "executions",
        "dead-letters",
        "kafka",
        "intake",
    ] {
        assert!(crates().iter().any(|one| one.name == judged), "{judged}");
        assert!(!depends.contains(judged), "tests/chaos depends on {judged}");
    }
}

#[test]
fn only_the_providers_know_vendors() {
    only(&["shared/providers"], &["aws-sdk-polly", "secrecy"]);
    // The secrets of the assets' paths and of the teams' webhooks are read there.
    only(
        &["shared/providers", "shared/asset-paths", "functions/notify"],
        &["aws-sdk-secretsmanager"],
    );
    // One request for CloudFront, and those to teams' webhooks.
    only(
        &["shared/providers", "functions/erase", "functions/notify"],
        &["reqwest"],
    );
    only(&["functions/erase"], &["aws-sigv4"]);
}

#[test]
fn the_command_line_reaches_the_studio_only_through_its_function() {
    // Of the providers, it uses the parser of their settings.
    let expected = ["contract", "operations", "providers"];
    assert_eq!(ours("infra/cli"), expected.into_iter().collect());
}

#[test]
fn each_part_of_the_local_stack_stands_alone_and_only_the_stack_links_all() {
    let allowed: [(&str, &[&str]); 7] = [
        ("infra/local/processes", &[]),
        ("infra/local/gate", &["processes"]),
        ("infra/local/poller", &["kafka-client"]),
        ("infra/local/queue-poller", &["poller"]),
        ("infra/local/proxy", &["local-gate", "processes"]),
        // The proxy's words for when something goes wrong. None of the code that calls a vendor.
        (
            "infra/local/sandbox",
            &["fault-proxy", "local-gate", "processes"],
        ),
        (
            "infra/local/console",
            &[
                "contract",
                "kafka-client",
                "local-gate",
                "operations",
                "poller",
            ],
        ),
    ];
    for (folder, allowed) in allowed {
        assert_eq!(ours(folder), allowed.iter().copied().collect(), "{folder}");
    }
    let stack = ours("infra/local/stack");
    let parts = local();
    assert_eq!(parts.len(), allowed.len() + 1, "each part has its row");
    for part in &parts {
        let is_stack = part.folder == "infra/local/stack";
        assert!(
            is_stack || stack.contains(part.name.as_str()),
            "{}",
            part.name
        );
    }
    for one in functions().into_iter().chain(shared()) {
        for part in &parts {
            assert!(
                !one.dependencies.contains(&part.name),
                "{}: {}",
                one.folder,
                part.name
            );
        }
    }
}

#[test]
fn only_the_runtime_writes_the_log_and_only_telemetry_sends_spans() {
    only(&["shared/runtime"], &["tracing-subscriber"]);
    only(&["shared/telemetry"], &["opentelemetry*"]);
    // For telemetry's tests only.
    only(&[], &["metrique*"]);
}

#[test]
fn no_consumer_links_a_renderer_and_no_function_links_another() {
    let functions = functions();
    let known: BTreeSet<String> = Topic::consumed()
        .filter_map(Topic::consumer)
        .chain([
            "completion",
            "erase",
            "kafka-topics",
            "notify",
            "operator",
            "render",
            "watch",
        ])
        .map(|function| format!("functions/{function}"))
        .collect();
    let folders = functions.iter().map(|one| one.folder.clone());
    assert_eq!(folders.collect::<BTreeSet<_>>(), known);
    let links = |folder: &str| {
        let depends = &crate_in(folder).dependencies;
        ["providers", "drawing"].map(|renderer| depends.contains(renderer))
    };
    only(&["shared/drawing"], &["canvas"]);
    only(&["shared/canvas"], &["icu_*"]);
    let that_do = [
        ("functions/completion", [true, true]),
        // It asks vendors to delete something, and makes no `Providers`, which are what draws.
        ("functions/erase", [true, false]),
        ("functions/render", [false, true]),
        ("shared/vendor-calls", [true, false]),
        // A vendor's picture gets its text from the canvas.
        ("shared/providers", [false, true]),
    ];
    for (folder, linked) in that_do {
        assert_eq!(links(folder), linked, "{folder}");
    }
    for one in functions.iter().copied().chain(shared()) {
        if !that_do.iter().any(|(folder, _)| one.folder == *folder) {
            assert_eq!(links(&one.folder), [false, false], "{}", one.folder);
        }
    }
    for one in &functions {
        for other in &functions {
            assert!(
                !one.dependencies.contains(&other.name),
                "{} depends on {}",
                one.folder,
                other.name
            );
        }
    }
}

/// The crates of this repository that a crate links, by itself or through another of them.
fn linked(folder: &str) -> BTreeSet<&'static str> {
    let mut linked = BTreeSet::new();
    let mut found: Vec<&str> = ours(folder).into_iter().collect();
    while let Some(name) = found.pop() {
        if linked.insert(name) {
            let of_name = crates().iter().find(|one| one.name == name).unwrap();
            found.extend(ours(&of_name.folder));
        }
    }
    linked
}

#[test]
fn the_canvas_and_no_vendor_is_linked_by_render() {
    let (render, completion) = (linked("functions/render"), linked("functions/completion"));
    assert!(render.contains("canvas"), "{render:?}");
    for vendors in ["providers", "vendor-calls"] {
        assert!(completion.contains(vendors), "{completion:?}");
        assert!(!render.contains(vendors), "render links {vendors}");
    }
    for one in crates() {
        let is_in_render = one.folder == "functions/render" || render.contains(one.name.as_str());
        let asks_vendors = ["reqwest", "aws-sdk-polly", "secrecy"];
        let found = asks_vendors.map(|client| one.dependencies.contains(client));
        assert!(
            !is_in_render || found == [false; 3],
            "render links {}, which depends on one of {asks_vendors:?}",
            one.folder
        );
    }
}

/// AWS's errors that the state machines may name, from the Developer Guide and, after `Lambda.`, from
/// the errors of Lambda's `Invoke`:
/// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html,
/// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
const ERRORS_OF_AWS: [&str; 16] = [
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException",
    "Lambda.ENILimitReachedException",
    "Lambda.KMSAccessDeniedException",
    "Lambda.KMSDisabledException",
    "Lambda.KMSInvalidStateException",
    "Lambda.ResourceConflictException",
    "Lambda.ResourceNotReadyException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.SubnetIPAddressLimitReachedException",
    "Lambda.TooManyRequestsException",
    "States.ALL",
    "States.Timeout",
];

#[test]
fn a_state_machine_names_only_existing_errors() {
    let root = Checkout::find().unwrap().root;
    let source = fs::read_to_string(root.join("functions/completion/src/step.rs")).unwrap();
    // A unit test may name an error that the code never reports.
    let source = source.split("#[cfg(test)]").next().unwrap();
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
            "the code never reports {error}"
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

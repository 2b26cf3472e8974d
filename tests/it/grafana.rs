//! The dashboard for Grafana: each metric that it names is one that the code emits, under the name
//! that its store gives it.

use std::{collections::BTreeSet, fs};

use local::checkout::Checkout;
use serde_json::Value;
use telemetry::{METRICS, NAMESPACE, OTEL_METRICS};

/// The queries of the dashboard.
fn targets() -> Vec<Value> {
    let root = Checkout::find().unwrap().root;
    let dashboard = fs::read_to_string(root.join("infra/grafana/studio.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let targets: Vec<Value> = targets.flatten().cloned().collect();
    assert!(!targets.is_empty());
    targets
}

fn text<'v>(target: &'v Value, name: &str) -> &'v str {
    target[name].as_str().unwrap_or_default()
}

/// How Prometheus names a metric of OpenTelemetry: with underscores, the unit and, for a counter,
/// `total` (<https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>).
fn in_prometheus(name: &str) -> Vec<String> {
    let name = name.replace('.', "_");
    if name.ends_with("_duration") {
        ["bucket", "count", "sum"]
            .map(|part| format!("{name}_seconds_{part}"))
            .into()
    } else {
        vec![format!("{name}_total")]
    }
}

#[test]
fn each_of_our_metrics_on_the_dashboard_is_emitted() {
    let emitted: BTreeSet<&str> = METRICS.iter().map(|(name, _)| *name).collect();
    let targets = targets();
    let ours = targets
        .iter()
        .filter(|target| target["namespace"] == NAMESPACE);
    let named: BTreeSet<&str> = ours.map(|target| text(target, "metricName")).collect();
    assert!(named.len() > 10, "{named:?}");
    let unknown: Vec<&&str> = named.difference(&emitted).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {emitted:?}");
}

#[test]
fn each_metric_of_aws_on_the_dashboard_is_one_that_an_alarm_uses() {
    let root = Checkout::find().unwrap().root;
    let template = fs::read_to_string(root.join("infra/template.yaml")).unwrap();
    for target in targets() {
        let namespace = text(&target, "namespace");
        if namespace.starts_with("AWS/") {
            let metric = text(&target, "metricName");
            assert!(
                template.contains(&format!("MetricName: {metric}")),
                "{namespace} {metric}"
            );
        }
    }
}

#[test]
fn each_metric_of_opentelemetry_is_on_the_dashboard_by_its_name_in_prometheus() {
    let expressions: Vec<String> = targets()
        .iter()
        .filter_map(|target| target["expr"].as_str().map(str::to_owned))
        .collect();
    let is_metric = |word: &&str| {
        ["messaging_client_", "messaging_process_", "faas_"]
            .iter()
            .any(|beginning| word.starts_with(beginning))
            && *word != "faas_name"
    };
    let words: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|text| text.split(|one: char| !one.is_ascii_alphanumeric() && one != '_'))
        .filter(is_metric)
        .collect();
    let known: BTreeSet<String> = OTEL_METRICS
        .iter()
        .flat_map(|(name, _)| in_prometheus(name))
        .collect();
    for word in &words {
        assert!(known.contains(*word), "{word} of {known:?}");
    }
    for (name, _) in OTEL_METRICS {
        assert!(
            in_prometheus(name)
                .iter()
                .any(|one| words.contains(one.as_str())),
            "{name} is on no panel"
        );
    }
}

//! What does *not* happen is seen: `watch` reads it, whatever the reason is, and depends on nothing
//! that it watches.

use std::{collections::BTreeMap, time::Duration};

use contract::Topic;
use fault_proxy::{Action, Fault, Matches, Occurrence};
use local::{
    aws::{JsonService, members},
    metrics::{Metric, emitted},
};
use serde_json::{Value, json};

use crate::harness::{Studio, created, invoke, until};

/// The function that watches.
const WATCH: &str = "studio-watch-local";

/// What `watch` emits in one run: the last value of each metric, by its name and the value of its
/// dimension besides the stage, as in `OldestJobAge queue`; and which readings failed.
struct Watched {
    values: BTreeMap<String, f64>,
    failed: Value,
}

impl Watched {
    async fn now(studio: &Studio) -> Self {
        let before = counts(studio).await;
        let answer = invoke(&studio.stack, WATCH, &json!({})).await;
        // The log may be a moment behind the answer.
        until("the run is measured", async || {
            let runs = |counts: &BTreeMap<String, Vec<f64>>| {
                counts.get("ReadingsFailed").map_or(0, Vec::len)
            };
            runs(&counts(studio).await) > runs(&before)
        })
        .await;
        let after = counts(studio).await;
        let is_new =
            |name: &String, values: &[f64]| values.len() > before.get(name).map_or(0, Vec::len);
        let values = after
            .into_iter()
            .filter(|(name, values)| is_new(name, values))
            .map(|(name, values)| (name, values[values.len() - 1]));
        Self {
            values: values.collect(),
            failed: answer["failed"].clone(),
        }
    }

    fn value(&self, name: &str) -> f64 {
        *self
            .values
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not among {:#?}", self.values))
    }
}

/// Ends the schedules, which the emulator runs as AWS does: a run at the same time would count what
/// the test counts.
async fn without_schedules(studio: &Studio) {
    let aws = &studio.stack.clients.aws;
    let events = JsonService::Events;
    let listed = aws.json(events, "ListRules", &json!({})).await.unwrap();
    let rules = members(&listed["Rules"]);
    assert!(!rules.is_empty(), "{listed}");
    for rule in rules {
        let named = json!({ "Name": rule["Name"] });
        aws.json(events, "DisableRule", &named).await.unwrap();
    }
}

/// All values of each metric so far.
async fn counts(studio: &Studio) -> BTreeMap<String, Vec<f64>> {
    let emitted = emitted(&studio.stack.clients).await.unwrap();
    emitted
        .into_iter()
        .map(|(metric, values)| (named(&metric), values))
        .collect()
}

fn named(metric: &Metric) -> String {
    let besides = metric.dimensions.iter().find(|(name, _)| *name != "Stage");
    match besides {
        Some((_, value)) => format!("{} {value}", metric.name),
        None => metric.name.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_seen_by_its_age_and_no_longer_once_it_is_done() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    without_schedules(&studio).await;
    studio.hold_the_queue().await;
    studio.publish(&created("tenant-waits", "waits")).await;
    until("the event is decided", async || {
        studio.queue_depth().await > 0
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let watched = Watched::now(&studio).await;
    assert_eq!(watched.failed, json!([]));
    assert!(watched.value("OldestJobAge queue") >= 1.0);
    assert!(watched.value("OldestMessageAge") >= 1.0);
    for name in [
        "OldestJobAge begin",
        "OldestJobAge vendor",
        "OldestJobAge turn",
        "OldestVoiceAge",
        "OldestUnpublishedAge",
        "OldestDeadLetterAge",
        "DeadLetterDepth",
        "MappingsNotEnabled",
        "AssetsLate",
        "ReadingsFailed",
    ] {
        assert_eq!(watched.value(name), 0.0, "{name}");
    }
    // Neither was done here yet.
    for schedule in ["sweep", "gather"] {
        let age = watched.value(&format!("HeartbeatAge {schedule}"));
        assert_eq!(age, 86_400.0, "{schedule}");
    }

    studio.release_the_queue().await;
    studio.produced_for("tenant-waits", 8).await;
    studio.completion(&json!({ "step": "sweep" })).await;
    studio.stack.gather().await.unwrap();
    let watched = Watched::now(&studio).await;
    assert_eq!(watched.value("OldestJobAge queue"), 0.0);
    assert_eq!(watched.value("OldestMessageAge"), 0.0);
    for schedule in ["sweep", "gather"] {
        let age = watched.value(&format!("HeartbeatAge {schedule}"));
        assert!(age < 240.0, "{schedule}: {age}");
    }
    for topic in Topic::consumed() {
        assert_eq!(watched.value(&format!("OldestRecordAge {topic}")), 0.0);
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_no_consumer_takes_is_seen_by_its_age() {
    let studio = Studio::on_apache_kafka(|options| options.poll = false).await;
    without_schedules(&studio).await;
    let taken = format!("OldestRecordAge {}", Topic::EventPublished);
    let left = format!("OldestRecordAge {}", Topic::EventCreated);
    // The first look at a group has the broker make the topic of the groups.
    until("the groups are known", async || {
        Watched::now(&studio).await.failed == json!([])
    })
    .await;
    studio.publish(&created("tenant-left", "left")).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    studio.publish(&created("tenant-later", "later")).await;
    let watched = Watched::now(&studio).await;
    let age = watched.value(&left);
    assert!((4.0..240.0).contains(&age), "{age}");
    assert_eq!(watched.value(&taken), 0.0);

    // The group has taken all of them.
    let cluster = studio.stack.broker.cluster();
    let mut mappings = studio.stack.mappings.iter();
    let mapping = mappings
        .find(|mapping| mapping.topic == Topic::EventCreated.as_str())
        .unwrap();
    let all = cluster
        .offsets(&mapping.topic, kafka_client::At::Latest)
        .await
        .unwrap();
    cluster
        .commit(&mapping.consumer_group, &mapping.topic, &all)
        .await
        .unwrap();
    assert_eq!(Watched::now(&studio).await.value(&left), 0.0);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_is_disabled_is_counted() {
    let studio = Studio::on_apache_kafka(|options| options.poll = false).await;
    without_schedules(&studio).await;
    assert_eq!(Watched::now(&studio).await.value("MappingsNotEnabled"), 0.0);
    let update = studio.stack.clients.lambda.update_event_source_mapping();
    let update = update.uuid(&studio.stack.mappings[0].uuid).enabled(false);
    update.send().await.unwrap();
    assert_eq!(Watched::now(&studio).await.value("MappingsNotEnabled"), 1.0);
    studio.stop().await;
}

/// An alarm takes missing data for the worst, so a reading that fails must emit nothing, and keep no
/// other from its metric.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_fails_is_named_and_the_others_go_on() {
    let studio = Studio::on_apache_kafka(|options| options.poll = false).await;
    without_schedules(&studio).await;
    until("the groups are known", async || {
        Watched::now(&studio).await.failed == json!([])
    })
    .await;
    let matches = Matches {
        service: Some("dynamodb".to_owned()),
        operation: Some("Query".to_owned()),
        occurrence: Occurrence::Every,
        ..Matches::default()
    };
    let action = Action::Fail {
        status: 400,
        error: "ResourceNotFoundException".to_owned(),
    };
    studio.stack.proxy.inject(Fault { matches, action });
    let watched = Watched::now(&studio).await;
    assert_eq!(
        watched.failed,
        json!(["open work", "dead letters", "late assets"])
    );
    assert_eq!(watched.value("ReadingsFailed"), 3.0);
    assert_eq!(watched.value("MappingsNotEnabled"), 0.0);
    for missing in ["OldestJobAge queue", "DeadLetterDepth", "AssetsLate"] {
        assert!(!watched.values.contains_key(missing), "{missing}");
    }
    studio.stack.proxy.heal();

    assert!(studio.stack.broker.kill().await);
    let watched = Watched::now(&studio).await;
    assert_eq!(watched.failed, json!(["records"]));
    assert_eq!(watched.value("DeadLetterDepth"), 0.0);
    let topic = format!("OldestRecordAge {}", Topic::EventCreated);
    assert!(!watched.values.contains_key(&topic));
    studio.stop().await;
}

/// The objective is set to a second here, by the function's variable: a stack for five minutes would
/// show the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_asset_that_has_not_come_is_counted_as_late_once() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    without_schedules(&studio).await;
    let lambda = &studio.stack.clients.lambda;
    let found = lambda.get_function_configuration().function_name(WATCH);
    let found = found.send().await.unwrap();
    let mut variables = found.environment.unwrap().variables.unwrap();
    variables.insert("EVENT_TO_ASSET_SECONDS".to_owned(), "1".to_owned());
    let environment = aws_sdk_lambda::types::Environment::builder();
    let environment = environment.set_variables(Some(variables)).build();
    let update = lambda.update_function_configuration().function_name(WATCH);
    update.environment(environment).send().await.unwrap();

    studio.hold_the_queue().await;
    Watched::now(&studio).await;
    studio.publish(&created("tenant-late", "late")).await;
    until("the event is decided", async || {
        studio.queue_depth().await > 0
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // A poster and a portrait.
    assert_eq!(Watched::now(&studio).await.value("AssetsLate"), 2.0);
    assert_eq!(Watched::now(&studio).await.value("AssetsLate"), 0.0);
    studio.release_the_queue().await;
    studio.produced_for("tenant-late", 8).await;
    let counts = counts(&studio).await;
    let in_time: f64 = counts["AssetsInTime"].iter().sum();
    assert_eq!(in_time, 2.0, "render has the objective of the template");
    studio.stop().await;
}

//! The local stack behaves like a stage where an operator looks at it: it honours the state of a
//! mapping, evaluates the template's alarms, and has Kafka's tools.

use std::{collections::BTreeSet, process::Command, time::Duration};

use contract::Topic;
use local::{
    alarms::{State, alarms},
    checkout::Checkout,
};
use serde_json::json;

use crate::{
    alarms::written,
    harness::{Studio, created, until},
};

/// Longer than the stack needs to notice that a mapping was disabled or enabled.
const NOTICED: Duration = Duration::from_secs(5);

/// Enables or disables the mapping of created events, as `aws lambda update-event-source-mapping`
/// does, and returns its id.
async fn enable(studio: &Studio, enabled: bool) -> String {
    let is_its = |topic: &str| topic == Topic::EventCreated.as_str();
    let mut mappings = studio.stack.mappings.iter();
    let mapping = mappings.find(|one| is_its(&one.topic)).unwrap();
    let update = studio.stack.clients.lambda.update_event_source_mapping();
    update
        .uuid(&mapping.uuid)
        .enabled(enabled)
        .send()
        .await
        .unwrap();
    tokio::time::sleep(NOTICED).await;
    mapping.uuid.clone()
}

async fn last_result(studio: &Studio, uuid: &str) -> String {
    let get = studio.stack.clients.lambda.get_event_source_mapping();
    let mapping = get.uuid(uuid).send().await.unwrap();
    mapping.last_processing_result().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_mapping_takes_no_record_until_it_is_enabled() {
    let tenant = "tenant-paused";
    let mut studio = Studio::start().await;
    let uuid = enable(&studio, false).await;
    studio.publish(&created(tenant, "paused")).await;
    tokio::time::sleep(NOTICED).await;
    assert_eq!(last_result(&studio, &uuid).await, "No records processed");

    enable(&studio, true).await;
    studio.produced_for(tenant, 8).await;
    until("the mapping tells what came of its batch", async || {
        last_result(&studio, &uuid).await == "OK"
    })
    .await;
    studio.stop().await;
}

/// The names of the alarms that ring.
async fn ringing(studio: &Studio) -> Vec<String> {
    let alarms = alarms(&studio.stack.clients.aws).await.unwrap();
    let ringing = alarms
        .into_iter()
        .filter(|alarm| alarm.state == State::Alarm);
    ringing.map(|alarm| alarm.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alarm_of_the_template_is_evaluated() {
    let mut studio =
        Studio::start_with(|options| options.alarms_every = Duration::from_secs(1)).await;
    let template = written();
    let resources = template["Resources"].as_object().unwrap().values();
    let of_template = resources
        .filter(|resource| {
            let kind = resource["Type"].as_str();
            // The stack sends no notices.
            let is_of_notices = resource["Condition"] == "NoticesMonitored";
            kind.is_some_and(|kind| {
                kind.starts_with("AWS::CloudWatch::") && kind.ends_with("Alarm")
            }) && !is_of_notices
        })
        .map(|alarm| alarm["Properties"]["AlarmName"].as_str().unwrap())
        .map(|name| name.replace("${Stage}", "local"));
    let of_template: BTreeSet<String> = of_template.collect();
    let aws = &studio.stack.clients.aws;
    until("each alarm has a state", async || {
        let alarms = alarms(aws).await.unwrap();
        alarms
            .iter()
            .all(|alarm| alarm.state != State::InsufficientData)
    })
    .await;
    let there = alarms(aws).await.unwrap();
    let there: BTreeSet<String> = there.into_iter().map(|alarm| alarm.name).collect();
    assert_eq!(there, of_template);
    assert_eq!(ringing(&studio).await, Vec::<String>::new());

    // A metric of a function, in a line of its log.
    let mut event = created("tenant-rung", "rung");
    event["data"]["organizer"] = json!("\u{12000}\u{12001}");
    studio.publish(&event).await;
    studio.produced_for("tenant-rung", 8).await;
    until("the alarm on what is not drawn rings", async || {
        let ringing = ringing(&studio).await;
        ringing.iter().any(|name| name == "studio-undrawn-local")
    })
    .await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafkas_tools_that_the_documents_name_work_on_the_local_broker() {
    let tenant = "tenant-tools";
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    studio.publish(&created(tenant, "tools")).await;
    studio.produced_for(tenant, 8).await;
    let checkout = Checkout::find().unwrap();
    let bootstrap = studio.stack.broker.bootstrap().to_owned();
    let said = |tool: &str, arguments: &[&str]| {
        let ran = Command::new(checkout.kafka_tools().join(tool))
            .args(["--bootstrap-server", bootstrap.as_str()])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let error = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{tool}: {said}{error}");
        said
    };
    let topic = Topic::RenderJobCompleted.as_str();
    assert!(said("kafka-topics.sh", &["--list"]).contains(topic));
    let groups = said("kafka-consumer-groups.sh", &["--describe", "--all-groups"]);
    assert!(groups.contains("studio-event-created-local"), "{groups}");
    let read = ["--topic", topic, "--from-beginning", "--max-messages", "1"];
    let event = said("kafka-console-consumer.sh", &read);
    assert!(event.contains(tenant), "{event}");
    let described = [
        "--describe",
        "--entity-type",
        "topics",
        "--entity-name",
        topic,
    ];
    said("kafka-configs.sh", &described);
    let offsets = said("kafka-get-offsets.sh", &["--topic", topic]);
    assert!(offsets.contains(&format!("{topic}:0:")), "{offsets}");

    // A topic that the studio writes is deleted and created again.
    said("kafka-topics.sh", &["--delete", "--topic", topic]);
    said(
        "kafka-topics.sh",
        &["--create", "--topic", topic, "--partitions", "4"],
    );
    studio.publish(&created(tenant, "tools-again")).await;
    until("the new topic has the ends of two jobs", async || {
        let offsets = said("kafka-get-offsets.sh", &["--topic", topic]);
        let ends = offsets.lines().filter_map(|line| line.rsplit(':').next());
        ends.filter_map(|end| end.parse::<u32>().ok()).sum::<u32>() == 2
    })
    .await;
    studio.stop().await;
}

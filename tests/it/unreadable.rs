//! Items that this version of the code cannot read, because a newer one wrote them and was rolled
//! back since: no partition stands still, no sweep ends early, and nothing is lost.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use contract::{Entity, EntityKind, Identifier, Topic};
use domain::EntityKey;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
};
use serde_json::{Value, json};

use crate::{
    harness::{Studio, by_id, created, jobs_of, state_of, try_to_invoke},
    messages::take,
    operator::studio,
    sweep::let_deadlines_pass,
};

fn entity_of(event: &Value) -> String {
    let id = |name: &str| Identifier::parse(event["data"][name].as_str().unwrap()).unwrap();
    let entity = Entity {
        kind: EntityKind::Event,
        id: id("eventId"),
    };
    format!("entity#{}", EntityKey::new(&id("tenantId"), &entity))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_about_an_unreadable_entity_waits_as_a_dead_letter() {
    let mut stack = Studio::start().await;
    let tenant = "tenant-of-the-future";
    let event = created(tenant, "known");
    stack.publish(&event).await;
    let before = by_id(&stack.produced_for(tenant, 8).await);
    let entity = entity_of(&event);
    let mut readable = Value::Null;
    stack
        .change_state(&entity, |state| {
            readable = state.clone();
            *state = json!({ "written": "by a newer version" });
        })
        .await;

    let mut newer = created(tenant, "newer");
    newer["data"]["eventId"] = event["data"]["eventId"].clone();
    newer["data"]["title"] = json!("Another title");
    stack.publish(&newer).await;
    // The same partition, and behind it.
    stack.publish(&created(tenant, "behind")).await;
    let produced = stack.produced_for(tenant, 16).await;
    assert_eq!(by_id(&produced).len(), 16);
    let listed = studio(&stack, "dead-letters list --json").await.json();
    let entries = listed[0]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let cause = entries[0]["cause"].as_str().unwrap();
    assert!(
        cause.contains("deploy the version that wrote it"),
        "{cause}"
    );

    // Redriven too early it comes back; once the newer version is there again it is handled.
    let too_early = studio(&stack, "dead-letters redrive --all --execute --json").await;
    assert!(too_early.text.contains("came-back"), "{too_early:?}");
    stack.change_state(&entity, |state| *state = readable).await;
    studio(&stack, "dead-letters redrive --all --execute --json").await;
    let produced = by_id(&stack.produced_for(tenant, 17).await);
    let says = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("Another title");
    assert!(produced.values().any(says));
    assert!(before.iter().all(|(id, bytes)| produced[id] == *bytes));
    stack.stop().await;
}

/// Puts twenty-five unknown items into each shard of the index of what is open, before all others.
async fn put_unknown_items(stack: &Studio) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let digits = "0123456789abcdef".chars();
    for shard in digits.flat_map(|digit| [digit.to_string(), format!("queue#{digit}")]) {
        let writes = (0..25).map(|n| {
            let put = PutRequest::builder()
                .item("pk", text(&format!("thing#{shard}{n}")))
                .item("sk", text("state"))
                .item("open", text(&shard))
                .item("deadline", text("1999-01-01T00:00:00.000Z"));
            let put = put.build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let write = stack.stack.clients.dynamodb.batch_write_item();
        let write = write.request_items(&stack.stack.outputs.table_name, writes.collect());
        assert!(
            write
                .send()
                .await
                .unwrap()
                .unprocessed_items()
                .is_none_or(|left| left.is_empty())
        );
    }
}

/// A sweep that could not handle everything; the error's message.
async fn troubled_sweep(stack: &Studio) -> String {
    let completion = &stack.stack.outputs.completion_function_name;
    let (answer, log) = try_to_invoke(&stack.stack, completion, &json!({ "step": "sweep" })).await;
    println!("{log}");
    answer.unwrap_err()["errorMessage"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_gets_past_items_that_it_does_not_know() {
    let mut stack = Studio::start().await;
    stack.hold_the_queue().await;
    stack.publish(&created("tenant-behind", "behind")).await;
    stack.produced_for("tenant-behind", 4).await;
    // Their message is lost.
    take(&stack, 1).await;
    let_deadlines_pass(&stack).await;
    put_unknown_items(&stack).await;
    let error = troubled_sweep(&stack).await;
    assert!(error.starts_with("800 of 800 overdue"), "{error}");
    let swept = stack.completion(&json!({ "step": "sweep" })).await;
    assert_eq!((&swept["overdue"], &swept["sent"]), (&json!(2), &json!(2)));
    stack.stop().await;
}

/// The largest record that a topic takes, in bytes.
async fn set_largest_record(stack: &Studio, topic: Topic, bytes: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", stack.stack.broker.bootstrap());
    let admin: AdminClient<_> = config.create().unwrap();
    let change =
        AlterConfig::new(ResourceSpecifier::Topic(topic.as_str())).set("max.message.bytes", bytes);
    let changed = admin.alter_configs([&change], &AdminOptions::new()).await;
    for one in changed.unwrap() {
        one.unwrap();
    }
}

/// Has the entries that opened a tenant's jobs say that they are published, so that a sweep does not
/// publish them again.
async fn mark_published(stack: &Studio, tenant: &str) {
    let table = &stack.stack.outputs.table_name;
    let dynamodb = &stack.stack.clients.dynamodb;
    let jobs = dynamodb
        .scan()
        .table_name(table)
        .consistent_read(true)
        .filter_expression("begins_with(pk, :job) AND tenant = :tenant")
        .expression_attribute_values(":job", AttributeValue::S("job#".to_owned()))
        .expression_attribute_values(":tenant", AttributeValue::S(tenant.to_owned()));
    let jobs = jobs.send().await.unwrap();
    assert!(!jobs.items().is_empty());
    for job in jobs.items() {
        let job = state_of(job);
        let opening = format!("inbound#{}", job["inbound"].as_str().unwrap());
        let update = dynamodb
            .update_item()
            .table_name(table)
            .key("pk", AttributeValue::S(opening))
            .key("sk", AttributeValue::S("outbox".to_owned()))
            .update_expression("SET published = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        update.send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_kafka_refuses_does_not_end_a_sweep() {
    let mut stack = Studio::on_apache_kafka(|_| {}).await;
    stack.hold_the_queue().await;
    for n in 0..10 {
        stack
            .publish(&created("tenant-refused", &format!("refused-{n}")))
            .await;
    }
    stack.produced_for("tenant-refused", 40).await;
    stack.publish(&created("tenant-fine", "fine")).await;
    let fine = stack.produced_for("tenant-fine", 4).await;
    mark_published(&stack, "tenant-fine").await;
    // The messages of all are lost.
    take(&stack, 11).await;
    set_largest_record(&stack, Topic::RenderJobCreated, "100").await;
    let_deadlines_pass(&stack).await;
    let error = troubled_sweep(&stack).await;
    assert!(error.starts_with("20 of 22 overdue"), "{error}");
    // The jobs of another tenant are sent again, and no others.
    let messages = take(&stack, 2).await;
    let sent = messages.iter().map(|message| message.says()["jobs"].take());
    let mut sent: Vec<Value> = sent.collect();
    sent.sort_by_key(Value::to_string);
    let fine = jobs_of(&fine, Topic::RenderJobCreated);
    assert_eq!(
        sent,
        fine.iter().map(|job| json!([job])).collect::<Vec<_>>()
    );
    set_largest_record(&stack, Topic::RenderJobCreated, "1048576").await;
    let_deadlines_pass(&stack).await;
    let swept = stack.completion(&json!({ "step": "sweep" })).await;
    assert_eq!(swept["overdue"], 22);
    stack.stop().await;
}

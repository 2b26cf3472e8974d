//! Once a tenant's erasure began, nothing of its past is stored, and a vendor that refuses to delete
//! its copy stops nothing else.

use std::slice;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Topic};
use domain::TenantKey;
use fault_proxy::{Action, Call, Fault, Matches, Moment, Occurrence};
use local::{
    dead_letters::dead_letters,
    deploy::{Outputs, Providers},
};
use serde_json::{Value, json};
use vendor_sandbox::{Behaviour, Script, Vendor};

use crate::{
    campaigns::{campaign, providers},
    harness::{Studio, created, example, invoke, jobs_of, now, topics, try_to_invoke, until},
    messages::{deliver, none_kept, take},
    operator::{kill, studio as cli},
    sweep::{NOTHING, let_deadlines_pass, sweep},
};

const TENANT: &str = "tenant-gone";
const CONSUMER: &str = "studio-event-created-local";
const LONG_AGO: &str = "2026-11-01T00:00:00.000Z";

/// A batch with one record for each value, produced at `timestamp` (milliseconds since 1970).
fn batch(timestamp: i64, values: &[String]) -> Value {
    let base64 = |text: &str| base64_simd::STANDARD.encode_to_string(text);
    let record = |(offset, value): (usize, &String)| {
        json!({
            "topic": Topic::EventCreated.as_str(), "partition": 0, "offset": offset,
            "timestamp": timestamp, "timestampType": "CREATE_TIME",
            "key": base64(TENANT), "value": base64(value), "headers": [],
        })
    };
    let records: Vec<Value> = values.iter().enumerate().map(record).collect();
    json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/studio/1",
        "bootstrapServers": "localhost:9098",
        "records": { "eventzr.event.created.v1-0": records },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_before_an_erasure_is_stored_neither_as_event_nor_dead_letter() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    // Nothing of the tenant was ever seen, so no entity has a time of its erasure.
    let said = cli(
        &studio,
        &format!("--json tenants erase {TENANT} --execute --confirm {TENANT} --within 0"),
    )
    .await;
    assert_eq!(said.json()[0]["fate"]["is"], "erasing", "{said:?}");

    let mut unseen = created(TENANT, "unseen");
    unseen["time"] = json!(LONG_AGO);
    let mut poison = created(TENANT, "poison");
    poison["time"] = json!(LONG_AGO);
    poison["data"]["startsAt"] = json!("tomorrow");
    let long_ago = LONG_AGO.parse::<jiff::Timestamp>().unwrap();
    let old = batch(
        long_ago.as_millisecond(),
        &[unseen.to_string(), poison.to_string()],
    );
    let consumer = studio.stack.consumer(Topic::EventCreated).unwrap();
    for _ in 0..2 {
        let answer = invoke(&studio.stack, consumer, &old).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }
    let table = studio.table().await;
    assert!(
        !table.contains("entity#") && !table.contains("job#") && !table.contains("inbound#"),
        "{table}"
    );
    let letters = async || {
        let Outputs { table_name, .. } = &studio.stack.outputs;
        let letters = dead_letters(&studio.stack.clients.dynamodb, table_name).await;
        letters.unwrap().len()
    };
    assert_eq!(letters().await, 0);

    // What the tenant does afterwards is stored, and becomes a dead letter.
    poison["time"] = json!(now());
    let newer = batch(
        jiff::Timestamp::now().as_millisecond(),
        &[created(TENANT, "newer").to_string(), poison.to_string()],
    );
    let answer = invoke(&studio.stack, consumer, &newer).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert!(studio.table().await.contains("entity#"));
    assert_eq!(letters().await, 1);
    studio.stop().await;
}

/// Has a part of the tombstone stand in the table, as an erasure does that began just now.
async fn put_tombstone(studio: &Studio) {
    let tenant = TenantKey::new(&Identifier::parse(TENANT).unwrap());
    let put = studio.stack.clients.dynamodb.put_item();
    put.table_name(&studio.stack.outputs.table_name)
        .item("pk", AttributeValue::S(format!("tenant#{tenant}")))
        .item("sk", AttributeValue::S("tombstone#00".to_owned()))
        .item("erased_at", AttributeValue::S(now()))
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_from_before_an_erasure_is_found_and_not_published() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
    let consumer = studio.stack.consumer(Topic::EventCreated);
    let consumer = consumer.unwrap().to_owned();
    let batch = batch(
        jiff::Timestamp::now().as_millisecond(),
        &[created(TENANT, "committed").to_string()],
    );
    // It is killed between commit and publish.
    studio.stack.proxy.inject(Fault {
        matches: Matches {
            operation: Some("TransactWriteItems".to_owned()),
            occurrence: Occurrence::Nth(1),
            ..Matches::default()
        },
        action: Action::KillCaller(Moment::After),
    });
    let (answer, _) = try_to_invoke(&studio.stack, &consumer, &batch).await;
    assert!(answer.is_err(), "{answer:?}");
    assert!(studio.table().await.contains("inbound#"));

    put_tombstone(&studio).await;
    let answer = invoke(&studio.stack, &consumer, &batch).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert!(studio.produced_for(TENANT, 0).await.is_empty());
    studio.stop().await;
}

/// Has a consumer die after it has committed what follows from this event, before it publishes.
async fn commit_alone(studio: &Studio, id: &str) {
    let commit = ("dynamodb", "TransactWriteItems");
    let hits = kill(studio, CONSUMER, commit, Moment::After);
    let batch = batch(
        jiff::Timestamp::now().as_millisecond(),
        &[created(TENANT, id).to_string()],
    );
    let (answer, _) = try_to_invoke(&studio.stack, CONSUMER, &batch).await;
    assert!(answer.is_err() && hits.count() == 1, "{answer:?}");
    studio.stack.proxy.heal();
}

/// Has a consumer take in an event of this id, and returns the jobs that it opened. Their
/// message is in the queue, which is held.
async fn announce(studio: &mut Studio, id: &str) -> Vec<String> {
    studio.hold_the_queue().await;
    let batch = batch(
        jiff::Timestamp::now().as_millisecond(),
        &[created(TENANT, id).to_string()],
    );
    let answer = invoke(&studio.stack, CONSUMER, &batch).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    jobs_of(
        &studio.produced_for(TENANT, 4).await,
        Topic::RenderJobCreated,
    )
}

async fn erase_in_part(studio: &Studio) {
    let erase = format!("--json tenants erase {TENANT} --execute --confirm {TENANT} --within 0");
    let said = cli(studio, &erase).await;
    assert_eq!(said.json()[0]["fate"]["is"], "erasing", "{said:?}");
}

/// Whether the end of a job waits for what knows that the job was announced.
async fn is_withheld(studio: &Studio, job: &str) -> bool {
    let end = studio.item(&format!("job#{job}"), "end").await.unwrap();
    let is_withheld = end.contains_key("withheld");
    if is_withheld {
        // No index leads to it, so that no erasure and no sweep does.
        for attribute in ["tenant", "listed", "open", "deadline"] {
            assert!(!end.contains_key(attribute), "{end:?}");
        }
        assert!(end.contains_key("expires_at"), "{end:?}");
    }
    is_withheld
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_erased_tenants_job_is_published_only_if_it_was_announced() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
    let announced = announce(&mut studio, "announced").await;
    let message = take(&studio, 1).await.remove(0).body;
    commit_alone(&studio, "unheard-of").await;

    erase_in_part(&studio).await;
    for job in &announced {
        assert!(is_withheld(&studio, job).await, "{job}");
    }
    let produced = studio.produced_for(TENANT, 4).await;
    assert!(jobs_of(&produced, Topic::RenderJobFailed).is_empty());

    // A message knows that its jobs were announced, and tells their ends.
    for _ in 0..2 {
        let answer = deliver(&studio, slice::from_ref(&message)).await;
        assert_eq!(answer, none_kept());
        erase_in_part(&studio).await;
    }
    let produced = studio.produced_for(TENANT, 6).await;
    assert_eq!(topics(&produced).values().sum::<usize>(), 6);
    assert_eq!(jobs_of(&produced, Topic::RenderJobCreated), announced);
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), announced);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_withheld_end_of_a_video_is_told_by_the_next_step_of_its_execution() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
    })
    .await;
    // The test takes the steps of the execution.
    studio.let_executions_do_nothing().await;
    studio.publish(&campaign(TENANT, &["video"])).await;
    let produced = studio.produced_for(TENANT, 2).await;
    let video = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    until("its message was received", async || {
        studio.queue_is_empty().await
    })
    .await;
    erase_in_part(&studio).await;
    assert!(is_withheld(&studio, &video).await);

    // A step of another execution knows nothing.
    let completion = &studio.stack.outputs.completion_function_name;
    for step in ["submit", "poll", "finish", "fail"] {
        let step = json!({ "step": step, "jobId": video, "name": "another", "error": "None" });
        let (answer, _) = try_to_invoke(&studio.stack, completion, &step).await;
        assert!(answer.is_err(), "{step}: {answer:?}");
    }
    assert_eq!(studio.produced_for(TENANT, 2).await.len(), 2);
    for (step, status) in [("submit", "stored"), ("finish", "closed")] {
        let step = json!({ "step": step, "jobId": video });
        assert_eq!(studio.completion(&step).await["status"], status);
    }
    let produced = studio.produced_for(TENANT, 3).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), [video]);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_sent_or_told_of_that_may_not_be_announced_any_more() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
    commit_alone(&studio, "unheard-of").await;
    put_tombstone(&studio).await;
    let_deadlines_pass(&studio).await;
    studio.stack.proxy.clear();
    // An operator cancels one, and the sweep the other.
    let listed = cli(&studio, &format!("--json jobs list --tenant {TENANT}")).await;
    let listed = listed.json()[0]["jobs"].as_array().unwrap().clone();
    let jobs: Vec<&str> = listed
        .iter()
        .map(|job| job["id"].as_str().unwrap())
        .collect();
    assert_eq!(jobs.len(), 2);
    let cancel = format!("jobs cancel --tenant {TENANT} {} --execute", jobs[0]);
    assert_eq!(cli(&studio, &cancel).await.code, Some(0));
    assert_eq!(sweep(&studio).await, [1, 0, 0, 0, 1, 0, 0]);
    let calls = studio.stack.proxy.calls();
    let sends = |call: &Call| call.operation.name == "SendMessageBatch";
    assert!(!calls.iter().any(sends), "{calls:?}");
    for job in jobs {
        assert!(is_withheld(&studio, job).await, "{job}");
    }
    assert!(studio.produced_for(TENANT, 0).await.is_empty());
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, NOTHING, "both are closed");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_refuses_to_delete_its_copy_stops_nothing_else() {
    let mut studio = Studio::start_with(|options| {
        options.providers = Providers {
            image: "studio-canvas".to_owned(),
            video: String::new(),
            audio: "elevenlabs".to_owned(),
            voice: String::new(),
        };
    })
    .await;
    let mut campaign = example(Topic::CampaignLaunched, TENANT, "spots");
    campaign["data"]["headline"] = json!("A secret headline");
    campaign["data"]["assets"] = json!(["audio-spot", "banner-mobile"]);
    studio.publish(&campaign).await;
    studio.produced_for(TENANT, 8).await;
    let refuses = Behaviour::Answer {
        status: 401,
        headers: Vec::new(),
        body: json!({ "detail": { "status": "missing_permissions", "message": "no" } }),
    };
    studio.stack.sandbox.script(Script {
        vendor: Vendor::ElevenLabs,
        method: Some("DELETE"),
        path_ends: None,
        body_contains: None,
        occurrence: Occurrence::Every,
        behaviour: refuses,
    });

    for _ in 0..2 {
        let said = cli(
            &studio,
            &format!("--json tenants erase {TENANT} --execute --confirm {TENANT} --within 0"),
        )
        .await;
        let fate = &said.json()[0]["fate"];
        assert_eq!((said.code, &fate["is"]), (Some(4), &json!("erasing")));
        let kept = fate["kept"].as_array().unwrap();
        assert_eq!(kept.len(), 1, "{said:?}");
        assert_eq!(kept[0]["keeper"], "elevenlabs");
        assert!(
            kept[0]["item"].as_str().unwrap().starts_with("job:"),
            "{said:?}"
        );
        assert!(said.error.contains("elevenlabs keeps its copy"), "{said:?}");
        // The vendor's copy is all that is left.
        assert_eq!(fate["left"]["entities"], 0, "{said:?}");
        let table = studio.table().await;
        assert!(!table.contains("A secret headline"), "{table}");
        let bucket = &studio.stack.outputs.assets_bucket_name;
        let list = studio.stack.clients.s3.list_objects_v2().bucket(bucket);
        let list = list.send().await.unwrap();
        assert!(list.contents().is_empty(), "{list:?}");
    }

    studio.stack.sandbox.heal();
    let said = cli(
        &studio,
        &format!("--json tenants erase {TENANT} --execute --confirm {TENANT}"),
    )
    .await;
    assert_eq!(
        (said.code, &said.json().last().unwrap()["fate"]["is"]),
        (Some(0), &json!("erased")),
        "{said:?}"
    );
    studio.stop().await;
}

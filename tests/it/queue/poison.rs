//! Messages that cannot be handled: one that kills its function, and those that this version of the
//! code cannot read.

use contract::Topic;
use fault_proxy::{Action, Fault, Matches, Moment};
use local::{
    dead_letters::{DeadLetter, dead_letters},
    deploy::LOGO_BUCKET,
};
use serde_json::{Value, json};

use super::{poster, queued};
use crate::{
    harness::{Studio, created, jobs_of, the_eight, topics, until},
    messages::{RENDER, deliver, group_of, keep_sendings, message_id, none_kept, sendings, take},
    operator::studio as cli,
};

async fn letters(studio: &Studio) -> Vec<DeadLetter> {
    let table = &studio.stack.outputs.table_name;
    let letters = dead_letters(&studio.stack.clients.dynamodb, table).await;
    letters.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_kills_its_function_costs_its_neighbours_nothing() {
    let mut studio = Studio::start().await;
    let logo = include_bytes!("../../../docs/invitation.png");
    let put = studio.stack.clients.s3.put_object().bucket(LOGO_BUCKET);
    let put = put.key("tenant-poison/logo.png").body(logo.to_vec().into());
    put.send().await.unwrap();
    // Only one of ten has a logo, and the function dies of it.
    let hits = studio.stack.proxy.inject(Fault {
        matches: Matches {
            service: Some("s3".to_owned()),
            operation: Some("GetObject".to_owned()),
            function: Some(RENDER.to_owned()),
            ..Matches::default()
        },
        action: Action::KillCaller(Moment::Before),
    });
    let mut poison = poster("tenant-poison");
    poison["data"]["brand"] = json!({
        "primaryColor": "#1b3a57", "logo": format!("s3://{LOGO_BUCKET}/tenant-poison/logo.png"),
    });
    let neighbours: Vec<String> = (0..9).map(|number| format!("tenant-{number}")).collect();
    studio.hold_the_queue().await;
    keep_sendings(&studio);
    studio.publish(&poison).await;
    for tenant in &neighbours {
        studio.publish(&poster(tenant)).await;
    }
    until("all ten messages are sent", async || {
        sendings(&studio).len() == 10
    })
    .await;
    studio.release_the_queue().await;
    let produced = studio.produced_for("tenant-poison", 3).await;
    let failed = produced
        .iter()
        .find(|record| record.topic == Topic::RenderJobFailed.as_str())
        .unwrap()
        .event();
    assert_eq!(
        (&failed["data"]["failure"], &failed["data"]["canResubmit"]),
        (&json!("abandoned"), &json!(true))
    );
    let reason = failed["data"]["reason"].as_str().unwrap();
    assert!(reason.contains("interrupted several times"), "{reason}");
    // Received five times with the others and then once alone, each time it killed its function.
    assert_eq!(hits.count(), 6);
    for tenant in &neighbours {
        let produced = studio.produced_for(tenant, 4).await;
        assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted).len(), 1);
    }
    assert!(letters(&studio).await.is_empty());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_message_that_killed_its_function_are_drawn_apart() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-apart";
    let jobs = queued(&mut studio, &created(tenant, "apart"), 4).await;
    let message = take(&studio, 1).await.remove(0);
    keep_sendings(&studio);
    let send = studio.stack.clients.sqs.send_message();
    let send = send.queue_url(&studio.stack.outputs.dead_letter_queue_url);
    let send = send.message_body(&message.body);
    let send = send.message_group_id(group_of(&studio, &jobs[0]).await);
    send.send().await.unwrap();
    studio.release_the_queue().await;
    let produced = studio.produced_for(tenant, 8).await;
    assert_eq!(topics(&produced), the_eight());
    let sent = sendings(&studio).into_iter();
    let by_render = sent.filter(|sending| sending.function == RENDER);
    let mut apart: Vec<String> = by_render
        .map(|sending| {
            let jobs: [String; 1] =
                serde_json::from_value(sending.message["jobs"].clone()).unwrap();
            jobs.into_iter().collect()
        })
        .collect();
    apart.sort();
    assert_eq!(apart, jobs);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_message_keeps_none_of_its_batch_from_being_drawn() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-beside";
    queued(&mut studio, &created(tenant, "beside"), 4).await;
    let message = take(&studio, 1).await.remove(0);
    let mut newer = message.says();
    newer["v"] = json!(2);
    let mut none = message.says();
    none["jobs"] = json!([]);
    let bodies = [
        "not JSON".to_owned(),
        newer.to_string(),
        message.body,
        none.to_string(),
    ];
    let mut kept = deliver(&studio, &bodies).await.unwrap()["batchItemFailures"].take();
    let kept = kept.as_array_mut().unwrap();
    kept.sort_by_key(|one| one["itemIdentifier"].to_string());
    let expected = [0, 1, 3].map(|number| json!({ "itemIdentifier": message_id(number) }));
    assert_eq!(*kept, expected);
    let produced = studio.produced_for(tenant, 8).await;
    assert_eq!(topics(&produced), the_eight());
    studio.stop().await;
}

/// The dead letters that wait, as the command line lists them.
async fn listed(studio: &Studio) -> Vec<Value> {
    let listed = cli(studio, "--json dead-letters list --topic render-queue")
        .await
        .json();
    listed[0]["entries"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_not_understood_are_kept_whole_until_an_operator_redrives_them() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-rolled-back";
    let jobs = queued(&mut studio, &created(tenant, "rolled-back"), 4).await;
    let message = take(&studio, 1).await.remove(0);
    let mut newer = message.says();
    newer["v"] = json!(2);
    newer["urgent"] = json!("as only a newer version writes it");
    let newer = newer.to_string();
    let group = group_of(&studio, &jobs[0]).await;
    studio.send_message(&newer, &group).await;
    studio.send_message("{\"v\":1", &group).await;
    studio.release_the_queue().await;
    until("both are dead letters", async || {
        letters(&studio).await.len() == 2
    })
    .await;
    assert_eq!(studio.produced_for(tenant, 4).await.len(), 4);

    let entries = listed(&studio).await;
    assert!(
        entries.iter().all(|entry| entry["topic"] == "render-queue"),
        "{entries:?}"
    );
    let id = |newer: bool| {
        let is_it = |entry: &&Value| {
            let cause = entry["cause"].as_str().unwrap();
            cause.contains("version 2") == newer
        };
        let entry = entries.iter().find(is_it).unwrap();
        entry["id"].as_str().unwrap().to_owned()
    };
    let (newer_one, broken) = (id(true), id(false));
    let discard = format!("dead-letters discard {broken} --execute");
    assert_eq!(cli(&studio, &discard).await.code, Some(0));
    // The newer version is deployed again. Here, the test is it.
    studio.hold_the_queue().await;
    let redrive = format!("dead-letters redrive {newer_one}");
    let dry = cli(&studio, &redrive).await;
    assert!(dry.text.contains("would be redriven"), "{dry:?}");
    assert!(studio.queue_is_empty().await);
    let redriven = cli(&studio, &format!("{redrive} --execute")).await;
    assert_eq!(redriven.code, Some(0), "{redriven:?}");
    assert!(listed(&studio).await.is_empty());
    assert_eq!(take(&studio, 1).await.remove(0).body, newer);
    assert_eq!(deliver(&studio, &[message.body]).await, none_kept());
    let produced = studio.produced_for(tenant, 8).await;
    assert_eq!(topics(&produced), the_eight());
    studio.stop().await;
}

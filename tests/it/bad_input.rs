//! Bad input: a record that can never succeed becomes a whole dead letter with its cause, and the
//! rest of the batch is done.

use std::collections::BTreeMap;

use contract::Topic;
use fuzz::WorstCase;
use local::dead_letters::dead_letters;
use processes::peak_resident_bytes;
use serde_json::{Value, json};

use crate::harness::{Studio, batch_of_now, by_id, created, invoke, until};

/// A header of a batch in the format of a dead letter's object: its name, and its bytes in Base64.
fn header(header: &Value) -> Value {
    let (name, bytes) = header.as_object().unwrap().iter().next().unwrap();
    let bytes: Vec<u8> = bytes
        .as_array()
        .unwrap()
        .iter()
        .map(|byte| byte.as_i64().unwrap().to_le_bytes()[0])
        .collect();
    json!([name, base64_simd::STANDARD.encode_to_string(bytes)])
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_become_whole_dead_letters_and_the_rest_of_the_batch_is_done() {
    let mut studio = Studio::start_with(|options| options.poll = false).await;
    studio.release_the_queue().await;
    let batch = batch_of_now("event-created-bad-records.json");
    let function = studio
        .stack
        .consumer(Topic::EventCreated)
        .unwrap()
        .to_owned();

    // Twice, because a redelivery must change nothing.
    for _ in 0..2 {
        let answer = invoke(&studio.stack, &function, &batch).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }
    // Five of the twenty-four records are good, each with two assets: eight events each.
    let produced = studio.produced_for("tenant-monsoon-arts", 40).await;
    assert_eq!(by_id(&produced).len(), 40);

    let letters = dead_letters(
        &studio.stack.clients.dynamodb,
        &studio.stack.outputs.table_name,
    )
    .await
    .unwrap();
    let records: BTreeMap<i64, &Value> = batch["records"]["eventzr.event.created.v1-1"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (record["offset"].as_i64().unwrap(), record))
        .collect();
    let mut offsets: Vec<i64> = letters.iter().map(|record| record.offset).collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (101..=119).collect::<Vec<_>>());
    let mut expire = 0;
    for entry in letters {
        assert!(!entry.cause.contains('\n') && !entry.cause.is_empty());
        // No erasure finds what names no tenant, so its object and its entry expire.
        let id = entry.object.trim_end_matches(".json");
        let pk = format!("dead-letter#{}", &id[id.len() - 36..]);
        let item = studio.item(&pk, "record").await.unwrap();
        let names_none = entry.object.starts_with("records/no-tenant/");
        assert_eq!(item.contains_key("tenant"), !names_none, "{item:?}");
        assert_eq!(item.contains_key("expires_at"), names_none, "{item:?}");
        expire += usize::from(names_none);
        let object = studio
            .stack
            .clients
            .s3
            .get_object()
            .bucket(&studio.stack.outputs.dead_letters_bucket_name);
        let object = object
            .key(&entry.object)
            .send()
            .await
            .unwrap()
            .body
            .collect()
            .await
            .unwrap()
            .into_bytes();
        let object: Value = serde_json::from_slice(&object).unwrap();
        let record = records[&entry.offset];
        assert_eq!(object["cause"], entry.cause);
        match object.get("unread") {
            // The record's Base64 or headers could not be decoded, so it is stored as the mapping
            // sent it.
            Some(unread) => assert_eq!(
                serde_json::from_str::<Value>(unread.as_str().unwrap()).unwrap(),
                *record
            ),
            None => {
                let field = |name: &str| record.get(name).cloned().unwrap_or(Value::Null);
                assert_eq!(
                    (&object["key"], &object["value"]),
                    (&field("key"), &field("value")),
                    "{}",
                    entry.offset
                );
                assert_eq!(
                    object["headers"],
                    json!(
                        record["headers"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .map(header)
                            .collect::<Vec<_>>()
                    )
                );
            }
        }
    }
    assert!(expire > 0 && expire < 19, "{expire} of 19 name no tenant");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reused_id_with_other_content_is_dead_lettered() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    let event = created("tenant-reused", "reused");
    studio.publish(&event).await;
    let before = studio.produced_for("tenant-reused", 8).await;
    let mut other = event.clone();
    other["data"]["title"] = json!("Something else under the same id");
    studio.publish(&other).await;
    // A tombstone, a record without a key, and one of 300 KB, all through the mapping.
    let topic = "eventzr.event.created.v1";
    let huge = json!({ "padding": "x".repeat(300_000) }).to_string();
    studio
        .stack
        .publish(topic, Some(b"tenant-reused"), None, &[])
        .await
        .unwrap();
    studio
        .stack
        .publish(topic, None, Some(event.to_string().as_bytes()), &[])
        .await
        .unwrap();
    studio
        .stack
        .publish(topic, Some(b"tenant-reused"), Some(huge.as_bytes()), &[])
        .await
        .unwrap();
    studio.publish(&created("tenant-last", "last")).await;
    studio.produced_for("tenant-last", 8).await;

    let mut causes: Vec<String> = Vec::new();
    until("four records become dead letters", async || {
        let letters = dead_letters(
            &studio.stack.clients.dynamodb,
            &studio.stack.outputs.table_name,
        )
        .await
        .unwrap();
        causes = letters.into_iter().map(|entry| entry.cause).collect();
        causes.len() >= 4
    })
    .await;
    causes.sort();
    assert_eq!(
        causes,
        [
            "id reused: an event with this source and id was handled before and said something else",
            "the record has no key; the contract's key is the tenant's id",
            "the record has no value (a tombstone)",
            "the value has 300014 bytes; at most 262144 are read",
        ]
    );
    assert_eq!(
        by_id(&studio.produced_for("tenant-reused", 8).await),
        by_id(&before)
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worst_batches_become_dead_letters_within_a_functions_memory() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let function = studio
        .stack
        .consumer(Topic::EventCreated)
        .unwrap()
        .to_owned();
    for name in [
        "one giant value",
        "750,000 headers without a name",
        "data nested 20,000 deep, 100 times",
    ] {
        let worst = WorstCase::ALL
            .into_iter()
            .find(|worst| worst.name == name)
            .unwrap();
        let invoke = studio
            .stack
            .clients
            .lambda
            .invoke()
            .function_name(&function)
            .payload(worst.payload().into_bytes().into());
        let invoked = invoke.send().await.unwrap();
        let answer: Value = serde_json::from_slice(invoked.payload().unwrap().as_ref()).unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{name}");
    }
    let letters = dead_letters(
        &studio.stack.clients.dynamodb,
        &studio.stack.outputs.table_name,
    )
    .await
    .unwrap();
    assert_eq!(letters.len(), 102);
    let process = studio
        .stack
        .proxy
        .calls()
        .iter()
        .find_map(|call| call.process_id)
        .unwrap();
    let peak = peak_resident_bytes(process).unwrap() >> 20;
    println!("the function's peak is {peak} MiB");
    assert!(peak < 400, "{peak} MiB of the 512 that the template gives");
    studio.stop().await;
}

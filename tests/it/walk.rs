//! The walk: one event on Kafka becomes two pictures in S3 and eight events on Kafka.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use contract::Topic;
use local::{checkout::Checkout, records::Produced};
use serde_json::json;

use crate::harness::{Studio, by_id, created, jobs_of, the_eight, topics};

/// The first bytes of every PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[tokio::test(flavor = "multi_thread")]
async fn one_event_becomes_two_pictures_and_eight_events() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    let event = created("tenant-walk", "walk");
    studio.publish(&event).await;
    let produced = studio.produced_for("tenant-walk", 8).await;
    assert_eq!(topics(&produced), the_eight());
    assert_eq!(produced.len(), 8, "nothing twice");
    assert_eq!(
        jobs_of(&produced, Topic::RenderJobCreated),
        jobs_of(&produced, Topic::RenderJobCompleted)
    );
    // What is drawn at once takes no execution.
    let calls = studio.stack.proxy.calls();
    let mut calls = calls.iter();
    assert!(!calls.any(|call| call.operation.name == "StartExecution"));

    // As another service sees them: the key is the tenant, the mode is structured, and another
    // implementation can read each event.
    for record in &produced {
        let content_type = Some(b"application/cloudevents+json; charset=UTF-8".to_vec());
        assert_eq!(record.headers, [("content-type".to_owned(), content_type)]);
        assert_eq!(record.event()["subject"], "tenant-walk");
        assert_eq!(record.event()["type"], record.topic);
    }
    validate_with_python(&produced);

    // The pictures are at their URLs, which the templates have too.
    for record in produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobCompleted.as_str())
    {
        let event = record.event();
        let url = event["data"]["outputUrl"].as_str().unwrap();
        let key = url
            .strip_prefix(&format!("{}/", studio.stack.outputs.asset_base_url))
            .unwrap();
        let object = studio
            .stack
            .clients
            .s3
            .get_object()
            .bucket(&studio.stack.outputs.assets_bucket_name)
            .key(key);
        // Everything in the event and all that follows from it is known to many: none of it leads
        // to the picture. Before, the job's id alone did.
        for (place, known) in event["data"].as_object().unwrap() {
            let known = known
                .as_str()
                .filter(|_| place != "outputUrl" && place != "type");
            assert!(
                known.is_none_or(|known| !key.contains(known)),
                "{place} in {key}"
            );
        }
        let guessed = format!(
            "renders/{}/poster.png",
            event["data"]["jobId"].as_str().unwrap()
        );
        let s3 = &studio.stack.clients.s3;
        let guessed = s3
            .get_object()
            .bucket(&studio.stack.outputs.assets_bucket_name)
            .key(guessed);
        assert!(guessed.send().await.is_err());
        let folder = studio
            .folder_of(event["data"]["jobId"].as_str().unwrap())
            .await;
        assert!(key.starts_with(&folder), "{key}");
        let object = object.send().await.unwrap();
        assert_eq!(object.content_type(), Some("image/png"));
        assert!(
            object
                .body
                .collect()
                .await
                .unwrap()
                .into_bytes()
                .starts_with(PNG)
        );
        assert!(
            produced
                .iter()
                .any(|record| record.event()["data"]["asset"]["outputUrl"] == url)
        );
    }

    // The same event again, and once more as another serializer writes it: no new event and no new
    // id.
    studio.publish(&event).await;
    let headers = [("content-type", Some(&b"application/cloudevents+json"[..]))];
    let pretty = serde_json::to_string_pretty(&event).unwrap();
    let topic = Topic::EventCreated.as_str();
    studio
        .stack
        .publish(
            topic,
            Some(b"tenant-walk"),
            Some(pretty.as_bytes()),
            &headers,
        )
        .await
        .unwrap();

    // A new description of the same entity updates its two templates, under their old ids.
    let mut changed = created("tenant-walk", "walk");
    changed["id"] = json!("evt-walk-changed");
    changed["data"]["version"] = json!(2);
    changed["data"]["title"] = json!("Lanterns on the Lake, at last");
    studio.publish(&changed).await;
    let all = studio.produced_for("tenant-walk", 16).await;
    let mut expected = the_eight();
    expected.insert(Topic::TemplateUpdated.as_str().to_owned(), 6);
    expected.insert(Topic::RenderJobCreated.as_str().to_owned(), 4);
    expected.insert(Topic::RenderJobCompleted.as_str().to_owned(), 4);
    assert_eq!(topics(&all), expected);
    assert!(
        by_id(&produced)
            .iter()
            .all(|(id, value)| by_id(&all).get(id) == Some(value))
    );
    let templates = |records: &[Produced]| {
        let mut ids: Vec<String> = records
            .iter()
            .filter_map(|record| Some(record.event()["data"]["templateId"].as_str()?.to_owned()))
            .collect();
        ids.sort();
        ids.dedup();
        ids
    };
    assert_eq!(templates(&all), templates(&produced));
    studio.stop().await;
}

/// Python's `cloudevents` package reads each produced event without an error.
fn validate_with_python(produced: &[Produced]) {
    let checkout = Checkout::find().unwrap();
    let mut python = Command::new(checkout.venv.join("bin/python"))
        .arg(checkout.root.join("tests/validate_events.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = produced.iter().map(|record| record.line() + "\n").collect();
    python
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(
        said.trim(),
        format!("{} events are CloudEvents 1.0", produced.len())
    );
}

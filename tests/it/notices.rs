//! A team is told of a failed job: its webhook gets the bytes that Kafka has, and the event bus an
//! event.

use std::time::Duration;

use contract::Topic;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
    time::timeout,
};

use crate::{
    campaigns::campaign,
    harness::{Studio, until},
};

/// Longer than a notice takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A team's server, which takes one request: its address, and what it got.
async fn server() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/studio", listener.local_addr().unwrap());
    let got = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut got, mut some) = (Vec::new(), [0; 8192]);
        loop {
            let read = stream.read(&mut some).await.unwrap();
            assert_ne!(read, 0, "the request ends early");
            got.extend_from_slice(&some[..read]);
            let text = String::from_utf8_lossy(&got);
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            if serde_json::from_str::<Value>(body).is_ok() {
                break;
            }
        }
        let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(got).unwrap()
    });
    (url, got)
}

/// How many messages wait in the queue of notices, or are in flight.
async fn waiting(studio: &Studio) -> u32 {
    let sqs = &studio.stack.clients.sqs;
    let queue = sqs.get_queue_url().queue_name("studio-notices-local");
    let queue = queue.send().await.unwrap();
    let ask = sqs.get_queue_attributes();
    let ask = ask
        .queue_url(queue.queue_url().unwrap())
        .attribute_names("All".into());
    let answer = ask.send().await.unwrap();
    let attributes = answer.attributes().unwrap();
    let counts = attributes
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("ApproximateNumberOfMessages"));
    counts.map(|(_, count)| count.parse::<u32>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_told_of_a_failed_job_by_webhook_and_on_the_event_bus() {
    let mut studio = Studio::start_with(|options| {
        options.webhooks = true;
        options.notices_event_bus = "default".to_owned();
    })
    .await;
    let (url, got) = server().await;
    let webhooks = json!({
        "tenant-told": { "url": url, "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] },
    });
    let secrets = &studio.stack.clients.secrets;
    let create = secrets.create_secret().name("studio-notices/local");
    let create = create.secret_string(webhooks.to_string());
    create.send().await.unwrap();

    // No provider makes videos here. One team has a webhook, and the other has none.
    studio.publish(&campaign("tenant-told", &["video"])).await;
    studio.publish(&campaign("tenant-untold", &["video"])).await;
    let produced = studio.ended("tenant-told").await;
    let failed = produced
        .iter()
        .find(|record| record.topic == Topic::RenderJobFailed.as_str());
    let body = String::from_utf8(failed.unwrap().value.clone().unwrap()).unwrap();
    let got = timeout(PATIENCE, got).await.expect("in time").unwrap();
    assert!(got.ends_with(&format!("\r\n\r\n{body}")), "{got}");
    let id = failed.unwrap().event()["id"].as_str().unwrap().to_owned();
    assert!(got.contains(&format!("\r\nwebhook-id: {id}\r\n")), "{got}");
    assert!(got.contains("\r\nwebhook-signature: v1,"), "{got}");

    studio.ended("tenant-untold").await;
    until("each notice is delivered", async || {
        let calls = studio.stack.proxy.calls();
        let put = calls
            .iter()
            .filter(|call| call.operation.name == "PutEvents" && call.status == Some(200));
        put.count() >= 2 && waiting(&studio).await == 0
    })
    .await;
    studio.stop().await;
}

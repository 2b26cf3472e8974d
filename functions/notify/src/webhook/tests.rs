use contract::{Identifier, Time};
use runtime::chain;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn failed() -> FailedJob {
    FailedJob {
        event: "evt-7".to_owned(),
        tenant: Identifier::parse("tenant-1").unwrap(),
        at: Time::new(at("2026-11-20T10:00:00Z")),
        body: r#"{"id":"evt-7","data":{"title":"दीप"}}"#.to_owned(),
    }
}

/// A server that takes one request and gives this answer; the request that it got.
async fn server(answer: &'static str) -> (Webhook, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/T0/secret", listener.local_addr().unwrap());
    let got = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut got, mut some) = (Vec::new(), [0; 4096]);
        let end = failed().body;
        while !got.ends_with(end.as_bytes()) {
            let read = stream.read(&mut some).await.unwrap();
            assert_ne!(read, 0, "the request ends early");
            got.extend_from_slice(&some[..read]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(got).unwrap()
    });
    let webhook = Webhook {
        url: WebhookUrl::parse(&url, Destinations::PublicAndLoopback)
            .ok()
            .unwrap(),
        keys: vec![SigningKey::parse(SECRET).ok().unwrap()],
    };
    (webhook, got)
}

async fn post(webhook: &Webhook, to: Destinations) -> Result<(), WebhookError> {
    let client = Client::new(to).unwrap();
    client
        .post(webhook, &failed(), at("2026-11-20T10:00:01.9Z"))
        .await
}

#[tokio::test]
async fn a_team_gets_the_events_bytes_with_its_id_the_time_and_a_signature() {
    let (webhook, got) = server("HTTP/1.1 204 No Content\r\n\r\n").await;
    post(&webhook, Destinations::PublicAndLoopback)
        .await
        .unwrap();
    let got = got.await.unwrap();
    assert!(got.starts_with("POST /T0/secret HTTP/1.1\r\n"), "{got}");
    let signed = signatures(&webhook.keys, "evt-7", 1_795_168_801, &failed().body);
    for header in [
        "content-type: application/cloudevents+json",
        "webhook-id: evt-7",
        "webhook-timestamp: 1795168801",
        &format!("webhook-signature: {signed}"),
    ] {
        assert!(
            got.contains(&format!("\r\n{header}\r\n")),
            "{header}: {got}"
        );
    }
    assert!(got.ends_with(&format!("\r\n\r\n{}", failed().body)));
}

#[tokio::test]
async fn an_error_and_a_redirect_are_refusals_that_name_no_path() {
    for (answer, status) in [
        ("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", "HTTP 500"),
        (
            "HTTP/1.1 307 There\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "HTTP 307",
        ),
    ] {
        let (webhook, got) = server(answer).await;
        let refused = post(&webhook, Destinations::PublicAndLoopback).await;
        let said = chain(&refused.unwrap_err());
        assert!(said.contains(status), "{said}");
        assert!(!said.contains("T0") && !said.contains(SECRET), "{said}");
        got.await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_path() {
    let (webhook, got) = server("").await;
    got.abort();
    assert!(got.await.is_err(), "nothing listens any more");
    let refused = post(&webhook, Destinations::PublicAndLoopback).await;
    let said = chain(&refused.unwrap_err());
    assert!(said.starts_with("127.0.0.1 did not answer"), "{said}");
    assert!(!said.contains("T0"), "{said}");
}

/// The address was read where loopback is let; the client that is to reach it lets none.
#[tokio::test]
async fn a_client_for_public_servers_sends_nothing_without_tls() {
    let (webhook, got) = server("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(post(&webhook, Destinations::Public).await.is_err());
    assert!(!got.is_finished());
    got.abort();
}

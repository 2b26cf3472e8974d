//! Tests the runner against a queue and a function that are one small HTTP server.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use poller::Outcome;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::queue::WHILE_INVOKED;

/// What the server knows.
#[derive(Default)]
struct World {
    /// The names of the messages that wait.
    waiting: VecDeque<&'static str>,
    /// The calls of SQS that change something, and the bodies of the invoked events, in order.
    calls: Vec<String>,
    /// How often messages were asked for.
    receives: usize,
    /// How many invocations run, and how many ran at most.
    running: (usize, usize),
    /// How many invocations are refused before the first one runs.
    refusals: usize,
}

/// Whether a body asks for a message that its function fails.
fn fails(body: &str) -> bool {
    body.starts_with("bad")
}

struct Server {
    world: Mutex<World>,
}

impl Server {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let target = request.headers().get("x-amz-target");
        let operation = target
            .and_then(|target| target.to_str().ok()?.split('.').nth(1))
            .unwrap_or("Invoke")
            .to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let (status, answer) = match operation.as_str() {
            "GetQueueUrl" => (200, json!({ "QueueUrl": "http://queue" })),
            "GetQueueAttributes" => (200, json!({ "Attributes": { "VisibilityTimeout": "5" } })),
            "ReceiveMessage" => (200, self.receive(&asked).await),
            "Invoke" => self.invoke(&asked).await,
            _ => (200, self.note(&operation, &asked)),
        };
        let answer = Response::builder()
            .status(status)
            .body(Full::from(answer.to_string()));
        answer.unwrap()
    }

    async fn receive(&self, asked: &Value) -> Value {
        assert_eq!(asked["VisibilityTimeout"], WHILE_INVOKED);
        let most = usize::try_from(asked["MaxNumberOfMessages"].as_u64().unwrap()).unwrap();
        let taken: Vec<&str> = {
            let mut world = self.world();
            world.receives += 1;
            let most = most.min(world.waiting.len());
            world.waiting.drain(..most).collect()
        };
        if taken.is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
        let message = |name: &&str| {
            json!({
                "MessageId": name, "ReceiptHandle": format!("handle of {name}"), "Body": name,
                "Attributes": { "ApproximateReceiveCount": "2" },
            })
        };
        json!({ "Messages": taken.iter().map(message).collect::<Vec<_>>() })
    }

    async fn invoke(&self, event: &Value) -> (u16, Value) {
        let names: Vec<&str> = event["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["body"].as_str().unwrap())
            .collect();
        {
            let mut world = self.world();
            world.calls.push(format!("Invoke {}", names.join(" ")));
            if world.refusals > 0 {
                world.refusals -= 1;
                return (429, json!({}));
            }
            world.running.0 += 1;
            world.running.1 = world.running.1.max(world.running.0);
        }
        sleep(Duration::from_millis(50)).await;
        self.world().running.0 -= 1;
        let failed: Vec<Value> = names
            .into_iter()
            .filter(|name| fails(name))
            .map(|name| json!({ "itemIdentifier": name }))
            .collect();
        (200, json!({ "batchItemFailures": failed }))
    }

    /// Notes a call with its entries.
    fn note(&self, operation: &str, asked: &Value) -> Value {
        let entries = asked["Entries"].as_array().unwrap();
        for entry in entries {
            let handle = entry["ReceiptHandle"].as_str().unwrap();
            let after = match &entry["VisibilityTimeout"] {
                Value::Null => String::new(),
                seconds => format!(" after {seconds} s"),
            };
            let call = format!("{operation} {handle}{after}");
            self.world().calls.push(call);
        }
        let done: Vec<Value> = entries
            .iter()
            .map(|entry| json!({ "Id": entry["Id"] }))
            .collect();
        json!({ "Successful": done, "Failed": [] })
    }
}

/// A poller of a queue with these messages, with batches of two at most.
async fn polling(
    world: World,
    maximum_concurrency: usize,
) -> (Arc<Server>, QueuePoller, UnboundedReceiver<Report>) {
    let server = Arc::new(Server {
        world: Mutex::new(world),
    });
    let endpoint = serve(Arc::clone(&server)).await;
    let connections = QueueConnections {
        sqs: sqs_at(&endpoint),
        lambda: lambda_at(&endpoint),
    };
    let mapping = QueueMapping {
        uuid: "uuid".to_owned(),
        function: "function-arn".to_owned(),
        queue_arn: "arn:aws:sqs:us-east-1:000000000000:queue".to_owned(),
        batch_size: 2,
        maximum_concurrency,
        report_batch_item_failures: true,
        enabled: true,
    };
    let (sender, reports) = unbounded_channel();
    let poller = QueuePoller::start(mapping, connections, sender)
        .await
        .unwrap();
    (server, poller, reports)
}

/// Serves HTTP on a free port until the test ends, and returns the URL.
async fn serve(server: Arc<Server>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = Arc::clone(&server);
            let service = hyper::service::service_fn(move |request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    format!("http://{address}")
}

fn sqs_at(endpoint: &str) -> aws_sdk_sqs::Client {
    let credentials = aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_sqs::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint);
    aws_sdk_sqs::Client::from_conf(config.build())
}

fn lambda_at(endpoint: &str) -> aws_sdk_lambda::Client {
    let credentials = aws_sdk_lambda::config::Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_lambda::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint);
    aws_sdk_lambda::Client::from_conf(config.build())
}

/// The reports until this number of messages is deleted.
async fn until_deleted(reports: &mut UnboundedReceiver<Report>, count: usize) -> Vec<What> {
    let (mut deleted, mut seen) = (0, Vec::new());
    while deleted < count {
        let report = timeout(Duration::from_secs(30), reports.recv()).await;
        let report = report.expect("it comes to an end").unwrap();
        assert_eq!(&*report.queue, "queue");
        if let What::Deleted { messages } = report.what {
            deleted += messages;
        }
        seen.push(report.what);
    }
    seen
}

#[tokio::test]
async fn a_failed_message_comes_again_after_the_visibility_timeout_and_others_are_deleted() {
    let world = World {
        waiting: ["good", "bad"].into(),
        ..World::default()
    };
    let (server, poller, mut reports) = polling(world, 2).await;
    let seen = until_deleted(&mut reports, 1).await;
    poller.stop().await;
    assert_eq!(
        server.world().calls,
        [
            "Invoke good bad",
            "DeleteMessageBatch handle of good",
            "ChangeMessageVisibilityBatch handle of bad after 5 s"
        ]
    );
    let is_told = |what: &What| {
        matches!(
            what,
            What::Invoked {
                messages: 2,
                receives: 2,
                outcome: Outcome::Answered { .. },
                ..
            }
        )
    };
    assert!(seen.iter().any(is_told), "{seen:?}");
    let kept = What::Kept {
        messages: 1,
        cause: "listed in batchItemFailures".to_owned(),
        pause: Duration::from_secs(5),
    };
    let mut later = Vec::new();
    while let Ok(report) = reports.try_recv() {
        later.push(report.what);
    }
    assert_eq!(later, [kept]);
}

#[tokio::test]
async fn a_throttled_batch_is_sent_again_while_its_messages_are_hidden() {
    let world = World {
        waiting: ["one"].into(),
        refusals: 2,
        ..World::default()
    };
    let (server, poller, mut reports) = polling(world, 2).await;
    until_deleted(&mut reports, 1).await;
    poller.stop().await;
    assert_eq!(
        server.world().calls,
        [
            "Invoke one",
            "Invoke one",
            "Invoke one",
            "DeleteMessageBatch handle of one"
        ]
    );
}

#[tokio::test]
async fn no_more_invocations_run_than_the_maximum_concurrency() {
    let world = World {
        waiting: ["1", "2", "3", "4", "5", "6", "7", "8"].into(),
        ..World::default()
    };
    let (server, poller, mut reports) = polling(world, 2).await;
    until_deleted(&mut reports, 8).await;
    poller.stop().await;
    assert_eq!(server.world().running, (0, 2));
}

#[tokio::test]
async fn a_stop_waits_for_what_runs_and_leaves_later_messages_in_the_queue() {
    let world = World {
        waiting: ["one", "two"].into(),
        ..World::default()
    };
    let (server, poller, _reports) = polling(world, 2).await;
    while server.world().running.0 == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    poller.stop().await;
    let receives = server.world().receives;
    server.world().waiting.push_back("three");
    sleep(Duration::from_millis(100)).await;
    let world = server.world();
    assert_eq!(world.waiting, ["three"]);
    assert_eq!(
        (world.receives, world.running.0, world.calls.len()),
        (receives, 0, 3),
        "{:?}",
        world.calls
    );
}

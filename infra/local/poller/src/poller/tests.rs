//! Tests the runner against librdkafka's mock broker and a function that is a small HTTP server.

use std::convert::Infallible;
use std::sync::Mutex;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kafka_client::{From, Message, Reader};
use rdkafka::mocking::MockCluster;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;

use super::*;
use crate::batch::tests::mapping;
use crate::mapping::Destination;

/// The partitions and offsets of every invocation, in order.
type Invocations = Arc<Mutex<Vec<Vec<(i64, i64)>>>>;

/// A function that reports the record with the value "poison" as failed, and fails as a whole if it
/// gets only that record.
async fn function(request: Request<Incoming>, invocations: Invocations) -> Response<Full<Bytes>> {
    assert_eq!(
        request.uri().path(),
        "/2015-03-31/functions/function-arn/invocations"
    );
    let event: Value =
        serde_json::from_slice(&request.into_body().collect().await.unwrap().to_bytes()).unwrap();
    let records: Vec<&Value> = event["records"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|of| of.as_array().unwrap())
        .collect();
    let coordinates = |record: &Value| {
        (
            record["partition"].as_i64().unwrap(),
            record["offset"].as_i64().unwrap(),
        )
    };
    invocations
        .lock()
        .unwrap()
        .push(records.iter().map(|record| coordinates(record)).collect());
    let poison = records.iter().find(|record| record["value"] == "cG9pc29u");
    let answer = Response::builder()
        .header("x-amz-executed-version", "$LATEST")
        .header("x-amzn-requestid", "request-1");
    let (answer, body) = match poison {
        Some(_) if records.len() == 1 => (
            answer.header("x-amz-function-error", "Unhandled"),
            json!({"errorMessage": "no"}),
        ),
        Some(record) => {
            let partition = format!("topic-{}", record["partition"]);
            let item =
                json!({"itemIdentifier": {"partition": partition, "offset": record["offset"]}});
            (answer, json!({"batchItemFailures": [item]}))
        }
        None => (answer, Value::Null),
    };
    answer.body(Full::from(body.to_string())).unwrap()
}

/// Serves HTTP on a free port until the test ends, and returns the URL.
pub(crate) async fn serve<A: Future<Output = Response<Full<Bytes>>> + Send + 'static>(
    answer: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = hyper::service::service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    format!("http://{address}")
}

pub(crate) fn lambda_at(endpoint: String) -> aws_sdk_lambda::config::Builder {
    aws_sdk_lambda::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_lambda::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_lambda::config::Credentials::new(
            "test", "test", None, None, "test",
        ))
        .endpoint_url(endpoint)
}

#[tokio::test]
async fn a_failing_record_is_retried_alone_and_the_others_are_committed() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("topic", 2, 1).unwrap();
    cluster.create_topic("failed", 1, 1).unwrap();
    let bootstrap = cluster.bootstrap_servers();
    let cluster = Cluster::new(&bootstrap)
        .unwrap()
        .with_fetch_wait(Duration::from_millis(20));
    for (partition, value) in [(0, "a"), (0, "poison"), (0, "b"), (1, "c"), (1, "d")] {
        let (key, value) = (Some("tenant".into()), Some(value.into()));
        let message = Message {
            topic: "topic".to_owned(),
            partition: Some(partition),
            key,
            value,
            ..Message::default()
        };
        cluster.publish(message).await.unwrap();
    }

    let invocations = Invocations::default();
    let noted = Arc::clone(&invocations);
    let endpoint = serve(move |request| function(request, Arc::clone(&noted))).await;
    let s3 = aws_sdk_s3::Config::builder().behavior_version_latest();
    let connections = Connections {
        cluster: cluster.clone(),
        bootstrap,
        lambda: aws_sdk_lambda::Client::from_conf(lambda_at(endpoint).build()),
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
    };
    let mut mapping = mapping();
    mapping.maximum_retries = Some(1);
    mapping.destination = Some(Destination::Kafka {
        topic: "failed".to_owned(),
    });
    let (sender, mut reports) = unbounded_channel();
    let poller = Poller::start(mapping, connections, sender).unwrap();

    let mut committed = BTreeMap::new();
    let mut seen = Vec::new();
    while committed != BTreeMap::from([(0, 3), (1, 2)]) {
        let report = tokio::time::timeout(Duration::from_secs(30), reports.recv())
            .await
            .expect("it comes to an end")
            .unwrap();
        if let What::Committed { partition, offset } = report.what {
            committed.insert(partition, offset);
        }
        seen.push(report.what);
    }
    poller.stop().await;

    let invocations = invocations.lock().unwrap().clone();
    assert_eq!(
        invocations,
        [vec![(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)], vec![(0, 1)]]
    );
    assert!(
        seen.iter().any(|what| matches!(
            what,
            What::Retrying {
                records: 1,
                split: false,
                ..
            }
        )),
        "{seen:?}"
    );
    let place = Some("kafka://failed".to_owned());
    let discarded = What::Discarded {
        records: 1,
        condition: Condition::RetryAttemptsExhausted,
        destination: place,
    };
    let (at, commit) = (
        seen.iter().position(|what| *what == discarded),
        What::Committed {
            partition: 0,
            offset: 3,
        },
    );
    assert!(
        at.is_some() && at < seen.iter().position(|what| *what == commit),
        "{seen:?}"
    );

    assert_eq!(
        cluster.committed("group", "topic").await.unwrap(),
        BTreeMap::from([(0, 3), (1, 2)])
    );
    let mut failed = Reader::start(&cluster, &["failed"], From::Beginning)
        .await
        .unwrap();
    let record = tokio::time::timeout(Duration::from_secs(30), failed.next())
        .await
        .expect("a record")
        .unwrap();
    assert_eq!(record.key.as_deref(), Some(b"tenant".as_slice()));
    let body: Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
    assert_eq!(
        body["requestContext"],
        json!({"requestId": "request-1", "functionArn": "function-arn", "condition": "RetriesExhausted", "approximateInvokeCount": 2})
    );
    assert_eq!(
        body["payload"]["records"]["topic-0"][0]["value"],
        "cG9pc29u"
    );
}

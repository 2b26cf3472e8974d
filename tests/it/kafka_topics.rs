//! The topics of a deployment, requested as CloudFormation does: on a real Apache Kafka, with the
//! deployed function and its real answer.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use contract::Topic;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use local::broker::PARTITIONS;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    harness::{Studio, try_to_invoke, until},
    operator::OPERATOR,
};

/// The address to which the function sends its answers. It rejects the first answer, because
/// CloudFormation may do that too.
pub struct CloudFormation {
    address: String,
    answers: Arc<Mutex<Vec<Value>>>,
}

impl CloudFormation {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!(
            "http://{}/answer?signature=secret",
            listener.local_addr().unwrap()
        );
        let answers = Arc::new(Mutex::new(Vec::new()));
        let (told, mut is_first) = (answers.clone(), true);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (told, fails) = (told.clone(), std::mem::take(&mut is_first));
                let service = service_fn(move |request: Request<Incoming>| {
                    let told = told.clone();
                    async move {
                        assert_eq!(
                            (
                                request.method().as_str(),
                                request.headers().get("content-type")
                            ),
                            ("PUT", None)
                        );
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let mut response = Response::new(Empty::<Bytes>::new());
                        if fails {
                            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                        } else {
                            told.lock()
                                .unwrap()
                                .push(serde_json::from_slice(&body).unwrap());
                        }
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(
                    http1::Builder::new()
                        .keep_alive(false)
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, answers }
    }

    /// Asks the operator function for the topics, and returns its answer to CloudFormation. The
    /// function must not log the address.
    pub async fn ask(&self, studio: &Studio, request_type: &str, properties: Value) -> Value {
        let before = self.answers.lock().unwrap().len();
        let asked = json!({
            "RequestType": request_type, "ResponseURL": self.address, "StackId": "stack", "RequestId": format!("request-{before}"),
            "ResourceType": "Custom::KafkaTopics", "LogicalResourceId": "KafkaTopics", "ResourceProperties": properties,
        });
        let (answer, log) = try_to_invoke(&studio.stack, OPERATOR, &asked).await;
        println!("{log}");
        assert_eq!(answer, Ok(json!({})), "{log}");
        assert!(!log.contains("signature=secret"), "{log}");
        let answers = self.answers.lock().unwrap();
        assert_eq!(answers.len(), before + 1);
        let told = answers[before].clone();
        assert_eq!(told["RequestId"], asked["RequestId"]);
        assert_eq!(
            (&told["StackId"], &told["LogicalResourceId"]),
            (&json!("stack"), &json!("KafkaTopics"))
        );
        assert_eq!(
            told["PhysicalResourceId"], "studio-kafka-topics",
            "another one would be another resource"
        );
        told
    }
}

/// The properties as the template gives them: every value is a string.
pub fn properties(partitions: i32, retention_hours: u32) -> Value {
    json!({ "ServiceToken": "arn", "ServiceTimeout": "240", "Partitions": partitions.to_string(),
        "RetentionHours": retention_hours.to_string(), "MinInSyncReplicas": "0" })
}

/// The cluster as an administrator sees it.
struct Cluster {
    admin: AdminClient<DefaultClientContext>,
}

impl Cluster {
    fn of(studio: &Studio) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", studio.stack.broker.bootstrap());
        Self {
            admin: config.create().unwrap(),
        }
    }

    /// The number of partitions of a topic; 0 if it does not exist.
    fn partitions(&self, topic: Topic) -> usize {
        let metadata = self
            .admin
            .inner()
            .fetch_metadata(None, Duration::from_secs(10))
            .unwrap();
        let found = metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic.as_str());
        found.map_or(0, |found| found.partitions().len())
    }

    async fn retention_hours(&self, topic: Topic) -> u64 {
        let resources = [ResourceSpecifier::Topic(topic.as_str())];
        let described = self
            .admin
            .describe_configs(&resources, &AdminOptions::new())
            .await
            .unwrap();
        let settings = described.into_iter().next().unwrap().unwrap();
        settings
            .get("retention.ms")
            .unwrap()
            .value
            .as_ref()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            / 3_600_000
    }

    async fn delete(&self, topic: Topic) {
        for deleted in self
            .admin
            .delete_topics(&[topic.as_str()], &AdminOptions::new())
            .await
            .unwrap()
        {
            deleted.unwrap();
        }
        until("the topic is gone", async || self.partitions(topic) == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_creates_produced_topics_and_only_checks_consumed_ones() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let (cluster, cloudformation) = (Cluster::of(&studio), CloudFormation::start().await);
    let produced: Vec<Topic> = Topic::ALL
        .into_iter()
        .filter(|topic| !topic.is_consumed())
        .collect();

    // The stack's own deployment created them, through the emulator's CloudFormation.
    for topic in &produced {
        assert_eq!(
            cluster.partitions(*topic),
            usize::try_from(PARTITIONS).unwrap(),
            "{topic}"
        );
        assert_eq!(cluster.retention_hours(*topic).await, 168, "{topic}");
    }

    // A repeated request changes nothing, although the answer to CloudFormation is sent twice.
    let told = cloudformation
        .ask(&studio, "Update", properties(PARTITIONS, 168))
        .await;
    assert_eq!(
        (&told["Status"], &told["Reason"]),
        (&json!("SUCCESS"), &Value::Null)
    );

    // New settings are applied, and a deleted topic is created again with them.
    cluster.delete(Topic::VoiceModelReady).await;
    let told = cloudformation
        .ask(&studio, "Update", properties(PARTITIONS, 24))
        .await;
    assert_eq!(told["Status"], "SUCCESS", "{told}");
    for topic in &produced {
        assert_eq!(
            cluster.partitions(*topic),
            usize::try_from(PARTITIONS).unwrap(),
            "{topic}"
        );
        // The controller has the setting when CloudFormation gets the answer. The broker that the
        // test asks learns it a moment later.
        until("the broker knows the topic's retention", async || {
            cluster.retention_hours(*topic).await == 24
        })
        .await;
    }

    // The number of partitions cannot change: the error names the number to deploy with.
    let told = cloudformation
        .ask(&studio, "Update", properties(12, 1))
        .await;
    assert_eq!(told["Status"], "FAILED");
    let reason = told["Reason"].as_str().unwrap();
    assert!(
        reason.contains("has 4 partitions and 12 are wanted")
            && reason.ends_with("deploy with TopicPartitions=4"),
        "{reason}"
    );
    assert_eq!(
        cluster.retention_hours(Topic::TemplateCreated).await,
        24,
        "nothing else was done"
    );

    // An invalid number is answered at once, not after minutes of silence.
    let no_number = json!({ "Partitions": "4", "RetentionHours": "24", "MinInSyncReplicas": "0x" });
    let told = cloudformation.ask(&studio, "Update", no_number).await;
    assert_eq!(
        told["Reason"],
        "reading the resource's properties: `0x` is not a whole number"
    );

    // A missing topic of another team is named, and never created.
    cluster.delete(Topic::CmsPublished).await;
    cluster.delete(Topic::TemplateCreated).await;
    let told = cloudformation
        .ask(&studio, "Create", properties(PARTITIONS, 24))
        .await;
    assert_eq!(told["Status"], "FAILED");
    let reason = told["Reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the cluster has no topic eventzr.cms.published.v1: "),
        "{reason}"
    );
    assert_eq!(
        (
            cluster.partitions(Topic::CmsPublished),
            cluster.partitions(Topic::TemplateCreated)
        ),
        (0, 0)
    );

    // The topics outlive the stack.
    let told = cloudformation
        .ask(&studio, "Delete", properties(PARTITIONS, 24))
        .await;
    assert_eq!(told["Status"], "SUCCESS");
    assert_eq!(
        cluster.partitions(Topic::RenderJobCreated),
        usize::try_from(PARTITIONS).unwrap()
    );

    // Unreachable brokers are answered too.
    assert!(studio.stack.broker.kill().await);
    let told = cloudformation
        .ask(&studio, "Update", properties(PARTITIONS, 24))
        .await;
    assert_eq!(told["Status"], "FAILED");
    let reason = told["Reason"].as_str().unwrap();
    assert!(
        reason.starts_with("asking the broker 127.0.0.1:") && reason.contains("onnection refused"),
        "{reason}"
    );
    studio.stop().await;
}

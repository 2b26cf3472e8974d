//! The topics of a deployment, requested as CloudFormation does: on a real Apache Kafka, with the
//! deployed function and its real answer.

use std::{
    convert::Infallible,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_lambda::types::Environment;
use contract::Topic;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use local::{broker::PARTITIONS, checkout::Checkout};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Studio, try_to_invoke, until};

/// The function that creates the topics.
const KAFKA_TOPICS: &str = "studio-kafka-topics-local";

/// The address to which the function sends its answers. It rejects the first answer, because
/// CloudFormation may do that too.
pub struct CloudFormation {
    address: String,
    answers: Arc<Mutex<Vec<Value>>>,
    /// The process that sent the last answer.
    teller: Arc<Mutex<Option<u32>>>,
}

impl CloudFormation {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let address = format!("http://{here}/answer?signature=secret");
        let answers = Arc::new(Mutex::new(Vec::new()));
        let teller = Arc::new(Mutex::new(None));
        let (told, last_teller, mut is_first) = (answers.clone(), teller.clone(), true);
        tokio::spawn(async move {
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                *last_teller.lock().unwrap() = processes::owner_of_connection(peer, here, &[]);
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
        Self {
            address,
            answers,
            teller,
        }
    }

    /// The process of the function that sent the last answer.
    pub fn teller(&self) -> u32 {
        self.teller.lock().unwrap().unwrap()
    }

    /// Asks the function for the topics, and returns its answer to CloudFormation. The function must
    /// not log the address.
    pub async fn ask(&self, studio: &Studio, request_type: &str, properties: Value) -> Value {
        let before = self.answers.lock().unwrap().len();
        let request_id = format!("request-{before}");
        let asked = request(request_type, &self.address, &request_id, properties);
        let (answer, log) = try_to_invoke(&studio.stack, KAFKA_TOPICS, &asked).await;
        println!("{log}");
        assert_eq!(answer, Ok(json!({})), "{log}");
        assert!(!log.contains("signature=secret"), "{log}");
        let answers = self.answers.lock().unwrap();
        assert_eq!(answers.len(), before + 1);
        let told = answers[before].clone();
        assert_eq!(told["RequestId"], asked["RequestId"]);
        assert_eq!(
            (&told["StackId"], &told["LogicalResourceId"]),
            (&json!("stack"), &json!("ProducedTopics"))
        );
        assert_eq!(
            told["PhysicalResourceId"], "studio-kafka-topics",
            "another one would be another resource"
        );
        told
    }
}

/// A request as CloudFormation sends it.
fn request(request_type: &str, url: &str, request_id: &str, properties: Value) -> Value {
    json!({
        "RequestType": request_type, "ResponseURL": url, "StackId": "stack", "RequestId": request_id,
        "ResourceType": "Custom::KafkaTopics", "LogicalResourceId": "ProducedTopics",
        "ResourceProperties": properties,
    })
}

/// The properties as the template gives them: every value is a string.
fn properties(partitions: i32, retention_hours: u32) -> Value {
    json!({ "ServiceToken": "arn", "ServiceTimeout": "240", "Partitions": partitions.to_string(),
        "RetentionHours": retention_hours.to_string(), "MinInSyncReplicas": "0" })
}

/// Gives the function the settings of its topics, as a deployment does, and returns the properties
/// that the template then has.
pub async fn deploy(studio: &Studio, partitions: i32, retention_hours: u32) -> Value {
    let lambda = &studio.stack.clients.lambda;
    let now = lambda.get_function_configuration();
    let now = now.function_name(KAFKA_TOPICS).send().await.unwrap();
    let now = now.environment.and_then(|now| now.variables).unwrap();
    let mut environment = Environment::builder();
    for (name, value) in now {
        let value = match name.as_str() {
            "TOPIC_PARTITIONS" => partitions.to_string(),
            "TOPIC_RETENTION_HOURS" => retention_hours.to_string(),
            _ => value,
        };
        environment = environment.variables(name, value);
    }
    let update = lambda.update_function_configuration();
    let update = update.function_name(KAFKA_TOPICS);
    update
        .environment(environment.build())
        .send()
        .await
        .unwrap();
    properties(partitions, retention_hours)
}

/// Has the function's invocations end after this many seconds. 40 of them are kept to tell
/// CloudFormation, and the others are for the brokers.
async fn end_after(studio: &Studio, seconds: i32) {
    let update = studio.stack.clients.lambda.update_function_configuration();
    let update = update.function_name(KAFKA_TOPICS).timeout(seconds);
    update.send().await.unwrap();
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
        self.partitions_of(topic.as_str())
    }

    fn partitions_of(&self, topic: &str) -> usize {
        let metadata = self
            .admin
            .inner()
            .fetch_metadata(None, Duration::from_secs(10))
            .unwrap();
        let found = metadata.topics().iter().find(|found| found.name() == topic);
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

    /// Waits until the broker knows everything that the controller had decided by now. It learns
    /// all of it in order, a moment later, so this decides one more thing and waits for that.
    async fn catch_up(&self, marker: &str) {
        let topic = NewTopic::new(marker, 1, TopicReplication::Fixed(1));
        for created in self
            .admin
            .create_topics([&topic], &AdminOptions::new())
            .await
            .unwrap()
        {
            created.unwrap();
        }
        until("the broker has caught up", async || {
            self.partitions_of(marker) == 1
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_creates_produced_topics_and_only_checks_consumed_ones() {
    let studio = Studio::on_apache_kafka(|options| options.poll = false).await;
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
    let wanted = deploy(&studio, PARTITIONS, 24).await;
    let told = cloudformation.ask(&studio, "Update", wanted).await;
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
    let wanted = deploy(&studio, 12, 1).await;
    let told = cloudformation.ask(&studio, "Update", wanted).await;
    assert_eq!(told["Status"], "FAILED");
    let reason = told["Reason"].as_str().unwrap();
    assert!(
        reason.contains("has 4 partitions and 12 are wanted")
            && reason.ends_with("deploy with TopicPartitions=4"),
        "{reason}"
    );
    cluster.catch_up("after-the-number").await;
    assert_eq!(
        cluster.retention_hours(Topic::TemplateCreated).await,
        24,
        "nothing else was done"
    );

    // A request for other topics than the deployment has is refused: an invoker may write one.
    deploy(&studio, PARTITIONS, 24).await;
    for other in [properties(PARTITIONS, 1), properties(12, 24)] {
        let told = cloudformation.ask(&studio, "Update", other).await;
        let reason = told["Reason"].as_str().unwrap();
        assert!(
            reason.starts_with("the request asks for other topics"),
            "{reason}"
        );
    }
    cluster.catch_up("after-the-invokers-request").await;
    let retention = cluster.retention_hours(Topic::TemplateCreated).await;
    assert_eq!(retention, 24, "nothing was done");

    // An invalid number is answered at once, not after minutes of silence.
    let no_number = json!({ "Partitions": "4", "RetentionHours": "24", "MinInSyncReplicas": "0x" });
    let told = cloudformation.ask(&studio, "Update", no_number).await;
    assert_eq!(
        told["Reason"],
        "reading the resource's properties: `0x` is not a whole number"
    );

    // A broker that is away comes back in time.
    assert!(studio.stack.broker.kill().await);
    let comes_back = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        studio.stack.broker.restart().await.unwrap();
    };
    let ask = cloudformation.ask(&studio, "Update", properties(PARTITIONS, 24));
    let (told, ()) = tokio::join!(ask, comes_back);
    assert_eq!(told["Status"], "SUCCESS", "{told}");

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
    cluster.catch_up("after-the-missing-topic").await;
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
    cluster.catch_up("after-the-stack").await;
    assert_eq!(
        cluster.partitions(Topic::RenderJobCreated),
        usize::try_from(PARTITIONS).unwrap()
    );

    // Brokers that stay away are answered too, before the invocation ends.
    end_after(&studio, 50).await;
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

/// A server to which the function must send nothing, or that redirects what it gets.
async fn server(answers: Option<String>) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            *counted.lock().unwrap() += 1;
            let answers = answers.clone();
            let service = service_fn(move |_: Request<Incoming>| {
                let answers = answers.clone();
                async move {
                    let mut response = Response::new(Empty::<Bytes>::new());
                    if let Some(to) = answers {
                        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                        let to = to.parse().unwrap();
                        response.headers_mut().insert("location", to);
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
    (address, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_to_no_other_host_and_nothing_is_done_for_one() {
    let studio = Studio::on_apache_kafka(|options| options.poll = false).await;
    let cluster = Cluster::of(&studio);
    let (other, others) = server(None).await;
    // This machine has other names, and only as a loopback address may it get answers.
    for (host, url) in [
        (
            "169.254.169.254",
            "http://169.254.169.254/latest/meta-data".to_owned(),
        ),
        (
            "bucket.s3.amazonaws.com",
            "http://bucket.s3.amazonaws.com/".to_owned(),
        ),
        ("127.0.0.1", format!("http://user@{other}/")),
        ("127.0.0.1", format!("https://{other}/")),
        (
            "evil.example",
            "https://bucket.s3.amazonaws.com@evil.example/".to_owned(),
        ),
    ] {
        let asked = request("Update", &url, "request", properties(PARTITIONS, 1));
        let (answer, log) = try_to_invoke(&studio.stack, KAFKA_TOPICS, &asked).await;
        let error = answer.unwrap_err();
        assert_eq!(error["errorType"], "Studio.InvalidInput", "{error}: {log}");
        let said = error["errorMessage"].as_str().unwrap();
        let named = format!("has the host {host}: an answer goes to S3 alone");
        assert!(said.contains(&named), "{url}: {said}");
    }
    assert_eq!(*others.lock().unwrap(), 0, "nothing was sent");
    let retention = cluster.retention_hours(Topic::TemplateCreated).await;
    assert_eq!(retention, 168, "nothing was done");

    // A server that redirects is not followed.
    let (redirects, asked) = server(Some(format!("http://{other}/elsewhere"))).await;
    let url = format!("http://{redirects}/answer");
    let request = request("Delete", &url, "request", properties(PARTITIONS, 168));
    let (answer, _) = try_to_invoke(&studio.stack, KAFKA_TOPICS, &request).await;
    let error = answer.unwrap_err();
    let said = error["errorMessage"].as_str().unwrap();
    assert!(said.contains("127.0.0.1 answered 307"), "{said}");
    assert_eq!(*asked.lock().unwrap(), 3, "each try");
    assert_eq!(*others.lock().unwrap(), 0, "nothing was sent there");
    studio.stop().await;
}

#[test]
fn only_the_local_stack_lets_an_answer_go_to_loopback() {
    let root = Checkout::find().unwrap().root;
    let name = "ANSWERS_TO_LOOPBACK";
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    assert!(read("functions/kafka-topics/src/answer_url.rs").contains(name));
    assert!(read("infra/local/stack/src/emulator.rs").contains(name));
    for file in [
        "infra/template.yaml",
        "infra/samconfig.toml",
        "infra/deploy",
    ] {
        assert!(!read(file).contains(name), "{file}");
    }
}

//! How the functions authenticate to the brokers: on an Apache Kafka that checks their tokens as
//! MSK does (`tests/msk/MskIam.java`).

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use contract::Topic;
use fault_proxy::Call;
use local::{
    broker::{Iam, PARTITIONS},
    checkout::Checkout,
    metrics::logged_since,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::{
    harness::{
        Studio, batch_of_now, created, environment_of, first_tenant, invoke, invoke_and_log, until,
    },
    kafka_topics::{CloudFormation, deploy},
};

/// The brokers' settings for tokens, and their decisions.
pub struct Brokers {
    folder: TempDir,
}

impl Brokers {
    pub fn new() -> Self {
        let brokers = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        brokers.know(&[]);
        brokers
    }

    pub fn iam(&self) -> Iam {
        Iam {
            source: Checkout::find().unwrap().root.join("tests/msk/MskIam.java"),
            known: self.known(),
        }
    }

    fn known(&self) -> PathBuf {
        self.folder.path().join("known.properties")
    }

    /// Replaces the brokers' settings.
    pub fn know(&self, properties: &[(&str, &str)]) {
        let mut text = "region=us-east-1\n".to_owned();
        for (name, value) in properties {
            writeln!(text, "{name}={value}").unwrap();
        }
        // In one step, because the brokers may read the file at any moment.
        let new = self.folder.path().join("new.properties");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.known()).unwrap();
    }

    /// A line for each token that the brokers saw: `accepted` or `refused`, and the details.
    fn decided(&self) -> Vec<String> {
        let log =
            fs::read_to_string(self.folder.path().join("known.properties.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    async fn refuse(&self, why: &str) {
        let wanted = format!("refused {why}");
        until(&wanted, async || {
            self.decided().iter().any(|line| line.starts_with(&wanted))
        })
        .await;
    }
}

/// The errors of the records to be delivered again, once there are `count`, from the function's whole
/// log: librdkafka's lines may push one out of the tail that comes with an answer.
async fn errors_in_log(studio: &Studio, function: &str, count: usize) -> Vec<String> {
    let name = function.rsplit(':').next().unwrap();
    let group = format!("/aws/lambda/{name}");
    let mut errors = Vec::new();
    until("each record to be delivered again is logged", async || {
        let log = logged_since(&studio.stack.clients.aws, &group, 0)
            .await
            .unwrap();
        let said = log.iter().filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line["fields"]["message"].as_str()?.to_owned())
        });
        errors = said
            .filter_map(|said| {
                let error = said.strip_prefix("record to be delivered again: ")?;
                Some(error.to_owned())
            })
            .collect();
        errors.len() >= count
    })
    .await;
    assert_eq!(errors.len(), count, "{errors:#?}");
    errors
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_publishes_with_its_roles_token_and_explains_a_refused_one() {
    let brokers = Brokers::new();
    let mut studio = Studio::on_apache_kafka(|options| {
        options.poll = false;
        options.iam = Some(brokers.iam());
    })
    .await;
    let function = studio
        .stack
        .consumer(Topic::EventCreated)
        .unwrap()
        .to_owned();
    let batch = batch_of_now("event-created.json");
    let comes_again = |answer: &Value| answer["batchItemFailures"].as_array().unwrap().len() == 1;

    // The brokers first do not know the function's access key, and then know a different secret for
    // it.
    let (stack, refused) = (&studio.stack, async {
        brokers.refuse("no principal has the access key ASIA").await;
        let keeps = |call: &Call| call.operation.name == "TransactWriteItems";
        until("the function keeps its decision", async || {
            studio.stack.proxy.calls().iter().any(keeps)
        })
        .await;
        let environment = environment_of(studio.stack.proxy.calls()[0].process_id.unwrap());
        let (key, session) = (
            environment["AWS_ACCESS_KEY_ID"].clone(),
            environment["AWS_SESSION_TOKEN"].clone(),
        );
        brokers.know(&[(&key, &format!("not-its-secret {session}"))]);
        brokers.refuse("the signature is another").await;
        environment
    });
    let (answer, environment) = tokio::join!(invoke(stack, &function, &batch), refused);
    assert!(comes_again(&answer), "{answer}");
    let error = &errors_in_log(&studio, &function, 1).await[0];
    let what_to_do = "the brokers refused the function's IAM token; check that its role allows \
                      kafka-cluster:Connect to this cluster and that its clock is right: ";
    assert!(
        error.starts_with(what_to_do) && error.contains("the signature is another"),
        "{error}"
    );

    // Now they know the key, but by their clock its token has ended.
    let key = environment["AWS_ACCESS_KEY_ID"].as_str();
    let secret = format!(
        "{} {}",
        environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
    );
    brokers.know(&[(key, &secret), ("clock.ahead.seconds", "1000")]);
    let answer = invoke(&studio.stack, &function, &batch).await;
    assert!(comes_again(&answer), "{answer}");
    let error = &errors_in_log(&studio, &function, 2).await[1];
    assert!(
        error.starts_with(what_to_do) && error.contains("the token ended at "),
        "{error}"
    );

    brokers.know(&[(key, &secret)]);
    let (answer, log) = invoke_and_log(&studio.stack, &function, &batch).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "{log}");
    let decided = brokers.decided();
    assert!(
        decided
            .iter()
            .any(|line| line.starts_with(&format!("accepted {key}"))),
        "{decided:#?}"
    );
    studio.produced_for(&first_tenant(&batch), 4).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_with_a_token_and_a_refusal_fails_the_deployment() {
    let brokers = Brokers::new();
    let studio = Studio::on_apache_kafka(|options| {
        options.poll = false;
        options.iam = Some(brokers.iam());
    })
    .await;
    let cloudformation = CloudFormation::start().await;
    // The stack is deployed without topics: brokers that refuse a token would fail it.
    let wanted = deploy(&studio, PARTITIONS, 168).await;
    let published = cloudformation.ask(&studio, "Create", wanted.clone()).await;
    assert_eq!(published["Status"], "FAILED");
    let reason = published["Reason"].as_str().unwrap();
    let what_to_do = "it refused the function's IAM token, so look whether the function's role may kafka-cluster:Connect to this cluster \
                      and whether its clock is right: ";
    assert!(
        reason.contains(what_to_do) && reason.contains("no principal has the access key ASIA"),
        "{reason}"
    );

    let environment = environment_of(cloudformation.teller());
    let secret = format!(
        "{} {}",
        environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
    );
    brokers.know(&[(&environment["AWS_ACCESS_KEY_ID"], &secret)]);
    let published = cloudformation.ask(&studio, "Create", wanted).await;
    assert_eq!(
        (&published["Status"], &published["Reason"]),
        (&json!("SUCCESS"), &Value::Null)
    );
    studio.stop().await;
}

/// A process that publishes with credentials that live for seconds
/// (`tests/examples/short_lived.rs`). It ends with the test.
struct ShortLived {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl ShortLived {
    fn start(studio: &Studio, brokers: &Brokers, seconds: u64) -> Self {
        let (bootstrap, roots) = studio.stack.broker.iam().unwrap();
        let roots_file = brokers.folder.path().join("roots.pem");
        fs::write(&roots_file, roots).unwrap();
        let mut command = tokio::process::Command::new(
            Checkout::find()
                .unwrap()
                .binaries
                .join("examples/short_lived"),
        );
        command
            .arg(bootstrap)
            .arg(roots_file)
            .arg(studio.stack.proxy.address().to_string());
        command
            .arg(&studio.stack.outputs.table_name)
            .arg(seconds.to_string())
            .env("AWS_ACCESS_KEY_ID", studio.stack.root.access_key_id())
            .env(
                "AWS_SECRET_ACCESS_KEY",
                studio.stack.root.secret_access_key(),
            )
            .kill_on_drop(true);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        Self {
            process,
            input,
            output: BufReader::new(output).lines(),
        }
    }

    async fn ask(&mut self, line: &str) {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }

    /// How long the publish took; fails if nothing was published.
    async fn published(&mut self) -> Duration {
        let line = self
            .output
            .next_line()
            .await
            .unwrap()
            .expect("the process ended");
        let (milliseconds, outcome) = line.split_once(' ').unwrap();
        assert_eq!(outcome, "published", "after {milliseconds} ms");
        Duration::from_millis(milliseconds.parse().unwrap())
    }

    /// Lambda does the same between two invocations.
    fn freeze(&self) {
        self.signal("-STOP");
    }

    fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(signal)
            .arg(self.process.id().unwrap().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

/// The signing times of the accepted tokens in seconds, in the order of their first use.
fn signed(brokers: &Brokers) -> Vec<i64> {
    let decided = brokers.decided();
    let refused: Vec<_> = decided
        .iter()
        .filter(|line| line.starts_with("refused"))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let second = |line: &String| {
        let moment = line.rsplit(' ').next().unwrap().trim_end_matches('Z');
        let moment = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", moment).unwrap();
        jiff::tz::TimeZone::UTC
            .to_timestamp(moment)
            .unwrap()
            .as_second()
    };
    let mut seconds: Vec<i64> = decided.iter().map(second).collect();
    seconds.dedup();
    seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_at_four_fifths_of_its_life_and_after_a_thaw() {
    // Between the renewal and the token's end are 2 s for a busy machine.
    const LIFE: Duration = Duration::from_secs(16);
    let brokers = Brokers::new();
    let studio = Studio::on_apache_kafka(|options| {
        options.poll = false;
        options.iam = Some(brokers.iam());
    })
    .await;
    let root = &studio.stack.root;
    brokers.know(&[
        (root.access_key_id(), root.secret_access_key()),
        ("token.seconds", &LIFE.as_secs().to_string()),
    ]);
    let mut process = ShortLived::start(&studio, &brokers, LIFE.as_secs());
    process.ask(&created("tenant-1", "1").to_string()).await;
    process.published().await;

    // The connection presents each new token before the last one ends, and every event is
    // published.
    while signed(&brokers).len() < 3 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        process.ask("again").await;
        process.published().await;
    }
    for pair in signed(&brokers).windows(2) {
        // 80 % of the life is 12.8 s; librdkafka checks once a second, and a token's time has whole
        // seconds.
        assert!(
            (12..=16).contains(&(pair[1] - pair[0])),
            "{:?}",
            signed(&brokers)
        );
    }

    // Frozen for longer than the token lives, with a connection that still exists.
    process.freeze();
    tokio::time::sleep(LIFE + Duration::from_secs(2)).await;
    process.ask("again").await;
    process.thaw();
    println!("published {:?} after a thaw", process.published().await);

    // Frozen while the broker restarts, so the connection is lost.
    process.freeze();
    assert!(studio.stack.broker.kill().await);
    tokio::time::sleep(LIFE).await;
    studio.stack.broker.restart().await.unwrap();
    process.ask("again").await;
    process.thaw();
    println!(
        "published {:?} after a thaw, by a new connection",
        process.published().await
    );
    studio.stop().await;
}

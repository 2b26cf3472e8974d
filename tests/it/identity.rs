//! How the functions prove to the brokers who they are: on an Apache Kafka that checks their tokens as MSK does (`tests/msk/MskIam.java`).

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use events::Topic;
use local::{broker::Iam, checkout::Checkout};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Studio, batch_of_now, first_tenant, invoke_and_log, until};

/// What the brokers know of tokens, and what they decided.
struct Brokers {
    folder: TempDir,
}

impl Brokers {
    fn new() -> Self {
        let brokers = Self { folder: tempfile::tempdir().unwrap() };
        brokers.know(&[]);
        brokers
    }

    fn iam(&self) -> Iam {
        Iam { source: Checkout::find().unwrap().root.join("tests/msk/MskIam.java"), known: self.known() }
    }

    fn known(&self) -> PathBuf {
        self.folder.path().join("known.properties")
    }

    /// From now on they know this, and nothing else.
    fn know(&self, properties: &[(&str, &str)]) {
        let mut text = "region=us-east-1\n".to_owned();
        for (name, value) in properties {
            writeln!(text, "{name}={value}").unwrap();
        }
        // At once: they may read it at any moment.
        let new = self.folder.path().join("new.properties");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.known()).unwrap();
    }

    /// A line for each token that they saw: `accepted` or `refused`, and what it was.
    fn decided(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("known.properties.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    async fn refuse(&self, why: &str) {
        let wanted = format!("refused {why}");
        until(&wanted, async || self.decided().iter().any(|line| line.starts_with(&wanted))).await;
    }
}

/// The environment that a function's process was started with.
fn environment_of(process_id: u32) -> BTreeMap<String, String> {
    let environment = fs::read(format!("/proc/{process_id}/environ")).unwrap();
    let environment = String::from_utf8(environment).unwrap();
    let pairs = environment.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The error of the one record that is to be delivered again, as it stands in the function's log.
fn error_in(log: &str) -> &str {
    let errors: Vec<&str> = log.split("record to be delivered again: ").skip(1).collect();
    assert_eq!(errors.len(), 1, "{log}");
    errors[0].split(" topic=").next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_tells_with_a_token_that_its_role_signs_and_with_any_other_its_error_says_what_is_wrong() {
    let brokers = Brokers::new();
    let mut studio = Studio::start_with(|options| {
        options.poll = false;
        options.iam = Some(brokers.iam());
    })
    .await;
    let function = studio.stack.consumer(Topic::EventCreated).unwrap().to_owned();
    let batch = batch_of_now("event-created.json");
    let comes_again = |answer: &Value| answer["batchItemFailures"].as_array().unwrap().len() == 1;

    // Nobody knows the function's access key, and then another secret than its own.
    let (stack, refused) = (&studio.stack, async {
        brokers.refuse("nobody has the access key ASIA").await;
        until("the function keeps its decision", async || !studio.stack.proxy.calls().is_empty()).await;
        let environment = environment_of(studio.stack.proxy.calls()[0].process_id.unwrap());
        let (key, session) = (environment["AWS_ACCESS_KEY_ID"].clone(), environment["AWS_SESSION_TOKEN"].clone());
        brokers.know(&[(&key, &format!("not-its-secret {session}"))]);
        brokers.refuse("the signature is another").await;
        environment
    });
    let ((answer, log), environment) = tokio::join!(invoke_and_log(stack, &function, &batch), refused);
    assert!(comes_again(&answer), "{answer}");
    let error = error_in(&log);
    let what_to_do = "the brokers refused the function's IAM token, so look whether its role may kafka-cluster:Connect to this \
                      cluster and whether its clock is right: ";
    assert!(error.starts_with(what_to_do) && error.contains("the signature is another"), "{error}");

    // They know it, and by their clock its token has ended.
    let key = environment["AWS_ACCESS_KEY_ID"].as_str();
    let secret = format!("{} {}", environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]);
    brokers.know(&[(key, &secret), ("clock.ahead.seconds", "1000")]);
    let (answer, log) = invoke_and_log(&studio.stack, &function, &batch).await;
    assert!(comes_again(&answer), "{answer}");
    let error = error_in(&log);
    assert!(error.starts_with(what_to_do) && error.contains("the token ended at "), "{error}");

    brokers.know(&[(key, &secret)]);
    let (answer, log) = invoke_and_log(&studio.stack, &function, &batch).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "{log}");
    let decided = brokers.decided();
    assert!(decided.iter().any(|line| line.starts_with(&format!("accepted {key}"))), "{decided:#?}");
    studio.produced_for(&first_tenant(&batch), 4).await;
    studio.stop().await;
}

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    sync::Mutex,
    thread::{self, ThreadId},
    time::{Duration, Instant, SystemTime},
};

use aws_credential_types::provider::future;
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use percent_encoding::percent_decode_str;

use super::*;
use crate::producer::Producer;

fn token_of(credentials: &Credentials, region: &str) -> OAuthToken {
    futures::executor::block_on(token(credentials, region.to_owned())).unwrap()
}

/// A token is a URL in Base64: where it leads, and its query, percent-decoded.
fn read(token: &str) -> (String, BTreeMap<String, String>) {
    let url = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token).unwrap();
    let url = String::from_utf8(url).unwrap();
    let (address, query) = url.split_once('?').unwrap();
    let decoded = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    (
        address.to_owned(),
        pairs
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect(),
    )
}

/// What AWS's own signer for Python makes for the same credentials at `moment`: the token, and when
/// it ends.
fn official(credentials: &Credentials, region: &str, moment: &str) -> (String, i64) {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = crate_folder.join("../../target/venv/bin/python");
    assert!(
        python.exists(),
        "AWS's signer for Python is not installed in target/venv: run `make target/venv/installed`, which `make test` does first"
    );
    let output = Command::new(python)
        .arg(crate_folder.join("tests/official_msk_token.py"))
        .args([
            region,
            credentials.access_key_id(),
            credentials.secret_access_key(),
        ])
        .args([credentials.session_token().unwrap_or("-"), moment])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    let (token, expires) = printed.trim().split_once(' ').unwrap();
    (token.to_owned(), expires.parse().unwrap())
}

#[test]
fn a_token_is_field_by_field_what_the_official_python_signer_makes() {
    // A session token has every character of Base64 that a URL writes in another way.
    let session = "IQoJb3JpZ2luX2VjEPT//////////wEaCXVz+LWVhc3QtMSJHMEUCIQ==";
    for session in [None, Some(session.to_owned())] {
        for region in ["us-east-1", "ap-south-1", "eu-central-1"] {
            let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
            let credentials = Credentials::new(
                "ASIAIOSFODNN7EXAMPLE",
                secret,
                session.clone(),
                None,
                "test",
            );
            let ours = token_of(&credentials, region);
            let (address, mut query) = read(&ours.token);
            let (official, expires) = official(&credentials, region, &query["X-Amz-Date"]);
            let (official_address, mut official_query) = read(&official);
            assert_eq!(
                (address, ours.lifetime_ms),
                (official_address, expires),
                "{region}"
            );

            // Each signer says who it is, after signing: the signature does not cover it.
            assert_eq!(
                query.remove("User-Agent").unwrap(),
                "aws-msk-iam-sasl-signer-rs/1.0.1"
            );
            assert_eq!(
                official_query.remove("User-Agent").unwrap(),
                "aws-msk-iam-sasl-signer-python/1.0.2"
            );
            assert_eq!(query, official_query, "{region}");
            let mut names = vec![
                "Action",
                "X-Amz-Algorithm",
                "X-Amz-Credential",
                "X-Amz-Date",
                "X-Amz-Expires",
            ];
            names.extend(session.as_ref().map(|_| "X-Amz-Security-Token"));
            names.extend(["X-Amz-Signature", "X-Amz-SignedHeaders"]);
            assert_eq!(query.keys().collect::<Vec<_>>(), names);
        }
    }
}

/// The lifetime of a token whose credentials live `left` longer, in seconds from now.
fn lifetime(left: Option<Duration>) -> i64 {
    let expires = left.map(|left| SystemTime::now() + left);
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, expires, "test");
    (token_of(&credentials, "ap-south-1").lifetime_ms - milliseconds(SystemTime::now())) / 1000
}

#[test]
fn a_token_lives_for_fifteen_minutes_and_never_longer_than_its_credentials() {
    assert!((880..=900).contains(&lifetime(None)));
    assert!((880..=900).contains(&lifetime(Some(Duration::from_secs(3600)))));
    assert!((50..=60).contains(&lifetime(Some(Duration::from_secs(60)))));
}

#[test]
fn credentials_that_have_expired_sign_nothing_and_are_named() {
    let expired = SystemTime::now() - Duration::from_secs(1);
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, Some(expired), "test");
    let refusal = Refusal::default();
    let context = context(
        Some(SharedCredentialsProvider::new(credentials)),
        refusal.clone(),
    );
    assert!(context.generate_oauth_token(None).is_err());
    let said = refusal.get().unwrap().to_string();
    assert_eq!(
        said,
        "the function could not sign an IAM token for the brokers: the function's credentials have expired"
    );
    // librdkafka says it too, in its words; ours stay.
    let failed = KafkaError::Global(RDKafkaErrorCode::Authentication);
    context.error(
        failed,
        "Failed to acquire SASL OAUTHBEARER token: the function's credentials have expired",
    );
    assert_eq!(refusal.get().unwrap().to_string(), said);
}

#[test]
fn what_the_brokers_said_last_counts_and_that_all_are_down_says_nothing() {
    let refusal = Refusal::default();
    let context = context(None, refusal.clone());
    context.error(
        KafkaError::Global(RDKafkaErrorCode::Authentication),
        "SASL authentication error: Access denied",
    );
    context.error(
        KafkaError::Global(RDKafkaErrorCode::AllBrokersDown),
        "1/1 brokers are down",
    );
    assert_eq!(
        refusal.get().unwrap().to_string(),
        "the brokers refused the function's IAM token; check that its role allows \
         kafka-cluster:Connect to this cluster and that its clock is right: SASL authentication error: Access denied"
    );
    context.error(
        KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure),
        "Connection refused",
    );
    assert!(refusal.get().is_none());
}

fn context(credentials: Option<SharedCredentialsProvider>, refusal: Refusal) -> Context {
    let authentication = Authentication::Iam {
        region: "us-east-1".to_owned(),
        roots: None,
    };
    Context {
        authentication,
        credentials,
        refusal,
    }
}

/// A producer for brokers that are not there.
fn producer(context: Context) -> Producer {
    Producer::new("127.0.0.1:1", context).unwrap()
}

#[test]
fn a_producer_for_msk_finds_its_roots_without_any_file_of_the_machines() {
    drop(producer(context(None, Refusal::default())));
    assert_eq!(AMAZON_ROOTS.matches("BEGIN CERTIFICATE").count(), 5);
}

/// Credentials that take their time, and who asked for them.
#[derive(Debug, Clone, Default)]
struct Slow(Arc<Mutex<Vec<ThreadId>>>);

impl ProvideCredentials for Slow {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.lock().unwrap().push(thread::current().id());
        thread::sleep(Duration::from_secs(1));
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn signing_never_blocks_the_runtime_however_long_the_credentials_take() {
    let slow = Slow::default();
    let producer = producer(context(
        Some(SharedCredentialsProvider::new(slow.clone())),
        Refusal::default(),
    ));
    let asked = || slow.0.lock().unwrap().clone();
    let (begin, mut longest) = (Instant::now(), Duration::ZERO);
    // The producer's thread may take a while to begin; whoever it asks then sleeps for a second.
    let mut end = begin + Duration::from_secs(30);
    while Instant::now() < end {
        let before = Instant::now();
        tokio::time::sleep(Duration::from_millis(5)).await;
        longest = longest.max(before.elapsed());
        if !asked().is_empty() {
            end = end.min(before + Duration::from_millis(1500));
        }
    }
    assert!(
        longest < Duration::from_millis(900),
        "the runtime stood still for {longest:?}"
    );
    let asked = asked();
    assert!(
        !asked.is_empty() && !asked.contains(&thread::current().id()),
        "{asked:?}"
    );
    drop(producer);
}

//! Keys of KMS that the account's owners manage: what they encrypt, and who may use them.

use std::collections::BTreeMap;

use contract::Topic;
use serde_json::{Value, json};

use super::{if_there, of_type, processed, statements};
use crate::harness::Studio;

/// The services through which a policy's holder uses the key. Without one of them, AWS denies what
/// the other grants allow.
const THROUGH: [(&str, &[&str]); 7] = [
    // Their mapping puts what it gives up into the bucket.
    ("ConsumerPolicy", &["dynamodb", "sqs", "s3"]),
    (
        "RenderFunctionRole",
        &["dynamodb", "s3", "secretsmanager", "sqs"],
    ),
    (
        "CompletionFunctionRole",
        &["dynamodb", "s3", "secretsmanager", "sqs"],
    ),
    // It deletes and reads no object.
    ("EraseFunctionRole", &["dynamodb", "secretsmanager"]),
    ("OperatorFunctionRole", &["dynamodb", "s3", "sqs"]),
    ("NotifyFunctionRole", &["dynamodb", "secretsmanager", "sqs"]),
    ("WatchFunctionRole", &["dynamodb"]),
];

fn through(services: &[&str]) -> Vec<Value> {
    let name = |service: &&str| json!({ "Fn::Sub": format!("{service}.${{AWS::Region}}.${{AWS::URLSuffix}}") });
    services.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_key_encrypts_every_store_and_each_role_may_use_it() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    stores_are_encrypted(&template);

    let roles = of_type(&template, "AWS::IAM::Role");
    let roles = roles.into_iter().map(|(id, role)| {
        let policies = role["Policies"].as_array().into_iter().flatten();
        let granted: Vec<&Value> = policies.flat_map(statements).collect();
        (id.as_str(), granted)
    });
    let shared = of_type(&template, "AWS::IAM::ManagedPolicy");
    let shared = shared
        .into_iter()
        .map(|(id, policy)| (id.as_str(), statements(policy).collect()));
    let mut found = BTreeMap::new();
    for (id, granted) in roles.chain(shared) {
        for statement in &granted {
            match statement["Sid"].as_str() {
                Some("UseTheKey") => {
                    assert_eq!(statement["Resource"], json!({ "Ref": "KmsKeyArn" }), "{id}");
                    let of = &statement["Condition"]["StringEquals"]["kms:ViaService"];
                    found.insert(id, of.as_array().unwrap().clone());
                }
                Some("ReadWhatOthersEncrypt") => {
                    let keys = json!({ "Fn::Split": [",", { "Ref": "TenantBucketsKmsKeyArns" }] });
                    assert_eq!(statement["Resource"], keys, "{id}");
                    let of = &statement["Condition"]["StringEquals"]["kms:ViaService"];
                    assert_eq!(*of, through(&["s3"])[0], "{id}");
                }
                // No other statement, and so none without that condition, is about keys.
                _ => assert!(
                    !statement["Action"].to_string().contains("kms:"),
                    "{id}: {statement}"
                ),
            }
        }
        let reads_logos = granted.iter().any(|one| one["Sid"] == "ReadLogos");
        let decrypts = granted
            .iter()
            .any(|one| one["Sid"] == "ReadWhatOthersEncrypt");
        assert_eq!(reads_logos, decrypts, "{id}");
    }
    let expected: BTreeMap<&str, Vec<Value>> = THROUGH
        .into_iter()
        .map(|(id, services)| (id, through(services)))
        .collect();
    assert_eq!(found, expected);
    studio.stop().await;
}

fn stores_are_encrypted(template: &Value) {
    let own = if_there("WithKey", "KmsKeyArn");
    for (id, table) in of_type(template, "AWS::DynamoDB::Table") {
        assert_eq!(table["SSESpecification"]["KMSMasterKeyId"], own, "{id}");
    }
    for (id, bucket) in of_type(template, "AWS::S3::Bucket") {
        let rule = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let key = &rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"];
        assert_eq!(*key, own, "{id}");
    }
    for (id, secret) in of_type(template, "AWS::SecretsManager::Secret") {
        assert_eq!(secret["KmsKeyId"], own, "{id}");
    }
    for (id, queue) in of_type(template, "AWS::SQS::Queue") {
        // A key's policy would have to let EventBridge in, and no run is a secret.
        let key = match id.as_str() {
            "SchedulesDeadLetterQueue" => Value::Null,
            _ => own.clone(),
        };
        assert_eq!(queue["KmsMasterKeyId"], key, "{id}");
    }
    let of_logs = if_there("WithLogsKey", "LogsKmsKeyArn");
    for (id, group) in of_type(template, "AWS::Logs::LogGroup") {
        assert_eq!(group["KmsKeyId"], of_logs, "{id}");
    }
}

/// What IAM takes of a role's own policies together, and of a managed one, without white space
/// (IAM User Guide, reference_iam-quotas). ARNs of a real account are a little longer than what
/// refers to them here.
const OF_A_ROLE: usize = 10_240;
const OF_A_POLICY: usize = 6_144;
/// What Lambda takes of a function's variables together, in bytes (Lambda quotas), and what is left
/// of it for the two parameters that only their users can bound: `KafkaRootsPem`, and
/// `ProviderSettings`.
const OF_AN_ENVIRONMENT: usize = 4_096;
const FOR_ROOTS_AND_SETTINGS: usize = 2_500;

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_environments_are_within_the_limits_of_aws() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    let size = |policy: &Value| policy["PolicyDocument"].to_string().len();
    for (id, role) in of_type(&template, "AWS::IAM::Role") {
        let policies = role["Policies"].as_array().into_iter().flatten();
        let all: usize = policies.map(size).sum();
        assert!(all < OF_A_ROLE * 3 / 4, "{id}: {all}");
    }
    for (id, policy) in of_type(&template, "AWS::IAM::ManagedPolicy") {
        let all = size(policy);
        assert!(all < OF_A_POLICY * 3 / 4, "{id}: {all}");
    }
    let functions = studio.stack.clients.lambda.list_functions().send().await;
    let functions = functions.unwrap();
    assert!(functions.functions().len() > Topic::consumed().count());
    for function in functions.functions() {
        let variables = function.environment().and_then(|its| its.variables());
        let all: usize = variables
            .into_iter()
            .flatten()
            .filter(|(name, _)| !["KAFKA_ROOTS_PEM", "PROVIDER_SETTINGS"].contains(&name.as_str()))
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let name = function.function_name().unwrap_or_default();
        assert!(
            all > 0 && all + FOR_ROOTS_AND_SETTINGS < OF_AN_ENVIRONMENT,
            "{name}: {all}"
        );
    }
    studio.stop().await;
}

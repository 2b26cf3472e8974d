//! Storage is encrypted, private, recoverable after mistakes, and reachable over TLS only; so is the
//! queue, but that nothing in it needs to be recovered.

use contract::Topic;
use serde_json::{Value, json};

use crate::{
    alarms::written,
    deployed::{of_type, processed},
    harness::{Studio, batch_of_now, try_to_invoke},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_bucket_and_table_is_encrypted_private_recoverable_and_tls_only() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    for (id, table) in of_type(&template, "AWS::DynamoDB::Table") {
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{id}");
        assert_eq!(
            table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true,
            "{id}"
        );
    }

    let policies = of_type(&template, "AWS::S3::BucketPolicy");
    let buckets = of_type(&template, "AWS::S3::Bucket");
    let names: Vec<_> = buckets.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(names, ["AssetsBucket", "DeadLettersBucket"]);
    for (id, bucket) in buckets {
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let by = if id == "DeadLettersBucket" {
            json!("aws:kms")
        } else {
            json!({ "Fn::If": ["WithKey", "aws:kms", "AES256"] })
        };
        assert_eq!(
            encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], by,
            "{id}"
        );
        for setting in [
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ] {
            assert_eq!(
                bucket["PublicAccessBlockConfiguration"][setting], true,
                "{id}: {setting}"
            );
        }
        assert_eq!(
            bucket["VersioningConfiguration"]["Status"], "Enabled",
            "{id}"
        );
        let rules = bucket["LifecycleConfiguration"]["Rules"]
            .as_array()
            .unwrap();
        let old = rules
            .iter()
            .find(|rule| rule["Id"] == "OldVersions")
            .unwrap();
        assert_eq!(
            (
                &old["Status"],
                &old["NoncurrentVersionExpiration"]["NoncurrentDays"]
            ),
            (&json!("Enabled"), &json!(7))
        );
        let (policy_id, policy) = policies
            .iter()
            .find(|(_, policy)| policy["Bucket"] == json!({ "Ref": id }))
            .unwrap();
        // A bucket that is given keeps its own policy.
        let condition = match id.as_str() {
            "AssetsBucket" => "MakesAssetsOnAws",
            _ => "OnAws",
        };
        assert_eq!(
            template["Resources"][*policy_id]["Condition"], condition,
            "{id}: only one machine goes without"
        );
        let tls = &policy["PolicyDocument"]["Statement"][0];
        assert_eq!(
            (&tls["Effect"], &tls["Principal"], &tls["Action"]),
            (&json!("Deny"), &json!("*"), &json!("s3:*"))
        );
        assert_eq!(
            tls["Condition"],
            json!({ "Bool": { "aws:SecureTransport": "false" } }),
            "{id}"
        );
        let arn = json!({ "Fn::GetAtt": [id, "Arn"] });
        let objects = json!({ "Fn::Sub": format!("${{{id}.Arn}}/*") });
        assert_eq!(tls["Resource"], json!([arn, objects]), "{id}");
    }
    // No erasure finds a record whose key names no tenant: it lives as long as its entry.
    let rules = &template["Resources"]["DeadLettersBucket"]["Properties"]["LifecycleConfiguration"]
        ["Rules"];
    let expires = rules
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["Prefix"] == "records/no-tenant/");
    let days = expires.unwrap()["ExpirationInDays"].as_u64().unwrap();
    assert_eq!(days * 24 * 60 * 60, u64::from(domain::HORIZON_SECONDS));
    // Settings that depend on the stage's name only.
    let is_local = json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": "Stage" }, "local"] }] });
    assert_eq!(template["Conditions"]["OnAws"], is_local);
    assert_eq!(
        template["Conditions"]["MakesAssetsOnAws"],
        json!({ "Fn::And": [{ "Condition": "MakesAssets" }, { "Condition": "OnAws" }] })
    );
    for (id, function) in of_type(&template, "AWS::Lambda::Function") {
        let authentication = &function["Environment"]["Variables"]["KAFKA_AUTHENTICATION"];
        assert_eq!(
            *authentication,
            json!({ "Fn::If": ["OnAws", "iam", { "Ref": "KafkaAuthentication" }] }),
            "{id}"
        );
    }
    studio.stop().await;
}

/// The resources that nothing can make again: the data, its secret, and who may read it.
const KEPT: [&str; 6] = [
    "AssetPathsSecret",
    "AssetsBucket",
    "AssetsBucketPolicy",
    "DeadLettersBucket",
    "DeadLettersBucketPolicy",
    "Table",
];

/// A first deployment that fails would leave names behind that the next try finds taken.
#[test]
fn data_outlives_its_stack_unless_the_deployment_that_made_it_failed() {
    let template = written();
    let mut kept = Vec::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        assert_ne!(resource["DeletionPolicy"], "Retain", "{id}");
        if resource["DeletionPolicy"] == "RetainExceptOnCreate" {
            assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
            kept.push(id.as_str());
        }
    }
    kept.sort_unstable();
    assert_eq!(kept, KEPT);
}

/// The names of a stage's buckets are the user's to choose. Where the bucket of the assets is given,
/// the stack has none, so nothing may refer to the resource unless it is made.
#[test]
fn a_bucket_that_is_given_is_neither_made_nor_referred_to() {
    let template = written();
    let resources = template["Resources"].as_object().unwrap();
    let own = ["AssetsBucket", "AssetsBucketPolicy"];
    for id in own {
        let condition = resources[id]["Condition"].as_str().unwrap();
        assert!(condition.starts_with("MakesAssets"), "{id}: {condition}");
    }
    for (id, by_stage, name) in [
        ("AssetsBucket", "AssetsByStage", "AssetsBucketName"),
        (
            "DeadLettersBucket",
            "DeadLettersByStage",
            "DeadLettersBucketName",
        ),
    ] {
        let bucket = &resources[id]["Properties"];
        assert_eq!(bucket["BucketName"][0], by_stage, "{id}");
        assert_eq!(bucket["BucketName"][2], name, "{id}");
        assert_eq!(template["Conditions"][by_stage], json!([name, ""]), "{id}");
    }
    let either = json!(["MakesAssets", "AssetsBucket", "AssetsBucketName"]).to_string();
    let others = resources
        .iter()
        .filter(|(id, _)| !own.contains(&id.as_str()))
        .chain(template["Outputs"].as_object().unwrap());
    let mut found = 0;
    for (id, other) in others {
        let text = other.to_string();
        found += text.matches(&either).count();
        let rest = text.replace(&either, "");
        assert!(!rest.contains("AssetsBucket"), "{id}: {rest}");
    }
    assert!(found > 10, "{found}");
}

/// Two weeks, the longest that a queue keeps a message.
const LONGEST_KEPT_SECONDS: u64 = 14 * 24 * 60 * 60;

#[tokio::test(flavor = "multi_thread")]
async fn every_queue_is_encrypted_tls_only_and_keeps_its_messages_for_two_weeks() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    let policies = of_type(&template, "AWS::SQS::QueuePolicy");
    let queues = of_type(&template, "AWS::SQS::Queue");
    let names: Vec<_> = queues.iter().map(|(id, _)| id.as_str()).collect();
    let expected = [
        "NoticesDeadLetterQueue",
        "NoticesQueue",
        "RenderDeadLetterQueue",
        "RenderQueue",
        "SchedulesDeadLetterQueue",
    ];
    assert_eq!(names, expected);
    for (id, queue) in queues {
        // By SQS's own keys, unless a key is given.
        let no_value = json!({ "Ref": "AWS::NoValue" });
        let by_sqs = match id.as_str() {
            "SchedulesDeadLetterQueue" => json!(true),
            _ => json!({ "Fn::If": ["WithKey", no_value, true] }),
        };
        assert_eq!(queue["SqsManagedSseEnabled"], by_sqs, "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], LONGEST_KEPT_SECONDS);
        assert_eq!(queue["FifoQueue"], Value::Null, "{id} would not be fair");
        let queues = json!([{ "Ref": id }]);
        let (policy_id, policy) = policies
            .iter()
            .find(|(_, policy)| policy["Queues"] == queues)
            .unwrap();
        let is_there = match id.starts_with("Notices") {
            true => "WithNoticesOnAws",
            false => "OnAws",
        };
        assert_eq!(
            template["Resources"][*policy_id]["Condition"], is_there,
            "{id}: only one machine goes without"
        );
        let tls = json!({
            "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "sqs:*",
            "Resource": { "Fn::GetAtt": [id, "Arn"] },
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        });
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        assert_eq!(statements[0], tls, "{id}");
        // EventBridge has no role for what it sends to a queue, so the queue lets its rules in.
        let others = match id.as_str() {
            "SchedulesDeadLetterQueue" => vec![json!({
                "Sid": "LetTheSchedulesSend", "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage",
                "Resource": { "Fn::GetAtt": [id, "Arn"] },
                "Condition": { "ArnEquals": { "aws:SourceArn": [
                    { "Fn::GetAtt": ["CompletionFunctionSweep", "Arn"] },
                    { "Fn::GetAtt": ["OperatorFunctionGather", "Arn"] },
                    { "Fn::GetAtt": ["WatchFunctionEachMinute", "Arn"] },
                ] } },
            })],
            _ => vec![],
        };
        assert_eq!(statements[1..], others[..], "{id}");
        // What the dead-letter queue cannot get rid of stays in it.
        let dead = json!({ "Fn::GetAtt": ["RenderDeadLetterQueue", "Arn"] });
        let redrive = match id.as_str() {
            "RenderQueue" => json!({ "deadLetterTargetArn": dead, "maxReceiveCount": 5 }),
            // A day, six minutes each.
            "NoticesQueue" => json!({
                "deadLetterTargetArn": { "Fn::GetAtt": ["NoticesDeadLetterQueue", "Arn"] },
                "maxReceiveCount": 240,
            }),
            _ => Value::Null,
        };
        assert_eq!(queue["RedrivePolicy"], redrive, "{id}");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_refuses_a_function_without_tls() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    let bucket = &studio.stack.outputs.dead_letters_bucket_name;
    let policy = &template["Resources"]["DeadLettersBucketPolicy"]["Properties"]["PolicyDocument"];
    let mut policy: Value = policy.clone();
    policy["Statement"][0]["Resource"] = json!([
        format!("arn:aws:s3:::{bucket}"),
        format!("arn:aws:s3:::{bucket}/*")
    ]);

    // The local stack uses plain HTTP over loopback, and the emulator knows that.
    let function = studio.stack.consumer(Topic::EventCreated).unwrap();
    let batch = batch_of_now("event-created-bad-records.json");
    studio.hold_the_queue().await;
    let set = studio
        .stack
        .clients
        .s3
        .put_bucket_policy()
        .bucket(bucket)
        .policy(policy.to_string());
    set.send().await.unwrap();
    let (answer, log) = try_to_invoke(&studio.stack, function, &batch).await;
    let failures = answer.unwrap()["batchItemFailures"]
        .as_array()
        .unwrap()
        .len();
    assert!(
        failures > 0 && log.contains("AccessDenied"),
        "{failures} {log}"
    );
    studio
        .stack
        .clients
        .s3
        .delete_bucket_policy()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    let (answer, _) = try_to_invoke(&studio.stack, function, &batch).await;
    assert_eq!(answer.unwrap(), json!({ "batchItemFailures": [] }));
    studio.stop().await;
}

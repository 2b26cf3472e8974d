//! The template as CloudFormation expands it: the properties of every consumer and of the queue, and
//! the calls of a batch.

mod account;
mod keys;
mod queue;
mod schedules;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contract::Topic;
use local::{aws::QueryService, deploy::STACK};
use serde_json::{Value, json};

use crate::harness::{Studio, created, invoke};

/// A week: the retention of the consumed topics.
const RETENTION_SECONDS: u64 = 7 * 24 * 60 * 60;

/// The template as CloudFormation expanded it.
pub async fn processed(studio: &Studio) -> Value {
    let asked = [("StackName", STACK), ("TemplateStage", "Processed")];
    let template = studio
        .stack
        .clients
        .aws
        .query(QueryService::CloudFormation, "GetTemplate", &asked)
        .await
        .unwrap();
    serde_json::from_str(template["TemplateBody"].as_str().unwrap()).unwrap()
}

/// The properties of all resources of a type; there is at least one.
pub fn of_type<'a>(template: &'a Value, kind: &str) -> Vec<(&'a String, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap();
    let found: Vec<_> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(id, r)| (id, &r["Properties"]))
        .collect();
    assert!(!found.is_empty(), "the template has no {kind}");
    found
}

/// The parameter if the condition holds, and nothing otherwise.
fn if_there(condition: &str, parameter: &str) -> Value {
    json!({ "Fn::If": [condition, { "Ref": parameter }, { "Ref": "AWS::NoValue" }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_template_keeps_its_promises() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;

    let mappings = of_type(&template, "AWS::Lambda::EventSourceMapping");
    let mappings = mappings
        .into_iter()
        .filter(|(_, mapping)| mapping["Topics"].is_array());
    let consumed: BTreeSet<Topic> = Topic::consumed().collect();
    let mut mapped = BTreeSet::new();
    for (id, mapping) in mappings {
        // Without this flag Lambda ignores the response, and the records that it names are lost. A
        // mapping without provisioned pollers has none of these settings.
        assert_eq!(
            mapping["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"]),
            "{id}"
        );
        let pollers = &mapping["ProvisionedPollerConfig"];
        assert_eq!(
            pollers["MinimumPollers"],
            json!({ "Ref": "Pollers" }),
            "{id}"
        );
        assert_eq!(
            pollers["MaximumPollers"], pollers["MinimumPollers"],
            "{id}: scaling between two numbers would rebalance"
        );
        assert_eq!(
            mapping["MaximumBatchingWindowInSeconds"], 0,
            "{id}: a record would wait for others"
        );
        assert_eq!(
            mapping["MaximumRetryAttempts"], 10_000,
            "{id}: with a destination, infinite means ten"
        );
        assert!(
            mapping["MaximumRecordAgeInSeconds"].as_u64().unwrap() < RETENTION_SECONDS,
            "{id}"
        );
        assert_eq!(mapping["BisectBatchOnFunctionError"], true, "{id}");
        let begin = json!({ "Ref": "StartingPosition" });
        assert_eq!(mapping["StartingPosition"], begin, "{id}");
        let time = if_there("BeginsAtATime", "StartingPositionTimestamp");
        assert_eq!(mapping["StartingPositionTimestamp"], time, "{id}");
        assert!(
            mapping["DestinationConfig"]["OnFailure"]["Destination"].is_object(),
            "{id}"
        );
        // Provisioned pollers say why they cannot read, where the function's log is.
        let logs = json!({ "SystemLogLevel": "WARN" });
        assert_eq!(mapping["LoggingConfig"], logs, "{id}");
        let topics = mapping["Topics"].as_array().unwrap();
        let topic: Topic = topics[0].as_str().unwrap().parse().unwrap();
        assert!(
            topics.len() == 1 && mapped.insert(topic),
            "{id}: one topic, which nothing else consumes"
        );

        // A consumer may read its own topic in its own group, and nothing else.
        let function = mapping["FunctionName"]["Ref"].as_str().unwrap();
        let role = &template["Resources"][format!("{function}Role")]["Properties"];
        let own: Vec<&Value> = role["Policies"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(statements)
            .collect();
        let granted = |action: &str| {
            let of_action = own
                .iter()
                .filter(|statement| statement["Action"].to_string().contains(action));
            of_action
                .flat_map(|statement| statement["Resource"].as_array().unwrap())
                .map(Value::to_string)
                .collect()
        };
        let readable: Vec<String> = granted("kafka-cluster:ReadData");
        assert!(
            readable.len() == 1 && readable[0].contains(&format!("/{topic}\"")),
            "{id}: {readable:?}"
        );
        // With one group, two stages on a cluster would take each other's partitions.
        let group = |before: &str| {
            let shared = format!("{before}studio-{}", topic.consumer().unwrap());
            let of_stage = json!({ "Fn::Sub": format!("{shared}-${{Stage}}") });
            json!({ "Fn::If": ["GroupsByStage", of_stage, shared] })
        };
        let named = &mapping["AmazonManagedKafkaEventSourceConfig"]["ConsumerGroupId"];
        assert_eq!(*named, group(""), "{id}");
        let groups: Vec<String> = granted("kafka-cluster:AlterGroup");
        assert!(
            groups.len() == 1 && groups[0].contains(&group("/").to_string()),
            "{id}: {groups:?}"
        );
        let attached = role["ManagedPolicyArns"].to_string();
        assert!(attached.contains("ConsumerPolicy"), "{id}: {attached}");
    }
    assert_eq!(mapped, consumed);
    let by_stage = json!({ "Fn::Equals": [{ "Ref": "ConsumerGroups" }, "stage"] });
    assert_eq!(template["Conditions"]["GroupsByStage"], by_stage);
    let parameters = &template["Parameters"];
    assert_eq!(parameters["ConsumerGroups"]["Default"], "stage");
    assert_eq!(parameters["StartingPosition"]["Default"], "TRIM_HORIZON");
    // The local mappings do as the template says.
    for mapping in &studio.stack.mappings {
        assert!(mapping.provisioned, "{}", mapping.topic);
        assert_eq!(mapping.window, Duration::ZERO, "{}", mapping.topic);
        let topic: Topic = mapping.topic.parse().unwrap();
        let group = format!("studio-{}-local", topic.consumer().unwrap());
        assert_eq!(mapping.consumer_group, group, "{}", mapping.topic);
    }

    let functions = of_type(&template, "AWS::Lambda::Function");
    // render, completion, notify, erase, operator, watch and kafka-topics, besides the consumers.
    assert_eq!(functions.len(), consumed.len() + 7);
    for (id, function) in functions {
        let timeout = function["Timeout"].as_u64().unwrap();
        assert!(
            (60..=840).contains(&timeout),
            "{id}: above the producer's 15 s, below the mapping's 14 minutes"
        );
        // Lambda takes a metric's line for INFO: at a higher level it would drop it.
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON", "{id}");
        assert_eq!(
            function["LoggingConfig"]["ApplicationLogLevel"], "TRACE",
            "{id}"
        );
        let level = &function["Environment"]["Variables"]["RUST_LOG"];
        assert_eq!(*level, json!({ "Ref": "LogLevel" }), "{id}");
    }

    // The function's own reason reaches CloudFormation before that gives it up.
    let topics = &template["Resources"]["ProducedTopics"]["Properties"];
    let function = &template["Resources"]["KafkaTopicsFunction"]["Properties"];
    let waits = topics["ServiceTimeout"].as_u64().unwrap();
    assert!(function["Timeout"].as_u64().unwrap() < waits, "{waits}");

    // A grant on a resource of the wrong kind never matches.
    let roles = of_type(&template, "AWS::IAM::Role");
    let of_roles = roles.iter().flat_map(|(id, role)| {
        role["Policies"]
            .as_array()
            .into_iter()
            .flatten()
            .map(move |p| (*id, p))
    });
    let managed = of_type(&template, "AWS::IAM::ManagedPolicy");
    for (id, policy) in of_roles.chain(managed) {
        for statement in statements(policy) {
            let actions = match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                action => vec![action.clone()],
            };
            for action in actions
                .iter()
                .filter_map(|action| action.as_str()?.strip_prefix("kafka-cluster:"))
            {
                let expected = match action {
                    "Connect" | "DescribeCluster" | "WriteDataIdempotently" => "cluster",
                    "DescribeTopic" | "ReadData" | "WriteData" => "topic",
                    "CreateTopic"
                    | "DescribeTopicDynamicConfiguration"
                    | "AlterTopicDynamicConfiguration" => "topic",
                    "AlterGroup" | "DescribeGroup" => "group",
                    other => panic!("{id} grants kafka-cluster:{other}, which no function needs"),
                };
                let resource = statement["Resource"].to_string();
                let kind = ["topic", "group"]
                    .into_iter()
                    .find(|kind| resource.contains(&format!(":{kind}/")));
                assert_eq!(
                    kind.unwrap_or("cluster"),
                    expected,
                    "{id}: {action} on {resource}"
                );
            }
            // Polly's speech, a task's token and the delivery of a state machine's log have no ARN.
            let has_no_arn = |action: &str| {
                ["polly:", "logs:"]
                    .iter()
                    .any(|service| action.starts_with(service))
                    || action == "states:SendTaskSuccess"
            };
            let has_arns = actions
                .iter()
                .any(|action| !has_no_arn(action.as_str().unwrap_or_default()));
            let is_for_all = match &statement["Resource"] {
                Value::Array(resources) => resources.contains(&json!("*")),
                resource => resource == "*",
            };
            assert!(!is_for_all || !has_arns, "{id}: {statement}");
        }
    }
    // The emulator does not enforce these. A function must have a grant for each topic that it
    // publishes to, and for no other.
    let render_job = |what| format!("eventzr.studio.render-job.{what}.v1");
    let template_event = |what| format!("eventzr.studio.template.{what}.v1");
    let opened = [
        render_job("created"),
        template_event("created"),
        template_event("updated"),
    ];
    let closed = [render_job("completed"), render_job("failed")];
    let voices = ["created", "ready"].map(|what| format!("eventzr.studio.voice-model.{what}.v1"));
    let resources = &template["Resources"];
    let policies = |function: &str| {
        let role = &resources[format!("{function}Role")];
        role["Properties"]["Policies"].as_array().unwrap()
    };
    assert_eq!(
        written([&resources["ConsumerPolicy"]["Properties"]]),
        opened.iter().cloned().collect()
    );
    assert_eq!(
        written(policies("CompletionFunction")),
        opened
            .iter()
            .chain(&closed)
            .chain(&voices)
            .cloned()
            .collect()
    );
    // The end of a job.
    let ends = closed.into_iter().chain([template_event("updated")]);
    let ends: BTreeSet<String> = ends.collect();
    assert_eq!(written(policies("RenderFunction")), ends);
    assert_eq!(written(policies("EraseFunction")), ends);
    assert_eq!(
        written(policies("KafkaTopicsFunction")),
        BTreeSet::new(),
        "it makes topics and writes no record"
    );
    assert_eq!(
        written(policies("WatchFunction")),
        BTreeSet::new(),
        "it looks"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_starts_executions_or_ends_them_knows_a_state_machine() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    let mut knowing = BTreeSet::new();
    for (id, function) in of_type(&template, "AWS::Lambda::Function") {
        let environment = &function["Environment"]["Variables"];
        assert_eq!(
            environment["RENDER_QUEUE_URL"],
            json!({ "Ref": "RenderQueue" }),
            "{id}"
        );
        let mut names = environment.as_object().unwrap().keys();
        if names.any(|name| name.ends_with("_STATE_MACHINE_ARN")) {
            knowing.insert(id.as_str());
        }
    }
    let expected = [
        "CompletionFunction",
        "EraseFunction",
        "OperatorFunction",
        "RenderFunction",
    ];
    assert_eq!(knowing, expected.into());
    studio.stop().await;
}

/// The topics that the policies allow to write to.
fn written<'a>(policies: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let writes = policies
        .into_iter()
        .flat_map(statements)
        .filter(|s| s["Action"].to_string().contains("kafka-cluster:WriteData"));
    let resources = writes
        .flat_map(|statement| statement["Resource"].as_array().unwrap())
        .map(Value::to_string);
    let topics: Vec<&str> = Topic::ALL.into_iter().map(Topic::as_str).collect();
    resources
        .map(|r| {
            topics
                .iter()
                .find(|topic| r.contains(**topic))
                .unwrap()
                .to_string()
        })
        .collect()
}

/// The statements of a policy, including both branches of conditional ones.
fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    let statements = policy["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap_or_else(|| panic!("a policy without a list of statements: {policy}"));
    let branches = statements
        .iter()
        .flat_map(|statement| match statement.get("Fn::If") {
            None => vec![statement],
            Some(choice) => vec![&choice[1], &choice[2]],
        });
    branches.filter(|statement| **statement != json!({ "Ref": "AWS::NoValue" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_hundred_events_makes_the_expected_calls_to_aws() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let function = studio
        .stack
        .consumer(Topic::EventCreated)
        .unwrap()
        .to_owned();
    let records = |numbers: std::ops::Range<usize>, version: u32| {
        let mut partitions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for number in numbers {
            let tenant = format!("tenant-{number}");
            let mut event = created(&tenant, &tenant);
            event["id"] = json!(format!("evt-{number}-{version}"));
            event["data"]["version"] = json!(version);
            event["data"]["title"] = json!(format!("Lanterns, as of version {version}"));
            let base64 = |text: &str| base64_simd::STANDARD.encode_to_string(text);
            partitions.entry(format!("eventzr.event.created.v1-{}", number % 4)).or_default().push(json!({
                "topic": "eventzr.event.created.v1", "partition": number % 4, "offset": number, "timestamp": 1,
                "timestampType": "CREATE_TIME", "key": base64(&tenant), "value": base64(&event.to_string()), "headers": [],
            }));
        }
        json!({ "eventSource": "aws:kafka", "records": partitions })
    };
    // Two hundred pictures are not under test, and would be too much for two processors.
    studio.hold_the_queue().await;
    invoke(&studio.stack, &function, &records(0..1, 1)).await; // warms up
    let calls = studio.stack.proxy.calls();
    let consumer = calls[0].process_id;
    assert!(consumer.is_some(), "{:?}", calls[0]);
    // Before the first record, the function has asked both services something, so its connections
    // are made in the init phase.
    let before = calls
        .iter()
        .take_while(|call| call.operation.name != "BatchGetItem");
    let before: BTreeMap<String, Option<u16>> = before
        .map(|call| (call.operation.to_string(), call.status))
        .collect();
    let connected = [
        ("dynamodb GetItem", Some(200)),
        ("sqs GetQueueAttributes", Some(200)),
    ];
    assert_eq!(
        before,
        connected
            .map(|(name, status)| (name.to_owned(), status))
            .into()
    );
    // The entities are read in one call, and the entries of those that are known in another. A
    // record is five of a transaction's hundred items: the outbox entry, the entity, two jobs and
    // the check of its tenant. None is written in vain, and no entry with jobs is marked.
    for (version, reads) in [(1, 1), (2, 2)] {
        studio.stack.proxy.clear();
        let answer = invoke(&studio.stack, &function, &records(1..101, version)).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        let calls = studio.stack.proxy.calls();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        // A call that the SDK retried because the emulator was slow does not count. A refused write
        // does.
        let answered = calls
            .iter()
            .filter(|call| call.process_id == consumer && call.status.is_some_and(|s| s < 500));
        for call in answered {
            *counts.entry(call.operation.to_string()).or_default() += 1;
        }
        let expected = [
            ("dynamodb BatchGetItem", reads),
            ("dynamodb TransactWriteItems", 5),
            // Ten messages in a call, and one message for both jobs of an event.
            ("sqs SendMessageBatch", 10),
        ];
        assert_eq!(
            counts,
            expected
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
            "version {version}"
        );
    }
    studio.stop().await;
}

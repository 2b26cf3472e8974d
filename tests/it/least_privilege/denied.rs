//! What a role must not do, tried with its own credentials. What is let through here, a person
//! with a shell in the function could do.

use std::collections::HashMap;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    types::{
        AttributeValue, ConditionCheck, KeysAndAttributes, Put, PutRequest, TransactWriteItem,
        WriteRequest,
    },
};
use contract::Topic;
use local::{
    aws::QueryService,
    clients::Clients,
    deploy::{LOGO_BUCKET, VOICE_BUCKET},
};

use super::function_of;
use crate::{grants::Iam, harness::Studio};

/// What the keys of the table's items begin with.
const KINDS: [&str; 12] = [
    "inbound#",
    "entity#",
    "job#",
    "voice#",
    "provider#",
    "tenant#",
    "dead-letter#",
    "audit#",
    "waiting#",
    "kept#",
    "schedule#",
    "set-aside#",
];

/// What a role may do with items of which kinds.
struct OnItems {
    reads: &'static [&'static str],
    looks_up: &'static [&'static str],
    puts: &'static [&'static str],
    updates: &'static [&'static str],
    batches: &'static [&'static str],
}

const OF_A_CONSUMER: OnItems = OnItems {
    reads: &["inbound#", "entity#", "job#", "tenant#", "set-aside#"],
    looks_up: &["inbound#", "entity#", "job#", "tenant#"],
    puts: &["inbound#", "entity#", "job#"],
    updates: &["inbound#", "dead-letter#"],
    batches: &[],
};

const OF_RENDER: OnItems = OnItems {
    reads: &["inbound#", "entity#", "job#", "tenant#", "provider#"],
    looks_up: &["inbound#", "entity#", "job#", "tenant#", "provider#"],
    puts: &["entity#", "job#", "waiting#"],
    updates: &["inbound#", "job#", "dead-letter#"],
    batches: &[],
};

const OF_COMPLETION: OnItems = OnItems {
    reads: &[
        "inbound#",
        "entity#",
        "job#",
        "voice#",
        "provider#",
        "tenant#",
        "kept#",
    ],
    looks_up: &[],
    puts: &[
        "entity#",
        "job#",
        "voice#",
        "provider#",
        "waiting#",
        "kept#",
    ],
    updates: &["inbound#", "job#", "voice#", "schedule#"],
    batches: &[],
};

const OF_ERASE: OnItems = OnItems {
    reads: &[
        "inbound#",
        "entity#",
        "job#",
        "voice#",
        "provider#",
        "tenant#",
        "dead-letter#",
    ],
    looks_up: &[],
    puts: &["entity#", "job#", "voice#", "provider#"],
    updates: &["inbound#", "job#", "voice#", "tenant#", "dead-letter#"],
    batches: &["tenant#"],
};

const OF_OPERATOR: OnItems = OnItems {
    reads: OF_ERASE.reads,
    looks_up: &["job#", "voice#", "dead-letter#", "audit#"],
    puts: &[
        "inbound#",
        "entity#",
        "job#",
        "provider#",
        "audit#",
        "set-aside#",
    ],
    updates: &[
        "inbound#",
        "job#",
        "tenant#",
        "dead-letter#",
        "audit#",
        "schedule#",
    ],
    batches: &[],
};

/// It looks jobs and voices up, but gets nothing if it asks for more than times.
const OF_WATCH: OnItems = OnItems {
    reads: &["schedule#"],
    looks_up: &[],
    puts: &[],
    updates: &["schedule#"],
    batches: &[],
};

const NOTHING: OnItems = OnItems {
    reads: &[],
    looks_up: &[],
    puts: &[],
    updates: &[],
    batches: &[],
};

/// AWS as a role sees it.
struct Shell {
    clients: Clients,
    table: String,
}

impl Shell {
    /// That of the role `name`.
    async fn of(studio: &Studio, name: &str) -> Self {
        let arn = Iam::of(studio).arn_of(name).await;
        let asked = [("RoleArn", arn.as_str()), ("RoleSessionName", "shell")];
        let aws = &studio.stack.clients.aws;
        let assumed = aws.query(QueryService::Sts, "AssumeRole", &asked).await;
        let assumed = assumed.unwrap();
        let part = |name: &str| assumed["Credentials"][name].as_str().unwrap().to_owned();
        let credentials = Credentials::new(
            part("AccessKeyId"),
            part("SecretAccessKey"),
            Some(part("SessionToken")),
            None,
            "shell",
        );
        Self {
            clients: Clients::of(studio.stack.proxy.quiet_address(), &credentials),
            table: studio.stack.outputs.table_name.clone(),
        }
    }

    async fn reads(&self, kind: &str) -> bool {
        let get = self.clients.dynamodb.get_item().table_name(&self.table);
        is_let(get.key("pk", key(kind)).key("sk", shell()).send().await)
    }

    async fn looks_up(&self, kind: &str) -> bool {
        let item = [("pk", key(kind)), ("sk", shell())];
        let item = item.map(|(name, value)| (name.to_owned(), value));
        let keys = KeysAndAttributes::builder().keys(HashMap::from(item));
        let keys = keys.build().unwrap();
        let batch = self.clients.dynamodb.batch_get_item();
        is_let(batch.request_items(&self.table, keys).send().await)
    }

    async fn puts(&self, kind: &str) -> bool {
        let put = self.clients.dynamodb.put_item().table_name(&self.table);
        is_let(put.item("pk", key(kind)).item("sk", shell()).send().await)
    }

    async fn updates(&self, kind: &str) -> bool {
        let update = self.clients.dynamodb.update_item().table_name(&self.table);
        let update = update.key("pk", key(kind)).key("sk", shell());
        let update = update
            .update_expression("SET #was = :here")
            .expression_attribute_names("#was", "was")
            .expression_attribute_values(":here", shell());
        is_let(update.send().await)
    }

    async fn batches(&self, kind: &str) -> bool {
        let put = PutRequest::builder().item("pk", key(kind));
        let put = put.item("sk", shell()).build().unwrap();
        let write = WriteRequest::builder().put_request(put).build();
        let batch = self.clients.dynamodb.batch_write_item();
        is_let(batch.request_items(&self.table, vec![write]).send().await)
    }

    /// Whether it may put items of these kinds in one transaction that checks a tombstone.
    async fn commits(&self, kinds: &[&str]) -> bool {
        let transact = self.clients.dynamodb.transact_write_items();
        let transact = kinds.iter().fold(transact, |transact, kind| {
            let put = Put::builder().table_name(&self.table);
            let put = put.item("pk", key(kind)).item("sk", shell());
            let put = TransactWriteItem::builder().put(put.build().unwrap());
            transact.transact_items(put.build())
        });
        let check = ConditionCheck::builder().table_name(&self.table);
        let check = check.key("pk", key("tenant#")).key("sk", shell());
        let check = check.condition_expression("attribute_not_exists(pk)");
        let check = TransactWriteItem::builder().condition_check(check.build().unwrap());
        is_let(transact.transact_items(check.build()).send().await)
    }

    async fn gets(&self, bucket: &str, key: &str) -> bool {
        let get = self.clients.s3.get_object().bucket(bucket).key(key);
        is_let(get.send().await)
    }

    async fn stores(&self, bucket: &str, key: &str) -> bool {
        let put = self.clients.s3.put_object().bucket(bucket).key(key);
        is_let(put.body(b"mine".to_vec().into()).send().await)
    }

    async fn lists_versions(&self, bucket: &str) -> bool {
        let list = self.clients.s3.list_object_versions().bucket(bucket);
        is_let(list.send().await)
    }

    async fn deletes(&self, bucket: &str, key: &str, version: Option<&str>) -> bool {
        let delete = self.clients.s3.delete_object().bucket(bucket).key(key);
        let delete = delete.set_version_id(version.map(str::to_owned));
        is_let(delete.send().await)
    }

    async fn knows(&self, secret: &str) -> bool {
        let get = self.clients.secrets.get_secret_value();
        is_let(get.secret_id(secret).send().await)
    }

    async fn sends(&self, queue: &str) -> bool {
        let send = self.clients.sqs.send_message().queue_url(queue);
        is_let(send.message_body("shell").send().await)
    }

    async fn starts(&self, machine: &str) -> bool {
        let start = self.clients.sfn.start_execution();
        let start = start.state_machine_arn(machine);
        // It starts nothing: the input is refused after the caller is let through.
        is_let(start.input("no JSON").send().await)
    }

    async fn describes(&self, machine: &str) -> bool {
        let execution = machine.replacen(":stateMachine:", ":execution:", 1);
        let describe = self.clients.sfn.describe_execution();
        let describe = describe.execution_arn(format!("{execution}:shell"));
        is_let(describe.send().await)
    }
}

/// Whether AWS let a call through: any other failure is no denial.
fn is_let<T, E: ProvideErrorMetadata>(answer: Result<T, E>) -> bool {
    let is_denial = |error: E| {
        error
            .code()
            .is_some_and(|code| code.starts_with("AccessDenied"))
    };
    !answer.err().is_some_and(is_denial)
}

fn key(kind: &str) -> AttributeValue {
    AttributeValue::S(format!("{kind}00000000-0000-0000-0000-000000000007"))
}

fn shell() -> AttributeValue {
    AttributeValue::S("shell".to_owned())
}

/// Compares what the role `name` is let do with each kind of item.
async fn items_are(studio: &Studio, name: &str, expected: &OnItems) {
    let shell = Shell::of(studio, name).await;
    for kind in KINDS {
        let found = [
            shell.reads(kind).await,
            shell.looks_up(kind).await,
            shell.puts(kind).await,
            shell.updates(kind).await,
            shell.batches(kind).await,
        ];
        let expected = [
            expected.reads.contains(&kind),
            expected.looks_up.contains(&kind),
            expected.puts.contains(&kind),
            expected.updates.contains(&kind),
            expected.batches.contains(&kind),
        ];
        assert_eq!(
            found, expected,
            "{name} reads, looks up, puts, updates, batches items {kind}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_touches_only_the_kinds_of_items_that_its_function_needs() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    for topic in Topic::consumed() {
        let role = format!("{}Role", function_of(topic));
        items_are(&studio, &role, &OF_A_CONSUMER).await;
        let shell = Shell::of(&studio, &role).await;
        assert!(shell.commits(&["inbound#", "entity#", "job#"]).await);
        for kind in ["voice#", "provider#", "tenant#", "audit#"] {
            assert!(!shell.commits(&["inbound#", kind]).await, "{role}: {kind}");
        }
    }
    for (role, expected) in [
        ("RenderFunctionRole", OF_RENDER),
        ("CompletionFunctionRole", OF_COMPLETION),
        ("EraseFunctionRole", OF_ERASE),
        ("OperatorFunctionRole", OF_OPERATOR),
        ("KafkaTopicsFunctionRole", NOTHING),
        ("WatchFunctionRole", OF_WATCH),
    ] {
        items_are(&studio, role, &expected).await;
    }
    // The sweep puts an item behind others that a later version of the code has written.
    let completion = Shell::of(&studio, "CompletionFunctionRole").await;
    assert!(completion.updates("thing#").await);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_erase_deletes_versions_and_it_reads_no_object() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let outputs = &studio.stack.outputs;
    let (assets, letters) = (
        &outputs.assets_bucket_name,
        &outputs.dead_letters_bucket_name,
    );
    let objects = [
        (assets.as_str(), "renders/a/b/poster.png"),
        (assets.as_str(), "voices/a/captcha.png"),
        (letters.as_str(), "records/a.json"),
        (VOICE_BUCKET, "tenant-a/asha.mp3"),
        (LOGO_BUCKET, "tenant-a/logo.png"),
    ];
    let completion = Shell::of(&studio, "CompletionFunctionRole").await;
    let render = Shell::of(&studio, "RenderFunctionRole").await;
    let erase = Shell::of(&studio, "EraseFunctionRole").await;
    let consumer = format!("{}Role", function_of(Topic::EventCreated));
    let consumer = Shell::of(&studio, &consumer).await;
    let operator = Shell::of(&studio, "OperatorFunctionRole").await;
    let topics = Shell::of(&studio, "KafkaTopicsFunctionRole").await;
    let watch = Shell::of(&studio, "WatchFunctionRole").await;
    for (bucket, key) in objects {
        let put = studio.stack.clients.s3.put_object().bucket(bucket).key(key);
        let put = put.body(b"theirs".to_vec().into()).send().await.unwrap();
        // A bucket without versions has the version `null`.
        let version = put.version_id().or(Some("null"));
        let is_logo = bucket == LOGO_BUCKET;
        for (who, shell) in [
            ("completion", &completion),
            ("render", &render),
            ("a consumer", &consumer),
            ("operator", &operator),
            ("kafka-topics", &topics),
            ("watch", &watch),
        ] {
            let deleted = shell.deletes(bucket, key, version).await;
            assert!(!deleted, "{who} deletes a version of {bucket}/{key}");
        }
        let deleted = erase.deletes(bucket, key, version).await;
        assert_eq!(deleted, !is_logo, "{bucket}/{key}");
        for (who, shell) in [
            ("completion", &completion),
            ("render", &render),
            ("kafka-topics", &topics),
            ("watch", &watch),
        ] {
            assert!(!shell.lists_versions(bucket).await, "{who}: {bucket}");
        }
        assert_eq!(erase.lists_versions(bucket).await, !is_logo, "{bucket}");
        assert!(!erase.gets(bucket, key).await, "erase reads {bucket}/{key}");
        assert!(
            !erase.stores(bucket, key).await,
            "erase writes {bucket}/{key}"
        );
        for (who, shell) in [("kafka-topics", &topics), ("watch", &watch)] {
            assert!(!shell.gets(bucket, key).await, "{who}: {bucket}/{key}");
        }
        assert_eq!(render.gets(bucket, key).await, is_logo, "{bucket}/{key}");
    }
    assert!(
        completion
            .deletes(assets, "renders/a/b/poster.png", None)
            .await
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_vendor_is_read_only_where_the_vendor_is_asked() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let secrets = ["asset-paths", "elevenlabs", "runway", "openai"];
    let consumer = format!("{}Role", function_of(Topic::EventCreated));
    let readers: [(&str, &[&str]); 7] = [
        (consumer.as_str(), &[]),
        ("RenderFunctionRole", &secrets[..1]),
        ("OperatorFunctionRole", &[]),
        ("KafkaTopicsFunctionRole", &[]),
        ("WatchFunctionRole", &[]),
        // Those of the vendors that can be asked to delete something.
        ("EraseFunctionRole", &secrets[..3]),
        ("CompletionFunctionRole", &secrets),
    ];
    for (role, known) in readers {
        let shell = Shell::of(&studio, role).await;
        for secret in secrets {
            let found = shell.knows(&format!("studio/local/{secret}")).await;
            assert_eq!(found, known.contains(&secret), "{role}: {secret}");
        }
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_knows_the_queue_and_no_execution() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    studio.hold_the_queue().await;
    let outputs = &studio.stack.outputs;
    let (queue, dead) = (&outputs.render_queue_url, &outputs.dead_letter_queue_url);
    let machines = [
        &outputs.render_state_machine_arn,
        &outputs.voice_state_machine_arn,
    ];
    let consumers = Topic::consumed().map(|topic| format!("{}Role", function_of(topic)));
    let mut sending: Vec<(String, [bool; 2], [bool; 2])> = consumers
        .map(|role| (role, [false, false], [false, false]))
        .collect();
    // Whether it starts executions of each machine, and whether it may see how they are.
    for (role, starts, describes) in [
        ("RenderFunctionRole", [true, false], [true, false]),
        ("CompletionFunctionRole", [true, true], [true, true]),
        ("OperatorFunctionRole", [false, false], [true, false]),
    ] {
        sending.push((role.to_owned(), starts, describes));
    }
    for (role, starts, describes) in sending {
        let shell = Shell::of(&studio, &role).await;
        assert!(shell.sends(queue).await, "{role} sends");
        assert!(!shell.sends(dead).await, "{role} writes dead letters");
        for (number, machine) in machines.into_iter().enumerate() {
            assert_eq!(shell.starts(machine).await, starts[number], "{role}");
            assert_eq!(shell.describes(machine).await, describes[number], "{role}");
        }
    }
    for role in [
        "EraseFunctionRole",
        "KafkaTopicsFunctionRole",
        "WatchFunctionRole",
    ] {
        let shell = Shell::of(&studio, role).await;
        for queue in [queue, dead] {
            assert!(!shell.sends(queue).await, "{role} sends");
        }
        for machine in machines {
            assert!(!shell.starts(machine).await, "{role} starts executions");
            assert!(!shell.describes(machine).await, "{role} sees executions");
        }
    }
    studio.stop().await;
}

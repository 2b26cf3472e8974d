//! The runbook: each command in a box is run as it stands against the local stack, in `bash`, with
//! the rights that infra/operator-policy.json gives to an operator, and with the AWS CLI of
//! `target/tools`. Only what stands for something of the reader's is put in.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use contract::Topic;
use local::{
    aws::{QueryService, members},
    checkout::Checkout,
    dead_letters::dead_letters,
    environment::EnvFile,
};
use serde_json::Value;

use crate::{
    harness::{Studio, created, jobs_of, until},
    operator::studio,
};

/// What runs a command is shown as it would be to its reader.
const BOX: &str = "```console";

/// The commands that do not end with 0 here, by a part of them: what they end with, and why.
const OTHERWISE: [(&str, i32, &str); 5] = [
    (
        "jobs cancel",
        4,
        "the job is completed, so nothing is left to cancel",
    ),
    (
        "tenants erase <TENANT> --execute",
        3,
        "no person confirms it",
    ),
    ("close-remainder", 3, "nothing refuses to be deleted"),
    ("voices erase", 3, "the tenant has no voice"),
    ("voices show", 3, "the tenant has no voice"),
];

/// The commands for which the emulator asks for another right than AWS does.
const AS_ROOT: [&str; 1] = ["get-function-concurrency"];

/// A command in a box, with the heading that it stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Boxed {
    heading: String,
    command: String,
}

fn page() -> String {
    fs::read_to_string(Checkout::find().unwrap().root.join("docs/runbook.md")).unwrap()
}

/// The commands of a page in their order: a line that begins with `$ `, and those that go on with
/// it after a backslash. Other lines in a box show what a command prints.
fn commands(page: &str) -> Vec<Boxed> {
    let (mut found, mut heading, mut is_boxed) = (Vec::new(), String::new(), false);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.trim_start_matches('#').strip_prefix(' ')
            && line.starts_with('#')
            && !is_boxed
        {
            title.clone_into(&mut heading);
        }
        if line.starts_with("```") {
            is_boxed = line == BOX;
        }
        let Some(first) = line.strip_prefix("$ ").filter(|_| is_boxed) else {
            continue;
        };
        let mut command = first.to_owned();
        while command.ends_with('\\') {
            command.push('\n');
            command.push_str(lines.next().unwrap_or_default());
        }
        found.push(Boxed {
            heading: heading.clone(),
            command,
        });
    }
    found
}

#[test]
fn commands_are_read_with_what_goes_on_after_a_backslash() {
    let page = "# A\n\n```console\n$ a b \\\n    --c\nprinted\n$ d\n```\n\n## E f\n\n```console\n$ g\n```\n$ h\n";
    let boxed = |heading: &str, command: &str| Boxed {
        heading: heading.to_owned(),
        command: command.to_owned(),
    };
    assert_eq!(
        commands(page),
        [
            boxed("A", "a b \\\n    --c"),
            boxed("A", "d"),
            boxed("E f", "g")
        ]
    );
}

/// What is in no box of commands is not run.
#[test]
fn the_runbook_has_no_other_boxes_and_no_command_of_one_version_of_the_cli() {
    let page = page();
    let fences: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("```"))
        .collect();
    for pair in fences.chunks(2) {
        assert_eq!(pair, [BOX, "```"]);
    }
    // Version 1 has neither; version 2 has no `--no-cli-pager` of version 1, and so on.
    for only in ["logs tail", "--cli-binary-format", "--no-cli-pager"] {
        assert!(!page.contains(only), "{only}");
    }
}

/// An operator at a shell, and what the page's placeholders stand for.
struct Shell {
    root: PathBuf,
    path: String,
    operator: PathBuf,
    everything: PathBuf,
    stands_for: BTreeMap<&'static str, String>,
    _files: (tempfile::TempDir, EnvFile),
}

impl Shell {
    async fn of(stack: &Studio, stands_for: BTreeMap<&'static str, String>) -> Self {
        let checkout = Checkout::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let everything = folder.path().join("up.env");
        let file = EnvFile::write(&stack.stack, &checkout, everything.clone())
            .await
            .unwrap();
        let operator = folder.path().join("operator.env");
        let key = operators_key(stack, &checkout.root).await;
        let own = |line: &str| {
            let variable = line.split('=').next().unwrap_or_default();
            match key
                .iter()
                .find(|(name, _)| variable == format!("export {name}"))
            {
                Some((name, value)) => format!("export {name}='{value}'\n"),
                None => format!("{line}\n"),
            }
        };
        let text: String = fs::read_to_string(&everything)
            .unwrap()
            .lines()
            .map(own)
            .collect();
        fs::write(&operator, text).unwrap();
        let folders = [
            checkout.root.join("target/tools/bin"),
            checkout.root.join("target/debug"),
            checkout.apache_kafka().join("bin"),
        ];
        let folders = folders.iter().map(|folder| folder.display().to_string());
        Self {
            path: format!(
                "{}:/usr/local/bin:/usr/bin:/bin",
                folders.collect::<Vec<_>>().join(":")
            ),
            root: checkout.root,
            operator,
            everything,
            stands_for,
            _files: (folder, file),
        }
    }

    /// A command as its reader would type it here.
    fn typed(&self, command: &str, env: &Path) -> String {
        let mut typed = command.replace('…', "");
        for (placeholder, value) in &self.stands_for {
            typed = typed.replace(placeholder, value);
        }
        typed
            .replace("--stage staging", &format!("--local={}", env.display()))
            .replace("-staging", "-local")
            .replace("=staging", "=local")
    }

    /// Runs a command after those of the page's first box.
    async fn run(&self, before: &[Boxed], one: &Boxed) -> Output {
        let env = if AS_ROOT.iter().any(|part| one.command.contains(part)) {
            &self.everything
        } else {
            &self.operator
        };
        // Version 1 of the CLI asks for the queues at an address of its own.
        let mut script = format!(
            "set -eu -o pipefail\n. '{}'\nexport AWS_DEFAULT_REGION=$AWS_REGION\n\
             aws() {{ command aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"; }}\n",
            env.display()
        );
        for one in before.iter().chain([one]) {
            script.push_str(&self.typed(&one.command, env));
            script.push('\n');
        }
        tokio::process::Command::new("bash")
            .args(["-c", &script])
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.operator.parent().unwrap())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap()
    }
}

/// Makes a user with the operator's policy, and returns the variables of its key.
async fn operators_key(stack: &Studio, root: &Path) -> [(&'static str, String); 2] {
    let policy = fs::read_to_string(root.join("infra/operator-policy.json")).unwrap();
    let policy = policy.replace("ACCOUNT", "000000000000");
    let aws = &stack.stack.clients.aws;
    let user = ("UserName", "an-operator");
    let iam = async |operation: &str, fields: &[(&str, &str)]| {
        aws.query(QueryService::Iam, operation, fields)
            .await
            .unwrap()
    };
    iam("CreateUser", &[user]).await;
    let named = ("PolicyName", "studio-operator");
    iam("PutUserPolicy", &[user, named, ("PolicyDocument", &policy)]).await;
    let made = iam("CreateAccessKey", &[user]).await;
    let part = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
    [
        ("AWS_ACCESS_KEY_ID", part("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", part("SecretAccessKey")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_runbook_runs_with_an_operators_rights() {
    let tools = Checkout::find().unwrap().root.join("target/tools/bin/aws");
    assert!(tools.exists(), "run `make target/tools/installed`");
    let mut stack = Studio::on_apache_kafka(|options| options.webhooks = true).await;
    let tenant = "tenant-in-the-book";
    stack.publish(&created(tenant, "in-the-book")).await;
    let produced = stack.produced_for(tenant, 8).await;
    let job = jobs_of(&produced, Topic::RenderJobCompleted).pop().unwrap();
    let topic = Topic::EventCreated.as_str();
    // Two dead letters, of which one names no tenant, and a place in the topic.
    let poison = async |key: Option<&[u8]>| {
        stack
            .stack
            .publish(topic, key, Some(b"{}"), &[])
            .await
            .unwrap()
    };
    let place = poison(Some(tenant.as_bytes())).await;
    poison(None).await;
    let (dynamodb, table) = (
        &stack.stack.clients.dynamodb,
        &stack.stack.outputs.table_name,
    );
    until("the dead letters are there", async || {
        dead_letters(dynamodb, table).await.unwrap().len() == 2
    })
    .await;
    let said = studio(
        &stack,
        &format!("--json dead-letters list --tenant {tenant}"),
    )
    .await;
    let dead_letter = said.json()[0]["entries"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let lambda = &stack.stack.clients.lambda;
    let mappings = lambda.list_event_source_mappings().send().await.unwrap();
    let mapping = mappings.event_source_mappings()[0].uuid().unwrap();
    let stands_for = BTreeMap::from([
        ("<TENANT>", tenant.to_owned()),
        ("<ID>", job.clone()),
        (
            "<ARN>",
            stack.stack.outputs.render_state_machine_arn.clone(),
        ),
        ("<UUID>", mapping.to_owned()),
        ("<PROVIDER>", "openai".to_owned()),
        ("<BROKERS>", stack.stack.broker.bootstrap().to_owned()),
        ("<PARTITION>", place.partition.to_string()),
        ("<OFFSET>", place.offset.to_string()),
    ]);
    let mut shell = Shell::of(&stack, stands_for).await;

    let commands = commands(&page());
    let first = &commands[0].heading;
    let (before, rest): (Vec<Boxed>, Vec<Boxed>) = commands.iter().cloned().partition(|one| {
        one.heading == *first
            && (one.command.starts_with("export ") || one.command.contains("() {"))
    });
    assert!(!before.is_empty() && rest.len() > 50, "{}", rest.len());
    let mut wrong = Vec::new();
    for one in &rest {
        let of_a_dead_letter = one.command.contains("dead-letters");
        let id = if of_a_dead_letter { &dead_letter } else { &job };
        shell.stands_for.insert("<ID>", id.clone());
        let expected = OTHERWISE
            .iter()
            .find(|(part, _, _)| one.command.contains(part))
            .map_or(0, |(_, code, _)| *code);
        let ran = shell.run(&before, one).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        println!("{:?} {}", ran.status.code(), one.command);
        if ran.status.code() != Some(expected) {
            let said = text(&ran.stdout) + &text(&ran.stderr);
            wrong.push(format!("{}\n$ {}\n{said}", one.heading, one.command));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    stack.stop().await;
}

/// A right that no command needs is one too many.
#[test]
fn the_operators_policy_changes_nothing_but_through_the_operator_function() {
    let root = Checkout::find().unwrap().root;
    let policy = fs::read_to_string(root.join("infra/operator-policy.json")).unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let mut changes = Vec::new();
    for statement in members(&policy["Statement"]) {
        assert_eq!(statement["Effect"], "Allow");
        let actions = match &statement["Action"] {
            Value::String(one) => vec![one.as_str()],
            many => members(many).iter().filter_map(Value::as_str).collect(),
        };
        assert!(!actions.is_empty(), "{statement}");
        for action in actions {
            let verb = action.split(':').nth(1).unwrap();
            let reads = ["Describe", "Filter", "Get", "List", "Receive"];
            if !reads.iter().any(|beginning| verb.starts_with(beginning)) {
                changes.push((action.to_owned(), statement["Resource"].clone()));
            }
        }
    }
    let [(action, resource)] = &changes[..] else {
        panic!("{changes:?}");
    };
    assert_eq!(action, "lambda:InvokeFunction");
    assert_eq!(
        *resource,
        "arn:aws:lambda:*:ACCOUNT:function:studio-operator-*"
    );
}

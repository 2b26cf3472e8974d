//! A tree in which `infra/deploy` runs as it stands, an emulator to which it deploys, and stubs in
//! place of the bootstraps. The `sam`, the `aws` and the `studio` that it calls are the real ones.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use fault_proxy::{Action, Fault, Hits, Matches};
use local::{
    aws::{QueryService, members},
    bare::Bare,
    checkout::Checkout,
    clients::Clients,
    deploy::ARCHITECTURE,
    emulator::{Pace, Transport},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

/// The stage of these tests, and its stack.
pub const STAGE: &str = "staging";
pub const STACK: &str = "studio-staging";

/// The cluster of the stage, whose brokers the emulator names.
const CLUSTER: &str = "studio-tests";

/// Longer than any run of `infra/deploy` takes on two busy cores.
const PATIENCE: Duration = Duration::from_secs(480);

/// One parameter of every kind, by its name in the template.
pub fn parameters() -> Vec<(&'static str, String)> {
    let settings = json!({
        "openai": { "quality": "low", "credits": { "low": 1, "medium": 2, "high": 3 } },
        "polly": { "speakers": { "hi-IN": { "voice": "Kajal" } } },
    });
    vec![
        ("Stage", STAGE.to_owned()),
        // The stubs are scripts, which run on any; the real functions are built for this machine.
        ("Architecture", ARCHITECTURE.to_owned()),
        ("Topics", "given".to_owned()),
        ("DeletionProtection", "on".to_owned()),
        // A number, an equal sign, an empty text, a list with a space, JSON, and several lines.
        ("LogRetentionDays", "14".to_owned()),
        ("CostCentre", "media=events".to_owned()),
        ("AssetBaseUrl", String::new()),
        ("ImageProviders", "openai, studio-canvas".to_owned()),
        ("ProviderSettings", settings.to_string()),
        ("KafkaRootsPem", include_str!("roots.pem").to_owned()),
    ]
}

/// The same, with other values for some, and with more.
pub fn changed(others: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let mut changed = parameters();
    changed.retain(|(key, _)| others.iter().all(|(other, _)| key != other));
    changed.extend(
        others
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned())),
    );
    changed
}

/// What a run of `infra/deploy` said, and its exit code.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub said: String,
}

impl Ran {
    /// Fails unless the run ended with this exit code and said this.
    #[track_caller]
    pub fn ended(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        self.said(words);
    }

    #[track_caller]
    pub fn said(&self, words: &str) {
        assert!(
            self.said.contains(words),
            "not said: {words}\n{}",
            self.said
        );
    }

    #[track_caller]
    pub fn never_said(&self, words: &str) {
        assert!(!self.said.contains(words), "said: {words}\n{}", self.said);
    }
}

/// The tree and the emulator. Both end with it.
pub struct World {
    pub bare: Bare,
    pub clients: Clients,
    checkout: Checkout,
    tree: TempDir,
    cluster: String,
}

impl World {
    /// A tree whose version of the code passes the smoke check, an emulator with the cluster, and
    /// nothing deployed.
    pub async fn start() -> Self {
        let checkout = Checkout::find().unwrap();
        let pace = Pace {
            wait_scale: 0.0,
            ..Pace::default()
        };
        let bare = Bare::start(&checkout, None, pace, Transport::Tls)
            .await
            .unwrap();
        let mut world = Self {
            clients: bare.clients(),
            bare,
            tree: tree(&checkout),
            checkout,
            cluster: String::new(),
        };
        world.write_parameters(&parameters());
        world.smoke_answers("through");
        let network =
            "BrokerAZDistribution=DEFAULT,InstanceType=kafka.m7g.large,ClientSubnets=subnet-1";
        let create = ["kafka", "create-cluster", "--cluster-name", CLUSTER];
        let of_it = ["--kafka-version", "3.8.x", "--number-of-broker-nodes", "3"];
        let more = ["--broker-node-group-info", network];
        let created = world.aws(&[&create[..], &of_it, &more].concat()).await;
        world.cluster = created["ClusterArn"].as_str().unwrap().to_owned();
        world
    }

    /// As [`start`](Self::start), with the stage deployed.
    pub async fn deployed() -> Self {
        let world = Self::start().await;
        let words = format!("{STACK} is deployed, and an event came through it");
        world.deploy().await.ended(0, &words);
        world
    }

    /// A path of the tree.
    pub fn path(&self, path: &str) -> PathBuf {
        self.tree.path().join(path)
    }

    /// Replaces the parameters that `infra/samconfig.toml` has for the stage.
    pub fn write_parameters(&self, parameters: &[(&str, String)]) {
        let stage = |stage: &str, parameters: &[String]| {
            format!(
                "[{stage}.global.parameters]\nstack_name = \"studio-{stage}\"\nregion = \"us-east-1\"\n\
                 [{stage}.deploy.parameters]\nparameter_overrides = [\n  {}\n]\n",
                parameters.join(",\n  ")
            )
        };
        // A text of JSON is one of TOML.
        let written = parameters
            .iter()
            .map(|(key, value)| json!(format!("{key}={value}")).to_string());
        let written: Vec<String> = written.collect();
        let production = [r#""Stage=production""#.to_owned()];
        let text = format!(
            "version = 0.1\n{}{}",
            stage(STAGE, &written),
            stage("production", &production)
        );
        fs::write(self.path("infra/samconfig.toml"), text).unwrap();
    }

    /// Makes another version of the code, with this outcome of a smoke check or of `no-topics`
    /// (`stub.py`).
    pub fn smoke_answers(&self, outcome: &str) {
        for function in functions(&self.checkout) {
            let folder = self.path("target/lambda").join(function);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("outcome"), outcome).unwrap();
            fs::write(folder.join("bootstrap"), include_str!("stub.py")).unwrap();
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.join("bootstrap"), executable).unwrap();
        }
    }

    /// Deploys the stage without a question.
    pub async fn deploy(&self) -> Ran {
        self.run(&[STAGE], &[("YES", "1")], "").await
    }

    /// Runs `infra/deploy` with these arguments, with more variables in its environment, and with
    /// what its user types.
    pub async fn run(&self, arguments: &[&str], environment: &[(&str, &str)], typed: &str) -> Ran {
        let mut command = self.command(&self.path("infra/deploy"));
        // Both outputs in the order in which they are written, as a terminal shows them.
        let said = fs::File::create(self.path("said")).unwrap();
        command.args(arguments).envs(environment.iter().copied());
        command
            .stdin(Stdio::piped())
            .stdout(said.try_clone().unwrap())
            .stderr(said);
        let mut child = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // A run that asks nothing may have ended by now.
        let _ = input.write_all(typed.as_bytes()).await;
        drop(input);
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        let said = fs::read_to_string(self.path("said")).unwrap();
        let ended = ended.unwrap_or_else(|_| panic!("infra/deploy hangs:\n{said}"));
        println!("$ infra/deploy {}\n{said}", arguments.join(" "));
        Ran {
            code: ended.unwrap().code(),
            said,
        }
    }

    /// The answer of the real `aws`.
    pub async fn aws(&self, arguments: &[&str]) -> Value {
        let mut command = self.command(&self.path("target/tools/bin/aws"));
        command.args(arguments).args(["--output", "json"]);
        let output = tokio::process::Command::from(command)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// A program in the tree, with the environment of an operator who is signed in to the emulator.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let studio = self.checkout.binaries.join("studio");
        command.current_dir(self.tree.path()).env_clear();
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8");
        command
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"));
        command
            .envs(self.bare.variables())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
            .env("SAM_CLI_TELEMETRY", "0")
            .env("BUILT", "1")
            .env("STUDIO", studio);
        command
            .env("SMOKE_SECONDS", "3")
            .env("DEPLOY_PATIENCE", "60")
            .env("LATE_LOGS", "5");
        command.env("KAFKA_CLUSTER_ARN", &self.cluster);
        command
            .env("SUBNET_IDS", "subnet-0a1, subnet-0b2")
            .env("SECURITY_GROUP_IDS", "sg-0c3");
        command
    }

    /// The stack as CloudFormation describes it, if it is there.
    pub async fn stack(&self) -> Option<Value> {
        let of_stack = [("StackName", STACK)];
        let describe =
            self.clients
                .aws
                .query(QueryService::CloudFormation, "DescribeStacks", &of_stack);
        let described = describe.await.ok()?;
        members(&described["Stacks"]).first().cloned()
    }

    /// The status of the stack, if it is there.
    pub async fn status(&self) -> Option<String> {
        let status = self.stack().await?["StackStatus"]
            .as_str()
            .unwrap()
            .to_owned();
        (status != "DELETE_COMPLETE").then_some(status)
    }

    /// What is deployed: the stack's parameters, its tags, and each function's code.
    pub async fn version(&self) -> Version {
        let stack = self.stack().await.expect("the stack is there");
        let mut code = BTreeMap::new();
        for function in functions(&self.checkout) {
            let name = format!("studio-{function}-{STAGE}");
            let get = self.clients.lambda.get_function_configuration();
            match get.function_name(&name).send().await {
                Ok(function) => {
                    code.insert(name, function.code_sha256.unwrap());
                }
                // It is there only with notices.
                Err(error) if function == "notify" => {
                    assert!(error.into_service_error().is_resource_not_found_exception());
                }
                Err(error) => panic!("{name}: {error:?}"),
            }
        }
        Version {
            parameters: pairs(&stack["Parameters"], "ParameterKey", "ParameterValue"),
            tags: pairs(&stack["Tags"], "Key", "Value"),
            code,
        }
    }

    /// The variables of a function's environment.
    pub async fn environment(&self, function: &str) -> BTreeMap<String, String> {
        let get = self.clients.lambda.get_function_configuration();
        let name = format!("studio-{function}-{STAGE}");
        let function = get.function_name(name).send().await.unwrap();
        let variables = function.environment.unwrap().variables.unwrap();
        variables.into_iter().collect()
    }

    /// The states of the stack's mappings.
    pub async fn mappings(&self) -> Vec<String> {
        let list = self
            .clients
            .lambda
            .list_event_source_mappings()
            .send()
            .await
            .unwrap();
        let states = list.event_source_mappings().iter();
        states
            .map(|mapping| mapping.state().unwrap().to_owned())
            .collect()
    }

    /// The names of the tables that are there.
    pub async fn tables(&self) -> Vec<String> {
        let list = self.clients.dynamodb.list_tables().send().await.unwrap();
        list.table_names().to_vec()
    }

    /// The names of the stage's buckets that are there, sorted.
    pub async fn buckets(&self) -> Vec<String> {
        let list = self.clients.s3.list_buckets().send().await.unwrap();
        let names = list.buckets().iter().filter_map(|bucket| bucket.name());
        let mut names: Vec<String> = names
            .filter(|name| name.ends_with(STAGE))
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }

    /// Has a mapping be created, enabled or disabled for as many reads of its state.
    pub fn mappings_take(&self, reads: u32) {
        let log = self.bare.emulator.log_file();
        fs::write(log.with_file_name("mapping-reads"), reads.to_string()).unwrap();
    }

    /// Fails every call of an operation from now on.
    pub fn refuse(&self, service: &str, operation: &str, error: &str) -> Hits {
        self.fail(service, Some(operation.to_owned()), error)
    }

    /// Fails every call of a service from now on.
    pub fn refuse_all(&self, service: &str, error: &str) -> Hits {
        self.fail(service, None, error)
    }

    fn fail(&self, service: &str, operation: Option<String>, error: &str) -> Hits {
        self.bare.proxy.inject(Fault {
            matches: Matches {
                service: Some(service.to_owned()),
                operation,
                ..Matches::default()
            },
            action: Action::Fail {
                status: 403,
                error: error.to_owned(),
            },
        })
    }

    /// How often an operation was called through the proxy that `infra/deploy` uses.
    pub fn calls(&self, service: &str, operation: &str) -> usize {
        let calls = self.bare.proxy.calls();
        let named = calls.iter().map(|call| &call.operation);
        named
            .filter(|named| named.service == service && named.name == operation)
            .count()
    }
}

/// What is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub parameters: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub code: BTreeMap<String, String>,
}

fn pairs(list: &Value, key: &str, value: &str) -> BTreeMap<String, String> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let list = members(list).iter();
    list.map(|one| (text(one, key), text(one, value))).collect()
}

/// The names of the functions.
fn functions(checkout: &Checkout) -> Vec<String> {
    let folders = fs::read_dir(checkout.functions()).unwrap();
    let mut names: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder with what `infra/deploy` reads of the checkout, and with the checkout's installed tools.
fn tree(checkout: &Checkout) -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    let inside = |path: &str| tree.path().join(path);
    for folder in ["home", "tmp", "target"] {
        fs::create_dir(inside(folder)).unwrap();
    }
    // With their times, by which `make` sees that the tools are installed.
    let mut copy = Command::new("cp");
    copy.arg("-a")
        .args(["infra", "Makefile"].map(|name| checkout.root.join(name)));
    assert!(copy.arg(tree.path()).status().unwrap().success());
    for function in functions(checkout) {
        fs::create_dir_all(inside("functions").join(function)).unwrap();
    }
    for tools in ["target/venv", "target/tools"] {
        let installed = checkout.root.join(tools);
        assert!(
            installed.join("installed").exists(),
            "not installed: make {tools}/installed"
        );
        symlink(installed, inside(tools)).unwrap();
    }
    // `make test` has checked the template, and what SAM makes of it. Older first, as `make` looks at
    // their times.
    fs::create_dir(inside("target/expanded")).unwrap();
    for region in ["us-east-1", "ap-south-1"] {
        fs::write(inside(&format!("target/expanded/{region}.json")), "").unwrap();
    }
    fs::write(inside("target/template.checked"), "").unwrap();
    tree
}

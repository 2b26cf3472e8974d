//! A table and a queue for a test, as the template defines them, in an emulator that the tests of
//! one process share. nextest runs each test in a process of its own; the emulator is ready within
//! half a second.

use std::{
    collections::HashMap,
    fs, iter,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use fault_proxy::{Action, Admission, Fault, Hits, Matches, Occurrence, Proxy};
use local::{
    aws::{Aws, QueryService, members},
    checkout::Checkout,
    credentials,
    emulator::{Emulator, Options, Pace, REGION, Transport},
};
use serde_json::Value;
use store::Store;
use tokio::sync::OnceCell;

/// An item of the table, as DynamoDB has it.
pub type Item = HashMap<String, AttributeValue>;

/// The emulator of this process, and the credentials of its root. Nothing drops it: it ends with
/// this process, because its watchdog hears of that.
static EMULATOR: OnceCell<(Emulator, Credentials)> = OnceCell::const_new();

/// A table and a queue, and the proxy through which a test calls them.
pub struct World {
    /// It records the calls, and does to them what a test asks for.
    pub proxy: Proxy,
    /// The table, past the proxy's records and faults.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The queue, likewise.
    pub sqs: aws_sdk_sqs::Client,
    /// The table's name.
    pub table: String,
    /// The queue's address.
    pub queue: String,
    root: Credentials,
}

impl World {
    /// An empty table and an empty queue, which no other test knows.
    pub async fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (emulator, root) = EMULATOR.get_or_init(start_emulator).await;
        let admission = Admission {
            key_ending: credentials::ending(root).to_owned(),
            secret_paths: "/no-path-is-secret/",
        };
        let proxy = Proxy::start(None, admission).await.unwrap();
        proxy.forward_to(emulator.socket().to_owned());
        let stage = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let aws = Aws::at(proxy.quiet_address(), root.clone());
        let mut made = create(&aws, &stage).await;
        let quiet = config(proxy.quiet_address(), root, RetryConfig::disabled(), http());
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&quiet),
            sqs: aws_sdk_sqs::Client::new(&quiet),
            table: made.remove("Table").unwrap(),
            queue: made.remove("RenderQueue").unwrap(),
            root: root.clone(),
            proxy,
        }
    }

    /// Clients of this table and this queue. A call that fails is not repeated.
    pub fn config(&self) -> SdkConfig {
        self.config_of(RetryConfig::disabled(), http())
    }

    /// As [`config`](Self::config), with a client of the test's own.
    pub fn config_with(&self, http: SharedHttpClient) -> SdkConfig {
        self.config_of(RetryConfig::disabled(), http)
    }

    /// As [`config`](Self::config), but a call is repeated as the functions repeat it, with hardly
    /// a pause.
    pub fn repeating(&self) -> SdkConfig {
        let at_once = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        self.config_of(at_once, http())
    }

    fn config_of(&self, retries: RetryConfig, http: SharedHttpClient) -> SdkConfig {
        config(self.proxy.address(), &self.root, retries, http)
    }

    /// The store of this table.
    pub fn store(&self) -> Store {
        Store::new(self.table.clone(), &self.config())
    }

    /// The item under a key, as it stands in the table.
    pub async fn item(&self, pk: &str, sk: &str) -> Option<Item> {
        let get = self.dynamodb.get_item().table_name(&self.table);
        let get = get.set_key(Some(key(pk, sk))).consistent_read(true);
        get.send().await.unwrap().item
    }

    /// The items of a partition, as they stand in the table, in the order of their keys.
    pub async fn partition(&self, pk: &str) -> Vec<Item> {
        let query = self.dynamodb.query().table_name(&self.table);
        let query = query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        query.send().await.unwrap().items.unwrap_or_default()
    }

    /// Puts an item into the table, as another version of the code or a hand might.
    pub async fn put(&self, item: Item) {
        let put = self.dynamodb.put_item().table_name(&self.table);
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// Deletes an item, as its time to live does.
    pub async fn expire(&self, pk: &str, sk: &str) {
        let delete = self.dynamodb.delete_item().table_name(&self.table);
        let delete = delete.set_key(Some(key(pk, sk)));
        delete.send().await.unwrap();
    }

    /// Does something to calls of this operation from now on.
    pub fn trouble(&self, operation: &str, occurrence: Occurrence, action: Action) -> Hits {
        let matches = Matches {
            operation: Some(operation.to_owned()),
            occurrence,
            ..Matches::default()
        };
        self.proxy.inject(Fault { matches, action })
    }

    /// Fails calls of this operation from now on, with this error of AWS's.
    pub fn fail(&self, operation: &str, occurrence: Occurrence, status: u16, error: &str) -> Hits {
        let error = error.to_owned();
        self.trouble(operation, occurrence, Action::Fail { status, error })
    }

    /// How often an operation was called since the proxy's records were cleared.
    pub fn count(&self, operation: &str) -> usize {
        let calls = self.proxy.calls();
        let calls = calls.iter().filter(|call| call.operation.name == operation);
        calls.count()
    }
}

/// A key of the table, or the beginning of an item.
pub fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
    ])
}

/// The text in an attribute; empty if it is not there.
pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    let text = item.get(name).and_then(|value| value.as_s().ok());
    text.map_or("", String::as_str)
}

/// The number in an attribute, as DynamoDB writes it; empty if it is not there.
pub fn number<'a>(item: &'a Item, name: &str) -> &'a str {
    let number = item.get(name).and_then(|value| value.as_n().ok());
    number.map_or("", String::as_str)
}

/// A client without TLS: to set that up takes longer than many a test.
pub fn http() -> SharedHttpClient {
    Builder::new().build_http()
}

fn config(
    address: SocketAddr,
    root: &Credentials,
    retries: RetryConfig,
    http: SharedHttpClient,
) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SharedCredentialsProvider::new(root.clone()))
        .retry_config(retries)
        .http_client(http)
        .build()
}

async fn start_emulator() -> (Emulator, Credentials) {
    let checkout = Checkout::find().unwrap();
    let root = credentials::fresh().unwrap();
    // No function runs here.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    // cargo-mutants tests a copy of the tree, which has no `target`.
    let venv = match runtime::optional("STUDIO_VENV").as_str() {
        "" => checkout.venv.clone(),
        elsewhere => PathBuf::from(elsewhere),
    };
    let options = Options {
        venv,
        launcher: checkout.emulator(),
        root: root.clone(),
        functions_endpoint: nowhere,
        answers_endpoint: nowhere,
        pace: Pace::default(),
        transport: Transport::Plain,
    };
    (Emulator::start(&options).await.unwrap(), root)
}

/// Creates the table and the queues, and returns the name or the address of each by its name in the
/// template.
async fn create(aws: &Aws, stage: &str) -> HashMap<String, String> {
    let template = fs::read_to_string(Checkout::find().unwrap().template()).unwrap();
    let template = excerpt(&template);
    let stack = ("StackName", stage);
    let create = [
        stack,
        ("TemplateBody", template.as_str()),
        ("Parameters.member.1.ParameterKey", "Stage"),
        ("Parameters.member.1.ParameterValue", stage),
        (
            "Parameters.member.2.ParameterKey",
            "RenderVisibilitySeconds",
        ),
        ("Parameters.member.2.ParameterValue", "30"),
    ];
    ask(aws, "CreateStack", &create).await;
    loop {
        let described = ask(aws, "DescribeStacks", &[stack]).await;
        match described["Stacks"][0]["StackStatus"].as_str().unwrap() {
            "CREATE_COMPLETE" => break,
            "CREATE_IN_PROGRESS" => tokio::time::sleep(Duration::from_millis(5)).await,
            other => panic!("the stack is {other}"),
        }
    }
    let described = ask(aws, "DescribeStackResources", &[stack]).await;
    let resources = members(&described["StackResources"]).iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    resources
        .map(|one| {
            (
                text(&one["LogicalResourceId"]),
                text(&one["PhysicalResourceId"]),
            )
        })
        .collect()
}

async fn ask(aws: &Aws, operation: &str, fields: &[(&str, &str)]) -> Value {
    let answer = aws.query(QueryService::CloudFormation, operation, fields);
    answer.await.unwrap()
}

/// The part of the template that these crates work on, line by line as it stands there: a test has
/// the table that is deployed.
fn excerpt(template: &str) -> String {
    let parameters = ["Stage", "RenderVisibilitySeconds"].map(|name| block(template, name));
    let resources = ["Table", "RenderQueue", "RenderDeadLetterQueue"];
    let resources = resources.map(|name| block(template, name));
    format!(
        "Parameters:\n{}Resources:\n{}",
        parameters.concat(),
        resources.concat()
    )
}

/// The lines of a parameter or a resource.
fn block(template: &str, name: &str) -> String {
    let first = format!("  {name}:");
    let mut lines = template.lines().skip_while(|line| *line != first);
    let head = lines.next();
    assert!(head.is_some(), "the template has no {name}");
    let body = lines.take_while(|line| line.is_empty() || line.starts_with("   "));
    let all = iter::once(first.as_str()).chain(body);
    all.map(|line| format!("{line}\n")).collect()
}

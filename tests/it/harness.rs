//! A stack for a test, and helpers that look at it from outside.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::LogType;
use aws_sdk_sfn::types::ExecutionStatus;
use contract::{Time, Topic};
use domain::{AssetPaths, Job};
use kafka_client::At;
use local::{
    broker::Broker,
    checkout::Checkout,
    records::{From, Produced, Reader},
    stack::{Options, Stack},
};
use serde_json::{Value, json};

/// Longer than any step takes on two busy cores; what is missing by then is not coming.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// How long nothing must arrive before a test assumes that no more comes of the executions that
/// still run and of the messages that still wait. It is for those that never end, such as the
/// messages of a queue that is held; records are always waited for.
const QUIET: Duration = Duration::from_secs(2);

/// The pause between two checks.
const LOOK: Duration = Duration::from_millis(50);

/// How many cases a long test has: `usually`, and more in `make nightly`.
pub fn cases(usually: usize, nightly: usize) -> usize {
    if is_nightly() { nightly } else { usually }
}

/// Whether the tests may take as long as they need: `make nightly` sets `NIGHTLY`.
#[expect(
    clippy::disallowed_methods,
    reason = "the variable is for the tests, not for a function"
)]
pub fn is_nightly() -> bool {
    std::env::var_os("NIGHTLY").is_some()
}

/// A stack, and a reader of everything that it produces.
pub struct Studio {
    pub stack: Stack,
    reader: Reader,
    seen: Vec<Produced>,
    /// Whether the mappings poll.
    polls: bool,
}

impl Studio {
    /// Starts a stack with polling mappings, Step Functions' waits at a tenth and no schedules, on
    /// the embedded broker; in `make nightly` on Apache Kafka.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// As [`start`](Self::start), with these options.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(Checkout::find().unwrap());
        options.wait_scale = 0.1;
        options.schedules = false;
        if is_nightly() {
            options.broker = Broker::Apache;
        }
        change(&mut options);
        let stack = Stack::start(&options).await.unwrap();
        let produced: Vec<_> = Topic::ALL
            .into_iter()
            .filter(|t| !t.is_consumed())
            .map(Topic::as_str)
            .collect();
        let reader = Reader::start(stack.broker.cluster(), &produced, From::Beginning)
            .await
            .unwrap();
        Self {
            stack,
            reader,
            seen: Vec::new(),
            polls: options.poll,
        }
    }

    /// As [`start_with`](Self::start_with), on Apache Kafka: for a test whose outcome the broker
    /// has a part in. Its JVM costs as much processor time as the rest of the stack.
    pub async fn on_apache_kafka(change: impl FnOnce(&mut Options)) -> Self {
        let change = |options: &mut Options| {
            options.broker = Broker::Apache;
            change(options);
        };
        Self::start_with(change).await
    }

    /// Stops everything.
    pub async fn stop(self) {
        self.stack.stop().await;
    }

    /// Publishes an event about its tenant.
    pub async fn publish(&self, event: &Value) {
        let key = event["data"]["tenantId"].as_str().unwrap().as_bytes();
        let headers = [(
            "content-type",
            Some(&b"application/cloudevents+json; charset=UTF-8"[..]),
        )];
        let topic = event["type"].as_str().unwrap();
        self.stack
            .publish(
                topic,
                Some(key),
                Some(event.to_string().as_bytes()),
                &headers,
            )
            .await
            .unwrap();
    }

    /// Every record about `tenant`, once there are at least `count` distinct events and nothing
    /// more can come.
    pub async fn produced_for(&mut self, tenant: &str, count: usize) -> Vec<Produced> {
        let is_its = |record: &&Produced| record.key.as_deref() == Some(tenant.as_bytes());
        let its = |seen: &[Produced]| seen.iter().filter(is_its).cloned().collect::<Vec<_>>();
        let what = format!("{count} events about {tenant} came");
        let enough = |seen: &[Produced]| by_id(&its(seen)).len() >= count;
        let seen = self.produced_until(&what, PATIENCE, enough).await;
        its(seen)
    }

    /// Whether every published record was handled: no mapping has lag.
    async fn has_no_lag(&self) -> bool {
        // One try only: an unreachable broker counts as lag.
        let cluster = self.stack.broker.cluster().within(Duration::ZERO);
        for mapping in self.stack.mappings.iter().filter(|_| self.polls) {
            let (group, topic) = (&mapping.consumer_group, &mapping.topic);
            let (committed, ends) = tokio::join!(
                cluster.committed(group, topic),
                cluster.offsets(topic, At::Latest)
            );
            let (Ok(committed), Ok(ends)) = (committed, ends) else {
                return false;
            };
            if ends
                .iter()
                .any(|(partition, end)| *end > 0 && committed.get(partition) != Some(end))
            {
                return false;
            }
        }
        true
    }

    /// Whether no message waits and no execution runs. A message is gone only when what it asked
    /// for is published, or has an execution.
    async fn no_job_is_worked_on(&self) -> bool {
        self.queue_is_empty().await && self.no_execution_runs().await
    }

    async fn no_execution_runs(&self) -> bool {
        let Stack {
            clients, outputs, ..
        } = &self.stack;
        for machine in [
            &outputs.render_state_machine_arn,
            &outputs.voice_state_machine_arn,
        ] {
            let running = clients.sfn.list_executions().state_machine_arn(machine);
            let running = running
                .status_filter(ExecutionStatus::Running)
                .max_results(1)
                .send()
                .await
                .unwrap();
            if !running.executions().is_empty() {
                return false;
            }
        }
        true
    }

    /// Reads to the current ends of the produced topics.
    async fn read_to_the_end(&mut self) {
        let mut left = BTreeMap::new();
        for topic in Topic::ALL
            .into_iter()
            .filter(|topic| !topic.is_consumed())
            .map(Topic::as_str)
        {
            // Without the topic or a broker there is nothing to read.
            let ends = self
                .stack
                .broker
                .cluster()
                .offsets(topic, At::Latest)
                .await
                .unwrap_or_default();
            left.extend(
                ends.into_iter()
                    .map(|(partition, end)| ((topic.to_owned(), partition), end)),
            );
        }
        for record in &self.seen {
            let end = left.get(&(record.topic.clone(), record.partition));
            if end.is_some_and(|end| record.offset + 1 >= *end) {
                left.remove(&(record.topic.clone(), record.partition));
            }
        }
        left.retain(|_, end| *end > 0);
        while !left.is_empty() {
            let record = self.reader.next().await.unwrap();
            let place = (record.topic.clone(), record.partition);
            if left
                .get(&place)
                .is_some_and(|end| record.offset + 1 >= *end)
            {
                left.remove(&place);
            }
            self.seen.push(record);
        }
    }

    /// Every record about `tenant` so far, as soon as one of its jobs has ended.
    pub async fn ended(&mut self, tenant: &str) -> Vec<Produced> {
        let until = Instant::now() + PATIENCE;
        let ends = [Topic::RenderJobCompleted, Topic::RenderJobFailed].map(Topic::as_str);
        let is_its = |record: &&Produced| record.key.as_deref() == Some(tenant.as_bytes());
        loop {
            if self
                .seen
                .iter()
                .filter(is_its)
                .any(|record| ends.contains(&record.topic.as_str()))
            {
                return self.seen.iter().filter(is_its).cloned().collect();
            }
            if Instant::now() > until {
                panic!("no job of {tenant} ended\n{}", self.report_on(tenant).await);
            }
            if let Ok(record) = tokio::time::timeout(QUIET, self.reader.next()).await {
                self.seen.push(record.unwrap());
            }
        }
    }

    /// Every record, once `done` accepts them and nothing more can come. `patience` is the time
    /// limit; it may be long, because the emulator needs minutes for thousands of events.
    pub async fn produced_until(
        &mut self,
        what: &str,
        patience: Duration,
        done: impl Fn(&[Produced]) -> bool,
    ) -> &[Produced] {
        let until = Instant::now() + patience;
        let mut last = Instant::now();
        // `done` takes a while for thousands of records, so it runs only if there are new ones, and
        // takes at most a twentieth of the time.
        let (mut is_done, mut looked_at, mut look_again) = (false, None, last);
        loop {
            if let Ok(record) = tokio::time::timeout(LOOK, self.reader.next()).await {
                self.seen.push(record.unwrap());
                last = Instant::now();
                continue;
            }
            if looked_at != Some(self.seen.len()) && Instant::now() >= look_again {
                let begun = Instant::now();
                is_done = done(&self.seen);
                looked_at = Some(self.seen.len());
                look_again = Instant::now() + begun.elapsed() * 20;
            }
            let is_current = looked_at == Some(self.seen.len());
            if is_done
                && is_current
                && self.has_no_lag().await
                && (last.elapsed() >= QUIET || self.no_job_is_worked_on().await)
            {
                self.read_to_the_end().await;
                return &self.seen;
            }
            assert!(
                Instant::now() < until,
                "waited in vain until {what}: {:#?}",
                topics(&self.seen)
            );
        }
    }

    /// Replaces the state machine with one whose executions end at once.
    pub async fn let_executions_do_nothing(&self) {
        self.let_executions(&json!({ "Type": "Succeed" })).await;
    }

    /// Replaces the state machine with one that has a single state.
    pub async fn let_executions(&self, state: &Value) {
        let machine = json!({ "StartAt": "Only", "States": { "Only": state } });
        self.define(&machine).await;
    }

    /// Has the state machine try a step again at most this often.
    pub async fn let_executions_try_again(&self, times: u64) {
        let machine = &self.stack.outputs.render_state_machine_arn;
        let describe = self.stack.clients.sfn.describe_state_machine();
        let described = describe.state_machine_arn(machine).send().await.unwrap();
        let mut machine: Value = serde_json::from_str(described.definition()).unwrap();
        let states = machine["States"].as_object_mut().unwrap().values_mut();
        let retries = states.filter_map(|state| state["Retry"].as_array_mut());
        for retry in retries.flatten() {
            retry["MaxAttempts"] = json!(retry["MaxAttempts"].as_u64().unwrap().min(times));
        }
        self.define(&machine).await;
    }

    async fn define(&self, machine: &Value) {
        let update = self.stack.clients.sfn.update_state_machine();
        update
            .definition(machine.to_string())
            .state_machine_arn(&self.stack.outputs.render_state_machine_arn)
            .send()
            .await
            .unwrap();
    }

    /// The folder of a job's files in the assets bucket. It takes the deployment's secret.
    pub async fn folder_of(&self, job: &str) -> String {
        let get = self.stack.clients.secrets.get_secret_value();
        let secret = get.secret_id("studio/local/asset-paths").send().await;
        let secret = secret.unwrap();
        let paths = AssetPaths::new(secret.secret_string().unwrap().as_bytes()).unwrap();
        let item = self.item(&format!("job#{job}"), "state").await.unwrap();
        let job: Job = serde_json::from_value(state_of(&item)).unwrap();
        paths.folder(&job)
    }

    /// An item of the table, read consistently.
    pub async fn item(&self, pk: &str, sk: &str) -> Option<HashMap<String, AttributeValue>> {
        let get = self
            .stack
            .clients
            .dynamodb
            .get_item()
            .table_name(&self.stack.outputs.table_name)
            .consistent_read(true);
        let get = get
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()));
        get.send().await.unwrap().item
    }

    /// Changes the state inside an item.
    pub async fn change_state(&self, pk: &str, change: impl FnOnce(&mut Value)) {
        let item = self.item(pk, "state").await.unwrap();
        let mut state = state_of(&item);
        change(&mut state);
        let update = self
            .stack
            .clients
            .dynamodb
            .update_item()
            .table_name(&self.stack.outputs.table_name);
        let update = update
            .key("pk", item["pk"].clone())
            .key("sk", item["sk"].clone());
        let update = update
            .update_expression("SET #state = :state")
            .expression_attribute_names("#state", "state");
        update
            .expression_attribute_values(":state", AttributeValue::S(state.to_string()))
            .send()
            .await
            .unwrap();
    }

    /// The whole table as text, to search for data that must not be in it. What is packed is in it as
    /// the text that was packed.
    pub async fn table(&self) -> String {
        format!("{:?}", self.items().await)
    }

    /// Every item of the table. What is packed is the text that was packed.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self
            .stack
            .clients
            .dynamodb
            .scan()
            .table_name(&self.stack.outputs.table_name)
            .consistent_read(true);
        let items: Result<Vec<_>, _> = scan.into_paginator().items().send().collect().await;
        let mut items = items.unwrap();
        for value in items.iter_mut().flat_map(|item| item.values_mut()) {
            if let AttributeValue::B(_) = value {
                *value = AttributeValue::S(text_of(value));
            }
        }
        items
    }

    /// Invokes the completion function as the state machine or the schedule does.
    pub async fn completion(&self, step: &Value) -> Value {
        invoke(
            &self.stack,
            &self.stack.outputs.completion_function_name,
            &self.of_execution(step).await,
        )
        .await
    }

    /// Invokes the erase function as the operator function does.
    pub async fn erase(&self, step: &Value) -> Value {
        invoke(&self.stack, &self.stack.outputs.erase_function_name, step).await
    }

    /// A state machine's step with the name of the execution that takes it: the current one of its
    /// job or voice model. A step that has a name keeps it, and the other steps have none.
    pub async fn of_execution(&self, step: &Value) -> Value {
        const STEPS: [&str; 7] = [
            "submit",
            "poll",
            "finish",
            "fail",
            "advance-voice",
            "await-owner",
            "fail-voice",
        ];
        let mut step = step.clone();
        let text = |name: &str| step[name].as_str().map(str::to_owned);
        let kind = text("step").unwrap_or_default();
        if !STEPS.contains(&kind.as_str()) || text("name").is_some() {
            return step;
        }
        let (pk, id) = match (text("jobId"), text("voiceModelId")) {
            (Some(job), _) => (format!("job#{job}"), job),
            (None, Some(voice)) => (format!("voice#{voice}"), voice),
            (None, None) => return step,
        };
        let item = self.item(&pk, "state").await;
        let state = item.map_or(Value::Null, |item| state_of(&item));
        let count = |count: &Value| count.as_u64().unwrap_or_default();
        step["name"] = match count(&state["restarts"]) + count(&state["turn"]["left"]) {
            0 => json!(id),
            number => json!(format!("{id}-{number}")),
        };
        step
    }
}

/// The text of an attribute, packed or not.
pub fn text_of(value: &AttributeValue) -> String {
    match value {
        AttributeValue::B(packed) => store::unpack(packed.as_ref()).unwrap(),
        text => text.as_s().unwrap().clone(),
    }
}

/// The state in an item of an entity, a job or a voice model.
pub fn state_of(item: &HashMap<String, AttributeValue>) -> Value {
    serde_json::from_str(&text_of(&item["state"])).unwrap()
}

/// Invokes a function and returns its answer; a failure fails the test. The function's log goes to
/// the test's output.
pub async fn invoke(stack: &Stack, function: &str, payload: &Value) -> Value {
    let (answer, log) = invoke_and_log(stack, function, payload).await;
    println!("{log}");
    answer
}

/// As [`invoke`], but also returns the last 4 KB of the log.
pub async fn invoke_and_log(stack: &Stack, function: &str, payload: &Value) -> (Value, String) {
    let (answer, log) = try_to_invoke(stack, function, payload).await;
    (
        answer.unwrap_or_else(|error| panic!("{function} answered {error}: {log}")),
        log,
    )
}

/// The answer of a function or its error, and the last 4 KB of its log.
pub async fn try_to_invoke(
    stack: &Stack,
    function: &str,
    payload: &Value,
) -> (Result<Value, Value>, String) {
    let payload = aws_sdk_lambda::primitives::Blob::new(payload.to_string());
    let invoke = stack
        .clients
        .lambda
        .invoke()
        .function_name(function)
        .payload(payload)
        .log_type(LogType::Tail);
    let invoked = invoke.send().await.unwrap();
    let log = base64_simd::STANDARD
        .decode_to_vec(invoked.log_result().unwrap_or_default())
        .unwrap();
    let log = String::from_utf8_lossy(&log).into_owned();
    let answer = invoked
        .payload()
        .map(|blob| serde_json::from_slice(blob.as_ref()).unwrap())
        .unwrap_or_default();
    (
        if invoked.function_error().is_some() {
            Err(answer)
        } else {
            Ok(answer)
        },
        log,
    )
}

/// The environment that a function's process was started with.
pub fn environment_of(process_id: u32) -> BTreeMap<String, String> {
    let environment = fs::read(format!("/proc/{process_id}/environ")).unwrap();
    let environment = String::from_utf8(environment).unwrap();
    let pairs = environment
        .split('\0')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The current time in an event's format, because the time in the examples gets too old.
pub fn now() -> String {
    Time::new(jiff::Timestamp::now()).to_string()
}

/// A batch of `events/lambda` with the current time in each event, because the time in the files
/// gets too old.
pub fn batch_of_now(name: &str) -> Value {
    let path = Checkout::find()
        .unwrap()
        .root
        .join("events/lambda")
        .join(name);
    let mut batch: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let partitions = batch.get_mut("records").and_then(Value::as_object_mut);
    for record in partitions
        .into_iter()
        .flat_map(|all| all.values_mut())
        .flat_map(|some| some.as_array_mut().unwrap())
    {
        let value = record["value"]
            .as_str()
            .and_then(|value| base64_simd::STANDARD.decode_to_vec(value).ok());
        let event = value.and_then(|value| serde_json::from_slice::<Value>(&value).ok());
        if let Some(mut event) = event.filter(|event| event["time"].is_string()) {
            event["time"] = json!(now());
            record["value"] = json!(base64_simd::STANDARD.encode_to_string(event.to_string()));
        }
        for header in record["headers"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .filter(|header| header["ce_time"].is_array())
        {
            header["ce_time"] = json!(now().bytes().collect::<Vec<u8>>());
        }
    }
    batch
}

/// The tenant of a batch's first record.
pub fn first_tenant(batch: &Value) -> String {
    let mut records = batch["records"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|records| records.as_array().unwrap());
    let key = records.next().unwrap()["key"].as_str().unwrap();
    String::from_utf8(base64_simd::STANDARD.decode_to_vec(key).unwrap()).unwrap()
}

/// Waits until `done`, or fails with what it waited for.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < patience, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The contract's example of `topic` for `tenant`, with the current time.
pub fn example(topic: Topic, tenant: &str, id: &str) -> Value {
    let text = fs::read_to_string(Checkout::find().unwrap().example(topic)).unwrap();
    let mut event: Value = serde_json::from_str(&text).unwrap();
    event["time"] = json!(now());
    event["id"] = json!(format!("evt-{id}"));
    event["subject"] = json!(tenant);
    event["data"]["tenantId"] = json!(tenant);
    event
}

/// A created event of `tenant`, like the example.
pub fn created(tenant: &str, id: &str) -> Value {
    let example = include_str!("../../events/eventzr.event.created.v1/example.json");
    let mut event: Value = serde_json::from_str(example).unwrap();
    event["time"] = json!(now());
    event["id"] = json!(format!("evt-{id}"));
    event["subject"] = json!(tenant);
    event["data"]["tenantId"] = json!(tenant);
    event["data"]["eventId"] = json!(format!("event-{id}"));
    event
}

/// The values by event id. Fails if one id has two contents.
pub fn by_id(records: &[Produced]) -> BTreeMap<String, Vec<u8>> {
    let mut by_id = BTreeMap::new();
    for record in records {
        let value = record.value.clone().unwrap();
        let id = record.event()["id"].as_str().unwrap().to_owned();
        let before = by_id.insert(id.clone(), value.clone());
        assert!(
            before.is_none_or(|before| before == value),
            "{id} appeared with two contents"
        );
    }
    by_id
}

/// Fails if the end of a job was produced before its `created`. Only timestamps order records
/// across topics; for repeated records the first one counts.
pub fn created_comes_before_the_end(records: &[Produced]) {
    let mut first: BTreeMap<(String, bool), i64> = BTreeMap::new();
    for record in records
        .iter()
        .filter(|record| record.topic.contains(".render-job."))
    {
        let job = record.event()["data"]["jobId"].as_str().unwrap().to_owned();
        let at = record.timestamp.unwrap();
        let is_created = record.topic == Topic::RenderJobCreated.as_str();
        first
            .entry((job, is_created))
            .and_modify(|first| *first = at.min(*first))
            .or_insert(at);
    }
    assert!(!first.is_empty(), "there is no job to look at");
    for ((job, _), end) in first.iter().filter(|((_, is_created), _)| !is_created) {
        let created = first
            .get(&(job.clone(), true))
            .unwrap_or_else(|| panic!("{job} ended and was never created"));
        assert!(
            created <= end,
            "{job} ended {} ms before it was created",
            created - end
        );
    }
}

/// The number of distinct events of each type.
pub fn topics(records: &[Produced]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for value in by_id(records).values() {
        let event: Value = serde_json::from_slice(value).unwrap();
        *counts
            .entry(event["type"].as_str().unwrap().to_owned())
            .or_insert(0) += 1;
    }
    counts
}

/// The events that one created event causes if all goes well.
pub fn the_eight() -> BTreeMap<String, usize> {
    [
        Topic::TemplateCreated,
        Topic::RenderJobCreated,
        Topic::RenderJobCompleted,
        Topic::TemplateUpdated,
    ]
    .into_iter()
    .map(|topic| (topic.as_str().to_owned(), 2))
    .collect()
}

/// The ids of the jobs in a topic's events.
pub fn jobs_of(records: &[Produced], topic: Topic) -> Vec<String> {
    let mut jobs: Vec<String> = records
        .iter()
        .filter(|record| record.topic == topic.as_str())
        .map(|record| record.event()["data"]["jobId"].as_str().unwrap().to_owned())
        .collect();
    jobs.sort();
    jobs.dedup();
    jobs
}

/// The file behind an asset's URL.
pub async fn fetch(studio: &Studio, url: &str) -> Vec<u8> {
    let key = url
        .strip_prefix(&format!("{}/", studio.stack.outputs.asset_base_url))
        .unwrap();
    let object = studio
        .stack
        .clients
        .s3
        .get_object()
        .bucket(&studio.stack.outputs.assets_bucket_name)
        .key(key);
    object
        .send()
        .await
        .unwrap()
        .body
        .collect()
        .await
        .unwrap()
        .to_vec()
}

/// Width and height from a PNG's header.
pub fn size_of(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

//! How to use a stack that is up, for its user to read.

use std::fs;
use std::path::Path;

use contract::Topic;
use serde_json::Value;
use web_console::Console;

use crate::broker::Broker;
use crate::emulator::REGION;
use crate::stack::{Options, Stack};

fn tenant_of(event: &Path) -> Option<String> {
    let event: Value = serde_json::from_slice(&fs::read(event).ok()?).ok()?;
    event["data"]["tenantId"].as_str().map(str::to_owned)
}

/// The addresses of the stack, and the lines to publish to it, read from it and run a function
/// against it.
pub(super) fn how_to(stack: &Stack, console: &Console, options: &Options, env: &Path) -> String {
    let (bootstrap, outputs) = (stack.broker.bootstrap(), &stack.outputs);
    let (topic, produced) = (Topic::EventCreated, Topic::RenderJobCompleted);
    let example = options.checkout.example(topic);
    let tenant = tenant_of(&example).unwrap_or_else(|| "tenant".to_owned());
    let in_checkout = |path: &Path| {
        let path = path.strip_prefix(&options.checkout.root).unwrap_or(path);
        path.display().to_string()
    };
    let (example, env) = (in_checkout(&example), in_checkout(env));
    let tools = in_checkout(&options.checkout.kafka_tools());
    let mut text = format!(
        "
  console http://{console}
  Kafka   {bootstrap}
  AWS     http://{aws}  (region {REGION}; `. {env}` gives a shell the credentials)
  assets  s3://{bucket}, served at {assets}
  table   {table}

  Publish an event from another terminal: the example, or one of yours:
    make publish
    make publish EVENT=my.json            (waits, and says what came of it)

  The same with kcat (the key is its data.tenantId), and what the studio produces:
    kcat -b {bootstrap} -X partitioner=murmur2_random -P -t {topic} -k {tenant} -H 'content-type={content_type}' {example}
    kcat -b {bootstrap} -C -t {produced} -o beginning -f '%k %s\\n'
",
        console = console.address(),
        aws = stack.proxy.address(),
        bucket = outputs.assets_bucket_name,
        assets = outputs.asset_base_url,
        table = outputs.table_name,
        content_type = contract::STRUCTURED_CONTENT_TYPE,
    );
    text.push_str(&match options.broker {
        Broker::Embedded => {
            "  (Apache Kafka's own tools need a real broker: `make up BROKER=apache`.)\n".to_owned()
        }
        Broker::Apache | Broker::External(_) => format!(
            "  or, with Apache Kafka's own tools (in {tools} after `make up BROKER=apache`):
    PATH={tools}:$PATH
    (printf '{tenant}|'; tr -d '\\n' < {example}; echo) | kafka-console-producer.sh --bootstrap-server {bootstrap} \\
      --topic {topic} --reader-property parse.key=true --reader-property key.separator='|'
    kafka-console-consumer.sh --bootstrap-server {bootstrap} --topic {produced} --from-beginning --formatter-property print.key=true
    kafka-consumer-groups.sh --bootstrap-server {bootstrap} --describe --all-groups
"
        ),
    });
    text.push_str(&format!(
        "
  What the functions log, and the alarms (CloudWatch has the metrics and the dashboard, too):
    make logs PRETTY=1 FOLLOW=1           (FUNCTION=event-created: only those of one function)
    (. {env}; aws cloudwatch describe-alarms --state-value ALARM)

  Run one function yourself, against this stack; it is built again when its code changes:
    make watch                            (in a second terminal; it reads {env})
    target/tools/bin/cargo-lambda lambda invoke event-created -A 127.0.0.1 --data-file events/lambda/event-created.json

  Ctrl-C stops everything.
"
    ));
    text
}

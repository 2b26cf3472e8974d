//! What a function answers and logs when a grant is there, and when it is not.

use std::time::{Duration, Instant};

use local::{aws::QueryService, deploy::STACK, metrics::logged_since};
use serde_json::Value;

use super::{Need, Ready};
use crate::harness::{Studio, try_to_invoke};

/// How long a line may take from the function to its log.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The answer of a function and its whole log, as soon as they have what is said without the grant, or
/// after `patience`. The tail that comes with an answer has only 4 KiB, and a denial may be before
/// that.
pub(super) async fn react(
    studio: &Studio,
    need: &Need,
    ready: &Ready,
    patience: Duration,
) -> String {
    let clients = &studio.stack.clients;
    let asked = [("StackName", STACK), ("LogicalResourceId", need.who)];
    let resource = clients
        .aws
        .query(
            QueryService::CloudFormation,
            "DescribeStackResource",
            &asked,
        )
        .await
        .unwrap();
    let function = resource["StackResourceDetail"]["PhysicalResourceId"]
        .as_str()
        .unwrap();
    let group = format!("/aws/lambda/{function}");
    let begin = jiff::Timestamp::now();
    let payload = studio.of_execution(&need.payload(ready)).await;
    let (answer, tail) = try_to_invoke(&studio.stack, function, &payload).await;
    let until = Instant::now() + patience;
    loop {
        let mut log = logged_since(&clients.aws, &group, begin.as_millisecond())
            .await
            .unwrap();
        log.push(tail.clone());
        let lines = log.iter().flat_map(|event| event.lines());
        let lines: Vec<&str> = lines.filter(|line| !is_from_before(line, begin)).collect();
        let said = format!("{answer:?}\n{}", lines.join("\n"));
        if said.contains(need.says) || Instant::now() >= until {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Whether a function logged the line before `begin`. The emulator reads what a process writes a moment
/// later, so a line may be among those of the next invocation.
fn is_from_before(line: &str, begin: jiff::Timestamp) -> bool {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let at = line["timestamp"]
        .as_str()
        .map(str::parse::<jiff::Timestamp>);
    at.is_some_and(|at| at.is_ok_and(|at| at < begin))
}

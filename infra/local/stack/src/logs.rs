//! The functions' logs on a stack that is up: the lines as CloudWatch Logs has them, or written for
//! people.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use contract::printable;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::aws::{self, Aws};
use crate::environment::{self, Environment};

/// The beginning of the names of the functions' log groups.
const PREFIX: &str = "/aws/lambda/studio-";
/// How often new lines are asked for.
const EVERY: Duration = Duration::from_secs(1);

/// Why the logs cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No stack is up.
    #[error(transparent)]
    Environment(#[from] environment::Error),
    /// The file of the stack has something else than the emulator's address.
    #[error("AWS_ENDPOINT_URL is `{0}`, which is no address of a local stack")]
    Endpoint(String),
    /// The emulator does not answer, or refuses.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// No function has this name.
    #[error("no function of the stack has `{0}` in its name")]
    NoFunction(String),
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// A part of the functions' names; all functions if it is empty.
    pub function: String,
    /// Whether the lines are written for people.
    pub pretty: bool,
    /// Whether to wait for new lines, for ever.
    pub follow: bool,
}

/// Prints the logs of the stack that wrote `env`: of each function its lines, oldest first.
///
/// # Errors
/// An [`Error`].
pub async fn run(wanted: &Wanted, env: &Path) -> Result<(), Error> {
    let aws = aws(&Environment::read(env)?)?;
    let mut since = 0;
    // The emulator has a stream for each invocation, and adds its events at once.
    let mut seen: HashSet<String> = HashSet::new();
    loop {
        let mut events = Vec::new();
        for group in groups(&aws, &wanted.function).await? {
            let filter = json!({ "logGroupName": group, "startTime": since });
            let found = aws.all_logs("FilterLogEvents", filter, "events").await?;
            let function = group[PREFIX.len()..].to_owned();
            events.extend(found.into_iter().map(|event| (function.clone(), event)));
        }
        // The events of one invocation have one time, and are in order.
        events.sort_by_key(|(_, event)| time_of(event));
        for (function, event) in &events {
            if !seen.contains(stream_of(event)) {
                show(function, event, wanted.pretty);
            }
        }
        if !wanted.follow {
            return Ok(());
        }
        // Others of the last moment may still come, so it is asked for again.
        if let Some((_, last)) = events.last() {
            since = time_of(last);
            seen = events
                .iter()
                .filter(|(_, event)| time_of(event) == since)
                .map(|(_, event)| stream_of(event).to_owned())
                .collect();
        }
        sleep(EVERY).await;
    }
}

/// The emulator of a stack that is up.
fn aws(environment: &Environment) -> Result<Aws, Error> {
    let endpoint = environment.variable("AWS_ENDPOINT_URL")?;
    let address: Option<SocketAddr> = endpoint
        .strip_prefix("http://")
        .and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| Error::Endpoint(endpoint.to_owned()))?;
    let root = Credentials::new(
        environment.variable("AWS_ACCESS_KEY_ID")?,
        environment.variable("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "local stack",
    );
    Ok(Aws::at(address, root))
}

/// The names of the log groups of the functions with `part` in their names.
async fn groups(aws: &Aws, part: &str) -> Result<Vec<String>, Error> {
    let prefix = json!({ "logGroupNamePrefix": PREFIX });
    let groups = aws
        .all_logs("DescribeLogGroups", prefix, "logGroups")
        .await?;
    let names = groups
        .iter()
        .filter_map(|group| group["logGroupName"].as_str())
        .filter(|name| {
            name.strip_prefix(PREFIX)
                .is_some_and(|name| name.contains(part))
        });
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.is_empty() {
        Err(Error::NoFunction(part.to_owned()))
    } else {
        Ok(names)
    }
}

fn time_of(event: &Value) -> i64 {
    event["timestamp"].as_i64().unwrap_or_default()
}

fn stream_of(event: &Value) -> &str {
    event["logStreamName"].as_str().unwrap_or_default()
}

fn show(function: &str, event: &Value, pretty: bool) {
    // The emulator may put several lines into one event.
    for line in event["message"].as_str().unwrap_or_default().lines() {
        if !pretty {
            println!("{line}");
        } else if let Some(line) = for_people(function, line) {
            // What a log says steers no terminal.
            println!("{}", printable(&line));
        }
    }
}

/// A line of a function's log for people: its time, its level, the function, what it says, and its
/// fields. `None` for a line of Lambda itself that says nothing.
fn for_people(function: &str, line: &str) -> Option<String> {
    if line.starts_with("START ") || line.starts_with("END ") {
        return None;
    }
    let Ok(Value::Object(line)) = serde_json::from_str(line) else {
        return Some(format!("{:8}  {:5}  {function}: {line}", "", ""));
    };
    if let Some(metadata) = line.get("_aws") {
        return Some(metrics_for_people(function, metadata, &line));
    }
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    // `2026-11-27T09:30:00.000000Z`
    let time = text("timestamp").get(11..19).unwrap_or_default();
    let mut said = format!("{time:8}  {:5}  {function}:", text("level"));
    let fields = line.get("fields").and_then(Value::as_object);
    let message = fields.and_then(|fields| fields.get("message")?.as_str());
    said.extend([" ", message.unwrap_or_default()]);
    for (name, value) in fields.into_iter().flatten() {
        if name != "message" {
            said.push_str(&format!(" {name}={}", short(value)));
        }
    }
    Some(said)
}

/// A line of metrics: each with its value, and then their dimensions.
fn metrics_for_people(function: &str, metadata: &Value, line: &Map<String, Value>) -> String {
    let directives = metadata["CloudWatchMetrics"].as_array();
    let directives: Vec<&Value> = directives.into_iter().flatten().collect();
    let of = |name: &Value| {
        let name = name.as_str()?;
        Some(format!(" {name}={}", short(line.get(name)?)))
    };
    let metrics: String = directives
        .iter()
        .flat_map(|directive| directive["Metrics"].as_array().into_iter().flatten())
        .filter_map(|metric| of(&metric["Name"]))
        .collect();
    let dimensions: String = directives
        .iter()
        .flat_map(|directive| directive["Dimensions"].as_array().into_iter().flatten())
        .flat_map(|names| names.as_array().into_iter().flatten())
        .filter_map(of)
        .collect();
    format!(
        "{:8}  {:5}  {function}:{metrics} by{dimensions}",
        "", "METRIC"
    )
}

/// A value, without the quotes of a text.
fn short(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_people_has_its_time_its_level_its_function_and_its_fields() {
        let line = json!({
            "timestamp": "2026-11-27T09:30:00.000000Z",
            "level": "WARN",
            "fields": { "message": "record dead-lettered", "partition": 3, "tenant": "t-1" },
            "span": { "requestId": "r-1", "name": "invoke" },
        });
        assert_eq!(
            for_people("event-created-local", &line.to_string()).expect("shown"),
            "09:30:00  WARN   event-created-local: record dead-lettered partition=3 tenant=t-1"
        );
    }

    #[test]
    fn metrics_are_shown_with_their_dimensions() {
        let line = json!({
            "_aws": { "Timestamp": 1, "CloudWatchMetrics": [{
                "Namespace": "Eventzr/Studio",
                "Dimensions": [["Stage", "Topic"]],
                "Metrics": [{ "Name": "RecordsDone", "Unit": "Count" }, { "Name": "Absent" }],
            }] },
            "RecordsDone": 7, "Stage": "local", "Topic": "t",
        });
        let shown = for_people("f", &line.to_string()).expect("shown");
        assert_eq!(
            shown.trim(),
            "METRIC  f: RecordsDone=7 by Stage=local Topic=t"
        );
    }

    #[test]
    fn lambdas_own_lines_are_left_out_or_shown_as_they_are() {
        for nothing in [
            "START RequestId: r-1 Version: $LATEST",
            "END RequestId: r-1",
        ] {
            assert_eq!(for_people("f", nothing), None);
        }
        for said in [
            "REPORT RequestId: r-1\tDuration: 3 ms",
            "a panic",
            "[1]",
            "7",
        ] {
            let shown = for_people("f", said).expect("shown");
            assert!(shown.ends_with(&format!("f: {said}")), "{shown}");
        }
    }
}

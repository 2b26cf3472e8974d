//! Reads the functions' metrics from their logs. As CloudWatch does, it extracts them from lines in
//! the Embedded Metric Format.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};

use crate::{
    aws::{Aws, Error},
    clients::Clients,
};

/// A metric with its dimensions: `RecordsDone{Stage=local, Topic=eventzr.event.created.v1}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// The metric's name.
    pub name: String,
    /// The metric's dimensions, by name.
    pub dimensions: BTreeMap<String, String>,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dimensions: Vec<String> = self
            .dimensions
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        write!(f, "{}{{{}}}", self.name, dimensions.join(", "))
    }
}

/// All values of each metric, in the order of time within each function.
///
/// # Errors
/// An [`Error`].
pub async fn emitted(clients: &Clients) -> Result<BTreeMap<Metric, Vec<f64>>, Error> {
    let mut metrics: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
    for line in logged(clients).await? {
        let Ok(line) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        for (metric, values) in metrics_in(&line) {
            metrics.entry(metric).or_default().extend(values);
        }
    }
    Ok(metrics)
}

/// Every line that the stack's functions logged.
///
/// # Errors
/// An [`Error`].
pub async fn logged(clients: &Clients) -> Result<Vec<String>, Error> {
    let prefix = json!({ "logGroupNamePrefix": "/aws/lambda/studio-" });
    let groups = clients
        .aws
        .all_logs("DescribeLogGroups", prefix, "logGroups")
        .await?;
    let mut lines = Vec::new();
    for group in groups {
        // The emulator may put several lines into one log event.
        let messages = logged_since(
            &clients.aws,
            group["logGroupName"].as_str().unwrap_or_default(),
            0,
        )
        .await?;
        lines.extend(
            messages
                .iter()
                .flat_map(|message| message.lines())
                .map(str::to_owned),
        );
    }
    Ok(lines)
}

/// The messages of a log group from `since` on, in milliseconds since 1970.
///
/// # Errors
/// An [`Error`].
pub async fn logged_since(aws: &Aws, group: &str, since: i64) -> Result<Vec<String>, Error> {
    let filter = json!({ "logGroupName": group, "startTime": since });
    let events = aws.all_logs("FilterLogEvents", filter, "events").await?;
    Ok(events
        .iter()
        .filter_map(|event| event["message"].as_str())
        .map(str::to_owned)
        .collect())
}

/// The metrics in a line. Empty for a line of another kind.
fn metrics_in(line: &Value) -> Vec<(Metric, Vec<f64>)> {
    let mut found = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"]
        .as_array()
        .into_iter()
        .flatten()
    {
        for dimensions in directive["Dimensions"].as_array().into_iter().flatten() {
            let dimensions: BTreeMap<String, String> = dimensions
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(|name| {
                    (
                        name.to_owned(),
                        line[name].as_str().unwrap_or_default().to_owned(),
                    )
                })
                .collect();
            for name in directive["Metrics"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["Name"].as_str())
            {
                let values = match &line[name] {
                    Value::Array(values) => values.iter().filter_map(Value::as_f64).collect(),
                    value => value.as_f64().into_iter().collect(),
                };
                found.push((
                    Metric {
                        name: name.to_owned(),
                        dimensions: dimensions.clone(),
                    },
                    values,
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_a_value_of_each_metric_for_each_set_of_dimensions() {
        let line = json!({
            "_aws": { "Timestamp": 1, "CloudWatchMetrics": [{ "Namespace": "Eventzr/Studio", "Dimensions": [["Stage", "Topic"]],
                "Metrics": [{ "Name": "RecordsDone", "Unit": "Count" }] }] },
            "RecordsDone": 7, "Stage": "local", "Topic": "t",
        });
        let dimensions = [("Stage", "local"), ("Topic", "t")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let metric = Metric {
            name: "RecordsDone".to_owned(),
            dimensions: BTreeMap::from(dimensions),
        };
        assert_eq!(metrics_in(&line), [(metric, vec![7.0])]);
        assert_eq!(metrics_in(&json!({ "level": "INFO" })), []);
    }
}

//! Metrics, written as log lines in CloudWatch's Embedded Metric Format: no call, no daemon, and
//! the line itself is in the log. A tenant is never a dimension, because CloudWatch charges for
//! each value of a dimension. The tenant is a plain field of the line, so that an operator can
//! search for it.

use std::{
    io::{self, Write as _},
    time::{Duration, SystemTime},
};

use contract::Topic;

use crate::emf::{Line, Measure};

/// The CloudWatch namespace.
pub const NAMESPACE: &str = "Eventzr/Studio";

/// Every metric with what it measures.
pub const METRICS: [(&str, &str); 16] = [
    ("RecordsReceived", "records of a batch"),
    ("RecordsDone", "records of a batch that are done"),
    (
        "RecordsDeadLettered",
        "records of a batch that can never succeed",
    ),
    (
        "RecordsRetried",
        "records of a batch that are to be delivered again",
    ),
    (
        "BatchDuration",
        "milliseconds from an invocation with a batch to its answer",
    ),
    ("ProviderCalls", "calls of a provider"),
    ("ProviderDuration", "milliseconds of a call of a provider"),
    (
        "ProviderFailures",
        "calls of a provider that failed, by the class of the failure",
    ),
    ("ProviderCredits", "a provider's credits that were spent"),
    (
        "BreakerOpened",
        "times that a provider turned the studio away, so that no job asks it for a while",
    ),
    ("JobsCompleted", "jobs that have their asset"),
    ("JobsFailed", "jobs that failed for good, or were cancelled"),
    ("EventToAsset", "seconds from an event to its asset"),
    (
        "CharactersUndrawn",
        "characters that a picture does not show, or was refused for, because no font has them",
    ),
    ("DeadLetterDepth", "dead letters that wait for an operator"),
    (
        "MessagesPutOff",
        "messages of the queue that were put off, because a service that the studio needs had trouble",
    ),
];

/// The metrics of a function, made in its init phase.
pub struct Metrics {
    stage: String,
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured<'a> {
    /// A consumer handled a batch.
    Batch {
        /// The topic of the batch.
        topic: Topic,
        /// The number of records in the batch.
        received: usize,
        /// How many of them are done.
        done: usize,
        /// How many of them became dead letters.
        dead_lettered: usize,
        /// How many of them will be delivered again.
        retried: usize,
        /// The time from the invocation to the answer.
        took: Duration,
    },
    /// A provider answered a call.
    Call {
        /// The provider.
        provider: &'a str,
        /// How long the call took.
        took: Duration,
    },
    /// A call of a provider failed.
    Failure {
        /// The provider.
        provider: &'a str,
        /// The class of the failure, for programs.
        class: &'a str,
    },
    /// A provider's credits were spent.
    Spent {
        /// The provider.
        provider: &'a str,
        /// The number of credits.
        credits: u64,
    },
    /// The breaker of a provider opened, because the provider refused the studio as a whole.
    BreakerOpened {
        /// The provider.
        provider: &'a str,
    },
    /// A job completed with its asset.
    Completed {
        /// The tenant of the job.
        tenant: &'a str,
        /// The job's id.
        job: &'a str,
        /// The time from the inbound event to the asset, if an inbound event caused the job.
        since_event: Option<Duration>,
    },
    /// A job failed for good, or was cancelled.
    Failed {
        /// The tenant of the job.
        tenant: &'a str,
        /// The job's id.
        job: &'a str,
    },
    /// The studio has no font for some of what a job was to show.
    Undrawn {
        /// The tenant of the job.
        tenant: &'a str,
        /// The job's id.
        job: &'a str,
        /// The names of the scripts.
        scripts: &'a str,
        /// The number of characters.
        characters: u64,
    },
    /// The number of dead letters that wait for an operator.
    Waiting {
        /// The number.
        records: usize,
    },
    /// Messages of the queue were put off, because a service that the studio needs had trouble.
    PutOff {
        /// The number of messages.
        messages: usize,
    },
}

impl Metrics {
    /// The metrics of a function in `stage`; the stage is a dimension of each.
    #[must_use]
    pub fn new(stage: String) -> Self {
        Self { stage }
    }

    /// Writes one line. A failed write is logged and stops nothing.
    pub fn emit(&self, measured: Measured<'_>) {
        let written = self
            .line(measured, SystemTime::now())
            .and_then(|line| io::stdout().lock().write_all(&line));
        if let Err(error) = written {
            tracing::warn!(?measured, "a metric was not written: {error}");
        }
    }

    fn line(&self, measured: Measured<'_>, at: SystemTime) -> io::Result<Vec<u8>> {
        let mut line = Line {
            namespace: NAMESPACE,
            at,
            dimensions: vec![("Stage", self.stage.as_str())],
            fields: Vec::new(),
            metrics: Vec::new(),
        };
        measured.describe(&mut line);
        Ok(line.to_bytes()?)
    }
}

impl<'a> Measured<'a> {
    /// Adds its metrics to the line, and what they are of.
    fn describe(self, line: &mut Line<'a>) {
        match self {
            Self::Batch {
                topic,
                received,
                done,
                dead_lettered,
                retried,
                took,
            } => {
                line.dimensions.push(("Topic", topic.as_str()));
                line.metrics.extend([
                    ("RecordsReceived", Measure::Count(received as u64)),
                    ("RecordsDone", Measure::Count(done as u64)),
                    ("RecordsDeadLettered", Measure::Count(dead_lettered as u64)),
                    ("RecordsRetried", Measure::Count(retried as u64)),
                    ("BatchDuration", Measure::Milliseconds(took)),
                ]);
            }
            Self::Call { provider, took } => {
                line.dimensions.push(("Provider", provider));
                line.metrics.extend([
                    ("ProviderCalls", Measure::Count(1)),
                    ("ProviderDuration", Measure::Milliseconds(took)),
                ]);
            }
            Self::Failure { provider, class } => {
                line.dimensions
                    .extend([("Provider", provider), ("Class", class)]);
                line.metrics.push(("ProviderFailures", Measure::Count(1)));
            }
            Self::Spent { provider, credits } => {
                line.dimensions.push(("Provider", provider));
                line.metrics
                    .push(("ProviderCredits", Measure::Count(credits)));
            }
            Self::BreakerOpened { provider } => {
                line.dimensions.push(("Provider", provider));
                line.metrics.push(("BreakerOpened", Measure::Count(1)));
            }
            Self::Completed {
                tenant,
                job,
                since_event,
            } => {
                line.fields.extend([("Tenant", tenant), ("Job", job)]);
                line.metrics.push(("JobsCompleted", Measure::Count(1)));
                let since_event = since_event.map(Measure::Seconds);
                line.metrics
                    .extend(since_event.map(|time| ("EventToAsset", time)));
            }
            Self::Failed { tenant, job } => {
                line.fields.extend([("Tenant", tenant), ("Job", job)]);
                line.metrics.push(("JobsFailed", Measure::Count(1)));
            }
            Self::Undrawn {
                tenant,
                job,
                scripts,
                characters,
            } => {
                line.fields
                    .extend([("Tenant", tenant), ("Job", job), ("Scripts", scripts)]);
                line.metrics
                    .push(("CharactersUndrawn", Measure::Count(characters)));
            }
            Self::Waiting { records } => {
                line.metrics
                    .push(("DeadLetterDepth", Measure::Count(records as u64)));
            }
            Self::PutOff { messages } => {
                line.metrics
                    .push(("MessagesPutOff", Measure::Count(messages as u64)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _};

    use serde_json::Value;

    use super::*;

    #[test]
    fn each_line_declares_its_metrics_and_dimensions() {
        let metrics = Metrics::new("staging".to_owned());
        let took = Duration::from_millis(1234);
        let measured = [
            Measured::Batch {
                topic: Topic::EventCreated,
                received: 100,
                done: 97,
                dead_lettered: 1,
                retried: 2,
                took,
            },
            Measured::Call {
                provider: "runway",
                took,
            },
            Measured::Failure {
                provider: "runway",
                class: "rate-limited",
            },
            Measured::Spent {
                provider: "runway",
                credits: 25,
            },
            Measured::BreakerOpened { provider: "runway" },
            Measured::Completed {
                tenant: "tenant-1",
                job: "aec4c8e1",
                since_event: Some(took),
            },
            Measured::Completed {
                tenant: "tenant-1",
                job: "aec4c8e1",
                since_event: None,
            },
            Measured::Failed {
                tenant: "tenant-1",
                job: "aec4c8e1",
            },
            Measured::Undrawn {
                tenant: "tenant-1",
                job: "aec4c8e1",
                scripts: "Tamil, Tibetan",
                characters: 17,
            },
            Measured::Waiting { records: 3 },
            Measured::PutOff { messages: 10 },
        ];
        let (mut lines, mut names) = (String::new(), BTreeSet::new());
        for one in measured {
            let line = metrics
                .line(
                    one,
                    SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_123),
                )
                .unwrap();
            assert_eq!(
                line.iter().filter(|byte| **byte == b'\n').count(),
                1,
                "a line is an event of the log"
            );
            let line: Value = serde_json::from_slice(&line).unwrap();
            let said = &line["_aws"]["CloudWatchMetrics"][0]["Metrics"];
            names.extend(
                said.as_array()
                    .unwrap()
                    .iter()
                    .map(|metric| metric["Name"].as_str().unwrap().to_owned()),
            );
            writeln!(lines, "{line:#}").unwrap();
        }
        let all: BTreeSet<String> = METRICS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names, all, "the list of metrics is all of them");
        insta::assert_snapshot!(lines);
    }
}

//! Metrics, written as log lines in CloudWatch's Embedded Metric Format: no call, no daemon, and
//! the line itself is in the log. A tenant is never a dimension, because CloudWatch charges for
//! each value of a dimension. The tenant is a plain field of the line, so that an operator can
//! search for it.

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Measured,
    emf::{Line, Measure},
    otel::Meters,
};

/// The CloudWatch namespace.
pub const NAMESPACE: &str = "Eventzr/Studio";

/// Every metric with what it measures.
pub const METRICS: [(&str, &str); 31] = [
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
        "OlderEvents",
        "events that changed no fact, because a newer one was known",
    ),
    (
        "EventTimeAhead",
        "milliseconds by which an event's time was ahead of the studio's clock, if it was",
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
        "NoticesFailed",
        "notices of a failed job that could not be delivered, and are tried again",
    ),
    (
        "MessagesPutOff",
        "messages of the queue that were put off, because a service that the studio needs had trouble",
    ),
    (
        "PaidResultsKept",
        "results that a provider was paid for and the bucket did not take, so that they are kept",
    ),
    (
        "AssetsInTime",
        "assets that came within the service's objective",
    ),
    (
        "AssetsLate",
        "assets that did not come within the service's objective, whether or not they came since",
    ),
    (
        "OldestJobAge",
        "seconds since the oldest job that is open was decided on, by what it waits for",
    ),
    (
        "OldestVoiceAge",
        "seconds since the oldest voice that is not ready was asked for",
    ),
    (
        "OldestUnpublishedAge",
        "seconds since the oldest event was committed that is not known to be published",
    ),
    (
        "OldestDeadLetterAge",
        "seconds since the oldest dead letter was first seen that waits for an operator",
    ),
    (
        "OldestRecordAge",
        "seconds since the oldest record of a topic was written that its consumer has not taken",
    ),
    (
        "OldestMessageAge",
        "seconds since the oldest job was decided on that waits in the queue, while messages wait there",
    ),
    (
        "MappingsNotEnabled",
        "event source mappings that are not enabled",
    ),
    (
        "HeartbeatAge",
        "seconds since a schedule's last run did its work",
    ),
    (
        "ReadingsFailed",
        "readings of `watch` that failed, so that their metrics are missing",
    ),
];

/// The metrics of a function, made in its init phase.
pub struct Metrics {
    stage: String,
    /// Within which time an asset is meant to come; `None` where no asset is made.
    objective: Option<Duration>,
    /// The same for OpenTelemetry's collector, if there is one.
    meters: Option<Arc<Meters>>,
}

impl Metrics {
    /// The metrics of a function in `stage`; the stage is a dimension of each. An asset is in time
    /// within `objective`; without one it is counted neither as in time nor as late.
    #[must_use]
    pub fn new(stage: String, objective: Option<Duration>) -> Self {
        Self {
            stage,
            objective,
            meters: None,
        }
    }

    /// The same metrics, which are also sent to OpenTelemetry's collector.
    pub(crate) fn beside(self, meters: Arc<Meters>) -> Self {
        Self {
            meters: Some(meters),
            ..self
        }
    }

    /// Writes one line. A failed write is logged and stops nothing.
    pub fn emit(&self, measured: Measured<'_>) {
        if let Some(meters) = &self.meters {
            meters.measured(&measured);
        }
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
        measured.describe(&mut line, self.objective);
        Ok(line.to_bytes()?)
    }
}

impl<'a> Measured<'a> {
    /// Adds its metrics to the line, and what they are of.
    fn describe(self, line: &mut Line<'a>, objective: Option<Duration>) {
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
            Self::Older { topic, events } => {
                line.fields.push(("Topic", topic.as_str()));
                line.metrics
                    .push(("OlderEvents", Measure::Count(events as u64)));
            }
            Self::Ahead {
                topic,
                milliseconds,
            } => {
                let ahead = Duration::from_millis(milliseconds);
                line.fields.push(("Topic", topic.as_str()));
                line.metrics
                    .push(("EventTimeAhead", Measure::Milliseconds(ahead)));
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
                since_decision,
            } => {
                line.fields.extend([("Tenant", tenant), ("Job", job)]);
                line.metrics.push(("JobsCompleted", Measure::Count(1)));
                let is_in_time = objective.and_then(|within| {
                    is_in_time(
                        since_event.unwrap_or(since_decision),
                        since_decision,
                        within,
                    )
                });
                let since_event = since_event.map(Measure::Seconds);
                line.metrics
                    .extend(since_event.map(|time| ("EventToAsset", time)));
                line.metrics.extend(is_in_time.map(|is_in_time| {
                    let name = if is_in_time {
                        "AssetsInTime"
                    } else {
                        "AssetsLate"
                    };
                    (name, Measure::Count(1))
                }));
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
            Self::NoticesFailed { notices } => {
                line.metrics
                    .push(("NoticesFailed", Measure::Count(notices as u64)));
            }
            Self::PutOff { messages } => {
                line.metrics
                    .push(("MessagesPutOff", Measure::Count(messages as u64)));
            }
            Self::Kept { provider } => {
                line.dimensions.push(("Provider", provider));
                line.metrics.push(("PaidResultsKept", Measure::Count(1)));
            }
            Self::Reading(reading) => reading.describe(line),
        }
    }
}

/// Whether an asset came `within` the objective, by the time since its event, or since the decision
/// where no event caused it. `None` if it is counted as late already: `watch` counts a job that is
/// open for longer than that when it comes to be so.
fn is_in_time(since_event: Duration, since_decision: Duration, within: Duration) -> Option<bool> {
    match (since_event <= within, since_decision <= within) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _};

    use serde_json::Value;

    use contract::Topic;

    use super::*;
    use crate::Reading;
    use crate::Waits;

    #[test]
    fn each_line_declares_its_metrics_and_dimensions() {
        let metrics = Metrics::new("staging".to_owned(), Some(Duration::from_secs(300)));
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
            Measured::Older {
                topic: Topic::EventCreated,
                events: 2,
            },
            Measured::Ahead {
                topic: Topic::EventCreated,
                milliseconds: 180_000,
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
                since_decision: took,
            },
            Measured::Completed {
                tenant: "tenant-1",
                job: "aec4c8e1",
                since_event: None,
                since_decision: took,
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
            Measured::NoticesFailed { notices: 2 },
            Measured::PutOff { messages: 10 },
            Measured::Kept { provider: "openai" },
        ];
        let read = [
            Reading::Late { jobs: 2 },
            Reading::OldestJob {
                waits: Waits::ToBegin,
                age: took,
            },
            Reading::OldestVoice { age: took },
            Reading::OldestUnpublished { age: took },
            Reading::DeadLetters {
                records: 3,
                oldest: took,
            },
            Reading::OldestRecord {
                topic: Topic::EventCreated,
                age: took,
            },
            Reading::OldestMessage { age: took },
            Reading::Mappings { not_enabled: 1 },
            Reading::Heartbeat {
                schedule: "sweep",
                age: took,
            },
            Reading::Done { failed: 0 },
        ];
        let (mut lines, mut names) = (String::new(), BTreeSet::new());
        let read = read.map(Measured::Reading);
        for one in measured.into_iter().chain(read) {
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

    #[test]
    fn an_asset_is_counted_once_as_in_time_or_late() {
        let seconds = Duration::from_secs;
        let within = seconds(300);
        assert_eq!(is_in_time(seconds(300), seconds(2), within), Some(true));
        // Its record waited on the topic, where no job tells `watch` of it.
        assert_eq!(is_in_time(seconds(301), seconds(300), within), Some(false));
        // `watch` has counted it while it was open.
        assert_eq!(is_in_time(seconds(400), seconds(301), within), None);
    }
}

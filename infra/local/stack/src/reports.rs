//! The lines of the timeline for the mappings' reports.

use poller::{Answer, Condition, Outcome, Report, What};
use serde_json::Value;

use crate::timeline::{Mark, Timeline};

/// Prints a line for each report of a topic's mapping that is of interest to a person.
pub(crate) fn tell(report: &Report, timeline: &Timeline) {
    let (mark, text) = match &report.what {
        What::Invoked {
            records,
            duration,
            attempt,
            outcome,
            ..
        } => {
            let (mark, how) = ended(outcome);
            let attempt = match attempt {
                1 => String::new(),
                again => format!(", attempt {again}"),
            };
            let text = format!(
                "the function of {} with {}{attempt}: {how} in {} ms",
                report.topic,
                counted(*records, "record"),
                duration.as_millis()
            );
            (mark, text)
        }
        What::Retrying {
            records,
            cause,
            pause,
            ..
        } => {
            let text = format!(
                "{} will be sent again in {} ms: {cause}",
                counted(*records, "record"),
                pause.as_millis()
            );
            (Mark::Failed, text)
        }
        What::Discarded {
            records,
            condition,
            destination,
        } => (
            Mark::Failed,
            discarded(*records, *condition, destination.as_deref()),
        ),
        What::Trouble { problem } => (Mark::Failed, problem.clone()),
        What::Started { .. } | What::Committed { .. } => return,
    };
    timeline.say(mark, &text);
}

/// Prints a line for each report of a queue's mapping that is of interest to a person.
pub(crate) fn tell_of_queue(report: &queue_poller::Report, timeline: &Timeline) {
    use queue_poller::What;

    let (mark, text) = match &report.what {
        What::Invoked {
            messages,
            receives,
            duration,
            outcome,
        } => {
            let (mark, how) = ended(outcome);
            let again = match receives {
                1 => String::new(),
                again => format!(", received {again} times"),
            };
            let text = format!(
                "the function of {} with {}{again}: {how} in {} ms",
                report.queue,
                counted(*messages, "message"),
                duration.as_millis()
            );
            (mark, text)
        }
        What::Kept {
            messages,
            cause,
            pause,
        } => {
            let text = format!(
                "{} will come again in {} ms: {cause}",
                counted(*messages, "message"),
                pause.as_millis()
            );
            (Mark::Failed, text)
        }
        What::Trouble { problem } => (Mark::Failed, format!("{}: {problem}", report.queue)),
        What::Started | What::Deleted { .. } => return,
    };
    timeline.say(mark, &text);
}

/// How an invocation ended, as part of a sentence.
fn ended(outcome: &Outcome) -> (Mark, String) {
    match outcome {
        Outcome::Answered {
            answer:
                Answer {
                    function_error: Some(_),
                    ..
                },
            body,
        } => (Mark::Failed, format!("failed: {}", error_message(body))),
        Outcome::Answered { .. } => (Mark::Invoked, "answered".to_owned()),
        Outcome::Throttled => (Mark::Failed, "throttled".to_owned()),
        Outcome::NotReached { reason } => (Mark::Failed, format!("not reached: {reason}")),
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn discarded(records: usize, condition: Condition, destination: Option<&str>) -> String {
    let records = counted(records, "record");
    match destination {
        Some(destination) => format!("{records} discarded ({condition:?}) to {destination}"),
        None => format!("{records} discarded ({condition:?}): there is no destination"),
    }
}

/// The message of a failed function: `errorMessage` of the payload.
fn error_message(body: &[u8]) -> String {
    let payload: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    payload["errorMessage"]
        .as_str()
        .map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

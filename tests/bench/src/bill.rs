//! The AWS costs of a million created events, from the figures of the same run and list prices.

use std::time::Duration;

use crate::completion::{PerJob, Units};
use crate::invocations::{Answers, EFFECTS, OURS};
use crate::prices;
use crate::report::{Row, Unit};

/// A million created events.
pub const EVENTS: f64 = 1e6;

/// The pictures that the contract's example of a created event asks for.
pub const JOBS: f64 = 2.0;

/// The template's batch size, and the memory of its functions in MB. Lambda gives a whole processor
/// at 1,769 MB, and a proportional share below (Lambda Developer Guide, "Configure Lambda function
/// memory").
const BATCH: u32 = 100;
const CONSUMER_MEMORY: f64 = 512.0;
const COMPLETION_MEMORY: f64 = 1769.0;
const WHOLE_PROCESSOR: f64 = 1769.0;

/// The duration of a call to AWS, for calls that wait for each other; the rows about waits use the
/// same.
const CALL: Duration = Duration::from_millis(5);

/// The states that a picture's execution passes, by `infra/statemachines/render.asl.json`; one that
/// is drawn at once waits for nothing. AWS charges "each time a step of your workflow is executed";
/// if it also charges for the start, there is one more.
pub const TRANSITIONS: f64 = 3.0;

/// The billed seconds of a batch of 100: its processor time at the function's share of a processor,
/// and its waits. Kafka is one wait more than the calls to AWS.
pub fn seconds_of_batch(answers: &Answers) -> Option<f64> {
    let processor = answers.at(BATCH)? * f64::from(BATCH) / 1e6 * WHOLE_PROCESSOR / CONSUMER_MEMORY;
    Some(processor + (answers.longest_chain + 1) as f64 * CALL.as_secs_f64())
}

/// The billed seconds of both steps of a picture, computed like a batch's. Kafka is one wait more.
pub fn seconds_of_job(per_job: &PerJob) -> f64 {
    let calls = per_job.calls.values().sum::<f64>() + 1.0;
    per_job.processor * WHOLE_PROCESSOR / COMPLETION_MEMORY + calls * CALL.as_secs_f64()
}

/// The compute costs of each consumer, and all costs of ours.
pub fn rows(answers: &[Answers], per_job: &PerJob, units: Units) -> Vec<Row> {
    let batches = EVENTS / f64::from(BATCH);
    let compute =
        |seconds: f64, memory: f64| seconds * memory / 1024.0 * prices::LAMBDA_GIBIBYTE_SECOND;
    let consumer = |answers: &Answers| {
        let seconds = seconds_of_batch(answers)?;
        Some((
            answers.name.clone(),
            batches * (compute(seconds, CONSUMER_MEMORY) + prices::LAMBDA_REQUEST),
        ))
    };
    let consumers: Vec<(String, f64)> = answers.iter().filter_map(consumer).collect();
    let Some(ours) = answers.iter().find(|answers| answers.name == OURS) else {
        return Vec::new();
    };
    let Some((_, of_consumer)) = consumers.iter().find(|(name, _)| name == OURS) else {
        return Vec::new();
    };
    let jobs = EVENTS * JOBS;
    let logged = (batches * ours.logged + jobs * per_job.logged) / 1e9;
    let lines = [
        (
            "Step Functions, transitions",
            jobs * TRANSITIONS * prices::TRANSITION,
        ),
        (
            "Lambda, completion",
            jobs * (compute(seconds_of_job(per_job), COMPLETION_MEMORY)
                + 2.0 * prices::LAMBDA_REQUEST),
        ),
        ("Lambda, consumer", *of_consumer),
        (
            "Lambda, an hour of the poller unit that the mappings share",
            prices::POLLER_HOUR,
        ),
        (
            "DynamoDB, written by the consumer",
            EVENTS * units.written_by_consumer * prices::WRITE_UNIT,
        ),
        (
            "DynamoDB, read by the consumer",
            EVENTS * units.read_by_consumer * prices::READ_UNIT,
        ),
        (
            "DynamoDB, written by completion",
            EVENTS * units.written_by_completion * prices::WRITE_UNIT,
        ),
        (
            "DynamoDB, read by completion",
            EVENTS * units.read_by_completion * prices::READ_UNIT,
        ),
        ("S3, pictures put", jobs * prices::S3_PUT),
        ("CloudWatch, logs", logged * prices::LOGGED_GIGABYTE),
    ];
    let whole = lines.iter().map(|(_, dollars)| dollars).sum();
    let mut figures = lines
        .map(|(name, dollars)| (name.to_owned(), dollars))
        .to_vec();
    figures.push(("all of it".to_owned(), whole));
    let how = "list prices of ap-south-1; 512 MB, batches of 100: time on 0.29 of a processor, 5 ms a call in a row";
    let compute = Row::new(
        "Compute of the consumer for a million created events",
        how,
        Unit::Dollars,
        consumers,
    );
    let how =
        "list prices of ap-south-1, two pictures an event; without cluster, storage and traffic";
    vec![
        compute.tried(EFFECTS).at_most_times(OURS, 0.2, "Node"),
        Row::new(
            "A million created events and their two million pictures",
            how,
            Unit::Dollars,
            figures,
        ),
        Row::new(
            "DynamoDB's units for a created event",
            "from the items' sizes; twice in a transaction",
            Unit::Count,
            vec![
                (
                    "written by the consumer".to_owned(),
                    units.written_by_consumer,
                ),
                ("read by the consumer".to_owned(), units.read_by_consumer),
                (
                    "written by completion".to_owned(),
                    units.written_by_completion,
                ),
                ("read by completion".to_owned(), units.read_by_completion),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_picture_drawn_at_once_passes_the_charged_number_of_states() {
        let machine: Value =
            serde_json::from_str(include_str!("../../../infra/statemachines/render.asl.json"))
                .unwrap();
        let (mut state, mut entered) = (&machine["StartAt"], 0.0);
        while let Some(name) = state.as_str() {
            let this = &machine["States"][name];
            state = if this["Type"] == "Choice" {
                &this["Default"]
            } else {
                &this["Next"]
            };
            entered += 1.0;
        }
        assert_eq!(entered, TRANSITIONS);
    }

    #[test]
    fn the_template_has_the_batch_size_and_memory_of_the_bill() {
        let template = include_str!("../../../infra/template.yaml");
        let times = |text: String| template.matches(&text).count();
        let consumers = contract::Topic::consumed().count();
        assert_eq!(times(format!("BatchSize: {BATCH}\n")), consumers);
        assert_eq!(
            times(format!("MemorySize: {CONSUMER_MEMORY}\n")),
            consumers + 3,
            "the consumers, erase, the operator and kafka-topics"
        );
        assert_eq!(times(format!("MemorySize: {COMPLETION_MEMORY}\n")), 1);
        assert_eq!(
            times("PollerGroupName: studio\n".to_owned()),
            consumers,
            "in one group they share units"
        );
    }
}

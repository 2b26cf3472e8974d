//! The AWS costs of a million created events, from the figures of the same run and list prices.

use std::time::Duration;

use crate::drawn::{Drawn, MESSAGES, Units};
use crate::invocations::{Answers, CURRENT, EFFECTS, OURS};
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
const RENDER_MEMORY: f64 = 1769.0;
const WHOLE_PROCESSOR: f64 = 1769.0;

/// The duration of a call to AWS, for calls that wait for each other; the rows about waits use the
/// same.
const CALL: Duration = Duration::from_millis(5);

/// The requests to the queue for ten messages: sending, receiving and deleting them, each in one. A
/// request may have 64 KiB; ten messages have less than two. Receives that find nothing are in the
/// bill of an idle month, and fewer while messages come.
const QUEUE_REQUESTS: f64 = 3.0;

/// The bytes that Lambda itself logs for an invocation: its start, the end of its run and its report,
/// in JSON, with an id of the request in each. A guess from the fields that the Lambda Developer
/// Guide lists; the local stack logs none of them.
const PLATFORM_BYTES: f64 = 900.0;

/// The billed seconds of a batch of 100: its processor time at the function's share of a processor,
/// and its waits. Kafka is one wait more than the calls to AWS.
pub fn seconds_of_batch(answers: &Answers) -> Option<f64> {
    let processor = answers.at(BATCH)? * f64::from(BATCH) / 1e6 * WHOLE_PROCESSOR / CONSUMER_MEMORY;
    Some(processor + (answers.longest_chain + 1) as f64 * CALL.as_secs_f64())
}

/// The billed seconds of a batch of ten messages, computed like a consumer's. Kafka is one wait more.
pub fn seconds_of_messages(drawn: &Drawn) -> f64 {
    let waits = (drawn.longest_chain + 1) as f64;
    drawn.processor * WHOLE_PROCESSOR / RENDER_MEMORY + waits * CALL.as_secs_f64()
}

/// The compute costs of each consumer, and all costs of ours.
pub fn rows(answers: &[Answers], drawn: &Drawn, units: Units) -> Vec<Row> {
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
    let tens = EVENTS / MESSAGES as f64;
    let logged = (batches * ours.logged + tens * drawn.logged) / 1e9;
    let platform = (batches + tens) * PLATFORM_BYTES / 1e9;
    let lines = [
        (
            "DynamoDB, written by the consumer",
            EVENTS * units.written_by_consumer * prices::WRITE_UNIT,
        ),
        (
            "DynamoDB, written by render",
            EVENTS * units.written_by_render * prices::WRITE_UNIT,
        ),
        ("S3, pictures put", EVENTS * JOBS * prices::S3_PUT),
        (
            "Lambda, render",
            tens * (compute(seconds_of_messages(drawn), RENDER_MEMORY) + prices::LAMBDA_REQUEST),
        ),
        (
            "DynamoDB, read by both",
            EVENTS * (units.read_by_consumer + units.read_by_render) * prices::READ_UNIT,
        ),
        ("CloudWatch, our logs", logged * prices::LOGGED_GIGABYTE),
        (
            "CloudWatch, Lambda's own lines",
            platform * prices::LOGGED_GIGABYTE,
        ),
        (
            "Lambda, an hour of the poller unit that the mappings share",
            prices::POLLER_HOUR,
        ),
        (
            "SQS, requests",
            tens * (QUEUE_REQUESTS * prices::SQS_REQUEST + prices::SQS_FAIR),
        ),
        ("Lambda, consumer", *of_consumer),
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
        compute
            .tried(EFFECTS)
            .at_most_times(OURS, 0.2, "Node")
            .at_most_times(OURS, 0.2, CURRENT),
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
                ("written by render".to_owned(), units.written_by_render),
                ("read by render".to_owned(), units.read_by_render),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(
            times(format!("MemorySize: {RENDER_MEMORY}\n")),
            2,
            "render and completion"
        );
        assert_eq!(
            times(format!("BatchSize: {MESSAGES}\n")),
            2,
            "pictures and notices"
        );
        assert_eq!(
            times("PollerGroupName: studio\n".to_owned()),
            consumers,
            "in one group they share units"
        );
    }
}

use super::*;
use crate::mapping::StartingPosition;
use std::time::Duration;

pub(crate) fn mapping() -> Mapping {
    Mapping {
        uuid: "0e1f".to_owned(),
        function: "function-arn".to_owned(),
        event_source_arn: "cluster-arn".to_owned(),
        topic: "topic".to_owned(),
        consumer_group: "group".to_owned(),
        batch_size: 100,
        window: Duration::from_millis(500),
        start: StartingPosition::TrimHorizon,
        provisioned: true,
        maximum_retries: None,
        maximum_age: None,
        bisect: false,
        report_batch_item_failures: true,
        destination: None,
        enabled: true,
    }
}

pub(crate) fn frame() -> Frame {
    Frame {
        event_source_arn: "cluster-arn".to_owned(),
        bootstrap_servers: "127.0.0.1:9092".to_owned(),
        topic: "topic".to_owned(),
    }
}

const NOW: i64 = 1_760_000_000_000;

fn batches(change: impl FnOnce(&mut Mapping)) -> Batches {
    let mut mapping = mapping();
    change(&mut mapping);
    let mut batches = Batches::new(Arc::new(mapping), Arc::new(frame()));
    for partition in 0..8 {
        batches.assign(partition);
    }
    batches
}

fn record(partition: i32, offset: i64) -> Record {
    let timestamp = Some(kafka_client::Timestamp::CreateTime(NOW));
    Record {
        partition,
        offset,
        timestamp,
        key: None,
        value: Some(b"{}".to_vec()),
        headers: vec![],
    }
}

/// Adds records with these partitions and offsets, in this order.
fn add(batches: &mut Batches, records: &[(i32, i64)]) {
    for &(partition, offset) in records {
        assert_eq!(batches.add(record(partition, offset), NOW), None);
    }
}

fn coordinates(records: &[Arc<Record>]) -> Vec<(i32, i64)> {
    records
        .iter()
        .map(|record| (record.partition, record.offset))
        .collect()
}

/// An invocation: unit, attempt and records.
type Sent = (u64, u32, Vec<(i32, i64)>);

/// The invocations among the actions that are possible now.
fn invocations(batches: &mut Batches, now: i64) -> Vec<Sent> {
    let invoke = |action| match action {
        Action::Invoke {
            unit,
            attempt,
            records,
        } => Some((unit, attempt, coordinates(&records))),
        _ => None,
    };
    batches
        .next_actions(now)
        .into_iter()
        .filter_map(invoke)
        .collect()
}

/// The only invocation that is possible now.
fn invocation(batches: &mut Batches, now: i64) -> (u64, Vec<(i32, i64)>) {
    let all = invocations(batches, now);
    assert_eq!(all.len(), 1, "{all:?}");
    (all[0].0, all[0].2.clone())
}

fn answer(function_error: Option<&str>) -> Answer {
    let function_error = function_error.map(str::to_owned);
    Answer {
        request_id: None,
        status: 200,
        executed_version: Some("$LATEST".to_owned()),
        function_error,
    }
}

fn returned(body: &str) -> Outcome {
    Outcome::Answered {
        answer: answer(None),
        body: body.as_bytes().to_vec(),
    }
}

fn listed(failed: &[(i32, i64)]) -> Outcome {
    let items: Vec<_> = failed
        .iter()
        .map(|(partition, offset)| {
            serde_json::json!({"itemIdentifier": {"partition": format!("topic-{partition}"), "offset": offset}})
        })
        .collect();
    returned(&serde_json::json!({"batchItemFailures": items}).to_string())
}

fn function_error() -> Outcome {
    Outcome::Answered {
        answer: answer(Some("Unhandled")),
        body: b"{}".to_vec(),
    }
}

fn commits(actions: &[Action]) -> Vec<(i32, i64)> {
    let commit = |action: &Action| match action {
        Action::Commit { partition, offset } => Some((*partition, *offset)),
        _ => None,
    };
    actions.iter().filter_map(commit).collect()
}

/// The pause of the only retry among the actions.
fn pause(actions: &[Action]) -> i64 {
    match actions {
        [Action::Retrying { pause, .. }, ..] => *pause,
        other => panic!("no retry: {other:?}"),
    }
}

fn discard(actions: &[Action]) -> (u64, Discard) {
    match actions {
        [Action::Discard { unit, discard }, ..] => (*unit, discard.clone()),
        other => panic!("nothing discarded: {other:?}"),
    }
}

/// with-msk.html: "A single Lambda payload can contain messages from multiple partitions."
#[test]
fn a_batch_holds_records_of_several_partitions_in_order() {
    let mut batches = batches(|_| ());
    add(&mut batches, &[(2, 5), (0, 3), (2, 6), (0, 4)]);
    assert_eq!(invocations(&mut batches, NOW + 499), []);
    assert_eq!(batches.wake_at(), Some(NOW + 500));
    let (unit, records) = invocation(&mut batches, NOW + 500);
    assert_eq!(records, [(0, 3), (0, 4), (2, 5), (2, 6)]);
    assert_eq!(
        commits(&batches.settle(unit, returned("null"), NOW + 600)),
        [(0, 5), (2, 7)]
    );
}

/// API CreateEventSourceMapping, BatchSize and MaximumBatchingWindowInSeconds.
#[test]
fn a_full_batch_does_not_wait_for_its_window() {
    let mut batches = batches(|mapping| mapping.batch_size = 3);
    add(&mut batches, &[(0, 0), (1, 0), (0, 1)]);
    let (_, records) = invocation(&mut batches, NOW);
    assert_eq!(records.len(), 3);
}

#[test]
fn a_window_of_zero_invokes_at_once() {
    let mut batches = batches(|mapping| mapping.window = Duration::ZERO);
    add(&mut batches, &[(0, 0)]);
    assert_eq!(invocation(&mut batches, NOW).1, [(0, 0)]);
}

/// API: batches are "always capped by the 6 MB payload limit", as JSON with base64 values.
#[test]
fn a_batch_stays_under_the_payload_limit() {
    let mut batches = batches(|_| ());
    for offset in 0..4 {
        let mut large = record(0, offset);
        large.value = Some(vec![b'x'; 2_000_000]); // 2.67 MB as base64
        batches.add(large, NOW);
    }
    let (unit, records) = invocation(&mut batches, NOW);
    assert_eq!(
        records,
        [(0, 0), (0, 1)],
        "the third would not fit, so the batch is full before its window is over"
    );
    batches.settle(unit, returned(""), NOW);
    assert_eq!(
        invocations(&mut batches, NOW + 499),
        [],
        "two that fit are no full batch"
    );
    assert_eq!(invocation(&mut batches, NOW + 500).1, [(0, 2), (0, 3)]);
}

/// kafka-on-failure.html: condition MaximumPayloadSizeExceeded, no response context.
#[test]
fn a_record_that_does_not_fit_alone_goes_to_the_destination_in_its_turn() {
    let mut batches = batches(|mapping| mapping.window = Duration::ZERO);
    let mut large = record(0, 1);
    large.headers = vec![("bytes".to_owned(), Some(vec![0x80; 1_300_000]))]; // five characters each: "-128,"
    batches.add(record(0, 0), NOW);
    batches.add(large, NOW);
    batches.add(record(0, 2), NOW);
    let (unit, records) = invocation(&mut batches, NOW);
    assert_eq!(records, [(0, 0)], "what stands before it comes first");
    assert_eq!(commits(&batches.settle(unit, returned(""), NOW)), [(0, 1)]);
    let (unit, discarded) = discard(&batches.next_actions(NOW));
    assert_eq!(discarded.condition, Condition::MaximumPayloadSizeExceeded);
    assert_eq!(
        (
            coordinates(&discarded.records),
            discarded.invocations,
            discarded.answer
        ),
        (vec![(0, 1)], 0, None)
    );
    assert_eq!(
        invocations(&mut batches, NOW),
        [],
        "what stands behind it waits"
    );
    assert_eq!(commits(&batches.discarded(unit)), [(0, 2)]);
    assert_eq!(invocation(&mut batches, NOW).1, [(0, 2)]);
}

/// with-msk.html: "Lambda reads messages sequentially for each partition.";
/// kafka-scaling-modes.html: five concurrent invocations per poller.
#[test]
fn at_most_five_invocations_are_in_flight_each_of_other_partitions() {
    let mut batches = batches(|mapping| mapping.batch_size = 1);
    for partition in 0..7 {
        add(&mut batches, &[(partition, 0), (partition, 1)]);
    }
    let flights = invocations(&mut batches, NOW);
    assert_eq!(
        flights.iter().map(|flight| flight.2[0]).collect::<Vec<_>>(),
        [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]
    );
    assert_eq!(batches.wake_at(), None, "only an outcome helps");
    batches.settle(flights[3].0, returned(""), NOW);
    assert_eq!(invocation(&mut batches, NOW).1, [(3, 1)]);
}

/// kafka-retry-configurations.html#kafka-partial-batch-response: "retry just those specific items".
#[test]
fn a_partial_response_retries_listed_records_and_commits_up_to_the_first() {
    let mut batches = batches(|_| ());
    add(
        &mut batches,
        &[(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)],
    );
    let (unit, _) = invocation(&mut batches, NOW + 500);
    add(&mut batches, &[(0, 4), (1, 2)]);
    let actions = batches.settle(unit, listed(&[(0, 1), (0, 3)]), NOW + 600);
    assert_eq!(commits(&actions), [(0, 1), (1, 2)]);
    assert_eq!(
        invocation(&mut batches, NOW + 600).1,
        [(1, 2)],
        "the other partition goes on"
    );
    let later = NOW + 600 + pause(&actions);
    let again = invocations(&mut batches, later);
    assert_eq!(again.len(), 1);
    assert_eq!(
        (again[0].1, again[0].2.as_slice()),
        (2, [(0, 1), (0, 3)].as_slice()),
        "no later record of the partition"
    );
    assert_eq!(
        commits(&batches.settle(again[0].0, listed(&[(0, 3)]), later)),
        [(0, 3)]
    );
    let (unit, records) = invocation(&mut batches, later + LONGEST_PAUSE);
    assert_eq!(records, [(0, 3)]);
    assert_eq!(
        commits(&batches.settle(unit, returned("{}"), later + LONGEST_PAUSE)),
        [(0, 4)]
    );
    assert_eq!(invocation(&mut batches, later + LONGEST_PAUSE).1, [(0, 4)]);
}

/// The same page: "Any invalid topic-partition_number or offset returned that was not present in
/// the invoked event will be treated as failure and entire batch will be retried."
#[test]
fn an_identifier_that_was_not_in_the_batch_retries_the_whole_batch() {
    let mut batches = batches(|mapping| mapping.bisect = true);
    add(&mut batches, &[(0, 0), (0, 1)]);
    for outcome in [
        listed(&[(0, 1), (0, 2)]),
        listed(&[(1, 0)]),
        returned(r#"{"batchItemFailures":["topic-0"]}"#),
        returned("ok"),
    ] {
        let (unit, records) = invocation(&mut batches, NOW + 60_000);
        assert_eq!(
            records,
            [(0, 0), (0, 1)],
            "whole, also where a function error would split it"
        );
        let actions = batches.settle(unit, outcome, NOW);
        assert_eq!(commits(&actions), []);
        pause(&actions);
    }
}

/// services-kinesis-batchfailurereporting.html: without ReportBatchItemFailures the response is
/// ignored. Then a function that lists its failures loses them.
#[test]
fn without_report_batch_item_failures_any_response_is_success() {
    let mut batches = batches(|mapping| mapping.report_batch_item_failures = false);
    add(&mut batches, &[(0, 0), (0, 1)]);
    let (unit, _) = invocation(&mut batches, NOW + 500);
    assert_eq!(
        commits(&batches.settle(unit, listed(&[(0, 0)]), NOW + 500)),
        [(0, 2)]
    );
}

/// kafka-retry-configurations.html: MaximumRetryAttempts "doesn't count the initial invocation
/// attempt".
#[test]
fn a_batch_out_of_retries_is_discarded_and_then_committed() {
    let mut batches = batches(|mapping| mapping.maximum_retries = Some(2));
    add(&mut batches, &[(0, 0), (1, 0)]);
    let mut now = NOW + 500;
    for attempt in 1..=2 {
        let flights = invocations(&mut batches, now);
        assert_eq!(flights[0].1, attempt);
        let actions = batches.settle(flights[0].0, function_error(), now);
        assert_eq!(commits(&actions), []);
        now += pause(&actions);
    }
    let (unit, _) = invocation(&mut batches, now);
    let actions = batches.settle(unit, function_error(), now);
    assert_eq!(commits(&actions), [], "not before it is at the destination");
    let (unit, discarded) = discard(&actions);
    assert_eq!(
        (discarded.condition, discarded.invocations),
        (Condition::RetryAttemptsExhausted, 3)
    );
    assert_eq!(coordinates(&discarded.records), [(0, 0), (1, 0)]);
    assert_eq!(discarded.answer, Some(answer(Some("Unhandled"))));
    assert_eq!(commits(&batches.discarded(unit)), [(0, 1), (1, 1)]);
}

#[test]
fn without_retries_the_listed_records_are_discarded_at_once() {
    let mut batches = batches(|mapping| mapping.maximum_retries = Some(0));
    add(&mut batches, &[(0, 0), (0, 1), (0, 2)]);
    let (unit, _) = invocation(&mut batches, NOW + 500);
    let actions = batches.settle(unit, listed(&[(0, 1)]), NOW + 500);
    assert_eq!(coordinates(&discard(&actions).1.records), [(0, 1)]);
    assert_eq!(commits(&actions), [(0, 1)]);
    assert_eq!(commits(&batches.discarded(discard(&actions).0)), [(0, 3)]);
}

/// kafka-retry-configurations.html, "Split batch on error"; the page for streams: "Splitting a
/// batch does not count towards the retry quota."
#[test]
fn bisect_splits_on_a_function_error_and_keeps_the_retries() {
    let mut batches =
        batches(|mapping| (mapping.bisect, mapping.maximum_retries) = (true, Some(0)));
    add(&mut batches, &[(0, 0), (0, 1), (1, 0), (1, 1)]);
    let (unit, _) = invocation(&mut batches, NOW + 500);
    batches.settle(unit, function_error(), NOW + 500);
    let halves = invocations(&mut batches, NOW + 500);
    assert_eq!(
        halves.iter().map(|half| half.2.clone()).collect::<Vec<_>>(),
        [[(0, 0), (0, 1)], [(1, 0), (1, 1)]]
    );
    assert_eq!(
        commits(&batches.settle(halves[0].0, returned(""), NOW + 500)),
        [(0, 2)]
    );
    batches.settle(halves[1].0, function_error(), NOW + 500);
    let (unit, records) = invocation(&mut batches, NOW + 500);
    assert_eq!(
        records,
        [(1, 0)],
        "the second half of one partition waits for the first"
    );
    assert_eq!(
        commits(&batches.settle(unit, returned(""), NOW + 500)),
        [(1, 1)]
    );
    let (unit, records) = invocation(&mut batches, NOW + 500);
    assert_eq!(records, [(1, 1)]);
    let (_, discarded) = discard(&batches.settle(unit, function_error(), NOW + 500));
    assert_eq!(
        (coordinates(&discarded.records), discarded.invocations),
        (vec![(1, 1)], 3)
    );
}

/// kafka-retry-configurations.html: the maximum age is that "of a record that Lambda sends to your
/// function".
#[test]
fn records_that_are_too_old_when_they_are_due_are_discarded() {
    let mut batches = batches(|mapping| mapping.maximum_age = Some(Duration::from_secs(60)));
    let mut old = record(0, 0);
    old.timestamp = Some(kafka_client::Timestamp::CreateTime(NOW - 60_000));
    let mut timeless = record(2, 0);
    timeless.timestamp = None;
    batches.add(old, NOW);
    batches.add(timeless, NOW);
    add(&mut batches, &[(0, 1), (1, 0)]);
    let actions = batches.next_actions(NOW + 500);
    let (unit, discarded) = discard(&actions);
    assert_eq!(
        (discarded.condition, discarded.invocations),
        (Condition::RecordAgeExceeded, 0)
    );
    assert_eq!(coordinates(&discarded.records), [(0, 0)]);
    assert_eq!(
        actions.len(),
        1,
        "the rest of the batch is sent once the partition's first record is away: {actions:?}"
    );
    assert_eq!(commits(&batches.discarded(unit)), [(0, 1)]);
    let (unit, records) = invocation(&mut batches, NOW + 500);
    assert_eq!(records, [(0, 1), (1, 0), (2, 0)]);
    batches.settle(unit, function_error(), NOW + 60_000);
    let actions = batches.next_actions(NOW + 61_000);
    let (unit, discarded) = discard(&actions);
    assert_eq!(
        (coordinates(&discarded.records), discarded.invocations),
        (vec![(0, 1), (1, 0)], 1)
    );
    assert!(
        matches!(&actions[1..], [Action::Invoke { records, .. }] if coordinates(records) == [(2, 0)]),
        "what has no timestamp has no age, and its partition waits for nothing: {actions:?}"
    );
    assert_eq!(commits(&batches.discarded(unit)), [(0, 2), (1, 1)]);
}

#[test]
fn a_throttled_or_unreached_invocation_does_not_count_as_an_attempt() {
    let mut batches =
        batches(|mapping| (mapping.maximum_retries, mapping.bisect) = (Some(0), true));
    add(&mut batches, &[(0, 0), (0, 1)]);
    let mut now = NOW + 500;
    let mut pauses = Vec::new();
    for outcome in [
        Outcome::Throttled,
        Outcome::NotReached {
            reason: "refused".to_owned(),
        },
    ]
    .into_iter()
    .cycle()
    .take(7)
    {
        let (unit, records) = invocation(&mut batches, now);
        assert_eq!(records.len(), 2, "nor is the batch split");
        pauses.push(pause(&batches.settle(unit, outcome, now)));
        now += LONGEST_PAUSE;
    }
    assert_eq!(pauses, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
}

#[test]
fn a_revoked_partition_is_neither_committed_nor_retried() {
    let mut batches = batches(|_| ());
    add(&mut batches, &[(0, 0), (1, 0), (0, 1)]);
    let (unit, _) = invocation(&mut batches, NOW + 500);
    add(&mut batches, &[(0, 2)]);
    batches.revoke(0);
    batches.assign(0);
    add(&mut batches, &[(0, 0)]);
    assert_eq!(
        invocations(&mut batches, NOW + 2_000),
        [],
        "one invocation in flight per partition, also across a rebalance"
    );
    let actions = batches.settle(unit, function_error(), NOW + 2_000);
    assert_eq!(commits(&actions), []);
    let flights = invocations(&mut batches, NOW + 2_000 + pause(&actions));
    assert_eq!(
        flights
            .iter()
            .map(|flight| flight.2.clone())
            .collect::<Vec<_>>(),
        [[(1, 0)], [(0, 0)]]
    );
    batches.revoke(1);
    assert_eq!(
        commits(&batches.settle(flights[0].0, returned(""), NOW)),
        []
    );
    assert_eq!(
        commits(&batches.settle(flights[1].0, returned(""), NOW)),
        [(0, 1)]
    );
    assert_eq!(batches.add(record(1, 1), NOW), None);
    assert_eq!(
        batches.wake_at(),
        None,
        "a record of a partition that is not ours is ignored"
    );
}

#[test]
fn a_partition_is_paused_while_enough_of_it_is_buffered() {
    let mut batches = batches(|mapping| mapping.batch_size = 400);
    let paused: Vec<_> = (0..1_000)
        .filter_map(|offset| batches.add(record(0, offset), NOW))
        .collect();
    assert_eq!(paused, [Action::Pause { partition: 0 }]);
    for (size, resumed) in [(400, false), (400, true), (200, false)] {
        let actions = batches.next_actions(NOW + 500);
        let Action::Invoke { unit, records, .. } = &actions[0] else {
            panic!("{actions:?}")
        };
        assert_eq!(records.len(), size);
        assert_eq!(actions.contains(&Action::Resume { partition: 0 }), resumed);
        batches.settle(*unit, returned(""), NOW + 500);
    }
}

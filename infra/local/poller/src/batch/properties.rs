//! Properties that hold whatever happens to invocations: no record is committed before it is
//! resolved, each partition has at most one invocation in flight, and every run ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::tests::{frame, mapping};
use super::*;

/// How one invocation ends. A short list of these steers a whole run.
#[derive(Debug, Clone, Copy)]
enum Luck {
    Success,
    /// The response lists the records whose index in the batch has its bit set.
    Listed(u8),
    FunctionError,
    Invalid,
    Throttled,
    Unreached,
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        4 => Just(Luck::Success),
        3 => any::<u8>().prop_map(Luck::Listed),
        2 => Just(Luck::FunctionError),
        1 => Just(Luck::Invalid),
        1 => Just(Luck::Throttled),
        1 => Just(Luck::Unreached),
    ]
}

fn outcome(luck: Luck, records: &[Arc<Record>]) -> (Outcome, BTreeSet<(i32, i64)>) {
    let all: BTreeSet<_> = records
        .iter()
        .map(|record| (record.partition, record.offset))
        .collect();
    let answered = |function_error: Option<&str>, body: String| Outcome::Answered {
        answer: Answer {
            request_id: None,
            status: 200,
            executed_version: None,
            function_error: function_error.map(str::to_owned),
        },
        body: body.into_bytes(),
    };
    match luck {
        Luck::Success => (answered(None, "null".to_owned()), all),
        Luck::Listed(bits) => {
            let failed: Vec<_> = all
                .iter()
                .copied()
                .enumerate()
                .filter(|(index, _)| bits >> (index % 8) & 1 == 1)
                .map(|(_, one)| one)
                .collect();
            let items: Vec<_> = failed
                .iter()
                .map(|(partition, offset)| serde_json::json!({"itemIdentifier": {"partition": format!("topic-{partition}"), "offset": offset}}))
                .collect();
            let succeeded = all
                .into_iter()
                .filter(|one| !failed.contains(one))
                .collect();
            (
                answered(
                    None,
                    serde_json::json!({"batchItemFailures": items}).to_string(),
                ),
                succeeded,
            )
        }
        Luck::FunctionError => (answered(Some("Unhandled"), String::new()), BTreeSet::new()),
        Luck::Invalid => (answered(None, "\"no\"".to_owned()), BTreeSet::new()),
        Luck::Throttled => (Outcome::Throttled, BTreeSet::new()),
        Luck::Unreached => (
            Outcome::NotReached {
                reason: String::new(),
            },
            BTreeSet::new(),
        ),
    }
}

enum Flight {
    Invocation {
        unit: u64,
        records: Vec<Arc<Record>>,
    },
    Discard {
        unit: u64,
        records: Vec<Arc<Record>>,
    },
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_record_is_resolved_and_none_is_committed_before(
        partitions in prop::collection::vec((0_i64..100, 0_usize..12), 1..5),
        batch_size in 1_usize..9,
        retries in prop::option::of(0_u32..3),
        bisect in any::<bool>(),
        maximum_age in prop::option::of(60_u64..61),
        lucks in prop::collection::vec(luck(), 0..60),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        ages in prop::collection::vec(0_i64..120_000, 1..10),
    ) {
        let start = 1_760_000_000_000_i64;
        let mut now = start;
        let mut settings = mapping();
        settings.batch_size = batch_size;
        settings.maximum_retries = retries;
        settings.bisect = bisect;
        settings.maximum_age = maximum_age.map(Duration::from_secs);
        let mut batches = Batches::new(Arc::new(settings), Arc::new(frame()));

        let mut waiting: Vec<Record> = Vec::new();
        for (number, &(first, count)) in (0_i32..).zip(&partitions) {
            batches.assign(number);
            for offset in (first..).take(count) {
                let age = ages[waiting.len() % ages.len()];
                let timestamp = Some(kafka_client::Timestamp::CreateTime(start - age));
                waiting.push(Record { partition: number, offset, timestamp, key: None, value: None, headers: vec![] });
            }
        }
        // The partitions are interleaved, each in order.
        waiting.sort_by_key(|record| (record.offset, record.partition));
        waiting.reverse();

        let all: BTreeSet<_> = waiting.iter().map(|record| (record.partition, record.offset)).collect();
        let mut resolved = BTreeSet::new();
        let mut committed: BTreeMap<i32, i64> = BTreeMap::new();
        let mut flights: Vec<Flight> = Vec::new();
        let mut lucks = lucks.into_iter();
        let mut picks = picks.into_iter().cycle();
        for turn in 0.. {
            prop_assert!(turn < 100_000, "it does not end");
            let mut actions: Vec<Action> = waiting.pop().and_then(|record| batches.add(record, now)).into_iter().collect();
            actions.extend(batches.next_actions(now));
            if actions.is_empty() && waiting.is_empty() {
                if flights.is_empty() {
                    match batches.wake_at() {
                        Some(at) => {
                            prop_assert!(at > now, "it would spin");
                            now = at;
                        }
                        None => break,
                    }
                } else {
                    let pick = picks.next().expect("it cycles").index(flights.len());
                    now += 7;
                    match flights.swap_remove(pick) {
                        Flight::Invocation { unit, records } => {
                            let (outcome, succeeded) = outcome(lucks.next().unwrap_or(Luck::Success), &records);
                            resolved.extend(succeeded);
                            actions = batches.settle(unit, outcome, now);
                        }
                        Flight::Discard { unit, records } => {
                            resolved.extend(records.iter().map(|record| (record.partition, record.offset)));
                            actions = batches.discarded(unit);
                        }
                    }
                }
            }
            for action in actions {
                match action {
                    Action::Invoke { unit, records, .. } => {
                        prop_assert!(records.len() <= batch_size);
                        prop_assert!(records.iter().all(|record| !resolved.contains(&(record.partition, record.offset))));
                        let invoked: Vec<_> = flights.iter().filter(|flight| matches!(flight, Flight::Invocation { .. })).collect();
                        prop_assert!(invoked.len() < MOST_INVOCATIONS);
                        for flight in &flights {
                            let (Flight::Invocation { records: others, .. } | Flight::Discard { records: others, .. }) = flight;
                            let shared = others.iter().any(|one| records.iter().any(|other| one.partition == other.partition));
                            prop_assert!(!shared, "two at once of one partition");
                        }
                        flights.push(Flight::Invocation { unit, records });
                    }
                    Action::Discard { unit, discard } => flights.push(Flight::Discard { unit, records: discard.records }),
                    Action::Commit { partition, offset } => {
                        for one in all.range((partition, 0)..(partition, offset)) {
                            prop_assert!(resolved.contains(one), "{one:?} is committed and not resolved");
                        }
                        let before = committed.insert(partition, offset);
                        prop_assert!(before.is_none_or(|before| before < offset), "a commit went back");
                    }
                    Action::Retrying { .. } | Action::Pause { .. } | Action::Resume { .. } => {}
                }
            }
        }
        prop_assert_eq!(&resolved, &all);
        for (number, &(first, count)) in (0_i32..).zip(&partitions) {
            let end = (count > 0).then(|| first + i64::try_from(count).unwrap());
            prop_assert_eq!(committed.get(&number).copied(), end);
        }
    }
}

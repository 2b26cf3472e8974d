//! What is said of a batch: the answer, the metrics, the log and the trace.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use contract::TraceParent;
use telemetry::Traces;
use tracing::subscriber::with_default;
use tracing_subscriber::fmt;

use super::{
    script::Answer,
    world::{NONE, TRACE, UNREADABLE, World},
};
use crate::batch::BatchError;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of the log of one delivery.
fn logged(world: &mut World) -> Vec<String> {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = fmt().with_ansi(false).with_writer(move || writer.clone());
    with_default(subscriber.finish(), || world.deliver());
    let bytes = log.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The only line of `log` that contains `text`.
fn line<'a>(log: &'a [String], text: &str) -> &'a str {
    let found: Vec<_> = log.iter().filter(|line| line.contains(text)).collect();
    let [line] = found[..] else {
        panic!("{} lines contain `{text}`: {log:#?}", found.len())
    };
    line
}

/// A world in which each fate happens, in each of two partitions.
fn every_fate() -> World {
    World::of(&[
        (0, &["a1", "bad", "b1", "c1", "smoke1"]),
        (1, &["d1", "e1", "bad"]),
    ])
    .where_call("publish b1", Answer::Fails)
    .where_call("sent e1", Answer::Fails)
}

#[test]
fn the_answer_names_each_record_to_redeliver_by_partition_and_offset() {
    let world = World::of(&[(0, &["a1", "b1"]), (12, &["c1", "d1"])])
        .where_call("commit b1", Answer::Fails)
        .where_call("sent d1", Answer::Fails);
    let all = ["0@0", "0@1", "12@0", "12@1"].map(str::to_owned);
    let answer = world.invoke(&world.batch(&all)).unwrap();
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        concat!(
            r#"{"batchItemFailures":["#,
            r#"{"itemIdentifier":{"partition":"eventzr.event.created.v1-0","offset":1}},"#,
            r#"{"itemIdentifier":{"partition":"eventzr.event.created.v1-12","offset":1}}]}"#
        )
    );
    let rest = ["0@1", "12@1"].map(str::to_owned);
    world.script.heals();
    let answer = world.invoke(&world.batch(&rest)).unwrap();
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        r#"{"batchItemFailures":[]}"#
    );
}

#[test]
fn a_payload_that_is_no_batch_is_an_error_and_no_answer() {
    let world = World::of(&[]);
    let refused = world.invoke(r#"{"Records":[]}"#);
    assert!(matches!(refused, Err(BatchError::Shape(_))), "{refused:?}");
    assert_eq!(world.calls(), NONE);
}

#[test]
fn the_metrics_count_the_records_by_fate_without_those_of_smoke_checks() {
    let mut world = every_fate();
    world.deliver();
    // Received, done, dead-lettered, retried.
    assert_eq!(world.script.state().measured, [[7, 2, 1, 4]]);
    world.script.heals();
    world.deliver_again();
    assert_eq!(world.script.state().measured[1..], [[4, 3, 1, 0]]);
}

#[test]
fn a_batch_of_smoke_checks_alone_writes_no_metric() {
    let mut world = World::of(&[(0, &["smoke1", "smoke2"])]);
    assert_eq!(world.deliver(), NONE);
    assert!(world.is_over("0@0") && world.is_over("0@1"));
    assert_eq!(world.script.state().measured.len(), 0);
}

#[test]
fn the_log_counts_the_records_by_fate_in_all_and_in_each_partition() {
    let log = logged(&mut every_fate());
    let handled = line(&log, "batch handled");
    for counts in [
        "received=8 done=2 dead_lettered=1 retried=5",
        "eventzr.event.created.v1-0: 1 done, 1 dead-lettered, 3 retried; ",
        "eventzr.event.created.v1-1: 1 done, 0 dead-lettered, 2 retried",
    ] {
        assert!(handled.contains(counts), "{counts}: {handled}");
    }
}

#[test]
fn the_log_says_why_a_partition_was_cut_once_for_each_partition() {
    let log = logged(&mut every_fate());
    let errors: Vec<_> = log.iter().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 2, "{log:#?}");
    for (place, why) in [
        ("partition=0 offset=2", "the producer was closed"),
        (
            "partition=1 offset=1",
            "the queue refused the message: InternalError",
        ),
    ] {
        let error = line(&log, place);
        assert!(error.contains("record to be delivered again: "), "{error}");
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn the_log_says_once_for_each_partition_why_a_call_that_sends_several_failed() {
    let mut world = World::of(&[(0, &["a1", "b1"]), (1, &["c1", "d1", "e1"])])
        .where_call("send a1+b1+c1+d1+e1", Answer::Fails);
    let log = logged(&mut world);
    let said = |line: &&String| line.contains("sending messages to the queue: ");
    assert_eq!(log.iter().filter(said).count(), 2, "{log:#?}");
    assert!(line(&log, "partition=1").contains("offset=0"));
}

#[test]
fn the_log_says_for_which_phase_no_time_was_left_once_for_each_partition() {
    let lasts = Duration::from_secs(20);
    let mut world = World::of(&[(0, &["a1", "b1"]), (1, &["c1", "d1"])]).where_it_lasts(lasts);
    let log = logged(&mut world);
    let said = |line: &&String| line.contains("no time is left to commit it");
    assert_eq!(log.iter().filter(said).count(), 2, "{log:#?}");
    assert!(line(&log, "partition=1").contains("offset=0"));
}

#[test]
fn the_log_says_where_a_dead_letter_is_from_and_nothing_of_its_content() {
    let mut world = World::of(&[(0, &["a1", "bad"])]);
    let log = logged(&mut world);
    let id = world.script.state().dead_letters["0@1"].id().to_string();
    let warning = line(&log, "record dead-lettered");
    for said in ["partition=0", "offset=1", "tenant=\"tenant-1\"", &id] {
        assert!(warning.contains(said), "{said}: {warning}");
    }
    let text = log.concat();
    assert!(
        !text.contains("secret") && !text.contains(UNREADABLE),
        "{text}"
    );
}

/// The script commits a group, and each event by itself if `alone`.
#[test]
fn the_log_says_that_an_event_is_older_and_than_which_each_time_it_comes() {
    for alone in [&[][..], &["a2", "a1"]] {
        let mut world = World::of(&[(0, &["a2", "a1", "b1"])]).where_none_is_in_a_group(alone);
        // Again, because the function may have died before it said so.
        for delivery in 1..3 {
            let log = logged(&mut world);
            let warning = line(&log, "event older than what was known");
            for said in [
                "WARN",
                "partition=0 offset=1",
                "tenant=\"tenant-1\"",
                " event=\"a1\"",
                "newer_event=\"a2\"",
                "newer_time=2026-11-20T09:00:00Z",
                "both happened at the same time",
            ] {
                assert!(warning.contains(said), "{said}: {warning}");
            }
            assert_eq!(world.script.state().older, vec![1; delivery]);
            world.script.closes_all();
        }
        assert_eq!(world.published(), ["a2", "b1"]);
    }
}

#[test]
fn an_older_event_that_is_delivered_again_is_only_counted_once_it_is_done() {
    let mut world = World::of(&[(0, &["b1", "a2", "a1"])]).where_call("publish b1", Answer::Fails);
    let log = logged(&mut world);
    assert!(!log.concat().contains("older than"), "{log:#?}");
    assert_eq!(world.script.state().older.len(), 0);
    world.script.heals();
    assert_eq!(world.deliver_again(), NONE);
    assert_eq!(world.script.state().older, [1]);
}

#[test]
fn the_log_says_once_for_a_batch_that_events_are_ahead_of_the_clock() {
    let mut world = World::of(&[(0, &["ahead1", "a1", "ahead2"]), (1, &["b1"])]);
    let log = logged(&mut world);
    let warning = line(&log, "ahead of the studio's clock");
    for said in ["WARN", "eventzr.event.created.v1", "events=2 seconds=180"] {
        assert!(warning.contains(said), "{said}: {warning}");
    }
    assert_eq!(world.script.state().ahead, [180_000]);
}

#[test]
fn nothing_is_said_or_measured_of_times_where_all_are_right() {
    let mut world = World::of(&[(0, &["a1", "a2", "bad"])]);
    let log = logged(&mut world);
    assert!(!log.concat().contains("clock"), "{log:#?}");
    assert!(!log.concat().contains("older"), "{log:#?}");
    let state = world.script.state();
    assert_eq!((state.older.len(), state.ahead.len()), (0, 0));
}

#[test]
fn the_metrics_leave_out_the_times_of_smoke_checks() {
    let mut world = World::of(&[(0, &["smoke2", "smoke1"])]);
    world.deliver();
    assert_eq!(world.script.state().older.len(), 0);
}

/// The trace that the events of `a1` are published with.
fn published_trace(traces: Traces) -> TraceParent {
    let mut world = World::traced(&[(0, &["a1"])], traces);
    assert_eq!(world.deliver(), NONE);
    let (_, events) = world.script.state().kafka[0].clone();
    let all: Vec<_> = events.iter().map(|event| event.trace.unwrap()).collect();
    assert!(all.iter().all(|trace| *trace == all[0]), "{all:?}");
    all[0]
}

#[test]
fn what_follows_from_an_event_continues_its_trace() {
    assert_eq!(published_trace(Traces::off()), TRACE);
    let resource = telemetry::resource("studio".to_owned(), "local".to_owned());
    let traces = Traces::to("http://127.0.0.1:1", &resource);
    let trace = published_trace(traces.unwrap());
    assert_eq!(trace.trace, TRACE.trace);
    assert_ne!(trace.span, TRACE.span, "the record's span is the parent");
}

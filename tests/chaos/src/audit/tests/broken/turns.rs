//! What may be wrong with the lines of vendors and their slots.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Case, Fault, fault};
use crate::{audit::tests::healthy::READ_AT, settle::Unsettled};

/// Nothing is on its way.
const SETTLED: Unsettled = Unsettled {
    lag: 0,
    open: 0,
    queued: 0,
    waiting: 0,
    held: 0,
    swept: true,
    quiet: true,
};

pub fn faults() -> Vec<Fault> {
    let on_its_way = "something is still on its way…";
    let without_end = "jobs that waited for their turn and have no end";
    let slots = "slots that are held by jobs that are over";
    vec![
        fault("no line", "jobs that waited for their turn", |case| {
            case.stood.clear();
        }),
        fault("one sweep at a time", "sweeps at the same time", |case| {
            case.faults.woken_twice = 0;
        }),
        fault("wake-ups that all came", "looks at lines…", |case| {
            case.faults.wakes_cut = 0;
        }),
        fault("a job that still waits", on_its_way, |case| {
            case.unsettled = Some(Unsettled {
                waiting: 1,
                ..SETTLED
            });
        }),
        fault("a slot that is still held", on_its_way, |case| {
            case.unsettled = Some(Unsettled { held: 1, ..SETTLED });
        }),
        fault("a wake-up that was lost", without_end, |case| {
            let id = case.stood.first().unwrap();
            let job = case.world.table.jobs.get_mut(id).unwrap();
            job["state"] = json!({ "is": "created" });
        }),
        fault("a job that was lost in its line", without_end, |case| {
            case.stood.insert("job-lost".to_owned());
        }),
        fault("nothing to judge", without_end, |case| {
            case.stood.clear();
        }),
        fault(
            "an entry of a job that is over",
            "entries that are left in a line",
            |case| {
                let entry = "waiting#runway#0 / 0b0c#1-job#2026-11-27T00:00:00Z#job-0001";
                case.world.table.waiting.push(entry.to_owned());
            },
        ),
        fault("a slot that was not released", slots, |case| {
            hold(case, SignedDuration::from_secs(1));
        }),
        fault("a slot that is held for ever", slots, |case| {
            hold(case, SignedDuration::from_hours(24 * 365));
        }),
        fault("a vendor that gave out no slot", slots, |case| {
            case.world.table.slots.clear();
        }),
    ]
}

/// Has a completed job hold a slot for so long after the table was read.
fn hold(case: &mut Case, time: SignedDuration) {
    let (id, _) = case.job();
    let read_at: Timestamp = READ_AT.parse().unwrap();
    let slots = case.world.table.slots.get_mut("runway").unwrap();
    slots.insert(id, read_at + time);
}

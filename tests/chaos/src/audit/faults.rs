//! The faults: all of them were injected and hit something, because a storm without faults shows
//! nothing.

use super::{Audit, Evidence, MOST_RECEIVES, TEN_RETRIES};
use crate::storm::points;

pub fn audit(audit: &mut Audit, evidence: &Evidence<'_>) {
    let Evidence {
        workload,
        faults,
        deliveries,
        receives,
        stood,
        outage,
        least_jobs,
        ..
    } = evidence;
    audit.know("records published", workload.records());
    audit.at_least("jobs that they open", *least_jobs, workload.opens());
    for (function, point) in points() {
        let kills = faults.kills.get(&(function, point)).copied();
        audit.at_least(
            &format!("{function} was killed {point}"),
            1,
            kills.unwrap_or_default() as usize,
        );
    }
    audit.at_least("processes killed at random", 1, faults.killed_at_random);
    for (refusal, count) in &faults.refusals {
        audit.at_least(&format!("calls that {refusal}"), 1, *count as usize);
    }
    audit.at_least("calls that AWS refused, by kind", 1, faults.refusals.len());
    let (cuts, connections) = faults.cuts;
    audit.at_least(
        &format!("connections that were cut, in {cuts} cuts of the line"),
        1,
        connections,
    );
    let (slow, pieces) = faults.slow;
    audit.at_least(
        &format!("pieces of data that were late, in {slow} times of a slow line"),
        1,
        pieces,
    );
    audit.at_least("the broker was killed", 1, faults.broker);
    let (times, batches) = faults.twice;
    audit.at_least(
        &format!("batches delivered twice at once, in {times} times"),
        1,
        batches as usize,
    );
    let (times, batches) = faults.replayed;
    audit.at_least(
        &format!("batches delivered from a topic's start, in {times} times"),
        1,
        batches as usize,
    );
    audit.at_least("messages sent twice", 1, faults.doubled);
    audit.at_least("messages sent once more at the end", 1, faults.late);
    audit.at_least("messages lost", 1, faults.lost);
    // None may be lost before `render` has left the ends to the sweep.
    audit.at_least(
        "messages lost whose ends were left to the sweep",
        1,
        faults.lost_with_ends,
    );
    audit.at_least("messages of a later version", 1, faults.newer.len());
    audit.at_least(
        "calls to the queue that were cut",
        1,
        faults.queue_cut as usize,
    );
    audit.at_least("jobs that waited for their turn", 1, stood.len());
    audit.at_least("sweeps at the same time", 1, faults.woken_twice);
    audit.at_least("looks at lines that were cut", 1, faults.wakes_cut as usize);
    let least = if *outage { TEN_RETRIES + 1 } else { 1 };
    audit.at_least(
        "deliveries of the batch that was delivered most often",
        least as usize,
        *deliveries as usize,
    );
    // No message of a later version is a dead letter before.
    audit.at_least(
        "receives of the message that came most often",
        MOST_RECEIVES as usize,
        *receives as usize,
    );
}

//! The audit: compares what a run left with the expectations. It demands that a healthy studio
//! rendered everything, and a rule that finds nothing to judge fails.

use std::collections::{BTreeMap, BTreeSet};

mod assets;
mod dead_letters;
mod faults;
mod file;
mod jobs;
mod order;
mod paid;
mod published;
mod report;
mod table;
mod templates;
#[cfg(test)]
mod tests;
mod turns;
mod world;

use crate::{settle::Unsettled, storm::Faults, watch::States, workload::Workload};
pub use report::{Audit, Row};
pub(crate) use world::World;

/// The results of a run that the audit needs, besides what the run left.
pub(crate) struct Evidence<'a> {
    pub workload: &'a Workload,
    pub states: &'a States,
    /// The jobs that were seen in a vendor's line.
    pub stood: &'a BTreeSet<String>,
    pub faults: Faults,
    pub unsettled: Option<Unsettled>,
    /// The number of deliveries of the batch that was delivered most often.
    pub deliveries: u32,
    /// The number of receives of the message that was received most often.
    pub receives: u32,
    /// Whether the line was cut for longer than ten retries take.
    pub outage: bool,
    /// The least number of jobs that the records have to open.
    pub least_jobs: usize,
}

/// The deliveries that Lambda makes of "infinite" retries if there is an on-failure destination:
/// the first one and ten more.
pub const TEN_RETRIES: u32 = 11;

/// The receives of a message until it goes to the dead-letter queue.
pub const MOST_RECEIVES: u32 = 5;

/// Runs every check.
pub(crate) fn audit(world: &World, evidence: &Evidence<'_>) -> Audit {
    let mut audit = Audit::default();
    let expected = &evidence.workload.expected;
    faults::audit(&mut audit, evidence);
    settled(&mut audit, evidence.unsettled);
    jobs::audit(&mut audit, &world.table, expected, &evidence.faults);
    states(&mut audit, evidence.states);
    assets::audit(&mut audit, world);
    published::audit(&mut audit, world);
    order::audit(&mut audit, world);
    paid::audit(&mut audit, world);
    turns::audit(&mut audit, &world.table, evidence.stood);
    templates::audit(&mut audit, world, expected);
    dead_letters::audit(&mut audit, world, evidence.workload);
    dead_letters::of_the_queue(&mut audit, world, &evidence.faults.newer);
    audit
}

fn settled(audit: &mut Audit, unsettled: Option<Unsettled>) {
    let left = unsettled.map(
        |Unsettled {
             lag,
             open,
             queued,
             waiting,
             held,
             swept,
             quiet,
         }| {
            format!(
                "{lag} records behind, {open} items open, {queued} messages queued, {waiting} jobs in lines, {held} slots held, the last sweep {}, records {}",
                if swept { "succeeded" } else { "failed" },
                if quiet { "stopped" } else { "still came" }
            )
        },
    );
    audit.none(
        "something is still on its way after the last sweep",
        left.into_iter().collect(),
    );
}

fn states(audit: &mut Audit, states: &States) {
    audit.none_of(
        &format!("states that went backwards, in {} looks", states.looks),
        states.compared,
        states.backwards.clone(),
    );
}

/// Counts each name.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut tally = BTreeMap::new();
    for name in names {
        *tally.entry(name).or_insert(0) += 1;
    }
    tally
}

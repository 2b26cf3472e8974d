//! Shows the audit a healthy world, and that world with one fault at a time.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Audit, Evidence, MOST_RECEIVES, TEN_RETRIES, World, audit, file::File};
use crate::{
    settle::Unsettled,
    storm::{Faults, points},
    watch::States,
    workload::Workload,
};

mod broken;
mod healthy;

/// All that the audit is given.
#[derive(Clone)]
struct Case {
    workload: Workload,
    world: World,
    states: States,
    stood: BTreeSet<String>,
    faults: Faults,
    unsettled: Option<Unsettled>,
    deliveries: u32,
    receives: u32,
}

impl Case {
    fn audit(&self) -> Audit {
        let evidence = Evidence {
            workload: &self.workload,
            states: &self.states,
            stood: &self.stood,
            faults: self.faults.clone(),
            unsettled: self.unsettled,
            deliveries: self.deliveries,
            receives: self.receives,
            outage: true,
            least_jobs: 60,
        };
        audit(&self.world, &evidence)
    }

    /// The first completed job, which is a picture's: its id, and its state in the table.
    fn job(&mut self) -> (String, &mut Value) {
        let (id, job) = self.world.table.jobs.iter_mut().next().unwrap();
        (id.clone(), job)
    }

    /// The first file that is a picture.
    fn file(&mut self) -> &mut File {
        let mut files = self.world.files.values_mut();
        files.find(|file| file.pixels.is_some()).unwrap()
    }

    /// Has the first job fail, in the table and in Kafka.
    fn fail(&mut self, class: &str, detail: &str, attempts: Value) {
        let (id, job) = self.job();
        job["attempts"] = attempts;
        job["state"] = json!({ "is": "failed", "failure": { "class": class, "detail": detail } });
        healthy::announce_failure(&mut self.world, &id, class);
    }
}

/// The names of the checks that a world does not pass.
fn wrong(audit: &Audit) -> BTreeSet<String> {
    let wrong = audit.rows.iter().filter(|row| !row.holds);
    wrong.map(|row| row.what.clone()).collect()
}

/// Whether `rule` is this name, or its beginning and `…`.
fn is(name: &str, rule: &str) -> bool {
    match rule.strip_suffix('…') {
        Some(beginning) => name.starts_with(beginning),
        None => name == rule,
    }
}

#[test]
fn a_healthy_world_passes() {
    let audit = healthy::case().audit();
    assert!(audit.passes(), "{audit}");
}

#[test]
fn each_fault_is_found_by_its_rule() {
    for (fault, rule, break_it) in broken::faults() {
        let mut case = healthy::case();
        break_it(&mut case);
        let audit = case.audit();
        assert!(!audit.passes(), "{fault}");
        let wrong = wrong(&audit);
        assert!(
            wrong.iter().any(|name| is(name, &rule)),
            "{fault} is not found by {rule:?}, but by {wrong:#?}"
        );
    }
}

#[test]
fn every_rule_is_seen_failing() {
    let checks = healthy::case().audit().rows.into_iter();
    let mut unseen: BTreeSet<String> = checks
        .filter(|row| row.expected.is_some())
        .map(|row| row.what)
        .collect();
    assert!(unseen.len() > 50, "{unseen:#?}");
    for (_, rule, _) in broken::faults() {
        unseen.retain(|name| !is(name, &rule));
    }
    assert!(unseen.is_empty(), "no fault for {unseen:#?}");
}

#[test]
fn a_rule_that_finds_nothing_to_judge_fails() {
    let mut case = healthy::case();
    case.world = World::default();
    case.states = States::default();
    let audit = case.audit();
    let checks = audit.rows.iter().filter(|row| row.expected.is_some());
    // The rules before this one judge the storm, which is not part of the world.
    let checks = checks.skip_while(|row| row.what != "causes decided");
    let passed: Vec<&str> = checks
        .filter(|row| row.holds)
        .map(|row| &*row.what)
        .collect();
    // A healthy run may have nothing that these could judge.
    let may_judge_nothing = [
        "jobs that failed without a fault of the storm",
        "jobs that failed, or whose failure was announced, and not both",
        "failed that state no reason, or another class",
        "connections to the broker that were not understood",
        "entries that are left in a line",
        // This judges the workload.
        "poison published, by 3 rules",
    ];
    assert_eq!(passed, may_judge_nothing);
    assert!(!Audit::default().passes());
}

#[test]
fn a_job_that_the_storm_made_fail_is_named_with_the_fault() {
    let mut case = healthy::case();
    let died = "the function died of its message five times, and once more with nothing beside it";
    case.fail("abandoned", died, json!([]));
    let audit = case.audit();
    assert!(audit.passes(), "{audit}");
    let named = audit
        .rows
        .iter()
        .find(|row| row.what == "jobs that failed because of one");
    let named = named.unwrap();
    assert_eq!(named.found, "1");
    let fault = "six receives of its message";
    assert!(named.details[0].contains(fault), "{:?}", named.details);
}

#[test]
fn the_share_of_completed_jobs_is_printed_with_its_floor() {
    let audit = healthy::case().audit();
    let completed = audit.rows.iter().find(|row| row.what == "jobs completed");
    let completed = completed.unwrap();
    assert!(
        completed.details[0].starts_with("100.0 % of "),
        "{:?}",
        completed.details
    );
    let all: usize = completed.found.parse().unwrap();
    // The healthy case has 5 kills of `render` at points and 1 at random, which fail one batch; 4 of
    // `completion` at points, 6 at random, and 11 refused calls.
    assert_eq!(completed.expected, Some(format!(">= {}", all - 10 - 13)));
}

#[test]
fn a_storm_without_the_long_outage_needs_one_delivery_only() {
    let case = healthy::case();
    let evidence = |outage, deliveries| Evidence {
        workload: &case.workload,
        states: &case.states,
        stood: &case.stood,
        faults: case.faults.clone(),
        unsettled: None,
        deliveries,
        receives: MOST_RECEIVES,
        outage,
        least_jobs: 60,
    };
    assert!(audit(&case.world, &evidence(false, 1)).passes());
    assert!(!audit(&case.world, &evidence(false, 0)).passes());
    assert!(!audit(&case.world, &evidence(true, TEN_RETRIES)).passes());
}

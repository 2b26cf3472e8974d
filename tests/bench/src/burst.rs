//! Simulates a burst of a million created events in an hour against production's quotas, second by
//! second and with the times of the same run. It shows which ceiling the burst meets first, how
//! long events wait there, and whose events wait. It assumes enough pollers: the template's two keep
//! ten batches of a topic in flight, and a batch may have records of several partitions.

use std::collections::VecDeque;

use crate::bill::{EVENTS, JOBS};
use crate::report::{Row, Unit};

/// The quotas and settings that limit the burst.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `StartExecution` of standard state machines: the bucket size, and the refill per second
    /// (ap-south-1: 800 and 150; Step Functions, service quotas).
    pub starts: (f64, f64),
    /// State transitions per second (ap-south-1: 800).
    pub transitions: f64,
    /// Concurrent renders: the template's `CompletionConcurrency`.
    pub renders: f64,
    /// Partitions of the topic. They are an assumption, because another team owns the topic. The
    /// mapping has one batch of each partition in flight.
    pub partitions: usize,
}

impl Limits {
    /// Production's limits.
    pub const PRODUCTION: Self = Self {
        starts: (800.0, 150.0),
        transitions: 800.0,
        renders: 20.0,
        partitions: 12,
    };
}

/// The times that the run measured.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Seconds for a batch of 100.
    pub batch: f64,
    /// Seconds for both steps of a picture.
    pub job: f64,
    /// State transitions of a picture.
    pub transitions: f64,
}

const LASTS: f64 = 3600.0;
const BATCH: f64 = 100.0;

/// The share of all events that one large tenant sends.
const LARGE: f64 = 0.5;

/// The age in seconds at which the mapping drops a record. The simulation compares it with a longer
/// time: until the picture is finished.
const MAX_RECORD_AGE: f64 = 518_400.0;

/// The sender of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// The large tenant.
    Large,
    /// Tenants whose key falls into the large tenant's partition.
    Beside,
    /// All other tenants.
    Others,
}

/// Events that arrived in the same second.
#[derive(Debug, Clone, Copy)]
struct Cohort {
    who: Who,
    came: f64,
    events: f64,
}

/// A queue of cohorts, the oldest first.
#[derive(Debug, Clone, Default)]
struct Line {
    cohorts: VecDeque<Cohort>,
    events: f64,
}

impl Line {
    fn push(&mut self, cohort: Cohort) {
        self.events += cohort.events;
        self.cohorts.push_back(cohort);
    }

    /// Takes this many events from the front.
    fn take(&mut self, events: f64) -> Vec<Cohort> {
        let (mut left, mut taken) = (events, Vec::new());
        while left > 0.0
            && let Some(first) = self.cohorts.front_mut()
        {
            let part = first.events.min(left);
            taken.push(Cohort {
                events: part,
                ..*first
            });
            first.events -= part;
            left -= part;
            self.events -= part;
            if first.events <= f64::EPSILON {
                self.cohorts.pop_front();
            }
        }
        taken
    }
}

/// The result of the simulation.
#[derive(Debug)]
struct Outcome {
    /// Finished cohorts, each with its waiting time.
    finished: Vec<(Cohort, f64)>,
    /// The time at which the last one finished.
    ends: f64,
}

/// The jobs per second that each stage can handle.
fn ceilings(limits: &Limits, times: &Times) -> [(&'static str, f64); 4] {
    [
        (
            "consumer, a batch of each partition at once",
            limits.partitions as f64 * BATCH / times.batch * JOBS,
        ),
        ("StartExecution", limits.starts.1),
        ("state transitions", limits.transitions / times.transitions),
        ("completion", limits.renders / times.job),
    ]
}

/// Runs the simulation.
///
/// A partition is read in order, one batch at a time, so in each second it starts at most what its
/// batches can. Every batch retries refused starts, 32 at once, so partitions that wait share the
/// starts evenly.
fn simulate(limits: &Limits, times: &Times) -> Outcome {
    let mut partitions = vec![Line::default(); limits.partitions];
    let mut started = Line::default();
    let (burst, refill) = limits.starts;
    let (mut now, mut starts, mut left) = (0.0, burst, EVENTS);
    let mut finished = Vec::new();
    let of_batches = BATCH / times.batch;
    let drawn = (limits.renders / times.job).min(limits.transitions / times.transitions) / JOBS;
    while left > 0.5 {
        if now < LASTS {
            arrive(&mut partitions, now);
        }
        starts = (starts + refill).min(burst);
        let wanted: Vec<f64> = partitions
            .iter()
            .map(|line| line.events.min(of_batches))
            .collect();
        for (line, events) in partitions.iter_mut().zip(share(&wanted, starts / JOBS)) {
            starts -= events * JOBS;
            line.take(events)
                .into_iter()
                .for_each(|cohort| started.push(cohort));
        }
        now += 1.0;
        for cohort in started.take(drawn) {
            left -= cohort.events;
            finished.push((cohort, now - cohort.came));
        }
    }
    Outcome {
        finished,
        ends: now,
    }
}

/// Adds the events of one second: the large tenant's to the first partition, all others' evenly.
fn arrive(partitions: &mut [Line], came: f64) {
    let (each_second, count) = (EVENTS / LASTS, partitions.len() as f64);
    for (index, line) in partitions.iter_mut().enumerate() {
        let who = if index == 0 { Who::Beside } else { Who::Others };
        line.push(Cohort {
            who,
            came,
            events: each_second * (1.0 - LARGE) / count,
        });
        if index == 0 {
            line.push(Cohort {
                who: Who::Large,
                came,
                events: each_second * LARGE,
            });
        }
    }
}

/// Shares `all` among the demands `wanted`: evenly, with the unused part of a small demand going to
/// the others.
fn share(wanted: &[f64], all: f64) -> Vec<f64> {
    let mut given = vec![0.0; wanted.len()];
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|one, other| wanted[*one].total_cmp(&wanted[*other]));
    let mut left = all;
    for (place, index) in order.iter().enumerate() {
        given[*index] = wanted[*index].min(left / (wanted.len() - place) as f64);
        left -= given[*index];
    }
    given
}

impl Outcome {
    /// The waiting time that `share` of the events of `who` did not exceed.
    fn waited(&self, who: Who, share: f64) -> f64 {
        let mut of: Vec<(f64, f64)> = self
            .finished
            .iter()
            .filter(|(cohort, _)| cohort.who == who)
            .map(|(cohort, took)| (*took, cohort.events))
            .collect();
        of.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut left = of.iter().map(|(_, events)| events).sum::<f64>() * share;
        of.iter()
            .find(|(_, events)| {
                left -= events;
                left <= 0.0
            })
            .or(of.last())
            .map_or(0.0, |(took, _)| *took)
    }

    fn oldest(&self) -> f64 {
        self.finished
            .iter()
            .map(|(_, took)| *took)
            .fold(0.0, f64::max)
    }
}

/// The rows of the report.
pub fn rows(limits: &Limits, times: &Times) -> Vec<Row> {
    let ceilings = ceilings(limits, times);
    let first = ceilings
        .iter()
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .map_or("none", |(name, _)| name);
    let outcome = simulate(limits, times);
    let how = "simulated with ap-south-1's quotas and this run's times; 12 partitions, one tenant sends half of all";
    let row = |what: String, unit, figures: Vec<(&str, f64)>| {
        let figures = figures
            .into_iter()
            .map(|(name, figure)| (name.to_owned(), figure));
        Row::new(what, how, unit, figures.collect())
    };
    let asked = ("asked for", EVENTS / LASTS * JOBS);
    let stages = [asked].into_iter().chain(ceilings).collect();
    let waits = vec![
        ("until all is finished", outcome.ends),
        (
            "tenants on other partitions, half of their events within",
            outcome.waited(Who::Others, 0.5),
        ),
        ("and 99 % within", outcome.waited(Who::Others, 0.99)),
        (
            "tenants beside the large one, half within",
            outcome.waited(Who::Beside, 0.5),
        ),
        (
            "the large one, half within",
            outcome.waited(Who::Large, 0.5),
        ),
        ("the oldest", outcome.oldest()),
    ];
    vec![
        row(
            format!("A million events in an hour: jobs a second; the first ceiling is {first}"),
            Unit::Count,
            stages,
        ),
        row(
            "A million events in an hour: nothing is given up".to_owned(),
            Unit::Seconds,
            waits,
        )
        .at_most("the oldest", MAX_RECORD_AGE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        batch: 1.0,
        job: 0.1,
        transitions: 4.0,
    };

    #[test]
    fn the_first_ceiling_in_production_is_start_execution() {
        let outcome = simulate(&Limits::PRODUCTION, &TIMES);
        let events: f64 = outcome
            .finished
            .iter()
            .map(|(cohort, _)| cohort.events)
            .sum();
        assert!((events - EVENTS).abs() < 1.0, "{events}");
        // Two million starts at 150 a second, less those that the full bucket allows.
        assert!(
            (outcome.ends - (EVENTS * JOBS - 800.0) / 150.0).abs() < 20.0,
            "{}",
            outcome.ends
        );
    }

    #[test]
    fn the_template_has_the_limits_of_the_simulation() {
        let template = include_str!("../../../infra/template.yaml");
        let max_age = format!("MaximumRecordAgeInSeconds: {MAX_RECORD_AGE}\n");
        let consumers = contract::Topic::consumed().count();
        assert_eq!(template.matches(&max_age).count(), consumers);
        let renders = format!(
            "CompletionConcurrency:\n    Type: Number\n    Default: {}\n",
            Limits::PRODUCTION.renders
        );
        assert!(template.contains(&renders));
    }

    #[test]
    fn a_large_tenant_delays_only_tenants_on_its_partition() {
        let outcome = simulate(&Limits::PRODUCTION, &TIMES);
        let waited = |who| outcome.waited(who, 0.5);
        assert!(
            waited(Who::Others) < waited(Who::Large) / 2.0,
            "{} {}",
            waited(Who::Others),
            waited(Who::Large)
        );
        assert!((waited(Who::Beside) - waited(Who::Large)).abs() <= 2.0);
    }

    #[test]
    fn without_ceilings_no_event_waits() {
        let none = Limits {
            starts: (1e9, 1e9),
            transitions: 1e9,
            renders: 1e9,
            partitions: 12,
        };
        assert_eq!(
            simulate(
                &none,
                &Times {
                    batch: 0.1,
                    ..TIMES
                }
            )
            .oldest(),
            1.0
        );
    }

    #[test]
    fn one_batch_at_a_time_limits_a_partition() {
        let none = Limits {
            starts: (1e9, 1e9),
            transitions: 1e9,
            renders: 1e9,
            partitions: 12,
        };
        let outcome = simulate(&none, &TIMES);
        // 150 events a second reach the large tenant's partition, and a batch of 100 takes a
        // second.
        assert!(
            outcome.waited(Who::Large, 1.0) > 1000.0 && outcome.waited(Who::Others, 1.0) == 1.0
        );
    }

    #[test]
    fn unused_shares_go_to_the_others() {
        assert_eq!(share(&[1.0, 10.0, 10.0], 9.0), [1.0, 4.0, 4.0]);
        assert_eq!(share(&[1.0, 2.0], 9.0), [1.0, 2.0]);
    }
}

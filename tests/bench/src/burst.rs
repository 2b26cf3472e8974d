//! Simulates a burst of a million created events in an hour against production's quotas, second by
//! second and with the times of the same run. It shows which ceiling the burst meets first, how
//! long events wait there, and whose events wait. It assumes enough pollers: the template's two keep
//! ten batches of a topic in flight, and a batch may have records of several partitions.

use std::collections::VecDeque;

use crate::bill::{EVENTS, JOBS};
use crate::drawn::MESSAGES;
use crate::report::{Row, Unit};

/// The quotas and settings that limit the burst.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Write units a second of a table that has had no traffic, and after how many seconds it takes
    /// twice as many. An on-demand table begins with 4,000, and takes twice its highest traffic
    /// within 30 minutes (DynamoDB Developer Guide, "On-demand capacity mode").
    pub table: (f64, f64),
    /// Write units a second under one partition key, here that of a tenant in the index `by-tenant`
    /// (DynamoDB Developer Guide, "Designing partition keys": 1,000).
    pub key: f64,
    /// Batches of the queue at once: the template's `RenderConcurrency`.
    pub renders: f64,
    /// Partitions of the topic. They are an assumption, because another team owns the topic. The
    /// mapping has one batch of each partition in flight.
    pub partitions: usize,
}

impl Limits {
    /// Production's limits.
    pub const PRODUCTION: Self = Self {
        table: (4000.0, 1800.0),
        key: 1000.0,
        renders: 26.0,
        partitions: 12,
    };

    /// Write units a second at a time of the burst, which uses all that the table takes.
    fn write_units(&self, now: f64) -> f64 {
        let (first, doubles_after) = self.table;
        first * (now / doubles_after).floor().exp2()
    }

    /// The events a second that are drawn.
    fn drawn(&self, times: &Times) -> f64 {
        self.renders * MESSAGES as f64 / times.messages
    }
}

/// The times and units that the run measured.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Seconds for a batch of 100 records.
    pub batch: f64,
    /// Seconds for a batch of ten messages.
    pub messages: f64,
    /// Write units of an event.
    pub written: f64,
    /// Those of them that are under its tenant's key.
    pub under_the_tenant: f64,
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

/// The jobs per second that each stage can handle; the table at the beginning of the burst.
fn ceilings(limits: &Limits, times: &Times) -> [(&'static str, f64); 4] {
    [
        (
            "consumer, a batch of each partition at once",
            limits.partitions as f64 * BATCH / times.batch * JOBS,
        ),
        (
            "the table, which begins with 4,000 write units",
            limits.write_units(0.0) / times.written * JOBS,
        ),
        (
            "one tenant's key in `by-tenant`",
            limits.key / times.under_the_tenant * JOBS,
        ),
        ("render", limits.drawn(times) * JOBS),
    ]
}

/// What waits in the queue. It is fair: a tenant who has many messages in flight and a backlog is
/// served after the others (SQS Developer Guide, "Fair queues").
#[derive(Debug, Clone, Default)]
struct Queue {
    quiet: Line,
    noisy: Line,
}

impl Queue {
    fn push(&mut self, cohort: Cohort) {
        match cohort.who {
            Who::Large => self.noisy.push(cohort),
            Who::Beside | Who::Others => self.quiet.push(cohort),
        }
    }

    fn take(&mut self, events: f64) -> Vec<Cohort> {
        let mut taken = self.quiet.take(events);
        let left = events - taken.iter().map(|cohort| cohort.events).sum::<f64>();
        taken.extend(self.noisy.take(left));
        taken
    }
}

/// Runs the simulation.
///
/// A partition is read in order, one batch at a time, so in each second it commits at most what its
/// batches can, and no more of the large tenant's than that tenant's key takes. Every batch tries
/// refused writes again, so partitions that wait share the table evenly. What is drawn needs the
/// table, too: an event has its units then.
fn simulate(limits: &Limits, times: &Times) -> Outcome {
    let mut partitions = vec![Line::default(); limits.partitions];
    let mut sent = Queue::default();
    let (mut now, mut left) = (0.0, EVENTS);
    let mut finished = Vec::new();
    // Of the first partition, where the large tenant's share of the records is this.
    let large = LARGE / (LARGE + (1.0 - LARGE) / limits.partitions as f64);
    let of_key = limits.key / times.under_the_tenant / large;
    while left > 0.5 {
        if now < LASTS {
            arrive(&mut partitions, now);
        }
        let of_table = limits.write_units(now) / times.written;
        let wanted: Vec<f64> = partitions
            .iter()
            .enumerate()
            .map(|(index, line)| {
                let most = if index == 0 { of_key } else { f64::INFINITY };
                line.events.min(BATCH / times.batch).min(most)
            })
            .collect();
        for (line, events) in partitions.iter_mut().zip(share(&wanted, of_table)) {
            line.take(events)
                .into_iter()
                .for_each(|cohort| sent.push(cohort));
        }
        now += 1.0;
        for cohort in sent.take(limits.drawn(times).min(of_table)) {
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
        messages: 1.0,
        written: 50.0,
        under_the_tenant: 6.0,
    };

    /// Limits that nothing meets, but for one batch of a partition at a time.
    const NONE: Limits = Limits {
        table: (1e9, 1e9),
        key: 1e9,
        renders: 1e9,
        partitions: 12,
    };

    #[test]
    fn the_first_ceiling_in_production_is_the_new_table() {
        let ceilings = ceilings(&Limits::PRODUCTION, &TIMES);
        let (first, jobs) = ceilings
            .into_iter()
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .unwrap();
        assert!(first.starts_with("the table"), "{first}");
        assert_eq!(jobs, 160.0);
        let outcome = simulate(&Limits::PRODUCTION, &TIMES);
        let events: f64 = outcome
            .finished
            .iter()
            .map(|(cohort, _)| cohort.events)
            .sum();
        assert!((events - EVENTS).abs() < 1.0, "{events}");
        assert!(outcome.ends > LASTS, "{}", outcome.ends);
    }

    #[test]
    fn a_table_takes_twice_as_much_after_half_an_hour() {
        let units = |now| Limits::PRODUCTION.write_units(now);
        assert_eq!(
            [0.0, 1799.0, 1800.0, 3600.0].map(units),
            [4e3, 4e3, 8e3, 16e3]
        );
    }

    #[test]
    fn the_template_has_the_limits_of_the_simulation() {
        let template = include_str!("../../../infra/template.yaml");
        let max_age = format!("MaximumRecordAgeInSeconds: {MAX_RECORD_AGE}\n");
        let consumers = contract::Topic::consumed().count();
        assert_eq!(template.matches(&max_age).count(), consumers);
        let renders = format!(
            "RenderConcurrency:\n    Type: Number\n    Default: {}\n",
            Limits::PRODUCTION.renders
        );
        assert!(template.contains(&renders));
    }

    #[test]
    fn a_large_tenant_delays_no_other_in_a_fair_queue() {
        let limits = Limits {
            renders: 20.0,
            ..NONE
        };
        // The queue is the only ceiling: batches of records take no time.
        let times = Times {
            batch: 0.1,
            ..TIMES
        };
        let outcome = simulate(&limits, &times);
        let waited = |who| outcome.waited(who, 0.99);
        assert_eq!([Who::Others, Who::Beside].map(waited), [1.0, 1.0]);
        assert!(waited(Who::Large) > 600.0, "{}", waited(Who::Large));
    }

    #[test]
    fn a_tenants_key_limits_its_own_partition() {
        let limits = Limits { key: 600.0, ..NONE };
        let times = Times {
            batch: 0.1,
            ..TIMES
        };
        let outcome = simulate(&limits, &times);
        // A hundred of its events a second, of the 139 that come.
        let waited = |who| outcome.waited(who, 1.0);
        assert!(waited(Who::Large) > 1000.0, "{}", waited(Who::Large));
        assert_eq!(waited(Who::Others), 1.0);
    }

    #[test]
    fn without_ceilings_no_event_waits() {
        let times = Times {
            batch: 0.1,
            ..TIMES
        };
        assert_eq!(simulate(&NONE, &times).oldest(), 1.0);
    }

    #[test]
    fn one_batch_at_a_time_limits_a_partition() {
        let outcome = simulate(&NONE, &TIMES);
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

//! Whose turn it is at a provider: tenants in turn, and of each the oldest, however long the line
//! is.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    mem,
    ops::Bound,
};

use contract::{Identifier, Time};
use domain::{
    Caps, ConcurrencyLimits, Found, JobId, LEASE_SECONDS, Place, TenantKey, VoiceModelId, Waiter,
    WorkId, derive,
};
use proptest::prelude::*;
use uuid::Uuid;

/// How long a provider works on a job, in seconds.
const WORK: u32 = 60;

fn at(second: u32) -> Time {
    let begin: Time = serde_json::from_str("\"2026-11-27T10:00:00Z\"").unwrap();
    begin.plus_seconds(second)
}

fn tenant(name: &str) -> Identifier {
    Identifier::parse(name).unwrap()
}

fn key(name: &str) -> TenantKey {
    TenantKey::new(&tenant(name))
}

/// The job `number` of the tenant `name`, created at the second `since`.
fn job(name: &str, number: u32, since: u32) -> Waiter {
    let id = derive(&[name.as_bytes(), &number.to_be_bytes()]);
    Waiter {
        tenant: key(name),
        work: WorkId::Job(JobId(id)),
        since: at(since),
    }
}

/// The order of a line.
type Order = (TenantKey, bool, Time, Uuid);

fn order(waiter: &Waiter) -> Order {
    let is_job = matches!(waiter.work, WorkId::Job(_));
    (waiter.tenant, is_job, waiter.since, waiter.work.uuid())
}

/// A provider with a line, as the table has it.
struct Provider {
    caps: Caps,
    limits: ConcurrencyLimits,
    line: BTreeMap<Order, (String, Waiter)>,
    /// How often the first behind a place was asked for.
    looks: Cell<usize>,
}

impl Provider {
    fn with(in_flight: usize, per_tenant: usize) -> Self {
        Self {
            caps: Caps {
                in_flight,
                per_tenant,
            },
            limits: ConcurrencyLimits::default(),
            line: BTreeMap::new(),
            looks: Cell::new(0),
        }
    }

    /// So many jobs of a tenant, each a second younger than the one before it.
    fn wait(&mut self, name: &str, jobs: u32, since: u32) {
        for number in 0..jobs {
            let waiter = job(name, number, since + number);
            self.line.insert(order(&waiter), (name.to_owned(), waiter));
        }
    }

    fn first_behind(&self, place: Place) -> Option<Waiter> {
        self.looks.set(self.looks.get() + 1);
        let behind = match place {
            Place::Begin => Bound::Unbounded,
            Place::Tenant(tenant) => Bound::Excluded((tenant, true, at(u32::MAX), Uuid::max())),
            Place::Waiter(other) => Bound::Excluded(order(&other)),
        };
        let mut line = self.line.range((behind, Bound::Unbounded));
        line.next().map(|(_, (_, waiter))| *waiter)
    }

    /// Whose turn it is, if a slot is free.
    fn next(&self) -> Option<Waiter> {
        let mut search = self.limits.search(self.caps)?;
        loop {
            let first = self.first_behind(search.place());
            match search.found(first) {
                Found::Next(waiter) => return Some(waiter),
                Found::LookOn(on) => search = on,
                Found::Nothing => return None,
            }
        }
    }

    /// Gives each free slot to whose turn it is at `now`; what was given one, in order.
    fn give_out(&mut self, now: u32) -> Vec<(String, Waiter)> {
        let mut given = Vec::new();
        self.limits = self.limits.clone().current(at(now));
        while let Some(waiter) = self.next() {
            let (name, waiter) = self.line.remove(&order(&waiter)).unwrap();
            let until = at(now + LEASE_SECONDS);
            let limits = self.limits.clone();
            let limits = limits.given(waiter.work, &tenant(&name), self.caps, at(now), until);
            self.limits = limits.expect("a slot is free");
            given.push((name, waiter));
        }
        given
    }

    fn release(&mut self, waiter: &Waiter) {
        let limits = self.limits.clone().released(waiter.work.uuid());
        self.limits = limits.expect("it has a lease");
    }
}

/// The names of the tenants in the order in which they had turns.
fn names(given: &[(String, Waiter)]) -> Vec<&str> {
    given.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn ten_thousand_jobs_of_one_tenant_do_not_delay_anothers_three() {
    // One tenant may take every slot, and has.
    let mut provider = Provider::with(4, 4);
    provider.wait("many", 10_000, 0);
    let mut working = provider.give_out(0);
    assert_eq!(names(&working), ["many"; 4]);
    provider.wait("three", 3, 1);
    let (mut now, mut turns, mut ended) = (0, 4, BTreeMap::new());
    while !working.is_empty() {
        now += WORK;
        for (name, waiter) in mem::take(&mut working) {
            provider.release(&waiter);
            // Each slot that becomes free is given out at once.
            let given = provider.give_out(now);
            assert!(given.len() == 1 || provider.line.is_empty());
            turns += given.len();
            working.extend(given);
            let ends: &mut Vec<u32> = ended.entry(name).or_default();
            ends.push(now);
        }
    }
    // Two of the three in the first round, one in the second.
    assert_eq!(ended["three"], [2 * WORK, 2 * WORK, 3 * WORK]);
    assert_eq!(ended["many"].len(), 10_000, "and nothing is forgotten");
    assert_eq!(turns, 10_003);
    let looks = provider.looks.get();
    assert!(looks <= 2 * turns + 10, "{looks} looks for {turns} turns");
}

#[test]
fn of_one_tenant_voices_go_first_and_then_the_oldest_job() {
    let mut provider = Provider::with(4, 4);
    provider.wait("one", 3, 10);
    let voice = Waiter {
        tenant: key("one"),
        work: WorkId::Voice(VoiceModelId(derive(&[b"a voice"]))),
        since: at(500),
    };
    provider
        .line
        .insert(order(&voice), ("one".to_owned(), voice));
    let given = provider.give_out(600);
    let waiters: Vec<Waiter> = given.into_iter().map(|(_, waiter)| waiter).collect();
    let jobs = [job("one", 0, 10), job("one", 1, 11), job("one", 2, 12)];
    assert_eq!(waiters, [&[voice][..], &jobs[..]].concat());
}

#[test]
fn a_tenant_at_its_cap_is_passed_over_and_has_its_turn_once_it_has_room() {
    let mut provider = Provider::with(4, 1);
    for name in ["a", "b", "c"] {
        provider.wait(name, 5, 0);
    }
    let first = provider.give_out(0);
    let all: BTreeSet<&str> = names(&first).into_iter().collect();
    assert_eq!(all, BTreeSet::from(["a", "b", "c"]), "one each");
    assert!(
        provider.next().is_none(),
        "a slot is free, and none may have it"
    );
    let (name, waiter) = &first[1];
    provider.release(waiter);
    assert_eq!(names(&provider.give_out(1)), [name.as_str()]);
}

#[test]
fn what_has_a_slot_and_still_stands_in_the_line_is_passed_over() {
    let mut provider = Provider::with(4, 4);
    provider.wait("one", 2, 0);
    let first = provider.next().unwrap();
    // It is not taken out of the line yet, or what gave it the slot died.
    let given = provider.limits.clone().given(
        first.work,
        &tenant("one"),
        provider.caps,
        at(0),
        at(LEASE_SECONDS),
    );
    provider.limits = given.unwrap();
    assert_eq!(provider.next(), Some(job("one", 1, 1)));
    // Its lease ends, and it is its turn again.
    provider.limits = provider.limits.clone().current(at(LEASE_SECONDS));
    assert_eq!(provider.next(), Some(first));
}

#[test]
fn a_look_at_who_would_get_a_lease_takes_it_in_the_copy_alone() {
    let caps = Caps {
        in_flight: 2,
        per_tenant: 1,
    };
    let (one, two) = (tenant("one"), tenant("two"));
    let id = |number: u8| derive(&[&[number]]);
    let mut unknown = ConcurrencyLimits::default();
    assert!(unknown.would_take(id(1), &one, at(0)), "no cap is known");
    assert_eq!(unknown, ConcurrencyLimits::default());

    let taken = unknown.taken(id(1), &one, caps, at(0), at(60)).unwrap();
    let mut copy = taken.clone();
    assert!(copy.would_take(id(1), &one, at(1)), "it has one");
    assert!(!copy.would_take(id(2), &one, at(1)), "its tenant has one");
    assert!(copy.would_take(id(3), &two, at(1)));
    assert!(!copy.would_take(id(4), &tenant("three"), at(1)), "both");
    assert!(copy.would_take(id(5), &one, at(60 + LEASE_SECONDS)));
    assert_eq!(taken.held(), 1);
    // The caps are written down with the leases, for those that know no settings.
    let json = serde_json::to_string(&taken).unwrap();
    assert_eq!(
        serde_json::from_str::<ConcurrencyLimits>(&json).unwrap(),
        taken
    );
    let old = r#"{"version":3,"held":{}}"#;
    let mut old: ConcurrencyLimits = serde_json::from_str(old).unwrap();
    assert!(old.would_take(id(1), &one, at(0)));
}

proptest! {
    /// Tenants with these many jobs each wait for one slot; each of them has a turn before one of
    /// them has two.
    #[test]
    fn each_tenant_that_waits_has_a_turn_before_one_has_two(
        jobs in proptest::collection::vec(1_u32..6, 1..8),
    ) {
        let mut provider = Provider::with(1, 1);
        for (number, jobs) in jobs.iter().enumerate() {
            provider.wait(&format!("tenant-{number}"), *jobs, 0);
        }
        let all = jobs.iter().sum::<u32>();
        let (mut turns, mut now): (Vec<String>, u32) = (Vec::new(), 0);
        loop {
            let given = provider.give_out(now);
            let Some((name, waiter)) = given.into_iter().next() else {
                break;
            };
            turns.push(name);
            now += WORK;
            provider.release(&waiter);
        }
        prop_assert_eq!(turns.len(), usize::try_from(all).unwrap(), "none is forgotten");
        let mut left: BTreeMap<String, u32> = BTreeMap::new();
        for name in &turns {
            *left.entry(name.clone()).or_default() += 1;
        }
        // A round ends where a tenant comes again: each that still waits was in it.
        let mut round: BTreeSet<&str> = BTreeSet::new();
        for name in &turns {
            if !round.insert(name) {
                let waits = left.iter().filter(|(_, left)| **left > 0);
                for (other, _) in waits {
                    prop_assert!(round.contains(other.as_str()), "{} waits in {:?}", other, turns);
                }
                round = BTreeSet::from([name.as_str()]);
            }
            *left.get_mut(name).unwrap() -= 1;
        }
    }
}

#[test]
fn raised_caps_count_once_they_are_written_down_without_a_new_lease() {
    let caps = |in_flight| Caps {
        in_flight,
        per_tenant: 1,
    };
    let [first, second] = [1_u8, 2].map(|number| derive(&[&[number]]));
    let (one, two) = (tenant("one"), tenant("two"));
    let taken = ConcurrencyLimits::default().taken(first, &one, caps(1), at(0), at(60));
    let taken = taken.unwrap();
    assert_eq!(ConcurrencyLimits::default().capped(caps(1)), None);
    assert_eq!(taken.clone().capped(caps(1)), None, "they are there");
    assert!(!taken.clone().would_take(second, &two, at(1)));
    let mut raised = taken.capped(caps(2)).unwrap();
    assert_eq!(raised.held(), 1);
    assert!(raised.would_take(second, &two, at(1)));
}

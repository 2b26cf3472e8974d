//! What each call does to the world, and which calls follow from it.

use contract::{Identifier, Time};
use domain::{Caps, ConcurrencyLimits, Found, JobId, LEASE_SECONDS, TenantKey, Waiter, WorkId};

use super::{
    call::Call,
    world::{Stage, World},
};
use crate::place::Place;

/// How a call ended.
pub(crate) enum After {
    /// These calls come next.
    Then(Vec<Call>),
    /// The invocation ends with an error.
    Error,
}

impl Call {
    pub(crate) fn run(self, world: &mut World) -> After {
        After::Then(match self {
            Self::ReadInputs(job) => match world.jobs[job].stage {
                Stage::Created => vec![Self::FindRoom(job, world.jobs[job].version)],
                Stage::Waits | Stage::Made | Stage::Closed => Vec::new(),
            },
            Self::FindRoom(job, read) => match has_room(world, job) {
                true => vec![Self::Start(job)],
                false => vec![Self::Join(job, read), Self::LookAgain(job, read + 1)],
            },
            Self::Join(job, read) => return join(world, job, read),
            Self::LookAgain(job, read) => match has_room(world, job) {
                true => vec![Self::SaveWoken(job, read), Self::Start(job)],
                false => Vec::new(),
            },
            Self::SaveWoken(job, read) => match world.save(job, read, Stage::Created) {
                true => Vec::new(),
                false => return After::Error,
            },
            Self::Start(job) | Self::StartWoken(job) => {
                start(world, job);
                Vec::new()
            }
            Self::ReadForStep(job, name) => read_for_step(world, job, name),
            Self::TakeLease(job, name, read) => match has_room(world, job) {
                true => {
                    world.slot = Some(job);
                    vec![Self::Make(job, read), Self::EndExecution(job, name)]
                }
                false => {
                    let leave = Self::Leave(job, read);
                    vec![leave, Self::ReadLeases, Self::EndExecution(job, name)]
                }
            },
            Self::Make(job, read) => match world.save(job, read, Stage::Made) {
                true => vec![Self::Release(job), Self::ReadLeases, Self::Close(job)],
                false => return After::Error,
            },
            Self::Leave(job, read) => {
                let joined = join(world, job, read);
                if matches!(joined, After::Then(_)) {
                    world.jobs[job].left += 1;
                }
                return joined;
            }
            Self::Close(job) => {
                if !world.is_closed(job) {
                    let version = world.jobs[job].version;
                    world.save(job, version, Stage::Closed);
                }
                Vec::new()
            }
            Self::EndExecution(job, name) => {
                world.executions[job] &= !(1 << name);
                Vec::new()
            }
            Self::Release(job) => {
                world.slot = world.slot.filter(|holder| *holder != job);
                Vec::new()
            }
            Self::ReadLeases => match world.slot {
                None => vec![Self::WhoseTurn(world.last_turn)],
                Some(_) => Vec::new(),
            },
            Self::WhoseTurn(last) => whose_turn(world, last)
                .map(Self::ReadWaiter)
                .into_iter()
                .collect(),
            Self::ReadWaiter(job) => {
                let read = world.jobs[job];
                match read.stage {
                    Stage::Waits => vec![Self::GiveLease(job, read.version)],
                    Stage::Created | Stage::Made | Stage::Closed => {
                        vec![Self::LeaveLine(job, read.version), Self::ReadLeases]
                    }
                }
            }
            Self::GiveLease(job, read) => match has_room(world, job) {
                true => {
                    (world.slot, world.last_turn) = (Some(job), Some(job));
                    vec![Self::SaveTurn(job, read), Self::ReadLeases]
                }
                false => vec![Self::ReadLeases],
            },
            Self::SaveTurn(job, read) => match world.save(job, read, Stage::Created) {
                true => vec![Self::LeaveLine(job, read + 1), Self::StartWoken(job)],
                false => vec![Self::ReadContended(job)],
            },
            Self::ReadContended(job) => match world.jobs[job].stage {
                Stage::Waits | Stage::Closed => vec![Self::Release(job)],
                Stage::Created | Stage::Made => Vec::new(),
            },
            Self::LeaveLine(job, read) => {
                world.line[job] = world.line[job].filter(|joined| *joined > read);
                Vec::new()
            }
            Self::Tend(job) => match world.is_forgotten(job) {
                true => vec![Self::Start(job)],
                false => Vec::new(),
            },
        })
    }
}

/// Whether the slot is free, or the job's own.
fn has_room(world: &World, job: Place) -> bool {
    world.slot.is_none_or(|holder| holder == job)
}

fn join(world: &mut World, job: Place, read: u8) -> After {
    if !world.save(job, read, Stage::Waits) {
        return After::Error;
    }
    world.line[job] = Some(read + 1);
    After::Then(Vec::new())
}

/// Starts the execution of an open job that does not wait, or sees that it runs.
fn start(world: &mut World, job: Place) {
    if let Stage::Created | Stage::Made = world.jobs[job].stage {
        world.executions[job] |= 1 << world.jobs[job].left;
    }
}

fn read_for_step(world: &World, job: Place, name: u8) -> Vec<Call> {
    let read = world.jobs[job];
    let end = Call::EndExecution(job, name);
    if read.left > name {
        return vec![end];
    }
    match read.stage {
        Stage::Closed => vec![end],
        // The invocation that stored its asset may have died before it released the slot.
        Stage::Made => vec![Call::Release(job), Call::ReadLeases, Call::Close(job), end],
        Stage::Created | Stage::Waits => vec![Call::TakeLease(job, name, read.version)],
    }
}

/// The job whose turn it is, if the slot is free and the job `last` had the last turn: the search is
/// the domain's own.
fn whose_turn(world: &World, last: Option<Place>) -> Option<Place> {
    let now = Time::new("2026-11-27T10:00:00Z".parse().expect("it is RFC 3339"));
    let caps = Caps {
        in_flight: 1,
        per_tenant: 1,
    };
    let until = now.plus_seconds(LEASE_SECONDS);
    let mut limits = ConcurrencyLimits::default();
    if let Some(last) = last {
        let work = waiter(last, now).work;
        let given = limits.given(work, &tenant(last), caps, now, until);
        let given = given.expect("the slot is free");
        limits = given.released(work.uuid()).expect("it was given");
    }
    let mut line: Vec<(Waiter, Place)> = [0, 1]
        .into_iter()
        .filter(|job| world.line[*job].is_some())
        .map(|job| (waiter(job, now), job))
        .collect();
    line.sort_by_key(|(waiter, _)| waiter.tenant);
    let mut search = limits.search(caps)?;
    loop {
        let first = line.iter().map(|(waiter, _)| *waiter).find(|one| {
            match search.place() {
                domain::Place::Begin => true,
                // Each tenant has one job.
                domain::Place::Tenant(tenant) => one.tenant > tenant,
                domain::Place::Waiter(before) => one.tenant > before.tenant,
            }
        });
        match search.found(first) {
            Found::Next(next) => {
                let mut line = line.into_iter();
                return line.find(|(one, _)| *one == next).map(|(_, job)| job);
            }
            Found::LookOn(on) => search = on,
            Found::Nothing => return None,
        }
    }
}

fn tenant(job: Place) -> Identifier {
    Identifier::parse(["tenant-1", "tenant-2"][job]).expect("it is short")
}

fn waiter(job: Place, since: Time) -> Waiter {
    Waiter {
        tenant: TenantKey::new(&tenant(job)),
        work: WorkId::Job(JobId(domain::derive(&[&job.to_be_bytes()]))),
        since,
    }
}

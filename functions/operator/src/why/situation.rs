//! How things stand with a job, decided without a call: from the job, its execution, the breakers
//! and the entry of its end. What comes next is what the code itself decides next.

use contract::Time;
use domain::{
    Attempt, Failure, Job, Next, Noted, Outcome, ProviderId, State, Work as _, next, wait_out,
};
use executions::Execution;
use operations::{OutOfOrder, Situation, Told, Trouble};
use store::{EntrySeen, JobSeen, MetTrouble, OpenBreaker};
use uuid::Uuid;

/// The breakers that are open.
pub(crate) type Breakers = [(ProviderId, OpenBreaker)];

/// What an open job is explained by.
pub(crate) struct Open<'a> {
    pub seen: &'a JobSeen,
    /// Its execution, if it is one that may have one.
    pub execution: Option<Execution>,
    /// The providers that may be asked for it, in their order.
    pub providers: &'a [ProviderId],
    pub breakers: &'a Breakers,
    /// For how many seconds a job waits for providers that are all in trouble.
    pub patience_seconds: u32,
    pub now: Time,
}

/// What a closed job is explained by.
pub(crate) struct Closed<'a> {
    pub job: &'a Job,
    /// The entry of its end, if it is still stored.
    pub end: Option<&'a EntrySeen>,
    /// The job that makes it again.
    pub again_by: Option<Uuid>,
}

/// Whether a job that has to be looked at has an execution to ask for: it is a provider's to make,
/// and does not wait for its turn.
pub(crate) fn may_have_execution(job: &Job) -> bool {
    !job.is_closed() && !job.is_in_line() && !job.is_queued()
}

/// How things stand with a closed job.
pub(crate) fn closed(closed: &Closed<'_>) -> Option<Situation> {
    let told = told(closed.end);
    Some(match &closed.job.state {
        State::Created | State::Submitted { .. } => return None,
        State::Completed { output, .. } => Situation::Completed {
            at: output.stored_at,
            by: closed.job.provider.clone(),
            instead_of: closed
                .job
                .fell_back()
                .iter()
                .map(|fell_back| fell_back.from.as_str().to_owned())
                .collect(),
            told,
        },
        State::Failed {
            failure: Failure { class, detail, at },
        } => Situation::Failed {
            at: *at,
            class: *class,
            detail: detail.clone(),
            told,
            again_by: closed.again_by,
        },
        State::Cancelled { at } => Situation::Cancelled { at: *at, told },
        State::Erased { at } => Situation::Erased { at: *at },
    })
}

/// Whether Kafka has what an entry says. What opened jobs, and the end of what was drawn, is not
/// marked as published: the batch or the message comes again until it is.
pub(crate) fn told(entry: Option<&EntrySeen>) -> Told {
    let Some(seen) = entry.filter(|seen| !seen.is_blanked) else {
        return Told::Forgotten;
    };
    match (seen.entry.published, seen.entry.withheld, seen.sweep_from) {
        (true, _, _) => Told::Published,
        (false, true, _) => Told::Withheld,
        (false, false, Some(from)) => Told::BySweep { from },
        (false, false, None) => Told::WithItsMessage,
    }
}

/// How things stand with an open job.
pub(crate) fn open(open: &Open<'_>) -> Situation {
    let job = &open.seen.job;
    if let Some(provider) = job.waits_for() {
        return Situation::InLine {
            provider: provider.as_str().to_owned(),
            since: joined_at(job, provider),
            until: job.deadline,
        };
    }
    let trouble = open.seen.trouble.as_ref().map(trouble);
    if let Some(output) = job.output() {
        return Situation::Stored {
            at: output.stored_at,
            trouble,
        };
    }
    if job.is_queued() {
        return Situation::Queued {
            since: job.created_at,
            sweep_at: job.deadline,
            trouble,
        };
    }
    match job.attempts.last() {
        Some(attempt) if attempt.outcome.is_none() => Situation::Asked {
            provider: attempt.asked.as_str().to_owned(),
            at: attempt.at,
            trouble,
        },
        Some(attempt) if attempt.kept.is_some() => Situation::Kept {
            provider: attempt.asked.as_str().to_owned(),
            since: attempt.kept.as_ref().map_or(attempt.at, |kept| kept.at),
            trouble,
        },
        Some(attempt) if attempt.outcome == Some(Outcome::Accepted) => Situation::AtProvider {
            provider: attempt.asked.as_str().to_owned(),
            ticket: attempt.ticket.clone(),
            since: attempt.at,
            until: attempt.at.plus_seconds(job.patience_seconds()),
            trouble,
        },
        Some(_) | None => match open.execution {
            Some(Execution::Running) | None => between(open, trouble),
            Some(Execution::Ended | Execution::Missing) => Situation::WithoutExecution {
                execution: job.execution_name(),
                sweep_at: job.deadline,
            },
        },
    }
}

/// How things stand with a job that no provider has in hand: what its next step decides, as
/// `completion` does it. A provider is looked at only when it is to be asked.
fn between(open: &Open<'_>, trouble: Option<Trouble>) -> Situation {
    let (job, now) = (&open.seen.job, open.now);
    let mut out_of_order = Vec::new();
    loop {
        let decided = match next(job, open.providers, &out_of_order, now) {
            given_up @ Next::GiveUp { .. } => {
                let patience = open.patience_seconds;
                wait_out(job, open.providers, &out_of_order, patience, now).unwrap_or(given_up)
            }
            decided @ (Next::Ask(_) | Next::Wait { .. }) => decided,
        };
        match decided {
            Next::Wait { seconds } => {
                let passed_over = breakers_of(open, &out_of_order);
                return waits(job, now.plus_seconds(seconds), passed_over);
            }
            Next::GiveUp { class, detail } => return Situation::ToFail { class, detail },
            Next::Ask(provider) if is_open(open, provider) && !out_of_order.contains(&provider) => {
                out_of_order.push(provider);
            }
            Next::Ask(provider) => return to_be_asked(open, provider, &out_of_order, trouble),
        }
    }
}

/// How things stand with a job whose next step asks `provider`.
fn to_be_asked(
    open: &Open<'_>,
    provider: ProviderId,
    out_of_order: &[ProviderId],
    trouble: Option<Trouble>,
) -> Situation {
    let job = &open.seen.job;
    if job.attempts.is_empty() && out_of_order.is_empty() {
        return Situation::Begun {
            execution: job.execution_name(),
            since: job.created_at,
            trouble,
        };
    }
    Situation::ToBeAsked {
        provider: provider.as_str().to_owned(),
        passed_over: breakers_of(open, out_of_order),
        trouble,
    }
}

/// How things stand with a job that waits for a provider: for one that refused it, or for the
/// breakers of those that were passed over.
fn waits(job: &Job, until: Time, passed_over: Vec<OutOfOrder>) -> Situation {
    let Some(last) = job.attempts.last().filter(|_| passed_over.is_empty()) else {
        return Situation::Paused { until, passed_over };
    };
    let refusals = job.attempts.iter().filter(|one| one.asked == last.asked);
    Situation::AskedAgain {
        provider: last.asked.as_str().to_owned(),
        at: until,
        refusals: refusals.count(),
        said: said(last),
    }
}

/// What a provider said to an attempt that it refused.
fn said(attempt: &Attempt<ProviderId>) -> String {
    match &attempt.outcome {
        Some(Outcome::Refused { detail, .. }) => detail.clone(),
        Some(Outcome::Accepted | Outcome::Made { .. }) | None => "nothing".to_owned(),
    }
}

fn is_open(open: &Open<'_>, provider: ProviderId) -> bool {
    open.breakers.iter().any(|(of, _)| *of == provider)
}

/// The open breakers of `providers`.
fn breakers_of(open: &Open<'_>, providers: &[ProviderId]) -> Vec<OutOfOrder> {
    let of = |provider: &ProviderId| {
        let (_, breaker) = open.breakers.iter().find(|(of, _)| of == provider)?;
        Some(OutOfOrder {
            provider: provider.as_str().to_owned(),
            until: breaker.until,
            why: breaker.why.clone(),
        })
    };
    providers.iter().filter_map(of).collect()
}

/// When the job joined the line of `provider` last. A version from before did not note it.
fn joined_at(job: &Job, provider: ProviderId) -> Option<Time> {
    let joined = Noted::JoinedLine { provider };
    let mut notes = job.notes.iter().rev();
    notes.find(|note| note.what == joined).map(|note| note.at)
}

fn trouble(met: &MetTrouble) -> Trouble {
    let MetTrouble { at, what, again } = met.clone();
    Trouble { at, what, again }
}

#[cfg(test)]
mod tests;

//! A tenant's jobs: a list of them, or one job with its history.

use std::{
    iter,
    time::{Duration, Instant},
};

use contract::{Identifier, Time};
use domain::{Attempt, Job, JobId, Outcome, Output, ProviderId, Refusal, State, Work};
use executions::Execution;
use operations::{
    Happened, JobExecution, JobFilter, JobShown, JobState, JobSummary, JobsListed, ListJobs,
};

use crate::{Operator, step::StepError};

/// The longest search for a page; if few jobs match, the page may be short.
const AT_MOST: Duration = Duration::from_secs(30);

/// The largest page.
const MOST: u32 = 500;

/// The number of jobs read at once.
const AT_ONCE: i32 = 100;

/// Lists up to `most` of a tenant's jobs that match, newest first.
pub(crate) async fn list(operator: &Operator, list: &ListJobs) -> Result<JobsListed, StepError> {
    let ListJobs { tenant, filter, .. } = list;
    let begin = Instant::now();
    let most = list.most.clamp(1, MOST) as usize;
    let mut after = list.after.as_deref().map(str::parse).transpose()?;
    let mut jobs = Vec::new();
    loop {
        // Reads only as many as are missing: the next page begins after the last job read.
        let missing = i32::try_from(most - jobs.len())
            .unwrap_or(AT_ONCE)
            .min(AT_ONCE);
        let page = operator
            .store
            .jobs_of(tenant, (filter.since, filter.until), after, missing)
            .await?;
        jobs.extend(
            page.jobs
                .iter()
                .map(summary)
                .filter(|job| matches(filter, job)),
        );
        after = page.next;
        if after.is_none() || jobs.len() >= most || begin.elapsed() > AT_MOST {
            return Ok(JobsListed {
                jobs,
                next: after.map(|place| place.to_string()),
            });
        }
    }
}

fn matches(filter: &JobFilter, job: &JobSummary) -> bool {
    filter.state.is_none_or(|state| job.state == state)
        && filter.asset.is_none_or(|asset| job.asset == asset)
}

/// A tenant's job, with its history.
pub(crate) async fn show(
    operator: &Operator,
    tenant: &Identifier,
    id: JobId,
) -> Result<JobShown, StepError> {
    let job = operator.store.job_of(tenant, id).await?;
    let waits_for = job.waits_for().map(|provider| provider.as_str().to_owned());
    let is = match operator.executions.state_of(&job).await? {
        _ if waits_for.is_some() => "waiting",
        Execution::Running => "running",
        Execution::Ended => "ended",
        Execution::Missing if is_drawn(&job) => "none",
        Execution::Missing => "missing",
    };
    let resubmitted = operator.outbox.resubmitted(&job).await?;
    let execution = JobExecution {
        name: job.execution_name(),
        is: is.to_owned(),
        waits_for,
    };
    let key = match &job.state {
        State::Completed { output, .. } => Some(&output.key),
        State::Submitted { output, .. } => output.as_ref().map(|output| &output.key),
        State::Created | State::Failed { .. } | State::Cancelled { .. } | State::Erased { .. } => {
            None
        }
    };
    Ok(JobShown {
        object: key.map(|key| format!("s3://{}/{key}", operator.config.assets_bucket)),
        resubmitted_as: resubmitted.and_then(|entry| entry.starts.first().map(|job| job.0)),
        job: summary(&job),
        template: job.template.0,
        trigger: job.trigger.clone(),
        history: history(&job),
        execution,
    })
}

/// Whether the job is drawn from the queue: nothing that is paid for is to be asked, or was.
fn is_drawn(job: &Job) -> bool {
    let provider: Option<ProviderId> = job.provider.parse().ok();
    let asked = job.attempts.iter().map(|attempt| attempt.asked);
    !provider.into_iter().chain(asked).any(ProviderId::is_paid)
}

/// The name of a job's state.
pub(crate) fn named(state: &State) -> JobState {
    match state {
        State::Created => JobState::Created,
        State::Submitted { .. } => JobState::Submitted,
        State::Completed { .. } => JobState::Completed,
        State::Failed { .. } => JobState::Failed,
        State::Cancelled { .. } => JobState::Cancelled,
        State::Erased { .. } => JobState::Erased,
    }
}

/// A job's entry in a list.
pub(crate) fn summary(job: &Job) -> JobSummary {
    JobSummary {
        id: job.id.0,
        state: named(&job.state),
        entity: job.entity.clone(),
        asset: job.asset,
        locale: job.locale.as_ref().map(|locale| locale.as_str().to_owned()),
        provider: job.provider.clone(),
        created_at: job.created_at,
        resubmit_of: job.resubmit_of.map(|old| old.0),
    }
}

/// The history of a job, in order.
fn history(job: &Job) -> Vec<Happened> {
    let mut history = vec![opened(job)];
    history.extend(job.attempts.iter().flat_map(attempted));
    history.extend(ended(&job.state));
    history.sort_by_key(|happened| happened.at);
    history
}

fn happened(at: Time, what: String) -> Happened {
    Happened { at, what }
}

fn opened(job: &Job) -> Happened {
    let what = match job.resubmit_of {
        Some(old) => format!("created to make {old} again"),
        None => format!(
            "created for {} {} of {}",
            job.trigger.topic, job.trigger.id, job.trigger.source
        ),
    };
    happened(job.created_at, what)
}

/// An attempt, and its refusal if the provider refused.
fn attempted(attempt: &Attempt<ProviderId>) -> Vec<Happened> {
    let provider = attempt.asked;
    let outcome = match &attempt.outcome {
        None => ", and has not answered".to_owned(),
        Some(Outcome::Accepted) => ", which works on it".to_owned(),
        Some(Outcome::Made { credits }) => format!(", which made it for {credits} credits"),
        Some(Outcome::Refused { .. }) => String::new(),
    };
    let ticket = attempt
        .ticket
        .as_ref()
        .map_or_else(String::new, |ticket| format!(" (ticket {ticket})"));
    let asked = format!(
        "asked {provider}{ticket}{outcome}; request {}",
        attempt.token
    );
    let mut history = vec![happened(attempt.at, asked)];
    if let Some(Outcome::Refused {
        refusal,
        detail,
        at,
        ..
    }) = &attempt.outcome
    {
        let what = format!("{provider} did not make it: {}: {detail}", class(*refusal));
        history.push(happened(*at, what));
    }
    history
}

/// What a job's state says of its end, and of an asset that is stored before it.
fn ended(state: &State) -> Vec<Happened> {
    match state {
        State::Created | State::Submitted { output: None, .. } => Vec::new(),
        State::Submitted {
            output: Some(output),
            ..
        } => stored(output, "stored"),
        State::Completed { output, .. } => stored(output, "stored, completed"),
        State::Failed { failure } => {
            let what = format!("failed: {}: {}", failure.class.as_str(), failure.detail);
            vec![happened(failure.at, what)]
        }
        State::Cancelled { at } => vec![happened(*at, "cancelled".to_owned())],
        State::Erased { at } => vec![happened(*at, "erased".to_owned())],
    }
}

/// That an asset is stored, and what it does not show as it was asked for.
fn stored(output: &Output, what: &str) -> Vec<Happened> {
    let undrawn = output.undrawn.iter();
    let undrawn = undrawn.map(|field| format!("not drawn: {field}"));
    let adjusted = output.adjusted.iter();
    let adjusted = adjusted.map(|field| format!("not as asked for: {field}"));
    let all = iter::once(what.to_owned()).chain(undrawn).chain(adjusted);
    all.map(|what| happened(output.stored_at, what)).collect()
}

fn class(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Moderation => "its rules forbid the content",
        Refusal::InvalidInput => "it cannot use the content",
        Refusal::Auth => "it rejects the key",
        Refusal::Billing => "the account has no credit left",
        Refusal::RateLimited { .. } => "it is asked too often",
        Refusal::Transient => "it is in trouble",
        Refusal::ProviderGone => "it or its model is retired",
        Refusal::Blocked => "the request was blocked, maybe before it got there",
        Refusal::OutcomeUnknown => "the outcome is unknown",
    }
}

#[cfg(test)]
mod tests {
    use contract::{Adjusted, Undrawn};

    use super::*;

    #[test]
    fn a_history_says_what_an_asset_does_not_show() {
        let at = Time::new("2026-11-20T10:00:00Z".parse().expect("a time"));
        let mut output = Output {
            key: "poster.png".to_owned(),
            stored_at: at,
            credits: 0,
            length_ms: None,
            undrawn: vec![Undrawn {
                field: "venue.name".to_owned(),
                characters: 5,
                scripts: vec!["Tamil".to_owned()],
            }],
            adjusted: vec![Adjusted {
                field: "brand.logo".to_owned(),
                what: "left-out".to_owned(),
                reason: "it has 1 × 1 pixels".to_owned(),
            }],
        };
        let of = |output: &Output| {
            let submitted_at = at;
            let output = output.clone();
            let history = ended(&State::Completed {
                output,
                submitted_at,
            });
            let said = history.into_iter().map(|happened| happened.what);
            said.collect::<Vec<_>>()
        };
        assert_eq!(
            of(&output),
            [
                "stored, completed",
                "not drawn: venue.name, 5 characters (Tamil)",
                "not as asked for: brand.logo left-out: it has 1 × 1 pixels",
            ]
        );
        output.undrawn.clear();
        output.adjusted.clear();
        assert_eq!(of(&output), ["stored, completed"]);
    }
}

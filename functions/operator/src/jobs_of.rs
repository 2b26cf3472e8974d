//! A tenant's jobs: a list of them, or one job with its history.

use std::time::{Duration, Instant};

use contract::{Identifier, Time};
use domain::{Job, JobId, Outcome, Refusal, State};
use operations::{Happened, JobFilter, JobShown, JobState, JobsListed};
use outbox::Execution;

use crate::{Operator, step::StepError};

/// The longest search for a page; if few jobs match, the page may be short.
const AT_MOST: Duration = Duration::from_secs(30);

/// The largest page.
const MOST: u32 = 500;

/// The number of jobs read at once.
const AT_ONCE: i32 = 100;

/// Lists up to `most` of a tenant's jobs that match, newest first.
pub(crate) async fn list(
    operator: &Operator,
    tenant: &Identifier,
    filter: &JobFilter,
    after: Option<&str>,
    most: u32,
) -> Result<JobsListed, StepError> {
    let begin = Instant::now();
    let most = most.clamp(1, MOST) as usize;
    let mut after = after.map(str::parse).transpose()?;
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

fn matches(filter: &JobFilter, job: &operations::Job) -> bool {
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
    let is = match operator.outbox.execution_of(&job).await? {
        Execution::Running => "running",
        Execution::Ended => "ended",
        Execution::Missing => "missing",
    };
    let resubmitted = operator.outbox.resubmitted(&job).await?;
    let execution = operations::Execution {
        name: job.execution_name(),
        is: is.to_owned(),
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

/// A job's entry in a list.
pub(crate) fn summary(job: &Job) -> operations::Job {
    let state = match &job.state {
        State::Created => JobState::Created,
        State::Submitted { .. } => JobState::Submitted,
        State::Completed { .. } => JobState::Completed,
        State::Failed { .. } => JobState::Failed,
        State::Cancelled { .. } => JobState::Cancelled,
        State::Erased { .. } => JobState::Erased,
    };
    operations::Job {
        id: job.id.0,
        state,
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
    let mut history = Vec::new();
    let mut happened = |at: Time, what: String| history.push(Happened { at, what });
    happened(
        job.created_at,
        match job.resubmit_of {
            Some(old) => format!("created to make {old} again"),
            None => format!(
                "created for {} {} of {}",
                job.trigger.topic, job.trigger.id, job.trigger.source
            ),
        },
    );
    for attempt in &job.attempts {
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
        happened(
            attempt.at,
            format!(
                "asked {}{ticket}{outcome}; request {}",
                attempt.provider, attempt.token
            ),
        );
        if let Some(Outcome::Refused {
            refusal,
            detail,
            at,
            ..
        }) = &attempt.outcome
        {
            happened(
                *at,
                format!(
                    "{} did not make it: {}: {detail}",
                    attempt.provider,
                    class(*refusal)
                ),
            );
        }
    }
    match &job.state {
        State::Created | State::Submitted { output: None, .. } => {}
        State::Submitted {
            output: Some(output),
            ..
        } => happened(output.stored_at, "stored".to_owned()),
        State::Completed { output, .. } => {
            happened(output.stored_at, "stored, completed".to_owned())
        }
        State::Failed { failure } => {
            happened(
                failure.at,
                format!("failed: {}: {}", failure.class.as_str(), failure.detail),
            );
        }
        State::Cancelled { at } => happened(*at, "cancelled".to_owned()),
        State::Erased { at } => happened(*at, "erased".to_owned()),
    }
    history.sort_by_key(|happened| happened.at);
    history
}

fn class(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Moderation => "its rules forbid it",
        Refusal::InvalidInput => "it cannot make anything of it",
        Refusal::Auth => "it does not let us in",
        Refusal::Billing => "the account is empty",
        Refusal::RateLimited { .. } => "asked too often",
        Refusal::Transient => "it is in trouble",
        Refusal::ProviderGone => "it is no more",
        Refusal::OutcomeUnknown => "nobody knows what came of it",
    }
}

//! A job, with its history, what it is to show, how it stands and what comes next.

use std::time::{Duration, Instant};

use contract::{Identifier, Time};
use domain::{Job, JobId, ProviderId, State, Work as _};
use executions::Execution;
use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use operations::{JobExecution, JobLine, JobShown, Verdict};
use store::{JobSeen, Key, OpenBreaker};
use uuid::Uuid;

use super::{
    history::history,
    situation::{self, Breakers, Closed, Open, may_have_execution},
    there,
};
use crate::{Operator, jobs_of::summary, step::StepError};

/// The number of jobs that are explained concurrently.
const AT_ONCE: usize = 8;

/// The number of jobs of a page in which an asset is looked for.
const PAGE: i32 = 100;

/// The longest search for an asset.
const AT_MOST: Duration = Duration::from_secs(60);

/// A tenant's job, with its history.
pub(crate) async fn show(
    operator: &Operator,
    tenant: &Identifier,
    id: JobId,
    now: Time,
) -> Result<JobShown, StepError> {
    let seen = operator.store.job_seen(tenant, id).await?;
    shown(operator, &seen, now).await
}

/// What is shown of a job.
pub(crate) async fn shown(
    operator: &Operator,
    seen: &JobSeen,
    now: Time,
) -> Result<JobShown, StepError> {
    let job = &seen.job;
    let waits_for = job.waits_for().map(|provider| provider.as_str().to_owned());
    let state = operator.executions.state_of(job).await?;
    let is = match state {
        _ if waits_for.is_some() => "waiting",
        Execution::Running => "running",
        Execution::Ended => "ended",
        Execution::Missing if is_drawn(job) => "none",
        Execution::Missing => "missing",
    };
    let resubmitted = operator.outbox.resubmitted(job).await?;
    let again_by = resubmitted.and_then(|entry| entry.starts.first().map(|job| job.0));
    let breakers = breakers(operator, now).await?;
    let execution = may_have_execution(job).then_some(state);
    Ok(JobShown {
        verdict: verdict(operator, seen, execution, again_by, &breakers, now).await?,
        object: object(operator, job),
        resubmitted_as: again_by,
        job: summary(job),
        template: job.template.0,
        trigger: job.trigger.clone(),
        input: (!job.is_erased()).then(|| job.configuration.clone()),
        history: history(seen),
        execution: JobExecution {
            name: job.execution_name(),
            is: is.to_owned(),
            waits_for,
        },
    })
}

/// A line for each of `jobs`, in their order; `None` for one that is not stored any more.
pub(super) async fn lines(
    operator: &Operator,
    tenant: &Identifier,
    jobs: Vec<JobId>,
    now: Time,
) -> Result<Vec<Option<JobLine>>, StepError> {
    let breakers = &breakers(operator, now).await?;
    let lines = jobs
        .into_iter()
        .map(|id| line(operator, tenant, id, breakers, now));
    stream::iter(lines).buffered(AT_ONCE).try_collect().await
}

async fn line(
    operator: &Operator,
    tenant: &Identifier,
    id: JobId,
    breakers: &Breakers,
    now: Time,
) -> Result<Option<JobLine>, StepError> {
    let Some(seen) = there(operator.store.job_seen(tenant, id).await)? else {
        return Ok(None);
    };
    let execution = match may_have_execution(&seen.job) {
        true => Some(operator.executions.state_of(&seen.job).await?),
        false => None,
    };
    let verdict = verdict(operator, &seen, execution, None, breakers, now).await?;
    Ok(verdict.map(|verdict| JobLine {
        job: summary(&seen.job),
        verdict,
    }))
}

/// How things stand with a job; of a closed one by the entry of its end.
async fn verdict(
    operator: &Operator,
    seen: &JobSeen,
    execution: Option<Execution>,
    again_by: Option<Uuid>,
    breakers: &Breakers,
    now: Time,
) -> Result<Option<Verdict>, StepError> {
    let job = &seen.job;
    let routing = operator.outbox.routing();
    let providers: Vec<ProviderId> = routing.to_ask(job.asset, job.voice()).collect();
    let situation = match job.is_closed() {
        true => {
            let end = operator.store.entry_seen(Key::end(job.id)).await?;
            situation::closed(&Closed {
                job,
                end: end.as_ref(),
                again_by,
            })
        }
        false => Some(situation::open(&Open {
            seen,
            execution,
            providers: &providers,
            breakers,
            patience_seconds: operator.config.vendor_patience_seconds,
            now,
        })),
    };
    Ok(situation.map(Verdict::from))
}

/// The breakers that are open at `now`.
async fn breakers(
    operator: &Operator,
    now: Time,
) -> Result<Vec<(ProviderId, OpenBreaker)>, StepError> {
    let paid = ProviderId::ALL.into_iter().filter(|one| one.is_paid());
    let breakers = paid.map(|provider| async move {
        let breaker = operator.store.breaker(provider, now).await?;
        Ok::<_, StepError>(breaker.map(|breaker| (provider, breaker)))
    });
    let breakers = try_join_all(breakers).await?;
    Ok(breakers.into_iter().flatten().collect())
}

/// The job whose asset has the key `key`, among the newest jobs of the tenant; or how many were
/// looked at. Asks the index `by-tenant`, and reads each job.
pub(super) async fn with_asset(
    operator: &Operator,
    tenant: &Identifier,
    key: &str,
) -> Result<(Option<JobSeen>, usize), StepError> {
    let begin = Instant::now();
    let (mut after, mut looked) = (None, 0);
    loop {
        let page = operator
            .store
            .jobs_of(tenant, (None, None), after, PAGE)
            .await?;
        looked += page.jobs.len();
        let is_its = |job: &&Job| job.output().is_some_and(|output| output.key == key);
        if let Some(job) = page.jobs.iter().find(is_its) {
            let seen = operator.store.job_seen(tenant, job.id).await?;
            return Ok((Some(seen), looked));
        }
        after = page.next;
        if after.is_none() || begin.elapsed() > AT_MOST {
            return Ok((None, looked));
        }
    }
}

/// The object of a job's asset.
fn object(operator: &Operator, job: &Job) -> Option<String> {
    let key = match &job.state {
        State::Completed { output, .. } => Some(&output.key),
        State::Submitted { output, .. } => output.as_ref().map(|output| &output.key),
        State::Created | State::Failed { .. } | State::Cancelled { .. } | State::Erased { .. } => {
            None
        }
    };
    key.map(|key| format!("s3://{}/{key}", operator.config.assets_bucket))
}

/// Whether the job is drawn from the queue: nothing that is paid for is to be asked, or was.
fn is_drawn(job: &Job) -> bool {
    let provider: Option<ProviderId> = job.provider.parse().ok();
    let asked = job.attempts.iter().map(|attempt| attempt.asked);
    !provider.into_iter().chain(asked).any(ProviderId::is_paid)
}

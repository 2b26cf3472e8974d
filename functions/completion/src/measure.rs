//! What is measured of the providers and of the jobs' ends.

use std::time::{Duration, Instant};

use events::{Identifier, SMOKE_TENANT, Time, Topic, TraceParent};
use jobs::{Job, JobId, ProviderId, Refusal};
use journal::Kept;
use telemetry::{Kind, Measured};

use crate::Studio;

/// Asks `provider` something about `job`, and says how long that took and whether it was refused: `refusal` looks for that in the answer. What is asked
/// is given the job as a part of the span that this is.
pub(crate) async fn called<A>(
    studio: &Studio,
    (provider, what): (ProviderId, &str),
    job: &Job,
    call: impl AsyncFnOnce(Job) -> A,
    refusal: impl FnOnce(&A) -> Option<Refusal>,
) -> A {
    let begin = Instant::now();
    let mut span = studio.telemetry.traces.begin(format!("{what} {provider}"), Kind::Client, job.trace);
    span.set("studio.job", job.id.to_string());
    span.set("studio.tenant", job.tenant.as_str().to_owned());
    span.set("studio.provider", provider.as_str());
    let answer = call(Job { trace: span.context(), ..job.clone() }).await;
    let is_measured = job.tenant.as_str() != SMOKE_TENANT;
    if is_measured {
        studio.telemetry.metrics.emit(Measured::Call { provider: provider.as_str(), took: begin.elapsed() });
    }
    if let Some(refusal) = refusal(&answer) {
        span.fails(refusal.as_str());
        if is_measured {
            studio.telemetry.metrics.emit(Measured::Failure { provider: provider.as_str(), class: refusal.as_str() });
        }
    }
    answer
}

/// Says that credits of a provider's were spent; nothing, if there were none.
pub(crate) fn spent(studio: &Studio, provider: ProviderId, credits: u64) {
    if credits > 0 {
        studio.telemetry.metrics.emit(Measured::Spent { provider: provider.as_str(), credits });
    }
}

/// What is said of a job that ends.
pub(crate) struct Ending {
    tenant: Identifier,
    job: JobId,
    caused_at: Option<Time>,
    trace: Option<TraceParent>,
    asset: &'static str,
}

impl Ending {
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            tenant: job.tenant.clone(),
            job: job.id,
            caused_at: job.caused_at,
            trace: job.trace,
            asset: job.asset.as_str(),
        }
    }
}

/// Says how a job ended, once `end` is told for the first time.
pub(crate) fn ended(studio: &Studio, ending: &Ending, end: &Kept, now: Time) {
    let (tenant, id) = (ending.tenant.as_str(), ending.job.to_string());
    let measured = match end.events.iter().any(|event| event.topic == Topic::RenderJobCompleted) {
        true => {
            let since_event = ending.caused_at.map(|at| Duration::from_millis(now.milliseconds_since(at)));
            Measured::Completed { tenant, job: &id, since_event }
        }
        false => Measured::Failed { tenant, job: &id },
    };
    if tenant != SMOKE_TENANT {
        studio.telemetry.metrics.emit(measured);
    }
    let mut span = studio.telemetry.traces.begin(format!("close {}", ending.asset), Kind::Internal, ending.trace);
    span.set("studio.job", id.clone());
    span.set("studio.tenant", tenant.to_owned());
    span.happens(if matches!(measured, Measured::Completed { .. }) { "completed" } else { "failed" });
}

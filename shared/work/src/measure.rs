//! Metrics and spans of the calls to providers and of the ends of jobs.

use std::time::{Duration, Instant};

use contract::{Identifier, SMOKE_TENANT, Time, Topic, TraceParent};
use domain::{Job, ProviderId, Refusal, VoiceModel};
use store::OutboxEntry;
use telemetry::{Kind, Measured, Span, Telemetry};

/// Which provider is asked for which action.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The provider.
    pub provider: ProviderId,
    /// What the span is named after: `draw`, `submit`, `poll`, `look`, `fulfil`.
    pub action: &'a str,
}

/// A call to a provider in progress. Its duration and a refusal are emitted when it ends.
pub struct Call<'s> {
    telemetry: &'s Telemetry,
    provider: ProviderId,
    begin: Instant,
    span: Span<'s>,
    is_measured: bool,
}

impl<'s> Call<'s> {
    /// Begins a call for a voice model. It starts a trace of its own, because no event triggers it.
    #[must_use]
    pub fn of_voice(telemetry: &'s Telemetry, action: &str, model: &VoiceModel) -> Self {
        let request = Request {
            provider: model.provider,
            action,
        };
        let mut call = Self::begin(telemetry, request, &model.tenant, None);
        if call.span.is_recorded() {
            call.span.set("studio.voice", model.id.to_string());
        }
        call
    }

    fn begin(
        telemetry: &'s Telemetry,
        Request { provider, action }: Request<'_>,
        tenant: &Identifier,
        parent: Option<TraceParent>,
    ) -> Self {
        let mut span =
            telemetry
                .traces
                .begin(format_args!("{action} {provider}"), Kind::Client, parent);
        if span.is_recorded() {
            span.set("studio.tenant", tenant.as_str().to_owned());
            span.set("studio.provider", provider.as_str());
        }
        let is_measured = tenant.as_str() != SMOKE_TENANT;
        Self {
            telemetry,
            provider,
            begin: Instant::now(),
            span,
            is_measured,
        }
    }

    /// Ends the call; `refusal` is the provider's refusal, if it refused.
    pub fn ends(mut self, refusal: Option<Refusal>) {
        let (metrics, provider) = (&self.telemetry.metrics, self.provider.as_str());
        if self.is_measured {
            metrics.emit(Measured::Call {
                provider,
                took: self.begin.elapsed(),
            });
        }
        if let Some(refusal) = refusal {
            self.span.fails(refusal.as_str());
            if self.is_measured {
                metrics.emit(Measured::Failure {
                    provider,
                    class: refusal.as_str(),
                });
            }
        }
    }
}

/// Calls a provider for `job` and emits the call's duration and its refusal, which `refusal` finds
/// in the answer. `call` gets the job with this span as its trace parent.
pub async fn called<A>(
    telemetry: &Telemetry,
    request: Request<'_>,
    job: &Job,
    call: impl AsyncFnOnce(Job) -> A,
    refusal: impl FnOnce(&A) -> Option<Refusal>,
) -> A {
    let mut measured = Call::begin(telemetry, request, &job.tenant, job.trace);
    if measured.span.is_recorded() {
        measured.span.set("studio.job", job.id.to_string());
    }
    let answer = call(Job {
        trace: measured.span.context(),
        ..job.clone()
    })
    .await;
    measured.ends(refusal(&answer));
    answer
}

/// Emits the credits spent at a provider, if any.
pub fn spent(telemetry: &Telemetry, provider: ProviderId, credits: u64) {
    if credits > 0 {
        telemetry.metrics.emit(Measured::Spent {
            provider: provider.as_str(),
            credits,
        });
    }
}

/// Emits the end of `job`, which was decided from it and is in `end`: once, by the function that
/// published it for the first time. What was drawn from the queue is not marked published, so there
/// the function that committed the end emits it.
pub fn ended(telemetry: &Telemetry, job: &Job, end: &OutboxEntry, now: Time) {
    let (tenant, id) = (job.tenant.as_str(), job.id.to_string());
    let measured = match end
        .events
        .iter()
        .any(|event| event.topic == Topic::RenderJobCompleted)
    {
        true => {
            let since_event = job
                .caused_at
                .map(|at| Duration::from_millis(now.milliseconds_since(at)));
            let since_decision = Duration::from_millis(now.milliseconds_since(job.created_at));
            Measured::Completed {
                tenant,
                job: &id,
                since_event,
                since_decision,
            }
        }
        false => Measured::Failed { tenant, job: &id },
    };
    if tenant != SMOKE_TENANT {
        telemetry.metrics.emit(measured);
    }
    let mut span = telemetry.traces.begin(
        format_args!("close {}", job.asset.as_str()),
        Kind::Internal,
        job.trace,
    );
    span.set("studio.job", id.clone());
    span.set("studio.tenant", tenant.to_owned());
    span.happens(if matches!(measured, Measured::Completed { .. }) {
        "completed"
    } else {
        "failed"
    });
}

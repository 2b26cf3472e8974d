//! Metrics and spans of the calls to providers and of the ends of jobs.

use std::time::{Duration, Instant};

use contract::{Identifier, SMOKE_TENANT, Time, Topic, TraceParent};
use domain::{Job, ProviderId, Refusal, VoiceModel};
use store::OutboxEntry;
use telemetry::{Kind, Measured, Span};

use crate::App;

/// A call to a provider in progress. Its duration and a refusal are emitted when it ends.
pub(crate) struct Call<'s> {
    app: &'s App,
    provider: ProviderId,
    begin: Instant,
    span: Span<'s>,
    is_measured: bool,
}

impl<'s> Call<'s> {
    /// Begins a call for a voice model. It starts a trace of its own, because no event triggers it.
    pub(crate) fn of_voice(app: &'s App, what: &str, model: &VoiceModel) -> Self {
        let mut call = Self::begin(app, (model.provider, what), &model.tenant, None);
        if call.span.is_recorded() {
            call.span.set("studio.voice", model.id.to_string());
        }
        call
    }

    fn begin(
        app: &'s App,
        (provider, what): (ProviderId, &str),
        tenant: &Identifier,
        parent: Option<TraceParent>,
    ) -> Self {
        let mut span =
            app.telemetry
                .traces
                .begin(format_args!("{what} {provider}"), Kind::Client, parent);
        if span.is_recorded() {
            span.set("studio.tenant", tenant.as_str().to_owned());
            span.set("studio.provider", provider.as_str());
        }
        let is_measured = tenant.as_str() != SMOKE_TENANT;
        Self {
            app,
            provider,
            begin: Instant::now(),
            span,
            is_measured,
        }
    }

    /// Ends the call; `refusal` is the provider's refusal, if it refused.
    pub(crate) fn ends(mut self, refusal: Option<Refusal>) {
        let Self { app, provider, .. } = self;
        let (metrics, provider) = (&app.telemetry.metrics, provider.as_str());
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
pub(crate) async fn called<A>(
    app: &App,
    asked: (ProviderId, &str),
    job: &Job,
    call: impl AsyncFnOnce(Job) -> A,
    refusal: impl FnOnce(&A) -> Option<Refusal>,
) -> A {
    let mut measured = Call::begin(app, asked, &job.tenant, job.trace);
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
pub(crate) fn spent(app: &App, provider: ProviderId, credits: u64) {
    if credits > 0 {
        app.telemetry.metrics.emit(Measured::Spent {
            provider: provider.as_str(),
            credits,
        });
    }
}

/// Emits the end of `job`, once `end` is published for the first time.
pub(crate) fn ended(app: &App, job: &Job, end: &OutboxEntry, now: Time) {
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
            Measured::Completed {
                tenant,
                job: &id,
                since_event,
            }
        }
        false => Measured::Failed { tenant, job: &id },
    };
    if tenant != SMOKE_TENANT {
        app.telemetry.metrics.emit(measured);
    }
    let mut span = app.telemetry.traces.begin(
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

//! What is measured of the providers and of the jobs' ends.

use std::time::{Duration, Instant};

use contract::{Identifier, SMOKE_TENANT, Time, Topic, TraceParent};
use domain::{Job, JobId, ProviderId, Refusal, VoiceModel};
use journal::OutboxEntry;
use telemetry::{Kind, Measured, Span};

use crate::App;

/// A provider is being asked something: how long that takes, and whether it is refused, is said
/// once it ends.
pub(crate) struct Call<'s> {
    app: &'s App,
    provider: ProviderId,
    begin: Instant,
    span: Span<'s>,
    is_measured: bool,
}

impl<'s> Call<'s> {
    /// `what` is asked of `provider` for a voice model, whose requests are a trace of their own: no
    /// event asks for one.
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

    /// It has answered, and refused if there is a `refusal`.
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

/// Asks `provider` something about `job`, and says how long that took and whether it was refused:
/// `refusal` looks for that in the answer. What is asked is given the job as a part of the span
/// that this is.
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

/// Says that credits of a provider's were spent; nothing, if there were none.
pub(crate) fn spent(app: &App, provider: ProviderId, credits: u64) {
    if credits > 0 {
        app.telemetry.metrics.emit(Measured::Spent {
            provider: provider.as_str(),
            credits,
        });
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

/// Says how a job ended, once `end` is published for the first time.
pub(crate) fn ended(app: &App, ending: &Ending, end: &OutboxEntry, now: Time) {
    let (tenant, id) = (ending.tenant.as_str(), ending.job.to_string());
    let measured = match end
        .events
        .iter()
        .any(|event| event.topic == Topic::RenderJobCompleted)
    {
        true => {
            let since_event = ending
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
        format_args!("close {}", ending.asset),
        Kind::Internal,
        ending.trace,
    );
    span.set("studio.job", id.clone());
    span.set("studio.tenant", tenant.to_owned());
    span.happens(if matches!(measured, Measured::Completed { .. }) {
        "completed"
    } else {
        "failed"
    });
}

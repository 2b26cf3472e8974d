//! Which provider a job asks next, or how long it waits first.

use contract::{FailureClass, Time};
use uuid::Uuid;

use crate::{Job, Outcome, ProviderId, Refusal, RetryDecision};

/// The most attempts at one provider for one job. After them the job moves on to the next provider.
pub const MOST_ATTEMPTS: usize = 6;

/// How long an open breaker keeps every job away from a provider, in seconds.
pub const BREAKER_SECONDS: u32 = 15 * 60;

/// What to do next for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask this provider.
    Ask(ProviderId),
    /// Wait, then decide again.
    Wait {
        /// How long, in seconds.
        seconds: u32,
    },
    /// No provider is left to ask.
    GiveUp {
        /// The reason, for programs.
        class: FailureClass,
        /// The reason, for operators.
        detail: String,
    },
}

/// Decides which provider to ask for `job` at `now`: the first of `providers` that has not been
/// given up for it. The breakers of the providers in `out_of_order` are open.
#[must_use]
pub fn next(job: &Job, providers: &[ProviderId], out_of_order: &[ProviderId], now: Time) -> Next {
    let mut last: Option<(FailureClass, String)> = None;
    for &provider in providers {
        let tried: Vec<_> = job.attempts.at(provider).collect();
        let refused = tried.last().and_then(|attempt| match &attempt.outcome {
            Some(Outcome::Refused {
                refusal,
                detail,
                at,
                ..
            }) => Some((*refusal, detail, *at)),
            _ => None,
        });
        let Some((refusal, detail, at)) = refused else {
            if out_of_order.contains(&provider) {
                last.get_or_insert((
                    FailureClass::Unavailable,
                    format!("{provider} is out of order: it turned an earlier job away"),
                ));
                continue;
            }
            return Next::Ask(provider);
        };
        let failed = || {
            (
                refusal.failure_class(provider),
                format!("{provider}: {detail}"),
            )
        };
        match refusal.retry_decision(provider) {
            RetryDecision::Fail => {
                let (class, detail) = failed();
                return Next::GiveUp { class, detail };
            }
            RetryDecision::AskTheNext | RetryDecision::OpenTheBreaker => last = Some(failed()),
            RetryDecision::AskAgain
                if tried.len() >= MOST_ATTEMPTS || out_of_order.contains(&provider) =>
            {
                last = Some(failed())
            }
            RetryDecision::AskAgain => {
                let pause = match provider.is_paid() {
                    true => pause_after_refusal(job.id.0, refusal, tried.len()),
                    // The retry of the step has already paused.
                    false => 0,
                };
                return ask_after(provider, pause, now.milliseconds_since(at) / 1000);
            }
        }
    }
    let (class, detail) = last.unwrap_or_else(|| {
        let media = job.asset.media_type();
        let voice = job.voice().map_or("", |_| " that clones voices");
        (
            FailureClass::NotConfigured,
            format!("no provider{voice} is configured for media of the type {media:?}"),
        )
    });
    Next::GiveUp { class, detail }
}

/// Asks `provider` once `pause` seconds have passed, of which `waited` are over.
fn ask_after(provider: ProviderId, pause: u32, waited: u64) -> Next {
    match u32::try_from(waited) {
        Ok(waited) if waited < pause => Next::Wait {
            seconds: pause - waited,
        },
        Ok(_) | Err(_) => Next::Ask(provider),
    }
}

/// How long to pause after refusal number `tries`: as long as the provider asks, up to ten minutes,
/// or else 2 s, 4 s and so on up to a minute. On top comes up to a quarter of that, depending on
/// `id`, so that jobs do not all retry at once.
pub(crate) fn pause_after_refusal(id: Uuid, refusal: Refusal, tries: usize) -> u32 {
    const LONGEST: u32 = 600;
    let exponent = u32::try_from(tries.clamp(1, 6)).unwrap_or(6);
    let own = match refusal {
        Refusal::RateLimited {
            retry_after: Some(seconds),
        } => seconds.min(LONGEST),
        _ => 2_u32.pow(exponent).min(60),
    };
    own + own * u32::from(id.as_bytes()[15] % 4) / 12
}

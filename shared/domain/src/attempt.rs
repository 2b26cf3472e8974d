//! An attempt: one request to one provider for one job. It is stored before the request is sent, so
//! that the studio never pays twice unknowingly.

use contract::{FailureClass, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Job, ProviderId, State};

/// The most attempts at one provider for one job. After them the job moves on to the next provider.
pub const MOST_ATTEMPTS: usize = 6;

/// How long an open breaker keeps every job away from a provider, in seconds.
pub const BREAKER_SECONDS: u32 = 15 * 60;

/// One request to one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Identifies the invocation that wrote the attempt; only that invocation may send the request.
    /// The vendor gets it as `x-client-request-id`, which its support can search for.
    pub token: Uuid,
    /// The provider to ask.
    pub provider: ProviderId,
    /// When the attempt was stored.
    pub at: Time,
    /// The provider's id for the task or its result. It serves to poll the task and to erase the
    /// provider's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The outcome; `None` while the request may be in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// The provider accepted the task and is working on it.
    Accepted,
    /// The provider made the media.
    Made {
        /// The credits it cost.
        credits: u64,
    },
    /// The provider did not make the media.
    Refused {
        /// The reason, for programs.
        refusal: Refusal,
        /// The reason, for operators.
        detail: String,
        /// When the studio learned of it.
        at: Time,
        /// Credits that were charged nevertheless.
        #[serde(default)]
        credits: u64,
    },
}

impl Outcome {
    /// The credits that it used.
    #[must_use]
    pub fn credits(&self) -> u64 {
        match self {
            Self::Made { credits } | Self::Refused { credits, .. } => *credits,
            Self::Accepted => 0,
        }
    }

    /// An unknown outcome that, as of `at`, will never become known.
    #[must_use]
    pub fn unknown(detail: &str, at: Time) -> Self {
        Self::Refused {
            refusal: Refusal::OutcomeUnknown,
            detail: detail.to_owned(),
            at,
            credits: 0,
        }
    }
}

/// Why a provider did not make the media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "kebab-case")]
pub enum Refusal {
    /// The provider's rules forbid the content.
    Moderation,
    /// The provider cannot process the content.
    InvalidInput,
    /// The provider does not accept our key, or the key lacks a permission.
    Auth,
    /// Our account has no credit left.
    Billing,
    /// The provider got too many requests.
    RateLimited {
        /// How long the provider asks us to wait, in seconds, if it says so.
        retry_after: Option<u32>,
    },
    /// A temporary fault of the provider; it certainly did nothing.
    Transient,
    /// The model or the service no longer exists.
    ProviderGone,
    /// The request was sent, and its outcome is unknown.
    OutcomeUnknown,
}

/// What happens to a job after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Ask the same provider again after a pause.
    AskAgain,
    /// Ask the next provider, if there is one.
    AskTheNext,
    /// As [`AskTheNext`](Self::AskTheNext); in addition no job asks this provider for
    /// [`BREAKER_SECONDS`].
    OpenTheBreaker,
    /// Ask no provider again.
    Fail,
}

impl Refusal {
    /// The class as metrics and the table write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moderation => "moderation",
            Self::InvalidInput => "invalid-input",
            Self::Auth => "auth",
            Self::Billing => "billing",
            Self::RateLimited { .. } => "rate-limited",
            Self::Transient => "transient",
            Self::ProviderGone => "provider-gone",
            Self::OutcomeUnknown => "outcome-unknown",
        }
    }

    /// The fate of a job that `provider` refused. This is the only place that decides it.
    #[must_use]
    pub fn fate(self, provider: ProviderId) -> Fate {
        match self {
            Self::Moderation | Self::InvalidInput => Fate::Fail,
            Self::Auth | Self::Billing | Self::ProviderGone => Fate::OpenTheBreaker,
            Self::RateLimited { .. } | Self::Transient => Fate::AskAgain,
            // No vendor takes an idempotency key for these calls, so another request may be charged
            // again.
            Self::OutcomeUnknown => match provider {
                // The canvas costs nothing.
                ProviderId::StudioCanvas => Fate::AskAgain,
                // A request costs a fraction of a cent; the lost task writes a file that is never
                // read.
                ProviderId::Polly => Fate::AskAgain,
                ProviderId::OpenAi | ProviderId::ElevenLabs | ProviderId::Runway => {
                    Fate::AskTheNext
                }
            },
        }
    }

    /// The failure class of a job that `provider` refused, once no provider is left to ask.
    #[must_use]
    pub fn failure_class(self, provider: ProviderId) -> FailureClass {
        match self {
            Self::Moderation => FailureClass::Moderation,
            Self::InvalidInput => FailureClass::InvalidInput,
            Self::Auth
            | Self::Billing
            | Self::ProviderGone
            | Self::RateLimited { .. }
            | Self::Transient => FailureClass::Unavailable,
            // If the provider may be asked again, the outcome does not matter: the media was not
            // made.
            Self::OutcomeUnknown => match self.fate(provider) {
                Fate::AskAgain => FailureClass::Unavailable,
                Fate::AskTheNext | Fate::OpenTheBreaker | Fate::Fail => {
                    FailureClass::OutcomeUnknown
                }
            },
        }
    }
}

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
        let tried: Vec<&Attempt> = job
            .attempts
            .iter()
            .filter(|attempt| attempt.provider == provider)
            .collect();
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
        match refusal.fate(provider) {
            Fate::Fail => {
                let (class, detail) = failed();
                return Next::GiveUp { class, detail };
            }
            Fate::AskTheNext | Fate::OpenTheBreaker => last = Some(failed()),
            Fate::AskAgain if tried.len() >= MOST_ATTEMPTS || out_of_order.contains(&provider) => {
                last = Some(failed())
            }
            Fate::AskAgain => {
                let pause = match provider.is_paid() {
                    true => pause_after_refusal(job.id.0, refusal, tried.len()),
                    // The retry of the step has already paused.
                    false => 0,
                };
                let waited = now.milliseconds_since(at) / 1000;
                return match u32::try_from(waited) {
                    Ok(waited) if waited < pause => Next::Wait {
                        seconds: pause - waited,
                    },
                    _ => Next::Ask(provider),
                };
            }
        }
    }
    let (class, detail) = last.unwrap_or_else(|| {
        let media = job.asset.media_type();
        (
            FailureClass::NotConfigured,
            format!("nobody is configured to make media of the type {media:?}"),
        )
    });
    Next::GiveUp { class, detail }
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

impl Job {
    /// The job with a new attempt at `provider`, not sent yet; a closed job is returned unchanged.
    #[must_use]
    pub fn asking(mut self, provider: ProviderId, token: Uuid, now: Time) -> Self {
        if let State::Created = self.state {
            self.state = State::Submitted {
                at: now,
                output: None,
            };
        }
        if let State::Submitted { .. } = self.state {
            provider.as_str().clone_into(&mut self.provider);
            self.attempts.push(Attempt {
                token,
                provider,
                at: now,
                ticket: None,
                outcome: None,
            });
        }
        self
    }

    /// The last attempt, if it has no outcome yet.
    #[must_use]
    pub fn open_attempt(&self) -> Option<&Attempt> {
        self.attempts
            .last()
            .filter(|attempt| attempt.outcome.is_none())
    }

    /// The ticket to poll the provider with, while the provider is working on the job.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        let last = self
            .attempts
            .last()
            .filter(|attempt| attempt.outcome == Some(Outcome::Accepted))?;
        last.ticket.as_deref()
    }

    /// The job after the provider accepted the last attempt and returned `ticket`.
    #[must_use]
    pub fn accepted(mut self, ticket: String) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.ticket = Some(ticket);
            last.outcome = Some(Outcome::Accepted);
        }
        self
    }

    /// The job with the provider's id for its copy of the media, if it has one.
    #[must_use]
    pub fn copied(mut self, copy: Option<String>) -> Self {
        if let (Some(last), Some(copy)) = (self.attempts.last_mut(), copy) {
            last.ticket = Some(copy);
        }
        self
    }

    /// The job with the outcome of its last attempt.
    #[must_use]
    pub fn answered(mut self, outcome: Outcome) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.outcome = Some(outcome);
        }
        self
    }

    /// The credits that all its attempts used.
    #[must_use]
    pub fn credits(&self) -> u64 {
        self.attempts
            .iter()
            .filter_map(|attempt| attempt.outcome.as_ref())
            .map(Outcome::credits)
            .sum()
    }
}

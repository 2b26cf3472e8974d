//! An attempt: one provider asked once for one job. It is written down before it is made, so that
//! nobody pays twice without knowing.

use contract::{FailureClass, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Job, ProviderId, State};

/// How often one provider is asked for one job before it is given up for it.
pub const MOST_ATTEMPTS: usize = 6;

/// How long a provider is not asked by anybody after it turned the studio away, in seconds.
pub const BREAKER_SECONDS: u32 = 15 * 60;

/// One request to one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Whose attempt it is: the invocation that wrote it, and nobody else, may make it. The vendor
    /// gets it as `x-client-request-id`, which its support can search for.
    pub token: Uuid,
    /// Who is asked.
    pub provider: ProviderId,
    /// When it was written down.
    pub at: Time,
    /// What the provider calls what it makes, or made, of it: to ask with how far it is, and to
    /// have its copy erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// What came of it. None while the request may be on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// The provider works on it.
    Accepted,
    /// It is made, and cost so many credits.
    Made {
        /// Credits.
        credits: u64,
    },
    /// It is not made.
    Refused {
        /// Why, for programs.
        refusal: Refusal,
        /// Why, for operators.
        detail: String,
        /// When that was known.
        at: Time,
        /// Credits that it cost all the same.
        #[serde(default)]
        credits: u64,
    },
}

impl Outcome {
    /// Credits that it used.
    #[must_use]
    pub fn credits(&self) -> u64 {
        match self {
            Self::Made { credits } | Self::Refused { credits, .. } => *credits,
            Self::Accepted => 0,
        }
    }

    /// The outcome of which nothing is known, and since `at` never will be.
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

/// Why a provider did not make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "kebab-case")]
pub enum Refusal {
    /// Its rules forbid the content.
    Moderation,
    /// It cannot make anything of the content.
    InvalidInput,
    /// It does not know our key, or does not let it do this.
    Auth,
    /// Our account is empty.
    Billing,
    /// It was asked too often.
    RateLimited {
        /// How long it wants to be left alone, in seconds, if it says so.
        retry_after: Option<u32>,
    },
    /// It is in trouble, and certainly did nothing.
    Transient,
    /// The model, or the service, is no more.
    ProviderGone,
    /// The request was sent, and nobody knows what came of it.
    OutcomeUnknown,
}

/// What becomes of a job whose provider did not make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The same provider is asked again, after a while.
    AskAgain,
    /// The next provider is asked, if there is one.
    AskTheNext,
    /// As [`AskTheNext`](Self::AskTheNext), and nobody asks this one for [`BREAKER_SECONDS`].
    OpenTheBreaker,
    /// Nobody is asked again.
    Fail,
}

impl Refusal {
    /// The class as metrics and the table have it.
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

    /// The fate of a job that `provider` refused. The only place where that is decided.
    #[must_use]
    pub fn fate(self, provider: ProviderId) -> Fate {
        match self {
            Self::Moderation | Self::InvalidInput => Fate::Fail,
            Self::Auth | Self::Billing | Self::ProviderGone => Fate::OpenTheBreaker,
            Self::RateLimited { .. } | Self::Transient => Fate::AskAgain,
            // None of the vendors takes an idempotency key for these calls, so asking again may pay
            // again.
            Self::OutcomeUnknown => match provider {
                // Costs nothing.
                ProviderId::StudioCanvas => Fate::AskAgain,
                // Costs a fraction of a cent; what the lost task writes is a file that nobody
                // reads.
                ProviderId::Polly => Fate::AskAgain,
                ProviderId::OpenAi | ProviderId::ElevenLabs | ProviderId::Runway => {
                    Fate::AskTheNext
                }
            },
        }
    }

    /// What the failure of a job that `provider` refused is called once nobody is left to ask.
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
            // What is asked for again at will was not lost, it did not come about.
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
    /// Wait so many seconds, and decide again.
    Wait {
        /// Seconds.
        seconds: u32,
    },
    /// Nobody is left to ask.
    GiveUp {
        /// Why, for programs.
        class: FailureClass,
        /// Why, for operators.
        detail: String,
    },
}

/// Decides whom to ask for `job` at `now`: of `providers` the first that is not given up for it.
/// `out_of_order` are those that nobody is to ask at present.
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
                    // The step's own retry has paused already.
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

/// How long to leave a provider alone after its `tries`-th refusal for what has this id: as long as
/// it says, else 2 s, 4 s and so on up to a minute, and up to a quarter more, each id its own part
/// of it.
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
    /// The job with an attempt at `provider` written down, not made yet; a closed job as it is.
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

    /// The attempt that is written down and of which nothing more is known.
    #[must_use]
    pub fn open_attempt(&self) -> Option<&Attempt> {
        self.attempts
            .last()
            .filter(|attempt| attempt.outcome.is_none())
    }

    /// What to ask with how far the provider is, as long as it works on the job.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        let last = self
            .attempts
            .last()
            .filter(|attempt| attempt.outcome == Some(Outcome::Accepted))?;
        last.ticket.as_deref()
    }

    /// The job whose last attempt the provider accepted, and gave this ticket for.
    #[must_use]
    pub fn accepted(mut self, ticket: String) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.ticket = Some(ticket);
            last.outcome = Some(Outcome::Accepted);
        }
        self
    }

    /// The job whose provider keeps a copy of what it made last, if it says what it calls it.
    #[must_use]
    pub fn copied(mut self, copy: Option<String>) -> Self {
        if let (Some(last), Some(copy)) = (self.attempts.last_mut(), copy) {
            last.ticket = Some(copy);
        }
        self
    }

    /// The job with what came of its last attempt.
    #[must_use]
    pub fn answered(mut self, outcome: Outcome) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.outcome = Some(outcome);
        }
        self
    }

    /// Credits that all its attempts used.
    #[must_use]
    pub fn credits(&self) -> u64 {
        self.attempts
            .iter()
            .filter_map(|attempt| attempt.outcome.as_ref())
            .map(Outcome::credits)
            .sum()
    }
}

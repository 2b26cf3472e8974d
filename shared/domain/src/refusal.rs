//! Why a provider refuses a request, and what follows from it.

use contract::FailureClass;
use serde::{Deserialize, Serialize};

use crate::ProviderId;

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
    /// The request was turned away, and not in the provider's own words for trouble with our
    /// account: by a firewall before it, say, because of the text. It concerns this content alone,
    /// unless several tenants meet it ([`Blocks`](crate::Blocks)).
    Blocked,
    /// The request was sent, and its outcome is unknown.
    OutcomeUnknown,
    /// The provider made the media, and the studio neither stored nor kept it: trouble of ours, for
    /// which the provider is paid nevertheless.
    NotStored,
}

/// What happens to a job after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
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
            Self::Blocked => "blocked",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::NotStored => "not-stored",
        }
    }

    /// What happens to a job that `provider` refused. This is the only place that decides it.
    #[must_use]
    pub fn retry_decision(self, provider: ProviderId) -> RetryDecision {
        match self {
            Self::Moderation | Self::InvalidInput => RetryDecision::Fail,
            Self::Auth | Self::Billing | Self::ProviderGone => RetryDecision::OpenTheBreaker,
            Self::RateLimited { .. } | Self::Transient => RetryDecision::AskAgain,
            // It was paid for once, and is not paid for again.
            Self::Blocked | Self::NotStored => RetryDecision::AskTheNext,
            // No vendor takes an idempotency key for these calls, so another request may be charged
            // again.
            Self::OutcomeUnknown => match provider {
                // The canvas costs nothing.
                ProviderId::StudioCanvas => RetryDecision::AskAgain,
                // A request costs a fraction of a cent; the lost task writes a file that is never
                // read.
                ProviderId::Polly => RetryDecision::AskAgain,
                ProviderId::OpenAi | ProviderId::ElevenLabs | ProviderId::Runway => {
                    RetryDecision::AskTheNext
                }
            },
        }
    }

    /// The failure class of a job that `provider` refused, once no provider is left to ask.
    #[must_use]
    pub fn failure_class(self, provider: ProviderId) -> FailureClass {
        match self {
            Self::Moderation => FailureClass::Moderation,
            Self::InvalidInput | Self::Blocked => FailureClass::InvalidInput,
            Self::Auth
            | Self::Billing
            | Self::ProviderGone
            | Self::RateLimited { .. }
            | Self::Transient
            | Self::NotStored => FailureClass::Unavailable,
            // If the provider may be asked again, the outcome does not matter: the media was not
            // made.
            Self::OutcomeUnknown => match self.retry_decision(provider) {
                RetryDecision::AskAgain => FailureClass::Unavailable,
                RetryDecision::AskTheNext | RetryDecision::OpenTheBreaker | RetryDecision::Fail => {
                    FailureClass::OutcomeUnknown
                }
            },
        }
    }
}

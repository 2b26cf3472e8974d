//! Decides the next action for a voice, from what its provider reports.

use std::collections::BTreeSet;

use contract::{CloningMethod, FailureClass, Time};

use crate::{
    Outcome, Refusal, RetryDecision, VoiceModel, VoiceRequest, VoiceState,
    next::pause_after_refusal,
};

/// How long a provider may train a voice, in seconds.
pub const TRAINING_SECONDS: u32 = 48 * 60 * 60;

/// The most attempts at one request for one voice.
const MOST_REQUESTS: usize = 5;

/// How long to wait, in seconds, before checking whether a request of unknown outcome took effect.
/// It is repeated only if it did not.
const BEFORE_REPEATING: u32 = 30;

/// How long a provider may take to show a request that it accepted, in seconds.
const TO_SHOW: u32 = 15 * 60;

/// What the provider reports about a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceView {
    /// The provider's id for the voice.
    pub voice: String,
    /// The samples that the provider has, counted from 1.
    pub samples: BTreeSet<usize>,
    /// Whether the owner still has to verify that the voice is theirs.
    pub wants_owner: bool,
    /// The state of the training.
    pub training: Training,
}

/// The state of a voice's training at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Training {
    /// The provider shows no request to train it.
    NotStarted,
    /// It is in progress; the provider's name for that state.
    Underway(String),
    /// It finished.
    Done,
    /// It failed; the provider's message.
    Failed(String),
}

/// The next action for a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoiceNext {
    /// Send this request to the provider.
    Ask(VoiceRequest),
    /// Wait, then check again.
    Wait {
        /// How long, in seconds.
        seconds: u32,
    },
    /// Wait until the owner has verified that the voice is theirs.
    AwaitOwner,
    /// The voice is ready.
    Ready,
    /// The voice failed for good.
    Fail {
        /// The reason, for programs.
        class: FailureClass,
        /// The reason, for operators.
        detail: String,
    },
}

/// Decides the next action for `model` at `now`. `view` is what the provider reports; `None` if it
/// does not know the voice.
///
/// The view is checked before any request, so a request whose response was lost is repeated only
/// after the view shows that it had no effect.
#[must_use]
pub fn next_for_voice(model: &VoiceModel, view: Option<&VoiceView>, now: Time) -> VoiceNext {
    let Some(training) = &model.training else {
        return VoiceNext::Fail {
            class: FailureClass::Internal,
            detail: "it is not known what to clone".to_owned(),
        };
    };
    let Some(view) = view else {
        return ask(model, VoiceRequest::Create, now);
    };
    if training.method == CloningMethod::Instant {
        // An instant voice is verified between its owner and the provider, without the studio.
        return if view.wants_owner {
            VoiceNext::AwaitOwner
        } else {
            VoiceNext::Ready
        };
    }
    let is_there = |number: &usize| {
        view.samples.contains(number) || model.is_done(VoiceRequest::Sample(*number))
    };
    if let Some(missing) = (1..=training.samples.len()).find(|number| !is_there(number)) {
        return ask(model, VoiceRequest::Sample(missing), now);
    }
    match &view.training {
        Training::Done => VoiceNext::Ready,
        Training::Failed(message) => {
            let detail = format!("{} says of the training: {message}", model.provider);
            VoiceNext::Fail {
                class: FailureClass::InvalidInput,
                detail,
            }
        }
        Training::Underway(_) => model.wait_for_training(now),
        Training::NotStarted if view.wants_owner && model.was_verified_lately(now) => {
            VoiceNext::Wait { seconds: 15 }
        }
        Training::NotStarted if view.wants_owner => VoiceNext::AwaitOwner,
        // The provider confirmed the training; its view shows that late.
        Training::NotStarted if model.is_done(VoiceRequest::Train) => model.wait_for_training(now),
        Training::NotStarted => ask(model, VoiceRequest::Train, now),
    }
}

/// Sends `request`, unless an earlier attempt forbids that for now or for good.
fn ask(model: &VoiceModel, request: VoiceRequest, now: Time) -> VoiceNext {
    let tried: Vec<_> = model.attempts.at(request).collect();
    let Some(last) = tried.last() else {
        return VoiceNext::Ask(request);
    };
    let waited =
        |since: Time| u32::try_from(now.milliseconds_since(since) / 1000).unwrap_or(u32::MAX);
    let (refusal, detail, at) = match &last.outcome {
        // The caller has closed interrupted attempts, so an open one is in flight.
        None => {
            return VoiceNext::Wait {
                seconds: BEFORE_REPEATING,
            };
        }
        Some(Outcome::Accepted | Outcome::Made { .. }) if waited(last.at) < TO_SHOW => {
            return VoiceNext::Wait { seconds: 15 };
        }
        Some(Outcome::Accepted | Outcome::Made { .. }) => {
            let detail = format!(
                "{} accepted {request:?} and shows nothing of it",
                model.provider
            );
            return VoiceNext::Fail {
                class: FailureClass::OutcomeUnknown,
                detail,
            };
        }
        Some(Outcome::Refused {
            refusal,
            detail,
            at,
            ..
        }) => (*refusal, detail, *at),
    };
    let fails = || VoiceNext::Fail {
        class: refusal.failure_class(model.provider),
        detail: format!("{}, {request:?}: {detail}", model.provider),
    };
    match retry_decision_for_voice(refusal) {
        RetryDecision::Fail | RetryDecision::OpenTheBreaker | RetryDecision::AskTheNext => fails(),
        RetryDecision::AskAgain if tried.len() >= MOST_REQUESTS => fails(),
        RetryDecision::AskAgain => {
            let pause = match refusal {
                Refusal::OutcomeUnknown => BEFORE_REPEATING,
                _ => pause_after_refusal(model.id.0, refusal, tried.len()),
            };
            match waited(at) {
                waited if waited < pause => VoiceNext::Wait {
                    seconds: pause - waited,
                },
                _ => VoiceNext::Ask(request),
            }
        }
    }
}

/// What happens to a voice after a refusal. It differs from a render's: there is no other provider to
/// ask, and the outcome of a lost request can be looked up.
#[must_use]
pub fn retry_decision_for_voice(refusal: Refusal) -> RetryDecision {
    match refusal {
        Refusal::Moderation | Refusal::InvalidInput | Refusal::Blocked => RetryDecision::Fail,
        Refusal::Auth | Refusal::Billing | Refusal::ProviderGone => RetryDecision::OpenTheBreaker,
        // Nothing of a voice's request is stored, so it is never `NotStored`.
        Refusal::RateLimited { .. }
        | Refusal::Transient
        | Refusal::OutcomeUnknown
        | Refusal::NotStored => RetryDecision::AskAgain,
    }
}

impl VoiceModel {
    /// The model updated from `view`: with the provider's id of the voice, and with each lost
    /// request that took effect marked as made, at its `price`.
    #[must_use]
    pub fn shown(
        mut self,
        view: &VoiceView,
        price: impl Fn(VoiceRequest) -> u64,
        now: Time,
    ) -> Self {
        self.voice.get_or_insert_with(|| view.voice.clone());
        let is_fulfilled = |request: VoiceRequest| match request {
            VoiceRequest::Create => true,
            VoiceRequest::Sample(number) => view.samples.contains(&number),
            VoiceRequest::Verify => !view.wants_owner,
            VoiceRequest::Train => view.training != Training::NotStarted,
        };
        let mut settled = BTreeSet::new();
        // Of several lost attempts at one request the last took effect: each earlier one had shown
        // no effect before it was repeated.
        for attempt in self.attempts.iter_mut().rev() {
            let is_lost = matches!(
                attempt.outcome,
                Some(Outcome::Refused {
                    refusal: Refusal::OutcomeUnknown,
                    ..
                })
            );
            if settled.insert(attempt.asked) && is_lost && is_fulfilled(attempt.asked) {
                attempt.outcome = Some(Outcome::Made {
                    credits: price(attempt.asked),
                });
            }
        }
        if view.training == Training::NotStarted {
            self
        } else {
            self.trained_since(now)
        }
    }

    /// The next action while the provider does not answer.
    #[must_use]
    pub fn wait_for_an_answer(&self, now: Time) -> VoiceNext {
        const A_DAY: u64 = 24 * 60 * 60;
        let age = now.milliseconds_since(self.created_at) / 1000;
        match self.state {
            VoiceState::Training { .. } => self.wait_for_training(now),
            VoiceState::Registered if age > A_DAY => VoiceNext::Fail {
                class: FailureClass::Unavailable,
                detail: format!("{} has not answered for a day", self.provider),
            },
            // The owner had seven days.
            _ if age > 8 * A_DAY => VoiceNext::Fail {
                class: FailureClass::Unavailable,
                detail: format!(
                    "{} has not answered since its owner was waited for",
                    self.provider
                ),
            },
            _ => VoiceNext::Wait {
                seconds: u32::try_from(age / 8).unwrap_or(u32::MAX).clamp(30, 600),
            },
        }
    }

    fn was_verified_lately(&self, now: Time) -> bool {
        let last = self.attempts.at(VoiceRequest::Verify).next_back();
        last.is_some_and(|last| {
            matches!(last.outcome, Some(Outcome::Made { .. }))
                && now.milliseconds_since(last.at) < u64::from(TO_SHOW) * 1000
        })
    }

    fn wait_for_training(&self, now: Time) -> VoiceNext {
        let since = match self.state {
            VoiceState::Training { since } => since,
            _ => now,
        };
        let age = now.milliseconds_since(since) / 1000;
        if age > u64::from(TRAINING_SECONDS) {
            let hours = TRAINING_SECONDS / 3600;
            let detail = format!("{} has not trained it in {hours} hours", self.provider);
            return VoiceNext::Fail {
                class: FailureClass::Timeout,
                detail,
            };
        }
        // Every five minutes at first, every half hour later: about 110 polls in 48 hours.
        VoiceNext::Wait {
            seconds: u32::try_from(age / 8).unwrap_or(u32::MAX).clamp(300, 1800),
        }
    }
}

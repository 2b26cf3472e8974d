//! What to do next for a voice, by what its provider shows of it.

use std::collections::BTreeSet;

use contract::{CloningMethod, FailureClass, Time};

use crate::{
    Fate, Outcome, Refusal, VoiceAttempt, VoiceModel, VoiceRequest, VoiceState,
    attempt::pause_after_refusal,
};

/// How long a provider may train a voice, in seconds.
pub const TRAINING_SECONDS: u32 = 48 * 60 * 60;

/// How often one request is made for one voice before it is given up.
const MOST_REQUESTS: usize = 5;

/// How long to wait, in seconds, before looking whether a request of unknown outcome was fulfilled;
/// only if it was not, it is repeated.
const BEFORE_REPEATING: u32 = 30;

/// How long, in seconds, a provider may take to show what it says it accepted.
const TO_SHOW: u32 = 15 * 60;

/// What the provider says of a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceView {
    /// What it calls it.
    pub voice: String,
    /// The samples that it has, counted from 1.
    pub samples: BTreeSet<usize>,
    /// Whether its owner has yet to show that it is theirs.
    pub wants_owner: bool,
    /// How far its training is.
    pub training: Training,
}

/// How far a provider is with training a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Training {
    /// Nobody has asked for it, as far as it shows.
    NotStarted,
    /// It goes on; how the provider calls that.
    Underway(String),
    /// It is done.
    Done,
    /// It failed; what the provider says of it.
    Failed(String),
}

/// What to do next for a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoiceNext {
    /// Ask the provider for this.
    Ask(VoiceRequest),
    /// Wait so many seconds, then look again.
    Wait {
        /// Seconds.
        seconds: u32,
    },
    /// Wait until its owner has shown that the voice is theirs.
    AwaitOwner,
    /// It speaks.
    Ready,
    /// It will not become a voice.
    Fail {
        /// Why, for programs.
        class: FailureClass,
        /// Why, for operators.
        detail: String,
    },
}

/// Decides what to do for `model` at `now`, of which the provider says `view` (`None`: it knows no
/// such voice).
///
/// What the provider shows is looked at before anything is asked for, so a request whose answer was
/// lost is repeated only once it shows that nothing came of it.
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
        // How its owner verifies it is between them and the provider.
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
        // It said that it trains, and shows it late.
        Training::NotStarted if model.is_done(VoiceRequest::Train) => model.wait_for_training(now),
        Training::NotStarted => ask(model, VoiceRequest::Train, now),
    }
}

/// Asks for `request`, unless it was asked for before and that forbids it, now or for good.
fn ask(model: &VoiceModel, request: VoiceRequest, now: Time) -> VoiceNext {
    let tried: Vec<&VoiceAttempt> = model
        .attempts
        .iter()
        .filter(|attempt| attempt.request == request)
        .collect();
    let Some(last) = tried.last() else {
        return VoiceNext::Ask(request);
    };
    let waited =
        |since: Time| u32::try_from(now.milliseconds_since(since) / 1000).unwrap_or(u32::MAX);
    let (refusal, detail, at) = match &last.outcome {
        // The caller has closed what was interrupted; whatever is open is on its way.
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
    match fate_of_voice(refusal) {
        Fate::Fail | Fate::OpenTheBreaker | Fate::AskTheNext => fails(),
        Fate::AskAgain if tried.len() >= MOST_REQUESTS => fails(),
        Fate::AskAgain => {
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

/// The fate of a voice whose provider refused a request. It differs from a render's: there is
/// nobody else to ask, and what came of a lost request can be looked up.
#[must_use]
pub fn fate_of_voice(refusal: Refusal) -> Fate {
    match refusal {
        Refusal::Moderation | Refusal::InvalidInput => Fate::Fail,
        Refusal::Auth | Refusal::Billing | Refusal::ProviderGone => Fate::OpenTheBreaker,
        Refusal::RateLimited { .. } | Refusal::Transient | Refusal::OutcomeUnknown => {
            Fate::AskAgain
        }
    }
}

impl VoiceModel {
    /// The model with what `view` shows of it: the voice, and of a lost request that it was
    /// fulfilled, for what `price` lists.
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
        // Of several lost ones it was the last: the earlier had shown nothing before they were
        // repeated.
        for attempt in self.attempts.iter_mut().rev() {
            let is_lost = matches!(
                attempt.outcome,
                Some(Outcome::Refused {
                    refusal: Refusal::OutcomeUnknown,
                    ..
                })
            );
            if settled.insert(attempt.request) && is_lost && is_fulfilled(attempt.request) {
                attempt.outcome = Some(Outcome::Made {
                    credits: price(attempt.request),
                });
            }
        }
        if view.training == Training::NotStarted {
            self
        } else {
            self.trained_since(now)
        }
    }

    /// What to do while the provider does not answer.
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
            // Its owner had seven days.
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
        let last = self
            .attempts
            .iter()
            .rfind(|attempt| attempt.request == VoiceRequest::Verify);
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
        // Every few minutes at first, every half an hour later: some 110 polls in 48 hours.
        VoiceNext::Wait {
            seconds: u32::try_from(age / 8).unwrap_or(u32::MAX).clamp(300, 1800),
        }
    }
}

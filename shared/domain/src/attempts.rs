//! The attempts of a job or a voice model: one request to a provider each, stored before the request
//! is sent, so that the studio never pays twice unknowingly.

use std::{ops::Deref, slice};

use contract::{Shows, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Refusal;

/// One request to a provider. `A` says what was asked: of a job the provider, of a voice model the
/// kind of request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt<A> {
    /// Identifies the invocation that wrote the attempt; only that invocation may send the request.
    /// The vendor gets it as `x-client-request-id`, which its support can search for.
    pub token: Uuid,
    /// What was asked.
    pub asked: A,
    /// When the attempt was stored.
    pub at: Time,
    /// The provider's id for the task or its result. It serves to poll the task and to erase the
    /// provider's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The outcome; `None` while the request may be in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What the provider made and the bucket did not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// Whether it is known that nothing was sent to the provider: its key could not be read, say, or
    /// there was no connection. An attempt of an earlier version of the code does not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
}

impl<A> Attempt<A> {
    /// The credits that it used, also for what is kept and not stored yet.
    #[must_use]
    pub fn credits(&self) -> u64 {
        let of_outcome = self.outcome.as_ref().map_or(0, Outcome::credits);
        of_outcome.max(self.kept.as_ref().map_or(0, |kept| kept.credits))
    }
}

/// A result that is paid for and could not be stored in the bucket. Its bytes are in the table, in
/// parts, under the attempt's token. Its attempt counts as accepted, because it ends in an asset: the
/// studio has it, and stores it when the bucket takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// When it was put into the table.
    pub at: Time,
    /// The number of its parts, from 1 on.
    pub parts: u32,
    /// The provider, with the model after a slash, as events carry it.
    pub made_by: String,
    /// The credits that it cost.
    pub credits: u64,
    /// The length of a video or audio file in milliseconds, if the provider reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ms: Option<u64>,
    /// What it shows of its job; empty for video and audio.
    #[serde(flatten)]
    pub shows: Shows,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// The provider accepted the task and is working on it.
    Accepted,
    /// The provider did what was asked.
    Made {
        /// The credits it cost.
        credits: u64,
    },
    /// The provider did not do what was asked.
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

/// All attempts of one job or voice model, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempts<A>(Vec<Attempt<A>>);

impl<A> Default for Attempts<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A> Deref for Attempts<A> {
    type Target = [Attempt<A>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, A> IntoIterator for &'a Attempts<A> {
    type Item = &'a Attempt<A>;
    type IntoIter = slice::Iter<'a, Attempt<A>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<A> Attempts<A> {
    /// The last attempt, if it has no outcome yet.
    #[must_use]
    pub fn open(&self) -> Option<&Attempt<A>> {
        self.last().filter(|attempt| attempt.outcome.is_none())
    }

    /// The credits that all attempts used.
    #[must_use]
    pub fn credits(&self) -> u64 {
        self.iter().map(Attempt::credits).sum()
    }

    /// Adds an attempt that is not sent yet.
    pub(crate) fn open_new(&mut self, asked: A, token: Uuid, at: Time) {
        self.0.push(Attempt {
            token,
            asked,
            at,
            ticket: None,
            outcome: None,
            kept: None,
            unsent: false,
        });
    }

    /// Drops the last attempt if it has no outcome.
    pub(crate) fn drop_open(&mut self) {
        if self.open().is_some() {
            self.0.pop();
        }
    }

    /// Sets the outcome of the last attempt, and returns that attempt.
    pub(crate) fn close_last(&mut self, outcome: Outcome) -> Option<&Attempt<A>> {
        let last = self.0.last_mut()?;
        last.outcome = Some(outcome);
        Some(last)
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Attempt<A>> {
        self.0.last_mut()
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Attempt<A>> {
        self.0.iter_mut()
    }

    /// Removes what providers said: their tickets and their messages.
    pub(crate) fn blank(&mut self) {
        for attempt in &mut self.0 {
            attempt.ticket = None;
            attempt.kept = None;
            if let Some(Outcome::Refused { detail, .. }) = &mut attempt.outcome {
                detail.clear();
            }
        }
    }
}

impl<A: PartialEq> Attempts<A> {
    /// The attempts at one thing, the oldest first.
    pub(crate) fn at(&self, asked: A) -> impl DoubleEndedIterator<Item = &Attempt<A>> {
        self.iter().filter(move |attempt| attempt.asked == asked)
    }
}

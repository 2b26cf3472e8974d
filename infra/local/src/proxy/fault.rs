//! Trouble that is made on purpose: for which calls, and what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::Operation;

/// Trouble for the calls that match.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which calls.
    pub matches: Matches,
    /// What happens to them.
    pub action: Action,
}

/// Which calls a fault is for. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// The service as requests are signed for it: `dynamodb`, `states`, `s3`.
    pub service: Option<String>,
    /// The operation: `TransactWriteItems`, `StartExecution`, `PutObject`.
    pub operation: Option<String>,
    /// What the request's body has in it.
    pub body_contains: Option<String>,
    /// The name of the function that calls.
    pub function: Option<String>,
    /// Which of the calls that match the rest.
    pub occurrence: Occurrence,
}

impl Matches {
    pub(super) fn names(&self, operation: &Operation, function: Option<&str>) -> bool {
        self.service
            .as_ref()
            .is_none_or(|service| *service == operation.service)
            && self
                .operation
                .as_ref()
                .is_none_or(|name| *name == operation.name)
            && self
                .function
                .as_deref()
                .is_none_or(|name| Some(name) == function)
    }
}

/// Which of the calls that match a fault it hits, counted since it was injected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Occurrence {
    /// All of them.
    #[default]
    Every,
    /// Only this one; the first is 1.
    Nth(u32),
    /// The first so many.
    First(u32),
    /// Every so manieth: of `EveryNth(3)` the third, the sixth, and so on.
    EveryNth(u32),
}

impl Occurrence {
    /// Whether it means the call that is the `number`-th to match, from 1.
    #[must_use]
    pub fn hits(self, number: u32) -> bool {
        match self {
            Self::Every => true,
            Self::Nth(nth) => number == nth,
            Self::First(times) => number <= times,
            Self::EveryNth(nth) => number.is_multiple_of(nth),
        }
    }

    /// Whether it means no call after the `number`-th.
    pub(super) fn is_over(self, number: u32) -> bool {
        match self {
            Self::Every | Self::EveryNth(_) => false,
            Self::Nth(last) | Self::First(last) => number >= last,
        }
    }
}

/// On which side of the emulator's answer something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the call is forwarded: the emulator never sees it.
    Before,
    /// After the emulator has answered: the effect is there, and the caller never learns of it.
    After,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The call is forwarded so much later.
    Delay(Duration),
    /// The caller gets an AWS error instead; the emulator never sees the call.
    Fail {
        /// The HTTP status.
        status: u16,
        /// The error's type: `ThrottlingException`, `InternalServerError`.
        error: String,
    },
    /// The connection is closed without an answer.
    Cut(Moment),
    /// The calling process, and only it, is killed (`kill -9`).
    KillCaller(Moment),
}

/// How often a fault has hit.
#[derive(Debug, Clone, Default)]
pub struct Hits(Arc<AtomicU32>);

impl Hits {
    /// How often so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

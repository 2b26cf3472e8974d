//! Injected faults: which calls they hit, and what they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::operation::Operation;

/// A fault for the calls that match.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The calls that the fault is for.
    pub matches: Matches,
    /// The action.
    pub action: Action,
}

/// The calls that a fault is for. A `None` matches everything.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// The service's name in signatures: `dynamodb`, `sqs`, `s3`.
    pub service: Option<String>,
    /// The operation: `TransactWriteItems`, `SendMessageBatch`, `PutObject`.
    pub operation: Option<String>,
    /// A text that the request's body contains.
    pub body_contains: Option<String>,
    /// The name of the calling function.
    pub function: Option<String>,
    /// Which of the calls that match the other fields.
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

/// Which of the matching calls a fault hits, counted since its injection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Occurrence {
    /// All calls.
    #[default]
    Every,
    /// Only this call. The first is 1.
    Nth(u32),
    /// The first calls, up to this number.
    First(u32),
    /// Every n-th call. `EveryNth(3)` hits the third, the sixth, and so on.
    EveryNth(u32),
}

impl Occurrence {
    /// Whether this includes the `number`-th matching call, counted from 1.
    #[must_use]
    pub fn hits(self, number: u32) -> bool {
        match self {
            Self::Every => true,
            Self::Nth(nth) => number == nth,
            Self::First(times) => number <= times,
            Self::EveryNth(nth) => number.is_multiple_of(nth),
        }
    }

    /// Whether this includes no call after the `number`-th.
    pub(super) fn is_over(self, number: u32) -> bool {
        match self {
            Self::Every | Self::EveryNth(_) => false,
            Self::Nth(last) | Self::First(last) => number >= last,
        }
    }
}

/// Whether an action happens before or after the emulator's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the call is forwarded: the emulator never sees it.
    Before,
    /// After the emulator has answered: the call took effect, but the caller never learns of it.
    After,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The call is forwarded after this delay.
    Delay(Duration),
    /// The caller gets an AWS error instead of an answer. The emulator never sees the call.
    Fail {
        /// The HTTP status.
        status: u16,
        /// The error's type, for example `ThrottlingException` or `InternalServerError`.
        error: String,
    },
    /// The connection is closed without an answer.
    Cut(Moment),
    /// The calling process is killed (`kill -9`), and no other process.
    KillCaller(Moment),
}

/// How often a fault has hit.
#[derive(Debug, Clone, Default)]
pub struct Hits(Arc<AtomicU32>);

impl Hits {
    /// The number of hits so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

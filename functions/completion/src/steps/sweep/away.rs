//! The services that turn out to be away during a sweep. What needs one of them is left to the next
//! sweep: each item would wait for it just as long, and what does not need it behind them.

use std::cell::Cell;

use executions::StartError;
use queue::SendError;

use super::Trouble;

/// What this sweep knows to be away.
#[derive(Default)]
pub(super) struct Away {
    queue: Cell<bool>,
    executions: Cell<bool>,
}

impl Away {
    /// Whether SQS is away.
    pub(super) fn queue(&self) -> bool {
        self.queue.get()
    }

    /// Whether Step Functions is away.
    pub(super) fn executions(&self) -> bool {
        self.executions.get()
    }

    /// Notes that a service is away, if `trouble` says so. Then it says nothing of its item. A message
    /// that SQS refuses by itself says nothing of others.
    pub(super) fn notes(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Send(SendError::Call(_)) => self.queue.set(true),
            Trouble::Start(error) if error.is_outage() => self.executions.set(true),
            _ => return false,
        }
        true
    }

    /// Notes that Step Functions did not start what got a slot.
    pub(super) fn notes_start(&self, error: &StartError) {
        if error.is_outage() {
            self.executions.set(true);
        }
    }
}

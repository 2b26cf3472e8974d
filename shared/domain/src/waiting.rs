//! A job's wait for its turn at a provider. Meanwhile it has no execution: it stands in the
//! provider's line, and nothing is done for it.

use contract::{FailureClass, Time};

use crate::{Failure, Job, Noted, ProviderId, Work};

/// For how many seconds a job may wait for its turn at a provider, or be open without being begun;
/// then it is given up.
pub const LONGEST_WAIT_SECONDS: u32 = 24 * 60 * 60;

/// Why a job may not wait: its tenant has `most` open jobs before it at vendors.
#[must_use]
pub fn too_many_open(most: usize, now: Time) -> Failure {
    Failure {
        class: FailureClass::TooManyOpen,
        detail: format!("its tenant has {most} open jobs before it, and may have no more"),
        at: now,
    }
}

impl Job {
    /// The provider in whose line the open job stands.
    #[must_use]
    pub fn waits_for(&self) -> Option<ProviderId> {
        self.turn.waits_for.filter(|_| !self.is_closed())
    }

    /// Whether the job has waited in a line for as long as a job may.
    #[must_use]
    pub fn has_waited_for_too_long(&self, now: Time) -> bool {
        self.waits_for().is_some() && now >= self.deadline
    }

    /// The job, which was not begun, in the line of `provider` from `now` on. Its deadline is the end
    /// of the longest wait, however old it is: a backlog or an outage may have kept it from the line.
    #[must_use]
    pub fn waiting(mut self, provider: ProviderId, now: Time) -> Self {
        self.turn.waits_for = Some(provider);
        self.deadline = now.plus_seconds(LONGEST_WAIT_SECONDS);
        self.noting(Noted::JoinedLine { provider }, now)
    }

    /// The job in the line of `provider` from `now` on, without the execution that found no room
    /// there.
    #[must_use]
    pub fn leaving(mut self, provider: ProviderId, now: Time) -> Self {
        self.turn.left += 1;
        self.waiting(provider, now)
    }

    /// The job whose turn it is. The sweep looks after its execution from `deadline` on.
    #[must_use]
    pub fn woken(mut self, deadline: Time) -> Self {
        self.turn.waits_for = None;
        self.deadline = deadline;
        self
    }

    /// The job with a note that its turn came at `now` in the line in which it stands, if it stands in
    /// one. It is [woken](Self::woken) next.
    #[must_use]
    pub fn noting_turn(self, now: Time) -> Self {
        match self.waits_for() {
            Some(provider) => self.noting(Noted::TurnCame { provider }, now),
            None => self,
        }
    }

    /// Those of `providers` whose slots the job may hold without asking them, now that it asks
    /// `asked`: its turn came in the line of one while another that is preferred was out of order,
    /// and that one is back.
    pub fn may_hold_beside(
        &self,
        asked: ProviderId,
        providers: &[ProviderId],
    ) -> impl Iterator<Item = ProviderId> {
        // A job that never left an execution waited for the provider that it asks first.
        let has_left = self.turn.left > 0;
        let others = providers.iter().copied();
        others.filter(move |other| has_left && *other != asked)
    }

    /// Whether the job has left the execution `name` to wait for its turn: its last one, before the
    /// current one.
    #[must_use]
    pub fn has_left(&self, name: &str) -> bool {
        let number = self.execution_number();
        self.turn.left > 0 && self.execution_name_of(number.saturating_sub(1)) == name
    }
}

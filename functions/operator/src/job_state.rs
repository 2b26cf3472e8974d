//! The name of a job's state, as answers have it.

use domain::State;
use operations::JobState;

/// The name of a job's state.
pub(crate) fn named(state: &State) -> JobState {
    match state {
        State::Created => JobState::Created,
        State::Submitted { .. } => JobState::Submitted,
        State::Completed { .. } => JobState::Completed,
        State::Failed { .. } => JobState::Failed,
        State::Cancelled { .. } => JobState::Cancelled,
        State::Erased { .. } => JobState::Erased,
    }
}

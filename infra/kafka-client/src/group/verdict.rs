//! How a member reacts to each error of the coordinator.

use kafka_protocol::error::ResponseError;

use crate::Error;

/// How the member reacts to an error from the coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The group rebalances: join again with the same member id.
    Rejoin,
    /// The coordinator no longer knows the member: join with a new member id.
    Anew,
    /// Another client has taken the static member's instance id. Join as a new member after a
    /// pause, because the other client may be about to end.
    Fenced,
    /// The coordinator is gone or has moved: look it up again.
    Lost,
}

pub(super) fn verdict(error: &Error) -> Verdict {
    match error.code() {
        // The coordinator may still know a member with an old generation. If it joined with a new
        // member id, the group would wait for the old one.
        Some(ResponseError::RebalanceInProgress | ResponseError::IllegalGeneration) => {
            Verdict::Rejoin
        }
        Some(ResponseError::UnknownMemberId) => Verdict::Anew,
        Some(ResponseError::FencedInstanceId) => Verdict::Fenced,
        _ => Verdict::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::WITHIN;

    fn refused(code: ResponseError) -> Error {
        Error::Refused {
            doing: String::new(),
            code,
            said: None,
        }
    }

    #[test]
    fn each_coordinator_error_has_its_verdict() {
        assert_eq!(
            verdict(&refused(ResponseError::RebalanceInProgress)),
            Verdict::Rejoin
        );
        assert_eq!(
            verdict(&refused(ResponseError::UnknownMemberId)),
            Verdict::Anew
        );
        assert_eq!(
            verdict(&refused(ResponseError::IllegalGeneration)),
            Verdict::Rejoin
        );
        assert_eq!(
            verdict(&refused(ResponseError::FencedInstanceId)),
            Verdict::Fenced
        );
        assert_eq!(
            verdict(&refused(ResponseError::NotCoordinator)),
            Verdict::Lost
        );
        assert_eq!(
            verdict(&Error::TimedOut {
                address: String::new(),
                after: WITHIN
            }),
            Verdict::Lost
        );
    }
}

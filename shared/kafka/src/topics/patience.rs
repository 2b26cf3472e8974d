//! How long and how often it is tried again, while a broker, its name or a token is away. Right after
//! a stack was made, the network of its functions and the grants of their roles are as new as it.

use std::time::Duration;

use tokio::time::Instant;

use super::TopicsError;

/// The first pause between two tries. Each further one is twice as long.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(15);

/// How long a refused token is shown again. IAM is eventually consistent, so a cluster may not know
/// yet what the role of a new stack may do.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>
const SPREADING: Duration = Duration::from_secs(30);

/// What is left of the time.
pub(super) struct Patience {
    until: Instant,
    pause: Duration,
    /// The failure before the last, which says more than that the time was over.
    before: Option<TopicsError>,
    refused_since: Option<Instant>,
}

impl Patience {
    /// Tries may begin until then.
    pub(super) fn until(until: Instant) -> Self {
        Self {
            until,
            pause: SHORTEST,
            before: None,
            refused_since: None,
        }
    }

    /// How long to wait before the next try, after one that failed and ended `now`.
    ///
    /// # Errors
    /// The failure, if it does not pass, or if there is no time for another try. If the time was
    /// over in the middle of a try, the failure of the try before.
    pub(super) fn pause(
        &mut self,
        error: TopicsError,
        now: Instant,
    ) -> Result<Duration, TopicsError> {
        if let TopicsError::NotInTime = error {
            return Err(self.before.take().unwrap_or(error));
        }
        let pause = self.pause;
        let passes = error.passes() || self.may_spread(&error, now);
        if !passes || now + pause >= self.until {
            return Err(error);
        }
        self.pause = (pause * 2).min(LONGEST);
        self.before = Some(error);
        Ok(pause)
    }

    /// Whether the token is refused perhaps because a grant is too new.
    fn may_spread(&mut self, error: &TopicsError, now: Instant) -> bool {
        error.is_refused_token() && now < *self.refused_since.get_or_insert(now) + SPREADING
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio_rustls::rustls::{self, CertificateError};

    use super::*;
    use crate::ConnectionError;

    fn connection(source: ConnectionError) -> TopicsError {
        TopicsError::Connection {
            address: "b-1:9098".to_owned(),
            source,
        }
    }

    fn lost() -> TopicsError {
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        connection(ConnectionError::Io(error))
    }

    #[test]
    fn the_pauses_grow_to_a_quarter_of_a_minute_and_end_with_the_time() {
        let begin = Instant::now();
        let mut patience = Patience::until(begin + Duration::from_secs(150));
        let (mut now, mut pauses) = (begin, Vec::new());
        let error = loop {
            match patience.pause(lost(), now) {
                Ok(pause) => {
                    pauses.push(pause.as_secs());
                    now += pause;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15, 15, 15, 15, 15, 15, 15]);
        assert!(matches!(error, TopicsError::Connection { .. }), "{error}");
    }

    #[test]
    fn a_try_that_the_time_cut_off_is_told_by_the_failure_before_it() {
        let now = Instant::now();
        let mut patience = Patience::until(now + Duration::from_secs(150));
        patience.pause(lost(), now).unwrap();
        let error = patience.pause(TopicsError::NotInTime, now).unwrap_err();
        assert!(matches!(error, TopicsError::Connection { .. }), "{error}");
        let error = patience.pause(TopicsError::NotInTime, now).unwrap_err();
        assert!(matches!(error, TopicsError::NotInTime), "{error}");
    }

    #[test]
    fn a_refused_token_is_shown_again_for_half_a_minute() {
        let mut now = Instant::now();
        let mut patience = Patience::until(now + Duration::from_secs(150));
        let refused = || connection(ConnectionError::Refused("why".to_owned()));
        let mut pauses = Vec::new();
        while let Ok(pause) = patience.pause(refused(), now) {
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 15]);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let tls = |error: rustls::Error| {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            connection(ConnectionError::Io(error))
        };
        let refused = |passes| TopicsError::Refused {
            what: "make a topic".to_owned(),
            why: "why".to_owned(),
            passes,
        };
        let unknown = CertificateError::UnknownIssuer;
        for (error, passes) in [
            (lost(), true),
            (connection(ConnectionError::TimedOut), true),
            (connection(ConnectionError::NoToken("why".to_owned())), true),
            (tls(rustls::Error::HandshakeNotComplete), true),
            (tls(rustls::Error::InvalidCertificate(unknown)), false),
            (
                connection(ConnectionError::Protocol("why".to_owned())),
                false,
            ),
            (
                connection(ConnectionError::Address("b-1".to_owned())),
                false,
            ),
            (refused(true), true),
            (refused(false), false),
            (TopicsError::Missing(vec!["topic"]), false),
            (TopicsError::NoLeader, false),
        ] {
            assert_eq!(error.passes(), passes, "{error:?}");
            let now = Instant::now();
            let mut patience = Patience::until(now + Duration::from_secs(150));
            assert_eq!(patience.pause(error, now).is_ok(), passes);
        }
    }
}

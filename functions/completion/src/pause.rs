//! How long an execution waits before the next poll.

/// The seconds until the next poll of a job of age `age_ms`: an eighth of its age, within the
/// provider's limits.
pub(crate) fn grown(age_ms: u64, (least, most): (u32, u32)) -> u32 {
    u32::try_from(age_ms / 8000)
        .unwrap_or(most)
        .clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_become_rarer_with_age_and_stay_below_100_an_hour() {
        assert_eq!(
            (
                grown(0, (6, 60)),
                grown(80_000, (6, 60)),
                grown(u64::MAX, (6, 60))
            ),
            (6, 10, 60)
        );
        let (mut age, mut polls) = (0, 0);
        while age < 3_600_000 {
            age += u64::from(grown(age, (6, 60))) * 1000;
            polls += 1;
        }
        // Each poll adds a dozen entries to the history of an execution, which may have 25,000.
        assert!(polls < 100, "{polls}");
    }
}

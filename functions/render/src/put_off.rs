//! How long a message is put off.

use std::time::Duration;

use domain::EntityKey;

/// The longest time, in seconds: SQS takes no longer delay.
const LONGEST: u64 = 900;

/// How long a message about `entity` that was put off `tries` times before is put off: `base`
/// seconds, and twice as long each time, up to a quarter of an hour. Give or take a quarter of
/// that, by the entity's key, so that what one outage put off does not come back at one moment.
pub(crate) fn pause(base: u32, tries: u32, entity: EntityKey) -> Duration {
    let doubled = (u64::from(base) << tries.min(20)).min(LONGEST);
    // From three quarters to five quarters, in 256 steps.
    let step = u64::from(entity.0.as_bytes()[15]);
    let spread = doubled * (3 * 255 + 2 * step) / (4 * 255);
    Duration::from_secs(spread.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use domain::derive;

    use super::*;

    /// The shortest and the longest pause among many entities, in seconds.
    fn pauses(base: u32, tries: u32) -> (u64, u64) {
        let pauses = (0..2000_u32).map(|number| {
            let entity = EntityKey(derive(&[&number.to_be_bytes()]));
            pause(base, tries, entity).as_secs()
        });
        let pauses: Vec<u64> = pauses.collect();
        (*pauses.iter().min().unwrap(), *pauses.iter().max().unwrap())
    }

    #[test]
    fn each_time_it_is_twice_as_long_give_or_take_a_quarter() {
        assert_eq!(pauses(4, 0), (3, 5));
        assert_eq!(pauses(4, 1), (6, 10));
        assert_eq!(pauses(4, 5), (96, 160));
    }

    #[test]
    fn it_is_never_longer_than_sqs_takes() {
        for tries in [8, 20, 31, 32, 64, u32::MAX] {
            assert_eq!(pauses(5, tries), (675, 900), "{tries}");
        }
        assert_eq!(pauses(u32::MAX, u32::MAX), (675, 900));
    }
}

//! The change count of what an inbound event is about.

use serde::{Deserialize, Deserializer, de};

/// The highest accepted `version`. 2^53 - 1 is the last integer that every JSON reader keeps, and a
/// count that stands there is a mistake: no later event could come after it.
pub const HIGHEST_VERSION: u64 = (1 << 53) - 2;

/// Reads a `version` up to [`HIGHEST_VERSION`].
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let version = Option::<u64>::deserialize(deserializer)?;
    match version {
        Some(count) if count > HIGHEST_VERSION => Err(de::Error::custom(format!(
            "{count} is too high; at most {HIGHEST_VERSION} is taken, so that a higher one can follow"
        ))),
        _ => Ok(version),
    }
}

//! A place.

/// A place among the inbound events, or among the jobs. An event opens one job at most, which has
/// the same place; or, in a world of one event, two.
pub(crate) type Place = usize;

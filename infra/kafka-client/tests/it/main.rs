//! Tests against another implementation: librdkafka is the broker (its mock cluster), and the
//! producer or consumer at the other end.

#![expect(
    clippy::disallowed_types,
    reason = "librdkafka's consumer is the judge here, and its broker outlives it"
)]

mod group;
mod harness;
mod reading;
mod writing;

//! Held to another implementation: librdkafka is the broker (its mock cluster), and the producer or the consumer at the other end.

mod group;
mod house;
mod reading;
mod writing;

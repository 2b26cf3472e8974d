//! End-to-end tests: the real binaries behind the real template, on a real Apache Kafka, with
//! faults from outside.
//!
//! Each test starts its own stack, so that no test depends on another.

mod alarms;
mod architecture;
mod bad_input;
mod bootstraps;
mod chaos;
mod console;
mod deployed;
mod erase;
mod faults;
mod grants;
mod harness;
mod identity;
mod kafka_topics;
mod least_privilege;
mod operator;
mod operator_jobs;
mod providers;
mod steps;
mod stores;
mod sweep;
mod telemetry;
mod topics;
mod voices;
mod walk;
mod watch;

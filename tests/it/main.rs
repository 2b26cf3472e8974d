//! End to end: the real binaries behind the real template on a real Apache Kafka, and trouble from
//! outside.
//!
//! Each test starts a stack of its own, so that none has to know what another left behind.

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

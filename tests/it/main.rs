//! End-to-end tests: the real binaries behind the real template, on a real Apache Kafka, with
//! faults from outside.
//!
//! Each test starts its own stack, so that no test depends on another.

mod alarms;
mod architecture;
mod audit;
mod bad_input;
mod bells;
mod bootstraps;
mod bulk;
mod campaigns;
mod chaos;
mod clocks;
mod console;
mod deploy;
mod deployed;
mod erase;
mod fair;
mod faults;
mod grafana;
mod grants;
mod harness;
mod harness_queue;
mod harness_report;
mod identity;
mod imports;
mod kafka_topics;
mod least_privilege;
mod like_a_stage;
mod local_ports;
mod messages;
mod notices;
mod operator;
mod operator_jobs;
mod providers;
mod queue;
mod remainders;
mod retries;
mod runbook;
mod smoke;
mod steps;
mod stores;
mod sweep;
mod telemetry;
mod tombstone;
mod topics;
mod undrawn;
mod unlisted;
mod unreadable;
mod voices;
mod walk;
mod watch;
mod why;
mod workspace;

//! The local stack: the template that AWS gets, deployed on one machine.
//!
//! An AWS emulator runs the real function binaries, and a broker speaks Kafka. The crate `poller`
//! connects the two, `queue-poller` connects the emulator's queues with its functions, `fault-proxy`
//! sees every call that a function makes, `vendor-sandbox` plays the vendors, and `web-console`
//! shows it all. The demo, `make up` and the end-to-end tests run on this stack.
//!
//! This is the only crate that links all of these, and none of them may link it. It deploys the
//! same template and the same binaries as AWS gets, and may not change either.

pub mod alarms;
mod assets;
pub mod aws;
pub mod bare;
pub mod broker;
pub mod checkout;
pub mod clients;
pub mod control;
pub mod credentials;
pub mod dead_letters;
pub mod demo;
pub mod deploy;
pub mod emulator;
pub mod environment;
mod error;
pub mod gameday;
pub mod input;
mod kept;
mod log_tail;
pub mod logs;
mod mapping_metrics;
pub mod mappings;
pub mod metrics;
pub mod outcome;
pub mod polling;
pub mod ports;
pub mod provoke;
pub mod publish;
pub mod queues;
pub mod records;
mod reports;
pub mod schedules;
pub mod stack;
mod story;
pub mod timeline;
mod topics;
pub mod up;
pub mod waits;

//! The local stack: the template that AWS gets, deployed on one machine.
//!
//! An AWS emulator runs the real function binaries, and a broker speaks Kafka. An event source
//! mapping poller connects the two, and a proxy sees every call that a function makes. The demo,
//! `make up` and the end-to-end tests run on this stack.

pub mod assets;
pub mod aws;
pub mod broker;
pub mod checkout;
pub mod clients;
pub mod console;
pub mod dead_letters;
pub mod demo;
pub mod deploy;
pub mod emulator;
pub mod environment;
pub mod input;
pub mod mapping;
pub mod metrics;
pub mod process;
pub mod provoke;
pub mod proxy;
pub mod publish;
pub mod records;
pub mod sandbox;
pub mod stack;
pub mod story;
pub mod timeline;
pub mod up;
pub mod voice_demo;
pub mod waits;

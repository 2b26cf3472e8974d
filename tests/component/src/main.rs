//! What the crates `store` and `outbox` do, each by itself, with real codecs. DynamoDB and SQS are
//! the local stack's emulator, with the table and the queue of `infra/template.yaml`; Kafka is the
//! embedded broker; the fault proxy refuses calls and loses their answers.
//!
//! No function runs here, so a test takes a moment. The end-to-end tests say what these crates are
//! for, and these tests notice each small change of their code (`make mutants PACKAGE=store`).

mod altered;
mod bench;
mod samples;
mod the_outbox;
mod the_store;
mod world;

//! The console: a page on loopback that shows what the studio does, live. Through the function
//! `operator` it offers the same operations as `studio`.
//!
//! It uses only what its owner passes to it, which are the records in Kafka and the mappings'
//! reports, and that function's answers. It may not read the table, a bucket or a log: what it
//! shows, an operator on AWS can know too.

mod ask;
mod gallery;
mod live;
mod page;
mod server;

pub use server::{Console, Options};

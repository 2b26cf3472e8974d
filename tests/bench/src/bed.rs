//! The test bed of all subjects: Apache Kafka that authenticates clients as MSK does, the emulator,
//! and the deployed template, whose queues nothing reads.

use std::fs;
use std::io;
use std::time::Duration;

use hyper::body::Bytes;
use local::broker::{Broker, Iam};
use local::checkout::Checkout;
use local::environment::{self, environment};
use local::stack::{self, Options, Stack};
use local::waits::batch;
use serde_json::Value;
use tempfile::TempDir;

/// The test bed. It stops when it is dropped.
pub struct Bed {
    /// The stack. It does not poll, so that only the measured subject does anything.
    pub stack: Stack,
    /// The environment variables of a function.
    pub environment: Vec<(String, String)>,
    example: Value,
    // Declared last, and so dropped last: the brokers read it.
    _known: TempDir,
}

/// The test bed cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("reading or writing a file of the bench")]
    File(#[from] io::Error),
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The functions' configuration is incomplete.
    #[error(transparent)]
    Environment(#[from] environment::Error),
}

impl Bed {
    /// Starts the test bed.
    pub async fn start(checkout: &Checkout) -> Result<Self, Error> {
        let known = tempfile::tempdir()?;
        let properties = known.path().join("known.properties");
        fs::write(&properties, "region=us-east-1\n")?;
        let mut options = Options::new(checkout.clone());
        options.broker = Broker::Apache;
        options.poll = false;
        options.iam = Some(Iam {
            source: checkout.root.join("tests/msk/MskIam.java"),
            known: properties.clone(),
        });
        let stack = Stack::start(&options).await?;
        let (key, secret) = (stack.root.access_key_id(), stack.root.secret_access_key());
        fs::write(&properties, format!("region=us-east-1\n{key}={secret}\n"))?;
        let environment = environment(&stack, checkout).await?;
        let example = fs::read(checkout.example(contract::Topic::EventCreated))?;
        let example = serde_json::from_slice(&example).map_err(io::Error::other)?;
        Ok(Self {
            stack,
            environment,
            example,
            _known: known,
        })
    }

    /// A batch of new events whose ids begin with `name`.
    pub fn batch(&self, name: &str, events: u32) -> Bytes {
        Bytes::from(batch(&self.example, name, events).to_string())
    }

    /// The number of such events in a batch of 6 MB, the most that Lambda accepts.
    pub fn most_events(&self) -> u32 {
        const MOST: usize = 6_000_000;
        let (one, many) = (
            self.batch("size-10", 10).len(),
            self.batch("size-1000", 1000).len(),
        );
        let each = (many - one) as f64 / 990.0;
        (MOST as f64 / each) as u32
    }

    /// Delays every call to AWS by `delay`.
    pub fn delay(&self, delay: Duration) {
        self.stack.proxy.set_delay(delay);
    }
}

//! What all subjects work on: Apache Kafka that knows its clients as MSK does, the emulator, and
//! the deployed template, whose executions do nothing.

use std::fs;
use std::io;
use std::time::Duration;

use hyper::body::Bytes;
use local::broker::{Broker, Iam};
use local::checkout::Checkout;
use local::environment::{self, environment};
use local::stack::{self, Options, Stack};
use local::waits::batch;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The bed. It goes when it is dropped.
pub struct Bed {
    /// The stack; nothing polls, so that only who is measured does anything.
    pub stack: Stack,
    /// What a function finds in its environment.
    pub environment: Vec<(String, String)>,
    example: Value,
    // Last: the brokers read it.
    _known: TempDir,
}

/// There is no bed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file.
    #[error("reading or writing a file of the bench")]
    File(#[from] io::Error),
    /// The stack.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The functions' configuration.
    #[error(transparent)]
    Environment(#[from] environment::Error),
    /// The state machine could not be replaced.
    #[error("having executions do nothing: {0}")]
    Machine(String),
}

impl Bed {
    /// Starts everything.
    pub async fn start(checkout: &Checkout) -> Result<Self, Error> {
        let known = tempfile::tempdir()?;
        let properties = known.path().join("known.properties");
        fs::write(&properties, "region=us-east-1\ntest=test\n")?;
        let mut options = Options::new(checkout.clone());
        options.broker = Broker::Apache;
        options.poll = false;
        options.iam = Some(Iam {
            source: checkout.root.join("tests/msk/MskIam.java"),
            known: properties,
        });
        let stack = Stack::start(&options).await?;
        let nothing =
            json!({ "StartAt": "Only", "States": { "Only": { "Type": "Succeed" } } }).to_string();
        let machine = stack.clients.sfn.update_state_machine().definition(nothing);
        let replaced = machine
            .state_machine_arn(&stack.outputs.render_state_machine_arn)
            .send()
            .await;
        replaced.map_err(|error| {
            Error::Machine(aws_sdk_sfn::error::DisplayErrorContext(error).to_string())
        })?;
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

    /// A batch of so many events, which nobody has seen and whose ids begin with `name`.
    pub fn batch(&self, name: &str, events: u32) -> Bytes {
        Bytes::from(batch(&self.example, name, events).to_string())
    }

    /// How many such events are a batch of 6 MB, the most that Lambda takes.
    pub fn most_events(&self) -> u32 {
        const MOST: usize = 6_000_000;
        let (one, many) = (
            self.batch("size-10", 10).len(),
            self.batch("size-1000", 1000).len(),
        );
        let each = (many - one) as f64 / 990.0;
        (MOST as f64 / each) as u32
    }

    /// Has every call to AWS take so much longer.
    pub fn delay(&self, delay: Duration) {
        self.stack.proxy.set_delay(delay);
    }
}

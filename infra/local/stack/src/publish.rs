//! Publishes an event to the stack of `make up`, for users without a Kafka client.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kafka_client::{Cluster, Published};

use crate::checkout::Checkout;
use crate::input::{self, Event, Input, STRUCTURED};
use crate::stack::message;
use crate::timeline::{Mark, Timeline};

/// Why the event was not published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no event.
    #[error(transparent)]
    Input(#[from] input::Error),
    /// There is no file of a running stack.
    #[error(
        "cannot read {path}, which a running stack writes; start one with `make up` in another terminal"
    )]
    NotUp {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// The file does not name the broker.
    #[error("{0} has no KAFKA_BOOTSTRAP_SERVERS; check that `make up` wrote it")]
    NoBroker(PathBuf),
    /// The broker did not accept the event.
    #[error("the broker at {bootstrap} did not accept the event; check that the stack still runs")]
    NotTaken {
        /// The broker.
        bootstrap: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
    /// The event is larger than the broker accepts.
    #[error("the event has {0} bytes, more than the broker accepts in one record")]
    TooLarge(usize),
}

/// Publishes one event to the stack that wrote `env`, and prints its position.
pub async fn run(
    checkout: &Checkout,
    input: Input,
    env: &Path,
    timeline: &Timeline,
) -> Result<(), Error> {
    let event = Event::read(input, checkout).await?;
    let bootstrap = bootstrap(env)?;
    let key = event.key.as_deref().map(str::as_bytes);
    let value = event.value.as_deref();
    let not_taken = |source| match source {
        kafka_client::Error::MessageTooLarge { .. } => {
            Error::TooLarge(value.map_or(0, <[u8]>::len))
        }
        source => Error::NotTaken {
            bootstrap: bootstrap.clone(),
            source,
        },
    };
    let cluster = Cluster::new(&bootstrap).map_err(not_taken)?;
    let message = message(event.topic.as_str(), key, value, &[STRUCTURED]);
    let published = cluster.publish(message).await.map_err(not_taken)?;
    let Published { partition, offset } = published;
    timeline.say(
        Mark::Published,
        &format!("{} partition {partition} offset {offset}", event.topic),
    );
    Ok(())
}

/// The broker's address in the file for the shell.
fn bootstrap(env: &Path) -> Result<String, Error> {
    let text = fs::read_to_string(env).map_err(|source| Error::NotUp {
        path: env.to_owned(),
        source,
    })?;
    let value = text.lines().find_map(|line| {
        line.strip_prefix("export KAFKA_BOOTSTRAP_SERVERS='")?
            .strip_suffix('\'')
    });
    value
        .map(str::to_owned)
        .ok_or_else(|| Error::NoBroker(env.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brokers_address_is_read_from_the_stacks_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("up.env");
        assert!(matches!(bootstrap(&path), Err(Error::NotUp { .. })));
        fs::write(&path, "export AWS_REGION='us-east-1'\n").expect("written");
        assert!(matches!(bootstrap(&path), Err(Error::NoBroker(_))));
        fs::write(
            &path,
            "export KAFKA_BOOTSTRAP_SERVERS='127.0.0.1:9092'\nexport TABLE_NAME='t'\n",
        )
        .expect("written");
        assert_eq!(bootstrap(&path).expect("there"), "127.0.0.1:9092");
    }
}

//! Publishes an event to the stack of `make up`, for users without a Kafka client, and says what came
//! of it.

use std::path::Path;
use std::time::Duration;

use contract::Time;
use jiff::Timestamp;
use kafka_client::Published;

use crate::checkout::Checkout;
use crate::gameday::place::{NoPlace, Place};
use crate::input::{self, Event, Input, STRUCTURED};
use crate::outcome::{self, Sent};
use crate::stack::message;
use crate::timeline::{Mark, Timeline};

/// Why the event was not published, or did not come through.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no event.
    #[error(transparent)]
    Input(#[from] input::Error),
    /// No stack is up.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
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
    /// It is published, and it did not come through.
    #[error(transparent)]
    Outcome(#[from] outcome::Error),
}

/// Publishes one event to the stack that wrote `env`, and prints its position. Then follows it to
/// its end for the time `within`, if there is one.
///
/// # Errors
/// An [`Error`].
pub async fn run(
    checkout: &Checkout,
    input: Input,
    env: &Path,
    within: Option<Duration>,
    timeline: &Timeline,
) -> Result<(), Error> {
    let event = Event::read(input, checkout).await?;
    let place = Place::of(env)?;
    let since = Time::new(Timestamp::now());
    let published = publish(&place, &event).await?;
    let Published { partition, offset } = published;
    timeline.say(
        Mark::Published,
        &format!("{} partition {partition} offset {offset}", event.topic),
    );
    let Some(within) = within else {
        return Ok(());
    };
    let sent = Sent::new(&place, &event, published, since, within);
    Ok(sent.follow(timeline).await?)
}

async fn publish(place: &Place, event: &Event) -> Result<Published, Error> {
    let key = event.key.as_deref().map(str::as_bytes);
    let value = event.value.as_deref();
    let message = message(event.topic.as_str(), key, value, &[STRUCTURED]);
    let published = place.cluster.publish(message).await;
    published.map_err(|source| match source {
        kafka_client::Error::MessageTooLarge { .. } => {
            Error::TooLarge(value.map_or(0, <[u8]>::len))
        }
        source => Error::NotTaken {
            bootstrap: place.bootstrap.clone(),
            source,
        },
    })
}

//! The operator function's own configuration, read from the environment once.

use std::collections::BTreeMap;

use contract::Topic;
use runtime::{ConfigError, number, variable};

/// The functions that it invokes, the bucket of the assets, and what decides how long a job waits.
#[derive(Debug)]
pub(crate) struct Config {
    /// The consumer of each topic: `CONSUMERS`, comma-separated `<topic>=<function>`.
    pub consumers: BTreeMap<Topic, String>,
    /// The function that runs the steps of jobs: `COMPLETION`.
    pub completion: String,
    /// The function that erases: `ERASE`.
    pub erase: String,
    /// For how many seconds `completion` has a job wait for vendors that are all in trouble:
    /// `VENDOR_PATIENCE_SECONDS`; 0 for not at all. What is to be explained depends on it.
    pub vendor_patience_seconds: u32,
    /// The bucket of the assets: `ASSETS_BUCKET`.
    pub assets_bucket: String,
    /// The queue of the messages whose function died too often: `RENDER_DEAD_LETTER_QUEUE_URL`.
    pub dead_letter_queue: queue::Config,
}

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Environment(#[from] ConfigError),
    #[error("the environment variable CONSUMERS: {0}")]
    Consumers(#[from] ConsumersError),
}

/// An error in `CONSUMERS`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConsumersError {
    #[error("`{0}` is not <topic>=<function> with a topic that the studio consumes")]
    Pair(String),
    #[error("no function consumes {0}")]
    NoConsumer(Topic),
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, StartError> {
        Ok(Self {
            consumers: consumers(&variable("CONSUMERS")?)?,
            completion: variable("COMPLETION")?,
            erase: variable("ERASE")?,
            vendor_patience_seconds: number(
                "VENDOR_PATIENCE_SECONDS",
                "a whole number of seconds; 0 for no wait",
            )?,
            assets_bucket: variable("ASSETS_BUCKET")?,
            dead_letter_queue: queue::Config {
                url: variable("RENDER_DEAD_LETTER_QUEUE_URL")?,
            },
        })
    }
}

fn consumers(pairs: &str) -> Result<BTreeMap<Topic, String>, ConsumersError> {
    let pair = |text: &str| {
        let (topic, function) = text.split_once('=')?;
        let topic: Topic = topic.trim().parse().ok()?;
        (topic.is_consumed() && !function.trim().is_empty())
            .then(|| (topic, function.trim().to_owned()))
    };
    let pairs = pairs
        .split(',')
        .map(|text| pair(text).ok_or_else(|| ConsumersError::Pair(text.to_owned())));
    let consumers = pairs.collect::<Result<BTreeMap<_, _>, _>>()?;
    match Topic::consumed().find(|topic| !consumers.contains_key(topic)) {
        Some(topic) => Err(ConsumersError::NoConsumer(topic)),
        None => Ok(consumers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CONSUMERS` for these topics, as the template writes it.
    fn pairs(topics: impl Iterator<Item = Topic>) -> String {
        let pairs: Vec<String> = topics
            .map(|topic| format!("{topic}=studio-{}", topic.consumer().unwrap()))
            .collect();
        pairs.join(",")
    }

    #[test]
    fn each_topic_has_its_consumer() {
        let consumers = consumers(&pairs(Topic::consumed())).unwrap();
        assert_eq!(consumers.len(), Topic::consumed().count());
        assert_eq!(consumers[&Topic::CmsPublished], "studio-cms-published");
    }

    #[test]
    fn an_invalid_pair_or_a_topic_without_a_consumer_is_refused() {
        let without = pairs(Topic::consumed().filter(|topic| *topic != Topic::CampaignLaunched));
        assert_eq!(
            consumers(&without),
            Err(ConsumersError::NoConsumer(Topic::CampaignLaunched))
        );
        for wrong in [
            "",
            "eventzr.event.created.v1=",
            "eventzr.studio.template.created.v1=x",
        ] {
            assert_eq!(
                consumers(wrong),
                Err(ConsumersError::Pair(wrong.to_owned()))
            );
        }
    }
}

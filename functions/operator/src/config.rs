//! The operator function's own configuration, read from the environment once.

use std::collections::BTreeMap;

use contract::Topic;
use runtime::{ConfigError, variable};

/// The functions that it invokes, and the bucket of the assets.
#[derive(Debug)]
pub(crate) struct Config {
    /// The consumer of each topic: `CONSUMERS`, comma-separated `<topic>=<function>`.
    pub consumers: BTreeMap<Topic, String>,
    /// The function that runs the steps of jobs: `COMPLETION`.
    pub completion: String,
    /// The bucket of the assets: `ASSETS_BUCKET`.
    pub assets_bucket: String,
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
    #[error("`{0}` is not a topic that the studio consumes and a function, with = between")]
    Pair(String),
    #[error("nobody consumes {0}")]
    Nobody(Topic),
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, StartError> {
        Ok(Self {
            consumers: consumers(&variable("CONSUMERS")?)?,
            completion: variable("COMPLETION")?,
            assets_bucket: variable("ASSETS_BUCKET")?,
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
    let consumed = Topic::ALL.into_iter().filter(|topic| topic.is_consumed());
    match consumed
        .into_iter()
        .find(|topic| !consumers.contains_key(topic))
    {
        Some(topic) => Err(ConsumersError::Nobody(topic)),
        None => Ok(consumers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "eventzr.event.created.v1=a,eventzr.event.published.v1=b,eventzr.cms.published.v1=c,\
                       eventzr.campaign.launched.v1=d";

    #[test]
    fn each_topic_has_its_consumer() {
        let consumers = consumers(ALL).unwrap();
        assert_eq!(
            consumers.into_values().collect::<Vec<_>>(),
            ["a", "b", "c", "d"]
        );
    }

    #[test]
    fn an_invalid_pair_or_a_topic_without_a_consumer_is_refused() {
        let without = ALL.replace(",eventzr.campaign.launched.v1=d", "");
        assert_eq!(
            consumers(&without),
            Err(ConsumersError::Nobody(Topic::CampaignLaunched))
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

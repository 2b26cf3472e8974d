//! The function's own configuration, read from the environment once.

use contract::Topic;
use kafka::Reader;
use runtime::{ConfigError, number, variable};

/// What is watched.
#[derive(Debug)]
pub(crate) struct Config {
    /// Within how many seconds an asset is meant to come: `EVENT_TO_ASSET_SECONDS`.
    pub objective_seconds: u32,
    /// How long after the decision on it the sweep looks after a job: `RENDER_DEADLINE_SECONDS`.
    pub deadline_seconds: u32,
    /// The event source mappings: `MAPPINGS`, comma-separated `<name>=<UUID>`.
    pub mappings: Vec<Mapping>,
    /// The consumer group of each topic.
    pub readers: Vec<Reader>,
}

/// An event source mapping.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// What it is of, for the log.
    pub name: String,
    /// Its id.
    pub uuid: String,
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let stage = match variable("CONSUMER_GROUPS")?.as_str() {
            "stage" => Some(variable("STAGE")?),
            "shared" => None,
            other => {
                return Err(ConfigError::Invalid {
                    name: "CONSUMER_GROUPS",
                    value: other.to_owned(),
                    expected: "`stage` or `shared`",
                });
            }
        };
        let begins_at_the_start = variable("STARTING_POSITION")? == "TRIM_HORIZON";
        let written = variable("MAPPINGS")?;
        Ok(Self {
            objective_seconds: number("EVENT_TO_ASSET_SECONDS", "a number of seconds")?,
            deadline_seconds: number("RENDER_DEADLINE_SECONDS", "a number of seconds")?,
            mappings: mappings(&written).ok_or(ConfigError::Invalid {
                name: "MAPPINGS",
                value: written,
                expected: "<name>=<UUID>, comma-separated",
            })?,
            readers: readers(stage.as_deref(), begins_at_the_start),
        })
    }
}

fn mappings(pairs: &str) -> Option<Vec<Mapping>> {
    let mapping = |pair: &str| {
        let (name, uuid) = pair.split_once('=')?;
        let is_whole = !name.is_empty() && !uuid.is_empty();
        is_whole.then(|| Mapping {
            name: name.to_owned(),
            uuid: uuid.to_owned(),
        })
    };
    pairs.split(',').map(mapping).collect()
}

/// The group of each consumer, which has its function's name, and ends with the stage or not.
fn readers(stage: Option<&str>, begins_at_the_start: bool) -> Vec<Reader> {
    let reader = |topic: Topic| {
        let consumer = topic.consumer()?;
        let group = match stage {
            Some(stage) => format!("studio-{consumer}-{stage}"),
            None => format!("studio-{consumer}"),
        };
        Some(Reader {
            topic,
            group,
            begins_at_the_start,
        })
    };
    Topic::consumed().filter_map(reader).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_has_a_name_and_an_id() {
        let mapping = |name: &str, uuid: &str| Mapping {
            name: name.to_owned(),
            uuid: uuid.to_owned(),
        };
        assert_eq!(
            mappings("render=7-a,event-created=8-b"),
            Some(vec![
                mapping("render", "7-a"),
                mapping("event-created", "8-b")
            ])
        );
        for wrong in ["", "render", "render=", "=7-a", "render=7-a,"] {
            assert_eq!(mappings(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_topic_has_the_group_of_its_consumer() {
        let groups = |stage: Option<&str>| -> Vec<String> {
            let readers = readers(stage, true).into_iter();
            readers.map(|reader| reader.group).collect()
        };
        let staging = groups(Some("staging"));
        assert_eq!(staging.len(), Topic::consumed().count());
        assert_eq!(staging[0], "studio-event-created-staging");
        assert_eq!(groups(None)[0], "studio-event-created");
    }
}

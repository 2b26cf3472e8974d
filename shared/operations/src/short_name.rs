//! The names of topics as people write them.

use contract::Topic;

/// Why a text names no topic that the studio consumes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the studio consumes {}", consumed())]
pub struct NotConsumed;

fn consumed() -> String {
    let names: Vec<&str> = Topic::consumed().map(short).collect();
    names.join(", ")
}

/// The topic's name without `eventzr.` and its version: `event.created`.
fn short(topic: Topic) -> &'static str {
    let name = topic.as_str();
    let name = name.strip_prefix("eventzr.").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(name, _)| name)
}

/// The consumed topic that a person means by its name, by its short name (`event.created`) or by its
/// function (`event-created`).
///
/// # Errors
/// [`NotConsumed`], which lists the short names.
pub fn consumed_topic(text: &str) -> Result<Topic, NotConsumed> {
    Topic::consumed()
        .find(|topic| {
            text == topic.as_str() || text == short(*topic) || Some(text) == topic.consumer()
        })
        .ok_or(NotConsumed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumed_topic_is_known_by_each_of_its_names() {
        for name in ["eventzr.cms.published.v1", "cms.published", "cms-published"] {
            assert_eq!(consumed_topic(name), Ok(Topic::CmsPublished), "{name}");
        }
        let mut names: Vec<&str> = Topic::consumed().map(short).collect();
        names.dedup();
        assert_eq!(names.len(), Topic::consumed().count(), "each is its own");
    }

    #[test]
    fn what_is_no_consumed_topic_is_refused_with_those_that_are() {
        for name in [
            "",
            "published",
            "event.created.v1",
            "eventzr.event.created",
            "eventzr.studio.template.created.v1",
            "studio.template.created",
        ] {
            assert_eq!(consumed_topic(name), Err(NotConsumed), "{name}");
        }
        assert_eq!(
            NotConsumed.to_string(),
            "the studio consumes event.created, event.published, cms.published, campaign.launched"
        );
    }
}

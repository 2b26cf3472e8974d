//! Combines the produced events: which jobs were opened, how they ended, and a line of text for
//! each event.

use std::collections::{BTreeMap, BTreeSet};

use contract::Topic;
use serde_json::Value;

use crate::records::Produced;
use crate::timeline::Mark;

/// The events so far.
#[derive(Debug, Default)]
pub struct Story {
    jobs: BTreeMap<String, Job>,
    /// The kind of asset by template id, for events that name only the id.
    kinds: BTreeMap<String, String>,
    ids: BTreeSet<String>,
    updates: usize,
}

#[derive(Debug, Default)]
struct Job {
    asset: Option<String>,
    opened: bool,
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    Completed,
    Failed(String),
}

/// What a record adds to the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// The label of the line.
    pub mark: Mark,
    /// The text of the line.
    pub text: String,
    /// A newly rendered file.
    pub asset: Option<Asset>,
    /// Whether an event with this id was published before.
    pub again: bool,
}

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The kind of asset, such as `poster`; `asset` if no event has named it yet.
    pub name: String,
    /// The file's URL.
    pub output_url: String,
}

impl Story {
    /// Adds a record, and returns what it adds to the story.
    pub fn take(&mut self, record: &Produced) -> Chapter {
        let event = record.event();
        let again = event["id"]
            .as_str()
            .is_some_and(|id| !self.ids.insert(id.to_owned()));
        let (mark, text, asset) = match record.topic.parse::<Topic>() {
            Ok(topic) if topic.is_consumed() => (Mark::Published, inbound(record, &event), None),
            Ok(topic) => self.outbound(topic, &event["data"], again),
            Err(unknown) => (Mark::Failed, unknown.to_string(), None),
        };
        let text = if again {
            format!("{text} (again, with the same id)")
        } else {
            text
        };
        Chapter {
            mark,
            text,
            asset,
            again,
        }
    }

    fn outbound(
        &mut self,
        topic: Topic,
        data: &Value,
        again: bool,
    ) -> (Mark, String, Option<Asset>) {
        let id = |name: &str| data[name].as_str().unwrap_or("?").to_owned();
        match topic {
            Topic::TemplateCreated | Topic::TemplateUpdated => {
                let kind = id("kind");
                self.kinds.insert(id("templateId"), kind.clone());
                self.updates += usize::from(topic == Topic::TemplateUpdated && !again);
                let what = match (topic, data["asset"]["outputUrl"].as_str()) {
                    (Topic::TemplateCreated, _) => "created",
                    (_, Some(_)) => "has its picture",
                    (_, None) => "updated",
                };
                (
                    Mark::Template,
                    format!(
                        "{kind} {what}, revision {}  {}",
                        data["revision"],
                        id("templateId")
                    ),
                    None,
                )
            }
            Topic::RenderJobCreated => {
                let job_id = id("jobId");
                let asset = match data["locale"].as_str() {
                    Some(locale) => format!("{}-{locale}", id("asset")),
                    None => id("asset"),
                };
                let job = self.jobs.entry(job_id.clone()).or_default();
                (job.asset, job.opened) = (Some(asset.clone()), true);
                (
                    Mark::Job,
                    format!("{asset}{} by {}  {job_id}", size(data), id("provider")),
                    None,
                )
            }
            Topic::RenderJobCompleted => {
                let job_id = id("jobId");
                let job = self.jobs.entry(job_id.clone()).or_default();
                job.end = Some(End::Completed);
                let name = job.asset.clone().unwrap_or_else(|| "asset".to_owned());
                let text = format!(
                    "{name} in {} ms by {}  {job_id}",
                    data["durationMs"],
                    id("provider")
                );
                (
                    Mark::Completed,
                    text,
                    Some(Asset {
                        name,
                        output_url: id("outputUrl"),
                    }),
                )
            }
            Topic::RenderJobFailed => {
                let (job_id, reason, asset) = (id("jobId"), id("reason"), id("asset"));
                let job = self.jobs.entry(job_id.clone()).or_default();
                job.end = Some(End::Failed(reason.clone()));
                (
                    Mark::Failed,
                    format!(
                        "{asset} after {} attempts: {reason}  {job_id}",
                        data["attempts"]
                    ),
                    None,
                )
            }
            Topic::VoiceModelCreated => {
                let text = format!(
                    "“{}” submitted to {}, {}",
                    id("name"),
                    id("provider"),
                    id("method")
                );
                (Mark::Voice, format!("{text}  {}", id("voiceModelId")), None)
            }
            Topic::VoiceModelReady => {
                let took = format!(
                    "after {} ms, for {} credits",
                    data["durationMs"], data["creditsUsed"]
                );
                (
                    Mark::Voice,
                    format!("“{}” is ready {took}  {}", id("name"), id("voiceModelId")),
                    None,
                )
            }
            Topic::EventCreated
            | Topic::EventPublished
            | Topic::CmsPublished
            | Topic::CampaignLaunched => (Mark::Job, topic.to_string(), None),
        }
    }

    /// The number of jobs that were opened.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.jobs.values().filter(|job| job.opened).count()
    }

    /// The number of jobs that completed.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.jobs
            .values()
            .filter(|job| matches!(job.end, Some(End::Completed)))
            .count()
    }

    /// The reasons of the failed jobs.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let reason = |job: &Job| match &job.end {
            Some(End::Failed(reason)) => Some(reason.clone()),
            Some(End::Completed) | None => None,
        };
        self.jobs.values().filter_map(reason).collect()
    }

    /// The assets that the open jobs make.
    #[must_use]
    pub fn open(&self) -> Vec<&str> {
        let open = self.jobs.values().filter(|job| job.end.is_none());
        open.map(|job| job.asset.as_deref().unwrap_or("asset"))
            .collect()
    }

    /// Whether everything has ended: each job has, and each completed job's template has been
    /// updated.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.jobs
            .values()
            .all(|job| job.opened && job.end.is_some())
            && self.updates >= self.completed()
    }
}

/// For example ` 1080×1350`. Empty for audio.
fn size(data: &Value) -> String {
    match (data["width"].as_u64(), data["height"].as_u64()) {
        (Some(width), Some(height)) => format!(" {width}×{height}"),
        _ => String::new(),
    }
}

fn inbound(record: &Produced, event: &Value) -> String {
    let id = event["id"].as_str().unwrap_or("no id");
    format!(
        "{} partition {} offset {}  {id}",
        record.topic, record.partition, record.offset
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(topic: Topic, id: &str, data: Value) -> Produced {
        let value =
            serde_json::to_vec(&json!({"id": id, "type": topic, "data": data})).expect("JSON");
        Produced {
            topic: topic.to_string(),
            partition: 0,
            offset: 0,
            key: None,
            headers: vec![],
            value: Some(value),
            timestamp: None,
        }
    }

    #[test]
    fn a_story_is_over_when_each_job_and_its_template_is() {
        let mut story = Story::default();
        assert!(story.is_over(), "nothing was begun");
        story.take(&record(
            Topic::RenderJobCreated,
            "1",
            json!({"jobId": "j", "asset": "poster", "width": 1, "height": 2}),
        ));
        assert!(!story.is_over());
        assert_eq!(story.open(), ["poster"]);
        let read = story.take(&record(
            Topic::RenderJobCompleted,
            "2",
            json!({"jobId": "j", "outputUrl": "http://a/b.png"}),
        ));
        assert_eq!(
            read.asset,
            Some(Asset {
                name: "poster".to_owned(),
                output_url: "http://a/b.png".to_owned()
            })
        );
        assert!(!story.is_over(), "the template does not know yet");
        let update = record(
            Topic::TemplateUpdated,
            "3",
            json!({"templateId": "t", "kind": "poster", "revision": 2}),
        );
        assert!(!story.take(&update).again);
        assert!(story.is_over());
        assert!(story.take(&update).again);
        assert_eq!((story.opened(), story.completed()), (1, 1));
    }

    #[test]
    fn a_completed_event_may_be_read_before_its_created_one() {
        let mut story = Story::default();
        story.take(&record(
            Topic::RenderJobCompleted,
            "2",
            json!({"jobId": "j"}),
        ));
        story.take(&record(
            Topic::TemplateUpdated,
            "3",
            json!({"templateId": "t"}),
        ));
        assert!(!story.is_over());
        story.take(&record(
            Topic::RenderJobCreated,
            "1",
            json!({"jobId": "j", "asset": "poster"}),
        ));
        assert!(story.is_over());
    }

    #[test]
    fn a_failed_job_says_why() {
        let mut story = Story::default();
        story.take(&record(
            Topic::RenderJobCreated,
            "1",
            json!({"jobId": "j", "asset": "poster"}),
        ));
        story.take(&record(
            Topic::RenderJobFailed,
            "2",
            json!({"jobId": "j", "reason": "No title.", "attempts": 1}),
        ));
        assert!(story.is_over());
        assert_eq!(story.failures(), ["No title."]);
    }
}

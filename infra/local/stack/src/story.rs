//! Combines the produced events: which jobs were opened, how they ended, and a line of text for
//! each event.

use std::collections::{BTreeMap, BTreeSet};

use contract::{
    CloningMethod, RenderJobCompleted, RenderJobCreated, RenderJobFailed, Template, Topic,
    VoiceModelCreated, VoiceModelReady,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::records::Produced;
use crate::timeline::Mark;

/// The events so far.
#[derive(Debug, Default)]
pub struct Story {
    jobs: BTreeMap<String, Job>,
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

/// The members of a CloudEvent that a story needs.
#[derive(Default, Deserialize)]
struct Event<'a> {
    id: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// A line of a chapter, and the file that it tells of.
struct Line {
    mark: Mark,
    text: String,
    asset: Option<Asset>,
}

impl Line {
    fn of(mark: Mark, text: String) -> Self {
        Self {
            mark,
            text,
            asset: None,
        }
    }
}

impl Story {
    /// Adds a record, and returns what it adds to the story.
    pub fn take(&mut self, record: &Produced) -> Chapter {
        let value = record.value.as_deref().unwrap_or_default();
        let event: Event = serde_json::from_slice(value).unwrap_or_default();
        let id = record.binary_id().or(event.id);
        let again = id.as_ref().is_some_and(|id| !self.ids.insert(id.clone()));
        let line = match record.topic.parse::<Topic>() {
            Ok(topic) if topic.is_consumed() => {
                Line::of(Mark::Published, inbound(record, id.as_deref()))
            }
            Ok(topic) => self
                .outbound(topic, event.data, again)
                .unwrap_or_else(|error| {
                    let text = format!("{topic}: the data does not follow the contract: {error}");
                    Line::of(Mark::Failed, text)
                }),
            Err(unknown) => Line::of(Mark::Failed, unknown.to_string()),
        };
        let text = if again {
            format!("{} (again, with the same id)", line.text)
        } else {
            line.text
        };
        Chapter {
            mark: line.mark,
            text,
            asset: line.asset,
            again,
        }
    }

    fn outbound(
        &mut self,
        topic: Topic,
        data: Option<&RawValue>,
        again: bool,
    ) -> Result<Line, serde_json::Error> {
        let data = data.unwrap_or(RawValue::NULL);
        Ok(match topic {
            Topic::TemplateCreated => template_created(&read(data)?),
            Topic::TemplateUpdated => self.template_updated(&read(data)?, again),
            Topic::RenderJobCreated => self.job_created(&read(data)?),
            Topic::RenderJobCompleted => self.job_completed(read(data)?),
            Topic::RenderJobFailed => self.job_failed(&read(data)?),
            Topic::VoiceModelCreated => voice_created(&read(data)?),
            Topic::VoiceModelReady => voice_ready(&read(data)?),
            Topic::EventCreated
            | Topic::EventPublished
            | Topic::CmsPublished
            | Topic::CampaignLaunched => Line::of(Mark::Job, topic.to_string()),
        })
    }

    fn template_updated(&mut self, template: &Template, again: bool) -> Line {
        self.updates += usize::from(!again);
        template_line(
            template,
            match template.asset {
                Some(_) => "has its picture",
                None => "updated",
            },
        )
    }

    fn job_created(&mut self, created: &RenderJobCreated) -> Line {
        let kind = created.asset.as_str();
        let asset = match &created.locale {
            Some(locale) => format!("{kind}-{locale}"),
            None => kind.to_owned(),
        };
        let text = format!(
            "{asset}{} by {}  {}",
            size(created),
            created.provider,
            created.job_id
        );
        let job = self.jobs.entry(created.job_id.clone()).or_default();
        (job.asset, job.opened) = (Some(asset), true);
        Line::of(Mark::Job, text)
    }

    fn job_completed(&mut self, completed: RenderJobCompleted) -> Line {
        let job = self.jobs.entry(completed.job_id.clone()).or_default();
        job.end = Some(End::Completed);
        let name = job.asset.clone().unwrap_or_else(|| "asset".to_owned());
        let undrawn = completed.shows.undrawn.iter();
        let without: String = undrawn.map(|it| format!("; not drawn: {it}")).collect();
        Line {
            mark: Mark::Completed,
            text: format!(
                "{name} in {} ms by {}{without}  {}",
                completed.duration_ms, completed.provider, completed.job_id
            ),
            asset: Some(Asset {
                name,
                output_url: completed.output_url,
            }),
        }
    }

    fn job_failed(&mut self, failed: &RenderJobFailed) -> Line {
        let job = self.jobs.entry(failed.job_id.clone()).or_default();
        job.end = Some(End::Failed(failed.reason.clone()));
        Line::of(
            Mark::Failed,
            format!(
                "{} after {} attempts: {}  {}",
                failed.asset.as_str(),
                failed.attempts,
                failed.reason,
                failed.job_id
            ),
        )
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

fn read<T: DeserializeOwned>(data: &RawValue) -> Result<T, serde_json::Error> {
    serde_json::from_str(data.get())
}

fn template_created(template: &Template) -> Line {
    template_line(template, "created")
}

fn template_line(template: &Template, what: &str) -> Line {
    Line::of(
        Mark::Template,
        format!(
            "{} {what}, revision {}  {}",
            template.kind.as_str(),
            template.revision,
            template.template_id
        ),
    )
}

fn voice_created(voice: &VoiceModelCreated) -> Line {
    let method = match voice.method {
        CloningMethod::Instant => "instant",
        CloningMethod::Professional => "professional",
    };
    let VoiceModelCreated {
        name,
        provider,
        voice_model_id,
        ..
    } = voice;
    let text = format!("“{name}” submitted to {provider}, {method}  {voice_model_id}");
    Line::of(Mark::Voice, text)
}

fn voice_ready(voice: &VoiceModelReady) -> Line {
    let text = format!(
        "“{}” is ready after {} ms, for {} credits  {}",
        voice.name, voice.duration_ms, voice.credits_used, voice.voice_model_id
    );
    Line::of(Mark::Voice, text)
}

/// For example ` 1080×1350`. Empty for audio.
fn size(created: &RenderJobCreated) -> String {
    match (created.width, created.height) {
        (Some(width), Some(height)) => format!(" {width}×{height}"),
        _ => String::new(),
    }
}

fn inbound(record: &Produced, id: Option<&str>) -> String {
    format!(
        "{} partition {} offset {}  {}",
        record.topic,
        record.partition,
        record.offset,
        id.unwrap_or("no id")
    )
}

#[cfg(test)]
mod tests {
    use contract::{
        AssetKind, Configuration, Entity, EntityKind, FailureClass, FileFormat, Identifier,
        MediaType, Shows, Trigger, Undrawn,
    };
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    fn record(topic: Topic, id: &str, data: impl Serialize) -> Produced {
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

    fn created() -> Produced {
        let trigger = Trigger {
            topic: Topic::EventCreated,
            source: "events".to_owned(),
            id: "e".to_owned(),
        };
        let data = RenderJobCreated {
            tenant_id: "t".to_owned(),
            user_id: "u".to_owned(),
            job_id: "j".to_owned(),
            media_type: MediaType::Image,
            provider: "studio-canvas".to_owned(),
            template_id: "tpl".to_owned(),
            asset: AssetKind::Poster,
            locale: None,
            width: Some(1080),
            height: Some(1350),
            format: FileFormat::Png,
            voice_model_id: None,
            trigger,
            resubmit_of: None,
        };
        record(Topic::RenderJobCreated, "1", data)
    }

    fn completed() -> Produced {
        completed_without(Vec::new())
    }

    fn completed_without(undrawn: Vec<Undrawn>) -> Produced {
        let data = RenderJobCompleted {
            tenant_id: "t".to_owned(),
            user_id: "u".to_owned(),
            job_id: "j".to_owned(),
            media_type: MediaType::Image,
            provider: "studio-canvas".to_owned(),
            output_url: "http://a/b.png".to_owned(),
            duration_ms: 7,
            credits_used: 0,
            length_ms: None,
            voice_model_id: None,
            shows: Shows {
                undrawn,
                ..Shows::default()
            },
        };
        record(Topic::RenderJobCompleted, "2", data)
    }

    fn failed() -> Produced {
        let data = RenderJobFailed {
            tenant_id: "t".to_owned(),
            user_id: "u".to_owned(),
            job_id: "j".to_owned(),
            media_type: MediaType::Image,
            provider: "studio-canvas".to_owned(),
            template_id: "tpl".to_owned(),
            asset: AssetKind::Poster,
            failure: FailureClass::InvalidInput,
            reason: "No title.".to_owned(),
            attempts: 1,
            can_resubmit: true,
        };
        record(Topic::RenderJobFailed, "2", data)
    }

    fn updated() -> Produced {
        let entity = Entity {
            kind: EntityKind::Event,
            id: Identifier::parse("event-1").expect("an id"),
        };
        let data = Template {
            tenant_id: "t".to_owned(),
            user_id: "u".to_owned(),
            template_id: "tpl".to_owned(),
            kind: AssetKind::Poster,
            entity,
            revision: 2,
            configuration: Configuration::erased(),
            asset: None,
        };
        record(Topic::TemplateUpdated, "3", data)
    }

    #[test]
    fn a_story_is_over_when_each_job_and_its_template_is() {
        let mut story = Story::default();
        assert!(story.is_over(), "nothing was begun");
        assert_eq!(
            story.take(&created()).text,
            "poster 1080×1350 by studio-canvas  j"
        );
        assert!(!story.is_over());
        assert_eq!(story.open(), ["poster"]);
        assert_eq!(
            story.take(&completed()).asset,
            Some(Asset {
                name: "poster".to_owned(),
                output_url: "http://a/b.png".to_owned()
            })
        );
        assert!(!story.is_over(), "the template does not know yet");
        assert!(!story.take(&updated()).again);
        assert!(story.is_over());
        assert!(story.take(&updated()).again);
        assert_eq!((story.opened(), story.completed()), (1, 1));
    }

    #[test]
    fn a_completed_event_may_be_read_before_its_created_one() {
        let mut story = Story::default();
        story.take(&completed());
        story.take(&updated());
        assert!(!story.is_over());
        story.take(&created());
        assert!(story.is_over());
    }

    #[test]
    fn an_event_in_binary_mode_is_told_with_its_id() {
        let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
        let event = Produced {
            topic: Topic::EventCreated.to_string(),
            headers: vec![header("ce_specversion", "1.0"), header("ce_id", "evt-1")],
            value: Some(br#"{"tenantId":"t"}"#.to_vec()),
            ..created()
        };
        let mut story = Story::default();
        assert_eq!(
            story.take(&event).text,
            "eventzr.event.created.v1 partition 0 offset 0  evt-1"
        );
        assert!(story.take(&event).again);
    }

    #[test]
    fn a_completed_job_says_what_it_does_not_show() {
        let mut story = Story::default();
        story.take(&created());
        let venue = Undrawn {
            field: "venue.name".to_owned(),
            characters: 5,
            scripts: vec!["Tamil".to_owned()],
        };
        assert_eq!(
            story.take(&completed_without(vec![venue])).text,
            "poster in 7 ms by studio-canvas; not drawn: venue.name, 5 characters (Tamil)  j"
        );
    }

    #[test]
    fn a_failed_job_says_why() {
        let mut story = Story::default();
        story.take(&created());
        story.take(&failed());
        assert!(story.is_over());
        assert_eq!(story.failures(), ["No title."]);
    }

    #[test]
    fn data_that_does_not_follow_the_contract_is_shown_as_a_failure() {
        let mut story = Story::default();
        let chapter = story.take(&record(Topic::RenderJobCreated, "1", json!({"jobId": 7})));
        assert_eq!(chapter.mark, Mark::Failed);
        assert!(
            chapter.text.contains("does not follow the contract"),
            "{}",
            chapter.text
        );
        assert_eq!(story.opened(), 0);
    }
}

//! The assets that were rendered since the stack started, collected from events: what each one is,
//! its address, and its subject.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::{
    AssetKind, Entity, MediaType, RenderJobCompleted, RenderJobCreated, RenderJobFailed, Template,
    Text, Topic,
};
use kafka_client::{Record, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How many assets are shown.
const KEPT: usize = 500;

/// The gallery.
#[derive(Debug, Default)]
pub(super) struct Gallery {
    known: Mutex<Known>,
}

/// The data from the events. Events of different topics may arrive in any order, so the data is
/// combined only when a page asks for it.
#[derive(Debug, Default)]
struct Known {
    /// The completed assets, the newest first.
    completed: VecDeque<Completed>,
    ids: HashSet<String>,
    /// The jobs that are open or shown, by id.
    opened: HashMap<String, RenderJobCreated>,
    /// What each template is about, by its id, as it was last published.
    templates: HashMap<String, Subject>,
}

#[derive(Debug)]
struct Subject {
    entity: Entity,
    title: Text<300>,
}

#[derive(Debug)]
struct Completed {
    job: RenderJobCompleted,
    at: Option<i64>,
}

/// An asset, as the page gets it. Data that no event has delivered yet is null.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Asset<'a> {
    job: &'a str,
    tenant: &'a str,
    #[serde(rename = "type")]
    media_type: MediaType,
    url: &'a str,
    provider: &'a str,
    duration_ms: u64,
    length_ms: Option<u64>,
    credits: u64,
    at: Option<i64>,
    asset: Option<AssetKind>,
    locale: Option<&'a str>,
    width: Option<u32>,
    height: Option<u32>,
    entity: Option<&'a Entity>,
    title: Option<&'a str>,
}

/// The data of a record, if the record is an event of this type.
fn data<T: DeserializeOwned>(record: &Record) -> Option<T> {
    #[derive(Deserialize)]
    struct Event<T> {
        data: T,
    }
    let event: Event<T> = serde_json::from_slice(record.value.as_deref()?).ok()?;
    Some(event.data)
}

impl Gallery {
    /// Takes the data about assets from a record. A record that does not follow the contract says
    /// nothing about an asset.
    pub(super) fn take(&self, record: &Record) {
        let Ok(topic) = record.topic.parse::<Topic>() else {
            return;
        };
        let mut known = self.known();
        match topic {
            Topic::RenderJobCreated => {
                if let Some(job) = data::<RenderJobCreated>(record) {
                    known.opened.insert(job.job_id.clone(), job);
                }
            }
            Topic::RenderJobCompleted => {
                if let Some(job) = data(record) {
                    known.complete(job, record.timestamp.map(Timestamp::millis));
                }
            }
            Topic::RenderJobFailed => {
                if let Some(job) = data::<RenderJobFailed>(record) {
                    known.opened.remove(&job.job_id);
                }
            }
            Topic::TemplateCreated | Topic::TemplateUpdated => {
                if let Some(template) = data::<Template>(record) {
                    let subject = Subject {
                        entity: template.entity,
                        title: template.configuration.title,
                    };
                    known.templates.insert(template.template_id, subject);
                }
            }
            Topic::EventCreated
            | Topic::EventPublished
            | Topic::CmsPublished
            | Topic::CampaignLaunched
            | Topic::VoiceModelCreated
            | Topic::VoiceModelReady => {}
        }
    }

    /// `{"assets": […]}`, the newest first.
    pub(super) fn json(&self) -> String {
        let known = self.known();
        let assets: Vec<Asset> = known
            .completed
            .iter()
            .map(|completed| known.asset(completed))
            .collect();
        json!({ "assets": assets }).to_string()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// A job that is published again is ignored.
    fn complete(&mut self, job: RenderJobCompleted, at: Option<i64>) {
        if !self.ids.insert(job.job_id.clone()) {
            return;
        }
        self.completed.push_front(Completed { job, at });
        if self.completed.len() > KEPT
            && let Some(oldest) = self.completed.pop_back()
        {
            self.opened.remove(&oldest.job.job_id);
        }
    }

    fn asset<'a>(&'a self, Completed { job, at }: &'a Completed) -> Asset<'a> {
        let opened = self.opened.get(&job.job_id);
        let subject = opened.and_then(|opened| self.templates.get(&opened.template_id));
        Asset {
            job: &job.job_id,
            tenant: &job.tenant_id,
            media_type: job.media_type,
            url: &job.output_url,
            provider: &job.provider,
            duration_ms: job.duration_ms,
            length_ms: job.length_ms,
            credits: job.credits_used,
            at: *at,
            asset: opened.map(|opened| opened.asset),
            locale: opened.and_then(|opened| opened.locale.as_deref()),
            width: opened.and_then(|opened| opened.width),
            height: opened.and_then(|opened| opened.height),
            entity: subject.map(|subject| &subject.entity),
            title: subject.map(|subject| subject.title.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn record(topic: Topic, data: Value) -> Record {
        let value =
            serde_json::to_vec(&json!({ "id": "evt", "type": topic, "data": data })).expect("JSON");
        Record {
            topic: topic.as_str().into(),
            partition: 0,
            offset: 0,
            key: None,
            headers: vec![],
            value: Some(value.into()),
            timestamp: Some(Timestamp::CreateTime(5)),
        }
    }

    fn completed(job: &str) -> Record {
        let url = format!("http://127.0.0.1:1/renders/{job}/poster.png");
        record(
            Topic::RenderJobCompleted,
            json!({ "jobId": job, "tenantId": "t", "userId": "u", "type": "image", "outputUrl": url,
                "provider": "studio-canvas", "durationMs": 7, "creditsUsed": 0 }),
        )
    }

    fn opened(job: &str) -> Record {
        record(
            Topic::RenderJobCreated,
            json!({ "jobId": job, "tenantId": "t", "userId": "u", "type": "image", "templateId": "tpl",
                "provider": "studio-canvas", "asset": "poster", "width": 1080, "height": 1350, "format": "png",
                "trigger": { "type": Topic::EventCreated, "source": "events", "id": "evt" } }),
        )
    }

    fn failed(job: &str) -> Record {
        record(
            Topic::RenderJobFailed,
            json!({ "jobId": job, "tenantId": "t", "userId": "u", "type": "image", "templateId": "tpl",
                "provider": "studio-canvas", "asset": "poster", "failure": "timeout", "reason": "Too late.",
                "attempts": 1, "canResubmit": true }),
        )
    }

    fn shown(gallery: &Gallery) -> Vec<Value> {
        let shown: Value = serde_json::from_str(&gallery.json()).expect("JSON");
        shown["assets"].as_array().cloned().expect("a list")
    }

    #[test]
    fn an_asset_is_combined_from_events_in_any_order_and_listed_once() {
        let entity = json!({ "kind": "event", "id": "event-1" });
        let template = |title: &str| {
            json!({ "templateId": "tpl", "tenantId": "t", "userId": "u", "kind": "poster", "revision": 1,
                "entity": entity, "configuration": { "title": title } })
        };
        let records = [
            completed("one"),
            record(Topic::TemplateCreated, template("Lantern")),
            opened("one"),
            completed("one"),
            record(Topic::TemplateUpdated, template("Lanterns")),
        ];
        let gallery = Gallery::default();
        records.iter().for_each(|record| gallery.take(record));
        let shown = shown(&gallery);
        let [asset] = &shown[..] else {
            panic!("{shown:?}")
        };
        assert_eq!(
            (&asset["asset"], &asset["width"], &asset["at"]),
            (&json!("poster"), &json!(1080), &json!(5))
        );
        assert_eq!(
            (&asset["title"], &asset["entity"]),
            (&json!("Lanterns"), &entity)
        );
        assert_eq!(asset["url"], "http://127.0.0.1:1/renders/one/poster.png");
    }

    #[test]
    fn the_newest_asset_is_first_and_old_ones_are_dropped() {
        let gallery = Gallery::default();
        for job in 0..KEPT + 2 {
            gallery.take(&opened(&job.to_string()));
            gallery.take(&completed(&job.to_string()));
        }
        let shown = shown(&gallery);
        assert_eq!(
            (shown.len(), &shown[0]["job"]),
            (KEPT, &json!((KEPT + 1).to_string()))
        );
        assert_eq!(
            gallery.known().opened.len(),
            KEPT,
            "what is not shown is forgotten"
        );
    }

    #[test]
    fn failed_jobs_and_malformed_events_are_no_assets() {
        let gallery = Gallery::default();
        gallery.take(&opened("one"));
        assert_eq!(gallery.known().opened.len(), 1);
        gallery.take(&failed("one"));
        gallery.take(&record(Topic::RenderJobCompleted, json!({ "jobId": 7 })));
        gallery.take(&Record {
            value: None,
            ..completed("gone")
        });
        for value in [
            &b"not JSON"[..],
            b"\"text\"",
            b"[]",
            b"{}",
            br#"{"data":"text"}"#,
        ] {
            gallery.take(&Record {
                value: Some(value.to_vec().into()),
                ..completed("gone")
            });
        }
        assert!(shown(&gallery).is_empty() && gallery.known().opened.is_empty());
    }
}

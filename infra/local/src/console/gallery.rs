//! The assets that were rendered since the stack started, collected from events: what each one is,
//! its address, and its subject.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::Topic;
use serde::Serialize;
use serde_json::{Value, json};

use crate::records::Produced;

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
    /// The data of `render-job.created` by job id, for the jobs that are open or shown.
    opened: HashMap<String, Value>,
    /// The entity and title of each template, by its id.
    templates: HashMap<String, Value>,
}

#[derive(Debug)]
struct Completed {
    job: String,
    data: Value,
    at: Option<i64>,
}

/// An asset, as the page gets it. Data that no event has delivered yet is null.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Asset<'a> {
    job: &'a str,
    tenant: &'a Value,
    #[serde(rename = "type")]
    media_type: &'a Value,
    url: &'a Value,
    provider: &'a Value,
    duration_ms: &'a Value,
    length_ms: &'a Value,
    credits: &'a Value,
    at: Option<i64>,
    asset: &'a Value,
    locale: &'a Value,
    width: &'a Value,
    height: &'a Value,
    entity: &'a Value,
    title: &'a Value,
}

impl Gallery {
    /// Takes the data about assets from a record.
    pub(super) fn take(&self, record: &Produced) {
        let Ok(topic) = record.topic.parse::<Topic>() else {
            return;
        };
        let data = || {
            record
                .event()
                .get_mut("data")
                .map(Value::take)
                .unwrap_or_default()
        };
        let mut known = self.known();
        match topic {
            Topic::RenderJobCreated => known.open(data()),
            Topic::RenderJobCompleted => known.complete(data(), record.timestamp),
            Topic::RenderJobFailed => {
                if let Some(job) = data()["jobId"].as_str() {
                    known.opened.remove(job);
                }
            }
            Topic::TemplateCreated | Topic::TemplateUpdated => {
                let data = data();
                if let Some(id) = data["templateId"].as_str() {
                    let said = json!({ "entity": data["entity"], "title": data["configuration"]["title"] });
                    known.templates.insert(id.to_owned(), said);
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
    fn open(&mut self, data: Value) {
        let Some(job) = data["jobId"].as_str().map(str::to_owned) else {
            return;
        };
        self.opened.insert(job, data);
    }

    /// A job that is published again is ignored.
    fn complete(&mut self, data: Value, at: Option<i64>) {
        let Some(job) = data["jobId"].as_str().map(str::to_owned) else {
            return;
        };
        if !self.ids.insert(job.clone()) {
            return;
        }
        self.completed.push_front(Completed { job, data, at });
        if self.completed.len() > KEPT
            && let Some(oldest) = self.completed.pop_back()
        {
            self.opened.remove(&oldest.job);
        }
    }

    fn asset<'a>(&'a self, Completed { job, data, at }: &'a Completed) -> Asset<'a> {
        const NOTHING: &Value = &Value::Null;
        let opened = self.opened.get(job).unwrap_or(NOTHING);
        let template = opened["templateId"]
            .as_str()
            .and_then(|id| self.templates.get(id))
            .unwrap_or(NOTHING);
        Asset {
            job,
            tenant: &data["tenantId"],
            media_type: &data["type"],
            url: &data["outputUrl"],
            provider: &data["provider"],
            duration_ms: &data["durationMs"],
            length_ms: &data["lengthMs"],
            credits: &data["creditsUsed"],
            at: *at,
            asset: &opened["asset"],
            locale: &opened["locale"],
            width: &opened["width"],
            height: &opened["height"],
            entity: &template["entity"],
            title: &template["title"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: Topic, data: Value) -> Produced {
        let value =
            serde_json::to_vec(&json!({ "id": "evt", "type": topic, "data": data })).expect("JSON");
        Produced {
            topic: topic.to_string(),
            partition: 0,
            offset: 0,
            key: None,
            headers: vec![],
            value: Some(value),
            timestamp: Some(5),
        }
    }

    fn completed(job: &str) -> Produced {
        let url = format!("http://127.0.0.1:1/renders/{job}/poster.png");
        record(
            Topic::RenderJobCompleted,
            json!({ "jobId": job, "tenantId": "t", "type": "image", "outputUrl": url }),
        )
    }

    fn shown(gallery: &Gallery) -> Vec<Value> {
        let shown: Value = serde_json::from_str(&gallery.json()).expect("JSON");
        shown["assets"].as_array().cloned().expect("a list")
    }

    #[test]
    fn an_asset_is_combined_from_events_in_any_order_and_listed_once() {
        let entity = json!({ "kind": "event", "id": "event-1" });
        let template = |title: &str| json!({ "templateId": "tpl", "entity": entity.clone(), "configuration": { "title": title } });
        let records = [
            completed("one"),
            record(Topic::TemplateCreated, template("Lantern")),
            record(
                Topic::RenderJobCreated,
                json!({ "jobId": "one", "templateId": "tpl", "asset": "poster", "width": 1080 }),
            ),
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
            gallery.take(&record(
                Topic::RenderJobCreated,
                json!({ "jobId": job.to_string() }),
            ));
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
        gallery.take(&record(Topic::RenderJobCreated, json!({ "jobId": "one" })));
        gallery.take(&record(Topic::RenderJobFailed, json!({ "jobId": "one" })));
        gallery.take(&record(Topic::RenderJobCompleted, json!({ "jobId": 7 })));
        gallery.take(&Produced {
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
            gallery.take(&Produced {
                value: Some(value.to_vec()),
                ..completed("gone")
            });
        }
        assert!(shown(&gallery).is_empty() && gallery.known().opened.is_empty());
    }
}

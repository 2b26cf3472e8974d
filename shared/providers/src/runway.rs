//! Runway: makes a video as a task, which the studio polls.
//!
//! Source of shapes and codes: the vendor's SDK 5.24.0, and its pages on HTTP errors and on task
//! failures. Statuses are an open set: an unknown status counts as pending.

use std::time::Duration;

use domain::{Job, Refusal};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Answer, Body, Media, Progress, Refused, Stream,
    http::{Http, No, attempt_of, is_id, send_free, send_paid, short, whole},
    keys::Key,
    prompt,
    settings::RunwaySettings,
};

/// The longest download of a finished video.
const DOWNLOAD: Duration = Duration::from_secs(200);

#[derive(Debug)]
pub(crate) struct Runway {
    settings: RunwaySettings,
    http: Http,
    key: Key,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    status: String,
    #[serde(default)]
    output: Vec<String>,
    failure: Option<String>,
    failure_code: Option<String>,
    cost: Option<Cost>,
    estimated_cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Cost {
    credits: f64,
}

impl Runway {
    pub(crate) fn new(settings: RunwaySettings, http: Http, key: Key) -> Self {
        Self {
            settings,
            http,
            key,
        }
    }

    pub(crate) async fn prepare(&self) -> Result<(), Refused> {
        self.key.get().await.map(drop)
    }

    /// Creates the task for the job's video.
    pub(crate) async fn submit(&self, job: &Job) -> Result<Answer, Refused> {
        let ratio = match job.asset.size() {
            Some((width, height)) if width < height => "720:1280",
            _ => "1280:720",
        };
        let body = json!({
            "model": self.settings.model,
            "promptText": prompt::video(&job.configuration),
            "ratio": ratio,
            "duration": self.settings.seconds,
        });
        let request = self
            .http
            .post(format!("{}/text_to_video", self.settings.base_url))
            .json(&body);
        let response = send_paid(attempt_of(job)?, self.signed(request).await?).await?;
        if !response.status().is_success() {
            let no = No::read(response).await;
            return Err(self.refused(&no).await);
        }
        let bytes = whole(response, Refusal::OutcomeUnknown).await?;
        let created: Created = serde_json::from_slice(&bytes)
            .map_err(|_| Refused::new(Refusal::OutcomeUnknown, "its answer names no task"))?;
        if !is_id(&created.id) {
            return Err(Refused::new(
                Refusal::OutcomeUnknown,
                "its task's id cannot be part of an address",
            ));
        }
        Ok(Answer::Accepted { ticket: created.id })
    }

    /// The state of the task, with the video once it is made.
    pub(crate) async fn poll(&self, task: &str) -> Result<Progress, Refused> {
        let url = format!("{}/tasks/{task}", self.settings.base_url);
        let response = send_free(self.signed(self.http.get(url)).await?).await?;
        if !response.status().is_success() {
            let no = No::read(response).await;
            return match no.status {
                // The task existed, so it was deleted, and its video is gone.
                404 => Ok(Progress::Failed(no.refused(Refusal::OutcomeUnknown))),
                // A poll may be repeated.
                500.. => Err(no.refused(Refusal::Transient)),
                _ => Err(self.refused(&no).await),
            };
        }
        let bytes = whole(response, Refusal::Transient).await?;
        let task: Task = serde_json::from_slice(&bytes)
            .map_err(|_| Refused::new(Refusal::Transient, "its task cannot be read"))?;
        let credits = self.credits(&task);
        match task.status.as_str() {
            "SUCCEEDED" => {
                let Some(url) = task.output.first() else {
                    let detail = "the task succeeded without a video".to_owned();
                    return Ok(Progress::Failed(Refused {
                        refusal: Refusal::OutcomeUnknown,
                        detail,
                        credits,
                    }));
                };
                Ok(Progress::Done(Media {
                    body: Body::Stream(self.download(url).await?),
                    made_by: format!("runway/{}", self.settings.model),
                    credits,
                    length_ms: Some(u64::from(self.settings.seconds) * 1000),
                    // The task's id, which is the ticket, names the copy.
                    copy: None,
                }))
            }
            "FAILED" | "CANCELLED" => {
                let code = task.failure_code.as_deref().unwrap_or_default();
                let detail = short(&format!(
                    "{} {code}: {}",
                    task.status,
                    task.failure.as_deref().unwrap_or_default()
                ));
                Ok(Progress::Failed(Refused {
                    refusal: of_task(code),
                    detail,
                    credits,
                }))
            }
            other => Ok(Progress::Pending {
                status: other.to_owned(),
            }),
        }
    }

    /// Cancels a task or deletes its video. A missing task counts as deleted.
    pub(crate) async fn erase(&self, task: &str) -> Result<(), Refused> {
        let request = self
            .http
            .delete(format!("{}/tasks/{task}", self.settings.base_url));
        let response = send_free(self.signed(request).await?).await?;
        if response.status().is_success() || response.status().as_u16() == 404 {
            return Ok(());
        }
        Err(No::read(response).await.refused(Refusal::Transient))
    }

    /// Downloads the video from a signed URL that expires. The request carries no key and goes over
    /// TLS only (except if both the API and the video are on this machine).
    async fn download(&self, url: &str) -> Result<Stream, Refused> {
        let own_machine = self.settings.base_url.starts_with("http://127.0.0.1:")
            && url.starts_with("http://127.0.0.1:");
        if !(url.starts_with("https://") || own_machine) {
            return Err(Refused::new(
                Refusal::Transient,
                "its video is not at an https:// address",
            ));
        }
        let response = send_free(self.http.get(url.to_owned()).timeout(DOWNLOAD)).await?;
        match response.status().as_u16() {
            200 => Ok(Stream(response)),
            // Another poll of the task brings a fresh URL.
            status => Err(Refused::new(
                Refusal::Transient,
                format!("its video: HTTP {status}"),
            )),
        }
    }

    async fn signed(&self, request: RequestBuilder) -> Result<RequestBuilder, Refused> {
        let key = self.key.get().await?;
        Ok(request
            .bearer_auth(key.expose_secret())
            .header("X-Runway-Version", "2024-11-06"))
    }

    async fn refused(&self, no: &No) -> Refused {
        let refusal = match no.status {
            502 | 504 => Refusal::OutcomeUnknown,
            _ => no.by_status(),
        };
        if refusal == Refusal::Auth {
            self.key.forget().await;
        }
        no.refused(refusal)
    }

    fn credits(&self, task: &Task) -> u64 {
        let cost = task.cost.as_ref().or(task.estimated_cost.as_ref());
        let vendors = cost.map_or(0.0, |cost| cost.credits.clamp(0.0, 1e9).ceil()) as u64;
        vendors * self.settings.credits_per_credit
    }
}

/// The class of a task's failure. An unknown code is a fault of the vendor.
fn of_task(code: &str) -> Refusal {
    match code.split('.').next().unwrap_or_default() {
        "SAFETY" => Refusal::Moderation,
        "INPUT_PREPROCESSING" | "ASSET" => match code.contains("SAFETY") {
            true => Refusal::Moderation,
            false => Refusal::InvalidInput,
        },
        _ => Refusal::Transient,
    }
}

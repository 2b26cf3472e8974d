//! ElevenLabs: spots (speech, sound or music), answered at once, and cloned voices (module
//! `voices`).
//!
//! Source of shapes and codes: the vendor's SDK 2.78.0, and the error codes of its documentation as
//! of 2026-09-17. `detail` may be an object, a list or a text; the client reads all three.

use domain::{Job, Refusal};
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    Answer, Body, Media, Refused, Stream,
    http::{Http, No, attempt_of, is_id, send_free, send_paid},
    keys::Key,
    prompt,
    settings::{ElevenLabsSettings, Spot},
};

mod voices;

pub use voices::{Captcha, Fulfilled, Recording, sample_name};

/// ElevenLabs: speech, sound, music and cloned voices.
#[derive(Debug)]
pub struct ElevenLabs {
    settings: ElevenLabsSettings,
    http: Http,
    key: Key,
}

impl ElevenLabs {
    pub(crate) fn new(settings: ElevenLabsSettings, http: Http, key: Key) -> Self {
        Self {
            settings,
            http,
            key,
        }
    }

    /// Reads the key.
    ///
    /// # Errors
    /// [`Refused`]; the vendor was not asked.
    pub async fn prepare(&self) -> Result<(), Refused> {
        self.key.get().await.map(drop)
    }

    /// Makes the job's spot.
    pub(crate) async fn make(&self, job: &Job) -> Result<Answer, Refused> {
        let key = self.key.get().await?;
        let (endpoint, model, text, body) = self.request(job);
        let url = format!(
            "{}/{endpoint}?output_format=mp3_44100_128",
            self.settings.base_url
        );
        let response = send_paid(
            attempt_of(job)?,
            self.http
                .post(url)
                .header("xi-api-key", key.expose_secret())
                .json(&body),
        )
        .await?;
        if !response.status().is_success() {
            let no = No::read(response).await;
            let refusal = refusal(&no);
            if refusal == Refusal::Auth {
                self.key.forget().await;
            }
            return Err(no.refused(refusal));
        }
        let copy = history_item(response.headers());
        let characters = characters(response.headers()).unwrap_or(text.chars().count() as u64);
        Ok(Answer::Done(Media {
            credits: self.credits(characters),
            made_by: format!("elevenlabs/{model}"),
            body: Body::Stream(Stream(response)),
            length_ms: None,
            copy,
        }))
    }

    /// Deletes a spot from the vendor's history. A missing one counts as deleted.
    pub(crate) async fn erase(&self, item: &str) -> Result<(), Refused> {
        self.delete(&format!("history/{item}")).await
    }

    fn credits(&self, characters: u64) -> u64 {
        (characters * self.settings.credits_per_thousand_characters).div_ceil(1000)
    }

    async fn delete(&self, path: &str) -> Result<(), Refused> {
        let key = self.key.get().await?;
        let request = self
            .http
            .delete(format!("{}/{path}", self.settings.base_url));
        let response = send_free(request.header("xi-api-key", key.expose_secret())).await?;
        if response.status().is_success() || response.status().as_u16() == 404 {
            return Ok(());
        }
        Err(No::read(response).await.refused(Refusal::Transient))
    }

    /// The endpoint, the model, the text or prompt, and the body.
    fn request(&self, job: &Job) -> (String, &str, String, Value) {
        let settings = &self.settings;
        match settings.spot {
            Spot::Speech => {
                let text = prompt::speech(
                    &job.configuration,
                    canvas::day(&job.configuration).as_deref(),
                );
                let body = json!({ "text": text, "model_id": settings.model });
                (
                    format!("text-to-speech/{}", settings.voice),
                    &settings.model,
                    text,
                    body,
                )
            }
            Spot::Sound => {
                let text = prompt::sound(&job.configuration);
                let body = json!({
                    "text": text, "duration_seconds": settings.seconds, "model_id": settings.sound_model,
                });
                (
                    "sound-generation".to_owned(),
                    &settings.sound_model,
                    text,
                    body,
                )
            }
            Spot::Music => {
                let text = prompt::music(&job.configuration);
                let body = json!({
                    "prompt": text,
                    "music_length_ms": u32::from(settings.seconds) * 1000,
                    "force_instrumental": true,
                    "model_id": settings.music_model,
                });
                ("music".to_owned(), &settings.music_model, text, body)
            }
        }
    }
}

/// The cost in characters, as the vendor reports it.
fn characters(headers: &HeaderMap) -> Option<u64> {
    headers
        .get("character-cost")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The id of the spot in the vendor's history. The header is old and no longer documented, so it
/// may be absent.
fn history_item(headers: &HeaderMap) -> Option<String> {
    let item = headers.get("history-item-id")?.to_str().ok()?.trim();
    is_id(item).then(|| item.to_owned())
}

/// The code of an error; an older form calls it `status`.
fn code(no: &No) -> &str {
    let detail = &no.body["detail"];
    let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("code") {
        "" => text("status"),
        code => code,
    }
}

/// The class of a refusal.
fn refusal(no: &No) -> Refusal {
    match code(no) {
        "quota_exceeded" | "insufficient_credits" => Refusal::Billing,
        "content_moderated" | "moderation" | "content_against_policy" => Refusal::Moderation,
        "voice_not_found" | "model_not_found" => Refusal::ProviderGone,
        "voice_limit_reached" | "voice_add_edit_limit_reached" => Refusal::Billing,
        "system_busy"
        | "concurrent_limit_exceeded"
        | "too_many_concurrent_requests"
        | "rate_limit_exceeded" => Refusal::RateLimited {
            retry_after: no.retry_after(),
        },
        _ => no.by_status(),
    }
}

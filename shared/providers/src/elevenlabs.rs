//! ElevenLabs: spots (speech, sound or music), answered at once, and cloned voices (module
//! `voices`).
//!
//! Source of shapes and codes: the vendor's SDK 2.78.0, and the error codes of its documentation as
//! of 2026-09-17. `detail` may be an object, a list or a text; the client reads all three.

use contract::{Configuration, Shows};
use domain::{Job, Refusal};
use drawing::{Language, day};
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    Answer, Body, Media, Refused, Stream,
    http::{ErrorAnswer, Http, attempt_of, check_id, is_id, send_free, send_paid},
    keys::VendorKey,
    prompt,
    settings::{ElevenLabsSettings, ElevenLabsVoice, Spot},
};

mod voices;

pub use voices::{Captcha, CaptchaFormat, Fulfilled, Recording, sample_name};

/// ElevenLabs: speech, sound, music and cloned voices.
#[derive(Debug)]
pub struct ElevenLabs {
    settings: ElevenLabsSettings,
    http: Http,
    key: VendorKey,
}

/// A request for a spot.
struct SpotRequest<'a> {
    endpoint: String,
    model: &'a str,
    /// The text to speak, or the prompt.
    text: String,
    body: Value,
}

impl ElevenLabs {
    pub(crate) fn new(settings: ElevenLabsSettings, http: Http, key: VendorKey) -> Self {
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
        let SpotRequest {
            endpoint,
            model,
            text,
            body,
        } = self.request(job)?;
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
            let answer = ErrorAnswer::read(response).await;
            let refusal = refusal(&answer);
            if refusal == Refusal::Auth {
                self.key.forget().await;
            }
            return Err(answer.refused(refusal));
        }
        let copy = history_item(response.headers());
        let characters = characters(response.headers()).unwrap_or(text.chars().count() as u64);
        Ok(Answer::Done(Box::new(Media {
            credits: self.credits(characters),
            made_by: format!("elevenlabs/{model}"),
            body: Body::Stream(Stream(response)),
            length_ms: None,
            copy,
            shows: Shows::default(),
            painting: None,
        })))
    }

    /// Deletes a spot from the vendor's history. A missing one counts as deleted.
    pub(crate) async fn erase(&self, item: &str) -> Result<(), Refused> {
        check_id(item)?;
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
        Err(ErrorAnswer::read(response)
            .await
            .refused(Refusal::Transient))
    }

    /// Whether it has a voice for the language of `configuration`, or makes spots without speech.
    pub(crate) fn speaks(&self, configuration: &Configuration) -> bool {
        self.settings.spot != Spot::Speech || self.speaker(configuration).is_some()
    }

    /// The voice for the language of `configuration`, and the language.
    fn speaker(&self, configuration: &Configuration) -> Option<(&ElevenLabsVoice, Language)> {
        let language = Language::of(configuration);
        let (_, speaker) = self.settings.speakers.of(&language)?;
        Some((speaker, language))
    }

    fn request(&self, job: &Job) -> Result<SpotRequest<'_>, Refused> {
        let settings = &self.settings;
        Ok(match settings.spot {
            Spot::Speech => {
                let Some((speaker, language)) = self.speaker(&job.configuration) else {
                    let detail = "no voice of elevenlabs.speakers speaks the language of the text";
                    return Err(Refused::new(Refusal::ProviderGone, detail).unsent());
                };
                let text = prompt::speech(&job.configuration, day(&job.configuration).as_deref());
                let model = speaker.model.as_deref().unwrap_or(&settings.model);
                let mut body = json!({ "text": text, "model_id": model });
                // "This parameter is not supported for multilingual_v2 models" (the vendor's SDK 2.78.0).
                if !model.ends_with("multilingual_v2") {
                    body["language_code"] = language.code().into();
                }
                SpotRequest {
                    endpoint: format!("text-to-speech/{}", speaker.voice),
                    model,
                    text,
                    body,
                }
            }
            Spot::Sound => {
                let text = prompt::sound(&job.configuration);
                let body = json!({
                    "text": text, "duration_seconds": settings.seconds, "model_id": settings.sound_model,
                });
                SpotRequest {
                    endpoint: "sound-generation".to_owned(),
                    model: &settings.sound_model,
                    text,
                    body,
                }
            }
            Spot::Music => {
                let text = prompt::music(&job.configuration);
                let body = json!({
                    "prompt": text,
                    "music_length_ms": u32::from(settings.seconds) * 1000,
                    "force_instrumental": true,
                    "model_id": settings.music_model,
                });
                SpotRequest {
                    endpoint: "music".to_owned(),
                    model: &settings.music_model,
                    text,
                    body,
                }
            }
        })
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
fn code(answer: &ErrorAnswer) -> &str {
    let detail = &answer.body["detail"];
    let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("code") {
        "" => text("status"),
        code => code,
    }
}

/// The class of a refusal. Only an error in the vendor's own form, with a code or a type, concerns
/// our account.
fn refusal(answer: &ErrorAnswer) -> Refusal {
    match code(answer) {
        "quota_exceeded" | "insufficient_credits" => Refusal::Billing,
        // `bad_prompt` is of music that would copy an artist's or a song's.
        "content_moderated" | "moderation" | "content_against_policy" | "bad_prompt" => {
            Refusal::Moderation
        }
        "voice_not_found" | "model_not_found" => Refusal::ProviderGone,
        "voice_limit_reached" | "voice_add_edit_limit_reached" => Refusal::Billing,
        "system_busy"
        | "concurrent_limit_exceeded"
        | "too_many_concurrent_requests"
        | "rate_limit_exceeded" => Refusal::RateLimited {
            retry_after: answer.retry_after(),
        },
        // An older form, without a type.
        "invalid_api_key"
        | "needs_authorization"
        | "missing_permissions"
        | "detected_unusual_activity" => Refusal::Auth,
        _ => by_type(answer),
    }
}

/// The class of a refusal by the type of the error, which its status follows from.
fn by_type(answer: &ErrorAnswer) -> Refusal {
    match answer.body["detail"]["type"].as_str() {
        Some("authentication_error" | "authorization_error") => Refusal::Auth,
        Some("payment_required") => Refusal::Billing,
        Some("not_found") => Refusal::ProviderGone,
        _ => answer.by_status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ANYONES;

    fn error(status: u16, detail: Value) -> Refusal {
        let error = json!({ "detail": detail });
        refusal(&ErrorAnswer::of(status, &error.to_string()))
    }

    #[test]
    fn a_prompt_that_the_vendors_rules_forbid_is_moderation() {
        for code in ["content_moderated", "content_against_policy", "bad_prompt"] {
            let detail = json!({ "type": "invalid_request", "code": code, "message": "no" });
            assert_eq!(error(400, detail), Refusal::Moderation, "{code}");
        }
    }

    #[test]
    fn only_the_vendors_own_code_or_type_concerns_the_account() {
        let typed = |status, kind: &str| {
            error(
                status,
                json!({ "type": kind, "code": "a_code", "message": "no" }),
            )
        };
        assert_eq!(typed(401, "authentication_error"), Refusal::Auth);
        assert_eq!(typed(403, "authorization_error"), Refusal::Auth);
        assert_eq!(typed(402, "payment_required"), Refusal::Billing);
        assert_eq!(typed(404, "not_found"), Refusal::ProviderGone);
        let of_old = |status: &str| error(401, json!({ "status": status, "message": "no" }));
        assert_eq!(of_old("missing_permissions"), Refusal::Auth);
        assert_eq!(of_old("quota_exceeded"), Refusal::Billing);
        for status in ANYONES {
            let firewalls = ErrorAnswer::of_a_firewall(status);
            assert_eq!(refusal(&firewalls), Refusal::Blocked, "{status}");
            // The form of FastAPI, in which the vendor's own errors have no code.
            assert_eq!(error(status, json!("Forbidden")), Refusal::Blocked);
        }
    }
}

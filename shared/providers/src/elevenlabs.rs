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
    Answer, Body, Media, ProviderError, Refused, Stream,
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

    /// Makes the job's spot. `voice` is the cloned voice that is to speak it, if the job names one.
    pub(crate) async fn make(
        &self,
        job: &Job,
        voice: Option<&str>,
    ) -> Result<Answer, ProviderError> {
        let key = self.key.get().await?;
        let SpotRequest {
            endpoint,
            model,
            text,
            body,
        } = request(&self.settings, job, voice)?;
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
            if let Some(gone) = gone(&answer, voice) {
                return Err(gone);
            }
            let refusal = refusal(&answer);
            if refusal == Refusal::Auth {
                self.key.forget().await;
            }
            return Err(answer.refused(refusal).into());
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

    /// Whether its cloned voices speak the language of `job`, if that names one; else whether it has a
    /// voice for that language, or makes spots without speech.
    pub(crate) fn speaks(&self, job: &Job) -> bool {
        speaks(&self.settings, job)
    }
}

/// As [`ElevenLabs::speaks`], with these settings.
fn speaks(settings: &ElevenLabsSettings, job: &Job) -> bool {
    let language = Language::of(&job.configuration);
    match job.voice() {
        Some(_) => has_language(&settings.voices.model, &language),
        None => settings.spot != Spot::Speech || settings.speakers.of(&language).is_some(),
    }
}

/// The request for the spot of `job`. A job that names a cloned voice is speech, of that `voice`.
fn request<'s>(
    settings: &'s ElevenLabsSettings,
    job: &Job,
    voice: Option<&str>,
) -> Result<SpotRequest<'s>, Refused> {
    match (job.voice(), voice) {
        (None, _) => request_without_clone(settings, &job.configuration),
        (Some(_), Some(voice)) => {
            check_id(voice)?;
            Ok(speech(&job.configuration, voice, &settings.voices.model))
        }
        (Some(voice), None) => {
            let detail = format!("it is not said which voice of ElevenLabs' is {voice}");
            Err(Refused::new(Refusal::InvalidInput, detail).unsent())
        }
    }
}

fn request_without_clone<'s>(
    settings: &'s ElevenLabsSettings,
    configuration: &Configuration,
) -> Result<SpotRequest<'s>, Refused> {
    Ok(match settings.spot {
        Spot::Speech => {
            let language = Language::of(configuration);
            let Some((_, ElevenLabsVoice { voice, model })) = settings.speakers.of(&language)
            else {
                let detail = "no voice of elevenlabs.speakers speaks the language of the text";
                return Err(Refused::new(Refusal::ProviderGone, detail).unsent());
            };
            let model = model.as_deref().unwrap_or(&settings.model);
            speech(configuration, voice, model)
        }
        Spot::Sound => {
            let text = prompt::sound(configuration);
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
            let text = prompt::music(configuration);
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

/// The request to have `voice` speak the text of `configuration`, in its own language.
fn speech<'s>(configuration: &Configuration, voice: &str, model: &'s str) -> SpotRequest<'s> {
    let text = prompt::speech(configuration, day(configuration).as_deref());
    let mut body = json!({ "text": text, "model_id": model });
    // "This parameter is not supported for multilingual_v2 models" (the vendor's SDK 2.78.0).
    if !model.ends_with("multilingual_v2") {
        body["language_code"] = Language::of(configuration).code().into();
    }
    SpotRequest {
        endpoint: format!("text-to-speech/{voice}"),
        model,
        text,
        body,
    }
}

/// The languages of `eleven_multilingual_v2`. Source: the vendor's page of models.
const LANGUAGES: [&str; 29] = [
    "en", "ja", "zh", "de", "hi", "fr", "ko", "pt", "it", "es", "id", "nl", "tr", "fil", "pl",
    "sv", "bg", "ro", "ar", "cs", "el", "fi", "hr", "ms", "sk", "da", "ta", "uk", "ru",
];

/// Whether a voice that speaks with `model` has `language`. `elevenlabs.voices` names no voices by
/// language, so the vendor's lists decide. For a model without a list here, the operator who set it
/// answers.
fn has_language(model: &str, language: &Language) -> bool {
    let code = language.code();
    match model {
        "eleven_multilingual_v2" => LANGUAGES.contains(&code),
        "eleven_flash_v2_5" | "eleven_turbo_v2_5" => {
            LANGUAGES.contains(&code) || ["hu", "nb", "no", "vi"].contains(&code)
        }
        "eleven_flash_v2" | "eleven_turbo_v2" => code == "en",
        _ => true,
    }
}

/// The error, if the vendor says that it does not have the cloned `voice`. That concerns one tenant's
/// job; for a voice of the settings it would concern every job.
fn gone(answer: &ErrorAnswer, voice: Option<&str>) -> Option<ProviderError> {
    voice.filter(|_| matches!(code(answer), "voice_not_found" | "voice_does_not_exist"))?;
    Some(ProviderError::NoVoice(
        answer.refused(Refusal::InvalidInput),
    ))
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

    /// The job of a spot with this headline, spoken by a cloned voice if `is_cloned`.
    fn spot(headline: &str, is_cloned: bool) -> Job {
        let id = "5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21";
        let mut configuration = json!({ "title": headline, "locale": "en-IN" });
        if is_cloned {
            configuration["voiceModelId"] = id.into();
        }
        let job = json!({
            "id": id, "version": 1, "tenant": "tenant-1", "user_id": "user-1",
            "entity": { "kind": "campaign", "id": "campaign-1" },
            "template": id, "asset": "audio-spot", "configuration": configuration,
            "provider": "elevenlabs", "inbound": id,
            "trigger": { "type": "eventzr.campaign.launched.v1", "source": "s", "id": "e" },
            "created_at": "2026-11-20T10:00:00.000Z", "deadline": "2026-11-20T10:15:00.000Z",
            "restarts": 0, "attempts": [], "state": { "is": "created" },
        });
        serde_json::from_value(job).unwrap()
    }

    fn settings(json: &Value) -> ElevenLabsSettings {
        let settings = json!({ "elevenlabs": json });
        crate::Settings::parse(&settings.to_string())
            .unwrap()
            .elevenlabs
    }

    #[test]
    fn a_cloned_voice_speaks_with_the_model_that_voices_are_trained_for() {
        let settings = settings(&json!({
            "spot": "music",
            "speakers": { "en": { "voice": "english", "model": "eleven_flash_v2" } },
            "voices": { "model": "eleven_v3" },
        }));
        let asked = request(&settings, &spot("Lanterns", true), Some("clone1")).unwrap();
        assert_eq!(asked.endpoint, "text-to-speech/clone1");
        assert_eq!(asked.body["model_id"], "eleven_v3");
        assert_eq!(asked.body["language_code"], "en");
        assert!(asked.text.contains("Lanterns"), "{}", asked.text);
        let asked = request(&settings, &spot("Lanterns", false), None).unwrap();
        assert_eq!(asked.endpoint, "music");
    }

    #[test]
    fn no_other_voice_speaks_in_the_place_of_a_cloned_one() {
        let settings = settings(&json!({ "speakers": { "en": { "voice": "english" } } }));
        let job = spot("Lanterns", true);
        for voice in [None, Some("../user")] {
            let Err(refused) = request(&settings, &job, voice) else {
                panic!("{voice:?} speaks")
            };
            assert_eq!(refused.refusal, Refusal::InvalidInput, "{voice:?}");
        }
    }

    #[test]
    fn a_cloned_voice_reads_only_the_languages_of_its_model() {
        let with = |model: &str| settings(&json!({ "voices": { "model": model } }));
        let (v2, v3) = (with("eleven_multilingual_v2"), with("eleven_v3"));
        for (headline, by_v2) in [
            ("Lanterns", true),
            ("दीपावली मेला", true),
            ("தீபாவளி இசை விழா", true),
            ("ದೀಪಾವಳಿ ಸಂಗೀತ ಉತ್ಸವ", false),
        ] {
            let job = spot(headline, true);
            assert_eq!(speaks(&v2, &job), by_v2, "{headline}");
            assert!(speaks(&v3, &job), "{headline}");
            // No voice is set up for any language.
            assert!(!speaks(&v2, &spot(headline, false)), "{headline}");
        }
        assert!(!speaks(
            &with("eleven_flash_v2"),
            &spot("दीपावली मेला", true)
        ));
    }

    #[test]
    fn a_voice_that_is_gone_concerns_its_job_and_opens_no_breaker() {
        let said = json!({ "detail": { "status": "voice_not_found", "message": "no" } });
        let answer = ErrorAnswer::of(404, &said.to_string());
        assert_eq!(refusal(&answer), Refusal::ProviderGone);
        assert!(gone(&answer, None).is_none(), "a voice of the settings");
        let Some(ProviderError::NoVoice(refused)) = gone(&answer, Some("clone1")) else {
            panic!("it is gone")
        };
        assert_eq!(refused.refusal, Refusal::InvalidInput);
        let other = json!({ "detail": { "status": "quota_exceeded", "message": "no" } });
        let other = ErrorAnswer::of(401, &other.to_string());
        assert!(gone(&other, Some("clone1")).is_none());
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

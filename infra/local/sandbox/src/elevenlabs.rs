//! ElevenLabs. Source: the vendor's SDK 2.78.0; headers and error bodies from its documentation, as
//! of 2026-09-17.

use serde_json::json;

use super::SPEECH;
use super::exchange::{Asked, Reply};

mod error;
mod voices;

pub(super) use error::body;
pub(super) use voices::Voices;

/// Answers a request to ElevenLabs, which has these cloned voices.
pub(super) fn answer(voices: &Voices, asked: &Asked<'_>) -> Reply {
    if asked.header("xi-api-key").is_none_or(str::is_empty) {
        return Reply::json(
            401,
            &body("authentication_error", "invalid_api_key", "Invalid API key"),
        );
    }
    if asked.method == "GET" && asked.path == "/v2/voices" {
        return voices::search(voices, asked.query);
    }
    if asked.path == "/voices" || asked.path.starts_with("/voices/") {
        return voices::answer(voices, asked);
    }
    if asked.method == "DELETE" && asked.path.starts_with("/history/") {
        return Reply::json(200, &json!({ "status": "ok" }));
    }
    let speaks = speaker(asked).is_some_and(|voice| !voice.is_empty());
    if asked.method != "POST" || !(speaks || matches!(asked.path, "/sound-generation" | "/music")) {
        return Reply::json(404, &body("not_found", "not_found", "Not found"));
    }
    speak(voices, asked)
}

/// The vendor's own voices, besides those that are cloned.
pub(super) const VOICES: [&str; 2] = ["english", "hindi"];

/// The models that speak, and the most characters that each takes.
const MODELS: [(&str, usize); 5] = [
    ("eleven_multilingual_v2", 10_000),
    ("eleven_v3", 5000),
    ("eleven_flash_v2_5", 40_000),
    ("eleven_flash_v2", 30_000),
    ("eleven_turbo_v2_5", 40_000),
];

/// The id of the voice that is asked to speak.
fn speaker<'a>(asked: &Asked<'a>) -> Option<&'a str> {
    asked.path.strip_prefix("/text-to-speech/")
}

/// Speech, a sound or music: always the same two seconds.
fn speak(voices: &Voices, asked: &Asked<'_>) -> Reply {
    let request = asked.json();
    if let Some(voice) = speaker(asked) {
        if !VOICES.contains(&voice) && !voices.has(voice) {
            return voices::not_found();
        }
        let model = request["model_id"]
            .as_str()
            .unwrap_or("eleven_multilingual_v2");
        let Some((_, most)) = MODELS.iter().find(|(known, _)| *known == model) else {
            let message = format!("A model with ID {model} does not exist");
            return Reply::json(404, &body("not_found", "model_not_found", &message));
        };
        let text = request["text"].as_str().unwrap_or_default();
        if text.chars().count() > *most {
            let message = format!("The text has more than {most} characters");
            return Reply::json(
                400,
                &body("invalid_request", "max_character_limit_exceeded", &message),
            );
        }
    }
    let text = request["text"]
        .as_str()
        .or(request["prompt"].as_str())
        .unwrap_or_default();
    let takes = |name: &str, least: f64, most: f64| {
        request[name]
            .as_f64()
            .is_none_or(|value| (least..=most).contains(&value))
    };
    if text.is_empty()
        || !takes("duration_seconds", 0.5, 30.0)
        || !takes("music_length_ms", 3000.0, 600_000.0)
    {
        return Reply::json(
            422,
            &json!({ "detail": [{ "loc": ["body", "text"], "msg": "Field required", "type": "missing" }] }),
        );
    }
    let mut said = Reply::file("audio/mpeg", SPEECH);
    said.headers.extend([
        ("request-id", "sandbox".to_owned()),
        // An older header name, which some answers still have.
        ("history-item-id", "sandbox-history-item".to_owned()),
        ("character-cost", text.chars().count().to_string()),
        ("current-concurrent-requests", "1".to_owned()),
        ("maximum-concurrent-requests", "5".to_owned()),
    ]);
    said
}

//! ElevenLabs' cloned voices. Source: the vendor's SDK 2.78.0 (`/voices/add`, `/voices/pvc`,
//! `/voices/{id}` and the shape of a voice). The body of a captcha is not documented: here it is a
//! picture in base64.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::error::body;
use crate::exchange::{Asked, Reply};
use crate::script::Behaviour;

/// The model that is trained.
const MODEL: &str = "eleven_multilingual_v2";

/// All voices by id. Ids count up and are never reused.
#[derive(Debug, Default)]
pub(crate) struct Voices {
    all: Mutex<BTreeMap<String, Voice>>,
    given: Mutex<usize>,
}

#[derive(Debug, Clone, Default)]
struct Voice {
    name: String,
    is_professional: bool,
    samples: Vec<String>,
    wants_owner: bool,
    is_verified: bool,
    /// The number of polls since the training began.
    looked_at: Option<u32>,
    /// A state, and for how many polls the training keeps it.
    held: Option<(String, u32)>,
    /// The reason for which the training fails.
    fails: Option<String>,
}

impl Voices {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Voice>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of voices.
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// Whether there is a voice with this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.all().contains_key(id)
    }

    /// Marks every voice as verified by its owner.
    pub(crate) fn verify(&self) {
        self.all()
            .values_mut()
            .for_each(|voice| voice.is_verified = true);
    }

    fn add(&self, voice: Voice) -> String {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        *given += 1;
        let id = format!("sandboxvoice{given:04}");
        self.all().insert(id.clone(), voice);
        id
    }
}

/// Answers requests for everything below `/voices`.
pub(super) fn answer(voices: &Voices, asked: &Asked<'_>) -> Reply {
    let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    match (asked.method, &parts[1..]) {
        ("POST", ["add"]) => add(voices, asked),
        ("POST", ["pvc"]) => create(voices, asked),
        ("GET", [id]) => with(voices, id, |voice| Reply::json(200, &voice.shown(id, true))),
        ("DELETE", [id]) => match voices.all().remove(*id) {
            Some(_) => ok(),
            None => not_found(),
        },
        ("POST", ["pvc", id, "samples"]) => with(voices, id, |voice| {
            let files = files(asked);
            if files.is_empty() {
                return missing("files");
            }
            voice.samples.extend(files.iter().cloned());
            let said = files
                .iter()
                .map(|name| json!({ "sample_id": format!("of-{id}-{name}"), "file_name": name }));
            Reply::json(200, &Value::Array(said.collect()))
        }),
        ("GET", ["pvc", id, "captcha"]) => with(voices, id, |_| {
            let mut said = Reply::json(200, &Value::Null);
            said.headers = vec![("content-type", "text/plain".to_owned())];
            said.body = base64_simd::STANDARD.encode_to_string(picture()).into();
            said
        }),
        ("POST", ["pvc", id, "captcha"]) => with(voices, id, |voice| {
            if files(asked).is_empty() {
                return missing("recording");
            }
            voice.is_verified = true;
            ok()
        }),
        ("POST", ["pvc", id, "train"]) => with(voices, id, |voice| train(voice, asked)),
        _ => not_found(),
    }
}

fn add(voices: &Voices, asked: &Asked<'_>) -> Reply {
    let (name, files) = (field(asked, "name"), files(asked));
    if name.is_empty() || files.is_empty() {
        return missing("files");
    }
    let wants_owner = matches!(asked.behaviour, Some(Behaviour::WantsOwner));
    let voice = Voice {
        name,
        samples: files,
        wants_owner,
        ..Voice::default()
    };
    let id = voices.add(voice);
    Reply::json(
        200,
        &json!({ "voice_id": id, "requires_verification": wants_owner }),
    )
}

fn create(voices: &Voices, asked: &Asked<'_>) -> Reply {
    let request = asked.json();
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    if text("name").is_empty() || text("language").is_empty() {
        return missing("name");
    }
    let voice = Voice {
        name: text("name"),
        is_professional: true,
        wants_owner: true,
        ..Voice::default()
    };
    Reply::json(200, &json!({ "voice_id": voices.add(voice) }))
}

fn train(voice: &mut Voice, asked: &Asked<'_>) -> Reply {
    if !voice.is_verified || voice.samples.is_empty() {
        return Reply::json(
            400,
            &body(
                "invalid_request",
                "voice_not_verified",
                "The voice has not been verified.",
            ),
        );
    }
    if voice.looked_at.is_some() {
        return Reply::json(
            409,
            &body(
                "conflict",
                "already_running",
                "The voice is being trained already.",
            ),
        );
    }
    voice.looked_at = Some(0);
    match asked.behaviour {
        Some(Behaviour::TaskStatus { status, polls }) => {
            voice.held = Some((status.clone(), *polls))
        }
        Some(Behaviour::TaskFails { message, .. }) => voice.fails = Some(message.clone()),
        _ => {}
    }
    ok()
}

/// A page of the voices with the text of `search` in their names. A page has one voice, however many
/// are asked for, so that a client that reads only the first page is seen. The list of the API's first
/// version is not here: it stops working in a workspace of more than 500 voices.
pub(super) fn search(voices: &Voices, query: &str) -> Reply {
    let given = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name);
        values.next().map_or("", |(_, value)| value)
    };
    let (wanted, after) = (given("search"), given("next_page_token"));
    let mut all = voices.all();
    let mut found = all
        .iter_mut()
        .filter(|(id, voice)| voice.name.contains(wanted) && id.as_str() > after);
    let first = found.next().map(|(id, voice)| (id, voice.shown(id, false)));
    let has_more = found.next().is_some();
    let (next, shown) = match first {
        Some((id, shown)) => (has_more.then_some(id), vec![shown]),
        None => (None, Vec::new()),
    };
    Reply::json(
        200,
        &json!({ "voices": shown, "has_more": has_more, "total_count": shown.len(), "next_page_token": next }),
    )
}

impl Voice {
    fn shown(&mut self, id: &str, is_looked_at: bool) -> Value {
        if let Some(looks) = self.looked_at.as_mut().filter(|_| is_looked_at) {
            *looks += 1;
        }
        let held = self.held.as_ref().map_or(0, |(_, looks)| *looks);
        let (training, message) = match (self.looked_at, &self.fails) {
            (None, _) => ("not_started", ""),
            (Some(looks), _) if looks <= held => (
                self.held
                    .as_ref()
                    .map_or("queued", |(state, _)| state.as_str()),
                "",
            ),
            (Some(looks), _) if looks - held == 1 => ("queued", ""),
            (Some(looks), _) if looks - held == 2 => ("fine_tuning", ""),
            (Some(_), Some(message)) => ("failed", message.as_str()),
            (Some(_), None) => ("fine_tuned", "Done!"),
        };
        let samples: Vec<Value> = self
            .samples
            .iter()
            .map(|name| json!({ "sample_id": format!("of-{id}-{name}"), "file_name": name }))
            .collect();
        json!({
            "voice_id": id,
            "name": self.name,
            "category": if self.is_professional { "professional" } else { "cloned" },
            "samples": samples,
            "voice_verification": {
                "requires_verification": self.wants_owner, "is_verified": self.is_verified, "verification_failures": [],
                "verification_attempts_count": u8::from(self.is_verified),
            },
            "fine_tuning": {
                "is_allowed_to_fine_tune": self.is_verified,
                "state": { MODEL: training },
                "message": { MODEL: message },
            },
        })
    }
}

fn with(voices: &Voices, id: &str, answer: impl FnOnce(&mut Voice) -> Reply) -> Reply {
    voices.all().get_mut(id).map_or_else(not_found, answer)
}

fn ok() -> Reply {
    Reply::json(200, &json!({ "status": "ok" }))
}

pub(super) fn not_found() -> Reply {
    Reply::json(
        404,
        &body(
            "not_found",
            "voice_not_found",
            "A voice with this id was not found",
        ),
    )
}

fn missing(field: &str) -> Reply {
    let detail = json!({ "detail": [{ "loc": ["body", field], "msg": "Field required", "type": "missing" }] });
    Reply::json(422, &detail)
}

/// The names of the files in a multipart body.
fn files(asked: &Asked<'_>) -> Vec<String> {
    let text = String::from_utf8_lossy(asked.body);
    let names = text
        .split("filename=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
    names.collect()
}

/// A text field in a multipart body. Empty if it is missing.
fn field(asked: &Asked<'_>, name: &str) -> String {
    let text = String::from_utf8_lossy(asked.body);
    let begin = format!("name=\"{name}\"\r\n\r\n");
    let value = text
        .split_once(begin.as_str())
        .and_then(|(_, rest)| rest.split_once("\r\n"));
    value.map(|(value, _)| value.to_owned()).unwrap_or_default()
}

/// A picture in place of words to read aloud: bars on white, as a PNG.
fn picture() -> Vec<u8> {
    const SIZE: (u32, u32) = (240, 60);
    let pixels: Vec<u8> = (0..SIZE.1)
        .flat_map(|y| (0..SIZE.0).map(move |x| if y % 20 > 12 && x % 37 > 4 { 40 } else { 250 }))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels));
    // Writing to memory cannot fail.
    written.map(|()| bytes).unwrap_or_default()
}

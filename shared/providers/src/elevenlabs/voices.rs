//! Cloned voices. The vendor makes an instant voice from its samples at once. It trains a
//! professional voice for hours, and only after the owner has proved that the voice is theirs.
//!
//! Source: the vendor's SDK 2.78.0 (`/voices/add`, `/voices/pvc`, `/voices/{id}`) and its guide to
//! professional cloning. The body of a captcha is not documented, so an unknown one is passed on
//! unchanged. Training states are an open set: an unknown state counts as still training,
//! once that was asked for.

use std::collections::BTreeSet;

use contract::{CloningMethod, VoiceTraining};
use domain::{Refusal, Training, VoiceModel, VoiceRequest, VoiceView};
use reqwest::{
    Body, RequestBuilder, Response, Url,
    multipart::{Form, Part},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::{ElevenLabs, characters, code};
use crate::{
    Refused,
    http::{Attempted, ErrorAnswer, check_id, is_id, send_free, send_paid, short, whole},
};

/// How many pages of a search are read: one has a hundred voices, and a name is one voice's.
const MOST_PAGES: usize = 20;

/// A recording to upload to the vendor.
pub struct Recording {
    /// Its file name at the vendor, such as `sample-1.mp3`.
    pub file_name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its content.
    pub reader: Box<dyn AsyncRead + Send + Sync + Unpin>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recording({}, {} bytes)", self.file_name, self.bytes)
    }
}

/// The vendor's answer to a request that it fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilled {
    /// The id of the voice, if the request created one.
    pub voice: Option<String>,
    /// The credits that it cost.
    pub credits: u64,
}

/// The text that the owner of a voice must read aloud, as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captcha {
    /// The file, usually a picture.
    pub bytes: Vec<u8>,
    /// Its format, as its bytes say. What the vendor says of it counts for nothing: the file goes
    /// into the bucket of public assets, where a page or a script must not be.
    pub format: CaptchaFormat,
}

/// The format of a captcha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptchaFormat {
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
    /// Text.
    Text,
    /// Anything else.
    Unknown,
}

impl CaptchaFormat {
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Self::Png
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Self::Jpeg
        } else if std::str::from_utf8(bytes).is_ok() {
            Self::Text
        } else {
            Self::Unknown
        }
    }

    /// Its media type, of which no browser makes a page.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Text => "text/plain; charset=utf-8",
            Self::Unknown => "application/octet-stream",
        }
    }

    /// The extension of its file.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Text => "txt",
            Self::Unknown => "bin",
        }
    }
}

/// The file name of a sample at the vendor. `look` recognises a sample by that name.
#[must_use]
pub fn sample_name(number: usize, extension: &str) -> String {
    format!("sample-{number}.{extension}")
}

fn sample_number(file_name: &str) -> Option<usize> {
    file_name
        .strip_prefix("sample-")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

impl ElevenLabs {
    /// The vendor's view of the voice; `None` if the vendor has none. A voice whose creation was
    /// never answered is found by its name.
    ///
    /// # Errors
    /// [`Refused`]: [`Refusal::InvalidInput`] if the vendor no longer has the voice.
    pub async fn look(&self, model: &VoiceModel) -> Result<Option<VoiceView>, Refused> {
        let voice = match &model.voice {
            Some(voice) => voice.clone(),
            None if model.attempts.is_empty() => return Ok(None),
            None => match self.find(model).await?.into_iter().next() {
                Some(voice) => voice,
                None => return Ok(None),
            },
        };
        let said = parsed(self.get(&format!("voices/{voice}")).await?).await?;
        let is_asked_to_train = (model.attempts.iter())
            .any(|attempt| attempt.asked == VoiceRequest::Train && !attempt.unsent);
        Ok(Some(self.view(voice, &said, is_asked_to_train)))
    }

    /// The vendor's voices with the name of `model`. There is more than one if a creation was
    /// repeated although the vendor had carried out the first.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn find(&self, model: &VoiceModel) -> Result<Vec<String>, Refused> {
        let name = model.name_at_provider();
        let mut found = Vec::new();
        let mut page = None;
        for _ in 0..MOST_PAGES {
            let url = search(&self.settings.base_url, &name, page.as_deref())?;
            let said = parsed(self.get_url(url).await?).await?;
            let voices = said["voices"].as_array().into_iter().flatten();
            let ids = voices
                .filter(|voice| voice["name"] == name.as_str())
                .filter_map(|voice| voice["voice_id"].as_str());
            found.extend(ids.filter(|id| is_id(id)).map(str::to_owned));
            page = match (said["has_more"].as_bool(), said["next_page_token"].as_str()) {
                (Some(true), Some(next)) => Some(next.to_owned()),
                _ => return Ok(found),
            };
        }
        let detail = format!("the search for `{name}` does not end after {MOST_PAGES} pages");
        Err(Refused::new(Refusal::Transient, detail))
    }

    /// Sends `request` once, under the token of the attempt that was recorded for it. `recordings`
    /// are the files to upload: all samples to create an instant voice, one sample for a `Sample`
    /// request, and the owner's reading for a verification.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn fulfil(
        &self,
        model: &VoiceModel,
        request: VoiceRequest,
        token: Uuid,
        recordings: Vec<Recording>,
    ) -> Result<Fulfilled, Refused> {
        let training = model.training.as_ref().ok_or_else(|| {
            Refused::new(
                Refusal::InvalidInput,
                "the model does not say which voice to clone",
            )
        })?;
        let asked = self.asked(model, training, request, recordings).await?;
        let response = send_paid(Attempted { token, trace: None }, asked).await?;
        let list = self.list_price(training.method, request);
        let credits =
            characters(response.headers()).map_or(list, |characters| self.credits(characters));
        if !response.status().is_success() {
            return self.refusal_of(response, request, credits).await;
        }
        let voice = match request {
            VoiceRequest::Create => Some(created(response).await?),
            VoiceRequest::Sample(_) | VoiceRequest::Verify | VoiceRequest::Train => None,
        };
        Ok(Fulfilled { voice, credits })
    }

    /// The HTTP request for `request`.
    async fn asked(
        &self,
        model: &VoiceModel,
        training: &VoiceTraining,
        request: VoiceRequest,
        recordings: Vec<Recording>,
    ) -> Result<RequestBuilder, Refused> {
        let voice = || match &model.voice {
            Some(voice) => Ok(voice.as_str()),
            None => Err(Refused::new(
                Refusal::InvalidInput,
                "the vendor has not created the voice",
            )),
        };
        let is_instant = training.method == CloningMethod::Instant;
        Ok(match request {
            VoiceRequest::Create if is_instant => {
                let form = Form::new().text("name", model.name_at_provider());
                self.post("voices/add")
                    .await?
                    .multipart(with_files(form, "files", recordings)?)
            }
            VoiceRequest::Create => {
                let language = training
                    .locale
                    .as_str()
                    .split('-')
                    .next()
                    .unwrap_or_default();
                self.post("voices/pvc")
                    .await?
                    .json(&json!({ "name": model.name_at_provider(), "language": language }))
            }
            VoiceRequest::Sample(_) => {
                let form = with_files(Form::new(), "files", recordings)?;
                self.post(&format!("voices/pvc/{}/samples", voice()?))
                    .await?
                    .multipart(form)
            }
            VoiceRequest::Verify => {
                let form = with_files(Form::new(), "recording", recordings)?;
                self.post(&format!("voices/pvc/{}/captcha", voice()?))
                    .await?
                    .multipart(form)
            }
            VoiceRequest::Train => {
                let body = json!({ "model_id": self.settings.voices.model });
                self.post(&format!("voices/pvc/{}/train", voice()?))
                    .await?
                    .json(&body)
            }
        })
    }

    /// The list price of a request, in credits.
    #[must_use]
    pub fn list_price(&self, method: CloningMethod, request: VoiceRequest) -> u64 {
        match (method, request) {
            (CloningMethod::Instant, VoiceRequest::Create) => self.settings.voices.instant_credits,
            (CloningMethod::Professional, VoiceRequest::Train) => {
                self.settings.voices.professional_credits
            }
            (CloningMethod::Instant, VoiceRequest::Train)
            | (CloningMethod::Professional, VoiceRequest::Create)
            | (
                CloningMethod::Instant | CloningMethod::Professional,
                VoiceRequest::Sample(_) | VoiceRequest::Verify,
            ) => 0,
        }
    }

    async fn refusal_of(
        &self,
        response: Response,
        request: VoiceRequest,
        credits: u64,
    ) -> Result<Fulfilled, Refused> {
        let answer = ErrorAnswer::read(response).await;
        let code = code(&answer);
        // It trains already: the vendor received an earlier request.
        if request == VoiceRequest::Train
            && matches!(code, "already_running" | "already_processing")
        {
            return Ok(Fulfilled {
                voice: None,
                credits,
            });
        }
        let refusal = refusal(&answer);
        if refusal == Refusal::Auth {
            self.key.forget().await;
        }
        Err(answer.refused(refusal))
    }

    /// The captcha that the owner of a professional voice must read aloud.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn captcha(&self, voice: &str) -> Result<Captcha, Refused> {
        let response = self.get(&format!("voices/pvc/{voice}/captcha")).await?;
        Ok(read_captcha(whole(response, Refusal::Transient).await?))
    }

    /// Deletes a voice and its samples. A missing voice counts as deleted.
    ///
    /// # Errors
    /// [`Refused`]; a repeated call is safe.
    pub async fn delete_voice(&self, voice: &str) -> Result<(), Refused> {
        check_id(voice)?;
        self.delete(&format!("voices/{voice}")).await
    }

    async fn post(&self, path: &str) -> Result<RequestBuilder, Refused> {
        let key = self.key.get().await?;
        let request = self.http.post(format!("{}/{path}", self.settings.base_url));
        Ok(request.header("xi-api-key", key.expose_secret()))
    }

    async fn get(&self, path: &str) -> Result<Response, Refused> {
        self.get_url(format!("{}/{path}", self.settings.base_url))
            .await
    }

    async fn get_url(&self, url: String) -> Result<Response, Refused> {
        let key = self.key.get().await?;
        let request = self.http.get(url);
        let response = send_free(request.header("xi-api-key", key.expose_secret())).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let answer = ErrorAnswer::read(response).await;
        let refusal = match refusal(&answer) {
            // A read may be repeated, and what blocks it knows nothing of the voice.
            Refusal::OutcomeUnknown | Refusal::Blocked => Refusal::Transient,
            other => other,
        };
        Err(answer.refused(refusal))
    }

    fn view(&self, voice: String, said: &Value, is_asked_to_train: bool) -> VoiceView {
        let samples = said["samples"].as_array().into_iter().flatten();
        let samples: BTreeSet<usize> = samples
            .filter_map(|sample| sample_number(sample["file_name"].as_str()?))
            .collect();
        let is = |name: &str| said["voice_verification"][name].as_bool().unwrap_or(false);
        VoiceView {
            voice,
            samples,
            wants_owner: is("requires_verification") && !is("is_verified"),
            training: training(
                &said["fine_tuning"],
                &self.settings.voices.model,
                is_asked_to_train,
            ),
        }
    }
}

/// How far the training of `model` is.
fn training(tuning: &Value, model: &str, is_asked_for: bool) -> Training {
    match tuning["state"][model].as_str().unwrap_or("not_started") {
        "not_started" => Training::NotStarted,
        "fine_tuned" => Training::Done,
        "failed" => Training::Failed(short(
            tuning["message"][model]
                .as_str()
                .unwrap_or("the training failed without a message"),
        )),
        // The vendor has more states than its SDK names. What it says before it was asked to train
        // is none of a training.
        _ if !is_asked_for => Training::NotStarted,
        other => Training::Underway(short(other)),
    }
}

/// The address of a page of the vendor's voices with `name` in their names. The list without a search,
/// of the API's first version, stops working in a workspace of more than 500 voices (the vendor's SDK
/// 2.78.0, `voices.get_all`).
fn search(base_url: &str, name: &str, page: Option<&str>) -> Result<String, Refused> {
    let root = base_url.strip_suffix("/v1").unwrap_or(base_url);
    let asked = [("search", name), ("page_size", "100")];
    let asked = asked
        .into_iter()
        .chain(page.map(|page| ("next_page_token", page)));
    Url::parse_with_params(&format!("{root}/v2/voices"), asked)
        .map(String::from)
        .map_err(|_| Refused::new(Refusal::Transient, "elevenlabs.baseUrl is no address"))
}

/// The JSON of an answer.
async fn parsed(response: Response) -> Result<Value, Refused> {
    let bytes = whole(response, Refusal::Transient).await?;
    serde_json::from_slice(&bytes)
        .map_err(|_| Refused::new(Refusal::Transient, "the answer cannot be parsed"))
}

/// The class of a refusal. A missing voice concerns this voice only, not the vendor.
fn refusal(answer: &ErrorAnswer) -> Refusal {
    match code(answer) {
        "voice_not_found" => Refusal::InvalidInput,
        _ => super::refusal(answer),
    }
}

fn with_files(form: Form, name: &'static str, recordings: Vec<Recording>) -> Result<Form, Refused> {
    recordings.into_iter().try_fold(form, |form, recording| {
        let body = Body::wrap_stream(ReaderStream::new(recording.reader));
        let part = Part::stream_with_length(body, recording.bytes).file_name(recording.file_name);
        let part = part.mime_str(recording.content_type);
        let part = part.map_err(|_| {
            Refused::new(
                Refusal::InvalidInput,
                "the media type of a recording is invalid",
            )
        })?;
        Ok(form.part(name, part))
    })
}

/// The id of the voice that the vendor created.
async fn created(response: Response) -> Result<String, Refused> {
    let bytes = whole(response, Refusal::OutcomeUnknown).await?;
    let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    match said["voice_id"].as_str() {
        Some(id) if is_id(id) => Ok(id.to_owned()),
        _ => Err(Refused::new(
            Refusal::OutcomeUnknown,
            "the answer has no voice id",
        )),
    }
}

/// A captcha is a picture, or a picture in base64 with or without quotation marks. Any other body
/// is passed on unchanged.
fn read_captcha(bytes: Vec<u8>) -> Captcha {
    let text = std::str::from_utf8(&bytes)
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    let text = text
        .split_once("base64,")
        .map_or(text, |(_, base64)| base64);
    let decoded = base64_simd::STANDARD.decode_to_vec(text).ok();
    let is_picture = |bytes: &Vec<u8>| {
        matches!(
            CaptchaFormat::of(bytes),
            CaptchaFormat::Png | CaptchaFormat::Jpeg
        )
    };
    let bytes = decoded.filter(is_picture).unwrap_or(bytes);
    Captcha {
        format: CaptchaFormat::of(&bytes),
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captcha_is_read_as_bytes_and_as_base64() {
        let png = b"\x89PNG\r\n\x1a\nand so on".to_vec();
        let base64 = base64_simd::STANDARD.encode_to_string(&png);
        for sent in [
            png.clone(),
            base64.clone().into_bytes(),
            format!("\"{base64}\"").into_bytes(),
            format!("data:image/png;base64,{base64}").into_bytes(),
        ] {
            let expected = Captcha {
                bytes: png.clone(),
                format: CaptchaFormat::Png,
            };
            assert_eq!(read_captcha(sent), expected);
        }
        let text = b"Please read: the quick brown fox".to_vec();
        assert_eq!(read_captcha(text.clone()).bytes, text);
    }

    #[test]
    fn a_captchas_type_is_what_its_bytes_are_and_never_a_page() {
        for (bytes, content_type, extension) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "image/jpeg", "jpg"),
            (
                &b"<!doctype html><script>alert(document.domain)</script>"[..],
                "text/plain; charset=utf-8",
                "txt",
            ),
            (
                &b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..],
                "text/plain; charset=utf-8",
                "txt",
            ),
            (&b"\0\x01\xff\xfe"[..], "application/octet-stream", "bin"),
        ] {
            let format = read_captcha(bytes.to_vec()).format;
            assert_eq!(
                (format.content_type(), format.extension()),
                (content_type, extension)
            );
        }
    }

    #[test]
    fn an_unknown_state_is_of_a_training_only_once_that_was_asked_for() {
        let of = |state: &str, is_asked_for| {
            training(&json!({ "state": { "m": state } }), "m", is_asked_for)
        };
        assert_eq!(of("draft", false), Training::NotStarted);
        assert_eq!(of("draft", true), Training::Underway("draft".to_owned()));
        for is_asked_for in [false, true] {
            assert_eq!(of("fine_tuned", is_asked_for), Training::Done);
            assert_eq!(of("not_started", is_asked_for), Training::NotStarted);
        }
    }

    #[test]
    fn voices_are_searched_by_name_and_by_page() {
        let address = |page| search("https://api.example/v1", "studio-1", page).unwrap();
        assert_eq!(
            address(None),
            "https://api.example/v2/voices?search=studio-1&page_size=100"
        );
        let next = address(Some("a/b=&c"));
        assert!(next.ends_with("&next_page_token=a%2Fb%3D%26c"), "{next}");
    }

    #[test]
    fn a_samples_number_is_read_from_its_name() {
        assert_eq!(sample_number(&sample_name(12, "mp3")), Some(12));
        assert_eq!(sample_number("interview.mp3"), None);
    }
}

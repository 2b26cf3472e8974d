//! The envelope of inbound events. It reads a Kafka record's headers and value as CloudEvents 1.0,
//! in either mode of the Kafka binding. The data is borrowed from the record and parsed later,
//! once.

use std::{borrow::Cow, str};

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{TraceParent, readable};

/// A header of a Kafka record. Kafka allows a value to be null, and a name to occur twice.
pub type Header<'a> = (Cow<'a, str>, Option<Cow<'a, [u8]>>);

/// An inbound CloudEvent. `data` is unparsed JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Unique within `source`; not empty.
    pub id: Cow<'a, str>,
    /// The producer; not empty.
    pub source: Cow<'a, str>,
    /// The event's type; not empty.
    pub event_type: Cow<'a, str>,
    /// The subject of the event.
    pub subject: Option<Cow<'a, str>>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// The event's trace context: from the record's `traceparent` header, or else from the
    /// `traceparent` extension, which names the span that the trace began in. An unreadable value
    /// counts as absent.
    pub trace: Option<TraceParent>,
    /// The JSON text of the data.
    pub data: Cow<'a, str>,
}

/// The longest accepted `id`, `source` or `type`, in bytes. The studio stores these and repeats
/// them in outbound events.
const LONGEST_ATTRIBUTE: usize = 1024;

/// Why a record is not a CloudEvent that the studio can read.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The record has no value.
    #[error("the record has no value (a tombstone)")]
    Tombstone,
    /// The value is not JSON.
    #[error("the value is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// The value is JSON but not an object, so it is not a structured CloudEvent.
    #[error("not a CloudEvent: the value is JSON, but not an object")]
    NotAnObject,
    /// An attribute is not a string.
    #[error("not a CloudEvent: {0}")]
    Attribute(#[source] serde_json::Error),
    /// The content type is a batch or a format other than JSON. The Kafka binding has no batches.
    #[error("the record's content-type is {0}, which CloudEvents on Kafka does not have")]
    Format(String),
    /// A required attribute is missing.
    #[error("not a CloudEvent: `{0}` is missing")]
    Missing(&'static str),
    /// A required attribute is empty.
    #[error("not a CloudEvent: `{0}` is empty")]
    Empty(&'static str),
    /// A required attribute is longer than the studio accepts.
    #[error("`{name}` has {length} bytes; at most {LONGEST_ATTRIBUTE} are read")]
    TooLong {
        /// The attribute's name.
        name: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// An attribute holds a character that CloudEvents forbids in all of them. (A lone surrogate,
    /// which it forbids too, is neither UTF-8 nor JSON.)
    #[error(
        "not a CloudEvent: `{name}` holds the character U+{:04X}, which no attribute may hold",
        u32::from(*.found)
    )]
    Character {
        /// The attribute's name.
        name: &'static str,
        /// The first such character.
        found: char,
    },
    /// The header of an attribute is not UTF-8.
    #[error("not a CloudEvent: the header `ce_{0}` is not UTF-8 text")]
    NotText(&'static str),
    /// The CloudEvents version is not 1.0.
    #[error("not a CloudEvent 1.0: `specversion` is `{0}`")]
    SpecVersion(String),
    /// `time` is not an RFC 3339 time.
    #[error("not a CloudEvent: `time` is `{0}`, which is not an RFC 3339 time")]
    Time(String),
    /// `datacontenttype` is not a JSON type. The studio reads only JSON.
    #[error("`datacontenttype` is `{0}`; the studio reads JSON")]
    ContentType(String),
    /// `data_base64` is not Base64, or its content is not UTF-8.
    #[error("`data_base64` is not Base64 of UTF-8 text")]
    Base64,
    /// The event has both `data` and `data_base64`.
    #[error("not a CloudEvent: it has both `data` and `data_base64`")]
    TwoData,
}

/// The JSON of structured mode. Every field is optional here, so that this module, not serde,
/// reports a missing one.
#[derive(Deserialize)]
struct Structured<'a> {
    #[serde(borrow, default)]
    specversion: Option<Written<'a>>,
    #[serde(borrow, default)]
    id: Option<Written<'a>>,
    #[serde(borrow, default)]
    source: Option<Written<'a>>,
    #[serde(borrow, default, rename = "type")]
    event_type: Option<Written<'a>>,
    #[serde(borrow, default)]
    subject: Option<Written<'a>>,
    #[serde(borrow, default)]
    time: Option<Written<'a>>,
    #[serde(borrow, default)]
    datacontenttype: Option<Written<'a>>,
    #[serde(borrow, default)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data_base64: Option<Written<'a>>,
}

/// Text that is borrowed if it has no escapes. serde would copy a `Cow` inside an `Option`; this
/// wrapper prevents that.
#[derive(Deserialize)]
struct Written<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Written<'a> {
    fn text(self) -> Cow<'a, str> {
        self.0
    }
}

impl<'a> Envelope<'a> {
    /// Reads a record. The mode follows the binding's rule: a `content-type` header that begins
    /// with `application/cloudevents` means structured mode. One extra rule serves producers that
    /// send no headers: without `content-type` and without `ce_id` the value is read in structured
    /// mode, because no other mode is possible.
    ///
    /// # Errors
    /// An [`EnvelopeError`] that names what is wrong and where.
    pub fn decode(
        headers: &'a [Header<'a>],
        value: Option<&'a [u8]>,
    ) -> Result<Self, EnvelopeError> {
        let content_type = header(headers, "content-type").and_then(|v| str::from_utf8(v).ok());
        let lower = content_type.map(str::to_ascii_lowercase);
        let decoded = match lower.as_deref() {
            Some(t) if t.starts_with("application/cloudevents-batch") => {
                Err(EnvelopeError::Format(t.to_owned()))
            }
            Some(t) if t.starts_with("application/cloudevents") => {
                if !is_json(t) {
                    return Err(EnvelopeError::Format(t.to_owned()));
                }
                structured(value)
            }
            None if !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("ce_id")) =>
            {
                structured(value)
            }
            Some(_) | None => binary(headers, content_type, value),
        };
        let hop = header(headers, "traceparent")
            .and_then(|bytes| str::from_utf8(bytes).ok()?.parse().ok());
        decoded.map(|envelope| Self {
            trace: hop.or(envelope.trace),
            ..envelope
        })
    }

    /// Parses `data` as `T`.
    ///
    /// # Errors
    /// A [`DataError`] with the path of the field and what is wrong with it.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        if !is_object(self.data.as_bytes()) {
            return Err(DataError::at("data", "it is not an object"));
        }
        let mut deserializer = serde_json::Deserializer::from_str(&self.data);
        let data = T::deserialize(&mut deserializer).or_else(|_| {
            // The error's path is found in a second pass, because tracking it costs time on every
            // record.
            deserializer = serde_json::Deserializer::from_str(&self.data);
            serde_path_to_error::deserialize(&mut deserializer)
                .map_err(|error| DataError::new("data", error))
        })?;
        // In binary mode the end of the text has not been checked yet.
        match deserializer.end() {
            Ok(()) => Ok(data),
            Err(_) => Err(DataError::at("data", "it is followed by other text")),
        }
    }
}

fn structured(value: Option<&[u8]>) -> Result<Envelope<'_>, EnvelopeError> {
    let value = value
        .filter(|v| !v.is_empty())
        .ok_or(EnvelopeError::Tombstone)?;
    let event: Structured<'_> =
        serde_json::from_str(text(value)?).map_err(|error| match error.classify() {
            serde_json::error::Category::Data if !is_object(value) => EnvelopeError::NotAnObject,
            serde_json::error::Category::Data => EnvelopeError::Attribute(error),
            _ => EnvelopeError::NotJson(error),
        })?;
    // serde also accepts an array for a struct, field by field.
    if !is_object(value) {
        return Err(EnvelopeError::NotAnObject);
    }
    let data = match (event.data, event.data_base64) {
        (Some(_), Some(_)) => return Err(EnvelopeError::TwoData),
        (Some(data), None) => Some(Cow::Borrowed(data.get())),
        (None, Some(base64)) => {
            let bytes = base64_simd::STANDARD
                .decode_to_vec(base64.0.as_bytes())
                .map_err(|_| EnvelopeError::Base64)?;
            Some(Cow::Owned(
                String::from_utf8(bytes).map_err(|_| EnvelopeError::Base64)?,
            ))
        }
        (None, None) => None,
    };
    assemble(Attributes {
        specversion: event.specversion.map(Written::text),
        id: event.id.map(Written::text),
        source: event.source.map(Written::text),
        event_type: event.event_type.map(Written::text),
        subject: event.subject.map(Written::text),
        time: event.time.map(Written::text),
        content_type: event.datacontenttype.map(Written::text),
        trace: event
            .traceparent
            .and_then(|text| serde_json::from_str(text.get()).ok()),
        data,
    })
}

fn binary<'a>(
    headers: &'a [Header<'a>],
    content_type: Option<&'a str>,
    value: Option<&'a [u8]>,
) -> Result<Envelope<'a>, EnvelopeError> {
    let value = value
        .filter(|v| !v.is_empty())
        .ok_or(EnvelopeError::Tombstone)?;
    let attribute = |name: &'static str| -> Result<Option<Cow<'a, str>>, EnvelopeError> {
        // Uses `get`, because a header's name is arbitrary text and byte 3 may be inside a
        // character.
        let found = headers.iter().find(|(n, _)| {
            n.get(..3)
                .is_some_and(|prefix| prefix.eq_ignore_ascii_case("ce_"))
                && n.get(3..) == Some(name)
        });
        match found {
            None | Some((_, None)) => Ok(None),
            Some((_, Some(bytes))) => str::from_utf8(bytes)
                .map(|t| Some(Cow::Borrowed(t)))
                .map_err(|_| EnvelopeError::NotText(name)),
        }
    };
    assemble(Attributes {
        specversion: attribute("specversion")?,
        id: attribute("id")?,
        source: attribute("source")?,
        event_type: attribute("type")?,
        subject: attribute("subject")?,
        time: attribute("time")?,
        content_type: content_type.map(Cow::Borrowed),
        trace: attribute("traceparent")
            .ok()
            .flatten()
            .and_then(|text| text.parse().ok()),
        data: Some(Cow::Borrowed(text(value)?)),
    })
}

/// The value as text; checks the UTF-8 of the whole value in one pass.
fn text(value: &[u8]) -> Result<&str, EnvelopeError> {
    str::from_utf8(value).map_err(|error| {
        EnvelopeError::NotJson(<serde_json::Error as serde::de::Error>::custom(error))
    })
}

struct Attributes<'a> {
    specversion: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    event_type: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    content_type: Option<Cow<'a, str>>,
    trace: Option<TraceParent>,
    data: Option<Cow<'a, str>>,
}

fn assemble(attributes: Attributes<'_>) -> Result<Envelope<'_>, EnvelopeError> {
    let version = required("specversion", attributes.specversion)?;
    if version != "1.0" {
        return Err(EnvelopeError::SpecVersion(version.into_owned()));
    }
    let id = required("id", attributes.id)?;
    let source = required("source", attributes.source)?;
    let event_type = required("type", attributes.event_type)?;
    for (name, value) in [
        ("subject", &attributes.subject),
        ("time", &attributes.time),
        ("datacontenttype", &attributes.content_type),
    ] {
        check(name, value.as_deref().unwrap_or_default())?;
    }
    if let Some(content_type) = attributes.content_type.filter(|t| !is_json(t)) {
        return Err(EnvelopeError::ContentType(content_type.into_owned()));
    }
    let time = match attributes.time {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| EnvelopeError::Time(text.into_owned()))?,
        ),
    };
    let data = attributes.data.ok_or(EnvelopeError::Missing("data"))?;
    Ok(Envelope {
        id,
        source,
        event_type,
        subject: attributes.subject,
        time,
        trace: attributes.trace,
        data,
    })
}

fn required<'a>(
    name: &'static str,
    value: Option<Cow<'a, str>>,
) -> Result<Cow<'a, str>, EnvelopeError> {
    let value = value.ok_or(EnvelopeError::Missing(name))?;
    match value.len() {
        0 => Err(EnvelopeError::Empty(name)),
        length if length > LONGEST_ATTRIBUTE => Err(EnvelopeError::TooLong { name, length }),
        _ => check(name, &value).map(|()| value),
    }
}

/// Checks the characters of an attribute against CloudEvents' type String.
fn check(name: &'static str, text: &str) -> Result<(), EnvelopeError> {
    let is_noncharacter =
        |c: char| u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    match text.chars().find(|c| c.is_control() || is_noncharacter(*c)) {
        Some(found) => Err(EnvelopeError::Character { name, found }),
        None => Ok(()),
    }
}

/// A header's value; of several with one name the first counts, as in the CloudEvents SDKs.
fn header<'a>(headers: &'a [Header<'a>], name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.as_deref())
}

/// Whether a media type is JSON: one that ends in `/json` or `+json`, with or without parameters.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence
        .len()
        .checked_sub("/json".len())
        .and_then(|at| essence.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case("/json") || end.eq_ignore_ascii_case("+json"))
}

/// Whether JSON text begins like an object.
fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().starts_with(b"{")
}

/// A field of `data`, or of another input of the contract, that is missing or invalid.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DataError(String);

impl DataError {
    /// Describes an error in `whole`, such as `data`.
    pub(crate) fn new(whole: &str, error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = match error.path().to_string() {
            path if path == "." => whole.to_owned(),
            path => format!("{whole}.{path}"),
        };
        let problem = error.into_inner().to_string();
        // serde_json appends the line and column within `data`. They are cut off, because the
        // reader sees the whole record.
        Self::at(
            &path,
            problem
                .rfind(" at line ")
                .map_or(&*problem, |end| &problem[..end]),
        )
    }

    /// `path` and `problem` may quote untrusted input.
    fn at(path: &str, problem: &str) -> Self {
        Self(readable(&format!("{path}: {problem}")))
    }
}

//! A record by itself: whatever its key, headers and value are, it says one thing or is set aside whole.

use std::borrow::Cow;

use events::{Envelope, Header, Topic};
use jobs::ContentHash;
use serde_json::{json, value::RawValue};

use crate::batch::{batch_of, examine_batch};

/// The longest cause of a record that is set aside, in characters, with the ellipsis of one that was cut.
const LONGEST_CAUSE: usize = 1001;

/// A record as Kafka has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

impl Record {
    /// Reads what a person can write and a fuzzer can change: the key on the first line, then a line for each header, then an empty line,
    /// then the value. A header is a name, a colon and a space, and bytes; without them it has no value. What ends before the empty line has
    /// no value, and an empty first line is no key.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let mut lines = text.splitn(2, |&byte| byte == b'\n');
        let key = lines.next().filter(|key| !key.is_empty()).map(<[u8]>::to_vec);
        let mut rest = lines.next();
        let mut headers = Vec::new();
        while let Some(text) = rest {
            let mut lines = text.splitn(2, |&byte| byte == b'\n');
            let line = lines.next().unwrap_or_default();
            rest = lines.next();
            if line.is_empty() {
                break;
            }
            let colon = line.windows(2).position(|pair| pair == b": ");
            let (name, value) = match colon {
                Some(colon) => (&line[..colon], Some(line[colon + 2..].to_vec())),
                None => (line, None),
            };
            headers.push((String::from_utf8_lossy(name).into_owned(), value));
        }
        Self { key, headers, value: rest.map(<[u8]>::to_vec) }
    }
}

/// Holds a record of `eventzr.event.created.v1` to what is promised of it.
///
/// # Panics
/// If a promise is broken.
pub fn check_record(record: &Record) {
    let headers: Vec<Header<'_>> = record
        .headers
        .iter()
        .map(|(name, value)| (Cow::Borrowed(name.as_str()), value.as_deref().map(Cow::Borrowed)))
        .collect();
    if let Ok(envelope) = Envelope::decode(&headers, record.value.as_deref()) {
        check_envelope(&envelope);
    }

    let payload = batch_of(Topic::EventCreated, std::slice::from_ref(record));
    let examined =
        examine_batch(Topic::EventCreated, &payload).expect("what neighbours write makes no batch unreadable");
    assert_eq!(examined.len(), 1, "one record has one fate");
    match &examined[0].examination {
        Ok(read) => {
            let (cause, description) = &**read;
            let tenant = description.tenant.as_str();
            assert_eq!(record.key.as_deref(), Some(tenant.as_bytes()), "the key is the tenant");
            let envelope = Envelope::decode(&headers, record.value.as_deref()).expect("it was read");
            assert!(envelope.subject.is_none_or(|subject| subject == tenant), "the subject is the tenant");
            assert_eq!((&*envelope.id, &*envelope.source), (cause.id.as_str(), cause.source.as_str()));
        }
        Err(aside) => {
            let length = aside.cause.chars().count();
            assert!((1..=LONGEST_CAUSE).contains(&length), "a cause of {length} characters");
            // Nothing of what somebody sent is lost.
            assert_eq!((&aside.key, &aside.value, &aside.headers), (&record.key, &record.value, &record.headers));
        }
    }
}

/// An envelope that was read has what it needs, and is the same in either mode.
fn check_envelope(envelope: &Envelope<'_>) {
    for attribute in [&envelope.id, &envelope.source, &envelope.event_type] {
        assert!((1..=1024).contains(&attribute.len()), "{} bytes", attribute.len());
    }
    let Ok(data) = serde_json::from_str::<&RawValue>(&envelope.data) else { return };
    let time = envelope.time.map(|time| time.to_string());

    let mut structured = json!({
        "specversion": "1.0", "id": envelope.id, "source": envelope.source, "type": envelope.event_type,
    });
    if let Some(subject) = &envelope.subject {
        structured["subject"] = json!(subject);
    }
    if let Some(time) = &time {
        structured["time"] = json!(time);
    }
    // As text, for serde_json's values lose large numbers.
    let text = structured.to_string();
    let text = format!(r#"{},"data":{data}}}"#, &text[..text.len() - 1]);
    let again = Envelope::decode(&[], Some(text.as_bytes())).expect("what was read can be written and read again");
    is_the_same(envelope, &again);

    let bytes = |text: &str| Some(Cow::Owned(text.as_bytes().to_vec()));
    let mut headers: Vec<Header<'_>> = vec![
        ("ce_specversion".into(), bytes("1.0")),
        ("ce_id".into(), bytes(&envelope.id)),
        ("ce_source".into(), bytes(&envelope.source)),
        ("ce_type".into(), bytes(&envelope.event_type)),
    ];
    headers.extend(envelope.subject.iter().map(|subject| ("ce_subject".into(), bytes(subject))));
    headers.extend(time.iter().map(|time| ("ce_time".into(), bytes(time))));
    let again = Envelope::decode(&headers, Some(data.get().as_bytes())).expect("it can be read in the other mode");
    is_the_same(envelope, &again);
}

fn is_the_same(envelope: &Envelope<'_>, again: &Envelope<'_>) {
    let attributes = |e: &Envelope<'_>| {
        (
            e.id.to_string(),
            e.source.to_string(),
            e.event_type.to_string(),
            e.subject.as_deref().map(str::to_owned),
            e.time,
        )
    };
    assert_eq!(attributes(envelope), attributes(again));
    assert_eq!(ContentHash::of(envelope), ContentHash::of(again), "the same event is the same content");
}

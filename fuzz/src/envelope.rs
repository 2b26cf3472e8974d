//! A record's headers and value → an envelope.

use std::borrow::Cow;

use contract::{Envelope, Header, Topic};
use domain::ContentHash;
use serde_json::{Value, json, value::RawValue};

use crate::{Reached, Record, batch_of, examine_as, sentence};

/// Decodes a record. The input is written as in HTTP: a line `name: value` for each header (a line
/// without a colon is a header with a null value), an empty line, and the value. Without an empty
/// line, the whole input is the value.
///
/// A decoded envelope is within its limits. It stays the same event with the same content hash if
/// it is sent in the other mode, or with white space between the tokens of its data.
pub fn envelope(input: &[u8]) -> Reached {
    let (headers, value) = record(input);
    // A record without a value is a tombstone.
    assert!(Envelope::decode(&headers, None).is_err());
    is_dead_lettered_whole(&headers, value);
    let envelope = match Envelope::decode(&headers, Some(value)) {
        Ok(envelope) => envelope,
        Err(error) => {
            sentence::check(&error.to_string());
            return Reached::Refused;
        }
    };
    for attribute in [&envelope.id, &envelope.source, &envelope.event_type] {
        assert!(
            (1..=1024).contains(&attribute.len()),
            "an attribute of {} bytes",
            attribute.len()
        );
        assert!(!attribute.contains(char::is_control), "{attribute:?}");
    }
    if serde_json::from_str::<&RawValue>(&envelope.data).is_err() {
        // In binary mode the data is not parsed yet; parsing it gives the error.
        assert!(envelope.data::<Value>().is_err());
        return Reached::Refused;
    }
    let hash = ContentHash::of(&envelope);
    for data in [envelope.data.to_string(), spaced(&envelope.data)] {
        let structured = structured(&envelope, &data);
        let again = Envelope::decode(&[], Some(structured.as_bytes()))
            .unwrap_or_else(|e| panic!("{e}: {structured}"));
        assert_same(&envelope, &again);
        assert_eq!(hash, ContentHash::of(&again), "structured: {structured}");

        let headers = binary(&envelope);
        let again = Envelope::decode(&headers, Some(data.as_bytes()))
            .unwrap_or_else(|e| panic!("{e}: {headers:?}"));
        assert_same(&envelope, &again);
        assert_eq!(hash, ContentHash::of(&again), "binary: {data}");
    }
    Reached::Accepted
}

/// Checks that a record has one outcome in a batch, and that its dead letter is whole.
fn is_dead_lettered_whole(headers: &[Header<'_>], value: &[u8]) {
    let batch = batch_of(
        Topic::EventCreated,
        [Record {
            key: Some(b"nobody"),
            headers,
            value: Some(value),
        }],
    );
    let examined = examine_as(Topic::EventCreated, &batch)
        .expect("what a neighbour writes makes no batch unreadable");
    assert_eq!(examined.len(), 1);
    let Err(letter) = &examined[0].examination else {
        return;
    };
    sentence::check(&letter.cause);
    assert_eq!(
        (letter.key.as_deref(), letter.value.as_deref()),
        (Some(&b"nobody"[..]), Some(value))
    );
    let kept = letter
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()));
    assert!(
        kept.eq(headers
            .iter()
            .map(|(name, value)| (&**name, value.as_deref()))),
        "{:?}",
        letter.headers
    );
}

/// The headers and the value that an input stands for.
fn record(input: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let end = if input.starts_with(b"\n") {
        Some(0)
    } else {
        find(input, b"\n\n").map(|end| end + 1)
    };
    let Some(end) = end else {
        return (Vec::new(), input);
    };
    let lines = input[..end]
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    let headers = lines.map(|line| match find(line, b": ") {
        Some(colon) => (
            String::from_utf8_lossy(&line[..colon]),
            Some(Cow::Borrowed(&line[colon + 2..])),
        ),
        None => (String::from_utf8_lossy(line), None),
    });
    (headers.collect(), &input[end + 1..])
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn assert_same(one: &Envelope<'_>, other: &Envelope<'_>) {
    assert_eq!(
        (
            &one.id,
            &one.source,
            &one.event_type,
            &one.subject,
            &one.time
        ),
        (
            &other.id,
            &other.source,
            &other.event_type,
            &other.subject,
            &other.time
        )
    );
}

fn structured(envelope: &Envelope<'_>, data: &str) -> String {
    let mut attributes = json!({
        "specversion": "1.0", "id": envelope.id, "source": envelope.source, "type": envelope.event_type,
    });
    if let Some(subject) = &envelope.subject {
        attributes["subject"] = json!(subject);
    }
    if let Some(time) = envelope.time {
        attributes["time"] = json!(time.to_string());
    }
    // Data may be nested deeper than a `Value` allows.
    let attributes = attributes.to_string();
    format!("{},\"data\":{data}}}", &attributes[..attributes.len() - 1])
}

fn binary(envelope: &Envelope<'_>) -> Vec<Header<'static>> {
    let header = |name: &'static str, value: &str| {
        (
            Cow::Borrowed(name),
            Some(Cow::Owned(value.to_owned().into_bytes())),
        )
    };
    let mut headers = vec![
        header("content-type", "application/json"),
        header("ce_specversion", "1.0"),
        header("ce_id", &envelope.id),
        header("ce_source", &envelope.source),
        header("ce_type", &envelope.event_type),
    ];
    headers.extend(
        envelope
            .subject
            .as_deref()
            .map(|subject| header("ce_subject", subject)),
    );
    headers.extend(
        envelope
            .time
            .map(|time| header("ce_time", &time.to_string())),
    );
    headers
}

/// `json` with white space around the punctuation between its tokens.
fn spaced(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .fold(String::with_capacity(json.len() * 3), |mut out, c| {
            let is_mark = !in_string && matches!(c, '{' | '}' | '[' | ']' | ',' | ':');
            match c {
                _ if escaped => escaped = false,
                '\\' if in_string => escaped = true,
                '"' => in_string = !in_string,
                _ => {}
            }
            out.extend(is_mark.then_some(" \t"));
            out.push(c);
            out.extend(is_mark.then_some("\r\n"));
            out
        })
}

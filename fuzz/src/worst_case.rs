//! The worst batches that another service can make a mapping send: each as large as Lambda allows,
//! and each bad in a different way.

use std::{borrow::Cow, iter::repeat_n};

use contract::{Header, Topic};
use serde_json::json;

use crate::record::{Record, batch_of};

/// The largest payload of an invocation, in bytes (AWS Lambda guide, gettingstarted-limits).
pub const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// The least payload of a worst case, in bytes: about two thirds of the largest.
const LEAST_PAYLOAD: usize = 4_000_000;

/// A bad batch.
pub struct WorstCase {
    /// The name, which says what is bad about it.
    pub name: &'static str,
    /// The topic whose function gets it.
    pub topic: Topic,
    make: fn() -> String,
}

impl WorstCase {
    /// Every case.
    pub const ALL: [Self; 14] = [
        Self {
            name: "one giant value",
            topic: Topic::EventCreated,
            make: || values(1, &"x".repeat(4_600_000)),
        },
        Self {
            name: "one giant key",
            topic: Topic::EventCreated,
            make: giant_key,
        },
        Self {
            name: "750,000 headers without a name",
            topic: Topic::EventCreated,
            make: || headers(r#"{"":[]}"#),
        },
        Self {
            name: "2,000,000 headers that are empty",
            topic: Topic::EventCreated,
            make: || headers("{}"),
        },
        Self {
            name: "one header of 3,000,000 bytes",
            topic: Topic::EventCreated,
            make: long_header,
        },
        Self {
            name: "one header in 3,000,000 objects within",
            topic: Topic::EventCreated,
            make: nested_header,
        },
        Self {
            name: "a header's name of 6 MB",
            topic: Topic::EventCreated,
            make: long_name,
        },
        Self {
            name: "ce_id 350,000 times",
            topic: Topic::EventCreated,
            make: || headers(r#"{"ce_id":[49]}"#),
        },
        Self {
            name: "data nested 20,000 deep, 100 times",
            topic: Topic::EventCreated,
            make: || values(100, &event(&nested(20_000))),
        },
        Self {
            name: "data nested 120 deep, 10,000 times",
            topic: Topic::EventCreated,
            make: || values(10_000, &event(&nested(120))),
        },
        Self {
            name: "one field of data 18,000 times, 17 times",
            topic: Topic::EventCreated,
            make: || values(17, &event(&repeated(r#""a":"\u0000""#, 18_000))),
        },
        Self {
            name: "titles of 250 KB",
            topic: Topic::EventCreated,
            make: || {
                values(
                    17,
                    &event(&format!(r#"{{"title":"{}"}}"#, "\\u202e".repeat(40_000))),
                )
            },
        },
        Self {
            name: "25,000 assets, 17 times",
            topic: Topic::EventCreated,
            make: || values(17, &with_list("assets", r#""poster""#, 25_000)),
        },
        Self {
            name: "5,500 translations, 17 times",
            topic: Topic::CmsPublished,
            make: || values(17, &translated(5_500)),
        },
    ];

    /// The batch.
    ///
    /// # Panics
    /// If it is larger than Lambda allows, or so small that it is no worst case.
    #[must_use]
    pub fn payload(&self) -> String {
        let payload = (self.make)();
        assert!(
            (LEAST_PAYLOAD..=LARGEST_PAYLOAD).contains(&payload.len()),
            "{}: {} bytes",
            self.name,
            payload.len()
        );
        payload
    }
}

/// `count` records with `value`.
fn values(count: usize, value: &str) -> String {
    let record = Record {
        key: Some(b"tenant"),
        headers: &[],
        value: Some(value.as_bytes()),
    };
    batch_of(Topic::EventCreated, repeat_n(record, count))
}

fn giant_key() -> String {
    let key = vec![0xff; 4_600_000];
    batch_of(
        Topic::EventCreated,
        [Record {
            key: Some(&key),
            headers: &[],
            value: Some(event("{}").as_bytes()),
        }],
    )
}

fn long_name() -> String {
    let headers: [Header<'_>; 1] = [(Cow::Owned("n".repeat(6_000_000)), Some(Cow::Borrowed(b"1")))];
    batch_of(
        Topic::EventCreated,
        [Record {
            key: Some(b"tenant"),
            headers: &headers,
            value: None,
        }],
    )
}

/// One record with as many headers as fit, each written as `header`.
fn headers(header: &str) -> String {
    list_in_a_record("", header, "")
}

fn long_header() -> String {
    list_in_a_record(r#"{"x":["#, "0", "]}")
}

fn nested_header() -> String {
    list_in_a_record(r#"{"x":"#, "[", "}")
}

fn list_in_a_record(begin: &str, one: &str, end: &str) -> String {
    let record = format!(
        r#"{{"records":{{"{}-0":[{{"offset":0,"headers":[{begin}"#,
        Topic::EventCreated
    );
    let count = (LARGEST_PAYLOAD - record.len() - end.len() - 10) / (one.len() + 1);
    let list = if one == "[" {
        format!("{}{}", "[".repeat(count), "]".repeat(count))
    } else {
        let mut list = format!("{one},").repeat(count);
        list.pop();
        list
    };
    format!("{record}{list}{end}]}}]}}}}")
}

fn event(data: &str) -> String {
    let topic = Topic::EventCreated;
    format!(
        r#"{{"specversion":"1.0","id":"1","source":"/worst","type":"{topic}","time":"2026-11-27T10:00:00Z","data":{data}}}"#
    )
}

fn nested(depth: usize) -> String {
    format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
}

fn repeated(field: &str, times: usize) -> String {
    let mut fields = format!("{field},").repeat(times);
    fields.pop();
    format!("{{{fields}}}")
}

/// A good event, except for one list in it.
fn with_list(name: &str, one: &str, times: usize) -> String {
    let mut list = format!("{one},").repeat(times);
    list.pop();
    event(&format!(
        r#"{{"tenantId":"tenant","eventId":"1","title":"Jazz","startsAt":"2026-12-01T18:00:00Z","{name}":[{list}]}}"#
    ))
}

fn translated(times: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).expect("it is below 26"));
    let translations: Vec<_> = (0..times)
        .map(|n| json!({ "locale": format!("aa-x{}{}{}", letter(n), letter(n / 26), letter(n / 676)), "title": "x" }))
        .collect();
    let data = json!({ "tenantId": "tenant", "contentId": "1", "title": "Jazz", "translations": translations });
    event(&data.to_string()).replace(Topic::EventCreated.as_str(), Topic::CmsPublished.as_str())
}

//! The tenant of a record: its key, its `subject` and its data must name the same one, or it
//! becomes a dead letter. Names of objects and executions never contain a tenant's text.

use std::borrow::Cow;

use contract::{Header, Identifier, Topic};
use domain::{AssetPaths, Job, Work};
use intake::Examined;
use serde_json::json;

use crate::record::{Record, batch_of, examine_as};

/// The time of every event here.
pub(crate) const NOW: &str = "2026-11-27T10:00:00.000Z";

/// Sends `data` of `tenant` under its own name and under another tenant's, in every place that
/// names a tenant, in both of CloudEvents' modes.
pub(crate) fn is_nobody_elses(topic: Topic, data: &str, tenant: &Identifier) {
    let tenant = tenant.as_str();
    let other = format!("{tenant}x");
    for (key, subject, forged) in [
        (tenant, None, None),
        (tenant, Some(tenant), None),
        (&other, Some(tenant), Some("the record's key")),
        (tenant, Some(&*other), Some("`subject`")),
        (&other, Some(&*other), Some("the record's key")),
    ] {
        for (headers, value) in [
            structured(topic, data, subject),
            binary(topic, data, subject),
        ] {
            // A record that is too large is refused, whichever tenant sends it.
            if value.len() > 256 * 1024 {
                continue;
            }
            let record = Record {
                key: Some(key.as_bytes()),
                headers: &headers,
                value: Some(value.as_bytes()),
            };
            let examined = examine_as(topic, &batch_of(topic, [record])).expect("it is a batch");
            named(&examined[0], tenant, forged);
        }
    }
}

/// Checks that a record is accepted as `tenant`'s, or refused because of the `forged` place.
fn named(examined: &Examined, tenant: &str, forged: Option<&str>) {
    match (&examined.examination, forged) {
        (Ok(read), None) => assert_eq!(read.description.tenant.as_str(), tenant),
        (Err(letter), Some(place)) => {
            let begin = format!(
                "tenant mismatch: data.tenantId is `{}",
                contract::readable(tenant)
            );
            let begin: String = begin.chars().take(200).collect();
            assert!(
                letter.cause.starts_with(&begin) && letter.cause.contains(place),
                "{}",
                letter.cause
            );
        }
        (wrong, _) => panic!("{forged:?} is forged: {wrong:?}"),
    }
}

fn structured(topic: Topic, data: &str, subject: Option<&str>) -> (Vec<Header<'static>>, String) {
    let subject = subject.map_or(String::new(), |subject| {
        format!(r#""subject":{},"#, json!(subject))
    });
    let value = format!(
        r#"{{"specversion":"1.0","id":"1","source":"/fuzz","type":"{topic}","time":"{NOW}",{subject}"data":{data}}}"#
    );
    (Vec::new(), value)
}

fn binary(topic: Topic, data: &str, subject: Option<&str>) -> (Vec<Header<'static>>, String) {
    let header = |name: &'static str, value: &str| {
        let value = value.as_bytes().to_vec();
        (Cow::Borrowed(name), Some(Cow::Owned(value)))
    };
    let mut headers = vec![
        header("content-type", "application/json"),
        header("ce_specversion", "1.0"),
        header("ce_id", "1"),
        header("ce_source", "/fuzz"),
        header("ce_type", topic.as_str()),
        header("ce_time", NOW),
    ];
    headers.extend(subject.map(|subject| header("ce_subject", subject)));
    (headers, data.to_owned())
}

/// Checks that the names derived from a job consist of the studio's own characters.
pub(crate) fn names_are_ours(job: &Job) {
    let paths = AssetPaths::new(&[7; 32]).expect("it is long enough");
    let execution = job.execution_name();
    assert!(execution.contains(&job.id.to_string()), "{execution}");
    for (place, name) in [
        ("an object's key", paths.object_key(job)),
        ("an execution's name", execution),
    ] {
        let is_ours =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '/' | '.');
        assert!(
            name.len() <= 110 && name.chars().all(is_ours),
            "{place} is {name}"
        );
    }
}

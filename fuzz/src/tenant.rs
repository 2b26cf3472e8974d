//! The tenant of a record: its key, its `subject` and its data must name the same one, or it
//! becomes a dead letter. Names of objects and executions never contain a tenant's text.

use contract::{Identifier, Topic};
use domain::Job;
use serde_json::{json, value::RawValue};

use crate::record::{Record, batch_of, examine_as};

/// The time of every event here.
pub(crate) const NOW: &str = "2026-11-27T10:00:00.000Z";

/// Sends `data` of `tenant` under its own name and under another tenant's, in every place that
/// names a tenant.
pub(crate) fn is_nobody_elses(topic: Topic, data: &str, tenant: &Identifier) {
    let Ok(data) = serde_json::from_str::<&RawValue>(data) else {
        return;
    };
    let (tenant, other) = (tenant.as_str(), format!("{tenant}x"));
    for (key, subject, forged) in [
        (Some(tenant), None, None),
        (Some(tenant), Some(tenant), None),
        (Some(&*other), Some(tenant), Some("the record's key")),
        (Some(tenant), Some(&*other), Some("`subject`")),
        (Some(&*other), Some(&*other), Some("the record's key")),
    ] {
        let subject = subject.map_or(String::new(), |subject| {
            format!(r#""subject":{},"#, json!(subject))
        });
        let value = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/fuzz","type":"{topic}","time":"{NOW}",{subject}"data":{data}}}"#
        );
        if value.len() > 256 * 1024 {
            return;
        }
        let record = Record {
            key: key.map(str::as_bytes),
            headers: &[],
            value: Some(value.as_bytes()),
        };
        let examined = examine_as(topic, &batch_of(topic, [record])).expect("it is a batch");
        match (&examined[0].examination, forged) {
            (Ok(read), None) => assert_eq!(read.1.tenant.as_str(), tenant),
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
            (wrong, _) => panic!("under the key {key:?}: {wrong:?}"),
        }
    }
}

/// Checks that the names derived from a job consist of the studio's own characters.
pub(crate) fn names_are_ours(job: &Job) {
    for (place, name) in [
        ("an object's key", job.object_key()),
        ("an execution's name", job.execution_name()),
    ] {
        let is_ours =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '/' | '.');
        assert!(
            name.len() <= 80 && name.chars().all(is_ours),
            "{place} is {name}"
        );
        assert!(name.contains(&job.id.to_string()), "{place} is {name}");
    }
}

//! Records that can never succeed: those of `events/lambda`, and any number more from rules. Each
//! rule takes a good event and breaks one thing.

use std::{fs, io, path::Path};

use contract::Topic;
use serde_json::{Value, json};

use crate::{
    chance::Chance,
    publication::{Publication, binary, structured},
};

/// A rule: its name, and how it breaks a good event.
type Rule = (&'static str, fn(&mut Value, &mut Chance) -> Record);

/// The broken record. Its key is the tenant, unless the rule sets another.
enum Record {
    /// The changed event, in either mode.
    Event,
    /// The changed event in structured mode, because binary mode cannot express it.
    Structured,
    /// These headers and this value.
    Raw(Vec<(String, Option<Vec<u8>>)>, Option<Vec<u8>>),
    /// The event under this key.
    Under(Option<Vec<u8>>),
}

const RULES: [Rule; 25] = [
    ("a tombstone", |_, _| Record::Raw(Vec::new(), None)),
    ("an empty value", |event, _| {
        Record::Raw(structured(event).0, Some(Vec::new()))
    }),
    ("no key", |_, _| Record::Under(None)),
    ("another tenant's key", |_, chance| {
        Record::Under(Some(format!("tenant-{}", chance.bits()).into_bytes()))
    }),
    ("another tenant as subject", |event, chance| {
        event["subject"] = json!(format!("tenant-{}", chance.bits()));
        Record::Event
    }),
    ("JSON that breaks off", |event, chance| {
        let (headers, mut value) = structured(event);
        value.truncate(chance.between(1, value.len()));
        Record::Raw(headers, Some(value))
    }),
    ("bytes that are no text", |event, chance| {
        let bytes = (0..chance.between(1, 200)).map(|_| chance.bits().to_le_bytes()[0]);
        Record::Raw(
            structured(event).0,
            Some(std::iter::once(0xff).chain(bytes).collect()),
        )
    }),
    ("JSON that is no object", |event, chance| {
        let value = chance.one_of(&["null", "7", "\"event\"", "[]", "[{}]", "true"]);
        Record::Raw(structured(event).0, Some(value.as_bytes().to_vec()))
    }),
    ("an attribute missing", |event, chance| {
        let name = *chance.one_of(&["specversion", "id", "source", "type", "time"]);
        event
            .as_object_mut()
            .expect("an event is an object")
            .remove(name);
        Record::Event
    }),
    ("an empty attribute", |event, chance| {
        event[*chance.one_of(&["id", "source", "type"])] = json!("");
        Record::Event
    }),
    ("an attribute that is no text", |event, chance| {
        let name = *chance.one_of(&["id", "source", "type", "time", "subject"]);
        event[name] = chance
            .one_of(&[json!(5), json!(true), json!({}), json!([]), json!(1.5)])
            .clone();
        Record::Structured
    }),
    ("another specversion", |event, _| {
        event["specversion"] = json!("0.3");
        Record::Event
    }),
    ("another type", |event, _| {
        event["type"] = json!("eventzr.event.deleted.v1");
        Record::Event
    }),
    ("a time that is none", |event, chance| {
        event["time"] = json!(chance.one_of(&[
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-11-27",
            "",
            "1790000000"
        ]));
        Record::Event
    }),
    ("too old", |event, chance| {
        event["time"] = json!(format!("20{}-03-01T00:00:00Z", chance.between(10, 26)));
        Record::Event
    }),
    ("data that is no object", |event, chance| {
        event["data"] = chance
            .one_of(&[json!("data"), json!(5), json!([1]), json!(false)])
            .clone();
        Record::Structured
    }),
    ("two kinds of data", |event, _| {
        event["data_base64"] = json!("e30=");
        Record::Structured
    }),
    ("a field missing", |event, chance| {
        let name = *chance.one_of(&["tenantId", "contentId", "title"]);
        event["data"]
            .as_object_mut()
            .expect("data is an object")
            .remove(name);
        Record::Event
    }),
    ("a field of another type", |event, chance| {
        let name = *chance.one_of(&[
            "contentId",
            "title",
            "summary",
            "version",
            "assets",
            "locale",
        ]);
        event["data"][name] = chance
            .one_of(&[json!(-1.5), json!(true), json!({ "x": [] }), json!([[]])])
            .clone();
        Record::Event
    }),
    ("a blank title", |event, chance| {
        event["data"]["title"] =
            json!(chance.one_of(&["", " ", "\t\n", "\u{2003}\u{3000}", "a\u{0}b"]));
        Record::Event
    }),
    ("a title that is too long", |event, chance| {
        event["data"]["title"] = json!("ঙ".repeat(chance.between(301, 2000)));
        Record::Event
    }),
    ("an asset that is not made of it", |event, chance| {
        event["data"]["assets"] = json!([
            "thumbnail",
            chance.one_of(&["poster", "banner-mobile", "hologram", ""])
        ]);
        Record::Event
    }),
    ("too many languages", |event, chance| {
        // The original and 31 translations are as many as one event may have.
        let locales = ('A'..='Z').flat_map(|one| ['A', 'B'].map(|two| format!("en-{one}{two}")));
        let translations: Vec<Value> = locales
            .take(chance.between(32, 50))
            .map(|locale| json!({ "locale": locale, "title": "T" }))
            .collect();
        event["data"]["translations"] = json!(translations);
        Record::Event
    }),
    ("over 256 KiB", |event, chance| {
        event["data"]["padding"] = json!("x".repeat(262_144 + chance.below(100_000)));
        Record::Structured
    }),
    ("nested too deep", |event, chance| {
        let depth = chance.between(200, 20_000);
        let (headers, value) = structured(event);
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let value = String::from_utf8(value).expect("JSON is UTF-8").replacen(
            "\"data\":{",
            &format!("\"data\":{{\"assets\":{deep},"),
            1,
        );
        Record::Raw(headers, Some(value.into_bytes()))
    }),
];

/// Inserts a record that can never succeed into a tenant's line. `number` selects the rule, so that
/// each rule gets its turn.
pub fn mix_in(
    line: &mut Vec<Publication>,
    number: usize,
    tenant: &str,
    now: &str,
    chance: &mut Chance,
) {
    let at = chance.below(line.len() + 1);
    // One more rule needs a good event before it: it reuses that event's id with other content.
    let reused = number % (RULES.len() + 1) == RULES.len();
    if let Some(publication) = reused.then(|| id_reused(line, chance)).flatten() {
        let (after, publication) = publication;
        line.insert(chance.between(after + 1, line.len() + 1), publication);
        return;
    }
    let id = format!("evt-poison-{number}-{}", chance.bits());
    line.insert(
        at,
        broken(RULES[number % RULES.len()], &good(tenant, &id, now), chance),
    );
}

fn good(tenant: &str, id: &str, now: &str) -> Value {
    json!({
        "specversion": "1.0", "type": Topic::CmsPublished.as_str(), "source": "cms-svc", "id": id, "time": now,
        "datacontenttype": "application/json", "subject": tenant,
        "data": {
            "tenantId": tenant, "contentId": format!("content-of-{id}"), "title": "Never to be seen", "summary": "Nor this",
            "locale": "en", "version": 1, "assets": ["thumbnail"],
        },
    })
}

fn broken((name, breaks): Rule, good: &Value, chance: &mut Chance) -> Publication {
    let mut event = good.clone();
    let key = good["subject"]
        .as_str()
        .map(|tenant| tenant.as_bytes().to_vec());
    let record = breaks(&mut event, chance);
    let (key, (headers, value)) = match record {
        Record::Event if chance.happens(50) => (key, whole(binary(&event))),
        Record::Event | Record::Structured => (key, whole(structured(&event))),
        Record::Raw(headers, value) => (key, (headers, value)),
        Record::Under(key) => (key, whole(structured(&event))),
    };
    Publication {
        topic: Topic::CmsPublished,
        key,
        value,
        headers,
        poison: Some(name),
        opens: 0,
    }
}

/// The bad records of `events/lambda` that Kafka can carry. Two of the file it cannot carry,
/// because their headers are invalid.
///
/// # Errors
/// The file cannot be read.
pub fn examples(root: &Path) -> io::Result<Vec<Publication>> {
    let batch: Value = serde_json::from_slice(&fs::read(
        root.join("events/lambda/event-created-bad-records.json"),
    )?)?;
    let records = batch["records"]
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::values)
        .flat_map(Value::as_array);
    Ok(records.flatten().filter_map(example).collect())
}

/// The offsets of the file's bad records; those before and after are good.
const BAD_OFFSETS: std::ops::RangeInclusive<i64> = 101..=119;

fn example(record: &Value) -> Option<Publication> {
    let bytes = |name: &str| {
        base64_simd::STANDARD
            .decode_to_vec(record[name].as_str()?)
            .ok()
    };
    record["offset"]
        .as_i64()
        .filter(|offset| BAD_OFFSETS.contains(offset))?;
    let headers = record["headers"].as_array()?.iter().map(|header| {
        let (name, bytes) = header.as_object()?.iter().next()?;
        let byte = |byte: &Value| Some(i8::try_from(byte.as_i64()?).ok()?.to_be_bytes()[0]);
        Some((
            name.clone(),
            Some(
                bytes
                    .as_array()?
                    .iter()
                    .map(byte)
                    .collect::<Option<Vec<u8>>>()?,
            ),
        ))
    });
    Some(Publication {
        topic: Topic::EventCreated,
        key: bytes("key"),
        value: bytes("value"),
        headers: headers.collect::<Option<_>>()?,
        poison: Some("an example of events/lambda"),
        opens: 0,
    })
}

type Headers = Vec<(String, Option<Vec<u8>>)>;

fn whole((headers, value): (Headers, Vec<u8>)) -> (Headers, Option<Vec<u8>>) {
    (headers, Some(value))
}

/// An event with the id of a good event of the line and another title, and the position after which
/// it may come.
fn id_reused(line: &[Publication], chance: &mut Chance) -> Option<(usize, Publication)> {
    let good: Vec<usize> = (0..line.len())
        .filter(|at| {
            let publication = &line[*at];
            // In structured mode the title is in the value.
            publication.topic == Topic::CmsPublished
                && publication.poison.is_none()
                && publication.headers.len() == 1
        })
        .collect();
    if good.is_empty() {
        return None;
    }
    let at = *chance.one_of(&good);
    let mut event: Value = serde_json::from_slice(line[at].value.as_deref()?).ok()?;
    event["data"]["title"] = json!("Something else under the same id");
    let reused = Publication {
        value: Some(event.to_string().into_bytes()),
        opens: 0,
        ..line[at].clone()
    };
    Some((
        at,
        Publication {
            poison: Some("an id that was used before"),
            ..reused
        },
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use fuzz::{Reached, batch, batch_of};

    use crate::{run::Plan, workload::Workload};

    const NOW: &str = "2026-11-27T00:00:00.000Z";

    #[test]
    fn a_long_storm_has_poison_of_every_rule() {
        let workload = Workload::grow(Plan::long(3).size, NOW, &mut Chance::of(3));
        let rules: BTreeSet<&str> = workload
            .lines
            .iter()
            .flatten()
            .filter_map(|publication| publication.poison)
            .collect();
        let mut expected: BTreeSet<&str> = RULES.iter().map(|(name, _)| *name).collect();
        expected.insert("an id that was used before");
        assert_eq!(rules, expected);
    }

    #[test]
    fn every_rule_changes_the_good_event() {
        let good = good("tenant-000", "evt-1", NOW);
        for rule in RULES {
            for seed in 0..20 {
                let broken = broken(rule, &good, &mut Chance::of(seed));
                assert_eq!(broken.poison, Some(rule.0));
                let whole = Publication::of(Topic::CmsPublished, &good, &mut Chance::of(seed));
                assert_ne!(broken.fingerprint(), whole.fingerprint(), "{}", rule.0);
            }
        }
    }

    /// How far a record comes with the consumers, alone in a batch.
    fn reached(publication: &Publication) -> Reached {
        let headers: Vec<contract::Header<'_>> = publication
            .headers
            .iter()
            .map(|(name, value)| (name.into(), value.as_deref().map(Into::into)))
            .collect();
        let record = fuzz::Record {
            key: publication.key.as_deref(),
            headers: &headers,
            value: publication.value.as_deref(),
        };
        batch(batch_of(publication.topic, [record]).as_bytes())
    }

    #[test]
    fn the_consumers_refuse_poison_of_each_rule() {
        let good = good("tenant-000", "evt-1", NOW);
        let topic = Topic::CmsPublished;
        let whole = Publication::of(topic, &good, &mut Chance::of(1));
        assert_eq!(reached(&whole), Reached::Accepted);
        // Only a consumer knows how old an event is; there it happens now.
        for rule in RULES.into_iter().filter(|(name, _)| *name != "too old") {
            for seed in 0..20 {
                let broken = broken(rule, &good, &mut Chance::of(seed));
                assert_eq!(reached(&broken), Reached::Refused, "{}: {seed}", rule.0);
            }
        }
        for example in examples(&root()).unwrap() {
            assert_eq!(reached(&example), Reached::Refused, "{example:?}");
        }
    }

    #[test]
    fn the_consumers_accept_all_that_is_no_poison() {
        let size = crate::workload::Size {
            events: 300,
            ..Plan::short(3).size
        };
        let workload = Workload::grow(size, NOW, &mut Chance::of(3));
        for publication in workload.lines.iter().chain([&workload.last]).flatten() {
            if publication.poison.is_none() {
                assert_eq!(reached(publication), Reached::Accepted, "{publication:?}");
            }
        }
    }

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn every_bad_record_that_kafka_can_carry_is_an_example() {
        let examples = examples(&root()).unwrap();
        // Two of them have headers that Kafka cannot carry.
        assert_eq!(examples.len(), BAD_OFFSETS.count() - 2);
    }
}

//! Reads the event of a record.

use std::str;

use contract::{DataError, Envelope, EnvelopeError, EventTime, Topic};
use domain::{ContentHash, Description, InboundEvent};
use serde::de::DeserializeOwned;

use crate::batch::Content;

/// The largest accepted value of a record, in bytes. CloudEvents asks consumers to accept 64 KiB;
/// an event with every field at its limit has a tenth of this limit.
const LARGEST_VALUE: usize = 256 * 1024;

/// The event of a record, completely read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEvent {
    /// The event as it came in.
    pub inbound: InboundEvent,
    /// The description of its data.
    pub description: Description,
}

/// Why a record can never succeed. Each message says in one sentence what is wrong and where.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Poison {
    #[error("the value has {0} bytes; at most {LARGEST_VALUE} are read")]
    TooLarge(usize),
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("`type` is `{found}`; this topic carries {expected}")]
    WrongType { found: String, expected: Topic },
    #[error("`time` is missing: it says which of two events about one thing is the newer")]
    NoTime,
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("the record has no key; the contract's key is the tenant's id")]
    NoKey,
    #[error("tenant mismatch: data.tenantId is `{tenant}`, but {place} is `{other}`")]
    Tenant {
        tenant: String,
        place: &'static str,
        other: String,
    },
}

/// Reads a record of `topic` completely: envelope, data, tenant.
pub(crate) fn read<D: DeserializeOwned>(
    topic: Topic,
    content: &Content<'_>,
    describe: impl Fn(D) -> Description,
) -> Result<ReadEvent, Poison> {
    if let Some(length) = content
        .value
        .as_ref()
        .map(Vec::len)
        .filter(|&length| length > LARGEST_VALUE)
    {
        return Err(Poison::TooLarge(length));
    }
    let envelope = Envelope::decode(&content.headers, content.value.as_deref())?;
    if envelope.event_type != topic.as_str() {
        return Err(Poison::WrongType {
            found: envelope.event_type.into_owned(),
            expected: topic,
        });
    }
    let description = describe(envelope.data()?);
    let time = EventTime::new(envelope.time.ok_or(Poison::NoTime)?);

    // A record names its tenant two or three times. If the names differ, its producer is broken or
    // malicious.
    let key = content.key.as_deref().ok_or(Poison::NoKey)?;
    let tenant = description.tenant.as_str();
    let mismatch = |place, other: String| {
        Err(Poison::Tenant {
            tenant: tenant.to_owned(),
            place,
            other,
        })
    };
    if key != tenant.as_bytes() {
        return mismatch(
            "the record's key",
            String::from_utf8_lossy(key).into_owned(),
        );
    }
    if let Some(subject) = envelope
        .subject
        .as_deref()
        .filter(|subject| *subject != tenant)
    {
        return mismatch("`subject`", subject.to_owned());
    }

    let inbound = InboundEvent {
        topic,
        source: envelope.source.to_string(),
        id: envelope.id.to_string(),
        time,
        trace: envelope.trace,
        content: ContentHash::of(&envelope),
    };
    Ok(ReadEvent {
        inbound,
        description,
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Write as _, fs};

    use contract::{AssetKind, Configuration, Entity, EntityKind, EventCreated};

    use super::*;
    use crate::batch;

    fn describe(event: EventCreated) -> Description {
        Description {
            tenant: event.tenant_id,
            user: event.user_id,
            entity: Entity {
                kind: EntityKind::Event,
                id: event.event_id,
            },
            version: event.version,
            configuration: Configuration {
                starts_at: Some(event.starts_at),
                ..Configuration::titled(event.title)
            },
            translations: BTreeMap::new(),
            assets: vec![AssetKind::Poster],
        }
    }

    /// The fate of each record of a batch in `events/lambda/`, a line each.
    fn fates(file: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lambda/");
        let json = fs::read_to_string(format!("{folder}{file}")).unwrap();
        let mut lines = String::new();
        for partition in batch::parse(&json).unwrap().partitions {
            for record in partition.records {
                let read = match &record.content {
                    Ok(content) => read(Topic::EventCreated, content, describe)
                        .map_err(|poison| poison.to_string()),
                    Err(unread) => Err(unread.error.to_string()),
                };
                let fate = match read {
                    Ok(ReadEvent {
                        inbound,
                        description,
                    }) => {
                        format!("{}: {}", inbound.id, description.configuration.title)
                    }
                    Err(poison) => format!("DEAD LETTER: {poison}"),
                };
                writeln!(lines, "{}@{} {fate}", partition.name, record.offset).unwrap();
            }
        }
        lines
    }

    #[test]
    fn the_example_batches_are_read() {
        insta::assert_snapshot!(fates("event-created.json"));
        insta::assert_snapshot!(fates("event-created-several-partitions.json"));
    }

    #[test]
    fn only_bad_records_become_dead_letters_each_with_its_cause() {
        insta::assert_snapshot!(fates("event-created-bad-records.json"));
    }

    #[test]
    fn a_value_over_256_kib_is_dead_lettered() {
        let poison = |bytes| {
            let content = Content {
                key: None,
                value: Some(vec![b' '; bytes]),
                headers: Vec::new(),
            };
            let poison = read(Topic::EventCreated, &content, describe).unwrap_err();
            poison.to_string()
        };
        assert_eq!(
            poison(262_145),
            "the value has 262145 bytes; at most 262144 are read"
        );
        assert!(!poison(262_144).contains("bytes"), "it is read");
    }

    #[test]
    fn well_formed_batches_parse_as_in_aws_lambda_events() {
        let more = ["several-partitions", "replayed", "hundred"];
        let files = Topic::consumed()
            .map(|topic| topic.consumer().unwrap().to_owned())
            .chain(more.map(|batch| format!("event-created-{batch}")));
        for file in files {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lambda/");
            let json = fs::read_to_string(format!("{folder}{file}.json")).unwrap();
            let theirs: aws_lambda_events::event::kafka::KafkaEvent =
                serde_json::from_str(&json).unwrap();
            for partition in batch::parse(&json).unwrap().partitions {
                let their_records = &theirs.records[&partition.name];
                assert_eq!(their_records.len(), partition.records.len());
                for (ours, theirs) in partition.records.iter().zip(their_records) {
                    assert_eq!(
                        (ours.offset, i64::from(ours.partition)),
                        (theirs.offset, theirs.partition)
                    );
                    let base64 = |bytes: &Vec<u8>| base64_simd::STANDARD.encode_to_string(bytes);
                    let content = ours.content.as_ref().unwrap();
                    assert_eq!(content.key.as_ref().map(base64), theirs.key);
                    assert_eq!(content.value.as_ref().map(base64), theirs.value);
                    let headers = theirs.headers.iter().flatten().map(|(name, bytes)| {
                        (
                            name.clone(),
                            bytes
                                .iter()
                                .map(|byte| byte.to_be_bytes()[0])
                                .collect::<Vec<u8>>(),
                        )
                    });
                    let our_headers = content.headers.iter().map(|(name, value)| {
                        (
                            name.to_string(),
                            value.as_ref().map_or_else(Vec::new, |value| value.to_vec()),
                        )
                    });
                    assert!(headers.eq(our_headers));
                }
            }
        }
    }
}

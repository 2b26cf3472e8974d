//! A record → what its event says.

use std::str;

use events::{DataError, Envelope, EnvelopeError, Time, Topic};
use jobs::{Cause, ContentHash, Description};
use serde::de::DeserializeOwned;

use crate::batch::{Content, RecordError};

/// The largest value of a record that is read, in bytes. CloudEvents asks consumers to take 64 KiB; a description with every
/// field at its limit has a tenth of that.
const LARGEST_VALUE: usize = 256 * 1024;

/// Why a record can never succeed. Each says in one sentence what is wrong and where.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Poison {
    #[error(transparent)]
    Record(#[from] RecordError),
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
    Tenant { tenant: String, place: &'static str, other: String },
}

/// Reads a record of `topic` to the end: envelope, data, tenant.
pub(crate) fn read<D: DeserializeOwned>(
    topic: Topic,
    content: &Content<'_>,
    describe: impl Fn(D) -> Description,
) -> Result<(Cause, Description), Poison> {
    if let Some(length) = content.value.as_ref().map(Vec::len).filter(|&length| length > LARGEST_VALUE) {
        return Err(Poison::TooLarge(length));
    }
    let envelope = Envelope::decode(&content.headers, content.value.as_deref())?;
    if envelope.event_type != topic.as_str() {
        return Err(Poison::WrongType { found: envelope.event_type.into_owned(), expected: topic });
    }
    let description = describe(envelope.data()?);
    let time = Time::new(envelope.time.ok_or(Poison::NoTime)?);

    // Whoever writes to the topic says the tenant two or three times; who says two different ones is broken or lying.
    let key = content.key.as_deref().ok_or(Poison::NoKey)?;
    let tenant = description.tenant.as_str();
    let mismatch =
        |place, other: String| Err(Poison::Tenant { tenant: tenant.to_owned(), place, other });
    if key != tenant.as_bytes() {
        return mismatch("the record's key", String::from_utf8_lossy(key).into_owned());
    }
    if let Some(subject) = envelope.subject.as_deref().filter(|subject| *subject != tenant) {
        return mismatch("`subject`", subject.to_owned());
    }

    let cause = Cause {
        topic,
        source: envelope.source.to_string(),
        id: envelope.id.to_string(),
        time,
        content: ContentHash::of(&envelope),
    };
    Ok((cause, description))
}

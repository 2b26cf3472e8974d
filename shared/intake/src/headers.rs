//! A record's headers, in the mapping's format.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::record_error::RecordError;

/// Parses a list of objects with one name each. The mapping writes Java's bytes, which are signed;
/// programs that imitate it often write unsigned bytes, which are accepted too. A value may be
/// null, as in Kafka. The list may also be null, because AWS does not rule that out.
pub(crate) fn headers<'a>(headers: &'a RawValue) -> Result<Vec<contract::Header<'a>>, RecordError> {
    let headers = serde_json::from_str(headers.get()).map_err(|_| RecordError::Headers)?;
    in_bytes(headers)
}

/// Like [`headers`], for a field of a record that is being deserialized.
pub(crate) fn deserialize<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<contract::Header<'a>>, D::Error> {
    in_bytes(Option::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn in_bytes(headers: Option<Headers<'_>>) -> Result<Vec<contract::Header<'_>>, RecordError> {
    let headers = headers
        .map(|Headers(list)| list)
        .unwrap_or_default()
        .into_iter();
    headers
        .map(|(name, value)| match value {
            None => Ok((name, None)),
            Some(Bytes::Are(bytes)) => Ok((name, Some(Cow::Owned(bytes)))),
            Some(Bytes::AreNot(value)) => Err(RecordError::Byte {
                name: name.into_owned(),
                value,
            }),
        })
        .collect()
}

/// Headers, parsed directly into one list: a batch can have a million of them, and a map for each
/// would take hundreds of bytes.
struct Headers<'a>(Vec<(Cow<'a, str>, Option<Bytes>)>);

/// A header's value.
enum Bytes {
    Are(Vec<u8>),
    /// The first number that is not a byte.
    AreNot(i64),
}

/// Text that is borrowed if it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut headers = Self(Vec::new());
        deserializer.deserialize_seq(List(&mut headers))?;
        Ok(headers)
    }
}

/// The visitors of the list and of one object in it.
struct List<'h, 'a>(&'h mut Headers<'a>);
struct Object<'h, 'a>(&'h mut Headers<'a>);

impl<'de: 'a, 'a> Visitor<'de> for List<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of headers")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut objects: S) -> Result<(), S::Error> {
        while objects.next_element_seed(Object(self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for Object<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Object<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header's name with its bytes")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<(), M::Error> {
        let Headers(headers) = self.0;
        while let Some((Name(name), value)) = object.next_entry()? {
            headers.push((name, value));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of bytes")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut numbers: S) -> Result<Bytes, S::Error> {
                let (mut bytes, mut odd) = (Vec::new(), None);
                while let Some(number) = numbers.next_element()? {
                    match byte(number) {
                        Some(byte) => bytes.push(byte),
                        None => odd = odd.or(Some(number)),
                    }
                }
                Ok(odd.map_or(Bytes::Are(bytes), Bytes::AreNot))
            }
        }
        deserializer.deserialize_seq(Numbers)
    }
}

fn byte(value: i64) -> Option<u8> {
    i8::try_from(value)
        .map(|signed| signed.to_be_bytes()[0])
        .or_else(|_| u8::try_from(value))
        .ok()
}

//! The address of an S3 object.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An S3 object, written `s3://bucket/key`. A well-formed address does not mean that the studio may
/// read the object: the configuration decides that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct S3Object {
    bucket: String,
    key: String,
}

impl S3Object {
    /// Parses `s3://bucket/key`: a bucket of 3 to 63 lower-case letters, digits, dots and hyphens
    /// that begins and ends with a letter or digit, and a key of 1 to 1,024 bytes without control
    /// characters.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let (bucket, key) = address.strip_prefix("s3://")?.split_once('/')?;
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let well_formed = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|b| letter(b) || matches!(b, b'.' | b'-'))
            && bucket.bytes().next().is_some_and(letter)
            && bucket.bytes().last().is_some_and(letter)
            && (1..=1024).contains(&key.len())
            && !key.chars().any(char::is_control);
        well_formed.then(|| Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The object's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl Serialize for S3Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for S3Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let address = String::deserialize(deserializer)?;
        Self::parse(&address).ok_or_else(|| {
            de::Error::custom(format!(
                "`{address}` is not an address in S3, such as s3://brands/acme/logo.png"
            ))
        })
    }
}

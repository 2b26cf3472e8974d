//! Packed text: DynamoDB charges by the kibibyte, and most of what an item says is what every item of
//! its kind says.
//!
//! The first byte is the version of the form. In version 1 the rest is raw DEFLATE (RFC 1951), as if
//! the dictionary had stood before the text: that is how names of members, topics and the
//! envelopes cost next to nothing. A dictionary is never changed, because what is packed with it
//! needs it. Another one is another version, and a release reads a version before the next one
//! writes it.

mod deflate;
mod huffman;
mod matches;

use std::fmt;

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// The version that is written.
const VERSION: u8 = 1;

/// The dictionary of version 1.
const DICTIONARY: &[u8] = include_bytes!("packed/dictionary-1.txt");

/// The length of the dictionary. DEFLATE looks back by 32 KiB at most.
const LENGTH: u16 = {
    assert!(DICTIONARY.len() < 32 * 1024);
    DICTIONARY.len() as u16
};

/// The most bytes that a packed text may come to. The largest of ours are outbox entries with 390,000
/// bytes of events, and entities with the texts of two topics; a few hundred bytes that were written
/// by other code than ours must not fill the memory.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// Some bytes are no packed text that this version of the code can unpack.
#[derive(Debug, thiserror::Error)]
pub enum NotPacked {
    /// There is no byte.
    #[error("it is empty")]
    Empty,
    /// Another version of the code packed it.
    #[error("it is packed in version {0}, which this version of the code does not know")]
    Version(u8),
    /// It is broken, or larger than any that is written.
    #[error("it cannot be unpacked: {0}")]
    Broken(String),
}

/// Packs `text`. The same text always gives the same bytes.
pub(crate) fn pack(text: &str) -> Vec<u8> {
    deflate::deflate(text.as_bytes(), vec![VERSION])
}

/// The text that was packed: what the attributes `state` and `packed` hold. For tests and tools that
/// read the table by themselves.
///
/// # Errors
/// A [`NotPacked`].
pub fn unpack(packed: &[u8]) -> Result<String, NotPacked> {
    let (version, deflated) = packed.split_first().ok_or(NotPacked::Empty)?;
    if *version != VERSION {
        return Err(NotPacked::Version(*version));
    }
    // A block that is not compressed and not the last one, with the dictionary.
    let stream = [
        &[0_u8][..],
        &LENGTH.to_le_bytes(),
        &(!LENGTH).to_le_bytes(),
        DICTIONARY,
        deflated,
    ]
    .concat();
    let broken = |error: &dyn fmt::Display| NotPacked::Broken(error.to_string());
    // Only with room for one byte more is the end of the largest text seen.
    let most = DICTIONARY.len() + MOST_BYTES + 1;
    let mut text = decompress_to_vec_with_limit(&stream, most).map_err(|error| broken(&error))?;
    String::from_utf8(text.split_off(DICTIONARY.len())).map_err(|error| broken(&error))
}

#[cfg(test)]
pub(crate) mod tests;

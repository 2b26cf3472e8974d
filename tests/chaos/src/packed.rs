//! Packed attributes of the table, read by another decoder than the one of the code that is judged.
//! They share the dictionary, and `shared/store/src/packed.rs` says what the form is.

use std::{collections::HashMap, io::Read as _};

use aws_sdk_dynamodb::types::AttributeValue;
use flate2::read::DeflateDecoder;

const DICTIONARY: &[u8] = include_bytes!("../../../shared/store/src/packed/dictionary-1.txt");

/// The text of the attribute `name`, packed or not; empty if there is none, or if it cannot be read.
pub(crate) fn text(item: &HashMap<String, AttributeValue>, name: &str) -> String {
    let text = match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        Some(AttributeValue::B(packed)) => unpacked(packed.as_ref()),
        _ => None,
    };
    text.unwrap_or_default()
}

fn unpacked(packed: &[u8]) -> Option<String> {
    let deflated = packed.strip_prefix(&[1])?;
    let length = u16::try_from(DICTIONARY.len()).ok()?.to_le_bytes();
    let stored = [0, length[0], length[1], !length[0], !length[1]];
    let stream = (&stored[..]).chain(DICTIONARY).chain(deflated);
    let mut text = Vec::new();
    DeflateDecoder::new(stream).read_to_end(&mut text).ok()?;
    String::from_utf8(text.split_off(DICTIONARY.len())).ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;

    /// As zlib 1.2.13 packed it.
    const PACKED: [u8; 47] = [
        0x01, 0xab, 0xc6, 0xe8, 0x36, 0x19, 0x2a, 0xa1, 0xf5, 0x1e, 0x10, 0x8d, 0x7c, 0x94, 0xc6,
        0x3d, 0x72, 0x4f, 0x00, 0x64, 0x36, 0x34, 0x62, 0x7c, 0x12, 0xc1, 0xf5, 0x68, 0xb1, 0xc2,
        0xa3, 0x86, 0xc9, 0x0a, 0x0f, 0x96, 0x2c, 0x7b, 0xb0, 0xb4, 0xe1, 0xc1, 0x92, 0x55, 0x4a,
        0xb5, 0x00,
    ];

    #[test]
    fn a_packed_attribute_is_read_like_one_that_is_not() {
        let text_of = |value| text(&HashMap::from([("state".to_owned(), value)]), "state");
        let packed = text_of(AttributeValue::B(Blob::new(PACKED)));
        assert!(packed.ends_with(r#""title":"Lanterns – दीप"}"#), "{packed}");
        assert_eq!(text_of(AttributeValue::S(packed.clone())), packed);
        assert_eq!(text_of(AttributeValue::B(Blob::new([2]))), "");
    }
}

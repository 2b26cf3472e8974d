use domain::derive;
use proptest::prelude::*;

use super::*;

/// Packed by zlib 1.2.13: a window with the dictionary, a flush, and then the text.
const BY_ZLIB: [u8; 47] = [
    0x01, 0xab, 0xc6, 0xe8, 0x36, 0x19, 0x2a, 0xa1, 0xf5, 0x1e, 0x10, 0x8d, 0x7c, 0x94, 0xc6, 0x3d,
    0x72, 0x4f, 0x00, 0x64, 0x36, 0x34, 0x62, 0x7c, 0x12, 0xc1, 0xf5, 0x68, 0xb1, 0xc2, 0xa3, 0x86,
    0xc9, 0x0a, 0x0f, 0x96, 0x2c, 0x7b, 0xb0, 0xb4, 0xe1, 0xc1, 0x92, 0x55, 0x4a, 0xb5, 0x00,
];

const TEXT: &str = r#"{"tenant":"tenant-1","templates":{"poster":{"revision":2,"asset":null}},"title":"Lanterns – दीप"}"#;

#[test]
fn what_another_implementation_packed_is_unpacked() {
    assert_eq!(unpack(&BY_ZLIB).unwrap(), TEXT);
}

/// Without it, nothing that was packed with it can be read.
#[test]
fn a_dictionary_never_changes() {
    let digest = derive(&[DICTIONARY]).to_string();
    assert_eq!(digest, "a18cce37-cb0a-5f45-9dee-943b9583309e");
}

#[test]
fn the_dictionary_is_not_packed_with_the_text() {
    assert_eq!(pack("").len(), 1 + 2, "the version, and an empty block");
    assert!(pack(TEXT).len() < 70, "{}", pack(TEXT).len());
}

#[test]
fn a_text_larger_than_any_of_ours_is_not_unpacked() {
    let large = "x".repeat(MOST_BYTES / 2);
    assert_eq!(unpack(&pack(&large)).unwrap(), large);
    let bomb = pack(&"x".repeat(64 * MOST_BYTES));
    assert!(bomb.len() < MOST_BYTES, "{}", bomb.len());
    assert!(matches!(unpack(&bomb), Err(NotPacked::Broken(_))));
}

#[test]
fn what_another_version_packed_or_what_is_cut_short_is_refused() {
    assert!(matches!(unpack(&[]), Err(NotPacked::Empty)));
    let mut other = pack(TEXT);
    other[0] = 2;
    assert!(matches!(unpack(&other), Err(NotPacked::Version(2))));
    let packed = pack(TEXT);
    for length in 1..packed.len() {
        let cut = unpack(&packed[..length]);
        assert!(matches!(cut, Err(NotPacked::Broken(_))), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]
    #[test]
    fn what_is_packed_is_unpacked_as_it_was(text in ".{0,400}", times in 1..50_usize) {
        let text = text.repeat(times);
        let packed = pack(&text);
        prop_assert_eq!(unpack(&packed).unwrap(), text.clone());
        prop_assert_eq!(pack(&text), packed);
    }

    #[test]
    fn no_bytes_make_unpacking_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        let _ = unpack(&bytes);
        bytes.insert(0, VERSION);
        let _ = unpack(&bytes);
    }
}

use std::{iter, sync::LazyLock, thread};

use domain::derive;
use miniz_oxide::deflate::{
    compress_to_vec,
    core::{CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params},
};
use proptest::prelude::*;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::*;

/// Packed by zlib 1.2.13: a window with the dictionary, a flush, and then the text.
const BY_ZLIB: [u8; 47] = [
    0x01, 0xab, 0xc6, 0xe8, 0x36, 0x19, 0x2a, 0xa1, 0xf5, 0x1e, 0x10, 0x8d, 0x7c, 0x94, 0xc6, 0x3d,
    0x72, 0x4f, 0x00, 0x64, 0x36, 0x34, 0x62, 0x7c, 0x12, 0xc1, 0xf5, 0x68, 0xb1, 0xc2, 0xa3, 0x86,
    0xc9, 0x0a, 0x0f, 0x96, 0x2c, 0x7b, 0xb0, 0xb4, 0xe1, 0xc1, 0x92, 0x55, 0x4a, 0xb5, 0x00,
];

const TEXT: &str = r#"{"tenant":"tenant-1","templates":{"poster":{"revision":2,"asset":null}},"title":"Lanterns – दीप"}"#;

/// What an entry of the outbox has, several KiB.
const EVENT: &str =
    include_str!("../../../../events/eventzr.studio.template.updated.v1/example.json");

/// Packs as the releases did that packed with `miniz_oxide`: its compressor has compressed the
/// dictionary before the text, and ended that with a whole byte.
pub(crate) fn packed_by_miniz(text: &str) -> Vec<u8> {
    static PRIMED: LazyLock<CompressorOxide> = LazyLock::new(|| {
        let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(6, 0, 0));
        compress_to_output(&mut compressor, DICTIONARY, TDEFLFlush::Sync, |_| true);
        compressor
    });
    let mut packed = vec![VERSION];
    let finish = TDEFLFlush::Finish;
    compress_to_output(&mut PRIMED.clone(), text.as_bytes(), finish, |some| {
        packed.extend_from_slice(some);
        true
    });
    packed
}

/// Unpacks with zlib's functions, which have a dictionary of their own.
fn unpacked_by_zlib(packed: &[u8], length: usize) -> String {
    let mut inflate = Inflate::new(false, 15);
    inflate.set_dictionary(DICTIONARY).unwrap();
    let mut text = vec![0; length];
    let ended = inflate.decompress(&packed[1..], &mut text, InflateFlush::Finish);
    assert_eq!(ended.unwrap(), Status::StreamEnd);
    assert_eq!(inflate.total_in(), packed.len() as u64 - 1);
    assert_eq!(inflate.total_out(), length as u64);
    String::from_utf8(text).unwrap()
}

/// Packs, and lets two decoders read it: the one of each release so far, and zlib's.
fn judged(text: &str) -> Vec<u8> {
    let packed = pack(text);
    assert!(unpack(&packed).unwrap() == text);
    assert!(unpacked_by_zlib(&packed, text.len()) == text);
    packed
}

/// Text in which nothing repeats.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let letters = iter::from_fn(|| {
        // The factor and the addend are Knuth's, for MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        Some(char::from(b' ' + (state >> 58) as u8))
    });
    letters.take(length).collect()
}

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
    assert!(judged(TEXT).len() <= BY_ZLIB.len(), "{}", pack(TEXT).len());
}

/// A match is looked for where the text ends before it.
#[test]
fn each_beginning_of_a_text_is_unpacked_as_it_was() {
    let twice = EVENT.replace("\n ", "").repeat(2);
    for end in (0..twice.len()).filter(|end| twice.is_char_boundary(*end)) {
        judged(&twice[..end]);
    }
}

#[test]
fn a_text_of_many_blocks_is_unpacked_as_it_was() {
    let text = noise(100_000);
    let packed = judged(&text);
    assert!(packed.len() < text.len() * 4 / 5, "{}", packed.len());
}

/// The furthest that DEFLATE looks back.
#[test]
fn a_match_is_32_kib_back_and_no_further() {
    let text = noise(33_000);
    let with_a_match = |distance: usize| judged(&(text[..distance].to_owned() + &text[..200]));
    let [none, nearest, furthest, too_far] = [32_000, 32_767, 32_768, 32_769].map(|distance| {
        let longer = with_a_match(distance).len();
        longer - pack(&text[..distance]).len()
    });
    assert!(none < 10 && nearest < 10 && furthest < 10 && too_far > 100);
}

#[test]
fn one_text_gives_the_same_bytes_after_any_other_and_in_each_thread() {
    let noise = noise(40_000);
    let texts = [TEXT, EVENT, "", &noise, "x"];
    let once = texts.map(pack);
    thread::scope(|scope| {
        for first in 0..texts.len() {
            let once = &once;
            scope.spawn(move || {
                for index in (first..first + 3 * texts.len()).map(|index| index % texts.len()) {
                    assert!(pack(texts[index]) == once[index], "{index} of {first}");
                }
            });
        }
    });
}

#[test]
fn what_a_release_with_another_compressor_packed_is_unpacked() {
    for text in ["", "x", TEXT, EVENT, &noise(100_000)] {
        assert!(unpack(&packed_by_miniz(text)).unwrap() == text);
    }
}

#[test]
fn a_text_larger_than_any_of_ours_is_not_unpacked() {
    let largest = "x".repeat(MOST_BYTES);
    assert!(unpack(&pack(&largest)).unwrap() == largest);
    for (size, is_unpacked) in [(MOST_BYTES, true), (MOST_BYTES + 2, false)] {
        let mut packed = vec![VERSION];
        packed.extend(compress_to_vec(&vec![b'x'; size], 6));
        assert_eq!(unpack(&packed).is_ok(), is_unpacked, "{size}");
    }
    let mut bomb = vec![VERSION];
    bomb.extend(compress_to_vec(&vec![b'x'; 64 * MOST_BYTES], 6));
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
        judged(&text);
    }

    #[test]
    fn no_bytes_make_unpacking_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        let _ = unpack(&bytes);
        bytes.insert(0, VERSION);
        let _ = unpack(&bytes);
    }
}

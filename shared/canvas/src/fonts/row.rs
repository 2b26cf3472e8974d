//! What is known of a face: what it is for, where its bytes are, and what it covers.

use unicode_script::Script;

/// What a face is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Loud titles and numerals.
    Loud,
    /// Festive titles and numerals.
    Festive,
    /// Facts.
    Strong,
    /// Text. If a script has no other face, everything.
    Plain,
    /// Emoji, in every type style.
    Emoji,
}

/// Where the bytes of a face are.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// In the program.
    BuiltIn(&'static [u8]),
    /// In the pack of faces, under the name of the face.
    Packed,
    /// In the file of this name.
    File(&'static str),
}

/// A row of the table of faces.
pub(crate) struct FaceRow {
    /// The name of the face inside the canvas, which includes weight and style.
    pub(crate) name: &'static str,
    /// The script that it is for, as [`super::group`] names it. Emoji are `Common`.
    pub(crate) script: Script,
    pub(crate) role: Role,
    /// The least distance of two baselines, in font sizes. 0 if the design decides alone.
    pub(crate) leading: f32,
    pub(crate) place: Place,
    /// What is known of its bytes without reading them.
    pub(crate) contents: &'static Contents,
}

/// What is known of the bytes of a face without reading them. `coverage.rs` has one for each face.
pub(crate) struct Contents {
    /// The name of the face inside the canvas, which includes weight and style.
    pub(super) name: &'static str,
    /// The number of its bytes.
    pub(super) length: u32,
    /// The CRC-32 of its bytes, as gzip has it.
    pub(super) crc: u32,
    pub(super) covered: Covered,
}

/// The characters of a face.
pub(super) enum Covered {
    /// The first and last character of each range, sorted.
    Ranges(&'static [(u32, u32)]),
    /// The face with this number in `cjk-coverage.bits`.
    Bits(usize),
}

/// The coverage of the faces of Chinese, Japanese and Korean: 8192 bytes for each, with a bit for
/// each character up to U+FFFF. `subset_cjk.py` writes it together with the fonts.
const CJK_BITS: &[u8; 4 * 8192] = include_bytes!("../../fonts/cjk-coverage.bits");

impl Contents {
    /// Whether the face has a glyph for `character`.
    pub(super) fn covers(&self, character: char) -> bool {
        let character = u32::from(character);
        match self.covered {
            Covered::Ranges(ranges) => {
                let after = ranges.partition_point(|(first, _)| *first <= character);
                after > 0 && character <= ranges[after - 1].1
            }
            Covered::Bits(number) => {
                let bits = &CJK_BITS[number * 8192..][..8192];
                bits.get(character as usize / 8)
                    .is_some_and(|byte| byte >> (character % 8) & 1 == 1)
            }
        }
    }

    /// Whether `bytes` are those of the face.
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        bytes.len() == self.length as usize && crc.sum() == self.crc
    }
}

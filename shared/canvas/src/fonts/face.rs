//! A face: an index into the table of all faces.

use unicode_script::Script;

use super::{TypeStyle, table::FACES};

/// A face: a font of one script, width and weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Face(u8);

/// What a face is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Titles and numerals of [`TypeStyle::Loud`].
    Loud,
    /// Titles and numerals of [`TypeStyle::Festive`].
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

impl Face {
    /// Text in Latin, Greek and Cyrillic.
    pub(crate) const INTER: Self = Self::named("Inter Regular");
    /// All emoji.
    pub(crate) const EMOJI: Self = Self::named("Noto Emoji Bold");
    /// The hanging style of Arabic letters, for Urdu and Kashmiri.
    pub(crate) const NASTALIQ: Self = Self::named("Noto Nastaliq Urdu Medium");
    /// Japanese.
    pub(crate) const JAPANESE: Self = Self::named("Noto Sans JP");
    /// Chinese as China and Singapore write it.
    pub(crate) const SIMPLIFIED: Self = Self::named("Noto Sans SC");
    /// Chinese as Taiwan and Hong Kong write it.
    pub(crate) const TRADITIONAL: Self = Self::named("Noto Sans TC");
    /// Korean.
    pub(crate) const KOREAN: Self = Self::named("Noto Sans KR");

    /// The face of this name. A constant of a name that the table lacks does not compile.
    pub(crate) const fn named(name: &str) -> Self {
        let mut index = 0;
        while index < FACES.len() {
            if is_same(FACES[index].name, name) {
                return Self(index as u8);
            }
            index += 1;
        }
        panic!("the table has no face of this name")
    }

    /// Every face, in the order of the table.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0_u8..).map(Self).take(FACES.len())
    }

    /// Its place in the table.
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Its row of the table.
    pub(crate) fn row(self) -> &'static FaceRow {
        &FACES[self.index()]
    }

    /// The name of the face inside the canvas.
    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether the face is for Chinese, Japanese or Korean.
    pub(crate) fn is_cjk(self) -> bool {
        self.row().script == Script::Han
    }

    /// The least distance of two baselines in `style`, in font sizes. Chinese characters fill their
    /// squares, so lines of text need air between them.
    pub(crate) fn leading(self, style: TypeStyle) -> f32 {
        match (self.is_cjk(), style) {
            (true, TypeStyle::Strong) => 1.36,
            (true, TypeStyle::Plain) => 1.6,
            _ => self.row().leading,
        }
    }
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

//! A face: an index into the table of all faces.

use unicode_script::Script;

use super::{TypeStyle, row::FaceRow, table::FACES};

/// A face: a font of one script, width and weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Face(u8);

impl Face {
    /// Text in Latin, Greek and Cyrillic.
    pub(crate) const INTER: Self = Self::named("Inter Regular");
    /// The same in the weight of the faces for text of most other scripts.
    pub(crate) const MEDIUM: Self = Self::named("Noto Sans Medium");
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

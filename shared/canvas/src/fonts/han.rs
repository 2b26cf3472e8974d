//! The regional forms of Chinese characters. Tokyo, Beijing, Taipei and Seoul draw one character
//! differently, and the text does not say which form it means: the reader's language does.

use super::{Face, Fonts};

/// A regional form of Chinese characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Han {
    Japanese,
    Simplified,
    Traditional,
    Korean,
}

impl Han {
    /// The faces in order: each one covers what those before it lack.
    pub(crate) fn faces(self) -> [Face; 4] {
        match self {
            Self::Japanese => [
                Face::JAPANESE,
                Face::TRADITIONAL,
                Face::SIMPLIFIED,
                Face::KOREAN,
            ],
            Self::Simplified => [
                Face::SIMPLIFIED,
                Face::TRADITIONAL,
                Face::JAPANESE,
                Face::KOREAN,
            ],
            Self::Traditional => [
                Face::TRADITIONAL,
                Face::JAPANESE,
                Face::SIMPLIFIED,
                Face::KOREAN,
            ],
            Self::Korean => [
                Face::KOREAN,
                Face::TRADITIONAL,
                Face::JAPANESE,
                Face::SIMPLIFIED,
            ],
        }
    }

    /// The form that `text` itself suggests: kana are Japanese and hangul is Korean. For Chinese
    /// characters alone it is the first standard that has all of them: no Chinese one has 音楽, and
    /// the simplified one lacks 爵士樂.
    pub(crate) fn of_text(fonts: &Fonts, text: &str) -> Self {
        if text.chars().any(is_kana) {
            return Self::Japanese;
        }
        if text.chars().any(is_hangul) {
            return Self::Korean;
        }
        [Self::Simplified, Self::Traditional, Self::Japanese]
            .into_iter()
            .find(|han| {
                text.chars()
                    .filter(|c| is_chinese(*c))
                    .all(|c| fonts.covers(han.faces()[0], c))
            })
            .unwrap_or(Self::Simplified)
    }
}

/// A Chinese character, in any language.
pub(crate) fn is_chinese(c: char) -> bool {
    matches!(u32::from(c), 0x3005..=0x3007 | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

/// Hiragana.
pub(crate) fn is_hiragana(c: char) -> bool {
    matches!(u32::from(c), 0x3041..=0x309f)
}

/// Katakana, including narrow ones and the long-vowel mark, but not the dot between words.
pub(crate) fn is_katakana(c: char) -> bool {
    matches!(u32::from(c), 0x30a1..=0x30fa | 0x30fc..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f)
}

/// Hiragana or katakana.
pub(crate) fn is_kana(c: char) -> bool {
    is_hiragana(c) || is_katakana(c)
}

/// A Korean syllable or letter.
pub(crate) fn is_hangul(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7a3)
}

/// A letter of Chinese, Japanese or Korean.
pub(crate) fn is_cjk_letter(c: char) -> bool {
    is_chinese(c) || is_kana(c) || is_hangul(c)
}

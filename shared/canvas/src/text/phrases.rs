//! Where a line of Chinese, Japanese or Korean may break to be read at a glance. The Unicode rules
//! allow a break between almost any two characters; a title breaks between phrases.

use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::{is_chinese, is_hangul, is_hiragana, is_katakana};

/// The kind of a character, which decides how it joins its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CharacterKind {
    Chinese,
    Hiragana,
    Katakana,
    Hangul,
    Digit,
    /// A letter of a script with words.
    Letter,
    /// A space or a punctuation mark: the Unicode rules are right for them.
    Other,
}

impl CharacterKind {
    fn of(c: char) -> Self {
        match c {
            _ if is_chinese(c) => Self::Chinese,
            _ if is_hiragana(c) => Self::Hiragana,
            _ if is_katakana(c) => Self::Katakana,
            _ if is_hangul(c) => Self::Hangul,
            _ if c.is_numeric() => Self::Digit,
            _ if c.is_alphabetic() => Self::Letter,
            _ => Self::Other,
        }
    }
}

/// The units that are kept whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Korean words, and numbers with their counters. A few Chinese characters beside a punctuation
    /// mark stay with it.
    Words,
    /// Also the phrases of Japanese, and in Chinese everything between two spaces or punctuation
    /// marks.
    Phrases,
}

/// The offsets at which a line of `text` must not begin, in bytes.
pub(super) fn kept_whole(text: &str, hold: Hold) -> Vec<usize> {
    let phrases = Phrases::of(text);
    text.grapheme_indices(true)
        .skip(1)
        .enumerate()
        .filter(|(before, _)| phrases.belong(*before, hold))
        .map(|(_, (offset, _))| offset)
        .collect()
}

/// A text as characters with their kinds.
struct Phrases<'a> {
    letters: Vec<(&'a str, CharacterKind)>,
}

impl<'a> Phrases<'a> {
    fn of(text: &'a str) -> Self {
        let kind = |letter: &str| {
            letter
                .chars()
                .next()
                .map_or(CharacterKind::Other, CharacterKind::of)
        };
        Self {
            letters: text
                .graphemes(true)
                .map(|letter| (letter, kind(letter)))
                .collect(),
        }
    }

    fn kind(&self, index: usize) -> CharacterKind {
        self.letters
            .get(index)
            .map_or(CharacterKind::Other, |(_, kind)| *kind)
    }

    /// Whether the character at `index` is an honorific prefix of the Chinese character after it:
    /// it is at the beginning of a phrase.
    fn is_honour(&self, index: usize) -> bool {
        let begins = index.checked_sub(1).is_none_or(|before| {
            let (letter, kind) = self.letters[before];
            kind != CharacterKind::Hiragana || "とやにをはがのでもへ".contains(letter)
        });
        begins
            && matches!(self.letters[index].0, "お" | "ご")
            && self.kind(index + 1) == CharacterKind::Chinese
    }

    /// Whether the character at `index` and the next one belong together. Japanese marks its
    /// phrases by changing script: a phrase begins after hiragana, and so does a word of katakana
    /// or of Chinese characters beside one of another script.
    fn belong(&self, index: usize, hold: Hold) -> bool {
        use CharacterKind::{Chinese, Digit, Hangul, Hiragana, Katakana, Letter, Other};
        let phrases = hold == Hold::Phrases;
        let before = if index == 0 {
            Other
        } else {
            self.kind(index - 1)
        };
        match (self.kind(index), self.kind(index + 1)) {
            (Other, _) | (_, Other) => false,
            (Hangul, _) | (_, Hangul) => true,
            // 12月, 3つ; then 第12回, and 2026年7月 as one unit.
            (Digit, Chinese | Hiragana | Katakana) => true,
            (Chinese, Digit) => matches!(self.letters[index].0, "年" | "月" | "第"),
            // 茶会とお花見: the honorific belongs to the flowers.
            (Hiragana, Hiragana) if self.is_honour(index + 1) => false,
            (Hiragana, Chinese) if self.is_honour(index) => phrases,
            (Chinese | Hiragana | Katakana | Letter, Hiragana) => phrases,
            (Katakana, Katakana) => phrases,
            // A number ends with its counter: 第12回横浜花火大会, but 3人展.
            (Chinese, Chinese) if before == Digit => self.kind(index + 2) != Chinese,
            // Beside a space or punctuation mark: two characters after it and three before it,
            // because most words end in such groups: 音乐节, 研讨会.
            (Chinese, Chinese) => {
                phrases || before == Other || (2..=3).any(|ahead| self.kind(index + ahead) == Other)
            }
            // A single Chinese character is a prefix or a suffix: 新サービス, ジャズ祭.
            (Chinese, Katakana | Letter) => phrases && before != Chinese,
            (Katakana | Letter, Chinese) => phrases && self.kind(index + 2) != Chinese,
            (Hiragana, _)
            | (Katakana, Letter | Digit)
            | (Letter, Katakana)
            | (Letter | Digit, Letter | Digit) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(text: &str, hold: Hold) -> String {
        let phrases = Phrases::of(text);
        let letters = phrases.letters.iter().enumerate();
        letters
            .map(|(index, (letter, _))| {
                if phrases.belong(index, hold) {
                    (*letter).to_owned()
                } else {
                    format!("{letter}/")
                }
            })
            .collect()
    }

    #[test]
    fn a_japanese_title_is_broken_where_its_script_changes() {
        for title in [
            "夏の/夜の/音楽祭/",
            "東京国際/ジャズフェスティバル/2/0/2/6/",
            "みんなで/作る/クリスマスリース/体験教室/",
            "春の/茶会と/お花見の/夕べ/",
            "ゴッホ展/",
            "新サービス/発表会/",
            "第1/2回/横浜港花火大会/",
        ] {
            assert_eq!(phrases(&title.replace('/', ""), Hold::Phrases), title);
        }
        assert_eq!(
            phrases("2026年7月18日開催", Hold::Phrases),
            "2/0/2/6年7月1/8日/開催/"
        );
    }

    #[test]
    fn the_offsets_of_a_phrase_are_those_of_its_later_characters() {
        assert_eq!(kept_whole("第12回", Hold::Words), [3, 5]);
        assert_eq!(kept_whole("서울 국제", Hold::Words), [3, 10]);
        assert!(kept_whole("", Hold::Words).is_empty());
    }

    #[test]
    fn a_korean_word_is_never_broken() {
        assert_eq!(
            phrases("서울 국제 음악제 2026년", Hold::Words),
            "서울/ /국제/ /음악제/ /2/0/2/6년/"
        );
    }

    #[test]
    fn a_chinese_line_leaves_no_single_character_beside_punctuation() {
        assert_eq!(
            phrases("第12届城市轨道交通、公共设施研讨会", Hold::Words),
            "第1/2届/城/市/轨/道交通/、/公共/设/施/研讨会/"
        );
    }
}

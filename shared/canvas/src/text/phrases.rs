//! Where a line of Chinese, Japanese or Korean may break to be read at a glance. The Unicode rules
//! allow a break between almost any two characters; a title breaks between phrases.

use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::{Han, is_chinese, is_hangul, is_hiragana, is_katakana};

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
    /// Also the phrases of Japanese, and in Chinese everything between two spaces, punctuation
    /// marks or small words.
    Phrases,
}

/// Chinese words with which a phrase begins: and, with, or.
const BEGINS: &str = "与與和及暨或";
/// Longer words that end with one of them: the Summer Palace is 颐和园, and 参与 is to take part.
const NO_BEGINNING: [&str; 28] = [
    "参与", "參與", "给与", "給與", "以及", "普及", "涉及", "埃及", "波及", "遍及", "抑或", "共和",
    "亲和", "親和", "温和", "溫和", "祥和", "柔和", "平和", "中和", "人和", "总和", "總和", "颐和",
    "頤和", "雍和", "太和", "永和",
];
/// Words that begin with 的, after which a phrase ends otherwise: 的士 is a taxi.
const NO_END: [&str; 4] = ["的士", "的确", "的確", "的地"];
/// Numerals, and what makes one an ordinal.
const NUMERALS: &str = "第〇零一二三四五六七八九十百千万萬两兩";
/// What counts events: 第十二届, the twelfth.
const COUNTERS: &str = "届屆回次期季";

/// The offsets at which a line of `text` must not begin, in bytes.
pub(super) fn kept_whole(text: &str, han: Option<Han>, hold: Hold) -> Vec<usize> {
    let phrases = Phrases::of(text, han);
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
    /// Whether it is Chinese, and not Japanese or Korean.
    is_chinese: bool,
}

impl<'a> Phrases<'a> {
    fn of(text: &'a str, han: Option<Han>) -> Self {
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
            is_chinese: matches!(han, Some(Han::Simplified | Han::Traditional)),
        }
    }

    fn kind(&self, index: usize) -> CharacterKind {
        self.letters
            .get(index)
            .map_or(CharacterKind::Other, |(_, kind)| *kind)
    }

    /// Whether a Chinese phrase ends between the character at `index` and the next one.
    fn parts_chinese(&self, index: usize) -> bool {
        let [one, next] = [index, index + 1].map(|at| self.letters.get(at).map_or("", |it| it.0));
        let both = format!("{one}{next}");
        let counts = COUNTERS.contains(one)
            && (index.checked_sub(1)).is_some_and(|before| self.is_numeral(before));
        (BEGINS.contains(next) && !NO_BEGINNING.contains(&both.as_str()))
            || (one == "的" && !NO_END.contains(&both.as_str()))
            || counts
    }

    fn opens(&self, index: usize) -> bool {
        let next = self.letters.get(index);
        next.is_some_and(|(letter, _)| "“‘「『《〈（(".contains(letter))
    }

    fn is_numeral(&self, index: usize) -> bool {
        self.is_chinese && NUMERALS.contains(self.letters[index].0)
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
            // 暨“弄堂里的声音”.
            (Chinese, Other) if self.is_chinese && BEGINS.contains(self.letters[index].0) => {
                phrases && self.opens(index + 1)
            }
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
            // 第十二届, 一百种声音.
            (Chinese, Chinese) if self.is_numeral(index) => true,
            (Chinese, Chinese) if self.is_chinese && phrases && self.parts_chinese(index) => false,
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

    fn phrases(text: &str, han: Han, hold: Hold) -> String {
        let phrases = Phrases::of(text, Some(han));
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
            let plain = title.replace('/', "");
            assert_eq!(phrases(&plain, Han::Japanese, Hold::Phrases), title);
        }
        assert_eq!(
            phrases("2026年7月18日開催", Han::Japanese, Hold::Phrases),
            "2/0/2/6年7月1/8日/開催/"
        );
    }

    #[test]
    fn the_offsets_of_a_phrase_are_those_of_its_later_characters() {
        assert_eq!(kept_whole("第12回", None, Hold::Words), [3, 5]);
        assert_eq!(kept_whole("서울 국제", None, Hold::Words), [3, 10]);
        assert!(kept_whole("", None, Hold::Words).is_empty());
    }

    #[test]
    fn a_korean_word_is_never_broken() {
        assert_eq!(
            phrases("서울 국제 음악제 2026년", Han::Korean, Hold::Words),
            "서울/ /국제/ /음악제/ /2/0/2/6년/"
        );
    }

    #[test]
    fn a_chinese_line_leaves_no_single_character_beside_punctuation() {
        assert_eq!(
            phrases(
                "第12届城市轨道交通、公共设施研讨会",
                Han::Simplified,
                Hold::Words
            ),
            "第1/2届/城/市/轨/道交通/、/公共/设/施/研讨会/"
        );
    }

    #[test]
    fn a_chinese_title_is_broken_at_its_small_words_and_not_in_a_number() {
        for title in [
            "第十二届/城市轨道交通/、/公共空间/与老街更新国际研讨会/暨“/弄堂里的/一百种声音/”/摄影展/",
            "第十八屆/臺灣歌仔戲/、/布袋戲/與南管音樂節/",
            "颐和园的/春天/和孩子们的/画/",
            "公众参与日/",
            "的士司机合唱团/",
        ] {
            let plain = title.replace('/', "");
            assert_eq!(phrases(&plain, Han::Simplified, Hold::Phrases), title);
        }
        // Not in Japanese, where 和 is a part of names: Yamato, Shōwa.
        let name = phrases("昭和記念公園", Han::Japanese, Hold::Phrases);
        assert_eq!(name, "昭和記念公園/");
        assert_eq!(
            phrases("五十种民间声音艺术展", Han::Simplified, Hold::Words),
            "五十种/民/间/声/音/艺术展/"
        );
    }
}

//! Cleans a text, counts what is lost, and chooses a face for each word. Every character that is
//! left has a face, so a missing glyph cannot occur.

mod drawable;
mod faces;
mod isolates;

use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    fonts::{Face, FaceOrder, Fonts, Han, TypeStyle, group, is_chinese, is_cjk_letter, is_kana},
    loss::Lost,
};

/// The reader of a text, as the event's locale describes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reader<'a> {
    /// The language tag, BCP 47, without extensions.
    pub(crate) tag: &'a str,
    /// The form of Chinese characters that the reader knows. Without it the text decides.
    pub(crate) han: Option<Han>,
    /// Whether the language runs from right to left.
    pub(crate) right_to_left: bool,
    /// Whether the reader expects Arabic letters in Nastaliq.
    pub(crate) nastaliq: bool,
}

impl<'a> Reader<'a> {
    /// The reader of a language. Urdu, Kashmiri and Punjabi in Arabic letters are read in Nastaliq.
    pub(crate) fn of(tag: &'a str, han: Option<Han>, right_to_left: bool) -> Self {
        let has = |subtag: &str| tag.split('-').any(|of| of.eq_ignore_ascii_case(subtag));
        let language = tag.split('-').next().unwrap_or_default();
        let is = |name: &str| language.eq_ignore_ascii_case(name);
        let nastaliq = if is("pa") {
            has("Arab") || has("PK")
        } else {
            let is_in_another_script = tag.split('-').any(|of| of.len() == 4) && !has("Arab");
            (is("ur") || is("ks") || is("pnb") || is("skr")) && !is_in_another_script
        };
        Self {
            tag,
            han,
            right_to_left,
            nastaliq,
        }
    }
}

/// A part of a cleaned text, with the face that covers all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) face: Face,
}

/// A cleaned text.
#[derive(Debug, Clone)]
pub(crate) struct Clean {
    /// The pieces in reading order; neighbours have different faces.
    pub(crate) pieces: Vec<Piece>,
    /// What no face covers.
    pub(crate) lost: Lost,
    /// The regional forms of its Chinese characters, if it holds any letter of Chinese, Japanese or
    /// Korean.
    pub(crate) han: Option<Han>,
    /// The script of most of its letters; `Common` if it has none.
    pub(crate) script: Script,
}

impl Clean {
    /// The whole text.
    pub(crate) fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }

    /// Whether nothing visible is left.
    pub(crate) fn is_blank(&self) -> bool {
        self.pieces.iter().all(|piece| {
            piece
                .text
                .chars()
                .all(|c| c.is_whitespace() || is_joiner(c))
        })
    }

    /// The first `count` user-perceived characters and an ellipsis. The ellipsis has the face of the
    /// last of them if it can: one for Chinese, Japanese or Korean draws it in the middle of the
    /// line. Else it has the face `ellipsis`. An isolate that the cut leaves open is closed.
    pub(crate) fn cut(&self, fonts: &Fonts, count: usize, ellipsis: Face) -> Self {
        let mut left = count;
        let mut pieces: Vec<Piece> = Vec::new();
        for Piece { text, face } in &self.pieces {
            let text: String = text.graphemes(true).take(left).collect();
            left -= text.graphemes(true).count().min(left);
            pieces.push(Piece { text, face: *face });
        }
        while pieces
            .last()
            .is_some_and(|piece| piece.text.trim_end().is_empty())
        {
            pieces.pop();
        }
        if let Some(Piece { text, .. }) = pieces.last_mut() {
            text.truncate(
                text.trim_end_matches(|c: char| {
                    c.is_whitespace() || NOT_BEFORE_ELLIPSIS.contains(c)
                })
                .len(),
            );
        }
        let face = pieces
            .last()
            .map(|piece| piece.face)
            .filter(|face| fonts.covers(*face, '…'))
            .unwrap_or(ellipsis);
        let open = isolates::open(pieces.iter().flat_map(|piece| piece.text.chars()));
        let mut text = isolates::END.to_string().repeat(open);
        text.push('…');
        match pieces.last_mut() {
            Some(last) if last.face == face => last.text.push_str(&text),
            _ => pieces.push(Piece { text, face }),
        }
        Self {
            pieces,
            lost: self.lost.clone(),
            ..*self
        }
    }
}

/// Punctuation that is dropped before an ellipsis.
const NOT_BEFORE_ELLIPSIS: &str = ",.;:–—-、。，．：；・·「『（《〈【،؛";

/// Cleans `text` for `style`: one line, composed, without controls, each word with a face. What no
/// face covers is left out and counted.
pub(crate) fn clean(fonts: &Fonts, style: TypeStyle, reader: &Reader<'_>, text: &str) -> Clean {
    let has_cjk = text.chars().any(is_cjk_letter);
    let (text, lost) = drawable::settled(fonts, text);
    let han = reader.han.unwrap_or_else(|| {
        if has_cjk {
            Han::of_text(fonts, &text)
        } else {
            Han::Simplified
        }
    });
    let order = FaceOrder {
        // Letters and digits beside Chinese characters get the weight of text, which those
        // characters have.
        style: if style.is_display() && outnumber(is_cjk_letter, &text, 2) {
            TypeStyle::Strong
        } else {
            style
        },
        han,
        nastaliq: reader.nastaliq,
        medium: !style.is_display() && text.chars().any(is_of_medium_script),
    };
    let wide = outnumber(|c| is_chinese(c) || is_kana(c), &text, 1);
    Clean {
        pieces: faces::pieces(fonts, order, wide, &text),
        lost,
        han: has_cjk.then_some(han),
        script: script_of_most(&text),
    }
}

/// Whether `text` has more than `times` letters of this kind for each word or number of another
/// kind. `18日` has not.
fn outnumber(is_letter: impl Fn(char) -> bool, text: &str, times: usize) -> bool {
    let words = text
        .split(|c: char| !c.is_alphanumeric() || is_letter(c))
        .filter(|word| !word.is_empty())
        .count();
    text.chars().filter(|c| is_letter(*c)).count() > words * times
}

/// The script that most letters of `text` have; of two with as many letters, the one that begins.
fn script_of_most(text: &str) -> Script {
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for script in text
        .chars()
        .filter(|c| c.is_alphabetic())
        .map(|c| c.script())
    {
        if matches!(script, Script::Common | Script::Inherited | Script::Unknown) {
            continue;
        }
        match counts.iter_mut().find(|(counted, _)| *counted == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(Script::Common, |(script, _)| script)
}

/// Whether `c` is a letter, mark or digit of a script whose face for text is of medium weight: of
/// any but Latin, Greek, Cyrillic, and those of Chinese, Japanese and Korean.
fn is_of_medium_script(c: char) -> bool {
    use Script::{Common, Han, Inherited, Latin, Unknown};
    !matches!(
        group(c.script()),
        Latin | Han | Common | Inherited | Unknown
    )
}

/// Invisible characters that join, separate or direct their neighbours.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}') || is_direction_mark(c) || isolates::is_isolate(c)
}

/// Invisible characters with the direction of a letter.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Whether `face` has all of `text`.
fn is_covered_by(fonts: &Fonts, face: Face, text: &str) -> bool {
    text.chars().all(|c| is_joiner(c) || fonts.covers(face, c))
}

#[cfg(test)]
mod tests;

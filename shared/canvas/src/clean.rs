//! Cleans a text and chooses a face for each character. Every character that is left has a face, so
//! a missing glyph cannot occur.

use unicode_normalization::{
    UnicodeNormalization,
    char::{canonical_combining_class, is_combining_mark},
};
use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::{Face, Fonts, Han, TypeStyle, is_chinese, is_cjk_letter, is_kana};

/// Part of a text that is set in one face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) face: Face,
}

/// The reader of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    /// The language, as a tag of BCP 47.
    pub(crate) tag: &'a str,
    pub(crate) han: Option<Han>,
    pub(crate) right_to_left: bool,
}

/// A cleaned text: each piece with the face that covers all of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clean {
    /// The pieces in reading order; neighbours have different faces.
    pub(crate) pieces: Vec<Piece>,
    /// The number of the text's user-perceived characters that no face covers, even in part.
    pub(crate) lost: usize,
    /// The regional forms of its Chinese characters, if it holds any letter of Chinese, Japanese or
    /// Korean.
    pub(crate) han: Option<Han>,
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

    /// The first `count` user-perceived characters and an ellipsis. If the last of them has a face
    /// for Chinese, Japanese or Korean, the ellipsis has that face, which draws it in the middle of
    /// the line; else it has the face `ellipsis`.
    pub(crate) fn cut(&self, fonts: &Fonts, count: usize, ellipsis: Face) -> Self {
        let mut left = count;
        let mut pieces: Vec<Piece> = Vec::new();
        for Piece { text, face } in &self.pieces {
            let kept: String = text.graphemes(true).take(left).collect();
            left -= kept.graphemes(true).count().min(left);
            pieces.push(Piece {
                text: kept,
                face: *face,
            });
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
        let wide = pieces
            .last()
            .map(|piece| piece.face)
            .filter(|face| face.is_cjk() && fonts.covers(*face, '…'));
        pieces.push(Piece {
            text: "…".to_owned(),
            face: wide.unwrap_or(ellipsis),
        });
        Self { pieces, ..*self }
    }
}

/// Punctuation that is dropped before an ellipsis.
const NOT_BEFORE_ELLIPSIS: &str = ",.;:–—-、。，．：；・·「『（《〈【";

/// The reader of a text and its type style, which decide the faces of its characters.
struct Reading<'a> {
    fonts: &'a Fonts,
    type_style: TypeStyle,
    han: Han,
    /// Whether punctuation that Latin and Chinese share is set as wide as a Chinese character.
    wide: bool,
}

/// Cleans `text` for `type_style`: one line, composed, without controls, each character with a face or
/// left out. `han` is the reader's form of Chinese characters; without it the text decides.
pub(crate) fn clean(
    fonts: &Fonts,
    type_style: TypeStyle,
    reader: &Reader<'_>,
    text: &str,
) -> Clean {
    let has_letters = text.chars().any(is_cjk_letter);
    let reading = Reading {
        fonts,
        // Letters and digits beside Chinese characters get the weight of text, which those
        // characters have.
        type_style: if type_style.is_display() && outnumber(is_cjk_letter, text, 2) {
            TypeStyle::Strong
        } else {
            type_style
        },
        han: reader.han.unwrap_or_else(|| {
            if has_letters {
                Han::of_text(fonts, text)
            } else {
                Han::Simplified
            }
        }),
        wide: outnumber(|c| is_chinese(c) || is_kana(c), text, 1),
    };
    let mut cleaned = clean_once(&reading, text);
    // Leaving a character out can join its neighbours into one character, and a piece must not end
    // inside a character. So the text is cleaned again until it no longer changes.
    for _ in 0..3 {
        let again = clean_once(&reading, &cleaned.text());
        let settled = again.pieces == cleaned.pieces;
        cleaned = Clean {
            lost: cleaned.lost + again.lost,
            ..again
        };
        if settled {
            break;
        }
    }
    cleaned.han = has_letters.then_some(reading.han);
    cleaned
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

fn clean_once(reading: &Reading<'_>, text: &str) -> Clean {
    let fonts = reading.fonts;
    let mut out = Clean::default();
    let mut space_due = None;
    let mut mark_due = String::new();
    let composed: String = text
        .nfc()
        .map(|c| if is_line_break(c) { ' ' } else { plain(c) })
        .filter(|c| !is_left_out(*c))
        .collect();
    for (offset, cluster) in composed.grapheme_indices(true) {
        if cluster.chars().all(char::is_whitespace) {
            // A run of spaces becomes one space. It is a no-break space only if the whole run is.
            let space = if cluster == "\u{a0}" { '\u{a0}' } else { ' ' };
            space_due = Some(if space_due.is_some_and(|due| due != space) {
                ' '
            } else {
                space
            });
            continue;
        }
        if matches!(cluster, "\u{200e}" | "\u{200f}") {
            // A direction mark is invisible; it is set with the next character.
            cluster.clone_into(&mut mark_due);
            continue;
        }
        let Some(wanted) = tidy(cluster) else {
            continue;
        };
        let before = last_face(&out);
        let before = match shared_width(
            reading,
            cluster,
            &composed[..offset],
            &composed[offset + cluster.len()..],
        ) {
            Some(Width::Chinese) => Some(reading.han.faces()[0]),
            Some(Width::Latin) => before.filter(|face| !face.is_cjk()),
            None => before,
        };
        let Some((drawn, face)) = find_face(reading, &wanted, before) else {
            out.lost += 1;
            continue;
        };
        if let Some(space) = space_due.take().filter(|_| !out.pieces.is_empty()) {
            push_space(fonts, &mut out, space, face);
        }
        push(&mut out, &std::mem::take(&mut mark_due), face);
        push(&mut out, &drawn, face);
    }
    out
}

/// The width of punctuation that Latin and Chinese share.
enum Width {
    Latin,
    Chinese,
}

/// The width of such a punctuation mark; `None` for any other cluster. Between two Latin words it
/// is the Latin width, whatever the rest of the text is.
fn shared_width(reading: &Reading<'_>, cluster: &str, before: &str, after: &str) -> Option<Width> {
    if !matches!(cluster, "·" | "×" | "—" | "―" | "‘" | "’" | "“" | "”" | "…") {
        return None;
    }
    let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_cjk_letter(c));
    let between_words =
        is_latin(before.trim_end().chars().last()) && is_latin(after.trim_start().chars().next());
    Some(if reading.wide && !between_words {
        Width::Chinese
    } else {
        Width::Latin
    })
}

/// The plain form of a wide letter or digit, which was made for screens with fixed columns.
fn plain(c: char) -> char {
    match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => {
            char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)
        }
        _ => c,
    }
}

/// Breaks and tabs count as spaces, because a text is set as one paragraph.
fn is_line_break(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn last_face(clean: &Clean) -> Option<Face> {
    clean.pieces.last().map(|piece| piece.face)
}

fn push(out: &mut Clean, text: &str, face: Face) {
    if text.is_empty() {
        return;
    }
    match out.pieces.last_mut() {
        Some(piece) if piece.face == face => piece.text.push_str(text),
        _ => out.pieces.push(Piece {
            text: text.to_owned(),
            face,
        }),
    }
}

/// Sets a space in the face of the word before it, or, after an emoji, of the word that follows: an
/// emoji's space is far too wide.
fn push_space(fonts: &Fonts, out: &mut Clean, space: char, next: Face) {
    let before = last_face(out).unwrap_or(next);
    let face = [before, next, Face::InterRegular]
        .into_iter()
        .find(|face| *face != Face::NotoEmoji && fonts.covers(*face, space))
        .unwrap_or(before);
    push(out, space.encode_utf8(&mut [0; 4]), face);
}

/// Invisible characters that join or separate their neighbours.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}')
}

/// Characters left out of every text: controls, marks that override the direction, and variation
/// selectors and skin tones, which an emoji of one colour cannot show.
fn is_left_out(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x34f | 0x488..=0x489 | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b | 0x2028..=0x202e
            | 0x2060..=0x206f | 0x20dd..=0x20e2 | 0x20e4 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xffff | 0x1d173..=0x1d17a
            | 0x1f3fb..=0x1f3ff | 0xe0100..=0xe0fff)
}

/// The drawable part of a cluster; `None` if there is none. The number of marks is limited to what
/// a language stacks, because a tower of marks would leave its area.
fn tidy(cluster: &str) -> Option<String> {
    let (mut above, mut around) = (0, 0);
    let kept: String = cluster
        .trim_start_matches(is_joiner)
        .chars()
        .filter(|c| match canonical_combining_class(*c) {
            200.. => {
                above += 1;
                above <= 2
            }
            8 | 10..200 => {
                around += 1;
                around <= 3
            }
            _ => true,
        })
        .take(24)
        .collect();
    // A lone zero-width joiner, or a mark without a base, is dropped.
    let begins_with_mark = kept.chars().next().is_some_and(is_combining_mark);
    (!begins_with_mark && kept.chars().any(|c| !is_joiner(c) && !c.is_whitespace())).then_some(kept)
}

/// The face for a cluster and the characters to draw: the cluster as it is, else its compatible
/// form (𝗕𝗼𝗹𝗱 letters become plain letters), else without the marks that the face of its first
/// character lacks.
fn find_face(reading: &Reading<'_>, cluster: &str, before: Option<Face>) -> Option<(String, Face)> {
    let Reading {
        fonts,
        type_style,
        han,
        ..
    } = reading;
    let order = || {
        // Punctuation and digits take the face of the word before them, if it covers them; a keycap
        // is an emoji.
        let first = cluster.chars().next();
        let neutral = first.is_some_and(|c| !c.is_alphabetic());
        let keycap = cluster.contains('\u{20e3}').then_some(Face::NotoEmoji);
        let carried = before.filter(|face| neutral && *face != Face::NotoEmoji);
        keycap
            .into_iter()
            .chain(carried)
            .chain(type_style.faces().iter().copied())
            .chain(han.faces())
    };
    let whole = |text: &str| {
        order().find(|face| {
            !text.is_empty() && text.chars().all(|c| is_joiner(c) || fonts.covers(*face, c))
        })
    };
    if let Some(face) = whole(cluster) {
        return Some((cluster.to_owned(), face));
    }
    let compatible: String = cluster.nfkc().filter(|c| !is_left_out(*c)).collect();
    if compatible.chars().any(|c| !c.is_whitespace())
        && let Some(face) = whole(&compatible)
    {
        return Some((compatible, face));
    }
    let base = cluster.nfd().next()?;
    let face = order().find(|face| fonts.covers(*face, base))?;
    let kept = cluster
        .nfd()
        .filter(|c| fonts.covers(face, *c))
        .nfc()
        .collect::<String>();
    // Composing again may give a character that the face lacks.
    let kept = if kept.chars().all(|c| fonts.covers(face, c)) {
        kept
    } else {
        base.to_string()
    };
    Some((kept, face))
}

#[cfg(test)]
mod tests;

//! What of a text some face can draw, and what is lost.

use unicode_normalization::{
    UnicodeNormalization,
    char::{canonical_combining_class, is_combining_mark},
};
use unicode_segmentation::UnicodeSegmentation;

use super::{is_covered_by, is_direction_mark, is_joiner, isolates};
use crate::{
    fonts::{Face, Fonts},
    loss::Lost,
};

/// The drawable form of `text`, and what it lost. Every user-perceived character of it is covered
/// by a face.
pub(super) fn settled(fonts: &Fonts, text: &str) -> (String, Lost) {
    let (mut text, mut lost) = drawable(fonts, text);
    // Leaving a character out can join its neighbours into one character. So the text is cleaned
    // again until it no longer changes, which takes two rounds even for most hostile texts.
    for _ in 0..8 {
        let (again, more) = drawable(fonts, &text);
        let is_settled = again == text;
        text = again;
        lost.also(&more);
        if is_settled {
            break;
        }
    }
    (text, lost)
}

/// A text while it is written.
#[derive(Default)]
struct Line {
    text: String,
    /// The space before the next visible character.
    space: Option<char>,
    /// The direction mark and the beginnings of isolates before the next visible character.
    marks: String,
    /// Whether the space is only for a currency's code, and only if a letter or digit follows.
    after_code: bool,
}

impl Line {
    /// A run of spaces becomes one space. It is a no-break space only if the whole run is.
    fn space(&mut self, space: char) {
        let due = self.space.filter(|_| !self.after_code);
        self.after_code = false;
        self.space = Some(if due.is_some_and(|due| due != space) {
            ' '
        } else {
            space
        });
    }

    /// A direction mark or a border of an isolate. They are invisible.
    fn mark(&mut self, mark: char) {
        if is_direction_mark(mark) {
            // One mark directs as well as ten.
            self.marks.retain(|c| !is_direction_mark(c));
            self.marks.push(mark);
        } else if isolates::is_start(mark) {
            self.marks.push(mark);
        } else if let Some(start) = self.marks.rfind(isolates::is_start) {
            // Nothing of the isolate is visible.
            self.marks.truncate(start);
        } else {
            self.text.push(mark);
        }
    }

    fn visible(&mut self, character: &str) {
        let begins_word = character.chars().next().is_some_and(char::is_alphanumeric);
        let is_due = !self.text.is_empty() && (begins_word || !self.after_code);
        self.text.extend(self.space.take().filter(|_| is_due));
        self.after_code = false;
        self.text.push_str(&std::mem::take(&mut self.marks));
        self.text.push_str(character);
    }

    /// The code of a currency in place of its sign, apart from the number beside it.
    fn code(&mut self, code: &str) {
        if self.text.ends_with(char::is_alphanumeric) {
            self.space.get_or_insert('\u{a0}');
        }
        self.visible(code);
        self.space = Some('\u{a0}');
        self.after_code = true;
    }

    fn finish(mut self) -> String {
        if !self.text.is_empty() {
            self.text.push_str(&self.marks);
        }
        self.text
    }
}

fn drawable(fonts: &Fonts, text: &str) -> (String, Lost) {
    let (mut line, mut lost) = (Line::default(), Lost::default());
    let composed: String = isolates::balanced(text)
        .nfc()
        .map(|c| if is_line_break(c) { ' ' } else { plain(c) })
        .filter(|c| !is_left_out(*c))
        .collect();
    for cluster in composed.graphemes(true) {
        if cluster.chars().all(char::is_whitespace) {
            line.space(if cluster == "\u{a0}" { '\u{a0}' } else { ' ' });
            continue;
        }
        if cluster
            .chars()
            .all(|c| is_direction_mark(c) || isolates::is_isolate(c))
        {
            cluster.chars().for_each(|c| line.mark(c));
            continue;
        }
        let Some(wanted) = tidy(cluster) else {
            continue;
        };
        match drawn(fonts, &wanted) {
            Some(Drawn::Whole(drawn)) => {
                lost.count(&wanted, true);
                line.visible(&drawn);
            }
            Some(Drawn::WithoutMarks(drawn)) => {
                lost.count(&wanted, true);
                lost.count_mark();
                line.visible(&drawn);
            }
            None => match currency_code(&wanted) {
                Some(code) => line.code(code),
                None => lost.count(&wanted, false),
            },
        }
    }
    (line.finish(), lost)
}

/// The code of a currency (ISO 4217) whose sign no face has yet: the Saudi riyal's came with Unicode
/// 17.
fn currency_code(sign: &str) -> Option<&'static str> {
    (sign == "\u{20c1}").then_some("SAR")
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

/// Characters left out of every text: controls, marks that override the direction, and variation
/// selectors and skin tones, which an emoji of one colour cannot show.
fn is_left_out(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x34f | 0x488..=0x489 | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
            | 0x200b | 0x2028..=0x202e | 0x2060..=0x2065 | 0x206a..=0x206f | 0x20dd..=0x20e2
            | 0x20e4 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xffff
            | 0x1d173..=0x1d17a | 0x1f3fb..=0x1f3ff | 0xe0100..=0xe0fff)
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
    let begins_with_mark = kept
        .chars()
        .next()
        .is_some_and(|c| is_combining_mark(c) && !is_of_its_own(c));
    (!begins_with_mark && kept.chars().any(|c| !is_joiner(c) && !c.is_whitespace())).then_some(kept)
}

/// Whether a mark is a user-perceived character of its own after its letter: vowels and tones of
/// Burmese, Shan and others (the exceptions in the table of `SpacingMark`,
/// <https://www.unicode.org/reports/tr29/>).
fn is_of_its_own(c: char) -> bool {
    matches!(u32::from(c), 0x102b..=0x102c | 0x1038 | 0x1062..=0x1064 | 0x1067..=0x106d | 0x1083
        | 0x1087..=0x108c | 0x108f | 0x109a..=0x109c | 0xaa7b | 0xaa7d)
}

/// Whether `c` is one user-perceived character with any character that follows it: the signs of
/// Arabic and Syriac numbers, and a Malayalam r.
fn is_prepended(c: char) -> bool {
    matches!(u32::from(c), 0x600..=0x605 | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0xd4e)
}

/// What can be drawn of a character.
enum Drawn {
    Whole(String),
    WithoutMarks(String),
}

/// The characters to draw: the cluster as it is, else its compatible form (𝗕𝗼𝗹𝗱 letters become
/// plain letters), else without a sign before it, else without the marks that the face of its first
/// character lacks.
fn drawn(fonts: &Fonts, cluster: &str) -> Option<Drawn> {
    if is_covered(fonts, cluster) {
        return Some(Drawn::Whole(cluster.to_owned()));
    }
    let compatible: String = cluster.nfkc().filter(|c| !is_left_out(*c)).collect();
    if compatible.chars().any(|c| !c.is_whitespace())
        && compatible
            .graphemes(true)
            .all(|part| is_covered(fonts, part))
    {
        return Some(Drawn::Whole(compatible));
    }
    let bare = cluster.trim_start_matches(is_prepended);
    if !bare.is_empty() && bare.len() < cluster.len() {
        return drawn(fonts, bare).map(|bare| match bare {
            Drawn::Whole(bare) | Drawn::WithoutMarks(bare) => Drawn::WithoutMarks(bare),
        });
    }
    let base = cluster.nfd().next()?;
    let with_marks = |face: Face| -> String {
        let kept: String = cluster
            .nfd()
            .filter(|c| is_joiner(*c) || fonts.covers(face, *c))
            .nfc()
            .collect();
        // Composing again may give a character that the face lacks.
        if is_covered_by(fonts, face, &kept) {
            kept
        } else {
            base.to_string()
        }
    };
    Face::all()
        .filter(|face| fonts.covers(*face, base))
        .map(with_marks)
        .reduce(|most, other| {
            if other.len() > most.len() {
                other
            } else {
                most
            }
        })
        .map(Drawn::WithoutMarks)
}

/// Whether one face has the whole cluster.
fn is_covered(fonts: &Fonts, cluster: &str) -> bool {
    is_covered_by(fonts, Face::INTER, cluster)
        || Face::all().any(|face| is_covered_by(fonts, face, cluster))
}

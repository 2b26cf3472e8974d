//! Text of other parties where a person or a model reads it: nothing in it is hidden, and nothing
//! in it steers what shows it.

/// `text` as a part of a line on a terminal or in a log. What a terminal would obey and what a
/// reader would not see is escaped, like `\n` or `\u{202e}`: control characters, ends of lines and
/// paragraphs, marks of direction, and other characters without a form of their own. A joiner or a
/// variation selector stays where a script or an emoji needs it.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for (c, is_shown) in shown(text) {
        match is_shown {
            true => said.push(c),
            false => said.extend(c.escape_default()),
        }
    }
    said
}

/// The characters of `text`, each with whether [`printable`] leaves it as it is.
pub fn shown(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    text.chars().map(move |c| {
        let is_shown = !c.is_control() && !is_hidden(before, c);
        before = is_shown.then_some(c);
        (c, is_shown)
    })
}

/// Whether `c` is invisible, or changes how others are shown, and what is shown `before` it does
/// not need it.
fn is_hidden(before: Option<char>, c: char) -> bool {
    let is_needed = |needs: fn(char) -> bool| before.is_some_and(needs);
    match c {
        '\u{200c}' | '\u{200d}' => !is_needed(takes_joiner),
        '\u{fe0e}' | '\u{fe0f}' => !is_needed(has_presentations),
        '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}' => !is_needed(has_variants),
        '\u{180b}'..='\u{180f}' => !is_needed(is_mongolian),
        _ => is_ignorable(c),
    }
}

/// Unicode's Default_Ignorable_Code_Point, which has all marks of direction, with the separators of
/// lines and paragraphs and the marks of annotations.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a joiner or a non-joiner may follow: a letter or sign of Arabic, of a script of India or
/// of a later block, or an emoji.
fn takes_joiner(c: char) -> bool {
    c == '\u{fe0f}' || (c >= '\u{600}' && !is_ignorable(c))
}

/// Whether a selector of the form as text or as an emoji may follow.
fn has_presentations(c: char) -> bool {
    matches!(c, '#' | '*' | '0'..='9' | '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}'
        | '\u{2100}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a selector of a variant may follow: a Chinese character, or a letter of Myanmar.
fn has_variants(c: char) -> bool {
    matches!(c, '\u{1000}'..='\u{109f}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{18aa}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_a_reader_does_not_see_is_escaped() {
        for (text, expected) in [
            // The title of the window, the clipboard, and a C1 introducer.
            ("\u{1b}]0;owned\u{7}", r"\u{1b}]0;owned\u{7}"),
            (
                "\u{1b}]52;c;cm0gLXJm\u{1b}\\",
                r"\u{1b}]52;c;cm0gLXJm\u{1b}\",
            ),
            ("\u{9b}2J\r\n\tx\u{7f}", r"\u{9b}2J\r\n\tx\u{7f}"),
            // Direction.
            (
                "a\u{202e}b\u{2066}c\u{200f}d\u{61c}",
                r"a\u{202e}b\u{2066}c\u{200f}d\u{61c}",
            ),
            // Lines and paragraphs.
            ("a\u{2028}b\u{2029}", r"a\u{2028}b\u{2029}"),
            // Nothing to see: a soft hyphen, a space of no width, a byte order mark, a tag.
            ("a\u{ad}b\u{200b}c\u{feff}", r"a\u{ad}b\u{200b}c\u{feff}"),
            ("ok\u{e0069}\u{e007f}", r"ok\u{e0069}\u{e007f}"),
            // Joiners and selectors that nothing needs, and runs of them, which could spell a text.
            ("a\u{200d}b\u{fe0f}", r"a\u{200d}b\u{fe0f}"),
            ("🏮\u{fe0f}\u{fe0e}\u{fe01}", "🏮\u{fe0f}\\u{fe0e}\\u{fe01}"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn every_script_and_emoji_stays_as_it_is() {
        for text in [
            "Lanterns on the Lake, naïve café, ½ €",
            "झील पर दीपों की शाम 🏮",
            "क्\u{200d}ष और न\u{94d}\u{200d}",
            "ليلة الفوانيس على البحيرة",
            "می\u{200c}خواهم",
            "葛\u{e0100}飾区 神\u{fe00}",
            "1\u{fe0f}\u{20e3} ❤\u{fe0f}\u{200d}🔥 👨\u{200d}👩\u{200d}👧 ©\u{fe0f}",
        ] {
            assert_eq!(printable(text), text);
        }
    }
}

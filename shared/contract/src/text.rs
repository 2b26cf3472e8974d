//! Text and identifiers as they arrive from other teams: bounded, and never blank.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

/// Text for people to read: trimmed, not blank, at most `MAX` characters (Unicode scalar values),
/// no control characters but line breaks and tabs. A clone is the same text, not a copy: an event's
/// goes into its entity, each job and each event told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(Arc<str>);

impl<const MAX: usize> Text<MAX> {
    /// Takes `text` if it is what the type says.
    ///
    /// # Errors
    /// A [`TextError`] that says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Blank);
        }
        within(text, MAX)?;
        match control(text, &['\n', '\r', '\t']) {
            Some(found) => Err(TextError::Control { found }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Serialize for Text<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(Self::parse))
    }
}

/// Whether `text` has at most `most` characters. It has no more of them than bytes, so most are not
/// counted.
fn within(text: &str, most: usize) -> Result<(), TextError> {
    if text.len() <= most {
        return Ok(());
    }
    let length = text.chars().count();
    if length > most {
        Err(TextError::TooLong { length, most })
    } else {
        Ok(())
    }
}

/// The first control character of `text` but those that are `allowed`.
fn control(text: &str, allowed: &[char]) -> Option<char> {
    // All bytes at once, for most texts have none: ASCII's controls, and 0xC2, with which those
    // from U+0080 to U+009F begin.
    let suspicious = text.bytes().fold(false, |found, byte| {
        found | (byte < b' ') | (byte == 0x7f) | (byte == 0xc2)
    });
    if !suspicious {
        return None;
    }
    text.chars()
        .find(|c| c.is_control() && !allowed.contains(c))
}

/// Takes a string from where it stands, without a copy of its own in between.
pub(crate) struct Parsed<T, E>(pub(crate) fn(&str) -> Result<T, E>);

impl<T, E: fmt::Display> Visitor<'_> for Parsed<T, E> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<F: de::Error>(self, text: &str) -> Result<T, F> {
        (self.0)(text).map_err(F::custom)
    }
}

/// Why some text is not a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Empty, or white space only.
    #[error("it is blank")]
    Blank,
    /// More characters than the field holds.
    #[error("it has {length} characters; at most {most} are allowed")]
    TooLong {
        /// How many it has.
        length: usize,
        /// How many the field holds.
        most: usize,
    },
    /// A control character that nobody can read.
    #[error("it holds the control character U+{:04X}", u32::from(*.found))]
    Control {
        /// The first one found.
        found: char,
    },
}

/// The longest that is said of something that is refused, in characters; what was cut ends in an
/// ellipsis more.
const LONGEST_SENTENCE: usize = 1000;

/// `text`, which may quote what somebody sent, as a sentence that anybody may look at in a log or a
/// terminal: of bounded length, and what would steer a terminal or turn the direction of what
/// follows is written as `\u{202e}`.
#[must_use]
pub fn readable(text: &str) -> String {
    let mut said = String::with_capacity(text.len().min(LONGEST_SENTENCE));
    let mut length = 0;
    for c in text.chars() {
        let escaped = steers(c).then(|| c.escape_unicode());
        length += escaped.as_ref().map_or(1, ExactSizeIterator::len);
        if length > LONGEST_SENTENCE {
            said.push('…');
            break;
        }
        match escaped {
            Some(escaped) => said.extend(escaped),
            None => said.push(c),
        }
    }
    said
}

/// Controls, and marks that turn the direction of text or part its lines.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An identifier that another service chose: 1 to 256 characters, not blank, none of them a control
/// character; opaque to the studio. A clone is the same identifier, not a copy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(Arc<str>);

impl Identifier {
    /// Takes `id` as it is: an identifier is compared, never tidied.
    ///
    /// # Errors
    /// A [`TextError`] that says which rule it breaks.
    pub fn parse(id: &str) -> Result<Self, TextError> {
        const MOST: usize = 256;
        if id.trim().is_empty() {
            return Err(TextError::Blank);
        }
        within(id, MOST)?;
        match control(id, &[]) {
            Some(found) => Err(TextError::Control { found }),
            None => Ok(Self(id.into())),
        }
    }

    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(Self::parse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_hostile_text_steers_no_terminal_and_has_an_end() {
        assert_eq!(
            readable("`\u{1b}[2J\u{202e}cod.exe` is no name"),
            r"`\u{1b}[2J\u{202e}cod.exe` is no name"
        );
        assert_eq!(readable("शाम, مساء"), "शाम, مساء");
        let long = readable(&"\u{202e}x".repeat(100_000));
        assert!(long.chars().count() <= LONGEST_SENTENCE + 1 && long.ends_with('…'));
        assert_eq!(readable(&long), long);
    }
}

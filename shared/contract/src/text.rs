//! Text and identifiers from other teams: of bounded length, and never blank.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

use crate::printable::shown;

/// Text for people to read: trimmed, not blank, at most `MAX` characters (Unicode scalar values),
/// without control characters other than line breaks and tabs. A clone shares the text instead of
/// copying it, because one event's text goes into its entity, its jobs and its outbound events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(Arc<str>);

impl<const MAX: usize> Text<MAX> {
    /// Trims `text` and checks it against the type's rules.
    ///
    /// # Errors
    /// A [`TextError`] that names the broken rule.
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

/// Checks that `text` has at most `most` characters. A string has no more characters than bytes, so
/// short texts are accepted without counting.
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

/// The first control character of `text` that is not in `allowed`.
fn control(text: &str, allowed: &[char]) -> Option<char> {
    // A quick scan of the bytes, because most texts have no control characters: it looks for ASCII
    // controls and for 0xC2, the first byte of U+0080 to U+009F.
    let suspicious = text.bytes().fold(false, |found, byte| {
        found | (byte < b' ') | (byte == 0x7f) | (byte == 0xc2)
    });
    if !suspicious {
        return None;
    }
    text.chars()
        .find(|c| c.is_control() && !allowed.contains(c))
}

/// Deserializes by parsing the borrowed string, without an intermediate copy.
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

/// Text that is not a [`Text`] or an [`Identifier`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Empty or only white space.
    #[error("it is blank")]
    Blank,
    /// More characters than the field allows.
    #[error("it has {length} characters; at most {most} are allowed")]
    TooLong {
        /// Its length in characters.
        length: usize,
        /// The most characters that the field allows.
        most: usize,
    },
    /// A control character.
    #[error("it holds the control character U+{:04X}", u32::from(*.found))]
    Control {
        /// The first one found.
        found: char,
    },
}

/// The longest text that [`readable`] returns, in characters, without the ellipsis that marks a
/// cut.
const LONGEST_SENTENCE: usize = 1000;

/// `text`, which may quote untrusted input, in a form that is safe to show in a log or terminal.
/// Its length is bounded, and what [`printable`](crate::printable()) would escape is escaped, each
/// as its number, like `\u{202e}`.
#[must_use]
pub fn readable(text: &str) -> String {
    let mut said = String::with_capacity(text.len().min(LONGEST_SENTENCE));
    let mut length = 0;
    for (c, is_shown) in shown(text) {
        let escaped = (!is_shown).then(|| c.escape_unicode());
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

/// An identifier that another service chose: 1 to 256 characters, not blank, without control
/// characters; opaque to the studio. A clone shares the text instead of copying it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(Arc<str>);

impl Identifier {
    /// Checks `id` and takes it unchanged: identifiers are compared, so they are never trimmed.
    ///
    /// # Errors
    /// A [`TextError`] that names the broken rule.
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
    fn readable_escapes_hostile_text_and_bounds_its_length() {
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

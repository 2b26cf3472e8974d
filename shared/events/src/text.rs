//! Text and identifiers as they arrive from other teams: bounded, and never blank.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// Text for people to read: trimmed, not blank, at most `MAX` characters (Unicode scalar values), no control characters
/// but line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

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
        let length = text.chars().count();
        if length > MAX {
            return Err(TextError::TooLong { length, most: MAX });
        }
        match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            Some(found) => Err(TextError::Control { found }),
            None => Ok(Self(text.to_owned())),
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

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
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

/// An identifier that another service chose: 1 to 256 characters, not blank, none of them a control character; opaque to the studio.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Identifier(String);

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
        let length = id.chars().count();
        if length > MOST {
            return Err(TextError::TooLong { length, most: MOST });
        }
        match id.chars().find(|c| c.is_control()) {
            Some(found) => Err(TextError::Control { found }),
            None => Ok(Self(id.to_owned())),
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

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

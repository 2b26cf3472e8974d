//! What a picture shows of what it was asked to show, and what it does not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a picture shows of its job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shows {
    /// The words that are drawn, in reading order and in the content's language, for a person who does
    /// not see the picture: at most 1,000 characters. It is text of the tenant. An asset of an earlier
    /// version of the code has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
    /// What there is no font for; each field once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undrawn: Vec<Undrawn>,
    /// What of the brand is shown otherwise than it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjusted: Vec<Adjusted>,
}

/// What of a field is not drawn, because the studio has no font for it. A field most of whose letters
/// are not drawn is left out as a whole, with what would stand before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Undrawn {
    /// The path of the field in the configuration, such as `venue.name`.
    pub field: String,
    /// The number of user-perceived characters that are not drawn; at least 1.
    pub characters: u32,
    /// The English names of at most 3 of their scripts, sorted; empty for symbols, which belong to
    /// no script.
    pub scripts: Vec<String>,
}

/// `venue.name, 5 characters (Tamil)`.
impl fmt::Display for Undrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field, characters, ..
        } = self;
        let plural = if *characters == 1 { "" } else { "s" };
        write!(f, "{field}, {characters} character{plural}")?;
        if !self.scripts.is_empty() {
            write!(f, " ({})", self.scripts.join(", "))?;
        }
        Ok(())
    }
}

/// A part of the brand that is shown otherwise than it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adjusted {
    /// The path of the field in the configuration, such as `brand.logo`.
    pub field: String,
    /// What was done: `left-out` or `moved`. More may come.
    pub what: String,
    /// Why, in words for the brand's owner.
    pub reason: String,
}

/// `brand.logo left-out: it has 1 × 1 pixels`.
impl fmt::Display for Adjusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.field, self.what, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undrawn(characters: u32, scripts: &[&str]) -> Undrawn {
        Undrawn {
            field: "venue.name".to_owned(),
            characters,
            scripts: scripts.iter().map(|&script| script.to_owned()).collect(),
        }
    }

    #[test]
    fn a_loss_is_said_with_its_number_and_its_scripts() {
        for (undrawn, said) in [
            (undrawn(5, &["Tamil"]), "venue.name, 5 characters (Tamil)"),
            (undrawn(1, &[]), "venue.name, 1 character"),
            (
                undrawn(12, &["Tamil", "Tibetan"]),
                "venue.name, 12 characters (Tamil, Tibetan)",
            ),
        ] {
            assert_eq!(undrawn.to_string(), said);
        }
    }
}

//! What a picture does not show of its facts: letters that no face covers, and what was left out or
//! moved on purpose.

use std::collections::BTreeSet;

use unicode_script::{Script, UnicodeScript};

/// A fact that a picture shows, or a part of its brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The title.
    Title,
    /// The description.
    Description,
    /// The organizer.
    Organizer,
    /// The venue's name.
    VenueName,
    /// The venue's street.
    VenueAddress,
    /// The venue's city.
    VenueCity,
    /// The text above the title.
    Label,
    /// The call to action.
    CallToAction,
    /// The brand's logo.
    Logo,
    /// The brand's primary colour.
    PrimaryColor,
    /// The brand's accent colour.
    AccentColor,
}

impl Field {
    /// The field's path in a configuration, as the contract writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Organizer => "organizer",
            Self::VenueName => "venue.name",
            Self::VenueAddress => "venue.address",
            Self::VenueCity => "venue.city",
            Self::Label => "label",
            Self::CallToAction => "callToAction",
            Self::Logo => "brand.logo",
            Self::PrimaryColor => "brand.primaryColor",
            Self::AccentColor => "brand.accentColor",
        }
    }

    /// The field that a text with this role in a picture shows, the first if it joins several. `None`
    /// for dates and fixed words.
    pub(crate) fn of_role(role: &str) -> Option<Self> {
        match role {
            "title" => Some(Self::Title),
            "description" => Some(Self::Description),
            "organizer" => Some(Self::Organizer),
            "venue" => Some(Self::VenueName),
            "address" => Some(Self::VenueAddress),
            "label" => Some(Self::Label),
            "button" => Some(Self::CallToAction),
            _ => None,
        }
    }
}

/// What of a text has no face, in user-perceived characters: a letter is one with its marks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    /// The letters that no face covers, even in part.
    pub letters: u32,
    /// All letters of the text. Digits, punctuation and symbols are none.
    pub of: u32,
    /// What else no face covers: symbols, digits, punctuation, and letters drawn without one of their
    /// marks.
    pub signs: u32,
    /// The scripts of what is lost, by the names of <https://www.unicode.org/reports/tr24/>, in
    /// which `_` stands for a space. A sign that is common to all scripts has none.
    pub scripts: BTreeSet<&'static str>,
}

impl Lost {
    /// Counts a user-perceived character of the text.
    pub(crate) fn count(&mut self, cluster: &str, is_drawn: bool) {
        let is_letter = cluster.chars().any(char::is_alphabetic);
        if is_letter {
            self.of += 1;
        }
        if is_drawn {
            return;
        }
        if is_letter {
            self.letters += 1;
        } else {
            self.signs += 1;
        }
        let scripts = cluster.chars().map(|c| c.script());
        let named = scripts.filter(|script| {
            !matches!(script, Script::Common | Script::Inherited | Script::Unknown)
        });
        self.scripts.extend(named.map(Script::full_name));
    }

    /// Counts that a letter is drawn without one of its marks.
    pub(crate) fn count_mark(&mut self) {
        self.signs += 1;
    }

    /// Adds what a second cleaning of the same text lost.
    pub(crate) fn also(&mut self, again: &Self) {
        self.letters += again.letters;
        self.signs += again.signs;
        self.scripts.extend(&again.scripts);
    }

    /// All that is lost.
    #[must_use]
    pub fn characters(&self) -> u32 {
        self.letters + self.signs
    }

    /// Whether most of the letters are lost. What is left of the text then says something else.
    #[must_use]
    pub fn is_most(&self) -> bool {
        self.letters * 2 > self.of
    }

    /// The names of the scripts, as a person writes them.
    #[must_use]
    pub fn script_names(&self) -> Vec<String> {
        let names = self.scripts.iter();
        names.map(|name| name.replace('_', " ")).collect()
    }
}

/// Something of the brand that a picture shows otherwise than it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// What it is about.
    pub field: Field,
    /// What was done.
    pub change: Change,
    /// Why, in words for the brand's owner that continue `because`.
    pub reason: String,
}

/// What was done to a part of the brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is not shown.
    LeftOut,
    /// It was moved: a colour within its hue.
    Moved,
}

impl Change {
    /// The change as the contract writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeftOut => "left-out",
            Self::Moved => "moved",
        }
    }
}

/// Names in a sentence; of more than three the first three, so that the sentence stays short.
pub(crate) fn joined(names: &[String]) -> String {
    match names {
        [some @ .., _] if some.len() > 2 => format!("{} and other", some[..3].join(", ")),
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        names => names.concat(),
    }
}

/// The sentence about a title that cannot be set: `lost` of its `of` letters are in `script`.
pub(crate) fn of_title(script: &str, lost: u32, of: u32) -> String {
    match (of, script) {
        (0, _) => "the title has no character that can be drawn".to_owned(),
        (_, "") => format!(
            "{lost} of the title's {of} characters are signs for which the studio has no font"
        ),
        _ => format!(
            "{lost} of the title's {of} letters are in {script} script, for which the studio has no font"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(clusters: &[(&str, bool)]) -> Lost {
        let mut lost = Lost::default();
        for (cluster, is_drawn) in clusters {
            lost.count(cluster, *is_drawn);
        }
        lost
    }

    #[test]
    fn digits_and_punctuation_do_not_outweigh_lost_letters() {
        let drawn = ["2", "0", "2", "6", "!"].map(|sign| (sign, true));
        let title = lost(&[&[("பொ", false), ("ங்", false)], &drawn[..]].concat());
        assert_eq!((title.letters, title.of, title.signs), (2, 2, 0));
        assert!(title.is_most());
        assert_eq!(title.script_names(), ["Tamil"]);
    }

    #[test]
    fn half_of_the_letters_are_not_most_and_none_are_not_either() {
        assert!(!lost(&[("ሰ", false), ("a", true)]).is_most());
        assert!(lost(&[("ሰ", false), ("ላ", false), ("a", true)]).is_most());
        assert!(!lost(&[("7", true)]).is_most());
        assert!(!Lost::default().is_most());
    }

    #[test]
    fn a_lost_sign_is_told_and_no_letter() {
        let price = lost(&[("\u{20c1}", false), ("2", true), ("5", true)]);
        assert_eq!((price.characters(), price.is_most()), (1, false));
        assert_eq!(price.script_names(), [""; 0]);
    }

    #[test]
    fn a_script_of_two_words_is_written_as_two_words() {
        assert_eq!(lost(&[("ᱚ", false)]).script_names(), ["Ol Chiki"]);
    }

    #[test]
    fn a_sentence_names_at_most_three_scripts() {
        let joined_of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            joined(&names)
        };
        assert_eq!(joined_of(&[]), "");
        assert_eq!(joined_of(&["Lao"]), "Lao");
        assert_eq!(joined_of(&["Lao", "Thai"]), "Lao and Thai");
        assert_eq!(joined_of(&["Lao", "Tamil", "Thai"]), "Lao, Tamil and Thai");
        let four = ["Lao", "Tamil", "Thai", "Yi"];
        assert_eq!(joined_of(&four), "Lao, Tamil, Thai and other");
    }

    #[test]
    fn the_sentence_names_the_script_only_where_there_is_one() {
        assert_eq!(
            of_title("Tibetan", 11, 12),
            "11 of the title's 12 letters are in Tibetan script, for which the studio has no font"
        );
        assert_eq!(
            of_title("", 3, 3),
            "3 of the title's 3 characters are signs for which the studio has no font"
        );
        assert_eq!(
            of_title("", 0, 0),
            "the title has no character that can be drawn"
        );
    }
}

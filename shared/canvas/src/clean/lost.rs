//! What of a text no font has.

use std::collections::BTreeSet;

use unicode_script::{Script, UnicodeScript};

/// What of a text is not drawn, because no font has it. All numbers are of user-perceived
/// characters. Controls and other characters without a picture do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    /// The letters that are not drawn.
    pub letters: u32,
    /// All letters of the text, drawn or not.
    pub of: u32,
    /// Symbols and punctuation marks that are not drawn, and letters drawn without one of their
    /// marks.
    pub symbols: u32,
    /// The scripts of what is not drawn, in English: `Tibetan`, or `symbols` for what belongs to no
    /// script.
    pub scripts: BTreeSet<&'static str>,
}

impl Lost {
    /// Whether more than half of the letters are not drawn.
    #[must_use]
    pub fn is_most(&self) -> bool {
        self.letters > self.of / 2
    }

    /// Whether everything is drawn.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.characters() == 0
    }

    /// The number of characters that are not drawn or not drawn whole.
    #[must_use]
    pub fn characters(&self) -> u32 {
        self.letters.saturating_add(self.symbols)
    }

    /// Adds what another text lost.
    pub fn add(&mut self, other: &Self) {
        self.letters = self.letters.saturating_add(other.letters);
        self.of = self.of.saturating_add(other.of);
        self.symbols = self.symbols.saturating_add(other.symbols);
        self.scripts.extend(&other.scripts);
    }

    /// Counts a character that is not drawn.
    pub(super) fn count(&mut self, character: &str) {
        if is_letter(character) {
            self.letters = self.letters.saturating_add(1);
        } else {
            self.symbols = self.symbols.saturating_add(1);
        }
        let script = character
            .chars()
            .next()
            .map_or(Script::Common, |c| c.script());
        self.scripts.insert(english(script));
    }

    /// Counts a character that is drawn without one of its marks.
    pub(super) fn count_mark(&mut self) {
        self.symbols = self.symbols.saturating_add(1);
        self.scripts.insert("marks");
    }
}

/// Whether a user-perceived character is a letter.
pub(super) fn is_letter(character: &str) -> bool {
    character.chars().next().is_some_and(char::is_alphabetic)
}

/// The English name of a script. The names of the standard have underscores between their words.
fn english(script: Script) -> &'static str {
    match script {
        Script::Common => "symbols",
        Script::Inherited => "marks",
        Script::Unknown => "unknown characters",
        Script::Canadian_Aboriginal => "Canadian Aboriginal",
        Script::Egyptian_Hieroglyphs => "Egyptian Hieroglyphs",
        Script::Hanifi_Rohingya => "Hanifi Rohingya",
        Script::Kayah_Li => "Kayah Li",
        Script::Meetei_Mayek => "Meetei Mayek",
        Script::New_Tai_Lue => "New Tai Lue",
        Script::Ol_Chiki => "Ol Chiki",
        Script::Ol_Onal => "Ol Onal",
        Script::Phags_Pa => "Phags-pa",
        Script::Sora_Sompeng => "Sora Sompeng",
        Script::Syloti_Nagri => "Syloti Nagri",
        Script::Tai_Le => "Tai Le",
        Script::Tai_Tham => "Tai Tham",
        Script::Tai_Viet => "Tai Viet",
        Script::Warang_Citi => "Warang Citi",
        // Old scripts of several words keep the underscore.
        other => other.full_name(),
    }
}

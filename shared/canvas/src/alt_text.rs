//! The alternative text of a picture: its facts in words, in the content's language, for a person who
//! does not see it.

use crate::page::Page;

/// The most characters of an alternative text.
const MOST: usize = 1000;

/// What ends a sentence, so that no full stop follows.
const ENDS: [char; 9] = ['.', '!', '?', '…', '。', '！', '？', '।', '؟'];

impl Page<'_> {
    /// The title, the time, the place and the organizer, as far as the asset shows them: what a page
    /// puts into the attribute `alt`. A text that is not drawn for want of a font is not in it.
    pub(crate) fn alt_text(&self) -> String {
        let comma = self.locale.comma();
        let when = [self.date().map(str::to_owned), self.time()];
        let place = [self.venue_name.map(str::to_owned), self.address()];
        let facts = [
            Some(self.title.to_owned()),
            joined(when, comma),
            joined(place, comma),
            self.organizer.map(str::to_owned),
        ];
        sentences(facts.into_iter().flatten())
    }
}

/// The parts that there are, on one line.
fn joined(parts: [Option<String>; 2], comma: &str) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(comma))
}

/// The facts as sentences; those that would make it too long are left out.
fn sentences(facts: impl Iterator<Item = String>) -> String {
    let mut all = String::new();
    for fact in facts {
        let gap = match all.chars().last() {
            None => "",
            Some(last) if ENDS.contains(&last) => " ",
            Some(_) => ". ",
        };
        if all.chars().count() + gap.len() + fact.chars().count() <= MOST {
            all.push_str(gap);
            all.push_str(&fact);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_once_and_what_is_too_long_is_left_out() {
        let of = |facts: &[&str]| sentences(facts.iter().map(|&fact| fact.to_owned()));
        assert_eq!(of(&["Ready?", "Go", "Hall"]), "Ready? Go. Hall");
        assert_eq!(of(&["雨の夜。", "ホール"]), "雨の夜。 ホール");
        assert_eq!(of(&["Rain", &"x".repeat(MOST), "Hall"]), "Rain. Hall");
        assert_eq!(of(&[]), "");
    }
}

//! Whether the words of each script have one face.

use unicode_script::{Script, UnicodeScript};

use super::DrawnText;
use crate::fonts::group;

/// The words with a letter whose face is not that of the first letter of its script. Chinese,
/// Japanese and Korean letters are chosen one by one, and an emoji or a symbol is no letter.
pub(super) fn mixed_words(text: &DrawnText) -> Vec<String> {
    let mut words = Vec::new();
    // The face of each script, as its first letter has it.
    let mut faces: Vec<(Script, &str)> = Vec::new();
    let mut start = 0;
    for word in text.text.split_inclusive(char::is_whitespace) {
        let range = start..start + word.len();
        start = range.end;
        let letters = text
            .clusters
            .iter()
            .filter(|cluster| range.contains(&cluster.text.start))
            .filter_map(|cluster| Some((letter(&text.text[cluster.text.clone()])?, cluster.face)));
        let mut is_mixed = false;
        for (script, face) in letters {
            match faces.iter().find(|(known, _)| *known == script) {
                Some((_, known)) => is_mixed |= *known != face,
                None => faces.push((script, face)),
            }
        }
        if is_mixed {
            words.push(word.trim_end().to_owned());
        }
    }
    words
}

/// The script of the letter of a cluster. `None` if it has none that is to have the face of its word.
fn letter(cluster: &str) -> Option<Script> {
    let letter = cluster.chars().find(|c| c.is_alphabetic())?;
    match group(letter.script()) {
        Script::Common | Script::Inherited | Script::Unknown | Script::Han => None,
        // Latin, Greek and Cyrillic letters have different faces as words of different scripts.
        Script::Latin => Some(letter.script()),
        script => Some(script),
    }
}

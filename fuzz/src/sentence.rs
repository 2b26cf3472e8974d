//! What is said of a record that is refused: a sentence that anybody may look at.

/// The longest sentence, in characters: what the index of dead letters holds, and the mark that it
/// was cut.
const LONGEST: usize = 1001;

/// Holds `text` to be one line of bounded length, in which nothing steers a terminal or turns the
/// direction of what follows.
pub(crate) fn check(text: &str) {
    assert!(!text.trim().is_empty(), "nothing is said");
    let length = text.chars().count();
    assert!(length <= LONGEST, "{length} characters are said");
    let odd = text.chars().find(|c| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(odd, None, "in {text:?}");
}

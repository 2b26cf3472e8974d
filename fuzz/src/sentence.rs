//! The sentence that explains a refused record; it must be safe to show.

/// The longest sentence, in characters: the limit of the dead-letter index, plus the mark for a
/// cut.
const LONGEST: usize = 1001;

/// Checks that `text` is one line of bounded length, and that nothing in it controls a terminal or
/// changes the direction of the text after it, and nothing but a joiner or a selector is invisible.
pub(crate) fn check(text: &str) {
    assert!(!text.trim().is_empty(), "nothing is said");
    let length = text.chars().count();
    assert!(length <= LONGEST, "{length} characters are said");
    let odd = text.chars().find(|c| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    });
    assert_eq!(odd, None, "in {text:?}");
}

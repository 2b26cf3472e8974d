//! Isolates: stretches of a text that have a direction of their own, so that a telephone number
//! keeps its order inside Arabic (Unicode Standard Annex 9, <https://unicode.org/reports/tr9/>).

/// The character that ends an isolate.
pub(super) const END: char = '\u{2069}';

/// Whether `c` begins an isolate.
pub(super) fn is_start(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2068}')
}

/// Whether `c` begins or ends an isolate.
pub(super) fn is_isolate(c: char) -> bool {
    is_start(c) || c == END
}

/// `text` without the beginnings that have no end, and without the ends that have no beginning.
pub(super) fn balanced(text: &str) -> String {
    let mut open = Vec::new();
    let mut dropped = Vec::new();
    for (at, c) in text.char_indices() {
        if is_start(c) {
            open.push(at);
        } else if c == END && open.pop().is_none() {
            dropped.push(at);
        }
    }
    dropped.extend(open);
    text.char_indices()
        .filter(|(at, _)| !dropped.contains(at))
        .map(|(_, c)| c)
        .collect()
}

/// The number of isolates that `text` leaves open.
pub(super) fn open(text: impl Iterator<Item = char>) -> usize {
    text.fold(0, |open: usize, c| {
        if is_start(c) {
            open + 1
        } else if c == END {
            open.saturating_sub(1)
        } else {
            open
        }
    })
}

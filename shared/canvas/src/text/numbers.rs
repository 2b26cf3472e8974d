//! Numbers that a line must not end inside of or begin with: telephone numbers, and the number of a
//! hall.

use std::ops::Range;

/// How many digits a number has that is written in groups: no telephone number is longer
/// (<https://www.itu.int/rec/T-REC-E.164>), and fewer than 7 are a date, or hours.
const IN_GROUPS: Range<usize> = 7..16;

/// How many digits of a last word belong to the word before them, as in *Hall 12*. A year may stand
/// on a line of its own.
const WITH_A_WORD: Range<usize> = 1..3;

/// The offsets in `text` at which no line may begin, in bytes, sorted: inside a number that is written
/// in groups, and before a short number that ends the text.
pub(super) fn kept(text: &str) -> Vec<usize> {
    let mut kept: Vec<usize> = in_groups(text).chain(last_number(text)).collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Each place inside a number in groups, such as `+966 11 234 5678`.
fn in_groups(text: &str) -> impl Iterator<Item = usize> {
    let is_of_number = |c: char| c.is_numeric() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.');
    let mut next = 0;
    let runs = text.split(move |c| !is_of_number(c)).map(move |run| {
        let begin = next;
        next += run.len();
        // What separates it from the next one.
        next += text[next..].chars().next().map_or(0, char::len_utf8);
        (begin + run.len() - run.trim_start().len(), run.trim())
    });
    runs.filter(|(_, run)| IN_GROUPS.contains(&digits(run)))
        .flat_map(|(begin, run)| {
            let places = run.char_indices().skip(1);
            places.map(move |(place, _)| begin + place)
        })
}

/// Before the last word, if that is a short number.
fn last_number(text: &str) -> Option<usize> {
    let (before, last) = text.trim_end().rsplit_once(' ')?;
    let is_number = last.chars().all(char::is_numeric) && WITH_A_WORD.contains(&digits(last));
    (is_number && !before.trim().is_empty()).then_some(before.len() + 1)
}

fn digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_numeric()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` with a bar where a line may not begin although a space is there.
    fn kept_spaces(text: &str) -> String {
        let kept = kept(text);
        let mut out = String::new();
        for (offset, c) in text.char_indices() {
            let is_kept = kept.binary_search(&(offset + c.len_utf8())).is_ok();
            out.push(if c == ' ' && is_kept { '|' } else { c });
        }
        out
    }

    #[test]
    fn a_telephone_number_is_on_one_line() {
        for (text, right) in [
            ("Call +966 11 234 5678 today", "Call +966|11|234|5678 today"),
            ("(040) 234 567 89", "(040)|234|567|89"),
            ("هاتف: ٠١١ ٢٣٤ ٥٦٧٨", "هاتف: ٠١١|٢٣٤|٥٦٧٨"),
            ("Für 1 000 000 Gäste", "Für 1|000|000 Gäste"),
            ("98400 12345, 98400 54321", "98400|12345, 98400|54321"),
        ] {
            assert_eq!(kept_spaces(text), right);
        }
    }

    #[test]
    fn other_numbers_break_between_words() {
        for text in [
            "On 24 12 at 18:00 – 22:00 in 4 halls",
            "Jazz Festival 2026",
            "2",
            "",
            " ",
            "12345 12345 12345 12345",
        ] {
            assert_eq!(kept_spaces(text), text);
        }
    }

    #[test]
    fn the_number_of_a_hall_is_beside_its_name() {
        for (text, right) in [
            ("Messe, Halle 2", "Messe, Halle|2"),
            ("ایکسپو سینٹر ہال ۲", "ایکسپو سینٹر ہال|۲"),
            ("Raum 12 ", "Raum|12 "),
        ] {
            assert_eq!(kept_spaces(text), right);
        }
    }
}

//! Whether the characters of each line stand in the order of their directions.
//!
//! The directions themselves come from the text engine. Here they are held against what the rules of
//! <https://www.unicode.org/reports/tr9/> say of each character alone: a letter of a script that runs
//! from right to left has an odd level, any other letter and every digit an even one. The whole
//! algorithm, by another implementation, is in `tests/order.rs`.

use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};

use super::{ClusterBox, DrawnText};

/// The lines in which characters are out of order, from 0.
pub(super) fn wrong_lines(text: &DrawnText) -> Vec<usize> {
    let mut wrong = Vec::new();
    let mut glyphs = text.glyphs.iter();
    let mut end = 0;
    for line in text.clusters.chunk_by(|one, other| one.line == other.line) {
        let number = line.first().map_or(0, |cluster| cluster.line);
        let start = line.iter().map(|cluster| cluster.text.start).min();
        let follows = start.is_none_or(|start| start >= end);
        end = line
            .iter()
            .map(|cluster| cluster.text.end)
            .fold(end, usize::max);
        // The glyphs of a text are those of its clusters, in the same order.
        let mut of_clusters = line.iter().flat_map(|cluster| &cluster.glyphs);
        let same_glyphs = of_clusters.all(|glyph| glyphs.next() == Some(glyph));
        let may_stand = line
            .iter()
            .all(|cluster| may_have_level(&text.text[cluster.text.clone()], cluster.level));
        if !follows || !same_glyphs || !may_stand || !is_in_order(line) {
            wrong.push(number);
        }
    }
    wrong
}

/// Whether the clusters of a line stand, from left to right, as rule L2 wants: from the highest level
/// to the lowest odd one, everything at that level or above is turned round.
fn is_in_order(line: &[ClusterBox]) -> bool {
    let mut seen: Vec<&ClusterBox> = line.iter().collect();
    seen.sort_by(|one, other| one.x.total_cmp(&other.x));
    let mut expected: Vec<&ClusterBox> = line.iter().collect();
    expected.sort_by_key(|cluster| cluster.text.start);
    let highest = line.iter().map(|cluster| cluster.level).max().unwrap_or(0);
    for level in (1..=highest).rev() {
        let mut start = 0;
        while start < expected.len() {
            let run = expected[start..]
                .iter()
                .take_while(|cluster| cluster.level >= level)
                .count();
            expected[start..start + run].reverse();
            start += run + 1;
        }
    }
    seen.iter()
        .zip(&expected)
        .all(|(one, other)| one.text == other.text)
}

/// Whether these characters may have this level in any text without overrides, which cleaning drops.
fn may_have_level(cluster: &str, level: u8) -> bool {
    let Some(first) = cluster.chars().next() else {
        return true;
    };
    let is_odd = level % 2 == 1;
    match first {
        '0'..='9' | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => !is_odd,
        _ if !first.is_alphabetic() || is_combining_mark(first) => true,
        _ => match first.script() {
            Script::Common | Script::Inherited | Script::Unknown | Script::Bopomofo => true,
            Script::Arabic
            | Script::Hebrew
            | Script::Mandaic
            | Script::Nko
            | Script::Samaritan
            | Script::Syriac
            | Script::Thaana => is_odd,
            _ => !is_odd,
        },
    }
}

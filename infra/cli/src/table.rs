//! Text for a terminal: aligned columns, and no character that the terminal would interpret.

/// A table with `head` as its first line and aligned columns. A row's second part goes on an
/// indented line below the row.
pub fn table(head: &[&str], rows: &[(Vec<String>, Option<String>)]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|name| name.chars().count()).collect();
    for (cells, _) in rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(plain(cell).chars().count());
        }
    }
    let mut text = line(head.iter().map(|name| (*name).to_owned()), &widths);
    for (cells, beneath) in rows {
        text.push_str(&line(cells.iter().map(|cell| plain(cell)), &widths));
        if let Some(beneath) = beneath {
            text.push_str(&format!("  {}\n", plain(beneath)));
        }
    }
    text
}

fn line(cells: impl Iterator<Item = String>, widths: &[usize]) -> String {
    let padded: Vec<String> = cells
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// `text` with its control characters and line breaks escaped, because it comes from other parties.
pub fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if is_steering(c) {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// As [`plain`], for text that may have several lines.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// Control characters, and those that change the text direction.
fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most `most` characters of `text`; an ellipsis marks a cut.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `count` of something: `1 record`, `2 records`.
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_control_characters_are_escaped() {
        let rows = [
            (
                vec![
                    "1".to_owned(),
                    "tenant-\u{1b}[31mred".to_owned(),
                    "x".to_owned(),
                ],
                Some("why\nnot".to_owned()),
            ),
            (vec!["1000".to_owned(), "é".to_owned(), String::new()], None),
        ];
        assert_eq!(
            table(&["N", "TENANT", "C"], &rows),
            "N     TENANT                C\n\
             1     tenant-\\u{1b}[31mred  x\n  \
               why\\nnot\n\
             1000  é\n"
        );
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(
            (shortened("éé", 2), shortened("ééé", 2)),
            ("éé".to_owned(), "éé…".to_owned())
        );
    }
}

//! Text for a terminal: aligned columns, and no character that the terminal would interpret or not
//! show.

use contract::{printable, shown};

/// Prints the function's answer, or the text that is made of it.
pub fn print(json: bool, answer: &str, text: impl FnOnce() -> String) {
    match json {
        true => println!("{}", escaped(answer)),
        false => print!("{}", text()),
    }
}

/// A table with `head` as its first line and aligned columns. A row's second part goes on an
/// indented line below the row.
pub fn table(head: &[&str], rows: &[(Vec<String>, Option<String>)]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|name| name.chars().count()).collect();
    for (cells, _) in rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(printable(cell).chars().count());
        }
    }
    let mut text = line(head.iter().map(|name| (*name).to_owned()), &widths);
    for (cells, beneath) in rows {
        text.push_str(&line(cells.iter().map(|cell| printable(cell)), &widths));
        if let Some(beneath) = beneath {
            text.push_str(&format!("  {}\n", printable(beneath)));
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

/// As [`printable`], for text that may have several lines.
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

/// JSON with the same value, in which each character that [`printable`] escapes is escaped as JSON
/// does it. JSON itself demands that only of the first 32.
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for (c, is_shown) in shown(json) {
        // An ASCII control character is white space between tokens here.
        if is_shown || matches!(c, '\n' | '\r' | '\t') {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

/// Lines of a name and a value, with the values aligned.
pub fn fields(fields: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| format!("{name:<10}  {}\n", printable(value));
    fields.iter().map(line).collect()
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
    fn json_for_programs_keeps_its_value_and_steers_no_terminal() {
        let json = "{\n  \"id\": \"a\u{9b}2J\u{202e}\u{e0041}é\u{7f}\"\n}";
        let escaped = escaped(json);
        assert_eq!(
            escaped,
            "{\n  \"id\": \"a\\u009b2J\\u202e\\udb40\\udc41é\\u007f\"\n}"
        );
        let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(value(&escaped), value(json));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(
            (shortened("éé", 2), shortened("ééé", 2)),
            ("éé".to_owned(), "éé…".to_owned())
        );
    }
}

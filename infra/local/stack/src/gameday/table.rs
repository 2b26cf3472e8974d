//! The result of a game day: a table for people, JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

/// What came of one fault.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The fault.
    pub fault: String,
    /// The right alarm that rang, if one did, by its entry in docs/runbook.md.
    pub bell: Option<String>,
    /// The seconds from the fault to the bell.
    pub seconds: Option<u64>,
    /// Whether the right alarm rang; of a fault that heals by itself, whether none did.
    pub right: bool,
    /// The other alarms that rang before the fault was mended.
    pub others: Vec<String>,
    /// The seconds from mending the fault until every asset was told of, if all came.
    pub cured: Option<u64>,
    /// The assets that did not come.
    pub lost: usize,
    /// What kept the game day from its work, if anything did.
    pub trouble: Option<String>,
}

impl Row {
    /// Whether all is as it should be.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.right && self.cured.is_some() && self.lost == 0 && self.trouble.is_none()
    }
}

/// The table: a line for each fault, and one that says how many rows are right.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let head = [
        "FAULT",
        "BELL",
        "SECONDS",
        "RIGHT",
        "CURED",
        "LOST",
        "OTHER BELLS",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let mut widths = [0; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        // A `String` takes everything that is written to it.
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    let right = rows.iter().filter(|row| row.is_right()).count();
    let _ = writeln!(text, "\n{right} of {} rows are right", rows.len());
    for row in rows {
        if let Some(trouble) = &row.trouble {
            let _ = writeln!(text, "{}: {trouble}", row.fault);
        }
    }
    text
}

fn cells(row: &Row) -> [String; 7] {
    let seconds = |seconds: Option<u64>| seconds.map_or("-".to_owned(), |some| some.to_string());
    [
        row.fault.clone(),
        row.bell.clone().unwrap_or_else(|| "none".to_owned()),
        seconds(row.seconds),
        if row.right { "yes" } else { "NO" }.to_owned(),
        row.cured
            .map_or("NO".to_owned(), |cured| format!("{cured} s")),
        row.lost.to_string(),
        row.others.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> Row {
        Row {
            fault: "wrong-table".to_owned(),
            bell: Some("nothing-taken".to_owned()),
            seconds: Some(95),
            right: true,
            others: vec!["lag".to_owned()],
            cured: Some(7),
            lost: 0,
            trouble: None,
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_fault_and_counts_the_right_ones() {
        let silent = Row {
            fault: "burst".to_owned(),
            bell: None,
            seconds: None,
            right: false,
            others: vec![],
            cured: None,
            lost: 3,
            trouble: Some("the stack ended".to_owned()),
        };
        let expected = "\
FAULT        BELL           SECONDS  RIGHT  CURED  LOST  OTHER BELLS
wrong-table  nothing-taken  95       yes    7 s    0     lag
burst        none           -        NO     NO     3

1 of 2 rows are right
burst: the stack ended
";
        assert_eq!(table(&[right(), silent]), expected);
    }

    #[test]
    fn a_row_is_right_only_if_nothing_is_lost_and_everything_came() {
        assert!(right().is_right());
        for wrong in [
            Row {
                right: false,
                ..right()
            },
            Row { lost: 1, ..right() },
            Row {
                cured: None,
                ..right()
            },
            Row {
                trouble: Some("no".to_owned()),
                ..right()
            },
        ] {
            assert!(!wrong.is_right(), "{wrong:?}");
        }
    }
}

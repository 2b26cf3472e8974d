//! The rows of the audit, and the kinds of check.

use std::{collections::BTreeSet, fmt};

/// The audit of a run.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// The checks and measurements, in order.
    pub rows: Vec<Row>,
}

/// One check, or one measurement.
#[derive(Debug, Clone)]
pub struct Row {
    /// The subject.
    pub what: String,
    /// The expected value; `None` for a measurement.
    pub expected: Option<String>,
    /// The found value.
    pub found: String,
    /// Whether the check passed.
    pub holds: bool,
    /// The first few deviations, or what else there is to say.
    pub details: Vec<String>,
}

/// The most deviations that a row shows.
const MOST_SHOWN: usize = 5;

impl Audit {
    /// Whether there were checks, and every one passed.
    #[must_use]
    pub fn passes(&self) -> bool {
        let mut checks = self.rows.iter().filter(|row| row.expected.is_some());
        checks.next().is_some() && self.rows.iter().all(|row| row.holds)
    }

    /// Adds a measurement.
    pub(super) fn know(&mut self, what: &str, found: impl fmt::Display) {
        self.push(what, None, found, true, Vec::new());
    }

    /// Adds a measurement that names what it counts.
    pub(super) fn name(&mut self, what: &str, found: Vec<String>) {
        self.push(what, None, found.len(), true, found);
    }

    /// Checks that `wrong` is empty. For a rule whose subjects a healthy run may lack: another
    /// rule has to hold that there are as many as there should be.
    pub(super) fn none(&mut self, what: &str, wrong: Vec<String>) {
        let holds = wrong.is_empty();
        self.push(what, Some("0".to_owned()), wrong.len(), holds, wrong);
    }

    /// Checks that `wrong` is empty, and that it is so of some subjects.
    pub(super) fn none_of(&mut self, what: &str, subjects: usize, wrong: Vec<String>) {
        let expected = format!("0 of {subjects}");
        let holds = wrong.is_empty() && subjects > 0;
        self.push(what, Some(expected), wrong.len(), holds, wrong);
    }

    /// Checks that both sets are equal, and not empty.
    pub(super) fn same<T: Ord + fmt::Debug>(
        &mut self,
        what: &str,
        expected: &BTreeSet<T>,
        found: &BTreeSet<T>,
    ) {
        let wrong = differences(expected, found);
        let holds = wrong.is_empty() && !expected.is_empty();
        self.push(
            what,
            Some(expected.len().to_string()),
            found.len(),
            holds,
            wrong,
        );
    }

    /// Checks that both counts are equal, and not 0.
    pub(super) fn count(&mut self, what: &str, expected: usize, found: usize) {
        let holds = expected == found && expected > 0;
        self.push(what, Some(expected.to_string()), found, holds, Vec::new());
    }

    /// Checks that a count is high enough.
    pub(super) fn at_least(&mut self, what: &str, least: usize, found: usize) {
        let expected = format!(">= {least}");
        self.push(what, Some(expected), found, found >= least, Vec::new());
    }

    fn push(
        &mut self,
        what: &str,
        expected: Option<String>,
        found: impl fmt::Display,
        holds: bool,
        mut details: Vec<String>,
    ) {
        details.truncate(MOST_SHOWN);
        self.rows.push(Row {
            what: what.to_owned(),
            expected,
            found: found.to_string(),
            holds,
            details,
        });
    }

    /// The last row, to say more about it.
    pub(super) fn last(&mut self) -> Option<&mut Row> {
        self.rows.last_mut()
    }
}

/// How two sets differ; the first few of each kind.
pub(super) fn differences<T: Ord + fmt::Debug>(
    expected: &BTreeSet<T>,
    found: &BTreeSet<T>,
) -> Vec<String> {
    let missing = expected
        .difference(found)
        .map(|one| format!("missing: {one:?}"));
    let unexpected = found
        .difference(expected)
        .map(|one| format!("unexpected: {one:?}"));
    let of_each = MOST_SHOWN / 2 + 1;
    missing
        .take(of_each)
        .chain(unexpected.take(of_each))
        .collect()
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .rows
            .iter()
            .map(|row| row.what.chars().count())
            .max()
            .unwrap_or_default();
        writeln!(f, "     {:width$}  {:>9}  {:>9}", "", "expected", "found")?;
        for row in &self.rows {
            let mark = match (&row.expected, row.holds) {
                (None, _) => "",
                (Some(_), true) => "ok",
                (Some(_), false) => "WRONG",
            };
            let expected = row.expected.as_deref().unwrap_or_default();
            writeln!(
                f,
                "{mark:5}{:width$}  {expected:>9}  {:>9}",
                row.what, row.found
            )?;
            for detail in &row.details {
                writeln!(f, "       {detail}")?;
            }
        }
        Ok(())
    }
}

//! The audit: compares Kafka, the table and the buckets with the expectations.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use local::{records::Produced, stack::Stack};

mod dead_letters;
mod jobs;
mod published;
mod table;

use crate::{Error, settle::Unsettled, storm::Log, watch::States, workload::Workload};
use table::Table;

/// The results of a run that the audit needs.
pub(crate) struct Evidence<'a> {
    pub workload: &'a Workload,
    pub produced: Vec<Produced>,
    pub states: &'a States,
    pub log: &'a Log,
    pub unsettled: Option<Unsettled>,
    /// The number of deliveries of the batch that was delivered most often.
    pub deliveries: u32,
    /// Whether the line was cut for longer than ten retries take.
    pub outage: bool,
}

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
    /// The first few deviations.
    pub wrong: Vec<String>,
}

/// The deliveries that Lambda makes of "infinite" retries if there is an on-failure destination:
/// the first one and ten more.
pub const TEN_RETRIES: u32 = 11;

/// The most deviations that a row shows.
const MOST_SHOWN: usize = 5;

impl Audit {
    /// Whether every check passed.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.rows.iter().all(|row| row.holds)
    }

    fn know(&mut self, what: &str, found: impl fmt::Display) {
        let (what, found) = (what.to_owned(), found.to_string());
        self.rows.push(Row {
            what,
            expected: None,
            found,
            holds: true,
            wrong: Vec::new(),
        });
    }

    /// Checks that `wrong` is empty.
    fn none(&mut self, what: &str, wrong: Vec<String>) {
        let (expected, found) = (Some("0".to_owned()), wrong.len().to_string());
        let holds = wrong.is_empty();
        let wrong = wrong.into_iter().take(MOST_SHOWN).collect();
        self.rows.push(Row {
            what: what.to_owned(),
            expected,
            found,
            holds,
            wrong,
        });
    }

    /// Checks that both sets are equal.
    fn same<T: Ord + fmt::Debug>(
        &mut self,
        what: &str,
        expected: &BTreeSet<T>,
        found: &BTreeSet<T>,
    ) {
        let missing = expected
            .difference(found)
            .map(|one| format!("missing: {one:?}"));
        let unexpected = found
            .difference(expected)
            .map(|one| format!("unexpected: {one:?}"));
        let wrong: Vec<String> = missing
            .take(MOST_SHOWN)
            .chain(unexpected.take(MOST_SHOWN))
            .collect();
        let row = Row {
            what: what.to_owned(),
            expected: Some(expected.len().to_string()),
            found: found.len().to_string(),
            holds: wrong.is_empty(),
            wrong,
        };
        self.rows.push(row);
    }

    fn count(&mut self, what: &str, expected: usize, found: usize) {
        let (what, expected, found, holds) = (
            what.to_owned(),
            Some(expected.to_string()),
            found,
            expected == found,
        );
        self.rows.push(Row {
            what,
            expected,
            found: found.to_string(),
            holds,
            wrong: Vec::new(),
        });
    }
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
            for wrong in &row.wrong {
                writeln!(f, "       {wrong}")?;
            }
        }
        Ok(())
    }
}

/// Runs every check.
pub(crate) async fn audit(stack: &Stack, evidence: Evidence<'_>) -> Result<Audit, Error> {
    let table = Table::read(stack).await?;
    let mut audit = Audit::default();
    let Evidence {
        workload,
        produced,
        states,
        log,
        unsettled,
        deliveries,
        outage,
    } = evidence;

    audit.know(
        "records published",
        workload
            .lines
            .iter()
            .chain([&workload.last])
            .map(Vec::len)
            .sum::<usize>(),
    );
    for (function, point, kills) in log.kills() {
        audit.count(
            &format!("{function} was killed {point}"),
            kills.max(1) as usize,
            kills as usize,
        );
    }
    audit.know("processes killed at random", log.killed_at_random);
    audit.know("calls that AWS refused", log.refusals());
    audit.know(
        "the line was cut, and slow",
        format!("{}, {}", log.line.0, log.line.1),
    );
    audit.know("the broker was killed", log.broker);
    audit.know(
        "a topic was delivered twice at once, and from its start",
        format!("{}, {}", log.repeated.0, log.repeated.1),
    );

    audit.rows.push(Row {
        what: "deliveries of the batch that was delivered most often".to_owned(),
        expected: outage.then(|| format!("> {TEN_RETRIES}")),
        found: deliveries.to_string(),
        holds: !outage || deliveries > TEN_RETRIES,
        wrong: Vec::new(),
    });

    let left = unsettled
        .map(|Unsettled { lag, open }| format!("{lag} records behind, {open} items open"))
        .into_iter();
    audit.none(
        "something is still on its way after the last sweep",
        left.collect(),
    );
    jobs::audit(&mut audit, stack, &table, &workload.expected).await?;
    audit.none(
        &format!("states that went backwards, in {} looks", states.looks),
        states.backwards.clone(),
    );
    published::audit(&mut audit, &table, &produced, &workload.expected);
    dead_letters::audit(&mut audit, stack, &table, workload).await?;
    Ok(audit)
}

/// Counts each name.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut tally = BTreeMap::new();
    for name in names {
        *tally.entry(name).or_insert(0) += 1;
    }
    tally
}

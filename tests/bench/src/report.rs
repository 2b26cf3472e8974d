//! The report: a table for the terminal, and a page with bars.

use std::fmt::{self, Write as _};

/// A row of the report: one measurement, with a figure for each subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The measurement.
    pub what: String,
    /// The method.
    pub how: &'static str,
    /// The unit of the figures.
    pub unit: Unit,
    /// The subjects and their figures.
    pub figures: Vec<(String, f64)>,
    /// The goals of the row.
    pub goals: Vec<Goal>,
    /// For a missed goal: its causes, and what was tried.
    tried: &'static str,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Millions of instructions.
    Instructions,
    /// Bytes.
    Bytes,
    /// US dollars.
    Dollars,
    /// A plain number.
    Count,
    /// Per cent.
    Percent,
}

/// An upper bound for a figure, or for a ratio of two.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The figure or ratio, as in `event-created / hello`.
    pub of: String,
    /// Its value.
    pub is: f64,
    /// The bound.
    pub at_most: f64,
    /// The unit; `None` for a ratio.
    pub unit: Option<Unit>,
}

impl Row {
    /// A row without a goal.
    pub fn new(
        what: impl Into<String>,
        how: &'static str,
        unit: Unit,
        figures: Vec<(String, f64)>,
    ) -> Self {
        Self {
            what: what.into(),
            how,
            unit,
            figures,
            goals: Vec::new(),
            tried: "",
        }
    }

    /// The figure of a subject.
    pub fn of(&self, subject: &str) -> Option<f64> {
        self.figures
            .iter()
            .find(|(name, _)| name == subject)
            .map(|(_, figure)| *figure)
    }

    /// Adds the goal that `subject` has at most `times` the figure of `than`.
    pub fn at_most_times(mut self, subject: &str, times: f64, than: &str) -> Self {
        if let (Some(one), Some(other)) = (self.of(subject), self.of(than)) {
            let of = format!("{subject} / {than}");
            self.goals.push(Goal {
                of,
                is: one / other.max(f64::MIN_POSITIVE),
                at_most: times,
                unit: None,
            });
        }
        self
    }

    /// Sets the text about the causes and attempts, which is shown while a goal is missed.
    pub fn tried(self, tried: &'static str) -> Self {
        Self { tried, ..self }
    }

    /// The text about the causes, if a goal is missed.
    fn in_the_way(&self) -> Option<&'static str> {
        (!self.tried.is_empty() && self.goals.iter().any(|goal| !goal.is_met()))
            .then_some(self.tried)
    }

    /// Adds the goal that `subject` has at most `most`.
    pub fn at_most(mut self, subject: &str, most: f64) -> Self {
        if let Some(figure) = self.of(subject) {
            let goal = Goal {
                of: subject.to_owned(),
                is: figure,
                at_most: most,
                unit: Some(self.unit),
            };
            self.goals.push(goal);
        }
        self
    }
}

impl Goal {
    /// Whether the goal is met.
    pub fn is_met(&self) -> bool {
        self.is <= self.at_most
    }

    fn show(&self, figure: f64) -> String {
        self.unit
            .map_or_else(|| significant(figure), |unit| unit.show(figure))
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_met() { "met" } else { "MISSED" };
        write!(
            f,
            "{mark}: {} is {}, at most {}",
            self.of,
            self.show(self.is),
            self.show(self.at_most)
        )
    }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Seconds => format!("{} s", significant(figure)),
            Self::Milliseconds => format!("{} ms", significant(figure)),
            Self::Microseconds => format!("{} µs", significant(figure)),
            Self::Instructions => format!("{} M", significant(figure)),
            Self::Bytes if figure < 1000.0 => format!("{} B", significant(figure)),
            Self::Bytes if figure < 1_000_000.0 => format!("{} kB", significant(figure / 1000.0)),
            Self::Bytes => format!("{} MB", significant(figure / 1_000_000.0)),
            Self::Dollars => format!("{} $", significant(figure)),
            Self::Count => significant(figure),
            Self::Percent => format!("{figure:.1} %"),
        }
    }
}

/// Formats a figure with three significant digits.
fn significant(figure: f64) -> String {
    let digits = match figure.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{figure:.digits$}")
}

/// The median; 0 for an empty list.
pub fn median(figures: Vec<f64>) -> f64 {
    quantile(figures, 0.5)
}

/// The smallest figure that `share` of the figures, 0 to 1, do not exceed (the nearest rank); 0 for
/// an empty list.
pub fn quantile(mut figures: Vec<f64>, share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let rank = (figures.len() as f64 * share).ceil() as usize;
    figures
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// The rows for a terminal, with an empty line after each.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(text, "{}\n  ({})", row.what, row.how);
        let width = row
            .figures
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or_default();
        for (name, figure) in &row.figures {
            let _ = writeln!(text, "  {name:<width$}  {:>10}", row.unit.show(*figure));
        }
        for goal in &row.goals {
            let _ = writeln!(text, "  {goal}");
        }
        if let Some(tried) = row.in_the_way() {
            let _ = writeln!(text, "  {tried}");
        }
        text.push('\n');
    }
    text
}

/// How many goals are met, and which ones are missed.
pub fn summary(rows: &[Row]) -> String {
    let goals: Vec<(&Row, &Goal)> = rows
        .iter()
        .flat_map(|row| row.goals.iter().map(move |goal| (row, goal)))
        .collect();
    let met = goals.iter().filter(|(_, goal)| goal.is_met()).count();
    let mut text = format!("{met} of {} goals met\n", goals.len());
    for (row, goal) in goals.iter().filter(|(_, goal)| !goal.is_met()) {
        let _ = writeln!(text, "  {}: {goal}", row.what);
    }
    text
}

/// The rows as a self-contained page.
pub fn page(rows: &[Row], machine: &str) -> String {
    let mut sections = String::new();
    for row in rows {
        let _ = write!(
            sections,
            "<section><h2>{}</h2><p>{}</p><table>",
            escaped(&row.what),
            escaped(row.how)
        );
        let most = row
            .figures
            .iter()
            .map(|(_, figure)| *figure)
            .fold(f64::MIN_POSITIVE, f64::max);
        for (name, figure) in &row.figures {
            let share = figure / most * 100.0;
            let _ = write!(
                sections,
                "<tr><th>{}</th><td class=n>{}</td><td class=b><div style=\"width:{share:.1}%\"></div></td></tr>",
                escaped(name),
                row.unit.show(*figure)
            );
        }
        sections.push_str("</table>");
        for goal in &row.goals {
            let class = if goal.is_met() { "met" } else { "missed" };
            let _ = write!(
                sections,
                "<p class={class}>{}</p>",
                escaped(&goal.to_string())
            );
        }
        if let Some(tried) = row.in_the_way() {
            let _ = write!(sections, "<p>{}</p>", escaped(tried));
        }
        sections.push_str("</section>");
    }
    let summary = summary(rows);
    let mut lines = summary.lines().map(|line| escaped(line.trim()));
    let mut goals = format!(
        "<p><strong>{}</strong></p><ul>",
        lines.next().unwrap_or_default()
    );
    lines.for_each(|line| goals.push_str(&format!("<li>{line}</li>")));
    goals.push_str("</ul>");
    include_str!("page.html")
        .replace("{{machine}}", &escaped(machine))
        .replace("{{goals}}", &goals)
        .replace("{{sections}}", &sections)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let figures = [("ours", 2.0), ("Node", 100.0), ("hello <1>", 1.0)];
        let figures = figures.map(|(name, figure)| (name.to_owned(), figure));
        Row::new(
            "spawn to first /next",
            "wall, median of 15",
            Unit::Milliseconds,
            figures.into(),
        )
        .tried("Connecting takes one of the two.")
    }

    #[test]
    fn a_row_shows_met_and_missed_goals() {
        let row = row()
            .at_most_times("ours", 0.04, "Node")
            .at_most("ours", 1.5)
            .at_most_times("ours", 2.0, "nobody");
        insta::assert_snapshot!(table(std::slice::from_ref(&row)) + &summary(&[row]));
    }

    #[test]
    fn a_page_shows_names_as_text() {
        let page = page(&[row()], "2 cores & more");
        assert!(
            page.contains("hello &lt;1&gt;")
                && page.contains("2 cores &amp; more")
                && !page.contains("{{")
        );
        assert!(
            page.contains("<strong>0 of 0 goals met</strong>"),
            "what counts stands at its top"
        );
    }

    #[test]
    fn a_median_is_one_of_the_figures() {
        assert_eq!(
            (median(vec![3.0, 1.0, 2.0]), median(Vec::new())),
            (2.0, 0.0)
        );
        let hundred = || (1..=100).map(f64::from).collect();
        assert_eq!(
            (
                quantile(hundred(), 0.99),
                quantile(hundred(), 1.0),
                quantile(hundred(), 0.0)
            ),
            (99.0, 100.0, 1.0)
        );
    }
}

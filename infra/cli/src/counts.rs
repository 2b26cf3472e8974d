//! Totals by cause, tenant and source: the requests for them, and their text.

use std::collections::BTreeMap;

use contract::printable;
use operations::{Counted, Counts, Step};

use crate::{
    ask::{AskError, Function},
    table::{counted, escaped},
};

/// The most lines of each part.
const MOST: usize = 10;

/// Asks for all parts of a count, and returns the whole.
pub async fn all(
    function: &Function,
    step: impl Fn(Option<String>) -> Step,
    json: bool,
) -> Result<Counts, AskError> {
    let (mut counts, mut after) = (Counts::default(), None);
    loop {
        let (answer, part) = function.ask::<Counted>(&step(after)).await?;
        if json {
            println!("{}", escaped(&answer));
        }
        counts.add_all(part.counts);
        after = part.next;
        if after.is_none() {
            return Ok(counts);
        }
    }
}

/// The totals. `one` is the name of one of them, `source` that of what they come from.
pub fn text(counts: &Counts, one: &str, source: &str) -> String {
    let total = usize::try_from(counts.total).unwrap_or(usize::MAX);
    let tenants = counted(counts.by_tenant.len(), "tenant");
    let mut text = format!("{} of {tenants}\n", counted(total, one));
    for (by, counts) in [
        ("cause", &counts.by_cause),
        ("tenant", &counts.by_tenant),
        (source, &counts.by_source),
    ] {
        text.push_str(&format!("\nby {by}\n{}", most(counts)));
    }
    text
}

/// The most frequent ones, a line each.
fn most(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|(one, first), (other, second)| second.cmp(first).then(one.cmp(other)));
    let lines = sorted.iter().take(MOST);
    let mut text: String = lines
        .map(|(name, count)| format!("{count:>8}  {}\n", printable(name)))
        .collect();
    if sorted.len() > MOST {
        let rest = sorted[MOST..].iter().map(|(_, count)| *count).sum::<u64>();
        let others = sorted.len() - MOST;
        text.push_str(&format!("{rest:>8}  {others} others together\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_show_the_most_frequent_first_and_the_rest_together() {
        let mut counts = Counts::default();
        for number in 0..14 {
            let tenant = format!("tenant-{number:02}");
            for _ in 0..=number {
                let cause = format!("unavailable: S3 did not answer in {number} s");
                counts.add(&cause, Some(&tenant), "openai");
            }
        }
        counts.add("internal: \u{1b}[2J", None, "runway");
        insta::assert_snapshot!("counts", text(&counts, "job", "provider"));
    }
}

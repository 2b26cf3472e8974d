//! Counts of jobs, voices and dead letters, by what they have in common: one tenant or many, one
//! cause or many.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most characters of a cause that is counted.
const LONGEST_CAUSE: usize = 120;

/// How many there are, in total and by cause, tenant and source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// By cause, without the values that a cause quotes ([`cause_in_common`]).
    pub by_cause: BTreeMap<String, u64>,
    /// By tenant; `-` are those whose tenant is not known.
    pub by_tenant: BTreeMap<String, u64>,
    /// Jobs and voices by provider, dead letters by topic.
    pub by_source: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, cause: &str, tenant: Option<&str>, source: &str) {
        self.total += 1;
        let one = |counts: &mut BTreeMap<String, u64>, name: String| {
            *counts.entry(name).or_default() += 1;
        };
        one(&mut self.by_cause, cause_in_common(cause));
        one(&mut self.by_tenant, tenant.unwrap_or("-").to_owned());
        one(&mut self.by_source, source.to_owned());
    }

    /// Counts those of `others`, too.
    pub fn add_all(&mut self, others: Self) {
        self.total += others.total;
        for (all, more) in [
            (&mut self.by_cause, others.by_cause),
            (&mut self.by_tenant, others.by_tenant),
            (&mut self.by_source, others.by_source),
        ] {
            for (name, count) in more {
                *all.entry(name).or_default() += count;
            }
        }
    }
}

/// A part of the counts, and where the rest begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// What was counted in this step alone.
    pub counts: Counts,
    /// The position of the rest; absent once all are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A cause without what differs from one to the next: each number is `#`, but not in a name such as
/// S3, and what stands between backticks is `…`. At most 120 characters are left.
#[must_use]
pub fn cause_in_common(cause: &str) -> String {
    let mut common = String::new();
    let (mut is_quoted, mut is_number, mut before) = (false, false, ' ');
    for c in cause.chars() {
        let was_number = is_number;
        is_number = c.is_ascii_digit() && (was_number || !before.is_alphanumeric());
        before = c;
        match c {
            '`' => {
                is_quoted = !is_quoted;
                common.push_str(if is_quoted { "`…" } else { "`" });
            }
            _ if is_quoted || is_number && was_number => {}
            _ if is_number => common.push('#'),
            c => common.push(c),
        }
    }
    common.chars().take(LONGEST_CAUSE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_that_differ_in_a_number_or_a_quoted_value_are_one() {
        for (cause, common) in [
            (
                "data.startsAt: `tomorrow` is not an RFC 3339 time",
                "data.startsAt: `…` is not an RFC # time",
            ),
            (
                "the mapping gave it up after 12 invocations",
                "the mapping gave it up after # invocations",
            ),
            ("S3 did not answer in 30 s", "S3 did not answer in # s"),
            ("an open `quote", "an open `…"),
            ("", ""),
        ] {
            assert_eq!(cause_in_common(cause), common);
        }
        assert_eq!(cause_in_common(&"é".repeat(500)).chars().count(), 120);
    }

    #[test]
    fn counts_of_parts_are_those_of_the_whole() {
        let all = [
            ("it has no title", Some("a"), "one"),
            ("it has no title", Some("b"), "one"),
            ("it has 2 titles", None, "two"),
        ];
        let of = |some: &[(&str, Option<&str>, &str)]| {
            let mut counts = Counts::default();
            for (cause, tenant, source) in some {
                counts.add(cause, *tenant, source);
            }
            counts
        };
        let whole = of(&all);
        assert_eq!((whole.total, whole.by_cause["it has no title"]), (3, 2));
        assert_eq!((whole.by_tenant["-"], whole.by_source["one"]), (1, 2));
        let mut parts = of(&all[..1]);
        parts.add_all(of(&all[1..]));
        assert_eq!(parts, whole);
    }
}

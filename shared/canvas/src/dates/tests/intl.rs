//! Another implementation as the judge: node's `Intl` (ICU4C). `tests/intl/expected.mjs` writes what
//! it says, and `tests/intl/differences.tsv` lists where the canvas says something else, and why.

use std::{collections::BTreeMap, fmt::Write};

use super::*;

const EXPECTED: &str = include_str!("../../../tests/intl/expected.tsv");
const DIFFERENCES: &str = include_str!("../../../tests/intl/differences.tsv");

const CASES: [&str; 10] = [
    "one day",
    "days of a month",
    "days of two months",
    "days of two years",
    "month and year",
    "weekday",
    "morning",
    "evening",
    "two hours",
    "from morning to night",
];

/// What the canvas says of one of the cases.
fn ours(locale: &str, case: &str) -> String {
    let on = |starts_at: &str, ends_at: Option<&str>| said(locale, Some("UTC"), starts_at, ends_at);
    let days = |first: &str, after: &str| {
        let [first, after] = [first, after].map(|day| format!("{day}T00:00:00Z"));
        on(&first, Some(&after))
    };
    let one_day = || days("2026-02-14", "2026-02-15");
    let hours = |starts_at: &str, ends_at: Option<&str>| {
        let [starts_at, ends_at] =
            [Some(starts_at), ends_at].map(|time| Some(format!("2026-02-14T{}:00Z", time?)));
        on(&starts_at.unwrap(), ends_at.as_deref()).time.unwrap()
    };
    simple(&match case {
        "one day" => one_day().date,
        "days of a month" => days("2026-02-14", "2026-02-17").date,
        "days of two months" => days("2026-02-28", "2026-03-03").date,
        "days of two years" => days("2026-12-30", "2027-01-03").date,
        "month and year" => one_day().month_and_year,
        "weekday" => one_day().weekday.unwrap(),
        "morning" => hours("09:05", None),
        "evening" => hours("18:30", None),
        "two hours" => hours("18:30", Some("19:45")),
        "from morning to night" => hours("09:05", Some("22:00")),
        _ => panic!("no case is called {case}"),
    })
}

#[test]
fn dates_and_times_are_those_of_another_implementation_but_for_argued_differences() {
    // For each locale and case: what we say, and why.
    let argued: BTreeMap<(&str, &str), &str> = DIFFERENCES
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [locale, case, ours, why] = cells[..] else {
                panic!("{line}")
            };
            assert!(!why.is_empty(), "{line}");
            ((locale, case), ours)
        })
        .collect();
    let mut found = BTreeMap::new();
    let mut unexplained = String::new();
    for line in EXPECTED.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [locale, case, theirs] = cells[..] else {
            panic!("{line}")
        };
        let ours = ours(locale, case);
        if ours == theirs {
            continue;
        }
        if argued.get(&(locale, case)) != Some(&ours.as_str()) {
            writeln!(unexplained, "{locale}\t{case}\t{ours}\t\t{theirs}").unwrap();
        }
        found.insert((locale, case), ours);
    }
    assert_eq!(
        unexplained, "",
        "\nlocale, case, ours, why, theirs:\n{unexplained}"
    );
    let stale: Vec<_> = (argued.keys())
        .filter(|argued| !found.contains_key(*argued))
        .collect();
    assert!(stale.is_empty(), "no longer different: {stale:?}");
}

#[test]
fn the_judge_has_more_than_forty_languages() {
    let locales = EXPECTED.lines().skip(1).map(|line| line.split('\t').next());
    let languages: std::collections::BTreeSet<_> = locales
        .map(|locale| locale.unwrap().split('-').next().unwrap())
        .collect();
    assert!(languages.len() >= 40, "{}", languages.len());
}

#[test]
fn every_locale_of_cldr_is_written_whole() {
    let patterns = include_str!("../../../cldr/patterns.tsv").lines().skip(1);
    for locale in patterns.map(|line| line.split('\t').next().unwrap()) {
        for case in CASES {
            let said = ours(locale, case);
            assert!(
                !said.trim().is_empty() && !said.contains(['{', '}', '\'']),
                "{locale}, {case}: {said}"
            );
        }
    }
}

//! How a language writes days, months and years: the order, and the counters after the numbers.

use jiff::civil::Date;

use super::unbroken;
use crate::words::{Language, LocaleRules};

/// The day of the month, with its counter if the language has one: `14`, `14日`.
pub(super) fn day(date: Date, locale: LocaleRules) -> String {
    days_of_month(date, date, locale)
}

/// Days of one month: `14`, `14–16`, `14–16日`.
pub(super) fn days_of_month(first: Date, last: Date, locale: LocaleRules) -> String {
    let mut text = locale.number(i32::from(first.day()), 1);
    if first != last {
        let dash = if locale.language == Language::Korean {
            '~'
        } else {
            '–'
        };
        text = format!("{text}{dash}{}", locale.number(i32::from(last.day()), 1));
    }
    text + locale.counters().map_or("", |counters| counters.day)
}

/// Days with the month of `date`: `14–16 February`, `2月14–16日`.
pub(super) fn day_and_month(days: &str, date: Date, locale: LocaleRules) -> String {
    let month = locale.month(date.month());
    match locale.counters() {
        Some(counters) => format!("{month}{}{days}", counters.space),
        None => format!("{days} {month}"),
    }
}

/// A month, or days with their month, with the year of `date`: `February 2026`, `2026年2月`.
pub(super) fn in_year(text: &str, date: Date, locale: LocaleRules) -> String {
    let year = locale.number(i32::from(date.year()), 1);
    match locale.counters() {
        Some(counters) => format!("{year}{}{}{text}", counters.year, counters.space),
        None => format!("{text} {year}"),
    }
}

/// The years alone: `2026`, `2026–2027年`.
pub(super) fn years(first: Date, last: Date, locale: LocaleRules) -> String {
    let mut text = locale.number(i32::from(first.year()), 1);
    if first.year() != last.year() {
        text = format!("{text}–{}", locale.number(i32::from(last.year()), 1));
    }
    text + locale.counters().map_or("", |counters| counters.year)
}

/// Days, months and years on one line.
pub(super) fn whole_date(first: Date, last: Date, locale: LocaleRules) -> String {
    if (first.year(), first.month()) == (last.year(), last.month()) {
        return in_year(
            &day_and_month(&days_of_month(first, last, locale), first, locale),
            first,
            locale,
        );
    }
    let [begin, end] = [first, last].map(|date| day_and_month(&day(date, locale), date, locale));
    if first.year() == last.year() {
        // The year is written once: before both days if the language begins with the year, else
        // after both.
        return if locale.counters().is_some() {
            range(&in_year(&begin, first, locale), &end, locale)
        } else {
            range(&begin, &in_year(&end, last, locale), locale)
        };
    }
    range(
        &in_year(&begin, first, locale),
        &in_year(&end, last, locale),
        locale,
    )
}

/// A range of days; a line may break between the two, and nowhere else.
pub(super) fn range(first: &str, last: &str, locale: LocaleRules) -> String {
    match locale.language {
        Language::Japanese => format!("{first}〜{last}"),
        Language::SimplifiedChinese | Language::TraditionalChinese => format!("{first}至{last}"),
        Language::Korean => format!("{} {}", unbroken(&format!("{first} ~")), unbroken(last)),
        Language::English | Language::Hindi | Language::Arabic => {
            format!("{} {}", unbroken(&format!("{first} –")), unbroken(last))
        }
    }
}

//! The date and time of an event, in its language and in its time zone: CLDR's names, digits, orders
//! and calendars, by ICU4X.

mod clock;
mod days;
mod fill;

use contract::Configuration;
use jiff::{
    ToSpan, ZonedDateTime,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::words::LocaleRules;
use clock::{Clock, zone_name};
use days::{Days, short_day, short_weekday, weekday};
use fill::{Differ, joined};

/// The date and time of an event, in the pieces that a design sets separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// Days, months and years on one line, in the language's order: `14–16 February 2026`,
    /// `2026年2月14日`.
    pub(crate) date: String,
    /// The day of the month, or the days: `14`, `14–16`; with their months if these differ: `28
    /// February – 2 March`.
    pub(crate) days: String,
    /// Whether `days` names months, which makes it too long for a numeral.
    pub(crate) days_name_months: bool,
    /// Month and year, or the year alone if `days` names the months.
    pub(crate) month_and_year: String,
    /// The weekday, or the first and the last; `None` for more than a week, in which every weekday
    /// is there, and if `time` names them.
    pub(crate) weekday: Option<String>,
    /// The start and end time; `None` for an event of whole days. A line may break between the two,
    /// and nowhere else.
    pub(crate) time: Option<String>,
    /// The name of the time zone, if there is a time without it.
    pub(crate) zone: Option<String>,
}

/// Punctuation between digits takes the direction of the paragraph, and digits alone have none: a
/// date of a language from right to left begins with this mark, also where it is read as text. On a
/// picture the text engine's base direction has the same effect.
const RIGHT_TO_LEFT: char = '\u{200f}';
/// English days in a text that runs from right to left would be `16–14 February` without this mark.
const LEFT_TO_RIGHT: char = '\u{200e}';

fn directed(text: String, locale: LocaleRules) -> String {
    if locale.dates_right_to_left() {
        format!("{RIGHT_TO_LEFT}{text}")
    } else if locale.right_to_left() {
        format!("{LEFT_TO_RIGHT}{text}")
    } else {
        text
    }
}

/// The date and time of `configuration`, in its time zone, or else at the offset of its start.
/// `None` without a start. An end that is not after the start is ignored.
pub(crate) fn when(configuration: &Configuration, locale: LocaleRules) -> Option<When> {
    let starts_at = configuration.starts_at?;
    let zone = configuration.time_zone.as_ref().map_or_else(
        || TimeZone::fixed(starts_at.offset),
        |name| name.time_zone().clone(),
    );
    let start = starts_at.timestamp.to_zoned_datetime(zone.clone());
    let end = configuration
        .ends_at
        .map(|end| end.timestamp.to_zoned_datetime(zone))
        .filter(|end| *end > start);

    let whole_days = begins_a_day(&start) && end.as_ref().is_some_and(ends_a_day);
    let first = start.date();
    let last = end
        .as_ref()
        .map_or(first, |end| last_day(first, end, whole_days));
    let days = Days::of(first, last, locale);
    let (time, zone) = if whole_days {
        (None, None)
    } else {
        let (time, zone) = hours(&start, end.as_ref(), [first, last], locale);
        (Some(time), zone)
    };
    // Hours that name their weekdays say them.
    let hours_name_days = !whole_days
        && (end.as_ref()).is_some_and(|end| closes_before_it_opens(&start, end, [first, last]));
    let weekday = (!hours_name_days)
        .then(|| weekdays(first, last, locale))
        .flatten();
    let directed = |text| directed(text, locale);
    Some(When {
        date: directed(days.date()),
        days: directed(days.days()),
        days_name_months: matches!(days.differ, Differ::Month | Differ::Year),
        month_and_year: directed(days.month_and_year()),
        weekday: weekday.map(directed),
        time: time.map(directed),
        zone,
    })
}

/// The weekday, or the first and the last of at most seven.
fn weekdays(first: Date, last: Date, locale: LocaleRules) -> Option<String> {
    if first == last {
        return Some(weekday(first, locale));
    }
    are_within_a_week(first, last).then(|| {
        let [first, last] = [first, last].map(|date| weekday(date, locale));
        format!("{first}{}{last}", locale.patterns.to)
    })
}

/// Whether no weekday is there twice.
fn are_within_a_week(first: Date, last: Date) -> bool {
    last < first.saturating_add(7.days())
}

/// The day on which people say that the event ends. An event that ends at midnight ends on the day
/// before, and so does a party that ends before 6 a.m.
fn last_day(first: Date, end: &ZonedDateTime, whole_days: bool) -> Date {
    let previous_evening =
        begins_a_day(end) || (!whole_days && end.time() < Time::constant(6, 0, 0, 0));
    let date = end.date();
    if previous_evening {
        date.yesterday().unwrap_or(date).max(first)
    } else {
        date
    }
}

/// Whether this is the first moment of a day. In Cairo the clock jumps from midnight to 1 a.m. on
/// one day of a year.
fn begins_a_day(moment: &ZonedDateTime) -> bool {
    moment
        .start_of_day()
        .is_ok_and(|beginning| beginning == *moment)
}

/// Whether people would write this moment as the end of a day: midnight, or the minute before.
fn ends_a_day(end: &ZonedDateTime) -> bool {
    begins_a_day(end) || (end.hour() == 23 && end.minute() == 59)
}

/// Whether an event of several days closes earlier in the day than it opened: then each hour needs
/// its day.
fn closes_before_it_opens(
    start: &ZonedDateTime,
    end: &ZonedDateTime,
    [first, last]: [Date; 2],
) -> bool {
    let closes_after_midnight = end.date() > last;
    first != last && !closes_after_midnight && end.time() <= start.time()
}

/// The hours, and the time zone if it is not among them. Of several days they are the opening and
/// the closing hour; where the event closes earlier in the day than it opened, each hour has its
/// day. Where the clock was changed between the two, each has its zone.
fn hours(
    start: &ZonedDateTime,
    end: Option<&ZonedDateTime>,
    [first, last]: [Date; 2],
    locale: LocaleRules,
) -> (String, Option<String>) {
    let clock = Clock::of(locale);
    let Some(end) = end else {
        return (clock.time(start), Some(zone_name(start, locale)));
    };
    let names_zones = start.offset() != end.offset();
    let names_days = closes_before_it_opens(start, end, [first, last]);
    if !names_zones && !names_days {
        return (clock.range(start, end), Some(zone_name(start, locale)));
    }
    let [opens, closes] = [(start, first), (end, last)].map(|(moment, date)| {
        let mut said = clock.time(moment);
        if names_days {
            let day = if are_within_a_week(first, last) {
                short_weekday(date, locale)
            } else {
                short_day(date, locale)
            };
            said = format!("{day} {said}");
        }
        if names_zones {
            said = format!("{said} {}", zone_name(moment, locale));
        }
        said
    });
    let zone = (!names_zones).then(|| zone_name(start, locale));
    (joined(&opens, locale.patterns.to, &closes), zone)
}

#[cfg(test)]
mod tests;

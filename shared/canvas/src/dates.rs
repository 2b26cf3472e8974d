//! The date and time of an event, in its language and in its time zone.

mod days;

use contract::Configuration;
use jiff::{
    ZonedDateTime,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::words::{Language, LocaleRules};
use days::{day, day_and_month, days_of_month, in_year, range, whole_date, years};

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
    /// The weekday, or the first and the last.
    pub(crate) weekday: String,
    /// The start and end time; `None` for an event of whole days. A line may break between the two,
    /// and nowhere else.
    pub(crate) time: Option<String>,
    /// The name of the time zone, if there is a time.
    pub(crate) zone: Option<String>,
}

/// Arabic needs this mark: punctuation between digits takes the direction of the paragraph, and
/// digits alone have none.
const RIGHT_TO_LEFT: char = '\u{200f}';

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

    let whole_days = start.time() == Time::midnight() && end.as_ref().is_none_or(ends_a_day);
    let first = start.date();
    let last = end
        .as_ref()
        .map_or(first, |end| last_day(first, end, whole_days));

    let same_month = (first.year(), first.month()) == (last.year(), last.month());
    let (days, month_and_year) = if same_month {
        (
            days_of_month(first, last, locale),
            in_year(locale.month(first.month()), first, locale),
        )
    } else {
        let days = range(
            &day_and_month(&day(first, locale), first, locale),
            &day_and_month(&day(last, locale), last, locale),
            locale,
        );
        (days, years(first, last, locale))
    };
    let weekday = |date: Date| locale.weekday(date.weekday().to_monday_zero_offset());
    let weekday = if first == last {
        weekday(first).to_owned()
    } else {
        range(weekday(first), weekday(last), locale).replace('\u{a0}', " ")
    };
    let time = (!whole_days).then(|| {
        time_range(
            &start,
            end.as_ref().filter(|_| first == last),
            first != last,
            locale,
        )
    });
    Some(When {
        date: directed(whole_date(first, last, locale), locale),
        days: directed(days, locale),
        days_name_months: !same_month,
        month_and_year: directed(month_and_year, locale),
        weekday: directed(weekday, locale),
        zone: time.is_some().then(|| zone_name(&start, locale)),
        time: time.map(|time| directed(time, locale)),
    })
}

/// The day on which people say that the event ends. An event that ends at midnight ends on the day
/// before, and so does a party that ends before 6 a.m.
fn last_day(first: Date, end: &ZonedDateTime, whole_days: bool) -> Date {
    let previous_evening =
        end.time() == Time::midnight() || (!whole_days && end.time() < Time::constant(6, 0, 0, 0));
    let date = end.date();
    if previous_evening {
        date.yesterday().unwrap_or(date).max(first)
    } else {
        date
    }
}

fn directed(text: String, locale: LocaleRules) -> String {
    if locale.right_to_left() {
        format!("{RIGHT_TO_LEFT}{text}")
    } else {
        text
    }
}

/// Whether people would write this moment as the end of a day: midnight, or the minute before.
fn ends_a_day(end: &ZonedDateTime) -> bool {
    end.time() == Time::midnight() || (end.hour() == 23 && end.minute() == 59)
}

/// `text` with no-break spaces.
fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

fn time_range(
    start: &ZonedDateTime,
    end: Option<&ZonedDateTime>,
    several_days: bool,
    locale: LocaleRules,
) -> String {
    let same_period = end.is_some_and(|end| {
        period(end, locale) == period(start, locale) && end.date() == start.date()
    });
    let Some(end) = end else {
        let begin = unbroken(&one_time(start, true, true, locale));
        if !several_days {
            return begin;
        }
        return match locale.language {
            Language::English => format!("From {begin}"),
            Language::Hindi => format!("{begin} से"),
            Language::Arabic => format!("من {begin}"),
            Language::Japanese => format!("{begin}から"),
            Language::SimplifiedChinese | Language::TraditionalChinese => {
                format!("{begin}\u{a0}起")
            }
            Language::Korean => format!("{begin}부터"),
        };
    };
    // A part of the day that both times share is written once: before a range in Hindi and Korean,
    // after it in the other languages.
    let (first, last) = match locale.language {
        Language::Hindi | Language::Korean => (
            one_time(start, true, false, locale),
            one_time(end, !same_period, true, locale),
        ),
        Language::English
        | Language::Arabic
        | Language::Japanese
        | Language::SimplifiedChinese
        | Language::TraditionalChinese => (
            one_time(start, !same_period, false, locale),
            one_time(end, true, true, locale),
        ),
    };
    let (first, last) = (unbroken(&first), unbroken(&last));
    match locale.language {
        Language::Japanese | Language::SimplifiedChinese | Language::TraditionalChinese => {
            format!("{first}–{last}")
        }
        Language::Korean => format!("{first}~{last}"),
        Language::English | Language::Hindi | Language::Arabic => format!("{first}\u{a0}– {last}"),
    }
}

/// One time of day, with the part of the day if `with_period`, and with the language's ending for a
/// time if `last`.
fn one_time(moment: &ZonedDateTime, with_period: bool, last: bool, locale: LocaleRules) -> String {
    let time = clock(moment, locale);
    if locale.full_day_clock {
        return time;
    }
    let period = if with_period {
        period(moment, locale)
    } else {
        ""
    };
    let text = match locale.language {
        Language::Hindi if last => format!("{period} {time} बजे"),
        Language::Hindi | Language::Korean => format!("{period} {time}"),
        Language::English
        | Language::Arabic
        | Language::Japanese
        | Language::SimplifiedChinese
        | Language::TraditionalChinese => format!("{time} {period}"),
    };
    text.trim().to_owned()
}

/// Hours and minutes: `6:30`, or `18:30` on a 24-hour clock, which writes `09:00`, but `9:00` in
/// Japan.
fn clock(moment: &ZonedDateTime, locale: LocaleRules) -> String {
    let hour = i32::from(moment.hour());
    let minute = locale.number(i32::from(moment.minute()), 2);
    if locale.full_day_clock {
        let digits = if locale.language == Language::Japanese {
            1
        } else {
            2
        };
        return format!("{}:{minute}", locale.number(hour, digits));
    }
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{}:{minute}", locale.number(hour, 1))
}

/// The part of the day, by CLDR's rules for the language.
fn period(moment: &ZonedDateTime, locale: LocaleRules) -> &'static str {
    match (locale.language, moment.hour()) {
        (Language::English, 0..12) => "AM",
        (Language::English, _) => "PM",
        (Language::Hindi, 4..12) => "सुबह",
        (Language::Hindi, 12..16) => "दोपहर",
        (Language::Hindi, 16..20) => "शाम",
        (Language::Hindi, _) => "रात",
        (Language::Arabic, 0..12) => "ص",
        (Language::Arabic, _) => "م",
        (Language::Korean, 0..12) => "오전",
        (Language::Korean, _) => "오후",
        // These languages use a 24-hour clock.
        (Language::Japanese | Language::SimplifiedChinese | Language::TraditionalChinese, _) => "",
    }
}

/// The name of the time zone: its abbreviation, or its offset from UTC if the abbreviation has no
/// letters.
fn zone_name(moment: &ZonedDateTime, locale: LocaleRules) -> String {
    let info = moment.time_zone().to_offset_info(moment.timestamp());
    let abbreviation = info.abbreviation();
    if abbreviation == "CST" && info.offset().seconds() == 8 * 3600 {
        // Chicago's time zone has the same abbreviation.
        let place = moment.time_zone().iana_name();
        match (locale.language, place) {
            (Language::SimplifiedChinese, Some("Asia/Taipei")) => return "台北时间".to_owned(),
            (Language::SimplifiedChinese, _) => return "北京时间".to_owned(),
            (Language::TraditionalChinese, Some("Asia/Taipei")) => return "台北時間".to_owned(),
            (Language::TraditionalChinese, Some("Asia/Macau")) => return "澳門時間".to_owned(),
            (Language::TraditionalChinese, _) => return "北京時間".to_owned(),
            (
                Language::English
                | Language::Hindi
                | Language::Arabic
                | Language::Japanese
                | Language::Korean,
                _,
            ) => {}
        }
    }
    if abbreviation.bytes().all(|b| b.is_ascii_alphabetic()) && !abbreviation.is_empty() {
        return abbreviation.to_owned();
    }
    let seconds = info.offset().seconds();
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let sign = if seconds < 0 { '−' } else { '+' };
    let minutes = if minutes == 0 {
        String::new()
    } else {
        format!(":{}", locale.number(minutes, 2))
    };
    let greenwich = if locale.language == Language::Arabic {
        "غرينتش"
    } else {
        "GMT"
    };
    if seconds == 0 {
        greenwich.to_owned()
    } else {
        format!("{greenwich}{sign}{}{minutes}", locale.number(hours, 1))
    }
}

#[cfg(test)]
mod tests;

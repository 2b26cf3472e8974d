//! The date and time of an event, in its language and in its time zone.

mod days;

use contract::Configuration;
use jiff::{
    ZonedDateTime,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::words::{Language, Speech};
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
pub(crate) fn when(configuration: &Configuration, speech: Speech) -> Option<When> {
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

    let midnight = Time::midnight();
    let whole_days = start.time() == midnight && end.as_ref().is_none_or(ends_a_day);
    // An event that ends at midnight ends on the day before, and so does a party that ends before 6
    // a.m.
    let last = end.as_ref().map(|end| {
        let previous_evening =
            end.time() == midnight || (!whole_days && end.time() < Time::constant(6, 0, 0, 0));
        let date = end.date();
        if previous_evening {
            date.yesterday().unwrap_or(date).max(start.date())
        } else {
            date
        }
    });
    let first = start.date();
    let last = last.unwrap_or(first);

    let same_month = (first.year(), first.month()) == (last.year(), last.month());
    let (days, month_and_year) = if same_month {
        (
            days_of_month(first, last, speech),
            in_year(speech.month(first.month()), first, speech),
        )
    } else {
        let days = range(
            &day_and_month(&day(first, speech), first, speech),
            &day_and_month(&day(last, speech), last, speech),
            speech,
        );
        (days, years(first, last, speech))
    };
    let weekday = |date: Date| speech.weekday(date.weekday().to_monday_zero_offset());
    let weekday = if first == last {
        weekday(first).to_owned()
    } else {
        range(weekday(first), weekday(last), speech).replace('\u{a0}', " ")
    };
    let time = (!whole_days).then(|| {
        time_range(
            &start,
            end.as_ref().filter(|_| first == last),
            first != last,
            speech,
        )
    });
    Some(When {
        date: directed(whole_date(first, last, speech), speech),
        days: directed(days, speech),
        days_name_months: !same_month,
        month_and_year: directed(month_and_year, speech),
        weekday: directed(weekday, speech),
        zone: time.is_some().then(|| zone_name(&start, speech)),
        time: time.map(|time| directed(time, speech)),
    })
}

fn directed(text: String, speech: Speech) -> String {
    if speech.right_to_left() {
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
    speech: Speech,
) -> String {
    let same_period = end.is_some_and(|end| {
        period(end, speech) == period(start, speech) && end.date() == start.date()
    });
    let Some(end) = end else {
        let begin = unbroken(&one_time(start, true, true, speech));
        return match speech.language {
            _ if !several_days => begin,
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
    let (first, last) = match speech.language {
        Language::Hindi | Language::Korean => (
            one_time(start, true, false, speech),
            one_time(end, !same_period, true, speech),
        ),
        _ => (
            one_time(start, !same_period, false, speech),
            one_time(end, true, true, speech),
        ),
    };
    let (first, last) = (unbroken(&first), unbroken(&last));
    match speech.language {
        Language::Japanese | Language::SimplifiedChinese | Language::TraditionalChinese => {
            format!("{first}–{last}")
        }
        Language::Korean => format!("{first}~{last}"),
        Language::English | Language::Hindi | Language::Arabic => format!("{first}\u{a0}– {last}"),
    }
}

/// One time of day, with the part of the day if `with_period`, and with the language's ending for a
/// time if `last`.
fn one_time(moment: &ZonedDateTime, with_period: bool, last: bool, speech: Speech) -> String {
    let time = clock(moment, speech);
    if speech.full_day_clock {
        return time;
    }
    let period = if with_period {
        period(moment, speech)
    } else {
        ""
    };
    let text = match speech.language {
        Language::Hindi if last => format!("{period} {time} बजे"),
        Language::Hindi | Language::Korean => format!("{period} {time}"),
        _ => format!("{time} {period}"),
    };
    text.trim().to_owned()
}

/// Hours and minutes: `6:30`, or `18:30` on a 24-hour clock, which writes `09:00`, but `9:00` in
/// Japan.
fn clock(moment: &ZonedDateTime, speech: Speech) -> String {
    let hour = i32::from(moment.hour());
    let minute = speech.number(i32::from(moment.minute()), 2);
    if speech.full_day_clock {
        let digits = if speech.language == Language::Japanese {
            1
        } else {
            2
        };
        return format!("{}:{minute}", speech.number(hour, digits));
    }
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{}:{minute}", speech.number(hour, 1))
}

/// The part of the day, by CLDR's rules for the language.
fn period(moment: &ZonedDateTime, speech: Speech) -> &'static str {
    match (speech.language, moment.hour()) {
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
fn zone_name(moment: &ZonedDateTime, speech: Speech) -> String {
    let info = moment.time_zone().to_offset_info(moment.timestamp());
    let abbreviation = info.abbreviation();
    if abbreviation == "CST" && info.offset().seconds() == 8 * 3600 {
        // Chicago's time zone has the same abbreviation.
        let place = moment.time_zone().iana_name();
        match (speech.language, place) {
            (Language::SimplifiedChinese, Some("Asia/Taipei")) => return "台北时间".to_owned(),
            (Language::SimplifiedChinese, _) => return "北京时间".to_owned(),
            (Language::TraditionalChinese, Some("Asia/Taipei")) => return "台北時間".to_owned(),
            (Language::TraditionalChinese, Some("Asia/Macau")) => return "澳門時間".to_owned(),
            (Language::TraditionalChinese, _) => return "北京時間".to_owned(),
            _ => {}
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
        format!(":{}", speech.number(minutes, 2))
    };
    let greenwich = if speech.language == Language::Arabic {
        "غرينتش"
    } else {
        "GMT"
    };
    if seconds == 0 {
        greenwich.to_owned()
    } else {
        format!("{greenwich}{sign}{}{minutes}", speech.number(hours, 1))
    }
}

#[cfg(test)]
mod tests;

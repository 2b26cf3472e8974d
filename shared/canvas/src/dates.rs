//! When an event is, in the words of its language and on the clock of its place.

use events::Configuration;
use jiff::{ZonedDateTime, civil::Time, tz::TimeZone};

use crate::words::{Language, Speech};

/// When an event is, in the pieces that a design sets apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// The day of the month, or the days: `14`, `14–16`; with their months if these differ: `28 February – 2 March`.
    pub(crate) days: String,
    /// Whether `days` names months, and so is too long for a numeral.
    pub(crate) days_name_months: bool,
    /// Month and year, or the year alone if `days` names the months.
    pub(crate) month_and_year: String,
    /// The weekday, or the first and the last.
    pub(crate) weekday: String,
    /// From when to when; none for an event of whole days. It may be broken between the two, and nowhere else.
    pub(crate) time: Option<String>,
    /// The clock's name, if there is a time.
    pub(crate) zone: Option<String>,
}

/// Arabic punctuation between digits takes the direction of the paragraph, and digits alone have none.
const RIGHT_TO_LEFT: char = '\u{200f}';

/// When `configuration` is, by its time zone, else by the offset of its beginning. None without a beginning; an end before
/// the beginning is taken for none.
pub(crate) fn when(configuration: &Configuration, speech: Speech) -> Option<When> {
    let starts_at = configuration.starts_at?;
    let zone = configuration
        .time_zone
        .as_ref()
        .map_or_else(|| TimeZone::fixed(starts_at.offset), |name| name.time_zone().clone());
    let start = starts_at.timestamp.to_zoned_datetime(zone.clone());
    let end = configuration.ends_at.map(|end| end.timestamp.to_zoned_datetime(zone)).filter(|end| *end > start);

    let midnight = Time::midnight();
    let whole_days = start.time() == midnight && end.as_ref().is_none_or(ends_a_day);
    // A day that ends at midnight ends on itself, and a party that ends at dawn is still of the evening before.
    let last = end.as_ref().map(|end| {
        let previous_evening = end.time() == midnight || (!whole_days && end.time() < Time::constant(6, 0, 0, 0));
        let date = end.date();
        if previous_evening { date.yesterday().unwrap_or(date).max(start.date()) } else { date }
    });
    let first = start.date();
    let last = last.unwrap_or(first);

    let day = |date: jiff::civil::Date| speech.number(i32::from(date.day()), 1);
    let month = |date: jiff::civil::Date| speech.month(date.month());
    let year = |date: jiff::civil::Date| speech.number(i32::from(date.year()), 1);
    let weekday = |date: jiff::civil::Date| speech.weekday(date.weekday().to_monday_zero_offset());

    let same_month = (first.year(), first.month()) == (last.year(), last.month());
    let (days, month_and_year) = if first == last {
        (day(first), format!("{} {}", month(first), year(first)))
    } else if same_month {
        (format!("{}–{}", day(first), day(last)), format!("{} {}", month(first), year(first)))
    } else {
        let years = if first.year() == last.year() { year(first) } else { format!("{}–{}", year(first), year(last)) };
        (
            unbroken(&format!("{} {} –", day(first), month(first)))
                + " "
                + &unbroken(&format!("{} {}", day(last), month(last))),
            years,
        )
    };
    let weekday =
        if first == last { weekday(first).to_owned() } else { format!("{} – {}", weekday(first), weekday(last)) };
    let time = (!whole_days).then(|| time_range(&start, end.as_ref().filter(|_| first == last), first != last, speech));
    Some(When {
        days: directed(days, speech),
        days_name_months: !same_month,
        month_and_year: directed(month_and_year, speech),
        weekday: directed(weekday, speech),
        zone: time.is_some().then(|| zone_name(&start, speech)),
        time: time.map(|time| directed(time, speech)),
    })
}

fn directed(text: String, speech: Speech) -> String {
    if speech.right_to_left() { format!("{RIGHT_TO_LEFT}{text}") } else { text }
}

/// Whether a day ends at this moment, the way people write it: at midnight, or in the minute before.
fn ends_a_day(end: &ZonedDateTime) -> bool {
    end.time() == Time::midnight() || (end.hour() == 23 && end.minute() == 59)
}

/// `text` with spaces that no line breaks at.
fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

fn time_range(start: &ZonedDateTime, end: Option<&ZonedDateTime>, several_days: bool, speech: Speech) -> String {
    let same_period = end.is_some_and(|end| period(end, speech) == period(start, speech) && end.date() == start.date());
    let Some(end) = end else {
        let begin = unbroken(&one_time(start, true, true, speech));
        return match speech.language {
            _ if !several_days => begin,
            Language::English => format!("From {begin}"),
            Language::Hindi => format!("{begin} से"),
            Language::Arabic => format!("من {begin}"),
        };
    };
    // A part of the day that both share is said once: before a range in Hindi, after it elsewhere.
    let (first, last) = match speech.language {
        Language::Hindi => (one_time(start, true, false, speech), one_time(end, !same_period, true, speech)),
        _ => (one_time(start, !same_period, false, speech), one_time(end, true, true, speech)),
    };
    format!("{} {}", unbroken(&format!("{first} –")), unbroken(&last))
}

/// One time of day, with its part of the day if `with_period`, and with what the language ends a time with if `last`.
fn one_time(moment: &ZonedDateTime, with_period: bool, last: bool, speech: Speech) -> String {
    let time = clock(moment, speech);
    if speech.full_day_clock {
        return time;
    }
    let period = if with_period { period(moment, speech) } else { "" };
    let text = match speech.language {
        Language::Hindi if last => format!("{period} {time} बजे"),
        Language::Hindi => format!("{period} {time}"),
        Language::English | Language::Arabic => format!("{time} {period}"),
    };
    text.trim().to_owned()
}

/// Hours and minutes: `6:30`, or `18:30` where the clock has 24 hours.
fn clock(moment: &ZonedDateTime, speech: Speech) -> String {
    let hour = i32::from(moment.hour());
    let minute = speech.number(i32::from(moment.minute()), 2);
    if speech.full_day_clock {
        return format!("{}:{minute}", speech.number(hour, 2));
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
    }
}

/// What people call the clock: its abbreviation, or its distance from Greenwich if it has none of letters.
fn zone_name(moment: &ZonedDateTime, speech: Speech) -> String {
    let info = moment.time_zone().to_offset_info(moment.timestamp());
    let abbreviation = info.abbreviation();
    if abbreviation.bytes().all(|b| b.is_ascii_alphabetic()) && !abbreviation.is_empty() {
        return abbreviation.to_owned();
    }
    let seconds = info.offset().seconds();
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let sign = if seconds < 0 { '−' } else { '+' };
    let minutes = if minutes == 0 { String::new() } else { format!(":{}", speech.number(minutes, 2)) };
    let greenwich = if speech.language == Language::Arabic { "غرينتش" } else { "GMT" };
    if seconds == 0 { greenwich.to_owned() } else { format!("{greenwich}{sign}{}{minutes}", speech.number(hours, 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(locale: &str, zone: Option<&str>, starts_at: &str, ends_at: Option<&str>) -> When {
        let configuration = Configuration {
            title: events::Text::parse("x").unwrap(),
            description: None,
            starts_at: Some(starts_at.parse().unwrap()),
            ends_at: ends_at.map(|end| end.parse().unwrap()),
            time_zone: zone.map(|zone| events::TimeZoneName::parse(zone).unwrap()),
            locale: events::Locale::parse(locale),
            venue: None,
            organizer: None,
            brand: None,
        };
        when(&configuration, Speech::of(configuration.locale.as_ref())).unwrap()
    }

    fn plain(when: &When) -> String {
        format!("{} {}", when.time.as_deref().unwrap(), when.zone.as_deref().unwrap()).replace('\u{a0}', " ")
    }

    #[test]
    fn an_evening_is_told_on_the_clock_of_its_place() {
        let said = said("en", Some("Asia/Kolkata"), "2026-02-14T13:00:00Z", Some("2026-02-14T16:30:00Z"));
        assert_eq!(said.days, "14");
        assert_eq!(said.month_and_year, "February 2026");
        assert_eq!(said.weekday, "Saturday");
        assert_eq!(plain(&said), "6:30 – 10:00 PM IST");
    }

    #[test]
    fn without_a_zone_the_offset_of_the_beginning_counts() {
        let said = said("en", None, "2026-02-14T18:30:00+05:30", None);
        assert_eq!(plain(&said), "6:30 PM GMT+5:30");
    }

    #[test]
    fn a_party_that_ends_at_dawn_is_of_the_evening_before() {
        let said =
            said("en-US", Some("America/New_York"), "2026-07-03T21:00:00-04:00", Some("2026-07-04T02:00:00-04:00"));
        assert_eq!(said.days, "3");
        assert_eq!(plain(&said), "9:00 PM – 2:00 AM EDT");
    }

    #[test]
    fn whole_days_have_no_time_and_end_on_the_day_before_midnight() {
        let said = said("en", Some("Europe/London"), "2026-07-01T00:00:00+01:00", Some("2026-07-04T00:00:00+01:00"));
        assert_eq!((said.days.as_str(), said.time), ("1–3", None));
        assert_eq!(said.weekday, "Wednesday – Friday");
    }

    #[test]
    fn days_of_two_months_name_both() {
        let said = said("en-GB", Some("Europe/London"), "2026-02-28T09:00:00Z", Some("2026-03-02T17:00:00Z"));
        assert_eq!(said.days.replace('\u{a0}', " "), "28 February – 2 March");
        assert_eq!(said.month_and_year, "2026");
        assert_eq!(plain(&said), "From 09:00 GMT");
    }

    #[test]
    fn hindi_names_the_part_of_the_day() {
        let said = said("hi-IN", Some("Asia/Kolkata"), "2026-02-14T18:30:00+05:30", Some("2026-02-14T22:00:00+05:30"));
        assert_eq!(said.month_and_year, "फ़रवरी 2026");
        assert_eq!(said.weekday, "शनिवार");
        assert_eq!(plain(&said), "शाम 6:30 – रात 10:00 बजे IST");
    }

    #[test]
    fn arabic_takes_the_digits_and_months_of_its_region() {
        let cairo = said("ar-EG", Some("Africa/Cairo"), "2026-01-14T20:00:00+02:00", None);
        assert_eq!(cairo.days, "\u{200f}١٤");
        assert_eq!(cairo.month_and_year, "\u{200f}يناير ٢٠٢٦");
        assert_eq!(plain(&cairo), "\u{200f}٨:٠٠ م EET");
        let dubai = said("ar-AE", Some("Asia/Dubai"), "2026-01-14T20:00:00+04:00", None);
        assert_eq!(dubai.days, "\u{200f}14");
        assert_eq!(plain(&dubai), "\u{200f}8:00 م غرينتش+4");
        assert_eq!(said("ar-LB", None, "2026-01-14T20:00:00+02:00", None).month_and_year, "\u{200f}كانون الثاني ٢٠٢٦");
    }

    #[test]
    fn an_unknown_language_is_told_in_english() {
        assert_eq!(said("fr-FR", None, "2026-02-14T18:30:00Z", None).weekday, "Saturday");
    }
}

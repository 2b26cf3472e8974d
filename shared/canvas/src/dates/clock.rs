//! How a language writes hours, and the name of a time zone.

use icu_datetime::{
    DateTimeFormatterPreferences, NoCalendarFormatter,
    fieldsets::{T, zone::LocalizedOffsetShort},
    input::{Time, UtcOffset},
    pattern::{DateTimePattern, DayPeriodNameLength, FixedCalendarDateTimeNames},
};
use jiff::ZonedDateTime;
use writeable::TryWriteable;

use super::fill::{halves, joined, unbroken};
use crate::{fonts::Han, words::LocaleRules};

/// Why a formatter is always there: CLDR's data is compiled in for each language.
const COMPILED_IN: &str = "CLDR's data is compiled in";

/// The clock of a language.
pub(super) struct Clock {
    locale: LocaleRules,
    /// One time of 24 hours; `None` for a clock of 12 hours.
    full_day: Option<String>,
    /// Whether the first hour of a half day is 0, not 12.
    from_zero: bool,
    names: FixedCalendarDateTimeNames<(), T>,
}

impl Clock {
    pub(super) fn of(locale: LocaleRules) -> Self {
        // The pattern says which clock the language has, or `-u-hc-` asks for.
        let pattern = NoCalendarFormatter::try_new(locale.preferences, T::hm())
            .expect(COMPILED_IN)
            .format(&Time::noon())
            .pattern()
            .to_string();
        let mut names = names(locale.preferences);
        names
            .include_day_period_names(if locale.patterns.period == "aaaa" {
                DayPeriodNameLength::Wide
            } else {
                DayPeriodNameLength::Abbreviated
            })
            .expect(COMPILED_IN);
        Self {
            locale,
            from_zero: pattern.contains('K'),
            full_day: pattern.contains('H').then_some(pattern),
            names,
        }
    }

    /// One time: `6:30 PM`, `18:30`.
    pub(super) fn time(&self, moment: &ZonedDateTime) -> String {
        let twelve = self.locale.patterns.time;
        let pattern = self.full_day.as_deref().unwrap_or(twelve);
        unbroken(&self.text(pattern, moment))
    }

    /// Two times: `6:30–10:00 PM`. A half or part of the day that both have is written once.
    pub(super) fn range(&self, start: &ZonedDateTime, end: &ZonedDateTime) -> String {
        let patterns = self.locale.patterns;
        let pattern = if let Some(one) = &self.full_day {
            let (first, between, _) = halves(patterns.hours);
            if first == *one {
                patterns.hours
            } else {
                // The range is of another clock: 09.05 and 09:05.
                &format!("{one}{between}{one}")
            }
        } else if start.date() == end.date() && self.period(start) == self.period(end) {
            patterns.time_same
        } else {
            patterns.time_other
        };
        let (first, between, last) = halves(pattern);
        joined(&self.text(&first, start), &between, &self.text(&last, end))
    }

    /// The half or the part of the day.
    fn period(&self, moment: &ZonedDateTime) -> String {
        let patterns = self.locale.patterns;
        match patterns.part_of_day(moment.hour()) {
            Some(part) => part.to_owned(),
            None => self.text(patterns.period, moment),
        }
    }

    fn text(&self, pattern: &str, moment: &ZonedDateTime) -> String {
        let mut pattern = if self.from_zero {
            from_zero(pattern)
        } else {
            pattern.to_owned()
        };
        // ICU4X's compiled data has the parts of the day in hardly any language.
        if let Some(part) = self.locale.patterns.part_of_day(moment.hour()) {
            pattern = pattern.replace('B', &format!("'{part}'"));
        }
        let pattern =
            DateTimePattern::try_from_pattern_str(&pattern).expect("patterns.tsv has CLDR's form");
        let [hour, minute] = [moment.hour(), moment.minute()].map(i8::unsigned_abs);
        let time = Time::try_new(hour, minute, 0, 0).expect("jiff's times exist");
        let text = self.names.with_pattern_unchecked(&pattern).format(&time);
        let (Ok(text) | Err((_, text))) = text.try_write_to_string();
        text.into_owned()
    }
}

fn names(preferences: DateTimeFormatterPreferences) -> FixedCalendarDateTimeNames<(), T> {
    FixedCalendarDateTimeNames::try_new(preferences).expect(COMPILED_IN)
}

/// `pattern` with the hours 0 to 11 instead of 1 to 12.
fn from_zero(pattern: &str) -> String {
    let mut quoted = false;
    let from_zero = pattern.chars().map(|c| {
        quoted ^= c == '\'';
        if c == 'h' && !quoted { 'K' } else { c }
    });
    from_zero.collect()
}

/// The name of the time zone: its abbreviation, or its offset from UTC if the abbreviation has no
/// letters.
pub(super) fn zone_name(moment: &ZonedDateTime, locale: LocaleRules) -> String {
    let info = moment.time_zone().to_offset_info(moment.timestamp());
    let abbreviation = info.abbreviation();
    let seconds = info.offset().seconds();
    if abbreviation == "CST" && seconds == 8 * 3600 {
        // Chicago's time zone has the same abbreviation.
        let place = moment.time_zone().iana_name();
        match (locale.han(), place) {
            (Some(Han::Simplified), Some("Asia/Taipei")) => return "台北时间".to_owned(),
            (Some(Han::Simplified), _) => return "北京时间".to_owned(),
            (Some(Han::Traditional), Some("Asia/Taipei")) => return "台北時間".to_owned(),
            (Some(Han::Traditional), Some("Asia/Macau")) => return "澳門時間".to_owned(),
            (Some(Han::Traditional), _) => return "北京時間".to_owned(),
            (Some(Han::Japanese | Han::Korean) | None, _) => {}
        }
    }
    if abbreviation.bytes().all(|b| b.is_ascii_alphabetic()) && !abbreviation.is_empty() {
        return abbreviation.to_owned();
    }
    let offset = UtcOffset::try_from_seconds(seconds).expect("an offset is less than a day");
    unbroken(
        &NoCalendarFormatter::try_new(locale.preferences, LocalizedOffsetShort)
            .expect(COMPILED_IN)
            .format(&offset)
            .to_string(),
    )
}

//! How a language writes days, months and years, in its calendar.

use std::{fmt, ops::Range};

use icu_calendar::{Date as IcuDate, Iso};
use icu_datetime::{
    DateTimeFormatter,
    fieldsets::{D, E, M, MD, Y, YM, YMD},
    parts,
};
use jiff::civil::Date;
use writeable::{Part, PartsWrite, Writeable};

use super::fill::{self, Differ, fill, halves, joined, tight};
use crate::words::LocaleRules;

/// Why a formatter is always there: CLDR's data is compiled in for each language and calendar.
const COMPILED_IN: &str = "CLDR's data is compiled in";

/// The first and the last day of an event in one language.
pub(super) struct Days {
    locale: LocaleRules,
    first: Date,
    last: Date,
    pub(super) differ: Differ,
}

impl Days {
    pub(super) fn of(first: Date, last: Date, locale: LocaleRules) -> Self {
        let formatter =
            DateTimeFormatter::try_new(locale.preferences, D::long()).expect(COMPILED_IN);
        let [one, other] = [first, last].map(|date| {
            let date = in_iso(date).to_calendar(formatter.calendar());
            (date.year().extended_year(), date.month().ordinal)
        });
        let differ = if first == last {
            Differ::Nothing
        } else if one == other {
            Differ::Day
        } else if one.0 == other.0 {
            Differ::Month
        } else {
            Differ::Year
        };
        Self {
            locale,
            first,
            last,
            differ,
        }
    }

    /// Days, months and years: `14–16 February 2026`.
    pub(super) fn date(&self) -> String {
        let patterns = self.locale.patterns;
        match self.differ {
            Differ::Nothing => self.filled_with_first(&self.long()),
            Differ::Day => self.range(patterns.date_days, &self.long(), tight),
            Differ::Month => self.range(patterns.date_months, &self.long(), joined),
            Differ::Year => self.range(patterns.date_years, &self.long(), joined),
        }
    }

    /// The days alone, or with their months if these differ: `14`, `14–16`, `28 February – 2
    /// March`.
    pub(super) fn days(&self) -> String {
        let patterns = self.locale.patterns;
        match self.differ {
            Differ::Nothing => DateTimeFormatter::try_new(self.locale.preferences, D::long())
                .expect(COMPILED_IN)
                .format(&in_iso(self.first))
                .to_string(),
            Differ::Day => self.filled(patterns.days, tight),
            Differ::Month | Differ::Year => {
                let day = DateTimeFormatter::try_new(self.locale.preferences, MD::long())
                    .expect(COMPILED_IN)
                    .format(&in_iso(self.first))
                    .pattern()
                    .to_string();
                let pattern = fill::range(
                    patterns.months,
                    &day,
                    Differ::Month,
                    patterns.days,
                    patterns.to,
                );
                self.filled(&pattern, joined)
            }
        }
    }

    /// What `days` lacks: month and year, or the years.
    pub(super) fn month_and_year(&self) -> String {
        match self.differ {
            Differ::Nothing | Differ::Day => self.month(),
            Differ::Month => DateTimeFormatter::try_new(self.locale.preferences, Y::long())
                .expect(COMPILED_IN)
                .format(&in_iso(self.first))
                .to_string(),
            Differ::Year => self.filled(self.locale.patterns.years, tight),
        }
    }

    /// The month and the year of the first day.
    fn month(&self) -> String {
        let date = in_iso(self.first);
        let pattern = DateTimeFormatter::try_new(self.locale.preferences, YM::long())
            .expect(COMPILED_IN)
            .format(&date)
            .pattern()
            .to_string();
        let pattern = fill::month_and_year(&self.with_era_if_asked(&pattern), &self.long());
        // ICU4X 2.4 does not load the digits for this pattern in Portuguese, so it is filled here.
        self.filled_with_first(&pattern)
    }

    /// `pattern` with the fields of the first day.
    fn filled_with_first(&self, pattern: &str) -> String {
        let fields = Fields::of(self.first, self.locale);
        fill(pattern, |letter| fields.get(letter))
    }

    /// The pattern of one whole date.
    fn long(&self) -> String {
        let pattern = DateTimeFormatter::try_new(self.locale.preferences, YMD::long())
            .expect(COMPILED_IN)
            .format(&in_iso(self.first))
            .pattern()
            .to_string();
        self.with_era_if_asked(&pattern)
    }

    /// `pattern` with its era, if the tag asks for a calendar. In the calendar that all readers have
    /// a year needs none, and CLDR lacks its name in some languages: Pashto has `AP`, in Latin
    /// letters.
    fn with_era_if_asked(&self, pattern: &str) -> String {
        if self.locale.asks_for_calendar() {
            pattern.to_owned()
        } else {
            fill::without(pattern, 'G')
        }
    }

    /// A range by CLDR's pattern, or in the order of `date` where the two do not agree.
    fn range(&self, cldr: &str, date: &str, join: fn(&str, &str, &str) -> String) -> String {
        let patterns = self.locale.patterns;
        let pattern = fill::range(cldr, date, self.differ, patterns.days, patterns.to);
        self.filled(&pattern, join)
    }

    /// A pattern of a range, with the first day in its first half and the last one in the second.
    fn filled(&self, pattern: &str, join: fn(&str, &str, &str) -> String) -> String {
        let (first, between, last) = halves(pattern);
        let [first, last] = [(first, self.first), (last, self.last)].map(|(half, date)| {
            let fields = Fields::of(date, self.locale);
            fill(&half, |letter| match letter {
                'y' => fields.year(),
                _ => fields.get(letter),
            })
        });
        join(&first, &between, &last)
    }
}

/// The name of a weekday: `Saturday`.
pub(super) fn weekday(date: Date, locale: LocaleRules) -> String {
    DateTimeFormatter::try_new(locale.preferences, E::long())
        .expect(COMPILED_IN)
        .format(&in_iso(date))
        .to_string()
}

/// The short name of a weekday: `Sat`.
pub(super) fn short_weekday(date: Date, locale: LocaleRules) -> String {
    DateTimeFormatter::try_new(locale.preferences, E::short())
        .expect(COMPILED_IN)
        .format(&in_iso(date))
        .to_string()
}

/// A day and its month, short: `14 Feb`.
pub(super) fn short_day(date: Date, locale: LocaleRules) -> String {
    DateTimeFormatter::try_new(locale.preferences, MD::medium())
        .expect(COMPILED_IN)
        .format(&in_iso(date))
        .to_string()
}

fn in_iso(date: Date) -> IcuDate<Iso> {
    let [month, day] = [date.month(), date.day()].map(i8::unsigned_abs);
    IcuDate::try_new_iso(i32::from(date.year()), month, day).expect("jiff's days exist")
}

/// The fields of one day, as the language's own date has them.
struct Fields {
    text: String,
    parts: Vec<(Part, Range<usize>)>,
    /// The month by itself: the nominative of languages that inflect.
    month_alone: String,
    /// Whether a year has its era.
    with_era: bool,
}

impl Fields {
    fn of(date: Date, locale: LocaleRules) -> Self {
        let mut fields = Self {
            text: String::new(),
            parts: Vec::new(),
            with_era: locale.asks_for_calendar(),
            month_alone: DateTimeFormatter::try_new(locale.preferences, M::long())
                .expect(COMPILED_IN)
                .format(&in_iso(date))
                .to_string(),
        };
        let formatter =
            DateTimeFormatter::try_new(locale.preferences, YMD::long()).expect(COMPILED_IN);
        formatter
            .format(&in_iso(date))
            .write_to_parts(&mut fields)
            .expect("a string takes every text");
        fields
    }

    /// The text of a pattern's field.
    fn get(&self, letter: char) -> String {
        let part = match letter {
            'd' => parts::DAY,
            'M' => parts::MONTH,
            'L' => return self.month_alone.clone(),
            'G' => parts::ERA,
            'r' => parts::RELATED_YEAR,
            'U' => parts::YEAR_NAME,
            _ => parts::YEAR,
        };
        self.text[self.span(&[part])].to_owned()
    }

    /// The year, with its era or its name if the language's date has one.
    fn year(&self) -> String {
        let parts = [
            parts::ERA,
            parts::YEAR,
            parts::RELATED_YEAR,
            parts::YEAR_NAME,
        ];
        let without_era = usize::from(!self.with_era);
        self.text[self.span(&parts[without_era..])].to_owned()
    }

    /// From the first of `wanted` to the last: an era stands beside its year.
    fn span(&self, wanted: &[Part]) -> Range<usize> {
        let mut ranges = self
            .parts
            .iter()
            .filter(|(part, _)| wanted.contains(part))
            .map(|(_, range)| range.clone());
        let first = ranges.next().unwrap_or_default();
        ranges.fold(first, |whole, range| {
            whole.start.min(range.start)..whole.end.max(range.end)
        })
    }
}

impl fmt::Write for Fields {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}

impl PartsWrite for Fields {
    type SubPartsWrite = Self;

    fn with_part(
        &mut self,
        part: Part,
        mut write: impl FnMut(&mut Self) -> fmt::Result,
    ) -> fmt::Result {
        let begin = self.text.len();
        write(self)?;
        self.parts.push((part, begin..self.text.len()));
        Ok(())
    }
}

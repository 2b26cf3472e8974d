//! What a language says on a design, and which way it runs: the fixed words, the comma, the
//! direction, the form of Chinese characters. Dates are in `dates.rs`.

mod patterns;

use std::sync::LazyLock;

use contract::Locale;
use icu_calendar::Date;
use icu_datetime::{
    DateTimeFormatter, DateTimeFormatterPreferences, fieldsets::M, preferences::HourCycle,
};
use icu_locale::{LocaleCanonicalizer, LocaleDirectionality, LocaleExpander};

use crate::{fonts::Han, language::understood};
pub(crate) use patterns::Patterns;

/// A language with its regional variations, and what its tag asks for after `-u-`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocaleRules {
    /// What ICU4X formats dates and times by: the language, the digits (`nu`), the hours (`hc`) and
    /// the calendar (`ca`).
    pub(crate) preferences: DateTimeFormatterPreferences,
    /// How the language joins dates and times.
    pub(crate) patterns: Patterns,
    row: Option<&'static Row>,
    han: Option<Han>,
    right_to_left: bool,
    /// Whether its dates are English ones.
    english_dates: bool,
    arabic_script: bool,
}

/// The fixed words of the designs.
#[derive(Debug)]
pub(crate) struct Words {
    /// The invitation's greeting, in capitals where the script has them: it is set widely spaced.
    pub(crate) invited: &'static str,
    /// The words before the organizer on an invitation.
    pub(crate) hosted_by: &'static str,
    /// The words before the organizer on a poster.
    pub(crate) presented_by: &'static str,
}

/// A row of `languages.tsv`. Its columns `source` and `needs_native_reader` are for people.
#[derive(Debug)]
struct Row {
    tag: &'static str,
    /// The script that the words are written in, by ISO 15924.
    script: &'static str,
    /// Without words a design is wordless: no words are better than another language's.
    words: Option<Words>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = include_str!("../languages.tsv").lines().skip(1);
    rows.filter_map(row).collect()
});

fn row(line: &'static str) -> Option<Row> {
    let mut cells = line.split('\t');
    let (tag, script) = (cells.next()?, cells.next()?);
    let (_source, _needs_native_reader) = (cells.next()?, cells.next()?);
    let words = Words {
        invited: cells.next()?,
        hosted_by: cells.next()?,
        presented_by: cells.next()?,
    };
    Some(Row {
        tag,
        script,
        words: (!words.invited.is_empty()).then_some(words),
    })
}

impl LocaleRules {
    /// The language of a tag; English without one.
    pub(crate) fn of(locale: Option<&Locale>) -> Self {
        let mut asked =
            understood(locale.map_or("en", Locale::as_str)).unwrap_or(icu_locale::locale!("en"));
        LocaleCanonicalizer::new_extended().canonicalize(&mut asked);
        let mut likely = asked.id.clone();
        LocaleExpander::new_extended().maximize(&mut likely);
        let script = likely.script.as_ref().map_or("", |script| script.as_str());
        let language = likely.language.as_str();
        let han = han(script);
        let asked_for = DateTimeFormatterPreferences::from(&asked);
        let known = Patterns::of(&asked.id).filter(|_| names_months(asked_for));
        let english_dates = known.is_none();
        let (patterns, mut preferences) = match known {
            Some(patterns) => (patterns, asked_for),
            None => english(),
        };
        // People in Taipei and Hong Kong say the half of the day, but their posters have 24 hours.
        if han == Some(Han::Traditional) && preferences.hour_cycle.is_none() {
            preferences.hour_cycle = Some(HourCycle::Clock24);
        }
        Self {
            preferences,
            patterns,
            row: ROWS
                .iter()
                .find(|row| row.tag == language && row.script == script),
            han,
            right_to_left: LocaleDirectionality::new_extended().is_right_to_left(&likely),
            english_dates,
            arabic_script: script == "Arab",
        }
    }

    /// The form of Chinese characters that the reader knows, if the language has any.
    pub(crate) fn han(self) -> Option<Han> {
        self.han
    }

    /// Whether the language runs from right to left.
    pub(crate) fn right_to_left(self) -> bool {
        self.right_to_left
    }

    /// Whether the tag asks for a calendar, which may be another one than that of its readers.
    pub(crate) fn asks_for_calendar(self) -> bool {
        self.preferences.calendar_algorithm.is_some()
    }

    /// Whether dates run from right to left. English ones, of a language that CLDR does not know, do
    /// not.
    pub(crate) fn dates_right_to_left(self) -> bool {
        self.right_to_left && !self.english_dates
    }

    /// The tag of the language, without script and region; `und` for one without a row in
    /// `languages.tsv`.
    #[cfg(test)]
    fn tag(self) -> &'static str {
        self.row.map_or("und", |row| row.tag)
    }

    /// The comma with its space.
    pub(crate) fn comma(self) -> &'static str {
        if self.arabic_script { "، " } else { ", " }
    }

    /// The fixed words; `None` makes a wordless design.
    pub(crate) fn words(self) -> Option<&'static Words> {
        self.row?.words.as_ref()
    }

    /// What stands between a city and a street, in a language whose places begin with the city;
    /// `None` in the others.
    pub(crate) fn after_city(self) -> Option<&'static str> {
        Some(match self.han? {
            Han::Korean => " ",
            Han::Japanese | Han::Simplified | Han::Traditional => "",
        })
    }
}

/// Whether ICU4X has the names of the language: where it has none, February is `M02`.
fn names_months(preferences: DateTimeFormatterPreferences) -> bool {
    let formatter = DateTimeFormatter::try_new(preferences, M::long());
    let february = Date::try_new_iso(2026, 2, 15);
    formatter.is_ok_and(|formatter| {
        february.is_ok_and(|date| !formatter.format(&date).to_string().starts_with("M0"))
    })
}

/// English dates, for a language that CLDR or ICU4X does not know: Dhivehi, and Manipuri in Meetei
/// Mayek. Their readers learn English at school. Numbers alone would lack the weekday, and `8/9`
/// would be a day in August to some and in September to others.
fn english() -> (Patterns, DateTimeFormatterPreferences) {
    let english = icu_locale::langid!("en-001");
    let patterns = Patterns::of(&english).expect("patterns.tsv has English");
    (patterns, DateTimeFormatterPreferences::from(&english))
}

fn han(script: &str) -> Option<Han> {
    match script {
        "Jpan" => Some(Han::Japanese),
        "Hans" => Some(Han::Simplified),
        "Hant" => Some(Han::Traditional),
        "Kore" => Some(Han::Korean),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

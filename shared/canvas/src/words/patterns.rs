//! How a language joins two dates or two times, and how it writes a time of 12 hours: CLDR's
//! patterns, cut by `cldr/cut.mjs`.

use std::{collections::HashMap, sync::LazyLock};

use icu_locale::{LanguageIdentifier, fallback::LocaleFallbacker};

/// The patterns of a language, in CLDR's letters:
/// <https://www.unicode.org/reports/tr35/tr35-dates.html#Date_Field_Symbol_Table>.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patterns {
    /// Days of one month, without the month: `d–d`.
    pub(crate) days: &'static str,
    /// Days of two months: `d MMMM – d MMMM`.
    pub(crate) months: &'static str,
    /// Days of one month, with month and year: `d–d MMMM y`.
    pub(crate) date_days: &'static str,
    /// Days of two months of one year: `d MMMM – d MMMM y`.
    pub(crate) date_months: &'static str,
    /// Days of two years: `d MMMM y – d MMMM y`.
    pub(crate) date_years: &'static str,
    /// Two years: `y–y`.
    pub(crate) years: &'static str,
    /// What stands between two things of any kind: ` – `.
    pub(crate) to: &'static str,
    /// A time of 12 hours: `h:mm a`.
    pub(crate) time: &'static str,
    /// Two times of 12 hours in one half or part of the day: `h:mm–h:mm a`.
    pub(crate) time_same: &'static str,
    /// Two times of 12 hours in different ones: `h:mm a – h:mm a`.
    pub(crate) time_other: &'static str,
    /// Two times of 24 hours: `HH:mm–HH:mm`.
    pub(crate) hours: &'static str,
    /// The half of the day as a field, `a` or `aaaa` (its long name), or the parts of the day for
    /// the field `B`: `4=सुबह|12=दोपहर|16=शाम|20=रात`.
    pub(crate) period: &'static str,
}

const COLUMNS: usize = 12;

/// For each locale its cells; an empty one is inherited.
static TABLE: LazyLock<HashMap<&'static str, [&'static str; COLUMNS]>> = LazyLock::new(|| {
    let rows = include_str!("../../cldr/patterns.tsv").lines().skip(1);
    rows.filter_map(|row| {
        let (locale, cells) = row.split_once('\t')?;
        let mut each = cells.split('\t');
        Some((
            locale,
            std::array::from_fn(|_| each.next().unwrap_or_default()),
        ))
    })
    .collect()
});

impl Patterns {
    /// The part of the day at an hour, 0 to 23; `None` in a language that says the half of the day.
    pub(crate) fn part_of_day(self, hour: i8) -> Option<&'static str> {
        let mut parts = self.period.split('|').filter_map(|part| {
            let (from, name) = part.split_once('=')?;
            Some((from.parse::<i8>().ok()?, name))
        });
        // Before the first one it is still night, the last.
        let begun = parts.clone().rfind(|(from, _)| *from <= hour);
        Some(begun.or_else(|| parts.next_back())?.1)
    }

    /// The patterns of `language`; `None` if CLDR does not know it.
    pub(crate) fn of(language: &LanguageIdentifier) -> Option<Self> {
        let fallbacker = LocaleFallbacker::new();
        let mut fallback = fallbacker
            .for_config(Default::default())
            .fallback_for(language.into());
        let mut found = [""; COLUMNS];
        let mut known = false;
        loop {
            let inherited = fallback.get();
            let is_root = inherited.is_unknown();
            let cells = TABLE.get(inherited.to_string().as_str());
            known |= cells.is_some() && !is_root;
            for (cell, theirs) in found.iter_mut().zip(cells.into_iter().flatten()) {
                if cell.is_empty() {
                    *cell = theirs;
                }
            }
            if is_root {
                break;
            }
            fallback.step();
        }
        let [
            days,
            months,
            date_days,
            date_months,
            date_years,
            years,
            to,
            time,
            time_same,
            time_other,
            hours,
            period,
        ] = found;
        known.then_some(Self {
            days,
            months,
            date_days,
            date_months,
            date_years,
            years,
            to,
            time,
            time_same,
            time_other,
            hours,
            period,
        })
    }
}

//! What a provider was paid on each day, and its last refusal in its own words: for operators, who
//! decide nothing by it automatically.

use std::collections::BTreeMap;

use contract::Time;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Refusal;

/// For how many days the credits are kept.
pub const USAGE_DAYS: usize = 31;

/// The most characters of a refusal that are kept.
const LONGEST: usize = 500;

/// What all execution environments know of a provider. It names no tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The number of writes so far; 0 before the first.
    pub version: u64,
    /// The credits that were spent, by the day in UTC, such as `2026-11-27`.
    #[serde(default)]
    pub credits: BTreeMap<String, u64>,
    /// The last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<LastRefusal>,
}

/// A refusal as the provider worded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRefusal {
    /// When the studio learned of it.
    pub at: Time,
    /// Its class.
    pub refusal: Refusal,
    /// What the provider said, shortened.
    pub said: String,
    /// The job or voice model that was refused.
    pub of: Uuid,
}

impl Usage {
    /// The usage with `credits` more on the day of `now`, and without days from before the last
    /// [`USAGE_DAYS`].
    #[must_use]
    pub fn spent(mut self, credits: u64, now: Time) -> Self {
        let today = self.credits.entry(day(now)).or_default();
        *today = today.saturating_add(credits);
        while self.credits.len() > USAGE_DAYS {
            self.credits.pop_first();
        }
        self
    }

    /// The usage with this refusal as the last one; an older one than is known changes nothing.
    #[must_use]
    pub fn refused(mut self, refusal: LastRefusal) -> Self {
        if self
            .last_refusal
            .as_ref()
            .is_none_or(|last| last.at <= refusal.at)
        {
            let said = refusal.said.chars().take(LONGEST).collect();
            self.last_refusal = Some(LastRefusal { said, ..refusal });
        }
        self
    }

    /// The credits that were spent on the day of `now`.
    #[must_use]
    pub fn today(&self, now: Time) -> u64 {
        self.credits.get(&day(now)).copied().unwrap_or(0)
    }

    /// The credits of all days that are kept.
    #[must_use]
    pub fn in_all(&self) -> u64 {
        self.credits
            .values()
            .fold(0, |all, day| all.saturating_add(*day))
    }
}

/// The day of `time` in UTC.
fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::new(text.parse().unwrap())
    }

    fn refusal(at: Time, said: &str) -> LastRefusal {
        LastRefusal {
            at,
            refusal: Refusal::Auth,
            said: said.to_owned(),
            of: Uuid::nil(),
        }
    }

    #[test]
    fn credits_are_counted_by_the_day_in_utc_for_a_month() {
        let late = at("2026-11-27T23:59:59.999Z");
        let usage = Usage::default().spent(5, at("2026-11-27T00:00:00Z"));
        let usage = usage.spent(7, late).spent(1, late.plus_seconds(1));
        assert_eq!((usage.today(late), usage.in_all()), (12, 13));
        let later = (1..=40).fold(usage, |usage, day| {
            usage.spent(1, late.plus_seconds(day * 24 * 60 * 60))
        });
        assert_eq!(later.credits.len(), USAGE_DAYS);
        assert_eq!(later.today(late), 0);
    }

    #[test]
    fn the_last_refusal_is_the_newest_and_is_shortened() {
        let (early, late) = (at("2026-11-27T09:00:00Z"), at("2026-11-27T10:00:00Z"));
        let usage = Usage::default().refused(refusal(late, &"é".repeat(600)));
        let usage = usage.refused(refusal(early, "an answer that came late"));
        let said = usage.last_refusal.clone().unwrap().said;
        assert_eq!(said.chars().count(), LONGEST);
        let json = serde_json::to_string(&usage).unwrap();
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
    }
}

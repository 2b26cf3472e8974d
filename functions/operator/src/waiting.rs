//! The records that something is to be done with, one after the other: those that match, or those
//! that are named.

use std::collections::VecDeque;

use contract::Time;
use journal::{Entry, Journal, Outcome, Place, Window};
use operations::{Filter, Which};
use uuid::Uuid;

use crate::step::StepError;

/// How many are looked at at once.
const AT_ONCE: usize = 50;

/// Those that match, those that were first seen earliest first.
pub(crate) struct Waiting<'a> {
    journal: &'a Journal,
    window: Window,
    filter: &'a Filter,
    page: VecDeque<(Place, Entry)>,
    after: Option<Place>,
    seen_all: bool,
    now: Time,
}

impl<'a> Waiting<'a> {
    /// From the place on where a page before ended.
    pub(crate) fn after(
        journal: &'a Journal,
        filter: &'a Filter,
        after: Option<&str>,
        now: Time,
    ) -> Result<Self, StepError> {
        let window = Window {
            tenant: filter.tenant.clone(),
            since: filter.since,
            until: filter.until,
        };
        let after = after.map(str::parse).transpose()?;
        Ok(Self {
            journal,
            window,
            filter,
            page: VecDeque::new(),
            after,
            seen_all: false,
            now,
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>, StepError> {
        loop {
            while let Some((place, entry)) = self.page.pop_front() {
                self.after = Some(place);
                if let Some(entry) = still_waits(self.journal, entry, self.now).await?
                    && matches(self.filter, &entry)
                {
                    return Ok(Some(entry));
                }
            }
            if self.seen_all {
                return Ok(None);
            }
            let (page, next) = self
                .journal
                .dead_letter_entries(&self.window, self.after, AT_ONCE)
                .await?;
            self.page = page.into();
            self.seen_all = next.is_none();
            // Of what has no entry any more, the place counts all the same.
            if self.page.is_empty() {
                self.after = next.or(self.after);
            }
        }
    }

    /// Where to go on, if there may be more.
    pub(crate) fn goes_on(&self) -> Option<String> {
        let is_over = self.seen_all && self.page.is_empty();
        self.after
            .filter(|_| !is_over)
            .map(|place| place.to_string())
    }
}

/// The entry if it waits for somebody. One that was being resolved when whoever did so died is
/// resolved to the end.
async fn still_waits(
    journal: &Journal,
    entry: Entry,
    now: Time,
) -> Result<Option<Entry>, StepError> {
    let Some(resolved) = entry.resolved else {
        return Ok(Some(entry));
    };
    let record = journal.dead_letter(&entry).await?;
    match journal
        .resolve(&entry, record.as_ref(), resolved.how, now)
        .await?
    {
        Outcome::Resolved => Ok(None),
        Outcome::CameBack => Ok(journal
            .dead_letter_entry(entry.id)
            .await?
            .filter(|entry| entry.resolved.is_none())),
    }
}

/// Whether an entry is one of those that are wanted; tenant and time are the index's.
fn matches(filter: &Filter, entry: &Entry) -> bool {
    let topic = filter
        .topic
        .is_none_or(|topic| topic.as_str() == entry.topic);
    let cause = filter.cause.as_ref().map(|text| text.to_lowercase());
    topic && cause.is_none_or(|text| entry.cause.to_lowercase().contains(&text))
}

/// A record that was asked for.
pub(crate) enum Found {
    /// It waits.
    Waits(Entry),
    /// It was resolved before.
    WasResolved(Entry),
    /// There is none of this id.
    Unknown(Uuid),
}

/// The records of `which`, from where a page before ended.
pub(crate) enum Records<'a> {
    /// Those that match.
    Waiting(Box<Waiting<'a>>),
    /// Those that are named.
    Named {
        journal: &'a Journal,
        ids: &'a [Uuid],
        at: usize,
        now: Time,
    },
}

impl<'a> Records<'a> {
    pub(crate) fn of(
        journal: &'a Journal,
        which: &'a Which,
        after: Option<&str>,
        now: Time,
    ) -> Result<Self, StepError> {
        Ok(match which {
            Which::Matching(filter) => {
                Self::Waiting(Box::new(Waiting::after(journal, filter, after, now)?))
            }
            Which::Ids(ids) => {
                let at = after.map_or(Ok(0), |text| {
                    text.parse().map_err(|_| StepError::Number(text.to_owned()))
                })?;
                Self::Named {
                    journal,
                    ids,
                    at,
                    now,
                }
            }
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Result<Option<Found>, StepError> {
        match self {
            Self::Waiting(waiting) => Ok(waiting.next().await?.map(Found::Waits)),
            Self::Named {
                journal,
                ids,
                at,
                now,
            } => {
                let Some(&id) = ids.get(*at) else {
                    return Ok(None);
                };
                *at += 1;
                let Some(entry) = journal.dead_letter_entry(id).await? else {
                    return Ok(Some(Found::Unknown(id)));
                };
                Ok(Some(
                    match still_waits(journal, entry.clone(), *now).await? {
                        Some(entry) => Found::Waits(entry),
                        None => Found::WasResolved(entry),
                    },
                ))
            }
        }
    }

    /// Where to go on, if there may be more.
    pub(crate) fn goes_on(&self) -> Option<String> {
        match self {
            Self::Waiting(waiting) => waiting.goes_on(),
            Self::Named { ids, at, .. } => (*at < ids.len()).then(|| at.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_asks_for_the_topic_and_for_text_in_the_cause_in_whatever_case() {
        let entry = Entry {
            id: Uuid::nil(),
            topic: "eventzr.event.created.v1".to_owned(),
            partition: 0,
            offset: 0,
            tenant: None,
            cause: "data.startsAt: `tomorrow` is not an RFC 3339 time".to_owned(),
            first_seen: crate::now(),
            last_seen: crate::now(),
            count: 1,
            resolved: None,
            object: None,
        };
        let with = |topic: Option<&str>, cause: Option<&str>| Filter {
            topic: topic.map(|topic| topic.parse().unwrap()),
            cause: cause.map(str::to_owned),
            ..Filter::default()
        };
        assert!(matches(&Filter::default(), &entry));
        assert!(matches(
            &with(Some("eventzr.event.created.v1"), Some("rfc 3339")),
            &entry
        ));
        assert!(!matches(
            &with(Some("eventzr.cms.published.v1"), None),
            &entry
        ));
        assert!(!matches(&with(None, Some("id reused")), &entry));
    }
}

//! Iterates over the dead letters to handle: the matching ones or the named ones.

use std::collections::VecDeque;

use contract::Time;
use operations::{Filter, Which};
use store::{DeadLetterEntry, Place, ResolveOutcome, Window};
use uuid::Uuid;

use crate::{Operator, step::StepError};

/// The number of entries read at once.
const AT_ONCE: usize = 100;

/// Where the oldest record stands: a redrive keeps the order of the topic, and a list shows first what
/// has just happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oldest {
    First,
    Last,
}

/// The matching records, by the time they were first seen.
pub(crate) struct WaitingRecords<'a> {
    operator: &'a Operator,
    window: Window,
    filter: &'a Filter,
    page: VecDeque<(Place, DeadLetterEntry)>,
    after: Option<Place>,
    seen_all: bool,
    oldest: Oldest,
    now: Time,
}

impl<'a> WaitingRecords<'a> {
    /// Continues `after` the end of the previous page.
    pub(crate) fn after(
        operator: &'a Operator,
        filter: &'a Filter,
        after: Option<&str>,
        oldest: Oldest,
        now: Time,
    ) -> Result<Self, StepError> {
        let window = Window {
            tenant: filter.tenant.clone(),
            since: filter.since,
            until: filter.until,
        };
        let after = after.map(str::parse).transpose()?;
        Ok(Self {
            operator,
            window,
            filter,
            page: VecDeque::new(),
            after,
            seen_all: false,
            oldest,
            now,
        })
    }

    /// The next record.
    pub(crate) async fn next(&mut self) -> Result<Option<DeadLetterEntry>, StepError> {
        loop {
            while let Some((place, entry)) = self.page.pop_front() {
                self.after = Some(place);
                if let Some(entry) = still_waits(self.operator, entry, self.now).await?
                    && matches(self.filter, &entry)
                {
                    return Ok(Some(entry));
                }
            }
            if self.seen_all {
                return Ok(None);
            }
            let (store, window) = (&self.operator.store, &self.window);
            let (page, next) = match self.oldest {
                Oldest::First => {
                    store
                        .dead_letter_entries(window, self.after, AT_ONCE)
                        .await?
                }
                Oldest::Last => {
                    let page = store.newest_dead_letter_entries(window, self.after, AT_ONCE);
                    page.await?
                }
            };
            self.page = page.into();
            self.seen_all = next.is_none();
            // The place advances even if none of its records has an entry any more.
            if self.page.is_empty() {
                self.after = next.or(self.after);
            }
        }
    }

    /// Where the next page begins, if there may be more records.
    pub(crate) fn goes_on(&self) -> Option<String> {
        let is_over = self.seen_all && self.page.is_empty();
        self.after
            .filter(|_| !is_over)
            .map(|place| place.to_string())
    }
}

/// The entry, if it waits for an operator. If an earlier run died while resolving it, this finishes
/// the resolution.
async fn still_waits(
    operator: &Operator,
    entry: DeadLetterEntry,
    now: Time,
) -> Result<Option<DeadLetterEntry>, StepError> {
    let Some(resolved) = entry.resolved else {
        return Ok(Some(entry));
    };
    let record = operator.dead_letters.record(&entry).await?;
    match operator
        .dead_letters
        .resolve(&entry, record.as_ref(), resolved.how, now)
        .await?
    {
        ResolveOutcome::Resolved => Ok(None),
        ResolveOutcome::CameBack => Ok(operator
            .store
            .dead_letter_entry(entry.id)
            .await?
            .filter(|entry| entry.resolved.is_none())),
    }
}

/// Whether an entry matches the filter's topic and cause; the index selects tenant and time.
fn matches(filter: &Filter, entry: &DeadLetterEntry) -> bool {
    let topic = filter
        .topic
        .is_none_or(|source| source.as_str() == entry.topic);
    let cause = filter.cause.as_ref().map(|text| text.to_lowercase());
    topic && cause.is_none_or(|text| entry.cause.to_lowercase().contains(&text))
}

/// A requested record.
pub(crate) enum SelectedRecord {
    /// It waits for an operator.
    Waits(DeadLetterEntry),
    /// It was resolved before.
    WasResolved(DeadLetterEntry),
    /// There is no record with this id.
    Unknown(Uuid),
}

/// The records of `which`, continued after the previous page.
pub(crate) enum SelectedRecords<'a> {
    /// The matching records.
    Waiting(Box<WaitingRecords<'a>>),
    /// The named records.
    Named {
        operator: &'a Operator,
        ids: &'a [Uuid],
        at: usize,
        now: Time,
    },
}

impl<'a> SelectedRecords<'a> {
    pub(crate) fn of(
        operator: &'a Operator,
        which: &'a Which,
        after: Option<&str>,
        now: Time,
    ) -> Result<Self, StepError> {
        Ok(match which {
            Which::Matching(filter) => {
                let waiting = WaitingRecords::after(operator, filter, after, Oldest::First, now)?;
                Self::Waiting(Box::new(waiting))
            }
            Which::Ids(ids) => {
                let at = after.map_or(Ok(0), |text| {
                    text.parse().map_err(|_| StepError::Number(text.to_owned()))
                })?;
                Self::Named {
                    operator,
                    ids,
                    at,
                    now,
                }
            }
        })
    }

    /// The next record.
    pub(crate) async fn next(&mut self) -> Result<Option<SelectedRecord>, StepError> {
        match self {
            Self::Waiting(waiting) => Ok(waiting.next().await?.map(SelectedRecord::Waits)),
            Self::Named {
                operator,
                ids,
                at,
                now,
            } => {
                let Some(&id) = ids.get(*at) else {
                    return Ok(None);
                };
                *at += 1;
                let Some(entry) = operator.store.dead_letter_entry(id).await? else {
                    return Ok(Some(SelectedRecord::Unknown(id)));
                };
                Ok(Some(
                    match still_waits(operator, entry.clone(), *now).await? {
                        Some(entry) => SelectedRecord::Waits(entry),
                        None => SelectedRecord::WasResolved(entry),
                    },
                ))
            }
        }
    }

    /// Where the next page begins, if there may be more records.
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
    fn a_filter_matches_the_topic_and_ignores_case_in_the_cause() {
        let entry = DeadLetterEntry {
            id: Uuid::nil(),
            topic: "eventzr.event.created.v1".to_owned(),
            partition: 0,
            offset: 0,
            tenant: None,
            cause: "data.startsAt: `tomorrow` is not an RFC 3339 time".to_owned(),
            first_seen: crate::now(),
            last_seen: crate::now(),
            count: 1,
            writes: 1,
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

//! Keepers: the vendors, the buckets and the CDN that hold copies of what is erased, and what they
//! refuse to delete. A refusal stops nothing else. It is put on record as a remainder, and until an
//! operator closes that, the item counts as not erased.

use std::collections::BTreeSet;

use contract::{Identifier, Time};
use dead_letters::EraseError;
use operations::{ClosedRemainder, Kept, Reason};
use providers::Refused;
use store::{RecordedRemainder, Remainder};

use crate::{App, cdn::CdnError, step::StepError};

/// Why a keeper still has its copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDeleted {
    /// It refuses.
    #[error("{0}")]
    Refused(String),
    /// It could not be asked, because of trouble of ours.
    #[error(transparent)]
    Failed(#[from] StepError),
}

impl From<Refused> for NotDeleted {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.to_string())
    }
}

impl From<EraseError> for NotDeleted {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Refused(_) => Self::Refused(runtime::chain(&error)),
            EraseError::Failed(_) => Self::Failed(StepError::Delete(error.into())),
        }
    }
}

impl From<CdnError> for NotDeleted {
    fn from(error: CdnError) -> Self {
        match error {
            CdnError::Refused { .. } => Self::Refused(error.to_string()),
            CdnError::Failed(_) => Self::Failed(StepError::Cdn(error.into())),
        }
    }
}

/// The remainders of a tenant that are on record.
#[derive(Debug, Default)]
pub(crate) struct Remainders {
    closed: BTreeSet<Remainder>,
}

impl Remainders {
    /// Those of `tenant`.
    pub(crate) async fn of(app: &App, tenant: &Identifier) -> Result<Self, StepError> {
        let recorded = app.store.remainders(tenant).await?;
        let closed = recorded.into_iter().filter(|one| one.closed.is_some());
        Ok(Self {
            closed: closed.map(|one| one.remainder).collect(),
        })
    }
}

/// The keepers of one item's copies, while it is erased.
pub(crate) struct Keepers<'a> {
    app: &'a App,
    tenant: &'a Identifier,
    remainders: &'a Remainders,
    item: String,
    now: Time,
    kept: Vec<Kept>,
}

impl<'a> Keepers<'a> {
    /// Those of `item`, which is `tenant`'s.
    pub(crate) fn of(
        app: &'a App,
        tenant: &'a Identifier,
        remainders: &'a Remainders,
        item: String,
        now: Time,
    ) -> Self {
        Self {
            app,
            tenant,
            remainders,
            item,
            now,
            kept: Vec::new(),
        }
    }

    /// Has `keeper` delete its copy; `None` if it refuses. That goes on record, whether or not an
    /// operator closed the remainder.
    pub(crate) async fn ask<T>(
        &mut self,
        keeper: &str,
        delete: impl Future<Output = Result<T, NotDeleted>>,
    ) -> Result<Option<T>, StepError> {
        let why = match delete.await {
            Ok(deleted) => return Ok(Some(deleted)),
            Err(NotDeleted::Failed(error)) => return Err(error),
            Err(NotDeleted::Refused(why)) => why,
        };
        let remainder = Remainder {
            keeper: keeper.to_owned(),
            item: self.item.clone(),
        };
        let (store, now) = (&self.app.store, self.now);
        store.note_remainder(self.tenant, &remainder, now).await?;
        let is_closed = self.remainders.closed.contains(&remainder);
        tracing::error!(keeper, item = self.item, is_closed, "not deleted: {why}");
        if !is_closed {
            self.kept.push(Kept {
                remainder: shown(remainder),
                why,
            });
        }
        Ok(None)
    }

    /// What was refused, and is not closed.
    pub(crate) fn kept(&self) -> &[Kept] {
        &self.kept
    }
}

/// The remainders that an operator closed, and that were refused again since.
pub(crate) async fn closed_remainders(
    app: &App,
    tenant: &Identifier,
) -> Result<Vec<ClosedRemainder>, StepError> {
    let recorded = app.store.remainders(tenant).await?;
    Ok(recorded.into_iter().filter_map(closed).collect())
}

fn closed(recorded: RecordedRemainder) -> Option<ClosedRemainder> {
    let RecordedRemainder {
        remainder,
        met_at,
        closed,
    } = recorded;
    let closing = closed.filter(|closing| met_at >= closing.at)?;
    Some(ClosedRemainder {
        remainder: shown(remainder),
        reason: Reason::parse(&closing.reason).ok()?,
        closed_at: closing.at,
    })
}

fn shown(Remainder { keeper, item }: Remainder) -> operations::Remainder {
    operations::Remainder { keeper, item }
}

#[cfg(test)]
mod tests {
    use store::Closing;

    use super::*;

    #[test]
    fn only_a_closed_remainder_that_was_refused_again_is_left() {
        let at =
            |second: u32| Time::new("2026-11-27T09:30:00Z".parse().unwrap()).plus_seconds(second);
        let recorded = |met: u32, closed: Option<u32>| RecordedRemainder {
            remainder: Remainder {
                keeper: "elevenlabs".to_owned(),
                item: "job:7".to_owned(),
            },
            met_at: at(met),
            closed: closed.map(|second| Closing {
                at: at(second),
                reason: "the vendor closed the account".to_owned(),
            }),
        };
        assert_eq!(closed(recorded(5, None)), None);
        // The keeper deleted it after all.
        assert_eq!(closed(recorded(5, Some(6))), None);
        let left = closed(recorded(7, Some(6))).unwrap();
        assert_eq!(left.remainder.to_string(), "elevenlabs:job:7");
        assert_eq!(left.closed_at, at(6));
    }
}

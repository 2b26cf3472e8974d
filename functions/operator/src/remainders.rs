//! Close a remainder: an operator decides that the erasure of a tenant goes on without what a
//! vendor or a bucket keeps.

use contract::Time;
use operations::{CloseRemainder, RemainderFate, RemainderHandled};
use store::{Closing, Remainder, StoreError};

use crate::{Operator, step::StepError};

/// Puts on record that a remainder is closed, and why, or without `execute` reports what would
/// happen. Only what a pass of an erasure was refused is a remainder.
pub(crate) async fn close(
    operator: &Operator,
    close: CloseRemainder,
    now: Time,
) -> Result<RemainderHandled, StepError> {
    let CloseRemainder {
        tenant,
        remainder: named,
        reason,
        execute,
    } = close;
    let remainder = Remainder {
        keeper: named.keeper.clone(),
        item: named.item.clone(),
    };
    let recorded = operator.store.remainder(&tenant, &remainder).await?;
    let Some(recorded) = recorded else {
        return Err(StepError::NoSuchRemainder(named));
    };
    let fate = match recorded.closed {
        Some(Closing { at, reason }) => RemainderFate::WasClosed { at, reason },
        None if !execute => RemainderFate::WouldBeClosed {
            met_at: recorded.met_at,
        },
        None => {
            let closing = Closing {
                at: now,
                reason: reason.as_str().to_owned(),
            };
            let store = &operator.store;
            if !store.close_remainder(&tenant, &remainder, &closing).await? {
                // Another operator was faster.
                return Err(StoreError::Contended.into());
            }
            RemainderFate::Closed { at: now }
        }
    };
    Ok(RemainderHandled {
        tenant,
        remainder: named,
        fate,
    })
}

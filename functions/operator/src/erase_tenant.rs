//! Erase a tenant: `erase` does it, because it reaches the vendors and the buckets.

use contract::Identifier;
use operations::{EraseStep, TenantData, TenantErasure, TenantFate, TenantHandled};
use store::{Cursor, Owned};

use crate::{Operator, invoke::have_erased, step::StepError};

/// The number of items read at once. The index has only their keys.
const AT_ONCE: i32 = 1000;

/// Erases everything of a tenant, or without `execute` counts what would be erased. One pass may
/// not reach all of it; then the answer says what is left.
pub(crate) async fn erase_tenant(
    operator: &Operator,
    tenant: Identifier,
    execute: bool,
) -> Result<TenantHandled, StepError> {
    let fate = match execute {
        false => TenantFate::WouldBeErased {
            data: data_of(operator, &tenant).await?,
        },
        true => {
            let step = EraseStep::EraseTenant {
                tenant_id: tenant.clone(),
            };
            match have_erased(operator, &step).await? {
                TenantErasure::Erased { data, closed } => TenantFate::Erased { data, closed },
                TenantErasure::Erasing { data, kept } => TenantFate::Erasing {
                    data,
                    left: data_of(operator, &tenant).await?,
                    kept,
                },
            }
        }
    };
    Ok(TenantHandled { tenant, fate })
}

/// What a tenant has, counted in the index, which follows the table within moments.
async fn data_of(operator: &Operator, tenant: &Identifier) -> Result<TenantData, StepError> {
    let mut data = TenantData::default();
    let mut cursor = Cursor::default();
    while let Some((owned, next)) = operator.store.owned_by(tenant, cursor, AT_ONCE).await? {
        for one in owned {
            *match one {
                Owned::Job(_) => &mut data.jobs,
                Owned::Voice(_) => &mut data.voices,
                Owned::Entity(_) => &mut data.entities,
                Owned::Decision(_) => &mut data.outbox_entries,
                Owned::DeadLetter(_) => &mut data.dead_letters,
            } += 1;
        }
        cursor = next;
    }
    Ok(data)
}

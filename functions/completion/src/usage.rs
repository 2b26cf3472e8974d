//! What operators are told of a provider: the credits that were spent, and its last refusal in its
//! own words. Nothing is decided by it, so trouble with it stops nothing.

use contract::Time;
use domain::{LastRefusal, ProviderId, Refusal, WorkId};
use providers::Refused;

use crate::App;

/// Counts credits that were spent at a provider: in the metrics, and for `studio providers`.
pub(crate) async fn spent(app: &App, provider: ProviderId, credits: u64) {
    work::spent(&app.telemetry, provider, credits);
    if credits == 0 {
        return;
    }
    let noted = app.store.note_spent(provider, credits, crate::now()).await;
    if let Err(error) = noted {
        tracing::warn!(%provider, credits, "spent, but not noted: {}", runtime::chain(&error));
    }
}

/// Notes what a provider said, unless its words are about a tenant's content: no erasure finds them.
/// That its result was not stored is not said by it.
pub(crate) async fn note_refusal(
    app: &App,
    provider: ProviderId,
    of: WorkId,
    refused: &Refused,
    at: Time,
) {
    if !is_noted(refused.refusal) {
        return;
    }
    let refusal = LastRefusal {
        at,
        refusal: refused.refusal,
        said: refused.detail.clone(),
        of: of.uuid(),
    };
    if let Err(error) = app.store.note_refusal(provider, &refusal).await {
        tracing::warn!(%provider, "its refusal is not noted: {}", runtime::chain(&error));
    }
}

fn is_noted(refusal: Refusal) -> bool {
    match refusal {
        Refusal::Moderation | Refusal::InvalidInput | Refusal::Blocked | Refusal::NotStored => {
            false
        }
        Refusal::Auth
        | Refusal::Billing
        | Refusal::RateLimited { .. }
        | Refusal::Transient
        | Refusal::ProviderGone
        | Refusal::OutcomeUnknown => true,
    }
}

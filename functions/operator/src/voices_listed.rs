//! Lists cloned voices, newest first: those of a tenant, or those of all tenants that an index has.

use std::time::{Duration, Instant};

use domain::{Shortfall, VoiceModel};
use operations::{ListVoices, VoiceStatus, VoicesListed};
use store::{OfAllTenants, Place};

use crate::{Operator, step::StepError, voices::summary};

/// The longest search for a page; if few voices match, the page may be short.
const AT_MOST: Duration = Duration::from_secs(30);

/// The largest page.
const MOST: u32 = 500;

/// The number of voices read at once.
const AT_ONCE: usize = 100;

/// Lists up to `most` voices that match.
pub(crate) async fn list(
    operator: &Operator,
    list: &ListVoices,
) -> Result<VoicesListed, StepError> {
    let (begin, most) = (Instant::now(), list.most.clamp(1, MOST) as usize);
    let mut after: Option<Place> = list.after.as_deref().map(str::parse).transpose()?;
    let mut listed = VoicesListed {
        voices: Vec::new(),
        unread: Vec::new(),
        next: None,
    };
    let which = match list.tenant {
        Some(_) => None,
        None => Some(of_all(list)?),
    };
    loop {
        let page = page(operator, list, which, after).await?;
        let (last, mut left) = (page.next, page.work.len());
        for (place, voice) in page.work {
            left -= 1;
            match voice {
                Ok(voice) if matches(list, &voice) => listed.voices.push(summary(&voice)),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(voice = %place.id, "not read: {}", runtime::chain(&error));
                    listed.unread.push(place.id);
                }
            }
            if listed.voices.len() == most && (left > 0 || last.is_some()) {
                listed.next = Some(place.to_string());
                return Ok(listed);
            }
        }
        after = last;
        if after.is_none() || begin.elapsed() > AT_MOST {
            listed.next = after.map(|place| place.to_string());
            return Ok(listed);
        }
    }
}

async fn page(
    operator: &Operator,
    list: &ListVoices,
    which: Option<OfAllTenants>,
    after: Option<Place>,
) -> Result<store::WorkPage<VoiceModel>, StepError> {
    let (store, within) = (&operator.store, (list.since, list.until));
    let page = match (&list.tenant, which) {
        (Some(tenant), _) => store.voices_of(tenant, within, after, AT_ONCE).await,
        (None, Some(which @ OfAllTenants::Ended(_))) => {
            store.voices_of_all(which, within, after, AT_ONCE).await
        }
        // That index has deadlines in place of the times at which voices were registered.
        (None, Some(OfAllTenants::Open) | None) => {
            let within = (None, None);
            store
                .voices_of_all(OfAllTenants::Open, within, after, AT_ONCE)
                .await
        }
    };
    Ok(page?)
}

/// The index that has what is asked for of all tenants.
fn of_all(list: &ListVoices) -> Result<OfAllTenants, StepError> {
    match list.state {
        Some(VoiceStatus::Failed) => Ok(OfAllTenants::Ended(Shortfall::Failed)),
        None if list.cause.is_some() => Ok(OfAllTenants::Ended(Shortfall::Failed)),
        Some(VoiceStatus::Registered | VoiceStatus::AwaitingOwner | VoiceStatus::Training) => {
            Ok(OfAllTenants::Open)
        }
        None | Some(VoiceStatus::Ready | VoiceStatus::Erasing | VoiceStatus::Erased) => {
            Err(StepError::NoIndexOfVoices)
        }
    }
}

fn matches(list: &ListVoices, model: &VoiceModel) -> bool {
    let voice = summary(model);
    let cause = list.cause.as_ref().map(|cause| cause.to_lowercase());
    let why = voice.failure.unwrap_or_default().to_lowercase();
    list.state.is_none_or(|state| voice.state == state)
        && list.since.is_none_or(|since| voice.created_at >= since)
        && list.until.is_none_or(|until| voice.created_at < until)
        && cause.is_none_or(|cause| why.contains(&cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_of_all_tenants_are_listed_if_an_index_has_them() {
        let of = |state, cause: Option<&str>| {
            let list = ListVoices {
                tenant: None,
                state,
                cause: cause.map(str::to_owned),
                since: None,
                until: None,
                after: None,
                most: 10,
            };
            of_all(&list).ok()
        };
        let failed = Some(OfAllTenants::Ended(Shortfall::Failed));
        assert_eq!(of(Some(VoiceStatus::Failed), None), failed);
        assert_eq!(of(None, Some("samples")), failed);
        let open = of(Some(VoiceStatus::AwaitingOwner), None);
        assert_eq!(open, Some(OfAllTenants::Open));
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(VoiceStatus::Ready), None), None);
    }
}

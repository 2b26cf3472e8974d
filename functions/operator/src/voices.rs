//! A tenant's cloned voices: show one, verify its owner, erase it. `completion` verifies and
//! `erase` erases, because they reach the vendor and the buckets.

use contract::Identifier;
use domain::{VoiceModel, VoiceModelId, VoiceState, Work};
use operations::{
    CompletionStep, EraseStep, EraseVoice, VerifyVoice, VoiceErasure, VoiceFate, VoiceHandled,
    VoiceShown, VoiceStatus, VoiceSummary, VoiceVerification,
};

use crate::{
    Operator,
    invoke::{complete, have_erased},
    step::StepError,
};

/// A tenant's voice with what an operator needs to decide about it.
pub(crate) async fn show(
    operator: &Operator,
    tenant: &Identifier,
    id: VoiceModelId,
) -> Result<VoiceShown, StepError> {
    let model = operator.store.voice_of(tenant, id).await?;
    Ok(VoiceShown {
        execution: model.execution_name(),
        captcha: captcha(operator, &model),
        failure: failure(&model),
        voice: summary(&model),
    })
}

/// Has the provider verify that a voice is its owner's, or without `execute` reports what would
/// happen. Without a recording, the provider is only asked whether it is satisfied.
pub(crate) async fn verify(
    operator: &Operator,
    verify: VerifyVoice,
) -> Result<VoiceHandled, StepError> {
    let (tenant, id) = (&verify.tenant, VoiceModelId(verify.voice));
    let model = operator.store.voice_of(tenant, id).await?;
    if !verify.execute {
        return Ok(VoiceHandled {
            voice: summary(&model),
            fate: would_be_verified(operator, &model),
        });
    }
    let step = CompletionStep::VerifyVoice {
        voice_model_id: id.0,
        tenant_id: tenant.clone(),
        recording: verify.recording,
    };
    let fate = match complete(operator, &step).await? {
        VoiceVerification::Verified => VoiceFate::Verified,
        VoiceVerification::NotVerified { reason } => VoiceFate::NotVerified { why: reason },
        VoiceVerification::VoiceFailed { reason } => VoiceFate::Stays {
            why: format!("it failed: {reason}"),
        },
        VoiceVerification::Closed => VoiceFate::Stays {
            why: "it is erased".to_owned(),
        },
    };
    Ok(VoiceHandled {
        voice: summary(&operator.store.voice_of(tenant, id).await?),
        fate,
    })
}

fn would_be_verified(operator: &Operator, model: &VoiceModel) -> VoiceFate {
    match &model.state {
        VoiceState::AwaitingOwner { .. } => VoiceFate::WouldBeVerified {
            captcha: captcha(operator, model),
        },
        VoiceState::Training { .. } | VoiceState::Ready { .. } => VoiceFate::Verified,
        VoiceState::Registered => VoiceFate::NotVerified {
            why: "It is not the owner's turn yet.".to_owned(),
        },
        VoiceState::Failed { reason, .. } => VoiceFate::Stays {
            why: format!("it failed: {reason}"),
        },
        VoiceState::Erasing { .. } | VoiceState::Erased { .. } => VoiceFate::Stays {
            why: "it is erased".to_owned(),
        },
    }
}

/// Erases a voice, or without `execute` reports what would be erased.
pub(crate) async fn erase(
    operator: &Operator,
    erase: EraseVoice,
) -> Result<VoiceHandled, StepError> {
    let (tenant, id) = (&erase.tenant, VoiceModelId(erase.voice));
    let model = operator.store.voice_of(tenant, id).await?;
    if !erase.execute {
        return Ok(VoiceHandled {
            voice: summary(&model),
            fate: would_be_erased(&model),
        });
    }
    let step = EraseStep::EraseVoice {
        voice_model_id: id.0,
        tenant_id: tenant.clone(),
    };
    let fate = match have_erased(operator, &step).await? {
        VoiceErasure::VoiceErased => VoiceFate::Erased,
        VoiceErasure::VoiceErasing => VoiceFate::Erasing,
    };
    Ok(VoiceHandled {
        voice: summary(&operator.store.voice_of(tenant, id).await?),
        fate,
    })
}

fn would_be_erased(model: &VoiceModel) -> VoiceFate {
    let samples = model.training.as_ref().map_or(0, |it| it.samples.len());
    match model.state {
        VoiceState::Erased { .. } => VoiceFate::Erased,
        VoiceState::Registered
        | VoiceState::AwaitingOwner { .. }
        | VoiceState::Training { .. }
        | VoiceState::Ready { .. }
        | VoiceState::Failed { .. }
        | VoiceState::Erasing { .. } => VoiceFate::WouldBeErased {
            recordings: samples + model.recordings.len(),
        },
    }
}

/// Why a voice failed: the class, and the provider's words.
fn failure(model: &VoiceModel) -> Option<String> {
    match &model.state {
        VoiceState::Failed { failure, .. } => {
            Some(format!("{}: {}", failure.class.as_str(), failure.detail))
        }
        VoiceState::Registered
        | VoiceState::AwaitingOwner { .. }
        | VoiceState::Training { .. }
        | VoiceState::Ready { .. }
        | VoiceState::Erasing { .. }
        | VoiceState::Erased { .. } => None,
    }
}

/// A voice's entry in a list.
pub(crate) fn summary(model: &VoiceModel) -> VoiceSummary {
    let state = match &model.state {
        VoiceState::Registered => VoiceStatus::Registered,
        VoiceState::AwaitingOwner { .. } => VoiceStatus::AwaitingOwner,
        VoiceState::Training { .. } => VoiceStatus::Training,
        VoiceState::Ready { .. } => VoiceStatus::Ready,
        VoiceState::Failed { .. } => VoiceStatus::Failed,
        VoiceState::Erasing { .. } => VoiceStatus::Erasing,
        VoiceState::Erased { .. } => VoiceStatus::Erased,
    };
    let training = model.training.as_ref();
    VoiceSummary {
        id: model.id.0,
        state,
        name: training.map(|training| training.name.as_str().to_owned()),
        method: training.map(|training| training.method),
        provider: model.provider.as_str().to_owned(),
        created_at: model.created_at,
        tenant: Some(model.tenant.clone()),
        failure: failure(model),
    }
}

/// The URL of what the owner is to read aloud, if the voice waits for its owner.
fn captcha(operator: &Operator, model: &VoiceModel) -> Option<String> {
    let VoiceState::AwaitingOwner {
        captcha: Some(key), ..
    } = &model.state
    else {
        return None;
    };
    Some(format!("s3://{}/{key}", operator.config.assets_bucket))
}

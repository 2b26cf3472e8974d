//! Register: reads and checks a training, commits the voice model and publishes it; or commits why
//! the voice cannot be cloned.

use contract::{FailureClass, Identifier, Time, VoiceTraining};
use domain::{
    CLOCKS_DIFFER_SECONDS, ContentHash, Decision, Failure, ProviderId, Refusal, Registration,
    VoiceModelId, WorkId,
};
use store::{ErasureGuard, StoreError};

use super::{
    samples::{self, OpenError, Unfit},
    training,
};
use crate::{
    App, executions,
    step::{Input, Reply, StepError},
};

/// Registers the voice model of the execution `name`, which was started at `started_at`, and
/// publishes that. A restart goes on with the model that was registered before. If the tenant was
/// erased since, nothing is registered. Without consent, usable samples or a configured provider it
/// fails at once with a reason.
pub(crate) async fn register(
    app: &App,
    name: &str,
    input: &Input,
    started_at: Time,
    now: Time,
) -> Result<Reply, StepError> {
    match input.only() {
        // The sweep restarted an execution that was registered before.
        Some(("voiceModelId", voice)) => {
            let id = restarted(name, voice)?;
            executions::check(&app.store.voice(id).await?, name)?;
            app.outbox.publish_registration(id).await?;
            gone_on_with(app, id, name, now).await
        }
        Some(("tenantId", tenant)) => {
            let tenant = Identifier::parse(tenant).map_err(|_| StepError::MoreThanIds)?;
            let id = VoiceModelId::parse(name)
                .ok_or_else(|| StepError::ExecutionName(name.to_owned()))?;
            let guard = ErasureGuard {
                tenant: &tenant,
                happened: started_at,
            };
            register_first(app, (id, name), guard, now).await
        }
        _ => Err(StepError::MoreThanIds),
    }
}

/// Registers the voice model `id` of the tenant and the time of `guard`, for the execution `name`.
async fn register_first(
    app: &App,
    (id, name): (VoiceModelId, &str),
    guard: ErasureGuard<'_>,
    now: Time,
) -> Result<Reply, StepError> {
    let tenant = guard.tenant;
    // A step that is taken again: the file may have changed since, and what was registered counts.
    if is_registered(app, tenant, id).await? {
        app.outbox.publish_registration(id).await?;
        return gone_on_with(app, id, name, now).await;
    }
    let (text, training) = match training::read(app, tenant, id).await {
        Ok(text) => {
            let training = training::parse(&text, tenant);
            (text, training)
        }
        Err(OpenError::Unfit(unfit)) => (String::new(), Err(unfit)),
        Err(OpenError::Failed(error)) => return Err(error),
    };
    let registration = Registration {
        id,
        tenant,
        // If no provider is configured, ElevenLabs, the only one that clones voices.
        provider: app.config.voice_provider.unwrap_or(ProviderId::ElevenLabs),
        now,
        deadline: app.outbox.deadline(now),
    };
    let decision = match &training {
        Err(unread) => refused(registration, None, unread),
        Ok(training) => match unfit(app, training, now).await? {
            Some(unfit) => refused(registration, Some(training), &unfit),
            None => registration.accepted(training),
        },
    };
    // The tenant is part of it: two tenants whose trainings are both missing have chosen one id.
    let content = ContentHash::of_text(&format!("{}\n{text}", tenant.as_str())).to_hex();
    let entry = app
        .outbox
        .commit_registration(id, &content, decision, guard, now)
        .await?;
    let Some(entry) = entry else {
        return Ok(Reply::Closed);
    };
    app.outbox.publish_and_mark(&entry).await?;
    gone_on_with(app, id, name, now).await
}

/// Whether the voice model `id` of `tenant` is registered.
async fn is_registered(
    app: &App,
    tenant: &Identifier,
    id: VoiceModelId,
) -> Result<bool, StepError> {
    match app.store.voice_of(tenant, id).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The decision not to clone a voice.
fn refused(
    registration: Registration<'_>,
    training: Option<&VoiceTraining>,
    Unfit { class, sentence }: &Unfit,
) -> Decision {
    // Without the sentence, which may quote the training: the model has it.
    tracing::error!(voice = %registration.id, ?class, "a voice is not cloned");
    let failure = Failure {
        class: *class,
        detail: sentence.clone(),
        at: registration.now,
    };
    registration.refused(training, failure, Some(sentence))
}

/// The voice model whose restart the execution `name` is, by the id in its input. Anything that may
/// start executions chooses their input, so the name must be one of the model's: a restart under
/// another name is refused and changes no model.
fn restarted(name: &str, voice: &str) -> Result<VoiceModelId, StepError> {
    let id = VoiceModelId::parse(voice).ok_or(StepError::NoVoiceModelId)?;
    match id.has_execution(name) {
        true => Ok(id),
        false => Err(StepError::NotItsExecution {
            name: name.to_owned(),
            id: WorkId::Voice(id),
        }),
    }
}

/// The reply for the execution `name` of a registered voice model.
async fn gone_on_with(
    app: &App,
    id: VoiceModelId,
    name: &str,
    now: Time,
) -> Result<Reply, StepError> {
    let model = app.store.voice(id).await?;
    executions::check(&model, name)?;
    Ok(super::end(app, &model, now)
        .await?
        .unwrap_or(Reply::Registered))
}

async fn unfit(app: &App, training: &VoiceTraining, now: Time) -> Result<Option<Unfit>, StepError> {
    let invalid = |sentence: String| {
        Ok(Some(Unfit {
            class: FailureClass::InvalidInput,
            sentence,
        }))
    };
    let not_configured = |sentence: String| {
        Ok(Some(Unfit {
            class: FailureClass::NotConfigured,
            sentence,
        }))
    };
    let Some(provider) = app.config.voice_provider else {
        return not_configured("No provider is set up to clone voices here".to_owned());
    };
    if Time::new(training.consent.given_at.timestamp) > now.plus_seconds(CLOCKS_DIFFER_SECONDS) {
        return invalid(format!(
            "The consent is dated {}, which is still to come",
            training.consent.given_at
        ));
    }
    let limits = app.config.providers.voice_limits(training.method);
    if let Some(unfit) = samples::unfit(app, &training.tenant_id, &training.samples, limits).await?
    {
        return Ok(Some(unfit));
    }
    match app.providers.vendors().cloner(provider) {
        None => not_configured(format!("{provider} clones no voices")),
        Some(cloner) => match cloner.prepare().await {
            Ok(()) => Ok(None),
            Err(refused) if refused.refusal == Refusal::Auth => {
                tracing::error!(%provider, "no key: {refused}");
                not_configured(format!(
                    "{provider} is to clone voices here, and has no key"
                ))
            }
            Err(refused) => Err(StepError::Provider(refused)),
        },
    }
}

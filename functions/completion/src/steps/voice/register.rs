//! Register: checks the input of a training, commits the voice model and publishes it; or commits
//! why the voice cannot be cloned.

use contract::{FailureClass, Identifier, Time, VoiceTraining};
use domain::{ContentHash, Failure, ProviderId, Refusal, Registration, VoiceModelId};
use serde_json::Value;

use super::samples::{self, Unfit};
use crate::{
    App,
    step::{Input, Reply, StepError},
};

/// The tolerated difference between the caller's clock and ours, in seconds.
const CLOCKS_DIFFER: u32 = 300;

/// Registers the voice model of the execution `name`, and publishes that. Without consent, usable
/// samples or a configured provider it fails at once with a reason.
pub(crate) async fn register(
    app: &App,
    name: &str,
    input: &Input,
    now: Time,
) -> Result<Reply, StepError> {
    let id = VoiceModelId::of_execution(name)
        .ok_or_else(|| StepError::ExecutionName(name.to_owned()))?;
    // The sweep restarted an execution that was registered before.
    if input.json().get("voiceModelId").is_some() && input.json().get("tenantId").is_none() {
        app.outbox.publish_registration(id).await?;
        return gone_on_with(app, id, now).await;
    }
    let text = input.json().to_string();
    let (tenant, training) = match VoiceTraining::parse(&text) {
        Ok(training) => (training.tenant_id.clone(), Ok(training)),
        Err(error) => match tenant_of(input.json()) {
            Some(tenant) => (
                tenant,
                Err(Unfit {
                    class: FailureClass::InvalidInput,
                    sentence: error.to_string(),
                }),
            ),
            // Without a tenant there is no owner to store the model under.
            None => return Err(StepError::Input(error)),
        },
    };
    let registration = Registration {
        id,
        tenant: &tenant,
        // If no provider is configured, ElevenLabs, the only one that clones voices.
        provider: app.config.voice_provider.unwrap_or(ProviderId::ElevenLabs),
        now,
        deadline: app.outbox.deadline(now),
    };
    let refused = |training: Option<&VoiceTraining>, Unfit { class, sentence }: &Unfit| {
        tracing::error!(voice = %id, ?class, sentence, "a voice is not cloned");
        registration.refused(
            training,
            Failure {
                class: *class,
                detail: sentence.clone(),
                at: now,
            },
            Some(sentence),
        )
    };
    let decision = match &training {
        Err(unread) => refused(None, unread),
        Ok(training) => match unfit(app, training, now).await? {
            Some(unfit) => refused(Some(training), &unfit),
            None => registration.accepted(training),
        },
    };
    let content = ContentHash::of_text(&text).to_hex();
    let entry = app
        .outbox
        .commit_registration(id, &content, decision, now)
        .await?;
    app.outbox.publish_and_mark(&entry).await?;
    gone_on_with(app, id, now).await
}

/// The reply for the execution of a registered voice model.
async fn gone_on_with(app: &App, id: VoiceModelId, now: Time) -> Result<Reply, StepError> {
    let model = app.store.voice(id).await?;
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
        return not_configured("Nobody is set up to clone voices here".to_owned());
    };
    if Time::new(training.consent.given_at.timestamp) > now.plus_seconds(CLOCKS_DIFFER) {
        return invalid(format!(
            "The consent is dated {}, which is still to come",
            training.consent.given_at
        ));
    }
    let limits = app.config.providers.voice_limits(training.method);
    if let Some(unfit) = samples::unfit(app, &training.samples, limits).await? {
        return Ok(Some(unfit));
    }
    match app.providers.cloner(provider) {
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

/// The tenant of an input that is otherwise invalid.
fn tenant_of(input: &Value) -> Option<Identifier> {
    Identifier::parse(input.get("tenantId")?.as_str()?).ok()
}

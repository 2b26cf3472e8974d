//! Register: what was asked for is checked, committed and announced; or it is kept that it cannot
//! be, and why.

use contract::{FailureClass, Identifier, Time, VoiceTraining};
use domain::{ContentHash, Failure, ProviderId, Refusal, Registration, VoiceModelId};
use serde_json::Value;

use super::samples;
use crate::{
    App,
    step::{Input, Reply, StepError},
};

/// How far ahead of ours somebody's clock may be, in seconds.
const CLOCKS_DIFFER: u32 = 300;

/// Why a voice is not cloned.
pub(super) struct Unfit {
    pub class: FailureClass,
    /// For a person.
    pub sentence: String,
}

/// Registers the voice model that the execution `name` is for, and announces it. Without consent,
/// with samples that cannot be used, or with nobody set up to clone it, it fails at once, and says
/// why.
pub(crate) async fn register(
    app: &App,
    name: &str,
    input: &Input,
    now: Time,
) -> Result<Reply, StepError> {
    let id = VoiceModelId::of_execution(name)
        .ok_or_else(|| StepError::ExecutionName(name.to_owned()))?;
    // Registered before, and started again by the sweep.
    if input.json().get("voiceModelId").is_some() && input.json().get("tenantId").is_none() {
        app.journal.publish_registration(id).await?;
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
            // Nobody's: there is nothing to keep it under.
            None => return Err(StepError::Input(error)),
        },
    };
    let registration = Registration {
        id,
        tenant: &tenant,
        // Where nobody is set up, the only one who could be.
        provider: app.config.voice_provider.unwrap_or(ProviderId::ElevenLabs),
        now,
        deadline: app.journal.deadline(now),
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
        .journal
        .commit_registration(id, &content, decision, now)
        .await?;
    app.journal.publish_and_mark(&entry).await?;
    gone_on_with(app, id, now).await
}

/// What the execution of a registered voice model goes on with.
async fn gone_on_with(app: &App, id: VoiceModelId, now: Time) -> Result<Reply, StepError> {
    let model = app.journal.voice(id).await?;
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

/// Whose it is, of an input that is otherwise not what it should be.
fn tenant_of(input: &Value) -> Option<Identifier> {
    Identifier::parse(input.get("tenantId")?.as_str()?).ok()
}

//! The cloned voice of a job that names one, looked up at each attempt: it may have been erased since
//! the job was decided on.

use contract::Time;
use domain::{Failure, Job, NotSpoken, ProviderId, Wrong, speaker};
use outbox::Announced;
use store::StoreError;

use crate::{
    App,
    end::close_as_failed,
    step::{Reply, StepError},
    turns::release_all_to_next,
};

/// A cloned voice that may speak.
pub(crate) struct ClonedVoice {
    /// The provider that made it.
    pub provider: ProviderId,
    /// That provider's id for it.
    pub voice: String,
}

/// The voice that is to speak `job`, of which `providers` are asked; `None` if it names none.
pub(crate) async fn cloned_voice(
    app: &App,
    job: &Job,
    providers: &[ProviderId],
) -> Result<Result<Option<ClonedVoice>, NotSpoken>, StoreError> {
    let Some(id) = job.voice() else {
        return Ok(Ok(None));
    };
    let model = match app.store.voice(id).await {
        Ok(model) => Some(model),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let speaks = speaker(&job.tenant, model.as_ref(), providers).map(|speaker| {
        Some(ClonedVoice {
            provider: speaker.provider,
            voice: speaker.voice.to_owned(),
        })
    });
    Ok(speaks)
}

/// Closes `job`, whose cloned voice does not speak it.
pub(crate) async fn close_unspoken(
    app: &App,
    job: &Job,
    why: NotSpoken,
    now: Time,
) -> Result<Reply, StepError> {
    let voice = job.voice();
    let failure = Failure {
        class: why.failure_class(),
        detail: voice.map_or_else(String::new, |voice| why.what(voice)),
        at: now,
    };
    let wrong = voice.map(|voice| Wrong::Voice(voice, why));
    close_as_failed(app, job.id, Announced::Yes, failure, wrong).await?;
    // Its turn may have come just before.
    release_all_to_next(app, job).await;
    Ok(Reply::Closed)
}

//! The ends of a render job: completed, failed or cancelled.

use contract::{FailureClass, RenderJobCompleted, RenderJobFailed, Time, Topic, VoiceModelId};

use crate::{
    Decision, EntityState, Failure, Job, NotSpoken, Outcome, Output, State, Work,
    decision::{OutboundEvent, template_asset, template_data},
};

/// Decides that `job`, whose asset is stored and readable at `output_url`, is completed. The job is
/// published, and its template gets the asset. If a newer job has replaced this one, the job is
/// published too, but the template does not change.
///
/// `None` if no asset is stored yet or the job is closed.
#[must_use]
pub fn finish(job: Job, mut entity: EntityState, output_url: &str, now: Time) -> Option<Decision> {
    let State::Submitted {
        at,
        output: Some(output),
        ..
    } = job.state.clone()
    else {
        return None;
    };
    let mut events = vec![completed(&job, &output, at, output_url, now)];
    let key = job.template_key();
    // If the translation has been removed, the template still shows the job's configuration.
    let configuration = entity
        .configuration_of(&key)
        .unwrap_or_else(|| job.configuration.clone());
    let current = entity
        .templates
        .get_mut(&key)
        .filter(|template| template.job == job.id);
    let entity = current
        .map(|template| {
            template.revision += 1;
            template.asset = Some(template_asset(&job, &output, output_url.to_owned()));
            template.id
        })
        .map(|template| {
            let updated = OutboundEvent::new(
                Topic::TemplateUpdated,
                &job.tenant,
                template.0,
                job.id.0.as_bytes(),
                now,
                template_data(&entity, &key, configuration, &job.user_id),
            );
            events.push(updated.traced(job.trace));
            entity
        });
    let job = Job {
        state: State::Completed {
            output,
            submitted_at: at,
        },
        ..job
    };
    Some(Decision {
        entity,
        jobs: vec![job],
        events,
        ..Decision::default()
    })
}

/// The event of a completed job; `at` is when a provider was first asked.
fn completed(job: &Job, output: &Output, at: Time, output_url: &str, now: Time) -> OutboundEvent {
    let data = RenderJobCompleted {
        tenant_id: job.tenant.as_str().to_owned(),
        user_id: job.user_id.clone(),
        job_id: job.id.to_string(),
        media_type: job.asset.media_type(),
        provider: job.provider.clone(),
        output_url: output_url.to_owned(),
        duration_ms: output.stored_at.milliseconds_since(at),
        credits_used: output.credits,
        length_ms: output.length_ms,
        voice_model_id: job.voice(),
        shows: output.shows.clone(),
    };
    OutboundEvent::new(
        Topic::RenderJobCompleted,
        &job.tenant,
        job.id.0,
        b"finish",
        now,
        data,
    )
    .traced(job.trace)
}

/// Decides that `job` is cancelled. It is published as failed, because the contract has no event
/// for a cancelled job. `None` if the job is closed already.
#[must_use]
pub fn cancel(job: Job, now: Time) -> Option<Decision> {
    // An accepted attempt without a result gets an unknown outcome.
    let job = match job
        .attempts
        .last()
        .and_then(|attempt| attempt.outcome.as_ref())
    {
        Some(Outcome::Accepted) => {
            job.answered(Outcome::unknown("the job was cancelled", now), now)
        }
        _ => job,
    };
    let failure = Failure {
        class: FailureClass::Cancelled,
        detail: "cancelled".to_owned(),
        at: now,
    };
    let mut decision = fail(job, failure, None)?;
    for job in &mut decision.jobs {
        job.state = State::Cancelled { at: now };
    }
    Some(decision)
}

/// Decides the end of `job`, whose tenant was erased: it is cancelled, and neither its event nor what
/// is stored of it says anything personal. `None` if the job is closed already.
#[must_use]
pub fn cancel_erased(job: Job, now: Time) -> Option<Decision> {
    cancel(job.without_facts(), now)
}

/// What is wrong with what a failed job was to show: a sentence for a person, by what mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong<'a> {
    /// The content: its owner changes it.
    Content(&'a str),
    /// The studio has no font for it: its operators add one, or its owner changes the content.
    NoFont(&'a str),
    /// No voice is set up that speaks the language with this code: its operators add one.
    NoVoice(&'a str),
    /// The cloned voice that it names does not speak it: its owner names another one, or waits for it.
    Voice(VoiceModelId, NotSpoken),
}

/// Decides that `job` failed for good. `failure.detail` is for operators. `wrong` tells a person
/// what went wrong, if more than the class is known. `None` if the job is closed already.
#[must_use]
pub fn fail(job: Job, failure: Failure, wrong: Option<Wrong<'_>>) -> Option<Decision> {
    if job.is_closed() {
        return None;
    }
    let job = match job.attempts.open() {
        Some(_) => job.answered(
            Outcome::unknown("the job was closed before it was answered", failure.at),
            failure.at,
        ),
        None => job,
    };
    // The general sentence would not say that a voice was asked for.
    let wrong = wrong.or_else(|| {
        let is_its = failure.class == FailureClass::NotConfigured;
        let voice = job.voice().filter(|_| is_its)?;
        Some(Wrong::Voice(voice, NotSpoken::NoProvider))
    });
    let data = RenderJobFailed {
        tenant_id: job.tenant.as_str().to_owned(),
        user_id: job.user_id.clone(),
        job_id: job.id.to_string(),
        media_type: job.asset.media_type(),
        provider: job.provider.clone(),
        template_id: job.template.to_string(),
        asset: job.asset,
        failure: failure.class,
        reason: reason(failure.class, wrong),
        attempts: u32::try_from(job.attempts.len()).unwrap_or(u32::MAX),
        can_resubmit: can_resubmit(failure.class, wrong),
    };
    let events = vec![
        OutboundEvent::new(
            Topic::RenderJobFailed,
            &job.tenant,
            job.id.0,
            b"fail",
            failure.at,
            data,
        )
        .traced(job.trace),
    ];
    let job = Job {
        state: State::Failed { failure },
        ..job
    };
    Some(Decision {
        jobs: vec![job],
        events,
        ..Decision::default()
    })
}

const OWNERS_CURE: &str = "Change that, and the studio renders it again.";
const FONTS_CURE: &str = "Change the title, and the studio renders it again; or submit it again once its operators have added a font.";

/// The text for a person: what went wrong and what they can do.
fn reason(class: FailureClass, wrong: Option<Wrong<'_>>) -> String {
    let general = match (class, wrong) {
        (_, Some(Wrong::NoVoice(language))) => {
            return format!(
                "No voice is set up here that speaks the language of the text (`{language}`). Once an \
                 operator has set one up, submit it again."
            );
        }
        (_, Some(Wrong::Voice(voice, why))) => {
            return format!("{}. {}", capitalized(&why.what(voice)), why.cure());
        }
        (FailureClass::InvalidInput, Some(Wrong::Content(wrong))) => {
            return format!("{}. {OWNERS_CURE}", capitalized(wrong));
        }
        (FailureClass::InvalidInput, Some(Wrong::NoFont(wrong))) => {
            return format!("{}. {FONTS_CURE}", capitalized(wrong));
        }
        (FailureClass::InvalidInput, None) => {
            return format!("The content cannot be used as it is. {OWNERS_CURE}");
        }
        (FailureClass::Unavailable, _) => {
            "A service that the studio depends on did not answer, and the studio stopped trying. Submit it again later."
        }
        (FailureClass::Timeout, _) => {
            "It took longer than a render may take. Submit it again later."
        }
        (FailureClass::Abandoned, _) => {
            "The render was interrupted several times and never ended. Submit it again; if it happens again, tell the operators."
        }
        (FailureClass::NotConfigured, _) => {
            "No provider is set up to make this kind of media here. Once an operator has set one up, submit it again."
        }
        (FailureClass::Moderation, _) => {
            "The service that makes it refuses the content by its rules. Change the title or the description, and the studio renders it again."
        }
        (FailureClass::OutcomeUnknown, _) => {
            "The service that makes it was asked and never answered. It may have been made and paid for, so the studio does not ask twice by itself; submit it again if you want it."
        }
        (FailureClass::TooManyOpen, _) => {
            "As many renders are in progress for this tenant as may be at once. Submit it again when some of them have ended."
        }
        (FailureClass::Cancelled, _) => "It was cancelled before it was made.",
        (FailureClass::Internal, _) => {
            "The studio made a mistake while rendering it. The operators can see it; submitting it again unchanged will not help."
        }
    };
    general.to_owned()
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Whether the job can succeed unchanged: at once, later, or after what an operator does.
fn can_resubmit(class: FailureClass, wrong: Option<Wrong<'_>>) -> bool {
    match class {
        FailureClass::InvalidInput => match wrong {
            Some(Wrong::NoFont(_)) => true,
            Some(Wrong::Voice(_, why)) => why.may_pass(),
            Some(Wrong::Content(_) | Wrong::NoVoice(_)) | None => false,
        },
        FailureClass::Moderation | FailureClass::Internal => false,
        FailureClass::Unavailable
        | FailureClass::Timeout
        | FailureClass::Abandoned
        | FailureClass::NotConfigured
        | FailureClass::OutcomeUnknown
        | FailureClass::TooManyOpen
        | FailureClass::Cancelled => true,
    }
}

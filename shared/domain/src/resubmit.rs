//! Resubmits a job for an operator: opens a new job for the same template.

use crate::{
    Attempts, Decision, EntityState, InboundEventKey, Job, JobId, Notes, Planning, State, Turn,
    plan::{created, first_provider},
};

/// Why a job cannot be resubmitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResubmitError {
    /// The job is still open.
    #[error("it is open; wait for its end, or cancel it first")]
    Open,
    /// The job or its entity is erased.
    #[error("it is erased, and what it showed is not known any more")]
    Erased,
    /// A newer job has replaced it.
    #[error("the job {0} has replaced it: resubmit that one, if it failed")]
    Replaced(JobId),
    /// Its entity has no such template.
    #[error("the studio keeps no template for it")]
    NoTemplate,
}

/// Decides that the closed `job` is made again by a new job, with the current facts of its
/// template. The template changes only in the job that it waits for, so no template event is
/// published until the new job completes.
///
/// # Errors
/// A [`ResubmitError`].
pub fn resubmit(
    job: &Job,
    mut entity: EntityState,
    planning: Planning<'_>,
) -> Result<Decision, ResubmitError> {
    match &job.state {
        State::Created | State::Submitted { .. } => return Err(ResubmitError::Open),
        State::Erased { .. } => return Err(ResubmitError::Erased),
        State::Completed { .. } | State::Failed { .. } | State::Cancelled { .. } => {}
    }
    if entity
        .erased_at
        .is_some_and(|erased_at| job.created_at <= erased_at)
    {
        return Err(ResubmitError::Erased);
    }
    let key = job.template_key();
    // If the translation has been removed, the template still shows the job's configuration.
    let configuration = entity
        .configuration_of(&key)
        .unwrap_or_else(|| job.configuration.clone());
    let template = entity
        .templates
        .get_mut(&key)
        .ok_or(ResubmitError::NoTemplate)?;
    if template.job != job.id {
        return Err(ResubmitError::Replaced(template.job));
    }
    let inbound = InboundEventKey::of_resubmission(&job.tenant, job.id);
    let again = Job {
        id: JobId::new(&job.tenant, job.template, inbound),
        version: 0,
        provider: first_provider(planning.routing, job.asset, &configuration),
        configuration,
        inbound,
        resubmit_of: Some(job.id),
        caused_at: None,
        created_at: planning.now,
        deadline: planning.deadline,
        restarts: 0,
        turn: Turn::default(),
        notes: Notes::default(),
        attempts: Attempts::default(),
        state: State::Created,
        ..job.clone()
    };
    template.job = again.id;
    Ok(Decision {
        entity: Some(entity),
        events: vec![created(&again, planning.now)],
        starts: vec![again.id],
        jobs: vec![again],
        ..Decision::default()
    })
}

//! Smoke: sends an event of the reserved tenant through Kafka, the mapping, a consumer, the queue and
//! the render, and checks that its job completes.

use std::time::{Duration, Instant};

use contract::{AssetKind, Entity, EntityKind, Identifier, SMOKE_TENANT, Time, Topic};
use domain::{InboundEventKey, JobId, OutboundEvent, State, TemplateId, TemplateKey};
use operations::Smoked;
use serde_json::{Value, json};
use store::{StoreError, Window};
use tokio::time::sleep;

use crate::{Operator, job_state, step::StepError};

/// The event's source.
const SOURCE: &str = "studio-svc/smoke";

/// The pause between two reads of the job.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest wait in seconds, below the function's timeout.
const MOST: u32 = 240;

/// How far back the dead letter of an event is looked for, in seconds, and among how many.
const A_DAY: u32 = 24 * 60 * 60;
const DEAD_LETTERS: usize = 100;

/// Sends a new event, and returns its id: `request_id`, because an invocation's id is unique.
pub(crate) async fn send(
    operator: &Operator,
    request_id: &str,
    now: Time,
) -> Result<Identifier, StepError> {
    let id = Identifier::parse(request_id).expect("the id of an invocation is an identifier");
    let publisher = operator.outbox.publisher();
    publisher.publish_one(&event(id.as_str(), now)).await?;
    Ok(id)
}

/// Waits for the poster of `event`, which was sent now or by an earlier step.
pub(crate) async fn wait(
    operator: &Operator,
    event: &Identifier,
    within: u32,
    now: Time,
) -> Result<Smoked, StepError> {
    let begin = Instant::now();
    let within = Duration::from_secs(within.min(MOST).into());
    let tenant = Identifier::parse(SMOKE_TENANT).expect("the reserved tenant has a name");
    let job = poster_of(&tenant, event);
    loop {
        let state = match operator.store.job_of(&tenant, job).await {
            Ok(job) => Some(job.state),
            // No consumer has decided on the event yet.
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let waited = begin.elapsed();
        match smoked(event, job, state, waited) {
            waits if waits.awaited_event().is_some() && waited <= within => sleep(PAUSE).await,
            not_taken @ Smoked::NotTaken { .. } => {
                let given_up = given_up(operator, event, &tenant, now).await?;
                let failed = given_up.map(|detail| Smoked::Failed {
                    event: event.clone(),
                    job: job.0,
                    detail,
                });
                return Ok(failed.unwrap_or(not_taken));
            }
            ended => return Ok(ended),
        }
    }
}

/// Why a consumer gave `event` up, if it wrote a dead letter for it.
async fn given_up(
    operator: &Operator,
    event: &Identifier,
    tenant: &Identifier,
    now: Time,
) -> Result<Option<String>, StepError> {
    let window = Window {
        tenant: Some(tenant.clone()),
        since: Some(now.minus_seconds(A_DAY)),
        until: None,
    };
    let entries = operator
        .store
        .dead_letter_entries(&window, None, DEAD_LETTERS);
    for (_, entry) in entries.await?.0 {
        let record = operator.dead_letters.record(&entry).await?;
        let value = record.and_then(|record| record.value).unwrap_or_default();
        if is_of(event, &value) {
            let (id, cause) = (entry.id, entry.cause);
            return Ok(Some(format!(
                "its consumer wrote the dead letter {id}: {cause}"
            )));
        }
    }
    Ok(None)
}

/// Whether a record's value is `event`.
fn is_of(event: &Identifier, value: &[u8]) -> bool {
    let value: Result<Value, _> = serde_json::from_slice(value);
    value.is_ok_and(|value| value["id"] == event.as_str())
}

/// The answer after `waited`, if the job of `event` has this state; without a state there is no job
/// yet.
fn smoked(event: &Identifier, job: JobId, state: Option<State>, waited: Duration) -> Smoked {
    let (event, job, seconds) = (event.clone(), job.0, waited.as_secs());
    match state {
        None => Smoked::NotTaken { event, seconds },
        Some(State::Completed { .. }) => Smoked::Through {
            job,
            milliseconds: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        },
        Some(State::Failed { failure }) => Smoked::Failed {
            event,
            job,
            detail: failure.detail,
        },
        Some(
            state @ (State::Created
            | State::Submitted { .. }
            | State::Cancelled { .. }
            | State::Erased { .. }),
        ) => Smoked::Open {
            event,
            job,
            state: job_state::named(&state),
            seconds,
        },
    }
}

/// The job for the poster of `event`.
fn poster_of(tenant: &Identifier, event: &Identifier) -> JobId {
    let entity = Entity {
        kind: EntityKind::Event,
        id: Identifier::parse("smoke").expect("a word is an identifier"),
    };
    let poster = TemplateKey {
        kind: AssetKind::Poster,
        locale: None,
    };
    JobId::new(
        tenant,
        TemplateId::new(tenant, &entity, &poster),
        InboundEventKey::new(tenant, SOURCE, event.as_str()),
    )
}

/// An ordinary event. Its title is new each time, so that the poster has to be rendered.
fn event(id: &str, now: Time) -> OutboundEvent {
    let value = json!({
        "specversion": "1.0", "id": id, "source": SOURCE, "type": Topic::EventCreated.as_str(), "time": now,
        "datacontenttype": "application/json", "subject": SMOKE_TENANT,
        "data": {
            "tenantId": SMOKE_TENANT, "eventId": "smoke", "title": format!("Smoke check of {now}"),
            "startsAt": now.plus_seconds(24 * 60 * 60), "assets": ["poster"],
        },
    });
    OutboundEvent {
        topic: Topic::EventCreated,
        key: SMOKE_TENANT.to_owned(),
        value: value.to_string(),
        trace: None,
    }
}

#[cfg(test)]
mod tests {
    use contract::{FailureClass, Shows};
    use domain::{Failure, Output};
    use operations::JobState;

    use super::*;

    fn at() -> Time {
        Time::new("2026-11-30T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn the_state_of_the_job_decides_the_outcome() {
        let event = Identifier::parse("e-1").unwrap();
        let job = poster_of(&Identifier::parse(SMOKE_TENANT).unwrap(), &event);
        let waited = Duration::from_millis(90_400);
        let of = |state| smoked(&event, job, state, waited);
        let not_taken = Smoked::NotTaken {
            event: event.clone(),
            seconds: 90,
        };
        assert_eq!(of(None), not_taken);
        let output = Output {
            key: "k".to_owned(),
            stored_at: at(),
            credits: 0,
            length_ms: None,
            shows: Shows::default(),
        };
        assert_eq!(
            of(Some(State::Completed {
                output,
                submitted_at: at()
            })),
            Smoked::Through {
                job: job.0,
                milliseconds: 90_400
            }
        );
        let failure = Failure {
            class: FailureClass::Unavailable,
            detail: "S3 does not answer".to_owned(),
            at: at(),
        };
        assert_eq!(
            of(Some(State::Failed { failure })),
            Smoked::Failed {
                event: event.clone(),
                job: job.0,
                detail: "S3 does not answer".to_owned()
            }
        );
        let submitted = State::Submitted {
            at: at(),
            output: None,
        };
        for (state, name) in [
            (State::Created, JobState::Created),
            (submitted, JobState::Submitted),
            (State::Cancelled { at: at() }, JobState::Cancelled),
            (State::Erased { at: at() }, JobState::Erased),
        ] {
            let open = Smoked::Open {
                event: event.clone(),
                job: job.0,
                state: name,
                seconds: 90,
            };
            assert_eq!(of(Some(state)), open);
        }
    }

    #[test]
    fn each_event_has_a_job_of_its_own_and_the_same_event_the_same_job() {
        let tenant = Identifier::parse(SMOKE_TENANT).unwrap();
        let job = |event: &str| poster_of(&tenant, &Identifier::parse(event).unwrap());
        assert_eq!(job("e-1"), job("e-1"));
        assert_ne!(job("e-1"), job("e-2"));
    }

    #[test]
    fn a_dead_letter_is_of_the_event_whose_id_it_has() {
        let id = Identifier::parse("e-1").unwrap();
        let value = event("e-1", at()).value.into_bytes();
        assert!(is_of(&id, &value));
        assert!(!is_of(&Identifier::parse("e-2").unwrap(), &value));
        assert!(!is_of(&id, b"no JSON"));
    }
}

//! Smoke: sends an event of the reserved tenant through Kafka, the mapping, a consumer, the queue and
//! the render, and checks that its job completes.

use std::time::{Duration, Instant};

use contract::{AssetKind, Entity, EntityKind, Identifier, SMOKE_TENANT, Time, Topic};
use domain::{InboundEventKey, JobId, OutboundEvent, State, TemplateId, TemplateKey};
use operations::Smoked;
use serde_json::json;
use store::StoreError;
use tokio::time::sleep;

use crate::{Operator, step::StepError};

/// The event's source.
const SOURCE: &str = "studio-svc/smoke";

/// The pause between two reads of the job.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest wait in seconds, below the function's timeout.
const MOST: u32 = 240;

/// Sends the event `id` and waits for its poster.
pub(crate) async fn smoke(
    operator: &Operator,
    id: &str,
    within: u32,
    now: Time,
) -> Result<Smoked, StepError> {
    let begin = Instant::now();
    let within = Duration::from_secs(within.min(MOST).into());
    let tenant = Identifier::parse(SMOKE_TENANT).expect("the reserved tenant has a name");
    let job = poster_of(&tenant, id);
    operator
        .outbox
        .publisher()
        .publish_one(&event(id, now))
        .await?;
    loop {
        let state = match operator.store.job_of(&tenant, job).await {
            Ok(job) => Some(job.state),
            // No consumer has decided on the event yet.
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let so_far = match progress(state) {
            Progress::Completed => {
                let milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
                return Ok(Smoked {
                    job: job.0,
                    milliseconds,
                });
            }
            Progress::Failed(detail) => {
                return Err(StepError::Smoke(format!("its job {job} failed: {detail}")));
            }
            Progress::SoFar(so_far) => so_far,
        };
        if begin.elapsed() > within {
            return Err(StepError::Smoke(format!(
                "after {} s {so_far}",
                within.as_secs()
            )));
        }
        sleep(PAUSE).await;
    }
}

/// The job for the poster of the event `id`.
fn poster_of(tenant: &Identifier, id: &str) -> JobId {
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
        InboundEventKey::new(tenant, SOURCE, id),
    )
}

/// How far the event has come.
enum Progress {
    Completed,
    /// The failure's detail.
    Failed(String),
    /// Where it is, and where to look if it stays there.
    SoFar(&'static str),
}

/// The progress that the state of the job shows; without a state there is no job yet.
fn progress(state: Option<State>) -> Progress {
    match state {
        Some(State::Completed { .. }) => Progress::Completed,
        Some(State::Failed { failure }) => Progress::Failed(failure.detail),
        None => Progress::SoFar(
            "no consumer has decided on its event: is the mapping enabled, and what does the log of event-created say?",
        ),
        Some(State::Created) => Progress::SoFar(
            "its job is open and was never taken up: what do `studio queue` and the log of render say?",
        ),
        Some(State::Submitted { .. }) => {
            Progress::SoFar("its poster is being made: what does the log of completion say?")
        }
        Some(State::Cancelled { .. } | State::Erased { .. }) => {
            Progress::SoFar("its job is cancelled: who cancelled it?")
        }
    }
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

//! Smoke: an event of a tenant that is nobody's goes the whole way, by Kafka, the mapping, a
//! consumer, Step Functions and the render, and its job is seen to be completed.

use std::time::{Duration, Instant};

use contract::{AssetKind, Entity, EntityKind, Identifier, SMOKE_TENANT, Time, Topic};
use domain::{InboundEventKey, JobId, OutboundEvent, State, TemplateId, TemplateKey};
use journal::StoreError;
use operations::Smoked;
use serde_json::json;
use tokio::time::sleep;

use crate::{Operator, step::StepError};

/// Who sends it.
const SOURCE: &str = "studio-svc/smoke";

/// Between two looks at the job.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest that is waited, below the function's timeout, in seconds.
const MOST: u32 = 240;

/// Sends the event `id`, and waits for its poster.
pub(crate) async fn smoke(
    operator: &Operator,
    id: &str,
    within: u32,
    now: Time,
) -> Result<Smoked, StepError> {
    let begin = Instant::now();
    let within = Duration::from_secs(within.min(MOST).into());
    let tenant = Identifier::parse(SMOKE_TENANT).expect("the reserved tenant has a name");
    let entity = Entity {
        kind: EntityKind::Event,
        id: Identifier::parse("smoke").expect("a word is an identifier"),
    };
    let poster = TemplateKey {
        kind: AssetKind::Poster,
        locale: None,
    };
    let job = JobId::new(
        &tenant,
        TemplateId::new(&tenant, &entity, &poster),
        InboundEventKey::new(&tenant, SOURCE, id),
    );
    operator
        .journal
        .publisher()
        .publish_one(&event(id, now))
        .await?;
    loop {
        let state = match operator.journal.job_of(&tenant, job).await {
            Ok(job) => Some(job.state),
            // Not decided yet.
            Err(StoreError::NoSuchJob(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let so_far = match state {
            Some(State::Completed { .. }) => {
                let milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
                return Ok(Smoked {
                    job: job.0,
                    milliseconds,
                });
            }
            Some(State::Failed { failure }) => {
                return Err(StepError::Smoke(format!(
                    "its job {job} failed: {}",
                    failure.detail
                )));
            }
            None => {
                "no consumer has decided it: is the mapping enabled, and what does the log of event-created say?"
            }
            Some(State::Created) => {
                "its job is open and was never taken up: does its execution run?"
            }
            Some(State::Submitted { .. }) => {
                "its poster is being made: what does the log of completion say?"
            }
            Some(State::Cancelled { .. } | State::Erased { .. }) => "somebody cancelled its job",
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

/// An event like any, with a title of its own, so that there is something to draw.
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

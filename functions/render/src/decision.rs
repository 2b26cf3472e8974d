//! What becomes of a job, decided without a call.

use contract::{FailureClass, Time};
use domain::{Drawn, Failure, Job, Next, ProviderId, ProviderRouting, derive, next};
use drawing::FetchError;
use runtime::chain;
use store::OutboxEntry;

use crate::event::Record;

/// How often a message may be put off before the logo that S3 forbids counts as the tenant's fault.
const MOST_FORBIDDEN: u32 = 8;

/// How often a message is put off at least before a job is given up for its age. An old job may have
/// waited for something else: in a backlog, or for Kafka.
const LEAST_TRIES: u32 = 3;

/// What is to be done for an open job.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// An execution works on it: Step Functions has it.
    Start,
    /// A vendor makes it, and this one is asked first: its execution starts, or it waits for its
    /// turn.
    Ask(ProviderId),
    /// It waits for its turn at a vendor, and is started when that comes.
    Wait,
    /// The canvas draws it.
    Draw,
    /// It is closed as this says, without being drawn.
    Close(Drawn),
}

/// What is to be done for the open `job`.
pub(crate) fn todo(job: &Job, routing: &ProviderRouting, now: Time) -> Todo {
    if job.waits_for().is_some() {
        return Todo::Wait;
    }
    if job.has_begun() {
        return Todo::Start;
    }
    let providers: Vec<ProviderId> = routing.to_ask(job.asset, job.voice()).collect();
    match next(job, &providers, &[], now) {
        Next::Ask(ProviderId::StudioCanvas) => Todo::Draw,
        Next::Ask(
            vendor @ (ProviderId::OpenAi
            | ProviderId::ElevenLabs
            | ProviderId::Runway
            | ProviderId::Polly),
        ) => Todo::Ask(vendor),
        Next::Wait { .. } => Todo::Start,
        Next::GiveUp { class, detail } => Todo::Close(given_up(None, failure(class, detail, now))),
    }
}

/// The end of a job that kills the function even by itself.
pub(crate) fn abandoned(now: Time) -> Drawn {
    let detail =
        "the function died of its message five times, and once more with nothing beside it";
    let failure = failure(FailureClass::Abandoned, detail.to_owned(), now);
    given_up(Some(now), failure)
}

/// What becomes of `job`, whose logo is not to be had. `None`: that may pass, and it waits.
pub(crate) fn without_logo(
    error: &FetchError,
    (job, tries): (&Job, u32),
    patience_seconds: u32,
    now: Time,
) -> Option<Drawn> {
    let invalid = |sentence: String| {
        let failure = failure(FailureClass::InvalidInput, sentence.clone(), now);
        Drawn::GivenUp {
            asked_at: None,
            failure,
            sentence: Some(sentence),
        }
    };
    match error {
        FetchError::Unfit(unfit) => Some(invalid(unfit.to_string())),
        FetchError::Forbidden if tries >= MOST_FORBIDDEN => Some(invalid(error.to_string())),
        FetchError::Forbidden | FetchError::S3(_) => has_waited(job, tries, patience_seconds, now)
            .then(|| {
                let failure = failure(FailureClass::Unavailable, chain(error), now);
                given_up(None, failure)
            }),
    }
}

/// What becomes of `job`, which was drawn and could not be stored, as `detail` says. `None`: that
/// may pass, and it waits.
pub(crate) fn not_stored(
    detail: String,
    (job, asked_at, tries): (&Job, Time, u32),
    patience_seconds: u32,
    now: Time,
) -> Option<Drawn> {
    has_waited(job, tries, patience_seconds, now).then(|| {
        let failure = failure(FailureClass::Unavailable, detail, now);
        given_up(Some(asked_at), failure)
    })
}

/// The end of a job whose entity DynamoDB refuses to store.
pub(crate) fn refused(detail: String, now: Time) -> Drawn {
    given_up(Some(now), failure(FailureClass::Internal, detail, now))
}

/// Whether `job`, whose message was put off `tries` times, has waited so long for a service that it
/// is given up.
fn has_waited(job: &Job, tries: u32, patience_seconds: u32, now: Time) -> bool {
    tries >= LEAST_TRIES && job.created_at.plus_seconds(patience_seconds) < now
}

/// The end of a job that finds no free slot at its vendor, and whose tenant has too many before it.
pub(crate) fn too_many_open(most: usize, now: Time) -> Drawn {
    given_up(None, domain::too_many_open(most, now))
}

fn failure(class: FailureClass, detail: String, at: Time) -> Failure {
    Failure { class, detail, at }
}

fn given_up(asked_at: Option<Time>, failure: Failure) -> Drawn {
    Drawn::GivenUp {
        asked_at,
        failure,
        sentence: None,
    }
}

/// Whether the `end` of a closed job is published again: not one that is known to be published, nor
/// one from before its tenant `is_erased`, unless it was withheld until a message came.
pub(crate) fn is_told_again(end: &OutboxEntry, is_erased: bool) -> bool {
    !end.published && (!is_erased || end.withheld)
}

/// The order in which messages are taken: what was received most often comes last, because one of
/// these may kill the function. Messages that return together have equal counts. Their order
/// differs at each receive, so that what kills the function does not come before the same
/// neighbours each time.
pub(crate) fn in_order(records: &[Record]) -> Vec<&Record> {
    let mut records: Vec<&Record> = records.iter().collect();
    records.sort_by_cached_key(|record| {
        let receives = record.receives();
        let turn = derive(&[record.message_id.as_bytes(), &receives.to_be_bytes()]);
        (receives, turn)
    });
    records
}

#[cfg(test)]
mod tests;

//! A paid result that the bucket does not take: it is kept in the table and stored as soon as the
//! bucket takes it. It is never bought twice, and its cost counts at once.
//!
//! Only what its provider gives once is kept: a picture or a spot that comes in the answer. What has
//! a ticket, a video, is fetched again from its provider.

use contract::Time;
use domain::{Job, Kept, ProviderId, Refusal, Work as _};
use providers::{Body, Media, Refused, Stream};
use runtime::chain;
use store::MOST_KEPT;
use telemetry::Measured;
use uuid::Uuid;

use crate::{
    App,
    answers::{Unsaved, save_answer},
    assets::{self, Stored},
    attempts::refused,
    media, paintings,
    pause::grown,
    step::{Reply, StepError},
    turns::release_to_next,
    usage::spent,
};

/// The shortest and the longest pause between two tries to store what is kept, in seconds.
const PAUSES: (u32, u32) = (10, 300);

/// For how many milliseconds what is kept is tried again before its job is given up: three days.
const TRIED_MS: u64 = 3 * 24 * 60 * 60 * 1000;

/// A copy of what was made, for as long as it is stored.
struct Spare {
    bytes: Vec<u8>,
    kept: Kept,
    copy: Option<String>,
}

/// Stores what `provider` made for `job` in its answer; or keeps it, if the bucket does not take it.
pub(crate) async fn store_or_keep(
    app: &App,
    provider: ProviderId,
    job: Job,
    media: Media,
) -> Result<Reply, StepError> {
    let media = match in_memory(media).await {
        Ok(media) => media,
        Err(lost) => return refused(app, provider, job, lost.into()).await,
    };
    let mut media = media;
    let painting = media.painting.take();
    // The canvas draws the same again.
    let spare = Spare::of(&media).filter(|_| provider.is_paid());
    match assets::store(app, &job, media).await {
        Ok(Stored::Stored(made)) => {
            let reply = assets::note(app, provider, job.clone(), made).await?;
            if let Some(png) = painting {
                paintings::keep(app, provider, &job, png).await;
            }
            Ok(reply)
        }
        Ok(Stored::Lost(lost)) => refused(app, provider, job, lost.into()).await,
        Err(error) => match spare {
            Some(spare) => keep(app, provider, job, spare, error).await,
            None => Err(error),
        },
    }
}

impl Spare {
    fn of(media: &Media) -> Option<Self> {
        let bytes = match &media.body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::Stream(_) | Body::Object { .. } => return None,
        };
        let kept = Kept {
            at: crate::now(),
            parts: 0,
            made_by: media.made_by.clone(),
            credits: media.credits,
            length_ms: media.length_ms,
            shows: media.shows.clone(),
        };
        let copy = media.copy.clone();
        Some(Self { bytes, kept, copy })
    }
}

/// The media with its file in memory as a whole, so that a file which the bucket does not take is
/// still there.
async fn in_memory(media: Media) -> Result<Media, Refused> {
    let stream = match media.body {
        Body::Stream(stream) => stream,
        body @ (Body::Bytes(_) | Body::Object { .. }) => return Ok(Media { body, ..media }),
    };
    match whole(stream).await {
        Ok(bytes) => Ok(Media {
            body: Body::Bytes(bytes),
            ..media
        }),
        Err(detail) => Err(assets::lost(&media.made_by, media.credits, &detail)),
    }
}

/// All of a stream, or what is wrong with it, for operators.
async fn whole(mut stream: Stream) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await.map_err(|error| chain(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_KEPT {
            return Err(format!("what it made has more than {MOST_KEPT} bytes"));
        }
    }
    match bytes.len() {
        length if length < media::ENOUGH => Err(format!("what it made has only {length} bytes")),
        _ => Ok(bytes),
    }
}

/// Keeps what the bucket did not take because of `error`.
async fn keep(
    app: &App,
    provider: ProviderId,
    job: Job,
    spare: Spare,
    error: StepError,
) -> Result<Reply, StepError> {
    let Some(token) = job.attempts.last().map(|last| last.token) else {
        return Err(error);
    };
    let Spare { bytes, kept, copy } = spare;
    let (id, credits) = (job.id, kept.credits);
    let parts = match app.store.keep(token, &bytes, kept.at).await {
        Ok(parts) => parts,
        Err(unkept) => {
            let detail = format!(
                "{} made it, and the studio could not store it ({}) nor keep it ({})",
                kept.made_by,
                chain(&error),
                chain(&unkept)
            );
            let lost = Refused {
                credits,
                ..Refused::new(Refusal::NotStored, detail)
            };
            return refused(app, provider, job, lost.into()).await;
        }
    };
    tracing::warn!(
        job = %id, %provider, parts,
        "made, and kept in the table until it can be stored: {}", chain(&error)
    );
    match save_answer(app, job.keeping(Kept { parts, ..kept }, copy)).await {
        Ok(job) => {
            spent(app, provider, credits).await;
            app.telemetry.metrics.emit(Measured::Kept {
                provider: provider.as_str(),
            });
            release_to_next(app, provider, job.id()).await;
            Ok(Reply::Pending {
                poll_after_seconds: grown(0, PAUSES),
            })
        }
        Err(error) => {
            // Another writer closed the job: nothing wants it any more.
            if matches!(error, Unsaved::Contended) {
                forget(app, token, parts).await;
            }
            Err(error.into())
        }
    }
}

/// Tries to store what is kept for the open `job`, and replies when to try again if the bucket still
/// does not take it.
pub(crate) async fn poll(app: &App, job: Job, now: Time) -> Result<Reply, StepError> {
    let (id, at) = (job.id, job.kept().map_or(now, |(_, kept)| kept.at));
    match store_kept(app, job).await {
        Err(error) if error.is_transient() => {
            tracing::warn!(job = %id, "kept, and not stored yet: {}", chain(&error));
            Ok(Reply::Pending {
                poll_after_seconds: grown(now.milliseconds_since(at), PAUSES),
            })
        }
        stored => stored,
    }
}

/// Whether what is kept for the open `job` is stored now, before the job is given up at `now`.
///
/// # Errors
/// It is not stored, and is tried again later.
pub(crate) async fn is_rescued(app: &App, job: Job, now: Time) -> Result<bool, StepError> {
    let (id, at) = (job.id, job.kept().map_or(now, |(_, kept)| kept.at));
    match store_kept(app, job).await {
        Ok(reply) => Ok(reply == Reply::Stored),
        Err(error) if now.milliseconds_since(at) < TRIED_MS => Err(error),
        Err(error) => {
            tracing::error!(job = %id, "kept, and given up: {}", chain(&error));
            Ok(false)
        }
    }
}

/// Stores what is kept for `job`, which then says so; the table forgets it.
async fn store_kept(app: &App, job: Job) -> Result<Reply, StepError> {
    let Some((attempt, kept)) = job.kept() else {
        return Err(StepError::NothingStored(job.id));
    };
    let (provider, token, kept) = (attempt.asked, attempt.token, kept.clone());
    let Some(bytes) = app.store.kept(token, kept.parts).await? else {
        let detail = format!(
            "{} made it, and what was kept of it is not in the table any more",
            kept.made_by
        );
        // The attempt counts the cost already.
        let gone = Refused::new(Refusal::NotStored, detail);
        return refused(app, provider, job, gone.into()).await;
    };
    let media = Media {
        body: Body::Bytes(bytes),
        made_by: kept.made_by,
        credits: kept.credits,
        length_ms: kept.length_ms,
        copy: None,
        shows: kept.shows,
        painting: None,
    };
    match assets::store(app, &job, media).await? {
        Stored::Stored(made) => {
            let reply = assets::note(app, provider, job, made).await?;
            forget(app, token, kept.parts).await;
            Ok(reply)
        }
        Stored::Lost(lost) => {
            let unusable = Refused::new(lost.refusal, lost.detail);
            refused(app, provider, job, unusable.into()).await
        }
    }
}

/// Deletes what was kept. What is left expires.
async fn forget(app: &App, token: Uuid, parts: u32) {
    if let Err(error) = app.store.delete_kept(token, parts).await {
        tracing::warn!(%token, parts, "kept until it expires: {}", chain(&error));
    }
}

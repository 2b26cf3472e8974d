//! Erases everything of a tenant; only the fact of its erasure remains.

use std::time::{Duration, Instant};

use contract::{Identifier, Time};
use dead_letters::{erase_object, erase_objects};
use domain::{Job, JobId, LEASE_SECONDS, ProviderId, Refusal, State, Waiter, Work, derive};
use operations::{Kept, TenantData, TenantErasure, VoiceErasure};
use outbox::Announced;
use providers::{Order, Progress, Providers};
use store::{Cursor, Erased, Owned, OwnedItem};
use vendor_calls::look;
use work::{close, release};

use crate::{
    App,
    keepers::{Keepers, NotDeleted, Remainders, closed_remainders},
    step::StepError,
    voice,
};

/// The longest run of one step, below the function's timeout; the next step does the rest.
const AT_MOST: Duration = Duration::from_secs(200);

/// The number of items read at once.
const AT_ONCE: i32 = 25;

/// Erases all media of `tenant`, cancels its open jobs, and blanks the stored facts about it.
///
/// The tombstone is written first: from then on nothing that happened before is stored. The reply
/// is `erased` only after a pass found nothing, and only if that pass began when every invocation
/// from before the tombstone must have ended. Until then it is `erasing`: repeat the step in a few
/// minutes. A vendor, a bucket or a CDN that refuses to delete its copy is named in the reply, and
/// stops nothing else.
///
/// If the tenant still exists, a later event is handled like one of a new tenant.
pub(crate) async fn erase_tenant(
    app: &App,
    tenant: &Identifier,
    now: Time,
) -> Result<TenantErasure, StepError> {
    let began = app.store.begin_erasure(tenant, now).await?;
    let mut pass = Pass {
        is_settled: now >= began.plus_seconds(app.config.erasure_settle_seconds),
        remainders: Remainders::of(app, tenant).await?,
        ..Pass::default()
    };
    let ran = pass.run(app, tenant, now).await;
    // The counts are stored even if the run failed.
    app.store.note_erased(tenant, pass.erased, now).await?;
    ran?;
    let data = data_of(pass.erased);
    if pass.found == 0 && pass.is_settled {
        app.store.finish_erasure(tenant, now).await?;
        let closed = closed_remainders(app, tenant).await?;
        return Ok(TenantErasure::Erased { data, closed });
    }
    let kept = pass.kept;
    Ok(TenantErasure::Erasing { data, kept })
}

fn data_of(erased: Erased) -> TenantData {
    let Erased {
        jobs,
        voices,
        entities,
        decisions,
        records,
    } = erased;
    TenantData {
        jobs,
        voices,
        entities,
        outbox_entries: decisions,
        dead_letters: records,
    }
}

/// One pass over everything that the tenant owns.
#[derive(Default)]
struct Pass {
    /// Whether every invocation from before the tombstone must have ended.
    is_settled: bool,
    /// How many items were not erased when the pass met them.
    found: usize,
    /// How many of them it erased.
    erased: Erased,
    /// The remainders that are on record.
    remainders: Remainders,
    /// What vendors and buckets refused to delete.
    kept: Vec<Kept>,
}

impl Pass {
    async fn run(&mut self, app: &App, tenant: &Identifier, now: Time) -> Result<(), StepError> {
        let begin = Instant::now();
        let mut cursor = Cursor::default();
        while let Some((owned, next)) = app.store.owned_by(tenant, cursor, AT_ONCE).await? {
            for one in &owned {
                self.found += 1;
                if begin.elapsed() > AT_MOST {
                    return Ok(());
                }
                if self.erase(app, tenant, one, now).await? {
                    self.count(one);
                }
            }
            cursor = next;
        }
        self.erase_unlisted(app, tenant, now).await?;
        self.invalidate(app, tenant, now).await
    }

    /// Erases one item; `false` if it is not fully erased yet.
    async fn erase(
        &mut self,
        app: &App,
        tenant: &Identifier,
        one: &Owned,
        now: Time,
    ) -> Result<bool, StepError> {
        let keepers = |item| Keepers::of(app, tenant, &self.remainders, item, now);
        let mut decisions = 0;
        let (is_erased, kept) = match one {
            Owned::Job(id) => {
                let mut keepers = keepers(format!("job:{id}"));
                let erased =
                    erase_job(app, tenant, *id, self.is_settled, &mut keepers, now).await?;
                decisions = erased.decisions;
                (erased.is_whole, keepers.kept().to_vec())
            }
            Owned::Voice(id) => {
                let mut keepers = keepers(format!("voice:{id}"));
                let erasure = voice::erase(app, *id, tenant, &mut keepers, now).await?;
                let is_erased = erasure == VoiceErasure::VoiceErased;
                (is_erased, keepers.kept().to_vec())
            }
            Owned::Entity(entity) => {
                app.store.erase_entity(*entity, now).await?;
                (true, Vec::new())
            }
            Owned::Decision(decision) => {
                app.store.blank_decision(decision).await?;
                (true, Vec::new())
            }
            Owned::DeadLetter(record) => {
                let mut keepers = keepers(DEAD_LETTERS.to_owned());
                let is_erased = erase_dead_letter(app, record, &mut keepers, now).await?;
                (is_erased, keepers.kept().to_vec())
            }
        };
        self.erased.decisions += decisions;
        self.keep(kept);
        Ok(is_erased)
    }

    /// Erases the objects of dead letters that no entry names. A function that died before it wrote
    /// the entry left them.
    async fn erase_unlisted(
        &mut self,
        app: &App,
        tenant: &Identifier,
        now: Time,
    ) -> Result<(), StepError> {
        let item = DEAD_LETTERS.to_owned();
        let mut keepers = Keepers::of(app, tenant, &self.remainders, item, now);
        let letters = &app.dead_letters;
        let delete = async { Ok(letters.erase_objects_of(tenant).await?) };
        let objects = keepers.ask(letters.bucket(), delete).await?.unwrap_or(0);
        let kept = keepers.kept().to_vec();
        self.found += objects + kept.len();
        self.erased.records += objects;
        self.keep(kept);
        Ok(())
    }

    /// Has the CDN forget its copies of the tenant's assets. Each whole pass that may be the last
    /// asks for that, at its end: one that was cut short may have deleted files and not come to
    /// this. Earlier ones do not, because a distribution has at most 15 such invalidations under
    /// way.
    async fn invalidate(
        &mut self,
        app: &App,
        tenant: &Identifier,
        now: Time,
    ) -> Result<(), StepError> {
        let Some(cdn) = app.cdn.as_ref().filter(|_| self.is_settled) else {
            return Ok(());
        };
        let folder = app.paths.get().await?.of_tenant(tenant);
        let (name, pass) = (tenant.as_str().as_bytes(), now.to_string());
        let reference = derive(&[name, b"invalidation", pass.as_bytes()]);
        let item = ASSETS.to_owned();
        let mut keepers = Keepers::of(app, tenant, &self.remainders, item, now);
        let invalidate = async { Ok(cdn.invalidate(&folder, reference).await?) };
        keepers.ask("cloudfront", invalidate).await?;
        let kept = keepers.kept().to_vec();
        self.found += kept.len();
        self.keep(kept);
        Ok(())
    }

    /// Adds to what is kept. All dead letters of a tenant are one remainder.
    fn keep(&mut self, kept: Vec<Kept>) {
        for one in kept {
            if self
                .kept
                .iter()
                .all(|other| other.remainder != one.remainder)
            {
                self.kept.push(one);
            }
        }
    }

    fn count(&mut self, one: &Owned) {
        *match one {
            Owned::Job(_) => &mut self.erased.jobs,
            Owned::Voice(_) => &mut self.erased.voices,
            Owned::Entity(_) => &mut self.erased.entities,
            Owned::Decision(_) => &mut self.erased.decisions,
            Owned::DeadLetter(_) => &mut self.erased.records,
        } += 1;
    }
}

/// How a remainder of dead letters is called.
const DEAD_LETTERS: &str = "dead-letters";

/// How a remainder of a CDN's copies is called.
const ASSETS: &str = "assets";

/// Deletes a dead letter's object, and then blanks what its entry says, unless it was dead-lettered
/// again meanwhile.
async fn erase_dead_letter(
    app: &App,
    record: &OwnedItem,
    keepers: &mut Keepers<'_>,
    now: Time,
) -> Result<bool, StepError> {
    let Some(read) = app.store.dead_letter_to_erase(record).await? else {
        return Ok(true);
    };
    let letters = &app.dead_letters;
    let delete = async { Ok(letters.erase_object(&read.object).await?) };
    keepers.ask(letters.bucket(), delete).await?;
    if !keepers.kept().is_empty() {
        return Ok(false);
    }
    Ok(app
        .store
        .erase_dead_letter_entry(record, &read, now)
        .await?)
}

/// What a pass erased of a job.
struct ErasedJob {
    /// Whether nothing of it is left.
    is_whole: bool,
    /// The decisions that it led to, and that were blanked.
    decisions: usize,
}

/// Cancels the job if it is open, blanks its facts and the events of the decisions that it leads to,
/// deletes its files, and then erases the vendors' copies: what a keeper refuses stops nothing else.
/// Its end is published before it is blanked, as far as it may be.
///
/// An invocation that has not noticed the erasure or the cancelling may still store the job's asset,
/// so the job counts as erased only after that invocation must have ended (`is_settled`). So it is
/// with a failure: a file that was stored after it stays as an old version until a pass deletes that.
async fn erase_job(
    app: &App,
    tenant: &Identifier,
    id: JobId,
    is_settled: bool,
    keepers: &mut Keepers<'_>,
    now: Time,
) -> Result<ErasedJob, StepError> {
    // The index may list another tenant's job only if an item was written by other code than ours.
    let job = app.store.job_of(tenant, id).await?;
    if !job.is_closed() {
        // Its tenant has a tombstone, so this end says nothing personal. It is withheld unless the
        // job is known to be announced: its message or its execution tells it then.
        let unknown = Announced::Unknown;
        close(&app.outbox, &app.telemetry, id, unknown, now, |job, _| {
            domain::cancel(job, now)
        })
        .await?;
    }
    let job = app.store.job(id).await?;
    let is_settled = is_settled
        && match &job.state {
            State::Erased { .. } => {
                return Ok(ErasedJob {
                    is_whole: true,
                    decisions: 0,
                });
            }
            State::Cancelled { at } => now >= at.plus_seconds(LEASE_SECONDS),
            State::Failed { failure } => now >= failure.at.plus_seconds(LEASE_SECONDS),
            State::Created | State::Submitted { .. } | State::Completed { .. } => true,
        };
    if let Some(provider) = job.turn.waits_for {
        app.store.leave_line(provider, &Waiter::of(&job)).await?;
    }
    let job = app.store.save(job.without_facts()).await?;
    let decisions = app.store.blank_events_of_job(&job).await?;
    end_writers(app, &job, keepers).await?;
    for attempt in &job.attempts {
        if let Some(kept) = &attempt.kept {
            app.store.delete_kept(attempt.token, kept.parts).await?;
        }
    }
    let bucket = &app.config.assets_bucket;
    keepers.ask(bucket, delete_files_of(app, &job)).await?;
    for (provider, ticket) in tickets(&job) {
        let delete = async { Ok(app.vendors.erase(provider, ticket).await?) };
        keepers.ask(provider.as_str(), delete).await?;
    }
    if let Some(last) = job.attempts.last() {
        release(&app.store, last.asked, job.id()).await;
    }
    let is_whole = is_settled && keepers.kept().is_empty();
    if is_whole {
        app.store.save(job.erased(now)).await?;
    }
    Ok(ErasedJob {
        is_whole,
        decisions,
    })
}

/// Asks each provider that writes into the bucket by itself, as Polly does, whether it still may
/// write the job's file. The question comes before the job's files are deleted: what is done by
/// then is among them.
async fn end_writers(app: &App, job: &Job, keepers: &mut Keepers<'_>) -> Result<(), StepError> {
    let folder = app.paths.get().await?.folder(job);
    let order = Order {
        job,
        voice: None,
        logo: None,
        bucket: &app.config.assets_bucket,
        folder: &folder,
    };
    for (provider, ticket) in tickets(job) {
        if Providers::original(provider, &folder, ticket).is_none() {
            continue;
        }
        let is_over = async {
            match look(&app.telemetry, &app.vendors, provider, order, ticket).await {
                Ok(Progress::Done(_) | Progress::Failed(_)) => Ok(()),
                Ok(Progress::Pending { status }) => Err(NotDeleted::Refused(format!(
                    "it is still making the file, which goes into the bucket ({status})"
                ))),
                Err(refused) if refused.refusal == Refusal::ProviderGone => Ok(()),
                Err(refused) => Err(refused.into()),
            }
        };
        keepers.ask(provider.as_str(), is_over).await?;
    }
    Ok(())
}

/// Deletes all files of a job, in every version: those in its folder, what vendors painted for its
/// entity, and its asset wherever the job says that it is. It may be from before the deployment had
/// its secret.
async fn delete_files_of(app: &App, job: &Job) -> Result<(), NotDeleted> {
    let (s3, bucket) = (&app.s3, &app.config.assets_bucket);
    let paths = app.paths.get().await.map_err(StepError::from)?;
    let folder = paths.folder(job);
    erase_objects(s3, bucket, &folder).await?;
    if job.attempts.iter().any(|attempt| attempt.asked.paints()) {
        erase_objects(s3, bucket, &paths.paintings(job)).await?;
    }
    if let Some(output) = job
        .output()
        .filter(|output| !output.key.starts_with(&folder))
    {
        // The key as it is: an item that a function should not have written may have a part of one.
        erase_object(s3, bucket, None, &output.key).await?;
    }
    Ok(())
}

/// The providers that were asked for the job, each with its ticket.
fn tickets(job: &Job) -> impl Iterator<Item = (ProviderId, &str)> {
    let attempts = job.attempts.iter();
    attempts.filter_map(|attempt| Some((attempt.asked, attempt.ticket.as_deref()?)))
}

//! Jobs and voice models beyond one tenant's jobs: those of all tenants that are open, or that ended
//! short of what was wanted; and the voice models of a tenant.

use std::collections::BTreeMap;

use contract::{Identifier, Time};
use domain::{Job, JobId, Shortfall, VoiceModel, VoiceModelId, Work, WorkId};
use uuid::Uuid;

use crate::{
    Place, Store, StoreError,
    erase::is_met,
    items::{self, ItemError, Key},
    listing::{Listing, Order, Span},
};

/// What of all tenants an index lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfAllTenants {
    /// What is open. Its times are the deadlines of the sweep, and the latest comes first.
    Open,
    /// What ended short of what was wanted, unless an operator had it made again. Its times are those
    /// at which it was created, and the newest comes first.
    Ended(Shortfall),
}

/// A page of jobs or voice models.
#[derive(Debug)]
pub struct WorkPage<W> {
    /// Each with its place; the error of one that this version of the code cannot read.
    pub work: Vec<(Place, Result<W, ItemError>)>,
    /// The place to go on after; `None` once all were seen.
    pub next: Option<Place>,
}

/// From when to when, the end left out. Both are times of the list ([`OfAllTenants`]).
pub type Within = (Option<Time>, Option<Time>);

impl Store {
    /// Jobs of all tenants, behind `after`: at most `most`. Asks sixteen partitions of an index, or
    /// forty-eight for what is open, and reads each job.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn jobs_of_all(
        &self,
        which: OfAllTenants,
        within: Within,
        after: Option<Place>,
        most: usize,
    ) -> Result<WorkPage<Job>, StoreError> {
        let key = |id| Key::work(WorkId::Job(JobId(id)));
        self.page(&of_all(which, JOB), key, within, after, most)
            .await
    }

    /// Voice models of all tenants, as [`jobs_of_all`](Self::jobs_of_all) has jobs.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn voices_of_all(
        &self,
        which: OfAllTenants,
        within: Within,
        after: Option<Place>,
        most: usize,
    ) -> Result<WorkPage<VoiceModel>, StoreError> {
        self.page(&of_all(which, VOICE), voice_key, within, after, most)
            .await
    }

    /// `tenant`'s voice models that were registered in `within`, behind `after`: at most `most`, the
    /// newest first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn voices_of(
        &self,
        tenant: &Identifier,
        within: Within,
        after: Option<Place>,
        most: usize,
    ) -> Result<WorkPage<VoiceModel>, StoreError> {
        let listing = Listing {
            index: "by-tenant",
            keys: ["tenant", "listed"],
            partitions: vec![tenant.as_str().to_owned()],
            prefix: "voice#",
            of: [VOICE, "state"],
        };
        self.page(&listing, voice_key, within, after, most).await
    }

    /// Takes a job that an operator had made again off the list of what ended short of what was
    /// wanted. Does nothing if it does not stand there.
    ///
    /// # Errors
    /// A [`StoreError`]; the job is listed as before.
    pub async fn take_off_ended(&self, job: JobId) -> Result<(), StoreError> {
        let update = self
            .update(&Key::work(WorkId::Job(job)))
            .update_expression("REMOVE ended")
            .condition_expression("attribute_exists(ended)");
        is_met(update).await.map(drop)
    }

    async fn page<W: Work>(
        &self,
        listing: &Listing,
        key: impl Fn(Uuid) -> Key,
        (since, until): Within,
        after: Option<Place>,
        most: usize,
    ) -> Result<WorkPage<W>, StoreError> {
        let span = Span {
            since,
            until,
            after,
        };
        let (places, is_all) = self.places(listing, span, Order::NewestFirst, most).await?;
        let keys = places.iter().map(|place| key(place.id)).collect();
        let found: BTreeMap<Key, _> = self.read_each(keys).await?;
        let work = places.iter().filter_map(|place| {
            let work = items::state::<W>(found.get(&key(place.id))?);
            // The index may be a moment behind the table.
            let is_gone = work.as_ref().is_ok_and(W::is_erased);
            (!is_gone).then_some((*place, work))
        });
        Ok(WorkPage {
            work: work.collect(),
            next: places.last().copied().filter(|_| !is_all),
        })
    }
}

/// What the `pk` of a job and of a voice model begin with.
const JOB: &str = "job";
const VOICE: &str = "voice";

fn voice_key(id: Uuid) -> Key {
    Key::work(WorkId::Voice(VoiceModelId(id)))
}

fn of_all(which: OfAllTenants, kind: &'static str) -> Listing {
    let of = [kind, "state"];
    match which {
        OfAllTenants::Open => {
            let plain = items::OPEN_SHARDS.map(str::to_owned);
            let in_line = items::OPEN_SHARDS.map(items::in_line_shard);
            let queued = items::OPEN_SHARDS.map(items::queued_shard);
            Listing {
                index: "open",
                keys: ["open", "deadline"],
                partitions: [plain, in_line, queued].concat(),
                prefix: "",
                of,
            }
        }
        OfAllTenants::Ended(how) => Listing {
            index: "ended",
            keys: ["ended", "listed"],
            partitions: items::OPEN_SHARDS
                .map(|shard| items::ended_shard(how, shard))
                .to_vec(),
            prefix: match kind {
                VOICE => "voice#",
                _ => "job#",
            },
            of,
        },
    }
}

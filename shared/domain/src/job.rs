//! A render job.

use contract::{
    AssetKind, Configuration, Entity, FailureClass, Identifier, Locale, MediaType, SOURCE, Shows,
    Time, TraceParent, Trigger, VoiceModelId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Attempt, Attempts, EntityKey, InboundEventKey, JobId, Kept, Note, Noted, Notes, Outcome,
    ProviderId, Shortfall, TemplateId, TemplateKey, Turn, Work, WorkId,
};

/// One render of one template. It holds a copy of the facts to render, so that the result does not
/// depend on when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id, which is also the name of its execution, if it has one.
    pub id: JobId,
    /// The number of writes so far; 0 before the first.
    pub version: u64,
    /// The tenant that owns it.
    pub tenant: Identifier,
    /// The user who triggered it, as the events name them.
    pub user_id: String,
    /// The entity that it is about.
    pub entity: Entity,
    /// The template it renders.
    pub template: TemplateId,
    /// The template's kind of asset.
    pub asset: AssetKind,
    /// The language of the translation to show; `None` for the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The facts to show.
    pub configuration: Configuration,
    /// The first provider of the routing; from the submission on, the provider asked last or the
    /// one that made the asset.
    pub provider: String,
    /// The key of the inbound event or resubmission that opened it.
    pub inbound: InboundEventKey,
    /// The inbound event that triggered it.
    pub trigger: Trigger,
    /// The job that an operator resubmitted as this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_of: Option<JobId>,
    /// The parent span of everything done for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
    /// When the triggering event happened; `None` for a resubmitted job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_at: Option<Time>,
    /// When it was decided on.
    pub created_at: Time,
    /// When the sweep restarts or fails the job if it is still open.
    pub deadline: Time,
    /// The number of times its execution was restarted under another name.
    pub restarts: u32,
    /// Its waits for its turn at a provider.
    #[serde(default, skip_serializing_if = "Turn::is_unused")]
    pub turn: Turn,
    /// What was decided about it beside its attempts. A version from before drops it when it writes
    /// the job.
    #[serde(default, skip_serializing_if = "Notes::is_unused")]
    pub notes: Notes,
    /// The attempts, oldest first.
    pub attempts: Attempts<ProviderId>,
    /// Its state.
    pub state: State,
}

/// What a provider answered to a job's last attempt, by itself: it can be put down elsewhere while the
/// job cannot be written. It has no facts of the tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The attempt with its outcome.
    pub attempt: Attempt<ProviderId>,
    /// The job's provider since.
    pub provider: String,
    /// The asset, if it is stored by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
}

/// The ticket of an attempt whose result is kept and of which the provider has no copy.
const KEPT: &str = "kept";

/// A job's state. It only moves down this list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum State {
    /// Decided on; no provider was asked yet.
    Created,
    /// A provider was asked.
    Submitted {
        /// When a provider was first asked.
        at: Time,
        /// The asset, once it is stored in the bucket.
        output: Option<Output>,
    },
    /// The asset is stored and published.
    Completed {
        /// The asset.
        output: Output,
        /// When a provider was first asked.
        submitted_at: Time,
    },
    /// It failed for good.
    Failed {
        /// The failure.
        failure: Failure,
    },
    /// An operator cancelled it, or the erasure of its tenant did.
    Cancelled {
        /// When.
        at: Time,
    },
    /// It was erased: its files, the vendors' copies, and its facts.
    Erased {
        /// When.
        at: Time,
    },
}

/// An asset in the bucket. Of its tenant's text it holds what `shows` has, which goes with the job's
/// facts; the rest goes when the job is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The key of the object.
    pub key: String,
    /// When it was stored.
    pub stored_at: Time,
    /// The credits that the job used.
    pub credits: u64,
    /// The length of a video or audio file in milliseconds, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ms: Option<u64>,
    /// What it shows of its job; empty for video and audio.
    #[serde(flatten)]
    pub shows: Shows,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class, for programs.
    pub class: FailureClass,
    /// What went wrong, for operators: never shown to a tenant.
    pub detail: String,
    /// When.
    pub at: Time,
}

impl Job {
    /// The key of its entity.
    #[must_use]
    pub fn entity_key(&self) -> EntityKey {
        EntityKey::new(&self.tenant, &self.entity)
    }

    /// The key of its template within its entity.
    #[must_use]
    pub fn template_key(&self) -> TemplateKey {
        TemplateKey {
            kind: self.asset,
            locale: self.locale.clone(),
        }
    }

    /// The cloned voice that is to speak it, if it names one and is spoken.
    #[must_use]
    pub fn voice(&self) -> Option<VoiceModelId> {
        self.configuration.voice_of(self.asset)
    }

    /// The asset, once it is stored in the bucket, as long as the job says where.
    #[must_use]
    pub fn output(&self) -> Option<&Output> {
        match &self.state {
            State::Submitted { output, .. } => output.as_ref(),
            State::Completed { output, .. } => Some(output),
            State::Created
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Erased { .. } => None,
        }
    }

    /// The job with its asset stored; `made_by` is the provider that made it. A job that already
    /// has an asset keeps it.
    #[must_use]
    pub fn stored(mut self, made_by: String, stored: Output) -> Self {
        if let State::Submitted {
            output: output @ None,
            ..
        } = &mut self.state
        {
            *output = Some(stored);
            self.provider = made_by;
        }
        self
    }

    /// Whether it is known to have been taken up: it asked a provider, was restarted, left an
    /// execution, waits for its turn or is closed. An execution that has asked none yet, and a
    /// message, do not show here.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.execution_number() > 0
            || self.turn.waits_for.is_some()
            || !matches!(self.state, State::Created)
    }

    /// Whether it has to do with `provider`: that one is to make it, made it, was asked for it, or
    /// was passed over.
    #[must_use]
    pub fn concerns(&self, provider: ProviderId) -> bool {
        let named = self.provider.split('/').next() == Some(provider.as_str());
        let asked = self
            .attempts
            .iter()
            .any(|attempt| attempt.asked == provider);
        let passed_over = self.notes.iter().any(|note| {
            matches!(note.what, Noted::PassedOver { provider: passed, .. } if passed == provider)
        });
        named || asked || passed_over
    }

    /// How long a provider may work on it, in seconds.
    #[must_use]
    pub fn patience_seconds(&self) -> u32 {
        match self.asset.media_type() {
            MediaType::Image => 10 * 60,
            MediaType::Audio => 15 * 60,
            MediaType::Video => 60 * 60,
        }
    }

    /// The job without facts and user; it keeps the tickets that its vendors' copies are erased by.
    #[must_use]
    pub fn without_facts(mut self) -> Self {
        SOURCE.clone_into(&mut self.user_id);
        self.configuration = Configuration::erased();
        let stored = match &mut self.state {
            State::Submitted { output, .. } => output.as_mut(),
            State::Completed { output, .. } => Some(output),
            State::Created
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Erased { .. } => None,
        };
        let stored = stored.map(|output| &mut output.shows);
        let kept = self.attempts.iter_mut().filter_map(|attempt| {
            let kept = attempt.kept.as_mut()?;
            Some(&mut kept.shows)
        });
        for shows in kept.chain(stored) {
            shows.alt_text = None;
        }
        self
    }

    /// The closed job after erasing: without facts, user and vendors' messages.
    #[must_use]
    pub fn erased(self, now: Time) -> Self {
        let mut job = self.without_facts();
        job.attempts.blank();
        job.state = State::Erased { at: now };
        job
    }
}

/// The attempts of a job.
impl Job {
    /// The job with a note of what was decided at `now`.
    #[must_use]
    pub fn noting(mut self, what: Noted, now: Time) -> Self {
        self.notes.add(Note { at: now, what });
        self
    }

    /// The job with a new attempt at `provider`, not sent yet; a closed job is returned unchanged. It
    /// waits for no turn any more.
    ///
    /// An unanswered attempt at a provider that costs nothing is made again instead: no answer can
    /// come late, and nothing was paid. So trouble of ours, however long, uses up no attempts.
    #[must_use]
    pub fn asking(mut self, provider: ProviderId, token: Uuid, now: Time) -> Self {
        if let State::Created = self.state {
            self.state = State::Submitted {
                at: now,
                output: None,
            };
        }
        if let State::Submitted { .. } = self.state {
            self.turn.waits_for = None;
            provider.as_str().clone_into(&mut self.provider);
            if !provider.is_paid() && self.unanswered() == Some(provider) {
                self.attempts.drop_open();
            }
            self.attempts.open_new(provider, token, now);
        }
        self
    }

    /// The ticket to poll the provider with, while the provider is working on the job.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        let last = self
            .attempts
            .last()
            .filter(|attempt| attempt.outcome == Some(Outcome::Accepted))?;
        last.ticket.as_deref()
    }

    /// The job after the provider accepted the last attempt and returned `ticket`.
    #[must_use]
    pub fn accepted(mut self, ticket: String) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.ticket = Some(ticket);
            last.outcome = Some(Outcome::Accepted);
        }
        self
    }

    /// What the last attempt's provider answered, if it did.
    #[must_use]
    pub fn answered_last(&self) -> Option<Answered> {
        let attempt = self.attempts.last()?.clone();
        attempt.outcome.as_ref()?;
        Some(Answered {
            attempt,
            provider: self.provider.clone(),
            output: self.output().cloned(),
        })
    }

    /// The open job with an answer to its last attempt, which has none yet; `None` if that attempt is
    /// another one.
    #[must_use]
    pub fn learning(mut self, answered: Answered) -> Option<Self> {
        let token = answered.attempt.token;
        self.attempts.open().filter(|open| open.token == token)?;
        *self.attempts.last_mut()? = answered.attempt;
        Some(match answered.output {
            Some(output) => self.stored(answered.provider, output),
            None => self,
        })
    }

    /// What a provider made for the open job and the bucket has not taken yet, with its attempt.
    #[must_use]
    pub fn kept(&self) -> Option<(&Attempt<ProviderId>, &Kept)> {
        let accepted = |attempt: &&Attempt<ProviderId>| attempt.outcome == Some(Outcome::Accepted);
        let last = self.attempts.last().filter(accepted)?;
        Some((last, last.kept.as_ref()?)).filter(|_| !self.is_closed())
    }

    /// The job after the provider made what the last attempt asked for, and the bucket did not take
    /// it: it is `kept` in the table. `copy` is the provider's id for its copy of the media.
    #[must_use]
    pub fn keeping(self, kept: Kept, copy: Option<String>) -> Self {
        // The attempt has a ticket in any case. A version from before looks for one to see that the
        // provider may not be asked again.
        let mut job = self.accepted(copy.unwrap_or_else(|| KEPT.to_owned()));
        if let Some(last) = job.attempts.last_mut() {
            last.kept = Some(kept);
        }
        job
    }

    /// The job with its last attempt known not to have been sent to the provider.
    #[must_use]
    pub fn unsent(mut self) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.unsent = true;
        }
        self
    }

    /// The job with what its attempt of `token` cost, if the attempt was closed before its answer was
    /// known; `None` if there is no such attempt.
    #[must_use]
    pub fn charged(mut self, token: Uuid, charged: u64) -> Option<Self> {
        let attempt = self
            .attempts
            .iter_mut()
            .find(|attempt| attempt.token == token)?;
        let Some(Outcome::Refused {
            credits: credits @ 0,
            ..
        }) = &mut attempt.outcome
        else {
            return None;
        };
        *credits = charged;
        Some(self)
    }

    /// The job with the provider's id for its copy of the media, if it has one.
    #[must_use]
    pub fn copied(mut self, copy: Option<String>) -> Self {
        if let (Some(last), Some(copy)) = (self.attempts.last_mut(), copy) {
            last.ticket = Some(copy);
        }
        self
    }
}

impl Work for Job {
    fn id(&self) -> WorkId {
        WorkId::Job(self.id)
    }

    fn tenant(&self) -> &Identifier {
        &self.tenant
    }

    fn created_at(&self) -> Time {
        self.created_at
    }

    fn deadline(&self) -> Time {
        self.deadline
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn with_version(self, version: u64) -> Self {
        Self { version, ..self }
    }

    fn restarts(&self) -> u32 {
        self.restarts
    }

    fn execution_number(&self) -> u32 {
        self.restarts + self.turn.left
    }

    fn restarted(self, deadline: Time) -> Self {
        Self {
            restarts: self.restarts + 1,
            deadline,
            ..self
        }
    }

    fn is_closed(&self) -> bool {
        match self.state {
            State::Created | State::Submitted { .. } => false,
            State::Completed { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Erased { .. } => true,
        }
    }

    fn is_erased(&self) -> bool {
        matches!(self.state, State::Erased { .. })
    }

    fn shortfall(&self) -> Option<Shortfall> {
        match self.state {
            State::Failed { .. } => Some(Shortfall::Failed),
            State::Completed { .. } => {
                (!self.fell_back().is_empty()).then_some(Shortfall::FellBack)
            }
            State::Created
            | State::Submitted { .. }
            | State::Cancelled { .. }
            | State::Erased { .. } => None,
        }
    }

    /// What the canvas draws waits for nothing.
    fn is_at_vendor(&self) -> bool {
        let provider: Result<ProviderId, _> = self.provider.parse();
        !self.is_closed() && provider.is_ok_and(ProviderId::is_paid)
    }

    /// A job without any provider is closed by what takes it out of the queue.
    fn is_queued(&self) -> bool {
        !self.has_begun() && !self.is_at_vendor()
    }

    fn is_in_line(&self) -> bool {
        self.waits_for().is_some()
    }

    fn unanswered(&self) -> Option<ProviderId> {
        self.attempts.open().map(|attempt| attempt.asked)
    }

    fn answered(mut self, outcome: Outcome, _now: Time) -> Self {
        self.attempts.close_last(outcome);
        // No provider knows it.
        if let Some(last) = self.attempts.last_mut() {
            last.ticket = last.ticket.take().filter(|ticket| ticket != KEPT);
        }
        self
    }
}

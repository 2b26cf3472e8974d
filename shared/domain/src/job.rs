//! A render job.

use contract::{
    AssetKind, Configuration, Entity, FailureClass, Identifier, Locale, MediaType, SOURCE, Time,
    TraceParent, Trigger,
};
use serde::{Deserialize, Serialize};

use crate::{
    Attempt, EntityKey, InboundEventKey, JobId, Outcome, TemplateId, TemplateKey,
    ids::execution_name,
};

/// One render of one template. It holds a copy of the facts to render, so that the result does not
/// depend on when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id, which is also the name of its execution.
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
    /// The attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Its state.
    pub state: State,
}

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

/// An asset in the bucket.
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
    /// Whether the job has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self.state {
            State::Created | State::Submitted { .. } => false,
            State::Completed { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Erased { .. } => true,
        }
    }

    /// The key of its entity.
    #[must_use]
    pub fn entity_key(&self) -> EntityKey {
        EntityKey::new(&self.tenant, &self.entity)
    }

    /// The name of its execution: the job's id, and from the first restart on `<id>-<n>`.
    #[must_use]
    pub fn execution_name(&self) -> String {
        execution_name(self.id.0, self.restarts)
    }

    /// The key of its template within its entity.
    #[must_use]
    pub fn template_key(&self) -> TemplateKey {
        TemplateKey {
            kind: self.asset,
            locale: self.locale.clone(),
        }
    }

    /// The key of its S3 object, made only of the job's id and kind. Text from a tenant has no
    /// influence on it.
    #[must_use]
    pub fn object_key(&self) -> String {
        format!(
            "{}{}.{}",
            self.folder(),
            self.asset.as_str(),
            self.asset.format().as_str()
        )
    }

    /// The folder of its objects in the bucket.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("renders/{}/", self.id)
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

    /// How long a provider may work on it, in seconds.
    #[must_use]
    pub fn patience_seconds(&self) -> u32 {
        match self.asset.media_type() {
            MediaType::Image => 10 * 60,
            MediaType::Audio => 15 * 60,
            MediaType::Video => 60 * 60,
        }
    }

    /// The closed job after erasing: without facts, user and vendors' messages.
    #[must_use]
    pub fn erased(mut self, now: Time) -> Self {
        SOURCE.clone_into(&mut self.user_id);
        self.configuration = Configuration::erased();
        for attempt in &mut self.attempts {
            attempt.ticket = None;
            if let Some(Outcome::Refused { detail, .. }) = &mut attempt.outcome {
                detail.clear();
            }
        }
        self.state = State::Erased { at: now };
        self
    }

    /// The job with one more restart and a new deadline.
    #[must_use]
    pub fn restarted(mut self, deadline: Time) -> Self {
        self.restarts += 1;
        self.deadline = deadline;
        self
    }
}

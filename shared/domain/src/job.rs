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

/// One render of one template: what to render is copied into it, so that it means the same however
/// late it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id, which is also the name of its execution.
    pub id: JobId,
    /// How often it was written; 0 before the first time.
    pub version: u64,
    /// Whose it is.
    pub tenant: Identifier,
    /// Who triggered it, as the events say it.
    pub user_id: String,
    /// What it is about.
    pub entity: Entity,
    /// The template it renders.
    pub template: TemplateId,
    /// What the template makes.
    pub asset: AssetKind,
    /// The language of the translation that it shows, if it shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The facts to show.
    pub configuration: Configuration,
    /// Who is to make it; from the submission on, who does.
    pub provider: String,
    /// The decision that opened it.
    pub inbound: InboundEventKey,
    /// The event behind that decision.
    pub trigger: Trigger,
    /// The job that an operator had made again by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_of: Option<JobId>,
    /// The span that everything done for it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
    /// When the event behind it happened; `None` of one that an operator asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_at: Option<Time>,
    /// When it was decided.
    pub created_at: Time,
    /// When an open job is given up, or started again.
    pub deadline: Time,
    /// How often its execution was started again under another name.
    pub restarts: u32,
    /// Each time that a provider was asked, the first first.
    pub attempts: Vec<Attempt>,
    /// How far it is.
    pub state: State,
}

/// How far a job is. It only moves down this list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum State {
    /// Decided; nobody was asked yet.
    Created,
    /// The provider was asked.
    Submitted {
        /// When it was first asked.
        at: Time,
        /// The asset, once it is in the bucket.
        output: Option<Output>,
    },
    /// The asset is stored and published.
    Completed {
        /// The asset.
        output: Output,
        /// When the provider was first asked.
        submitted_at: Time,
    },
    /// It failed for good.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Somebody who may do so cancelled it.
    Cancelled {
        /// When.
        at: Time,
    },
    /// It is erased: its files, its vendors' copies, and what it showed.
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
    /// Credits that making it used.
    pub credits: u64,
    /// How long it lasts, in milliseconds: of what is seen in motion or heard, as far as it is
    /// known.
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
    /// Whether nothing more will happen to it.
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

    /// Which of its entity's templates it renders.
    #[must_use]
    pub fn template_key(&self) -> TemplateKey {
        TemplateKey {
            kind: self.asset,
            locale: self.locale.clone(),
        }
    }

    /// The key of its object, made of the job's id and the kind alone: nothing a tenant writes
    /// steers it.
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

    /// The job with its asset stored, which `made_by` made; the first one stays.
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

    /// How long, in seconds, a provider may work on it.
    #[must_use]
    pub fn patience_seconds(&self) -> u32 {
        match self.asset.media_type() {
            MediaType::Image => 10 * 60,
            MediaType::Audio => 15 * 60,
            MediaType::Video => 60 * 60,
        }
    }

    /// What is left of a closed job once everything is erased: no fact, no person, no word of a
    /// vendor's.
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

    /// The job as its next execution finds it.
    #[must_use]
    pub fn restarted(mut self, deadline: Time) -> Self {
        self.restarts += 1;
        self.deadline = deadline;
        self
    }
}

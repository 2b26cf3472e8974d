//! The domain, pure: (what is true, a cause) → a decision. No I/O, no clock, no randomness: time comes in as a value and
//! ids are derived, so that deciding the same thing twice decides the same.

mod attempt;
mod cause;
mod close;
mod decision;
mod entity;
mod ids;
mod job;
mod leases;
mod plan;
mod provider;
mod resubmit;
mod voice;
mod voice_next;

pub use attempt::{Attempt, BREAKER_SECONDS, Fate, MOST_ATTEMPTS, Next, Outcome, Refusal, next};
pub use cause::{Cause, ContentHash, Description, Stamp};
pub use close::{cancel, fail, finish};
pub use decision::{Decision, Told};
pub use entity::{Digest, EntityState, Said, TemplateKey, TemplateState};
pub use ids::{CauseKey, EntityKey, EventId, JobId, TemplateId, VoiceModelId, derive};
pub use job::{Failure, Job, Output, State};
pub use leases::{Caps, Leases};
pub use plan::{HORIZON_SECONDS, MOST_ASSETS, NOBODY, PlanError, Planning, plan};
pub use provider::{Makers, MakersError, ProviderId};
pub use resubmit::{ResubmitError, resubmit};
pub use voice::{ErasedVoice, Registration, TaskToken, VoiceAttempt, VoiceModel, VoiceRequest, VoiceState, ready};
pub use voice_next::{TRAINING_SECONDS, Training, VoiceNext, VoiceView, fate_of_voice, next_for_voice};

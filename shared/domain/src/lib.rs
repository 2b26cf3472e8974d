//! The pure domain: (current state, an inbound event) → a decision. No I/O, no clock, no
//! randomness: time is an argument and ids are derived, so the same input always gives the same
//! decision.

mod attempt;
mod close;
mod decision;
mod entity;
mod ids;
mod inbound_event;
mod job;
mod limits;
mod plan;
mod provider;
mod resubmit;
mod voice;
mod voice_next;

pub use attempt::{Attempt, BREAKER_SECONDS, Fate, MOST_ATTEMPTS, Next, Outcome, Refusal, next};
pub use close::{cancel, fail, finish};
pub use decision::{Decision, OutboundEvent};
pub use entity::{Digest, EntityState, TemplateKey, TemplateState, TopicSnapshot};
pub use ids::{EntityKey, EventId, InboundEventKey, JobId, TemplateId, VoiceModelId, derive};
pub use inbound_event::{ContentHash, Description, InboundEvent, Stamp};
pub use job::{Failure, Job, Output, State};
pub use limits::{Caps, ConcurrencyLimits};
pub use plan::{HORIZON_SECONDS, MOST_ASSETS, NOBODY, PlanError, Planning, plan};
pub use provider::{ProviderId, ProviderRouting, RoutingError};
pub use resubmit::{ResubmitError, resubmit};
pub use voice::{
    ErasedVoice, Registration, TaskToken, VoiceAttempt, VoiceModel, VoiceRequest, VoiceState, ready,
};
pub use voice_next::{
    TRAINING_SECONDS, Training, VoiceNext, VoiceView, fate_of_voice, next_for_voice,
};

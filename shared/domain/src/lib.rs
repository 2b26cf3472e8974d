//! The pure domain: (current state, an inbound event) → a decision. No I/O, no clock, no
//! randomness: time is an argument and ids are derived, so the same input always gives the same
//! decision.

mod asset_paths;
mod attempts;
mod blocks;
mod close;
mod decision;
mod draw;
mod entity;
mod fell_back;
mod ids;
mod inbound_event;
mod job;
mod limits;
mod line;
mod next;
mod notes;
mod older;
mod other_event;
mod outage;
mod plan;
mod provider;
mod refusal;
mod resubmit;
mod speaker;
mod template_key;
mod turn;
mod usage;
mod voice;
mod voice_decisions;
mod voice_next;
mod waiting;
mod work;

// Events carry it, so the contract has it; it is an id of the domain as the others are.
pub use contract::VoiceModelId;

pub use asset_paths::{AssetPaths, ShortSecret};
pub use attempts::{Attempt, Attempts, Kept, Outcome};
pub use blocks::Blocks;
pub use close::{Wrong, cancel, cancel_erased, fail, finish};
pub use decision::{Decision, OutboundEvent};
pub use draw::{Drawn, Ends, end_drawn};
pub use entity::{Digest, EntityState, TemplateState, TopicSnapshot};
pub use fell_back::FellBack;
pub use ids::{EntityKey, EventId, InboundEventKey, JobId, TemplateId, TenantKey, derive};
pub use inbound_event::{ContentHash, Description, InboundEvent, Stamp};
pub use job::{Answered, Failure, Job, Output, State};
pub use limits::{Caps, ConcurrencyLimits, LEASE_SECONDS};
pub use line::{Found, Place, Search, Waiter};
pub use next::{BREAKER_SECONDS, MOST_ATTEMPTS, Next, next};
pub use notes::{Note, Noted, Notes};
pub use other_event::OtherEvent;
pub use outage::wait_out;
pub use plan::{
    CLOCKS_DIFFER_SECONDS, HORIZON_SECONDS, MOST_ASSETS, MOST_BYTES, MOST_LANGUAGES, NO_PROVIDER,
    PlanError, Planning, plan,
};
pub use provider::{ProviderId, ProviderRouting, RoutingError};
pub use refusal::{Refusal, RetryDecision};
pub use resubmit::{ResubmitError, resubmit};
pub use speaker::{NotSpoken, Speaker, speaker};
pub use template_key::TemplateKey;
pub use turn::Turn;
pub use usage::{LastRefusal, USAGE_DAYS, Usage};
pub use voice::{ErasedVoice, TaskToken, VoiceModel, VoiceRequest, VoiceState};
pub use voice_decisions::{Registration, ready};
pub use voice_next::{
    TRAINING_SECONDS, Training, VoiceNext, VoiceView, next_for_voice, retry_decision_for_voice,
};
pub use waiting::{LONGEST_WAIT_SECONDS, too_many_open};
pub use work::{Shortfall, Work, WorkId};

//! The contract in Rust: the CloudEvents envelope, the topics and the data type of each. No I/O.
//!
//! Inbound: an [`Envelope`] is read from a record's headers and value, and its data becomes one of
//! the types below. Parsing checks every rule, so a value of these types is always valid. Outbound:
//! a [`CloudEvent`] is written with the fields in the order of the spec's example.

mod asset_kind;
mod campaign_launched;
mod cloud_event;
mod cms_published;
mod configuration;
mod envelope;
mod event_created;
mod event_published;
mod event_time;
mod media;
mod moment;
mod printable;
mod render_job;
mod s3_object;
mod template;
mod tenant_files;
mod tenant_prefix;
mod text;
mod topic;
mod trace_parent;
mod undrawn;
mod version;
mod voice_model;
mod voice_model_id;
mod voice_training;

pub use asset_kind::{AssetKind, Fact};
pub use campaign_launched::{CampaignLaunched, Channel};
pub use cloud_event::{CloudEvent, SMOKE_TENANT, SOURCE, STRUCTURED_CONTENT_TYPE, Time};
pub use cms_published::{CmsPublished, ContentTranslation};
pub use configuration::{
    Brand, Color, Configuration, Entity, EntityKind, Locale, Translation, Typeface, Venue,
};
pub use envelope::{DataError, Envelope, EnvelopeError, Header};
pub use event_created::EventCreated;
pub use event_published::EventPublished;
pub use event_time::EventTime;
pub use media::{FileFormat, MediaType};
pub use moment::{Moment, MomentError, TimeZoneName, TimeZoneNameError};
pub use printable::{printable, shown};
pub use render_job::{
    FailureClass, RenderJobCompleted, RenderJobCreated, RenderJobFailed, Trigger,
};
pub use s3_object::S3Object;
pub use template::{Template, TemplateAsset};
pub use tenant_files::{NotItsOwn, TenantFiles};
pub use tenant_prefix::{TenantPrefix, TenantPrefixError};
pub use text::{Identifier, Text, TextError, readable};
pub use topic::{Topic, UnknownTopic};
pub use trace_parent::{TraceParent, UnknownTraceParent};
pub use undrawn::{Adjusted, Shows, Undrawn};
pub use version::HIGHEST_VERSION;
pub use voice_model::{CloningMethod, VoiceModelCreated, VoiceModelReady};
pub use voice_model_id::VoiceModelId;
pub use voice_training::{Consent, MOST_SAMPLES, VoiceTraining};

//! The contract in Rust: the CloudEvents envelope, the eleven topics and the typed data of each. No I/O.
//!
//! Inbound, a record's headers and value become an [`Envelope`] and its data one of the types below, which cannot be wrong;
//! outbound, a [`CloudEvent`] is written field by field as the spec's example has it.

mod cloud_event;
mod configuration;
mod envelope;
mod event_created;
mod moment;
mod render_job;
mod template;
mod text;
mod topic;

pub use cloud_event::{CloudEvent, SOURCE, STRUCTURED_CONTENT_TYPE, Time};
pub use configuration::{AssetKind, Brand, Color, Configuration, Entity, EntityKind, Locale, Venue};
pub use envelope::{DataError, Envelope, EnvelopeError, Header};
pub use event_created::EventCreated;
pub use moment::{Moment, MomentError, TimeZoneName, TimeZoneNameError};
pub use render_job::{FailureClass, Format, MediaType, RenderJobCompleted, RenderJobCreated, RenderJobFailed, Trigger};
pub use template::{Template, TemplateAsset};
pub use text::{Identifier, Text, TextError};
pub use topic::{Topic, UnknownTopic};

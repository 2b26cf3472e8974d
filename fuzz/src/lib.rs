//! Properties that hold for any input from another service, however hostile or broken: no panic,
//! and those that each target names.
//!
//! A target takes bytes, and panics if a property does not hold. It returns how far it came, so
//! that the tests can demand that their input reaches the properties. `make test` runs each target
//! on the files of `corpus/<target>` and on generated input (`tests/`), `make fuzz` has libFuzzer search
//! for more input (`libfuzzer/`), and `make worst-case` measures the worst batches (`examples/`).

mod batch;
mod data;
mod envelope;
mod picture;
mod record;
mod sentence;
mod tenant;
mod worst_case;

pub use batch::batch;
pub use data::{campaign_launched, cms_published, event_created, event_published, voice_training};
pub use envelope::envelope;
pub use picture::{canvas_text, logo};
pub use record::{Record, batch_of, examine_as};
pub use worst_case::{LARGEST_PAYLOAD, WorstCase};

/// Takes bytes, and panics if they violate a property.
pub type Target = fn(&[u8]) -> Reached;

/// How far an input came. A property of what is accepted says nothing of an input that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// It does not have the form that the target reads, for example it is not UTF-8.
    Unread,
    /// It was refused with a reason.
    Refused,
    /// It was accepted, and all properties hold of it.
    Accepted,
}

/// Every target by name, which is also its folder in `corpus/`.
pub const TARGETS: [(&str, Target); 9] = [
    ("batch", batch),
    ("envelope", envelope),
    ("event-created", event_created),
    ("event-published", event_published),
    ("cms-published", cms_published),
    ("campaign-launched", campaign_launched),
    ("voice-training", voice_training),
    ("canvas-text", canvas_text),
    ("logo", logo),
];

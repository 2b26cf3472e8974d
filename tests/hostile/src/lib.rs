//! What no input may do to the studio, whoever wrote it. Each function takes bytes that a neighbour could send, has the studio read them,
//! and panics if what comes of it breaks a promise. The same functions are run on the corpus in `fuzz/corpus` and on generated input by
//! this crate's tests, and by the fuzzer on what it thinks up.

mod batch;
mod canvas_text;
mod data;
mod record;
mod voice_training;

use events::Topic;

pub use batch::{batch_of, check_batch, examine_batch};
pub use canvas_text::check_canvas_text;
pub use data::check_data;
pub use record::{Record, check_record};
pub use voice_training::check_voice_training;

/// What is fuzzed: each has a folder of its own in `fuzz/corpus`, and a target in `fuzz/fuzz_targets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The payload of an invocation.
    Batch,
    /// A record's key, headers and value, as [`Record::read`] has them.
    Envelope,
    /// The data of an event of a topic.
    Data(Topic),
    /// The input of an execution of `voice-training`.
    VoiceTraining,
    /// Text to be drawn.
    CanvasText,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 8] = [
        Self::Batch,
        Self::Envelope,
        Self::Data(Topic::EventCreated),
        Self::Data(Topic::EventPublished),
        Self::Data(Topic::CmsPublished),
        Self::Data(Topic::CampaignLaunched),
        Self::VoiceTraining,
        Self::CanvasText,
    ];

    /// The name of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Envelope => "envelope",
            Self::Data(Topic::EventCreated) => "event-created",
            Self::Data(Topic::EventPublished) => "event-published",
            Self::Data(Topic::CmsPublished) => "cms-published",
            Self::Data(Topic::CampaignLaunched) => "campaign-launched",
            Self::Data(topic) => topic.as_str(),
            Self::VoiceTraining => "voice-training",
            Self::CanvasText => "canvas-text",
        }
    }

    /// Has the studio read `input`.
    ///
    /// # Panics
    /// If what comes of it breaks a promise.
    pub fn check(self, input: &[u8]) {
        match self {
            Self::Batch => check_batch(input),
            Self::Envelope => check_record(&Record::read(input)),
            Self::Data(topic) => check_data(topic, input),
            Self::VoiceTraining => check_voice_training(input),
            Self::CanvasText => check_canvas_text(input),
        }
    }
}

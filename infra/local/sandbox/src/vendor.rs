//! The vendors that the sandbox plays.

/// A vendor.
///
/// The studio's `domain::ProviderId` has the same four and the canvas, which is no vendor. The
/// sandbox does not use it: it may link none of the code that calls the vendors, and so it can be
/// used for another client of theirs. A test of the local stack holds the two lists together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// OpenAI Images.
    OpenAi,
    /// ElevenLabs.
    ElevenLabs,
    /// Runway.
    Runway,
    /// Amazon Polly.
    Polly,
}

impl Vendor {
    /// All vendors.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::ElevenLabs, Self::Runway, Self::Polly];

    /// The vendor's name in the sandbox's addresses and in the name of its key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::ElevenLabs => "elevenlabs",
            Self::Runway => "runway",
            Self::Polly => "polly",
        }
    }
}

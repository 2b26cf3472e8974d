//! Media types and file formats of assets.

use serde::{Deserialize, Serialize};

/// The media type of a job's asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// A still image.
    Image,
    /// A video.
    Video,
    /// Speech, sound or music.
    Audio,
}

/// A file format of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Portable Network Graphics.
    Png,
    /// MPEG-4 with H.264.
    Mp4,
    /// MPEG audio layer III.
    Mp3,
}

impl FileFormat {
    /// The format as the contract and file extensions write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Mp4 => "mp4",
            Self::Mp3 => "mp3",
        }
    }
}

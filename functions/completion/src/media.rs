//! What a file is, by how it begins.

use contract::Format;

use crate::audio;

/// How much of a file says what it is, in bytes.
pub(crate) const ENOUGH: usize = 512;

/// The media type that the bucket serves it as.
pub(crate) fn content_type(format: Format) -> &'static str {
    match format {
        Format::Png => "image/png",
        Format::Mp4 => "video/mp4",
        Format::Mp3 => "audio/mpeg",
    }
}

/// Whether a file that begins so is of the format.
pub(crate) fn is(format: Format, begin: &[u8]) -> bool {
    match format {
        Format::Png => begin.starts_with(b"\x89PNG\r\n\x1a\n"),
        Format::Mp4 => begin.get(4..8) == Some(b"ftyp"),
        Format::Mp3 => audio::Format::of(begin) == Some(audio::Format::Mp3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        assert!(is(Format::Mp4, b"\0\0\0\x20ftypisom"));
        assert!(!is(Format::Mp4, b"<html><body>"));
        assert!(is(Format::Mp3, b"ID3\x04") && is(Format::Mp3, &[0xff, 0xfb, 0x90, 0x64]));
        assert!(!is(Format::Mp3, b"{\"detail\":") && !is(Format::Mp3, &[0xff, 0xd8, 0xff]));
    }
}

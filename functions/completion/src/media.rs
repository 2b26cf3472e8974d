//! Recognizes a file's format by its first bytes.

use contract::Format;

use crate::audio;

/// The number of bytes that suffices to recognize a format.
pub(crate) const ENOUGH: usize = 512;

/// The content type that the bucket serves it with.
pub(crate) fn content_type(format: Format) -> &'static str {
    match format {
        Format::Png => "image/png",
        Format::Mp4 => "video/mp4",
        Format::Mp3 => "audio/mpeg",
    }
}

/// Whether a file with these first bytes has the format.
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
    fn a_file_is_recognized_by_its_first_bytes() {
        assert!(is(Format::Mp4, b"\0\0\0\x20ftypisom"));
        assert!(!is(Format::Mp4, b"<html><body>"));
        assert!(is(Format::Mp3, b"ID3\x04") && is(Format::Mp3, &[0xff, 0xfb, 0x90, 0x64]));
        assert!(!is(Format::Mp3, b"{\"detail\":") && !is(Format::Mp3, &[0xff, 0xd8, 0xff]));
    }
}

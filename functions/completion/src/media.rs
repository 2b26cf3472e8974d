//! Recognizes a file's format by its first bytes.

use contract::FileFormat;

use crate::audio;

/// The number of bytes that suffices to recognize a format.
pub(crate) const ENOUGH: usize = 512;

/// Whether a file with these first bytes has the format.
pub(crate) fn is(format: FileFormat, begin: &[u8]) -> bool {
    match format {
        FileFormat::Png => begin.starts_with(b"\x89PNG\r\n\x1a\n"),
        FileFormat::Mp4 => begin.get(4..8) == Some(b"ftyp"),
        FileFormat::Mp3 => audio::Format::of(begin) == Some(audio::Format::Mp3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_recognized_by_its_first_bytes() {
        assert!(is(FileFormat::Mp4, b"\0\0\0\x20ftypisom"));
        assert!(!is(FileFormat::Mp4, b"<html><body>"));
        assert!(is(FileFormat::Mp3, b"ID3\x04") && is(FileFormat::Mp3, &[0xff, 0xfb, 0x90, 0x64]));
        assert!(!is(FileFormat::Mp3, b"{\"detail\":") && !is(FileFormat::Mp3, &[0xff, 0xd8, 0xff]));
    }
}

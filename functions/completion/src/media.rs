//! What a file is, by how it begins.

use events::Format;

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
        Format::Mp3 => begin.starts_with(b"ID3") || header(begin).is_some(),
    }
}

/// How long an MP3 of `bytes` bytes at one bit rate lasts, in milliseconds; `None` if its first frame does not say.
pub(crate) fn mp3_length_ms(begin: &[u8], bytes: u64) -> Option<u64> {
    let tag = match begin.get(..10) {
        // An ID3 tag says its own length, seven bits to a byte.
        Some([b'I', b'D', b'3', _, _, _, a, b, c, d]) => {
            10 + [a, b, c, d].into_iter().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f))
        }
        _ => 0,
    };
    let kilobits = header(begin.get(tag..)?)?;
    Some(bytes.checked_sub(tag as u64)? * 8 / u64::from(kilobits))
}

/// The bit rate of an MPEG audio layer III frame, in kbit/s, by its header (ISO/IEC 11172-3 and 13818-3).
fn header(frame: &[u8]) -> Option<u32> {
    const VERSION_1: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const VERSION_2: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [0xff, second, third, ..] = *frame else { return None };
    if second & 0xe0 != 0xe0 || second & 0b110 != 0b010 {
        return None;
    }
    let rates = if second & 0b11000 == 0b11000 { VERSION_1 } else { VERSION_2 };
    rates.get(usize::from(third >> 4).checked_sub(1)?).copied()
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

    #[test]
    fn an_mp3s_length_is_in_its_first_frame() {
        // 128 kbit/s: 16,000 bytes are a second.
        assert_eq!(mp3_length_ms(&[0xff, 0xfb, 0x90, 0x64], 32_000), Some(2000));
        let mut tagged = b"ID3\x04\0\0\0\0\0\x05#####".to_vec();
        tagged.extend([0xff, 0xfb, 0x90, 0x64]);
        assert_eq!(mp3_length_ms(&tagged, 16_015), Some(1000));
        assert_eq!(mp3_length_ms(b"RIFF", 16_000), None);
    }
}

//! The format and length of a recording, from its first bytes. Nothing is decoded, so a recording
//! is accepted as a voice sample only if its header states its length.

/// A format of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// MPEG audio layer III.
    Mp3,
    /// RIFF WAVE.
    Wav,
    /// FLAC.
    Flac,
}

impl Format {
    /// The format of a file with these first bytes.
    pub(crate) fn of(begin: &[u8]) -> Option<Self> {
        match begin {
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'A',
                b'V',
                b'E',
                ..,
            ] => Some(Self::Wav),
            [b'f', b'L', b'a', b'C', ..] => Some(Self::Flac),
            [b'I', b'D', b'3', ..] => Some(Self::Mp3),
            _ => Frame::read(begin).map(|_| Self::Mp3),
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::Flac => "flac",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
        }
    }
}

/// The length of a file of `bytes` bytes, in milliseconds; `None` if its first bytes do not state
/// it.
pub(crate) fn length_ms(format: Format, begin: &[u8], bytes: u64) -> Option<u64> {
    match format {
        Format::Mp3 => mp3_length_ms(begin, bytes),
        Format::Wav => wav_length_ms(begin, bytes),
        Format::Flac => flac_length_ms(begin),
    }
}

/// The length by the number of frames, which a variable-bit-rate encoder writes into the first
/// frame, or else by the first frame's bit rate.
pub(crate) fn mp3_length_ms(begin: &[u8], bytes: u64) -> Option<u64> {
    let tag = match begin.get(..10) {
        // An ID3 tag states its length in seven bits per byte.
        Some([b'I', b'D', b'3', _, _, _, a, b, c, d]) => {
            10 + [a, b, c, d]
                .into_iter()
                .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f))
        }
        _ => 0,
    };
    let first = begin.get(tag..)?;
    let frame = Frame::read(first)?;
    match frame.count(first) {
        Some(frames) => Some(u64::from(frames) * frame.samples * 1000 / frame.rate),
        None => Some(bytes.checked_sub(tag as u64)? * 8 / frame.kilobits),
    }
}

/// The header of an MPEG audio layer III frame (ISO/IEC 11172-3 and 13818-3).
struct Frame {
    /// Bit rate, in kbit/s.
    kilobits: u64,
    /// Samples per second.
    rate: u64,
    /// Samples per frame.
    samples: u64,
    /// The offset of the encoder's own header.
    side: usize,
}

impl Frame {
    fn read(frame: &[u8]) -> Option<Self> {
        const VERSION_1: [u64; 14] = [
            32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
        ];
        const VERSION_2: [u64; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        let [0xff, second, third, fourth, ..] = *frame else {
            return None;
        };
        if second & 0xe0 != 0xe0 || second & 0b110 != 0b010 {
            return None;
        }
        let (rates, half, samples) = match second >> 3 & 0b11 {
            0b11 => (VERSION_1, 1, 1152),
            0b10 => (VERSION_2, 2, 576),
            0b00 => (VERSION_2, 4, 576),
            _ => return None,
        };
        let kilobits = rates
            .get(usize::from(third >> 4).checked_sub(1)?)
            .copied()?;
        let rate = [44_100, 48_000, 32_000]
            .get(usize::from(third >> 2 & 0b11))
            .copied()?
            / half;
        let is_mono = fourth >> 6 == 0b11;
        let side = 4 + match (half == 1, is_mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        Some(Self {
            kilobits,
            rate,
            samples,
            side,
        })
    }

    /// The number of frames in the file, if the first frame has no sound but the encoder's `Xing`
    /// or `Info` header with that number.
    fn count(&self, frame: &[u8]) -> Option<u32> {
        let header = frame.get(self.side..self.side + 12)?;
        let says =
            (header.starts_with(b"Xing") || header.starts_with(b"Info")) && header[7] & 1 == 1;
        says.then(|| u32::from_be_bytes([header[8], header[9], header[10], header[11]]))
    }
}

fn wav_length_ms(begin: &[u8], bytes: u64) -> Option<u64> {
    let (mut at, mut bytes_a_second) = (12, None);
    loop {
        let chunk = begin.get(at..at + 8)?;
        let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        match &chunk[..4] {
            b"fmt " => {
                let rate = begin.get(at + 16..at + 20)?;
                bytes_a_second = Some(u64::from(u32::from_le_bytes([
                    rate[0], rate[1], rate[2], rate[3],
                ])));
            }
            b"data" => {
                // A recorder that was interrupted writes 0 or all ones; then the rest of the file
                // counts.
                let there = bytes.checked_sub(at as u64 + 8)?;
                let sound = if length == 0 {
                    there
                } else {
                    u64::from(length).min(there)
                };
                return (sound * 1000).checked_div(bytes_a_second?);
            }
            _ => {}
        }
        at =
            at.checked_add(8 + usize::try_from(length).ok()? + usize::try_from(length % 2).ok()?)?;
    }
}

/// Reads STREAMINFO, the first block after `fLaC`: the sample rate is 20 bits from byte 18, the
/// number of samples 36 bits from the second half of byte 21.
fn flac_length_ms(begin: &[u8]) -> Option<u64> {
    let rate = begin.get(18..21)?;
    let rate = u64::from(rate[0]) << 12 | u64::from(rate[1]) << 4 | u64::from(rate[2] >> 4);
    let count = begin.get(21..26)?;
    let samples = count[1..]
        .iter()
        .fold(u64::from(count[0] & 0x0f), |all, byte| {
            all << 8 | u64::from(*byte)
        });
    // Zero means that the encoder did not know the number.
    if samples == 0 {
        None
    } else {
        (samples * 1000).checked_div(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_file_is_read_from_its_first_bytes() {
        let mp3 = include_bytes!("../../../infra/local/sandbox/fixtures/two-seconds.mp3");
        assert_eq!(Format::of(mp3), Some(Format::Mp3));
        let length = length_ms(Format::Mp3, mp3, mp3.len() as u64).unwrap();
        assert!((1900..=2200).contains(&length), "{length}");

        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(16_000_u32.to_le_bytes());
        wav.extend(32_000_u32.to_le_bytes());
        wav.extend(b"\x02\0\x10\0LIST\x03\0\0\0abc\0data");
        wav.extend(96_000_u32.to_le_bytes());
        assert_eq!(Format::of(&wav), Some(Format::Wav));
        assert_eq!(
            length_ms(Format::Wav, &wav, wav.len() as u64 + 96_000),
            Some(3000)
        );
        assert_eq!(
            length_ms(Format::Wav, &wav, wav.len() as u64 + 32_000),
            Some(1000),
            "cut off"
        );

        let mut flac = b"fLaC\0\0\0\x22".to_vec();
        flac.extend([0; 10]);
        // 44,100 Hz in 20 bits, the channels and sample size, then 441,000 samples in 36 bits.
        flac.extend([0x0a, 0xc4, 0x40, 0xf0, 0x00, 0x06, 0xba, 0xa8]);
        assert_eq!(Format::of(&flac), Some(Format::Flac));
        assert_eq!(length_ms(Format::Flac, &flac, 1000), Some(10_000));
    }

    #[test]
    fn an_mp3s_length_is_in_its_first_frame() {
        // At 128 kbit/s one second has 16,000 bytes.
        assert_eq!(mp3_length_ms(&[0xff, 0xfb, 0x90, 0x64], 32_000), Some(2000));
        let mut tagged = b"ID3\x04\0\0\0\0\0\x05#####".to_vec();
        tagged.extend([0xff, 0xfb, 0x90, 0x64]);
        assert_eq!(mp3_length_ms(&tagged, 16_015), Some(1000));
        assert_eq!(mp3_length_ms(b"RIFF", 16_000), None);
    }

    #[test]
    fn a_variable_bit_rate_is_counted_in_frames() {
        // MPEG 1, 128 kbit/s, 44,100 Hz, stereo; 100 frames.
        let mut mp3 = vec![0xff, 0xfb, 0x90, 0x00];
        mp3.extend([0; 32]);
        mp3.extend(b"Xing\0\0\0\x01\0\0\0\x64");
        assert_eq!(length_ms(Format::Mp3, &mp3, 1_000_000), Some(2612));
    }

    #[test]
    fn malformed_files_have_no_length() {
        for begin in [
            &b""[..],
            b"RIFF\0\0\0\0WAVE",
            b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
            b"fLaC",
            b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        ] {
            let format = Format::of(begin);
            assert_eq!(
                format.and_then(|format| length_ms(format, begin, 1000)),
                None,
                "{begin:?}"
            );
        }
        let endless = b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xff";
        assert_eq!(length_ms(Format::Wav, endless, 1000), None);
    }
}

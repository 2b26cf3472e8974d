//! What the audit knows of a file: whether it is whole, how large a picture is, and what tells it
//! from another.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Cursor,
};

/// A file of the assets bucket.
#[derive(Debug, Clone)]
pub struct File {
    /// What is wrong with it; `None` if it is whole, and what it says that it is.
    pub fault: Option<String>,
    /// Width and height in pixels, if it is a picture.
    pub pixels: Option<(u32, u32)>,
    /// A hash of its bytes.
    pub hash: u64,
}

impl File {
    /// Decodes a file. What a vendor made is the sandbox's, which has a beginning that is known and
    /// one length.
    #[must_use]
    pub fn of(content_type: &str, bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let is_media = match content_type {
            "video/mp4" => Some(bytes.get(4..8) == Some(&b"ftyp"[..])),
            "audio/mpeg" => Some(bytes == vendor_sandbox::SPEECH),
            _ => None,
        };
        if let Some(is_media) = is_media {
            return Self {
                fault: (!is_media).then(|| format!("it is no {content_type}")),
                pixels: None,
                hash: hasher.finish(),
            };
        }
        let decoded = decode(bytes);
        let fault = match &decoded {
            Err(reason) => Some(reason.clone()),
            Ok(_) if content_type != "image/png" => Some(format!("it is called {content_type:?}")),
            Ok((_, true)) => Some("all of it has one colour".to_owned()),
            Ok((_, false)) => None,
        };
        Self {
            fault,
            pixels: decoded.ok().map(|(pixels, _)| pixels),
            hash: hasher.finish(),
        }
    }
}

/// The size of a PNG in pixels, once all of it is decoded, and whether all pixels are the same.
fn decode(bytes: &[u8]) -> Result<((u32, u32), bool), String> {
    let failed = |error: png::DecodingError| error.to_string();
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(failed)?;
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(failed)?;
    // A file that breaks off after the last pixel has no end.
    reader.finish().map_err(failed)?;
    pixels.truncate(frame.buffer_size());
    let mut each = pixels.chunks_exact(frame.color_type.samples());
    let first = each.next().ok_or("it has no pixels")?;
    let is_blank = each.all(|pixel| pixel == first);
    Ok(((frame.width, frame.height), is_blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG of 4 by 3 pixels, `white` of which are white and the others black.
    fn picture(white: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 4, 3);
        encoder.set_color(png::ColorType::Grayscale);
        let mut pixels = [0; 12];
        pixels[..white].fill(255);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn a_whole_picture_has_no_fault_and_its_size() {
        let file = File::of("image/png", &picture(5));
        assert_eq!((file.fault, file.pixels), (None, Some((4, 3))));
        assert_ne!(file.hash, File::of("image/png", &picture(6)).hash);
    }

    #[test]
    fn a_picture_that_is_cut_off_anywhere_has_a_fault() {
        let whole = picture(5);
        for length in 0..whole.len() {
            let file = File::of("image/png", &whole[..length]);
            assert!(file.fault.is_some(), "{length} of {} bytes", whole.len());
        }
    }

    #[test]
    fn a_picture_with_a_changed_byte_has_a_fault() {
        let whole = picture(5);
        let mut changed = whole.clone();
        let middle = whole.len() / 2;
        changed[middle] ^= 0x55;
        assert!(File::of("image/png", &changed).fault.is_some());
    }

    #[test]
    fn a_sound_that_is_cut_off_or_a_video_that_is_none_has_a_fault() {
        let sound = vendor_sandbox::SPEECH;
        assert_eq!(File::of("audio/mpeg", sound).fault, None);
        assert!(
            File::of("audio/mpeg", &sound[..sound.len() / 2])
                .fault
                .is_some()
        );
        assert_eq!(File::of("video/mp4", b"....ftypisom").fault, None);
        assert!(File::of("video/mp4", &picture(5)).fault.is_some());
        assert!(File::of("video/mp4", b"").fault.is_some());
    }

    #[test]
    fn a_picture_of_one_colour_or_another_content_type_has_a_fault() {
        assert!(File::of("image/png", &picture(0)).fault.is_some());
        assert!(File::of("image/png", &picture(12)).fault.is_some());
        assert!(File::of("text/plain", &picture(5)).fault.is_some());
    }
}

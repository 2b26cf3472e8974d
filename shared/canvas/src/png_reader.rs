//! Decodes a PNG from outside as untrusted input.

use std::io::Cursor;

/// The largest side, in pixels.
pub(crate) const LARGEST_SIDE: u32 = 4096;
/// The memory that the decoder may allocate besides the picture, for a palette, a row and whatever
/// else the file claims to need.
const DECODER_BYTES: usize = 1024 * 1024;

/// A decoded picture.
pub(crate) struct DecodedPng {
    /// The pixels, row by row, four bytes each.
    pub(crate) rgba: Vec<u8>,
    /// Its width in pixels.
    pub(crate) width: u32,
    /// Its height in pixels.
    pub(crate) height: u32,
}

/// Why a picture cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PngError {
    NotPng,
    TooLarge { width: u32, height: u32 },
    Damaged,
}

/// Reads a PNG of any colour type and depth, interlaced or not; of an animated one, its still
/// picture. Colour profiles are ignored: the picture counts as sRGB.
pub(crate) fn decode(png: &[u8]) -> Result<DecodedPng, PngError> {
    if !png.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(PngError::NotPng);
    }
    let mut decoder = png::Decoder::new_with_limits(
        Cursor::new(png),
        png::Limits {
            bytes: DECODER_BYTES,
        },
    );
    // Both may decompress to something huge, and neither is drawn.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(
        png::Transformations::normalize_to_color8() | png::Transformations::ALPHA,
    );
    let header = decoder.read_header_info().map_err(|_| PngError::Damaged)?;
    let (width, height) = (header.width, header.height);
    if width > LARGEST_SIDE || height > LARGEST_SIDE {
        return Err(PngError::TooLarge { width, height });
    }
    let mut reader = decoder.read_info().map_err(|_| PngError::Damaged)?;
    // The decoder accepts any palette, and panics at some.
    let palette = reader.info().palette.as_deref().unwrap_or_default().len();
    if reader.info().color_type == png::ColorType::Indexed
        && (palette % 3 != 0 || !(3..=768).contains(&palette))
    {
        return Err(PngError::Damaged);
    }
    let mut bytes = vec![0; reader.output_buffer_size().ok_or(PngError::Damaged)?];
    let frame = reader
        .next_frame(&mut bytes)
        .map_err(|_| PngError::Damaged)?;
    bytes.truncate(frame.buffer_size());
    let rgba = match frame.color_type {
        png::ColorType::Rgba => bytes,
        png::ColorType::GrayscaleAlpha => bytes
            .chunks_exact(2)
            .flat_map(|p| [p[0], p[0], p[0], p[1]])
            .collect(),
        // The decoder was asked for alpha, so these cannot occur.
        png::ColorType::Grayscale | png::ColorType::Rgb | png::ColorType::Indexed => {
            return Err(PngError::Damaged);
        }
    };
    Ok(DecodedPng {
        rgba,
        width: frame.width,
        height: frame.height,
    })
}

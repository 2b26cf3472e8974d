//! Decodes a PNG from outside as untrusted input.

use std::io::Cursor;

/// The largest side of a picture that is decoded as a whole, in pixels.
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

/// How a PNG begins.
pub(crate) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Reads a PNG of any colour type and depth, interlaced or not, of at most [`LARGEST_SIDE`] a side;
/// of an animated one, its still picture. Colour profiles are ignored: the picture counts as sRGB.
pub(crate) fn decode(png: &[u8]) -> Result<DecodedPng, PngError> {
    let rows = PngRows::open(png, |width, height| width.max(height) <= LARGEST_SIDE)?;
    let (width, height) = (rows.width, rows.height);
    let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
    rows.each(|row| rgba.extend_from_slice(row))?;
    Ok(DecodedPng {
        rgba,
        width,
        height,
    })
}

/// A PNG of which nothing but the header is read.
pub(crate) struct PngRows<'a> {
    reader: png::Reader<Cursor<&'a [u8]>>,
    /// Its width in pixels.
    pub(crate) width: u32,
    /// Its height in pixels.
    pub(crate) height: u32,
}

impl<'a> PngRows<'a> {
    /// Reads the header of `png`, which is too large unless its width and height `fit`.
    pub(crate) fn open(
        png: &'a [u8],
        fit: impl FnOnce(u32, u32) -> bool,
    ) -> Result<Self, PngError> {
        if !png.starts_with(SIGNATURE) {
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
        if !fit(width, height) {
            return Err(PngError::TooLarge { width, height });
        }
        let reader = decoder.read_info().map_err(|_| PngError::Damaged)?;
        // The decoder accepts any palette, and panics at some.
        let palette = reader.info().palette.as_deref().unwrap_or_default().len();
        if reader.info().color_type == png::ColorType::Indexed
            && (palette % 3 != 0 || !(3..=768).contains(&palette))
        {
            return Err(PngError::Damaged);
        }
        Ok(Self {
            reader,
            width,
            height,
        })
    }

    /// Its EXIF data, if they come before the picture.
    pub(crate) fn exif(&self) -> Option<&[u8]> {
        self.reader.info().exif_metadata.as_deref()
    }

    /// Gives each row to `take`, from top to bottom, four bytes a pixel. One row is in memory at a
    /// time; of an interlaced picture, which is in order only at its end, all are.
    pub(crate) fn each(mut self, mut take: impl FnMut(&[u8])) -> Result<(), PngError> {
        let color = self.reader.output_color_type().0;
        let mut rgba = Vec::with_capacity(self.width as usize * 4);
        let mut take = |row: &[u8]| match color {
            png::ColorType::Rgba => {
                take(row);
                Ok(())
            }
            png::ColorType::GrayscaleAlpha => {
                rgba.clear();
                let pixels = row.chunks_exact(2);
                rgba.extend(pixels.flat_map(|p| [p[0], p[0], p[0], p[1]]));
                take(&rgba);
                Ok(())
            }
            // The decoder was asked for alpha, so these cannot occur.
            png::ColorType::Grayscale | png::ColorType::Rgb | png::ColorType::Indexed => {
                Err(PngError::Damaged)
            }
        };
        if !self.reader.info().interlaced {
            while let Some(row) = self.reader.next_row().map_err(|_| PngError::Damaged)? {
                take(row.data())?;
            }
            return Ok(());
        }
        let length = self.reader.output_buffer_size();
        let mut bytes = vec![0; length.ok_or(PngError::Damaged)?];
        let frame = self.reader.next_frame(&mut bytes);
        let frame = frame.map_err(|_| PngError::Damaged)?;
        bytes.chunks_exact(frame.line_size).try_for_each(take)
    }
}

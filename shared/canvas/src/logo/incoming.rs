//! The pixels of a logo while they are decoded: shrunk at once if they are too many to keep.

use tiny_skia::{ColorU8, Pixmap};

use super::{
    LogoError,
    shrink::{Shrinker, within},
};
use crate::png_reader::LARGEST_SIDE;

/// The most pixels that are decoded. The largest one of the decoders, a progressive JPEG of four
/// inks, takes twelve bytes for each while it is decoded: half a gigabyte.
pub(super) const MOST_PIXELS: u64 = 40_000_000;

/// Refuses a picture with more than [`MOST_PIXELS`], before anything is decoded.
pub(super) fn check_pixels((width, height): (u32, u32)) -> Result<(), LogoError> {
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(LogoError::TooManyPixels { width, height });
    }
    Ok(())
}

/// A picture that comes row by row, from top to bottom.
pub(super) struct Incoming {
    shrinker: Shrinker,
    /// The row at hand, premultiplied.
    row: Vec<u8>,
}

impl Incoming {
    /// For a picture of the width and height `size`, in pixels.
    pub(super) fn new(size: (u32, u32)) -> Self {
        Self {
            shrinker: Shrinker::new(size, within(LARGEST_SIDE, size)),
            row: Vec::with_capacity(size.0 as usize * 4),
        }
    }

    /// Takes the next row: red, green, blue and opacity of each pixel.
    pub(super) fn push(&mut self, pixels: impl Iterator<Item = [u8; 4]>) {
        self.row.clear();
        for [red, green, blue, alpha] in pixels {
            let color = ColorU8::from_rgba(red, green, blue, alpha).premultiply();
            let premultiplied = [color.red(), color.green(), color.blue(), color.alpha()];
            self.row.extend(premultiplied);
        }
        self.shrinker.push(&self.row);
    }

    /// The picture; `None` if rows are missing.
    pub(super) fn finish(self) -> Option<Pixmap> {
        self.shrinker.finish()
    }
}

//! A brand's logo: an uploaded PNG, decoded as untrusted input and drawn small.

mod shrink;

use contract::Color;
use tiny_skia::{IntSize, Pixmap, PixmapPaint, PremultipliedColorU8, Transform};

use crate::{
    check::{Area, Size},
    color::{contrast_of_luminances, luminance},
    png_reader::{self, LARGEST_SIDE, PngError},
};

/// The largest file, in bytes.
const LARGEST_FILE: usize = 2 * 1024 * 1024;
/// A pixel with less contrast than this is invisible on its ground.
const SEEN: f32 = 1.6;
/// The plate for a logo that is visible neither on its ground nor on white. Pure black would be
/// harsh.
const DARK_PLATE: Color = Color {
    red: 24,
    green: 24,
    blue: 27,
};
const LIGHT_PLATE: Color = Color {
    red: 255,
    green: 255,
    blue: 255,
};

/// A decoded logo, without its transparent rim.
#[derive(Debug, Clone, PartialEq)]
pub struct Logo {
    pixels: Pixmap,
}

/// Why a logo cannot be drawn, in sentences for the person who uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// The file is too large to be read.
    #[error("the logo's file has {0} bytes; at most {LARGEST_FILE} are read")]
    TooManyBytes(usize),
    /// The file does not begin like a PNG.
    #[error("the logo is not a PNG")]
    NotPng,
    /// The picture is too large to be decoded.
    #[error(
        "the logo has {width} × {height} pixels; at most {LARGEST_SIDE} × {LARGEST_SIDE} are drawn"
    )]
    TooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The file begins like a PNG but is not a valid one.
    #[error("the logo's PNG is damaged or incomplete")]
    Damaged,
    /// Every pixel is transparent.
    #[error("the logo is empty: every pixel of it is transparent")]
    Empty,
}

impl Logo {
    /// Reads a PNG of any colour type and depth, interlaced or not; of an animated one, its still
    /// picture. Colour profiles are ignored: the picture counts as sRGB.
    ///
    /// # Errors
    /// A [`LogoError`]. A file of more than 2 MiB is not parsed, and a picture of more than 4096 ×
    /// 4096 pixels is not decoded.
    pub fn decode(png: &[u8]) -> Result<Self, LogoError> {
        if png.len() > LARGEST_FILE {
            return Err(LogoError::TooManyBytes(png.len()));
        }
        let picture = png_reader::decode(png).map_err(|error| match error {
            PngError::NotPng => LogoError::NotPng,
            PngError::TooLarge { width, height } => LogoError::TooLarge { width, height },
            PngError::Damaged => LogoError::Damaged,
        })?;
        trimmed(picture.rgba, picture.width as usize)
    }

    /// Its width and height in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.pixels.width(), self.pixels.height())
    }

    /// Its drawn size in a box, in whole pixels. It keeps its proportions and is never enlarged.
    pub(crate) fn fit(&self, box_width: f32, box_height: f32) -> Size {
        let (width, height) = self.size();
        let (width, height) = (width as f32, height as f32);
        let scale = (box_width / width).min(box_height / height).min(1.0);
        Size {
            width: (width * scale).round().max(1.0),
            height: (height * scale).round().max(1.0),
        }
    }

    /// Draws it into `area`, rounded to whole pixels, over the pixels there.
    pub(crate) fn draw(&self, sheet_pixels: &mut Pixmap, area: Area) {
        let (width, height) = (
            area.width.round().max(1.0) as u32,
            area.height.round().max(1.0) as u32,
        );
        if let Some(small) = shrink::shrunk(&self.pixels, width, height) {
            let (x, y) = (area.x.round() as i32, area.y.round() as i32);
            sheet_pixels.draw_pixmap(
                x,
                y,
                small.as_ref(),
                &PixmapPaint::default(),
                Transform::identity(),
                None,
            );
        }
    }

    /// The colour of a plate if too much of the logo would be invisible on `ground`; `None` if no
    /// plate is needed or helps. A logo without transparency brings its own ground, and needs a
    /// plate only if nearly all of it would be invisible.
    pub(crate) fn needs_plate(&self, ground: Color) -> Option<Color> {
        let transparent = self
            .pixels
            .pixels()
            .iter()
            .filter(|pixel| pixel.alpha() < 128)
            .count();
        let most = if transparent * 200 < self.pixels.pixels().len() {
            0.98
        } else {
            1.0 / 3.0
        };
        let unseen = self.unseen_on(ground);
        if unseen <= most {
            return None;
        }
        let plates = [LIGHT_PLATE, DARK_PLATE].map(|plate| (self.unseen_on(plate), plate));
        let (left, plate) = if plates[0].0 <= plates[1].0 {
            plates[0]
        } else {
            plates[1]
        };
        (left < unseen).then_some(plate)
    }

    /// The share of its opaque pixels that are invisible on `ground`, 0 to 1.
    fn unseen_on(&self, ground: Color) -> f32 {
        let ground = luminance(ground);
        let (mut all, mut unseen) = (0_u32, 0_u32);
        // Neighbouring pixels are mostly alike.
        let mut last: Option<(PremultipliedColorU8, bool)> = None;
        for pixel in self
            .pixels
            .pixels()
            .iter()
            .filter(|pixel| pixel.alpha() >= 128)
        {
            let is_unseen = match last {
                Some((like, is_unseen)) if like == *pixel => is_unseen,
                _ => {
                    let color = pixel.demultiply();
                    let color = Color {
                        red: color.red(),
                        green: color.green(),
                        blue: color.blue(),
                    };
                    contrast_of_luminances(luminance(color), ground) < SEEN
                }
            };
            last = Some((*pixel, is_unseen));
            all += 1;
            unseen += u32::from(is_unseen);
        }
        if all == 0 {
            0.0
        } else {
            unseen as f32 / all as f32
        }
    }
}

/// The picture without the transparent rows and columns around it, trimmed in place, because it may
/// have 64 MiB.
fn trimmed(mut rgba: Vec<u8>, width: usize) -> Result<Logo, LogoError> {
    let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
    for (y, row) in rgba.chunks_exact(width * 4).enumerate() {
        let seen = |pixel: &[u8]| pixel[3] > 0;
        if let (Some(first), Some(last)) = (
            row.chunks_exact(4).position(seen),
            row.chunks_exact(4).rposition(seen),
        ) {
            (left, right) = (left.min(first), right.max(last));
            (top, bottom) = (top.min(y), y);
        }
    }
    if left > right {
        return Err(LogoError::Empty);
    }
    let (new_width, new_height) = (right - left + 1, bottom - top + 1);
    for y in 0..new_height {
        let begin = ((top + y) * width + left) * 4;
        rgba.copy_within(begin..begin + new_width * 4, y * new_width * 4);
    }
    rgba.truncate(new_width * new_height * 4);
    rgba.shrink_to_fit();
    for pixel in rgba.chunks_exact_mut(4) {
        let color =
            tiny_skia::ColorU8::from_rgba(pixel[0], pixel[1], pixel[2], pixel[3]).premultiply();
        pixel.copy_from_slice(&[color.red(), color.green(), color.blue(), color.alpha()]);
    }
    // Neither side is more than `LARGEST_SIDE`, and neither is zero.
    let size = IntSize::from_wh(new_width as u32, new_height as u32).ok_or(LogoError::Empty)?;
    Ok(Logo {
        pixels: Pixmap::from_vec(rgba, size).ok_or(LogoError::Empty)?,
    })
}

#[cfg(test)]
mod tests;

//! A brand's logo: an uploaded PNG, JPEG, WebP or SVG, decoded as untrusted input and drawn small.
//!
//! Which of the four it is, its first bytes say, and neither its name nor its type in S3. What is
//! decoded is bounded before it is: the file, the pixels, the passes of a JPEG, the work of an SVG.

mod incoming;
mod jpeg;
mod orientation;
mod shrink;
mod svg;
mod webp;

use std::fmt;

use contract::Color;
use tiny_skia::{IntSize, Pixmap, PixmapPaint, PremultipliedColorU8, Transform};

pub use self::svg::SvgFault;
use self::{incoming::Incoming, orientation::Orientation};
use crate::{
    check::{Area, Size},
    color::{contrast_of_luminances, luminance},
    png_reader::{PngError, PngRows, SIGNATURE},
};

/// The largest file, in bytes.
pub const LARGEST_FILE: usize = 8 * 1024 * 1024;
/// The longest side that is kept, in pixels; no picture shows a logo larger than half of it.
const KEPT_SIDE: u32 = 512;
/// The shortest side, in pixels. A smaller logo is a speck on a poster, and it is never enlarged.
const SHORTEST_SIDE: u32 = 32;
/// How many times the longer side may be the shorter one. A thinner logo is a line.
const MOST_SLENDER: u32 = 12;
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

/// A format of pictures that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG, also with CMYK colours.
    Jpeg,
    /// WebP, lossy and lossless.
    WebP,
    /// Scalable Vector Graphics.
    Svg,
}

impl Format {
    /// The format of a file, by its first bytes.
    fn of(file: &[u8]) -> Option<Self> {
        if file.starts_with(SIGNATURE) {
            Some(Self::Png)
        } else if file.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
            text.trim_ascii_start()
                .starts_with(b"<")
                .then_some(Self::Svg)
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Svg => "SVG",
        })
    }
}

/// Why a logo cannot be drawn, in words for the person who uploaded it that continue `because`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// The file is too large to be read.
    #[error("its file has more than {} MiB", LARGEST_FILE >> 20)]
    TooManyBytes,
    /// The file does not begin like a picture.
    #[error("its file is no PNG, JPEG, WebP or SVG")]
    UnknownFormat,
    /// The picture is too large to be decoded.
    #[error(
        "it has {width} × {height} pixels; at most {} million are read",
        incoming::MOST_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The file begins like a picture and is not a valid one, or one of a kind that is out of use.
    #[error("its {0} file is damaged, incomplete or of an unusual kind")]
    Damaged(Format),
    /// The SVG has what the studio does not draw.
    #[error(transparent)]
    Svg(#[from] SvgFault),
    /// Every pixel is transparent.
    #[error("every pixel of it is transparent")]
    Empty,
    /// It is too small to be seen.
    #[error("it has {width} × {height} pixels; a logo has at least {SHORTEST_SIDE} on each side")]
    TooSmall {
        /// Its width in pixels, without a transparent rim.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// It is so thin that it would be a line.
    #[error("one side of it is more than {MOST_SLENDER} times as long as the other")]
    TooThin,
}

impl Logo {
    /// Reads a PNG, JPEG, WebP or SVG; of an animated one, its first or still picture. A picture
    /// that is larger than it is ever shown is shrunk. Colour profiles are ignored: the picture
    /// counts as sRGB. EXIF's orientation is followed.
    ///
    /// # Errors
    /// A [`LogoError`]. A file of more than 8 MiB is not parsed, and a picture of more than 40
    /// million pixels is not decoded.
    pub fn decode(file: &[u8]) -> Result<Self, LogoError> {
        Self::of(read(file)?)
    }

    /// The logo of these pixels, if it can be seen.
    fn of(pixels: Pixmap) -> Result<Self, LogoError> {
        let (width, height) = (pixels.width(), pixels.height());
        let (shorter, longer) = (width.min(height), width.max(height));
        if longer > shorter * MOST_SLENDER {
            return Err(LogoError::TooThin);
        }
        // A picture that was shrunk has a longer one, unless it is too thin.
        if shorter < SHORTEST_SIDE {
            return Err(LogoError::TooSmall { width, height });
        }
        Ok(Self { pixels })
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

/// The picture of a file as it is shown, without its transparent rim, and no larger than is kept.
fn read(file: &[u8]) -> Result<Pixmap, LogoError> {
    if file.len() > LARGEST_FILE {
        return Err(LogoError::TooManyBytes);
    }
    let format = Format::of(file).ok_or(LogoError::UnknownFormat)?;
    let (picture, orientation) = match format {
        Format::Svg => (svg::read(file, KEPT_SIDE)?, Orientation::AS_STORED),
        Format::Png => whole(format, read_png(file)?)?,
        Format::Jpeg => whole(format, jpeg::read(file)?)?,
        Format::WebP => whole(format, webp::read(file)?)?,
    };
    let picture = trimmed(picture).ok_or(LogoError::Empty)?;
    let (width, height) = shrink::within(KEPT_SIDE, (picture.width(), picture.height()));
    let picture = if (width, height) == (picture.width(), picture.height()) {
        picture
    } else {
        shrink::shrunk(&picture, width, height).ok_or(LogoError::Empty)?
    };
    Ok(orientation.turn(picture))
}

/// Reads a PNG of any colour type and depth, interlaced or not; of an animated one, its still
/// picture.
fn read_png(file: &[u8]) -> Result<(Incoming, Orientation), LogoError> {
    let fault = |error| match error {
        PngError::TooLarge { width, height } => LogoError::TooManyPixels { width, height },
        PngError::NotPng | PngError::Damaged => LogoError::Damaged(Format::Png),
    };
    let fits = |width, height| incoming::check_pixels((width, height)).is_ok();
    let rows = PngRows::open(file, fits).map_err(fault)?;
    let orientation = Orientation::of(rows.exif());
    let mut incoming = Incoming::new((rows.width, rows.height));
    let taken = rows.each(|row| {
        incoming.push(row.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]));
    });
    taken.map_err(fault)?;
    Ok((incoming, orientation))
}

/// All of a picture that came row by row.
fn whole(
    format: Format,
    (incoming, orientation): (Incoming, Orientation),
) -> Result<(Pixmap, Orientation), LogoError> {
    let picture = incoming.finish().ok_or(LogoError::Damaged(format))?;
    Ok((picture, orientation))
}

/// The picture without the transparent rows and columns around it; `None` if nothing is left. It is
/// trimmed in place, because it may have 64 MiB.
fn trimmed(picture: Pixmap) -> Option<Pixmap> {
    let (old_width, old_height) = (picture.width() as usize, picture.height() as usize);
    let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
    for (y, row) in picture.pixels().chunks_exact(old_width).enumerate() {
        let is_seen = |pixel: &PremultipliedColorU8| pixel.alpha() > 0;
        if let (Some(first), Some(last)) =
            (row.iter().position(is_seen), row.iter().rposition(is_seen))
        {
            (left, right) = (left.min(first), right.max(last));
            (top, bottom) = (top.min(y), y);
        }
    }
    if left > right {
        return None;
    }
    let (width, height) = (right - left + 1, bottom - top + 1);
    if (width, height) == (old_width, old_height) {
        return Some(picture);
    }
    let mut data = picture.take();
    for y in 0..height {
        let begin = ((top + y) * old_width + left) * 4;
        data.copy_within(begin..begin + width * 4, y * width * 4);
    }
    data.truncate(width * height * 4);
    data.shrink_to_fit();
    // Neither side is zero, and both were a side of a picture.
    Pixmap::from_vec(data, IntSize::from_wh(width as u32, height as u32)?)
}

#[cfg(test)]
mod tests;

//! A provider's picture, which takes the place of the design's own.

use std::sync::Arc;

use tiny_skia::{
    FillRule, FilterQuality, IntSize, Paint, Pattern, Pixmap, Rect, SpreadMode, Transform,
};

use crate::{check::Area, png_reader};

/// A decoded picture of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Painting {
    pixels: Arc<Pixmap>,
}

/// The file is not a usable picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a PNG of at most {side} × {side} pixels", side = png_reader::LARGEST_SIDE)]
pub struct PaintingError;

impl Painting {
    /// Reads a PNG. Transparent pixels become white.
    ///
    /// # Errors
    /// A [`PaintingError`].
    pub fn decode(png: &[u8]) -> Result<Self, PaintingError> {
        let picture = png_reader::decode(png).map_err(|_| PaintingError)?;
        let over_white = |channel: u8, alpha: u8| {
            let (channel, alpha) = (u32::from(channel), u32::from(alpha));
            ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        let opaque = picture.rgba.chunks_exact(4).flat_map(|p| {
            [
                over_white(p[0], p[3]),
                over_white(p[1], p[3]),
                over_white(p[2], p[3]),
                255,
            ]
        });
        let size = IntSize::from_wh(picture.width, picture.height).ok_or(PaintingError)?;
        let pixels = Pixmap::from_vec(opaque.collect(), size).ok_or(PaintingError)?;
        Ok(Self {
            pixels: Arc::new(pixels),
        })
    }

    /// Fills `area` with the middle of the picture, scaled to cover all of `area`.
    pub(crate) fn draw(&self, sheet_pixels: &mut Pixmap, area: Area) {
        let (width, height) = (self.pixels.width() as f32, self.pixels.height() as f32);
        let scale = (area.width / width).max(area.height / height);
        let (x, y) = (
            area.x + (area.width - width * scale) / 2.0,
            area.y + (area.height - height * scale) / 2.0,
        );
        let place = Transform::from_row(scale, 0.0, 0.0, scale, x, y);
        let quality = FilterQuality::Bicubic;
        let paint = Paint {
            shader: Pattern::new(
                self.pixels.as_ref().as_ref(),
                SpreadMode::Pad,
                quality,
                1.0,
                place,
            ),
            ..Paint::default()
        };
        if let Some(rectangle) = Rect::from_xywh(area.x, area.y, area.width, area.height) {
            let path = tiny_skia::PathBuilder::from_rect(rectangle);
            sheet_pixels.fill_path(
                &path,
                &paint,
                FillRule::Winding,
                Transform::identity(),
                None,
            );
        }
    }
}

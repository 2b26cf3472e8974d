//! Glyphs as pixels: outlines from the font, without hinting, and the exact share of each pixel
//! that they cover.

use std::collections::HashMap;

use skrifa::{
    FontRef, GlyphId, MetadataProvider,
    instance::{LocationRef, Size},
    outline::{DrawSettings, OutlinePen},
};
use zeno::{Command, Mask, Origin, Scratch, Vector};

use crate::fonts::{Face, Fonts};

/// The pixels of a glyph.
#[derive(Debug)]
pub(super) struct GlyphImage {
    /// The coverage of each pixel, 0 to 255, row by row.
    pub(super) coverage: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
    /// The left edge, in pixels to the right of the glyph's origin.
    pub(super) left: i32,
    /// The upper edge, in pixels below the glyph's origin.
    pub(super) top: i32,
}

/// A place on the sheet: a whole pixel, and the quarters of a pixel to add to it. A glyph has at
/// most 16 images of one size, and the same place gives the same image on every processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) x: i32,
    pub(super) y: i32,
    quarters: (u8, u8),
}

impl Spot {
    /// The spot nearest to `x`, `y`, in pixels to the right and below.
    pub(super) fn near(x: f32, y: f32) -> Self {
        let quarters = |value: f32| (value * 4.0).round() as i32;
        let (x, y) = (quarters(x), quarters(y));
        Self {
            x: x.div_euclid(4),
            y: y.div_euclid(4),
            quarters: (x.rem_euclid(4) as u8, y.rem_euclid(4) as u8),
        }
    }
}

/// What an image depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    face: Face,
    glyph: u16,
    /// The font size in pixels, as its bits.
    size: u32,
    quarters: (u8, u8),
}

/// The images of the glyphs of one picture.
#[derive(Default)]
pub(super) struct GlyphImages {
    /// `None` for a glyph without pixels, such as a space.
    images: HashMap<Key, Option<GlyphImage>>,
    scratch: Scratch,
    outline: Outline,
}

impl GlyphImages {
    /// The image of a glyph at `size` pixels, for `spot`. `None` if it has no pixels. A face that
    /// cannot be read has none, and shaping has reported it before.
    pub(super) fn image(
        &mut self,
        fonts: &mut Fonts,
        face: Face,
        glyph: u16,
        size: f32,
        spot: Spot,
    ) -> Option<&GlyphImage> {
        let key = Key {
            face,
            glyph,
            size: size.to_bits(),
            quarters: spot.quarters,
        };
        let (scratch, outline) = (&mut self.scratch, &mut self.outline);
        self.images
            .entry(key)
            .or_insert_with(|| {
                outline.commands.clear();
                let bytes = fonts.bytes(face).ok()?;
                let font = FontRef::new((*bytes).as_ref()).ok()?;
                font.outline_glyphs()
                    .get(GlyphId::from(glyph))?
                    .draw(
                        DrawSettings::unhinted(Size::new(size), LocationRef::default()),
                        outline,
                    )
                    .ok()?;
                cover(&outline.commands, spot.quarters, scratch)
            })
            .as_ref()
    }

    /// Drops all images, so that memory does not grow.
    pub(super) fn forget(&mut self) {
        self.images.clear();
    }
}

/// The pixels that a path covers, moved to the right and down by quarters of a pixel.
fn cover(path: &[Command], (x, y): (u8, u8), scratch: &mut Scratch) -> Option<GlyphImage> {
    // Outlines have y upwards.
    let offset = Vector::new(f32::from(x) / 4.0, f32::from(y) / -4.0);
    let (mut coverage, mut size) = (Vec::new(), (0, 0));
    let placement = {
        let mut mask = Mask::with_scratch(path, scratch);
        mask.origin(Origin::BottomLeft)
            .offset(offset)
            .render_offset(offset)
            .inspect(|format, width, height| {
                size = (width, height);
                coverage.resize(format.buffer_size(width, height), 0);
            });
        if size.0 == 0 || size.1 == 0 {
            return None;
        }
        mask.render_into(&mut coverage, None)
    };
    Some(GlyphImage {
        coverage,
        width: placement.width,
        height: placement.height,
        left: placement.left,
        top: -placement.top,
    })
}

/// Collects an outline as zeno reads it.
#[derive(Debug, Default)]
struct Outline {
    commands: Vec<Command>,
}

impl OutlinePen for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::MoveTo(Vector::new(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::LineTo(Vector::new(x, y)));
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.commands
            .push(Command::QuadTo(Vector::new(cx, cy), Vector::new(x, y)));
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.commands.push(Command::CurveTo(
            Vector::new(cx0, cy0),
            Vector::new(cx1, cy1),
            Vector::new(x, y),
        ));
    }

    fn close(&mut self) {
        self.commands.push(Command::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_is_the_nearest_quarter_of_a_pixel() {
        for (value, pixel, quarters) in [
            (0.0, 0, 0),
            (0.12, 0, 0),
            (0.13, 0, 1),
            (7.76, 7, 3),
            (7.9, 8, 0),
            (-0.1, 0, 0),
            (-0.2, -1, 3),
            (-1.5, -2, 2),
        ] {
            let spot = Spot::near(value, -value);
            assert_eq!((spot.x, spot.quarters.0), (pixel, quarters), "{value}");
            let sum = |pixel: i32, quarters: u8| pixel as f32 + f32::from(quarters) / 4.0;
            assert_eq!(
                sum(spot.y, spot.quarters.1),
                -sum(pixel, quarters),
                "{value}"
            );
        }
    }

    #[test]
    fn a_quarter_of_a_pixel_moves_a_square_to_the_right_and_down() {
        // From 1 to 3 pixels to the right, and from the baseline to 2 pixels above it.
        let square = [
            Command::MoveTo(Vector::new(1.0, 0.0)),
            Command::LineTo(Vector::new(3.0, 0.0)),
            Command::LineTo(Vector::new(3.0, 2.0)),
            Command::LineTo(Vector::new(1.0, 2.0)),
            Command::Close,
        ];
        let mut scratch = Scratch::new();
        let image = cover(&square, (0, 0), &mut scratch).unwrap();
        assert_eq!(
            (image.left, image.top, image.width, image.height),
            (1, -2, 2, 2)
        );
        assert_eq!(image.coverage, [255; 4]);

        let image = cover(&square, (1, 2), &mut scratch).unwrap();
        assert_eq!(
            (image.left, image.top, image.width, image.height),
            (1, -2, 3, 3)
        );
        let rows: Vec<Vec<u8>> = image.coverage.chunks(3).map(<[u8]>::to_vec).collect();
        let near = |value: u8, share: f32| (f32::from(value) - share * 255.0).abs() <= 1.0;
        for (row, down) in rows.iter().zip([0.5, 1.0, 0.5]) {
            for (value, across) in row.iter().zip([0.75, 1.0, 0.25]) {
                assert!(near(*value, across * down), "{rows:?}");
            }
        }
    }

    #[test]
    fn a_path_without_area_has_no_image() {
        assert!(cover(&[], (0, 0), &mut Scratch::new()).is_none());
    }
}

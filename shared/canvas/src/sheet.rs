//! The sheet that a design is drawn on: opaque pixels, and the report of its texts.

use std::{collections::BTreeMap, ops::Range};

use contract::Color;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Stroke, Transform,
};

use crate::{
    check::{Area, DrawnText, RenderReport},
    ground::Ground,
    logo::Logo,
    painting::Painting,
    png_writer,
    shapes::rounded,
};

/// The sheet.
pub(crate) struct Sheet {
    pixels: Pixmap,
    painting: Option<Painting>,
    texts: Vec<DrawnText>,
    margin: Area,
    /// Maps the drawing's units to pixels.
    transform: Transform,
}

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(color.red, color.green, color.blue, 255);
    paint.anti_alias = true;
    paint
}

impl Sheet {
    /// A sheet of one colour whose text stays `margin` pixels away from every edge. `None` only if
    /// a side is zero.
    pub(crate) fn new(width: u32, height: u32, ground: Color, margin: f32) -> Option<Self> {
        let mut pixels = Pixmap::new(width, height)?;
        pixels.fill(tiny_skia::Color::from_rgba8(
            ground.red,
            ground.green,
            ground.blue,
            255,
        ));
        let margin = Area {
            x: margin,
            y: margin,
            width: width as f32 - 2.0 * margin,
            height: height as f32 - 2.0 * margin,
        };
        Some(Self {
            pixels,
            painting: None,
            texts: Vec::new(),
            margin,
            transform: Transform::identity(),
        })
    }

    pub(crate) fn width(&self) -> f32 {
        self.pixels.width() as f32
    }

    pub(crate) fn height(&self) -> f32 {
        self.pixels.height() as f32
    }

    /// The whole sheet.
    pub(crate) fn area(&self) -> Area {
        Area {
            x: 0.0,
            y: 0.0,
            width: self.width(),
            height: self.height(),
        }
    }

    /// Draws shapes in units of `scale` pixels; text must not be drawn this way.
    pub(crate) fn scaled(&mut self, scale: f32, draw: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.transform, Transform::from_scale(scale, scale));
        draw(self);
        self.transform = before;
    }

    /// Fills the path of `draw`.
    pub(crate) fn fill(&mut self, color: Color, draw: impl FnOnce(&mut PathBuilder)) {
        if let Some(path) = outline(draw) {
            self.pixels.fill_path(
                &path,
                &paint(color),
                FillRule::EvenOdd,
                self.transform,
                None,
            );
        }
    }

    /// Strokes the path of `draw` with a round pen `width` pixels wide.
    pub(crate) fn stroke(&mut self, color: Color, width: f32, draw: impl FnOnce(&mut PathBuilder)) {
        if let Some(path) = outline(draw) {
            self.pixels
                .stroke_path(&path, &paint(color), &pen(width), self.transform, None);
        }
    }

    /// Fills the path of `draw`, which is around the origin, at each of `places`, in pixels. The
    /// coverage is computed once, because a pattern repeats one shape hundreds of times.
    pub(crate) fn fill_each(
        &mut self,
        color: Color,
        places: &[(i32, i32)],
        draw: impl FnOnce(&mut PathBuilder),
    ) {
        if let Some(shape) = outline(draw).and_then(|path| Shape::covered(&path, FillRule::EvenOdd))
        {
            places
                .iter()
                .for_each(|place| self.stamp_shape(&shape, *place, color));
        }
    }

    /// Strokes the path of `draw`, which is around the origin, at each of `places`, in pixels.
    pub(crate) fn stroke_each(
        &mut self,
        color: Color,
        width: f32,
        places: &[(i32, i32)],
        draw: impl FnOnce(&mut PathBuilder),
    ) {
        let line = outline(draw).and_then(|path| path.stroke(&pen(width), 1.0));
        if let Some(shape) = line.and_then(|line| Shape::covered(&line, FillRule::Winding)) {
            places
                .iter()
                .for_each(|place| self.stamp_shape(&shape, *place, color));
        }
    }

    fn stamp_shape(&mut self, shape: &Shape, (x, y): (i32, i32), color: Color) {
        self.stamp(
            &shape.mask,
            shape.width,
            x + shape.left,
            y + shape.top,
            color,
        );
    }

    /// Blends `color` into the pixels that the `mask` of a glyph or a shape covers. Pixels off the
    /// sheet are skipped.
    pub(crate) fn stamp(&mut self, mask: &[u8], width: u32, left: i32, top: i32, color: Color) {
        let Some(columns) = self.columns(width, left) else {
            return;
        };
        for (row, coverages) in mask.chunks_exact(width as usize).enumerate() {
            let Some(begin) = self.begin(top + row as i32, left, &columns) else {
                continue;
            };
            let pixels = &mut self.pixels.data_mut()[begin..begin + columns.len() * 4];
            // Most of an arch's or a letter's box is empty: eight pixels are skipped at once.
            for (pixels, coverages) in pixels
                .as_chunks_mut()
                .0
                .chunks_mut(8)
                .zip(coverages[columns.clone()].chunks(8))
            {
                if coverages.as_array() != Some(&[0_u8; 8]) {
                    blend(pixels, coverages, color);
                }
            }
        }
    }

    /// Adds the pixels that the `mask` of a glyph covers, even in part, to `ground`.
    pub(crate) fn sample(&self, mask: &[u8], width: u32, left: i32, top: i32, ground: &mut Ground) {
        let Some(columns) = self.columns(width, left) else {
            return;
        };
        for (row, coverages) in mask.chunks_exact(width as usize).enumerate() {
            let Some(begin) = self.begin(top + row as i32, left, &columns) else {
                continue;
            };
            let pixels = &self.pixels.data()[begin..begin + columns.len() * 4];
            for (pixel, coverage) in pixels.chunks_exact(4).zip(&coverages[columns.clone()]) {
                if *coverage > 0 {
                    ground.add(Color {
                        red: pixel[0],
                        green: pixel[1],
                        blue: pixel[2],
                    });
                }
            }
        }
    }

    /// The columns of a mask `width` wide that lie on the sheet if its left edge is at `left`. `None`
    /// if there are none.
    fn columns(&self, width: u32, left: i32) -> Option<Range<usize>> {
        let sheet_width = self.pixels.width() as i32;
        let (first, end) = ((-left).max(0), (sheet_width - left).min(width as i32));
        (first < end).then_some(first as usize..end as usize)
    }

    /// Where the pixels of the row `y` begin in the data, for these columns of a mask at `left`.
    /// `None` for a row off the sheet.
    fn begin(&self, y: i32, left: i32, columns: &Range<usize>) -> Option<usize> {
        let (width, height) = (self.pixels.width() as i32, self.pixels.height() as i32);
        // Both sums are in range and positive.
        (0..height)
            .contains(&y)
            .then(|| (y * width + left + columns.start as i32) as usize * 4)
    }

    /// Draws `logo` in `area`, with a plate if it would be invisible on `ground`.
    pub(crate) fn logo(&mut self, logo: &Logo, area: Area, ground: Color) {
        if let Some(plate) = logo.needs_plate(ground) {
            let pad = (area.height * 0.12).max(2.0);
            let plate_area = Area {
                x: area.x - pad,
                y: area.y - pad,
                width: area.width + 2.0 * pad,
                height: area.height + 2.0 * pad,
            };
            self.fill(plate, |path| rounded(path, plate_area, pad));
        }
        logo.draw(&mut self.pixels, area);
    }

    /// Sets a painting, which replaces the design's own picture.
    pub(crate) fn hang(&mut self, painting: Option<Painting>) {
        self.painting = painting;
    }

    /// Draws the painting in `area`; `false` if there is none.
    pub(crate) fn draw_painting(&mut self, area: Area) -> bool {
        let Some(painting) = &self.painting else {
            return false;
        };
        painting.draw(&mut self.pixels, area);
        true
    }

    /// Records a text before it is drawn.
    pub(crate) fn report(&mut self, text: DrawnText) {
        self.texts.push(text);
    }

    /// The pixels as a PNG, and the report of what was drawn; the page says what was lost.
    ///
    /// # Errors
    /// The encoder's error; it writes to memory, so none is expected.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, RenderReport), png::EncodingError> {
        let bytes = png_writer::write(
            self.pixels.data(),
            self.pixels.width(),
            self.pixels.height(),
        )?;
        Ok((
            bytes,
            RenderReport {
                texts: self.texts,
                lost: BTreeMap::new(),
                alt_text: String::new(),
                adjusted: Vec::new(),
                margin: self.margin,
            },
        ))
    }
}

/// Blends `color` into each of `pixels` by its coverage.
fn blend(pixels: &mut [[u8; 4]], coverages: &[u8], color: Color) {
    let ink = [color.red, color.green, color.blue];
    for (pixel, coverage) in pixels
        .iter_mut()
        .zip(coverages)
        .filter(|(_, coverage)| **coverage > 0)
    {
        let coverage = u32::from(*coverage);
        for (channel, ink) in pixel.iter_mut().zip(ink) {
            let mixed = u32::from(ink) * coverage + u32::from(*channel) * (255 - coverage);
            *channel = ((mixed + 127) / 255) as u8;
        }
    }
}

/// The coverage of each pixel by a shape around the origin.
struct Shape {
    mask: Vec<u8>,
    width: u32,
    left: i32,
    top: i32,
}

impl Shape {
    /// The coverage of `path`; `None` if it covers nothing.
    fn covered(path: &Path, rule: FillRule) -> Option<Self> {
        let bounds = path.bounds().round_out()?;
        let mut mask = Mask::new(bounds.width(), bounds.height())?;
        let (left, top) = (bounds.x(), bounds.y());
        mask.fill_path(
            path,
            rule,
            true,
            Transform::from_translate(-left as f32, -top as f32),
        );
        Some(Self {
            width: mask.width(),
            mask: mask.take(),
            left,
            top,
        })
    }
}

/// A round pen `width` pixels wide.
fn pen(width: f32) -> Stroke {
    Stroke {
        width,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        ..Stroke::default()
    }
}

fn outline(draw: impl FnOnce(&mut PathBuilder)) -> Option<Path> {
    let mut builder = PathBuilder::new();
    draw(&mut builder);
    builder.finish()
}

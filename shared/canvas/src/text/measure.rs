//! Places the glyphs of a text that was laid out, and measures where their pixels are.

use super::{
    Align, Block, Glyph, Typesetter,
    fit::{LaidOut, SizeAttempt},
    glyphs::Spot,
    layout::{EM, Shaped},
};
use crate::{
    check::{Area, ClusterBox},
    clean::Clean,
};

impl Typesetter {
    /// Places the glyphs of a text that was laid out, and measures where their pixels are.
    pub(super) fn measure(
        &mut self,
        cleaned: &Clean,
        shaped: &Shaped,
        laid_out: &LaidOut,
        attempt: &SizeAttempt<'_>,
        cut: bool,
    ) -> Block {
        let size = laid_out.size;
        let scale = size / EM;
        let line_height = size * laid_out.leading;
        // The letters are in the middle of their line.
        let first_baseline =
            ((size * attempt.leading + (shaped.ascent - shaped.descent) * scale) / 2.0).round();
        let (mut glyphs, mut clusters) = (Vec::new(), Vec::new());
        let mut line_inks = Vec::with_capacity(laid_out.lines.len());
        for (number, stretch) in laid_out.lines.iter().enumerate() {
            let baseline = (number as f32 * line_height + first_baseline).round();
            let slack = attempt.width - stretch.width * scale;
            let left = attempt.side
                + match attempt.style.align {
                    Align::Start => 0.0,
                    Align::Center => slack / 2.0,
                    Align::End => slack,
                };
            let line = shaped.place(stretch);
            let begin = glyphs.len();
            glyphs.extend(line.glyphs.iter().map(|glyph| Glyph {
                face: glyph.face,
                id: glyph.id,
                spot: Spot::near(left + glyph.x * scale, baseline + glyph.y * scale),
            }));
            clusters.extend(line.clusters.into_iter().map(|cluster| {
                ClusterBox {
                    text: cluster.text,
                    line: number,
                    x: left + cluster.x * scale,
                    width: cluster.advance * scale,
                    face: cluster.face.name(),
                    level: cluster.level,
                    glyphs: line.glyphs[cluster.glyphs]
                        .iter()
                        .map(|glyph| glyph.id)
                        .collect(),
                }
            }));
            line_inks.push(self.ink(&glyphs[begin..], size));
        }
        // A mark above the first line or below the last makes the block higher, and moves its
        // content down.
        let air = (attempt.style.air * size).ceil();
        let down = (air - Area::around(&line_inks).y).max(0.0).ceil();
        for glyph in &mut glyphs {
            glyph.spot.y += down as i32;
        }
        for ink in &mut line_inks {
            ink.y += down;
        }
        let ink = Area::around(&line_inks);
        let lines_height = attempt.height_of(laid_out);
        Block {
            style: *attempt.style,
            text: cleaned.text(),
            width: attempt.width + 2.0 * attempt.side,
            height: (lines_height + down).max(ink.bottom() + air),
            size,
            lines: laid_out.lines.len(),
            cut,
            ink,
            line_inks,
            baseline: first_baseline + down,
            lines_height,
            clusters,
            glyphs,
        }
    }

    /// The rectangle of the pixels of `glyphs`; without area if they have none.
    pub(super) fn ink(&mut self, glyphs: &[Glyph], size: f32) -> Area {
        let (mut left, mut top, mut right, mut bottom) = (i32::MAX, i32::MAX, i32::MIN, i32::MIN);
        for Glyph { face, id, spot } in glyphs {
            if let Some(image) = self.images.image(&mut self.fonts, *face, *id, size, *spot) {
                let (x, y) = (spot.x + image.left, spot.y + image.top);
                left = left.min(x);
                top = top.min(y);
                right = right.max(x + image.width as i32);
                bottom = bottom.max(y + image.height as i32);
            }
        }
        if left > right {
            return Area {
                x: 0.0,
                y: 0.0,
                width: 0.0,
                height: 0.0,
            };
        }
        Area {
            x: left as f32,
            y: top as f32,
            width: (right - left) as f32,
            height: (bottom - top) as f32,
        }
    }
}

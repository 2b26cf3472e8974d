//! The report of a render: what was drawn, and its faults. Every render carries its report, so that
//! a test can check any render.

use std::{collections::BTreeMap, ops::Range};

use contract::Color;

use crate::{
    color::READABLE,
    loss::{Adjustment, Field, Lost},
};

/// The size of a rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// A rectangle in pixels from the upper left corner of the design.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// The left edge.
    pub x: f32,
    /// The upper edge.
    pub y: f32,
    /// The width.
    pub width: f32,
    /// The height.
    pub height: f32,
}

impl Area {
    /// The right edge.
    #[must_use]
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// The lower edge.
    #[must_use]
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// Whether `other` lies within this area, with `slack` pixels of tolerance.
    #[must_use]
    pub fn holds(&self, other: &Self, slack: f32) -> bool {
        other.x >= self.x - slack
            && other.y >= self.y - slack
            && other.right() <= self.right() + slack
            && other.bottom() <= self.bottom() + slack
    }

    /// Whether the two areas share any pixel.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }
}

/// One text of a design, as it was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnText {
    /// The role of the text: `title`, `venue` …
    pub role: &'static str,
    /// The drawn words, without the characters that no font covers, and cut to fit.
    pub text: String,
    /// The area that the design allots to it.
    pub area: Area,
    /// The smallest rectangle that holds every pixel of it.
    pub ink: Area,
    /// The font size in pixels.
    pub size: f32,
    /// The number of lines.
    pub lines: usize,
    /// The glyphs in visual order. 0 is the glyph for a missing character.
    pub glyphs: Vec<u16>,
    /// Its characters with their places: line by line, each from left to right.
    pub clusters: Vec<ClusterBox>,
    /// The colour of the text.
    pub color: Color,
    /// The lowest contrast with any pixel that was under `ink` before the text was drawn, 1 to 21.
    pub contrast: f32,
    /// Whether it was too long for its area and ends in an ellipsis.
    pub cut: bool,
}

/// Characters of a text that cannot be told apart in its glyphs, with their place.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterBox {
    /// The characters, in bytes of [`DrawnText::text`].
    pub text: Range<usize>,
    /// The line, from 0.
    pub line: usize,
    /// The left edge, in pixels.
    pub x: f32,
    /// The width in pixels, with the space to the next letter.
    pub width: f32,
    /// The name of the face.
    pub face: &'static str,
    /// The embedding level: odd levels run from right to left
    /// (<https://www.unicode.org/reports/tr9/>).
    pub level: u8,
    /// The glyphs, from left to right; empty for a mark that is not drawn.
    pub glyphs: Vec<u16>,
}

/// The report of a render.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderReport {
    /// Every text, in drawing order.
    pub texts: Vec<DrawnText>,
    /// What of each field no font covers; only fields that the asset shows, and lose anything.
    pub lost: BTreeMap<Field, Lost>,
    /// What of the brand is shown otherwise than it was asked for.
    pub adjusted: Vec<Adjustment>,
    /// The area that all text must stay within.
    pub margin: Area,
}

/// A defect of a render.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderFault {
    /// A text has the glyph for a missing character.
    #[error("`{role}` has a missing glyph")]
    MissingGlyph {
        /// The text's role.
        role: &'static str,
    },
    /// A text leaves its area.
    #[error("`{role}` at {ink:?} leaves its area {area:?}")]
    OutsideArea {
        /// The text's role.
        role: &'static str,
        /// The rectangle of its pixels.
        ink: Area,
        /// The area that it should stay within.
        area: Area,
    },
    /// A text is closer to the edge than the design allows.
    #[error("`{role}` at {ink:?} leaves the margin")]
    OutsideMargin {
        /// The text's role.
        role: &'static str,
        /// The rectangle of its pixels.
        ink: Area,
    },
    /// Two texts share pixels.
    #[error("`{one}` and `{other}` overlap")]
    Overlap {
        /// The role of the text drawn first.
        one: &'static str,
        /// The role of the text drawn over it.
        other: &'static str,
    },
    /// A text is hard to read on its background.
    #[error("`{role}` has a contrast of only {contrast}")]
    Contrast {
        /// The text's role.
        role: &'static str,
        /// Its lowest contrast.
        contrast: f32,
    },
}

impl RenderReport {
    /// Every defect; empty for every render that this crate should make.
    #[must_use]
    pub fn faults(&self) -> Vec<RenderFault> {
        let mut faults = Vec::new();
        for (index, text) in self.texts.iter().enumerate() {
            let role = text.role;
            if text.glyphs.contains(&0) {
                faults.push(RenderFault::MissingGlyph { role });
            }
            // A swash or a round letter may overhang its line slightly; fonts are drawn that way.
            if !text.area.holds(&text.ink, 1.0 + text.size * 0.08) {
                faults.push(RenderFault::OutsideArea {
                    role,
                    ink: text.ink,
                    area: text.area,
                });
            }
            if !self.margin.holds(&text.ink, 0.0) {
                faults.push(RenderFault::OutsideMargin {
                    role,
                    ink: text.ink,
                });
            }
            if text.contrast < READABLE {
                faults.push(RenderFault::Contrast {
                    role,
                    contrast: text.contrast,
                });
            }
            for earlier in &self.texts[..index] {
                if earlier.ink.meets(&text.ink) {
                    faults.push(RenderFault::Overlap {
                        one: earlier.role,
                        other: role,
                    });
                }
            }
        }
        faults
    }
}

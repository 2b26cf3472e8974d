//! What was drawn, and whether it is right. Every render carries its report, so that a test checks
//! any of them, not a few.

use contract::Color;

use crate::color::READABLE;

/// A rectangle in pixels from the top left corner of the design.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// The left edge.
    pub x: f32,
    /// The upper edge.
    pub y: f32,
    /// How wide.
    pub width: f32,
    /// How high.
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

    /// Whether `other` lies within this, give or take `slack` pixels.
    #[must_use]
    pub fn holds(&self, other: &Self, slack: f32) -> bool {
        other.x >= self.x - slack
            && other.y >= self.y - slack
            && other.right() <= self.right() + slack
            && other.bottom() <= self.bottom() + slack
    }

    /// Whether the two share any pixel.
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
    /// What it is: `title`, `venue` …
    pub role: &'static str,
    /// The words that were drawn, after what no font covers was left out and the rest was cut to
    /// fit.
    pub text: String,
    /// The room that the design gave it.
    pub area: Area,
    /// The smallest rectangle that holds every pixel of it.
    pub ink: Area,
    /// The font size in pixels.
    pub size: f32,
    /// How many lines it takes.
    pub lines: usize,
    /// The glyphs in visual order. 0 is the box of a missing glyph.
    pub glyphs: Vec<u16>,
    /// The colour of the text.
    pub color: Color,
    /// The least contrast with any pixel that lay under `ink` before the text was drawn, 1 to 21.
    pub contrast: f32,
    /// Whether it was too long for its room, and ends in an ellipsis.
    pub cut: bool,
}

/// What a render drew.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Every text, in the order of drawing.
    pub texts: Vec<DrawnText>,
    /// User-perceived characters that were left out because no font covers them.
    pub lost: usize,
    /// What text must stay within.
    pub margin: Area,
}

/// Something wrong with a render.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A box stands where a character should.
    #[error("`{role}` has a missing glyph")]
    MissingGlyph {
        /// Which text.
        role: &'static str,
    },
    /// Text left the room that it was given.
    #[error("`{role}` at {ink:?} leaves its area {area:?}")]
    OutsideArea {
        /// Which text.
        role: &'static str,
        /// Where its pixels are.
        ink: Area,
        /// Where they should be.
        area: Area,
    },
    /// Text is closer to the edge than the design allows.
    #[error("`{role}` at {ink:?} leaves the margin")]
    OutsideMargin {
        /// Which text.
        role: &'static str,
        /// Where its pixels are.
        ink: Area,
    },
    /// Two texts share pixels.
    #[error("`{one}` and `{other}` overlap")]
    Overlap {
        /// The one drawn first.
        one: &'static str,
        /// The one drawn over it.
        other: &'static str,
    },
    /// Text is hard to read on what lies under it.
    #[error("`{role}` has a contrast of only {contrast}")]
    Contrast {
        /// Which text.
        role: &'static str,
        /// Its least contrast.
        contrast: f32,
    },
}

impl Report {
    /// Everything that is wrong; empty for every render that this crate should ever make.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, text) in self.texts.iter().enumerate() {
            let role = text.role;
            if text.glyphs.contains(&0) {
                faults.push(Fault::MissingGlyph { role });
            }
            // A swash or a round letter may hang over its line by a hair: that is how fonts are
            // drawn.
            if !text.area.holds(&text.ink, 1.0 + text.size * 0.08) {
                faults.push(Fault::OutsideArea {
                    role,
                    ink: text.ink,
                    area: text.area,
                });
            }
            if !self.margin.holds(&text.ink, 0.0) {
                faults.push(Fault::OutsideMargin {
                    role,
                    ink: text.ink,
                });
            }
            if text.contrast < READABLE {
                faults.push(Fault::Contrast {
                    role,
                    contrast: text.contrast,
                });
            }
            for earlier in &self.texts[..index] {
                if earlier.ink.meets(&text.ink) {
                    faults.push(Fault::Overlap {
                        one: earlier.role,
                        other: role,
                    });
                }
            }
        }
        faults
    }
}

//! The report of a render: what was drawn, and its faults. Every render carries its report, so that
//! a test can check any render.

mod faces;
mod order;

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

    /// The smallest area that holds all of `areas` that are not empty. Empty, at the corner, if there
    /// are none.
    pub(crate) fn around(areas: &[Self]) -> Self {
        let (mut left, mut top) = (f32::INFINITY, f32::INFINITY);
        let (mut right, mut bottom) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        for area in areas.iter().filter(|area| !area.is_empty()) {
            (left, top) = (left.min(area.x), top.min(area.y));
            (right, bottom) = (right.max(area.right()), bottom.max(area.bottom()));
        }
        if left > right {
            (left, top, right, bottom) = (0.0, 0.0, 0.0, 0.0);
        }
        Self {
            x: left,
            y: top,
            width: right - left,
            height: bottom - top,
        }
    }

    /// Whether it holds no pixel.
    fn is_empty(&self) -> bool {
        self.width <= 0.0 || self.height <= 0.0
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
    /// The field of the configuration that it shows, the first of them if it joins several. `None` for
    /// dates and fixed words.
    pub field: Option<Field>,
    /// The drawn words, without the characters that no font covers, and cut to fit.
    pub text: String,
    /// The area that the design allots to it.
    pub area: Area,
    /// The smallest rectangle that holds every pixel of it.
    pub ink: Area,
    /// The same for each line.
    pub line_inks: Vec<Area>,
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
    /// The lowest contrast with any pixel that one of its glyphs covers, 1 to 21
    /// (<https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>).
    pub contrast: f32,
    /// The lowest lightness contrast by APCA with any of these pixels, 0 to about 108, for light text
    /// as for dark (<https://git.apcacontrast.com/documentation/APCA-W3-LaTeX.html>).
    pub lightness_contrast: f32,
    /// Whether these pixels had more than one colour: the text is on a picture, not on paper.
    pub on_art: bool,
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
    /// The facts in words and in the content's language, for a person who does not see the picture.
    pub alt_text: String,
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
    /// A text on a picture is hard to read there.
    #[error("`{role}` on the picture has a contrast of only {contrast}, and APCA's {lightness}")]
    ContrastOnArt {
        /// The text's role.
        role: &'static str,
        /// Its lowest contrast.
        contrast: f32,
        /// Its lowest lightness contrast by APCA.
        lightness: f32,
    },
    /// Two lines of a text share rows of pixels.
    #[error("line {line} of `{role}` touches the one below it")]
    TouchingLines {
        /// The text's role.
        role: &'static str,
        /// The upper line, from 0.
        line: usize,
    },
    /// The characters of a line do not stand in the order of their directions.
    #[error("line {line} of `{role}` is in the wrong order")]
    WrongOrder {
        /// The text's role.
        role: &'static str,
        /// The line, from 0.
        line: usize,
    },
    /// A word is in another face than the words before it, or its letters are in two. It is none of
    /// the canvas's making if no face has all words of their script.
    #[error("`{word}` of `{role}` is in a second face")]
    MixedFaces {
        /// The text's role.
        role: &'static str,
        /// The word.
        word: String,
    },
    /// Characters are not drawn: no font has them, or they went missing in layout.
    #[error("{characters} characters of `{of}` are not drawn")]
    Lost {
        /// The field's path, or the text's role.
        of: &'static str,
        /// Their number.
        characters: u32,
    },
}

impl RenderFault {
    /// Whether the text of the event brings the fault with it: it has characters that no font has, or
    /// a word that no font has whole.
    #[must_use]
    pub fn is_for_want_of_a_font(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::MixedFaces { .. } => true,
            Self::MissingGlyph { .. }
            | Self::OutsideArea { .. }
            | Self::OutsideMargin { .. }
            | Self::Overlap { .. }
            | Self::Contrast { .. }
            | Self::ContrastOnArt { .. }
            | Self::TouchingLines { .. }
            | Self::WrongOrder { .. } => false,
        }
    }
}

/// The least lightness contrast by APCA of a text on a picture, and of a small one.
const READABLE_ON_ART: f32 = 60.0;
const READABLE_ON_ART_IF_SMALL: f32 = 75.0;
/// The font size in pixels below which a text is small.
const SMALL: f32 = 24.0;

impl RenderReport {
    /// Every defect; empty for every render that this crate should make of a text that its fonts
    /// have.
    #[must_use]
    pub fn faults(&self) -> Vec<RenderFault> {
        let lost = self.lost.iter().map(|(field, lost)| RenderFault::Lost {
            of: field.as_str(),
            characters: lost.characters(),
        });
        let mut faults: Vec<RenderFault> = lost.collect();
        for (index, text) in self.texts.iter().enumerate() {
            text.find_faults(&mut faults);
            if !self.margin.holds(&text.ink, 0.0) {
                faults.push(RenderFault::OutsideMargin {
                    role: text.role,
                    ink: text.ink,
                });
            }
            let overlapped = self.texts[..index]
                .iter()
                .filter(|earlier| earlier.ink.meets(&text.ink));
            faults.extend(overlapped.map(|earlier| RenderFault::Overlap {
                one: earlier.role,
                other: text.role,
            }));
        }
        faults
    }
}

impl DrawnText {
    /// The defects of the text alone.
    fn find_faults(&self, faults: &mut Vec<RenderFault>) {
        let role = self.role;
        if self.glyphs.contains(&0) {
            faults.push(RenderFault::MissingGlyph { role });
        }
        // A swash or a round letter may overhang its line slightly; fonts are drawn that way.
        if !self.area.holds(&self.ink, 1.0 + self.size * 0.08) {
            faults.push(RenderFault::OutsideArea {
                role,
                ink: self.ink,
                area: self.area,
            });
        }
        faults.extend(self.contrast_fault());
        for (line, inks) in self.line_inks.windows(2).enumerate() {
            let is_blank = inks.iter().any(Area::is_empty);
            if !is_blank && inks[0].bottom() > inks[1].y {
                faults.push(RenderFault::TouchingLines { role, line });
            }
        }
        let lines = order::wrong_lines(self).into_iter();
        faults.extend(lines.map(|line| RenderFault::WrongOrder { role, line }));
        let words = faces::mixed_words(self).into_iter();
        faults.extend(words.map(|word| RenderFault::MixedFaces { role, word }));
        let characters = self.undrawn();
        if characters > 0 {
            faults.push(RenderFault::Lost {
                of: role,
                characters,
            });
        }
    }

    fn contrast_fault(&self) -> Option<RenderFault> {
        let (role, contrast) = (self.role, self.contrast);
        if !self.on_art {
            return (contrast < READABLE).then_some(RenderFault::Contrast { role, contrast });
        }
        let least = if self.size < SMALL {
            READABLE_ON_ART_IF_SMALL
        } else {
            READABLE_ON_ART
        };
        let lightness = self.lightness_contrast;
        (contrast < READABLE || lightness < least).then_some(RenderFault::ContrastOnArt {
            role,
            contrast,
            lightness,
        })
    }

    /// The number of visible characters that are in no glyph. Spaces at the end of a line are in none.
    fn undrawn(&self) -> u32 {
        let drawn: Vec<&Range<usize>> = self
            .clusters
            .iter()
            .filter(|cluster| !cluster.glyphs.is_empty())
            .map(|cluster| &cluster.text)
            .collect();
        let missing = self.text.char_indices().filter(|(at, c)| {
            !c.is_whitespace() && !is_invisible(*c) && !drawn.iter().any(|range| range.contains(at))
        });
        u32::try_from(missing.count()).unwrap_or(u32::MAX)
    }
}

/// Whether `c` is never drawn: it joins, separates or directs its neighbours.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff | 0xe0000..=0xe0fff)
}

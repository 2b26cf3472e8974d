//! What a text stands on: the pixels that its glyphs are about to cover.

use contract::Color;

use crate::color::{apca_luminance, contrast_of_luminances, lightness_contrast, luminance};

/// The contrasts of a colour with every pixel under it so far.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    ink: Color,
    /// The first pixel.
    first: Option<Color>,
    /// The last pixel: most neighbours are alike, and their contrast is known.
    last: Option<Color>,
    /// The lowest contrast, 1 to 21.
    pub(crate) contrast: f32,
    /// The lowest lightness contrast by APCA, 0 to about 108.
    pub(crate) lightness_contrast: f32,
    /// Whether the pixels have more than one colour.
    pub(crate) is_art: bool,
}

impl Ground {
    /// The ground of a text of the colour `ink`, of which nothing is known yet.
    pub(crate) fn under(ink: Color) -> Self {
        Self {
            ink,
            first: None,
            last: None,
            contrast: 21.0,
            lightness_contrast: 108.0,
            is_art: false,
        }
    }

    /// Adds a pixel.
    pub(crate) fn add(&mut self, pixel: Color) {
        if self.last == Some(pixel) {
            return;
        }
        self.last = Some(pixel);
        self.is_art |= *self.first.get_or_insert(pixel) != pixel;
        let contrast = contrast_of_luminances(luminance(self.ink), luminance(pixel));
        self.contrast = self.contrast.min(contrast);
        let lightness = lightness_contrast(apca_luminance(self.ink), apca_luminance(pixel));
        self.lightness_contrast = self.lightness_contrast.min(lightness);
    }
}

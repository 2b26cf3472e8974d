//! Perceptual colour: OKLCH to make colours, WCAG's contrast to judge them.
//!
//! The arithmetic is `libm`'s, not the system's, so that a colour does not depend on the machine
//! that computes it.

use std::sync::LazyLock;

use contract::Color;

/// The lowest contrast that WCAG (level AA) allows for text of normal size.
pub(crate) const READABLE: f32 = 4.5;

/// White.
pub(crate) const WHITE: Color = Color {
    red: 255,
    green: 255,
    blue: 255,
};
/// Black.
pub(crate) const BLACK: Color = Color {
    red: 0,
    green: 0,
    blue: 0,
};

/// A colour by lightness (0 to 1), chroma (0 to about 0.37) and hue (degrees).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Oklch {
    pub(crate) lightness: f32,
    pub(crate) chroma: f32,
    pub(crate) hue: f32,
}

/// A colour from lightness, chroma and hue.
pub(crate) const fn oklch(lightness: f32, chroma: f32, hue: f32) -> Oklch {
    Oklch {
        lightness,
        chroma,
        hue,
    }
}

impl Oklch {
    /// Converts an sRGB colour to OKLCH.
    pub(crate) fn of(color: Color) -> Self {
        let [r, g, b] =
            [color.red, color.green, color.blue].map(|channel| LINEAR[usize::from(channel)]);
        let l = libm::cbrtf(0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b);
        let m = libm::cbrtf(0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b);
        let s = libm::cbrtf(0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b);
        let lightness = 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s;
        let a = 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s;
        let b = 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s;
        Self {
            lightness,
            chroma: libm::hypotf(a, b),
            hue: libm::atan2f(b, a).to_degrees(),
        }
    }

    /// The nearest sRGB colour of the same lightness and hue. If sRGB has none with this chroma,
    /// the chroma is reduced.
    pub(crate) fn rgb(self) -> Color {
        let (mut low, mut high) = (0.0, self.chroma);
        if let Some(color) = self.exact() {
            return color;
        }
        for _ in 0..12 {
            let middle = (low + high) / 2.0;
            if (Self {
                chroma: middle,
                ..self
            })
            .exact()
            .is_some()
            {
                low = middle
            } else {
                high = middle
            }
        }
        (Self {
            chroma: low,
            ..self
        })
        .exact()
        .unwrap_or(if self.lightness > 0.5 { WHITE } else { BLACK })
    }

    fn exact(self) -> Option<Color> {
        let (a, b) = (
            self.chroma * libm::cosf(self.hue.to_radians()),
            self.chroma * libm::sinf(self.hue.to_radians()),
        );
        let cube = |x: f32| x * x * x;
        let l = cube(self.lightness + 0.396_337_78 * a + 0.215_803_76 * b);
        let m = cube(self.lightness - 0.105_561_346 * a - 0.063_854_17 * b);
        let s = cube(self.lightness - 0.089_484_18 * a - 1.291_485_5 * b);
        let linear = [
            4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
            -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
            -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
        ];
        if linear
            .iter()
            .any(|channel| !(-0.002..=1.002).contains(channel))
        {
            return None;
        }
        let [red, green, blue] = linear.map(|channel| {
            let channel = channel.clamp(0.0, 1.0);
            let encoded = if channel <= 0.003_130_8 {
                12.92 * channel
            } else {
                1.055 * libm::powf(channel, 1.0 / 2.4) - 0.055
            };
            (encoded * 255.0).round() as u8
        });
        Some(Color { red, green, blue })
    }

    /// The same chroma and hue at another lightness.
    pub(crate) fn at(self, lightness: f32) -> Self {
        Self {
            lightness: lightness.clamp(0.0, 1.0),
            ..self
        }
    }

    /// The same lightness and hue with `chroma` at most.
    pub(crate) fn muted(self, chroma: f32) -> Self {
        Self {
            chroma: self.chroma.min(chroma),
            ..self
        }
    }
}

static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|value| {
        let channel = value as f32 / 255.0;
        if channel <= 0.040_45 {
            channel / 12.92
        } else {
            libm::powf((channel + 0.055) / 1.055, 2.4)
        }
    })
});

/// WCAG's relative luminance, 0 to 1.
pub(crate) fn luminance(color: Color) -> f32 {
    let [r, g, b] =
        [color.red, color.green, color.blue].map(|channel| LINEAR[usize::from(channel)]);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// WCAG's contrast of two luminances, 1 to 21.
pub(crate) fn contrast_of_luminances(one: f32, other: f32) -> f32 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG's contrast of two colours, 1 to 21.
pub(crate) fn contrast(one: Color, other: Color) -> f32 {
    contrast_of_luminances(luminance(one), luminance(other))
}

/// `wish` if its contrast on `ground` is at least `least`, else the nearest lightness of its hue
/// that has it. Black or white has at least 4.58 on any ground, so a `least` up to that is always
/// met.
pub(crate) fn readable(wish: Oklch, ground: Color, least: f32) -> Color {
    let reads = |lightness: f32| {
        let color = wish.at(lightness).rgb();
        (contrast(color, ground) >= least).then_some(color)
    };
    for step in 0..=100 {
        let distance = step as f32 / 100.0;
        let (darker, lighter) = (wish.lightness - distance, wish.lightness + distance);
        // The side that the wish is already on comes first, so that a dark ink stays dark.
        let ground_is_light = luminance(ground) > 0.18;
        let order = if ground_is_light {
            [darker, lighter]
        } else {
            [lighter, darker]
        };
        for lightness in order {
            if let Some(color) = reads(lightness) {
                return color;
            }
        }
    }
    if contrast(WHITE, ground) >= contrast(BLACK, ground) {
        WHITE
    } else {
        BLACK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_survives_conversion_to_oklch_and_back() {
        for value in (0..0x0100_0000_u32).step_by(65_521) {
            let [_, red, green, blue] = value.to_be_bytes();
            let color = Color { red, green, blue };
            let back = Oklch::of(color).rgb();
            let off = |a: u8, b: u8| a.abs_diff(b) <= 1;
            assert!(
                off(back.red, red) && off(back.green, green) && off(back.blue, blue),
                "{color} became {back}"
            );
        }
    }

    #[test]
    fn every_ground_has_a_readable_ink_of_every_hue() {
        for value in (0..0x0100_0000_u32).step_by(262_139) {
            let [_, red, green, blue] = value.to_be_bytes();
            let ground = Color { red, green, blue };
            for hue in [0.0, 90.0, 200.0, 300.0] {
                let ink = readable(oklch(0.6, 0.2, hue), ground, READABLE);
                assert!(contrast(ink, ground) >= READABLE, "{ink} on {ground}");
            }
        }
    }
}

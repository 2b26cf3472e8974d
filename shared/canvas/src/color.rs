//! Perceptual colour: OKLCH to make colours, WCAG's contrast to judge them, and APCA's where WCAG
//! leaves a choice.
//!
//! The arithmetic is `libm`'s, not the system's, so that a colour does not depend on the machine
//! that computes it.

use std::sync::LazyLock;

use contract::Color;

/// The lowest contrast that WCAG (level AA) allows for text of normal size.
pub(crate) const READABLE: f32 = 4.5;
/// The lowest contrast that WCAG (level AA) allows for large text.
const LARGE_READABLE: f32 = 3.0;

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

    /// As [`rgb`](Self::rgb), of a chroma at which the eight bits of a channel leave the hue where
    /// it is.
    pub(crate) fn of_hue(self) -> Color {
        let nearest = self.rgb();
        let got = Self::of(nearest);
        // The hue of a grey is noise.
        if got.chroma < 0.01 {
            return nearest;
        }
        let paler = (0..16).map(|step| Self {
            chroma: got.chroma * (1.0 - step as f32 * 0.04),
            ..self
        });
        let mut best = (f32::INFINITY, nearest);
        for color in paler.map(Self::rgb) {
            let off = Self::of(color).hue_from(self);
            if off < best.0 {
                best = (off, color);
            }
            if off <= 0.8 {
                break;
            }
        }
        best.1
    }

    /// The distance between two hues, 0 to 180 degrees.
    pub(crate) fn hue_from(self, other: Self) -> f32 {
        let distance = (self.hue - other.hue).abs() % 360.0;
        distance.min(360.0 - distance)
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

/// The light of each channel as a screen shows it, 0 to 1.
static SCREEN: LazyLock<[f32; 256]> =
    LazyLock::new(|| std::array::from_fn(|value| libm::powf(value as f32 / 255.0, 2.4)));

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

/// APCA's luminance of a colour, 0 to 1: screens show dark colours darker than WCAG computes them.
pub(crate) fn apca_luminance(color: Color) -> f32 {
    let [r, g, b] =
        [color.red, color.green, color.blue].map(|channel| SCREEN[usize::from(channel)]);
    let luminance = 0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b;
    // Flare makes black a dark grey.
    if luminance < 0.022 {
        luminance + libm::powf(0.022 - luminance, 1.414)
    } else {
        luminance
    }
}

/// APCA's lightness contrast of text on a ground, both by [`apca_luminance`], from 0 to about 108,
/// for light text as for dark; 60 is enough for large text, 75 for small. It is nearer to what is
/// seen than WCAG's where both are of middle lightness: on `#e91e63`, white has 74 and black 36.
/// Version 0.1.9 of <https://git.apcacontrast.com/documentation/APCA-W3-LaTeX.html>.
pub(crate) fn lightness_contrast(text: f32, ground: f32) -> f32 {
    let difference = if ground > text {
        libm::powf(ground, 0.56) - libm::powf(text, 0.57)
    } else {
        libm::powf(text, 0.62) - libm::powf(ground, 0.65)
    };
    let scaled = 1.14 * difference;
    if scaled < 0.1 {
        0.0
    } else {
        (scaled - 0.027) * 100.0
    }
}

/// Which ink is set on a ground: one that is darker, or one that is lighter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Dark,
    Light,
}

impl Ink {
    /// The ink for `ground`: where both could be read if they were large, the one that APCA
    /// prefers, as a designer does; else the one that can.
    pub(crate) fn on(ground: Color) -> Self {
        let (light, dark) = (contrast(WHITE, ground), contrast(BLACK, ground));
        let prefers_light = if light.min(dark) >= LARGE_READABLE {
            let [white, black, under] = [WHITE, BLACK, ground].map(apca_luminance);
            lightness_contrast(white, under) >= lightness_contrast(black, under)
        } else {
            light >= dark
        };
        if prefers_light {
            Self::Light
        } else {
            Self::Dark
        }
    }

    /// Black or white.
    pub(crate) fn purest(self) -> Color {
        match self {
            Self::Dark => BLACK,
            Self::Light => WHITE,
        }
    }

    /// `wish` if its contrast on `ground` is at least `least`, else the nearest of its hue that has
    /// it and is further on this side; if none has, black or white.
    pub(crate) fn readable(self, wish: Oklch, ground: Color, least: f32) -> Color {
        let exact = wish.rgb();
        let is_on_side = |color: Color| match self {
            Self::Dark => luminance(color) < luminance(ground),
            Self::Light => luminance(color) > luminance(ground),
        };
        let reads = |color: Color| is_on_side(color) && contrast(color, ground) >= least;
        if reads(exact) {
            return exact;
        }
        let steps = (0..=100).map(|step| step as f32 / 100.0);
        let mut moved = steps.map(|distance| {
            let lightness = match self {
                Self::Dark => wish.lightness - distance,
                Self::Light => wish.lightness + distance,
            };
            wish.at(lightness).of_hue()
        });
        moved.find(|color| reads(*color)).unwrap_or(self.purest())
    }
}

/// `wish` if its contrast on `ground` is at least `least`, else the nearest lightness of its hue
/// that has it. Black or white has at least 4.58 on any ground, so a `least` up to that is always
/// met.
pub(crate) fn readable(wish: Oklch, ground: Color, least: f32) -> Color {
    let reads = |lightness: f32| {
        let color = if lightness == wish.lightness {
            wish.rgb()
        } else {
            wish.at(lightness).of_hue()
        };
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
    fn lightness_contrasts_are_those_that_apcas_author_publishes() {
        // <https://github.com/Myndex/apca-w3#test-values>
        for (text, ground, expected) in [
            (0x0088_8888, 0x00ff_ffff, 63.056_47),
            (0x00ff_ffff, 0x0088_8888, 68.541_46),
            (0x0000_0000, 0x00aa_aaaa, 58.146_26),
            (0x00aa_aaaa, 0x0000_0000, 56.241_13),
            (0x0011_2233, 0x00dd_eeff, 91.668_31),
            (0x00dd_eeff, 0x0011_2233, 93.067_7),
            (0x0011_2233, 0x0011_2233, 0.0),
        ] {
            let [text, ground] = [text, ground].map(|value: u32| {
                let [_, red, green, blue] = value.to_be_bytes();
                apca_luminance(Color { red, green, blue })
            });
            let found = lightness_contrast(text, ground);
            assert!((found - expected).abs() < 0.01, "{found} for {expected}");
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

    #[test]
    fn white_is_set_where_a_designer_sets_it_and_black_elsewhere() {
        let ink = |hex: &str| Ink::on(Color::parse(hex).unwrap());
        for light in [
            "#e91e63", "#ff0000", "#f44336", "#2196f3", "#000000", "#1b3a57",
        ] {
            assert_eq!(ink(light), Ink::Light, "{light}");
        }
        for dark in ["#ffeb3b", "#ff9800", "#8bc34a", "#ffffff", "#cccccc"] {
            assert_eq!(ink(dark), Ink::Dark, "{dark}");
        }
    }
}

//! The colours of one design: one of nine tuned families, or a brand's own.

use contract::{Brand, Color};

use crate::{
    color::{BLACK, Oklch, WHITE, contrast, oklch, readable},
    seed::Seed,
};

/// The colours of one design. `ink`, `soft` and `accent` have at least WCAG's 4.5 on `paper`.
#[derive(Debug, Clone)]
pub(crate) struct Palette {
    /// The background of text.
    pub(crate) paper: Color,
    /// The colour of titles and facts.
    pub(crate) ink: Color,
    /// The colour of secondary text.
    pub(crate) soft: Color,
    /// The one colour for emphasis.
    pub(crate) accent: Color,
    /// The ground of the art.
    pub(crate) field: Color,
    /// The colours of the art's shapes; each is visible on `field`.
    pub(crate) shapes: [Color; 4],
}

/// The base colours of a family: a deep ground, a pale paper and four shapes.
struct Family {
    deep: Oklch,
    pale: Oklch,
    accent: Oklch,
    shapes: [Oklch; 4],
}

const FAMILIES: [Family; 9] = [
    // Midnight and marigold.
    Family {
        deep: oklch(0.27, 0.085, 272.0),
        pale: oklch(0.962, 0.018, 85.0),
        accent: oklch(0.55, 0.19, 30.0),
        shapes: [
            oklch(0.80, 0.155, 78.0),
            oklch(0.67, 0.18, 34.0),
            oklch(0.93, 0.04, 85.0),
            oklch(0.58, 0.13, 265.0),
        ],
    },
    // Forest and apricot.
    Family {
        deep: oklch(0.30, 0.055, 165.0),
        pale: oklch(0.965, 0.016, 95.0),
        accent: oklch(0.50, 0.12, 45.0),
        shapes: [
            oklch(0.80, 0.115, 62.0),
            oklch(0.62, 0.10, 160.0),
            oklch(0.94, 0.035, 95.0),
            oklch(0.66, 0.16, 40.0),
        ],
    },
    // Aubergine and rose.
    Family {
        deep: oklch(0.27, 0.085, 330.0),
        pale: oklch(0.965, 0.014, 20.0),
        accent: oklch(0.50, 0.18, 5.0),
        shapes: [
            oklch(0.74, 0.14, 10.0),
            oklch(0.85, 0.095, 70.0),
            oklch(0.93, 0.03, 20.0),
            oklch(0.54, 0.16, 335.0),
        ],
    },
    // Petrol and coral.
    Family {
        deep: oklch(0.32, 0.062, 215.0),
        pale: oklch(0.968, 0.012, 200.0),
        accent: oklch(0.56, 0.18, 28.0),
        shapes: [
            oklch(0.70, 0.165, 30.0),
            oklch(0.84, 0.09, 195.0),
            oklch(0.95, 0.025, 90.0),
            oklch(0.58, 0.095, 212.0),
        ],
    },
    // Brick and sky.
    Family {
        deep: oklch(0.39, 0.125, 28.0),
        pale: oklch(0.962, 0.018, 65.0),
        accent: oklch(0.48, 0.15, 29.0),
        shapes: [
            oklch(0.82, 0.085, 230.0),
            oklch(0.80, 0.13, 72.0),
            oklch(0.95, 0.025, 75.0),
            oklch(0.61, 0.18, 31.0),
        ],
    },
    // Ultramarine and lime.
    Family {
        deep: oklch(0.38, 0.19, 268.0),
        pale: oklch(0.968, 0.012, 270.0),
        accent: oklch(0.50, 0.22, 268.0),
        shapes: [
            oklch(0.88, 0.18, 118.0),
            oklch(0.76, 0.12, 300.0),
            oklch(0.96, 0.015, 270.0),
            oklch(0.60, 0.19, 266.0),
        ],
    },
    // Coffee and mint.
    Family {
        deep: oklch(0.29, 0.04, 50.0),
        pale: oklch(0.96, 0.018, 80.0),
        accent: oklch(0.47, 0.10, 170.0),
        shapes: [
            oklch(0.83, 0.085, 168.0),
            oklch(0.72, 0.13, 55.0),
            oklch(0.94, 0.03, 80.0),
            oklch(0.54, 0.085, 48.0),
        ],
    },
    // Violet and peach.
    Family {
        deep: oklch(0.33, 0.135, 298.0),
        pale: oklch(0.966, 0.014, 310.0),
        accent: oklch(0.50, 0.20, 300.0),
        shapes: [
            oklch(0.83, 0.105, 55.0),
            oklch(0.70, 0.15, 330.0),
            oklch(0.95, 0.02, 60.0),
            oklch(0.60, 0.17, 295.0),
        ],
    },
    // Ink and vermilion.
    Family {
        deep: oklch(0.22, 0.012, 255.0),
        pale: oklch(0.958, 0.008, 90.0),
        accent: oklch(0.57, 0.215, 30.0),
        shapes: [
            oklch(0.64, 0.22, 32.0),
            oklch(0.93, 0.01, 90.0),
            oklch(0.78, 0.012, 90.0),
            oklch(0.50, 0.015, 255.0),
        ],
    },
];

/// The contrast of secondary text: slightly above the required 4.5, so that rounding cannot break
/// it.
const QUIET: f32 = 4.55;

impl Palette {
    /// The poster's colours: a brand's own on its primary colour, else a family's on its pale or
    /// deep ground.
    pub(crate) fn poster(seed: &Seed, brand: Option<&Brand>) -> Self {
        if let Some(colors) = brand.and_then(BrandColors::of) {
            return Self::of_brand(&colors);
        }
        let mut seed = seed.branch("palette");
        let family = &FAMILIES[seed.below(FAMILIES.len())];
        if seed.below(5) < 3 {
            family.on_pale()
        } else {
            family.on_deep()
        }
    }

    /// The invitation's colours: always a pale card on a deep ground.
    pub(crate) fn invitation(seed: &Seed, brand: Option<&Brand>) -> Self {
        if let Some(colors) = brand.and_then(BrandColors::of) {
            let on_primary = Self::of_brand(&colors);
            let BrandColors {
                ground: field,
                primary,
                ..
            } = colors;
            let paper = primary.muted(0.012).at(0.972).rgb();
            return Self {
                paper,
                ink: readable(primary.muted(0.06).at(0.24), paper, 9.0),
                soft: readable(primary.muted(0.04).at(0.44), paper, QUIET),
                accent: readable(primary.at(primary.lightness.min(0.56)), paper, QUIET),
                field,
                shapes: on_primary.shapes,
            };
        }
        FAMILIES[seed.branch("palette").below(FAMILIES.len())].on_pale()
    }

    fn of_brand(colors: &BrandColors) -> Self {
        let BrandColors {
            ground,
            primary,
            accent,
        } = *colors;
        let light_ground = contrast(BLACK, ground) > contrast(WHITE, ground);
        let ink = if light_ground {
            primary.muted(0.05).at(0.2)
        } else {
            primary.muted(0.02).at(0.975)
        };
        let soft = if light_ground {
            primary.muted(0.06).at(0.34)
        } else {
            primary.muted(0.04).at(0.87)
        };
        // The ground of the art is a step away from the paper, so that the two never merge.
        let step = if light_ground { -0.10 } else { 0.10 };
        let field = primary.at(primary.lightness + step);
        let apart = |wish: Oklch| {
            let clearance = if wish.lightness >= field.lightness {
                0.16
            } else {
                -0.16
            };
            let near = (wish.lightness - field.lightness).abs() < 0.14
                && wish.chroma < field.chroma + 0.05;
            if near {
                wish.at(wish.lightness + clearance)
            } else {
                wish
            }
            .rgb()
        };
        let tint = if light_ground {
            primary.at(0.38)
        } else {
            primary.muted(0.09).at(0.84)
        };
        let paper_white = primary
            .muted(0.02)
            .at(if light_ground { 0.99 } else { 0.96 });
        let between =
            primary.at(field.lightness + if field.lightness > 0.55 { -0.22 } else { 0.18 });
        Self {
            paper: ground,
            ink: readable(ink, ground, 7.0),
            soft: readable(soft, ground, QUIET),
            accent: readable(accent, ground, QUIET),
            field: field.rgb(),
            shapes: [
                apart(accent),
                apart(tint),
                apart(paper_white),
                apart(between),
            ],
        }
    }
}

/// The colours of a brand. A colour that the brand does not name is derived from the other: an
/// accent is opposite its primary on the colour wheel, and a primary is a dark variant of its
/// accent.
struct BrandColors {
    /// The primary colour exactly.
    ground: Color,
    primary: Oklch,
    accent: Oklch,
}

impl BrandColors {
    /// `None` for a brand without a colour.
    fn of(brand: &Brand) -> Option<Self> {
        let ground = match (brand.primary_color, brand.accent_color) {
            (Some(primary), _) => primary,
            (None, Some(accent)) => Oklch::of(accent).muted(0.09).at(0.3).rgb(),
            (None, None) => return None,
        };
        let primary = Oklch::of(ground);
        let opposite = || {
            let lightness = if primary.lightness > 0.6 { 0.45 } else { 0.8 };
            oklch(lightness, 0.13, primary.hue + 165.0)
        };
        Some(Self {
            ground,
            primary,
            accent: brand.accent_color.map_or_else(opposite, Oklch::of),
        })
    }
}

impl Family {
    fn on_pale(&self) -> Palette {
        let paper = self.pale.rgb();
        Palette {
            paper,
            ink: readable(self.deep.at(self.deep.lightness - 0.04), paper, 8.0),
            soft: readable(self.deep.muted(0.04).at(0.45), paper, 5.0),
            accent: readable(self.accent, paper, QUIET),
            field: self.deep.rgb(),
            shapes: self.shapes.map(Oklch::rgb),
        }
    }

    fn on_deep(&self) -> Palette {
        let paper = self.deep.at(self.deep.lightness - 0.03).rgb();
        Palette {
            paper,
            ink: readable(self.pale.at(0.97), paper, 8.0),
            soft: readable(self.deep.muted(0.035).at(0.83), paper, 5.0),
            accent: readable(self.shapes[0], paper, QUIET),
            field: self.deep.at(self.deep.lightness + 0.05).rgb(),
            shapes: self.shapes.map(Oklch::rgb),
        }
    }
}

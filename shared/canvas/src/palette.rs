//! The colours of one design: one of nine tuned families, or a brand's own.

mod families;

use contract::{Brand, Color};

use crate::{
    color::{Ink, Oklch, contrast, oklch, readable},
    loss::{Adjustment, Change, Field},
    seed::Seed,
};
use families::{FAMILIES, Family};

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
    /// Which of the brand's colours are other ones here.
    pub(crate) adjusted: Vec<Adjustment>,
}

/// The contrast of secondary text: slightly above the required 4.5, so that rounding cannot break
/// it.
const QUIET: f32 = 4.55;
/// The contrast of a shape in a brand's accent with its ground. It need not be read, only seen.
const SEEN: f32 = 1.9;
/// The contrast of the shape that is meant to be quiet.
const FAINT: f32 = 1.3;
/// How far a primary colour is moved at most, in OKLCH's lightness, so that small white letters
/// read on it where a designer would set large ones. If that is not enough, it stays and takes dark
/// ones.
const NUDGE: f32 = 0.06;

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
            let BrandColors {
                asked: field,
                primary,
                ..
            } = colors;
            let paper = primary.muted(0.012).at(0.972).rgb();
            let shapes = colors.shapes(field, Ink::on(field));
            return Self {
                paper,
                ink: readable(primary.muted(0.06).at(0.24), paper, 9.0),
                soft: readable(primary.muted(0.04).at(0.44), paper, QUIET),
                accent: readable(primary.at(primary.lightness.min(0.56)), paper, QUIET),
                field,
                shapes,
                adjusted: colors
                    .accent_moved(field, &[shapes[0]])
                    .into_iter()
                    .collect(),
            };
        }
        FAMILIES[seed.branch("palette").below(FAMILIES.len())].on_pale()
    }

    fn of_brand(colors: &BrandColors) -> Self {
        let BrandColors {
            ground,
            on_ground,
            primary,
            accent,
            ..
        } = *colors;
        let (ink, soft, step) = match on_ground {
            Ink::Dark => (
                primary.muted(0.05).at(0.2),
                primary.muted(0.06).at(0.34),
                -0.10,
            ),
            Ink::Light => (
                primary.muted(0.02).at(0.975),
                primary.muted(0.04).at(0.87),
                0.10,
            ),
        };
        // The ground of the art is a step away from the paper, so that the two never merge.
        let field = primary.at(primary.lightness + step).rgb();
        let shapes = colors.shapes(field, on_ground);
        let accent = on_ground.readable(accent, ground, QUIET);
        let moved = colors.primary_moved().into_iter();
        Self {
            paper: ground,
            ink: on_ground.readable(ink, ground, 7.0),
            soft: on_ground.readable(soft, ground, QUIET),
            accent,
            field,
            shapes,
            adjusted: moved
                .chain(colors.accent_moved(ground, &[accent, shapes[0]]))
                .collect(),
        }
    }
}

/// The colours of a brand. A colour that the brand does not name is derived from the other: an
/// accent is opposite its primary on the colour wheel, and a primary is a dark variant of its
/// accent.
struct BrandColors {
    /// The primary colour exactly.
    asked: Color,
    /// The primary colour as letters are set on it.
    ground: Color,
    /// The ink of these letters.
    on_ground: Ink,
    primary: Oklch,
    accent: Oklch,
    /// The accent that the brand names.
    asked_accent: Option<Color>,
}

impl BrandColors {
    /// `None` for a brand without a colour.
    fn of(brand: &Brand) -> Option<Self> {
        let asked = match (brand.primary_color, brand.accent_color) {
            (Some(primary), _) => primary,
            (None, Some(accent)) => Oklch::of(accent).muted(0.09).at(0.3).rgb(),
            (None, None) => return None,
        };
        let (ground, on_ground) = ground_and_ink(asked);
        let primary = Oklch::of(ground);
        let opposite = || {
            let lightness = if primary.lightness > 0.6 { 0.45 } else { 0.8 };
            oklch(lightness, 0.13, primary.hue + 165.0)
        };
        Some(Self {
            asked,
            ground,
            on_ground,
            primary,
            accent: brand.accent_color.map_or_else(opposite, Oklch::of),
            asked_accent: brand.accent_color,
        })
    }

    /// The colours of the art's shapes on `field`, the accent first. Each is visible there: a
    /// colour that is not is moved in its lightness.
    fn shapes(&self, field: Color, ink: Ink) -> [Color; 4] {
        let primary = self.primary;
        let (tint, white) = match ink {
            Ink::Dark => (primary.at(0.38), primary.muted(0.02).at(0.99)),
            Ink::Light => (primary.muted(0.09).at(0.84), primary.muted(0.02).at(0.96)),
        };
        let lightness = Oklch::of(field).lightness;
        let between = primary.at(lightness + if lightness > 0.55 { -0.22 } else { 0.18 });
        [
            readable(self.accent, field, SEEN),
            readable(tint, field, SEEN),
            readable(white, field, FAINT),
            readable(between, field, FAINT),
        ]
    }

    /// What is said of a primary colour that was moved.
    fn primary_moved(&self) -> Option<Adjustment> {
        let Self { asked, ground, .. } = *self;
        let contrast = contrast(self.on_ground.purest(), asked);
        (asked != ground).then(|| Adjustment {
            field: Field::PrimaryColor,
            change: Change::Moved,
            reason: format!(
                "white letters on {asked} have a contrast of {contrast:.1}, and small ones need \
                 4.5; it is {ground}"
            ),
        })
    }

    /// What is said of an accent that the brand names, if it is not what is `drawn` on `ground`.
    fn accent_moved(&self, ground: Color, drawn: &[Color]) -> Option<Adjustment> {
        let asked = self.asked_accent?;
        let moved = drawn.iter().find(|color| is_another(**color, asked))?;
        let contrast = contrast(asked, ground);
        Some(Adjustment {
            field: Field::AccentColor,
            change: Change::Moved,
            reason: format!(
                "{asked} has a contrast of {contrast:.1} with {ground}, which is too little; it is \
                 {moved}"
            ),
        })
    }
}

/// Whether two colours differ by more than a colour does that goes to OKLCH and back.
fn is_another(one: Color, other: Color) -> bool {
    let channels = [
        (one.red, other.red),
        (one.green, other.green),
        (one.blue, other.blue),
    ];
    channels
        .into_iter()
        .any(|(one, other)| one.abs_diff(other) > 2)
}

/// The ground for letters on the colour `asked`, and their ink.
fn ground_and_ink(asked: Color) -> (Color, Ink) {
    let ink = Ink::on(asked);
    // A hundredth above the others, so that soft letters have room beside white ones.
    let reads = |ground: Color| contrast(ink.purest(), ground) >= QUIET + 0.05;
    let exact = Oklch::of(asked);
    let away = match ink {
        Ink::Dark => 1.0,
        Ink::Light => -1.0,
    };
    let steps = (1..=20).map(|step| step as f32 / 20.0 * NUDGE);
    let mut moved = steps.map(|step| exact.at(exact.lightness + away * step).of_hue());
    if reads(asked) {
        (asked, ink)
    } else if let Some(ground) = moved.find(|ground| reads(*ground)) {
        (ground, ink)
    } else {
        let other = match ink {
            Ink::Dark => Ink::Light,
            Ink::Light => Ink::Dark,
        };
        (asked, other)
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
            adjusted: Vec::new(),
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
            adjusted: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;

//! The invitation's ornaments: the pattern around the card, the card's outline, the emblem and the
//! divider.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use contract::Color;
use tiny_skia::PathBuilder;

use crate::{
    check::Area,
    palette::Palette,
    seed::Seed,
    shapes::{arc, arc_on, diamond, petal, polar, star},
    sheet::Sheet,
};

/// The outline of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    /// A round arch.
    Arch,
    /// A pointed arch with a double curve.
    Ogee,
    /// Corners cut out in quarter circles.
    Notched,
    /// Corners cut out in two steps.
    Stepped,
}

impl Card {
    /// The card of an event.
    pub(crate) fn of(seed: &Seed) -> Self {
        seed.branch("card")
            .pick(&[Self::Arch, Self::Ogee, Self::Notched, Self::Stepped])
    }

    /// Its outline in `area`, `inset` pixels inside.
    pub(crate) fn outline(self, path: &mut PathBuilder, area: Area, inset: f32) {
        let inner = Inner {
            left: area.x + inset,
            top: area.y + inset,
            right: area.right() - inset,
            bottom: area.bottom() - inset,
        };
        match self {
            Self::Arch => arch(path, &inner, inset),
            Self::Ogee => ogee(path, &inner, inset),
            Self::Notched => notched(path, &inner, area, inset),
            Self::Stepped => stepped(path, &inner),
        }
    }

    /// The distance from the top of the card to the middle of the emblem.
    pub(crate) fn emblem_depth(self) -> f32 {
        match self {
            Self::Arch => 178.0,
            Self::Ogee => 226.0,
            Self::Notched | Self::Stepped => 160.0,
        }
    }
}

/// The edges of an outline.
struct Inner {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

/// A round arch.
fn arch(path: &mut PathBuilder, inner: &Inner, inset: f32) {
    let Inner {
        left,
        top,
        right,
        bottom,
    } = *inner;
    let middle = (left + right) / 2.0;
    let (rise, reach) = (400.0 - inset * 0.35, 0.552);
    let half = (right - left) / 2.0;
    path.move_to(left, bottom);
    path.line_to(left, top + rise);
    path.cubic_to(
        left,
        top + rise * (1.0 - reach),
        middle - half * reach,
        top,
        middle,
        top,
    );
    path.cubic_to(
        middle + half * reach,
        top,
        right,
        top + rise * (1.0 - reach),
        right,
        top + rise,
    );
    path.line_to(right, bottom);
    path.close();
}

/// A pointed arch with a double curve.
fn ogee(path: &mut PathBuilder, inner: &Inner, inset: f32) {
    let Inner {
        left,
        top,
        right,
        bottom,
    } = *inner;
    let middle = (left + right) / 2.0;
    let rise = 380.0 - inset * 0.2;
    let tip = top + inset * 0.35;
    path.move_to(left, bottom);
    path.line_to(left, top + rise);
    path.cubic_to(
        left,
        top + rise * 0.46,
        left + 70.0,
        top + rise * 0.40,
        left + 235.0,
        top + rise * 0.27,
    );
    path.cubic_to(
        left + 360.0,
        top + rise * 0.17,
        middle - 60.0,
        top + rise * 0.14,
        middle,
        tip,
    );
    path.cubic_to(
        middle + 60.0,
        top + rise * 0.14,
        right - 360.0,
        top + rise * 0.17,
        right - 235.0,
        top + rise * 0.27,
    );
    path.cubic_to(
        right - 70.0,
        top + rise * 0.40,
        right,
        top + rise * 0.46,
        right,
        top + rise,
    );
    path.line_to(right, bottom);
    path.close();
}

/// Corners cut out in quarter circles, around the corners of the card in `area`.
fn notched(path: &mut PathBuilder, inner: &Inner, area: Area, inset: f32) {
    let Inner {
        left,
        top,
        right,
        bottom,
    } = *inner;
    // The notch stays around the card's own corner, so that the line inside runs beside
    // the edge.
    let notch = 88.0 + inset;
    let (x1, y1, x2, y2) = (area.x, area.y, area.right(), area.bottom());
    let depth = libm::sqrtf(notch * notch - inset * inset);
    let open = libm::asinf(inset / notch);
    path.move_to(x1 + depth, top);
    path.line_to(x2 - depth, top);
    arc_on(path, (x2, y1), notch, PI - open, 2.0 * open - FRAC_PI_2);
    path.line_to(right, y2 - depth);
    arc_on(
        path,
        (x2, y2),
        notch,
        -FRAC_PI_2 - open,
        2.0 * open - FRAC_PI_2,
    );
    path.line_to(x1 + depth, bottom);
    arc_on(path, (x1, y2), notch, -open, 2.0 * open - FRAC_PI_2);
    path.line_to(left, y1 + depth);
    arc_on(
        path,
        (x1, y1),
        notch,
        FRAC_PI_2 - open,
        2.0 * open - FRAC_PI_2,
    );
    path.close();
}

/// Corners cut out in two steps.
fn stepped(path: &mut PathBuilder, inner: &Inner) {
    let Inner {
        left,
        top,
        right,
        bottom,
    } = *inner;
    let step = 46.0;
    path.move_to(left + 2.0 * step, top);
    for (x, y) in [
        (right - 2.0 * step, top),
        (right - 2.0 * step, top + step),
        (right - step, top + step),
        (right - step, top + 2.0 * step),
        (right, top + 2.0 * step),
        (right, bottom - 2.0 * step),
        (right - step, bottom - 2.0 * step),
        (right - step, bottom - step),
        (right - 2.0 * step, bottom - step),
        (right - 2.0 * step, bottom),
        (left + 2.0 * step, bottom),
        (left + 2.0 * step, bottom - step),
        (left + step, bottom - step),
        (left + step, bottom - 2.0 * step),
        (left, bottom - 2.0 * step),
        (left, top + 2.0 * step),
        (left + step, top + 2.0 * step),
        (left + step, top + step),
        (left + 2.0 * step, top + step),
    ] {
        path.line_to(x, y);
    }
    path.close();
}

/// Draws a quiet pattern on the sheet around the card in `area`.
pub(crate) fn pattern(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &Seed) {
    let mut seed = seed.branch("pattern");
    let (quiet, raised) = (palette.shapes[3], palette.shapes[0]);
    let around = Around {
        width: sheet.width(),
        height: sheet.height(),
        card: area,
    };
    match seed.below(4) {
        0 => scales(sheet, &around, quiet, raised),
        1 => {
            let centers = around.grid(60, 30, 30);
            sheet.stroke_each(quiet, 2.0, &centers, |path| {
                diamond(path, ORIGIN, 30.0, 30.0)
            });
            sheet.fill_each(raised, &centers, |path| path.push_circle(0.0, 0.0, 4.2));
        }
        2 => {
            let centers = around.grid(100, 100, 0);
            let between: Vec<_> = centers.iter().map(|(x, y)| (x + 50, y + 50)).collect();
            sheet.fill_each(quiet, &centers, |path| {
                star(path, ORIGIN, 8, 40.0, 27.0, 0.0)
            });
            sheet.fill_each(palette.field, &centers, |path| {
                path.push_circle(0.0, 0.0, 14.0)
            });
            sheet.fill_each(raised, &centers, |path| path.push_circle(0.0, 0.0, 6.0));
            sheet.fill_each(quiet, &between, |path| diamond(path, ORIGIN, 13.0, 13.0));
        }
        _ => {
            // Four leaves around a point, and a dot where four leaves meet.
            let centers = around.grid(80, 80, 0);
            let between: Vec<_> = centers.iter().map(|(x, y)| (x + 40, y + 40)).collect();
            sheet.fill_each(quiet, &centers, |path| {
                (0..4_u8).for_each(|quarter| {
                    petal(
                        path,
                        ORIGIN,
                        FRAC_PI_2 * f32::from(quarter),
                        7.0,
                        40.0,
                        17.0,
                    )
                });
            });
            sheet.fill_each(raised, &between, |path| path.push_circle(0.0, 0.0, 5.0));
        }
    }
}

/// The place of a shape that is then stamped in many places.
const ORIGIN: (f32, f32) = (0.0, 0.0);

/// The part of the sheet around the card.
struct Around {
    width: f32,
    height: f32,
    card: Area,
}

impl Around {
    /// The points of a grid in whole pixels, every other row shifted by `aside`, without those that
    /// any card covers.
    fn grid(&self, across: i32, down: i32, aside: i32) -> Vec<(i32, i32)> {
        let covered = Area {
            x: self.card.x + 60.0,
            y: self.card.y + 440.0,
            width: self.card.width - 120.0,
            height: self.card.height - 600.0,
        };
        let mut points = Vec::new();
        for row in 0..=self.height as i32 / down + 2 {
            for column in 0..=self.width as i32 / across + 1 {
                let shift = if row % 2 == 0 { 0 } else { aside };
                let (x, y) = (column * across + shift, row * down);
                let hidden = (covered.x..covered.right()).contains(&(x as f32))
                    && (covered.y..covered.bottom()).contains(&(y as f32));
                if !hidden {
                    points.push((x, y));
                }
            }
        }
        points
    }
}

/// Rows of fish scales, each with two more arcs inside. Only the part of a circle is drawn that the
/// scales of the next row leave visible.
fn scales(sheet: &mut Sheet, around: &Around, quiet: Color, raised: Color) {
    let radius = 50;
    let centers = around.grid(radius * 2, radius / 2, radius);
    for (share, color) in [(1.0_f32, quiet), (0.68, quiet), (0.36, raised)] {
        // The angle where a circle of this share meets the unit circle around (1, 1/2): cos a + sin
        // a / 2 = (share² + 1/4) / 2 share.
        let meets = libm::acosf((share * share + 0.25) / (2.0 * share) / libm::sqrtf(1.25))
            - libm::atanf(0.5);
        sheet.stroke_each(color, 2.4, &centers, |path| {
            arc(
                path,
                ORIGIN,
                radius as f32 * share,
                PI + meets,
                PI - 2.0 * meets,
            );
        });
    }
}

/// A rosette around `center`, `radius` pixels to the tips.
pub(crate) fn emblem(
    sheet: &mut Sheet,
    center: (f32, f32),
    radius: f32,
    palette: &Palette,
    seed: &Seed,
) {
    let mut seed = seed.branch("emblem");
    let petals = seed.pick(&[8_u32, 10, 12, 16]);
    let step = TAU / petals as f32;
    let (outer, inner) = (palette.accent, palette.paper);
    let breadth = radius * TAU / petals as f32 * 0.62;
    sheet.fill(outer, |path| {
        for index in 0..petals {
            petal(
                path,
                center,
                step * index as f32 - FRAC_PI_2,
                radius * 0.34,
                radius,
                breadth,
            );
        }
    });
    if seed.below(2) == 0 {
        sheet.fill(palette.field, |path| {
            for index in 0..petals {
                let tip = polar(
                    center,
                    step * (index as f32 + 0.5) - FRAC_PI_2,
                    radius * 0.86,
                );
                path.push_circle(tip.0, tip.1, radius * 0.045);
            }
        });
    } else {
        sheet.fill(inner, |path| {
            for index in 0..petals {
                petal(
                    path,
                    center,
                    step * index as f32 - FRAC_PI_2,
                    radius * 0.5,
                    radius * 0.84,
                    breadth * 0.42,
                );
            }
        });
    }
    sheet.fill(palette.field, |path| {
        path.push_circle(center.0, center.1, radius * 0.24)
    });
    sheet.fill(inner, |path| {
        path.push_circle(center.0, center.1, radius * 0.13)
    });
}

/// A line with a diamond in its middle.
pub(crate) fn divider(sheet: &mut Sheet, (x, y): (f32, f32), half_width: f32, color: Color) {
    for side in [-1.0, 1.0] {
        sheet.stroke(color, 1.8, |path| {
            path.move_to(x + side * 26.0, y);
            path.line_to(x + side * half_width, y);
        });
    }
    sheet.fill(color, |path| diamond(path, (x, y), 9.0, 9.0));
}

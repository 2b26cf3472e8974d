//! The picture of a design: one of six kinds, each with variations, all derived from the event's
//! seed.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use contract::Color;

use crate::{
    check::Area,
    palette::Palette,
    pen::Pen,
    seed::Seed,
    shapes::{arc, dome, polar, polygon, rectangle, slice},
    sheet::Sheet,
};

/// A kind of art.
#[derive(Debug, Clone, Copy)]
enum ArtKind {
    Tiles,
    Horizon,
    Burst,
    Ribbons,
    Arches,
    Halftone,
}

/// The shortest side, in pixels, of the areas that the motifs are made for. In a smaller area they
/// are scaled down.
const LEAST_SIDE: f32 = 420.0;

/// Draws the picture in `area`, or a provider's painting if there is one. Shapes may cross the
/// area's edges; later layers cover them.
pub(crate) fn draw(pen: &mut Pen<'_>, area: Area) {
    if pen.sheet.draw_painting(area) {
        return;
    }
    let scale = (area.width.min(area.height) / LEAST_SIDE).min(1.0);
    let scaled = Area {
        x: area.x / scale,
        y: area.y / scale,
        width: area.width / scale,
        height: area.height / scale,
    };
    let Pen { page, palette, .. } = *pen;
    pen.sheet.scaled(scale, |sheet| {
        draw_at_full_size(sheet, scaled, palette, &page.seed)
    });
}

fn draw_at_full_size(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &Seed) {
    let mut seed = seed.branch("art");
    let kind = seed.pick(&[
        ArtKind::Tiles,
        ArtKind::Horizon,
        ArtKind::Burst,
        ArtKind::Ribbons,
        ArtKind::Arches,
        ArtKind::Halftone,
    ]);
    sheet.fill(palette.field, |path| rectangle(path, area));
    match kind {
        ArtKind::Tiles => tiles(sheet, area, palette, &mut seed),
        ArtKind::Horizon => horizon(sheet, area, palette, &mut seed),
        ArtKind::Burst => burst(sheet, area, palette, &mut seed),
        ArtKind::Ribbons => ribbons(sheet, area, palette, &mut seed),
        ArtKind::Arches => arches(sheet, area, palette, &mut seed),
        ArtKind::Halftone => halftone(sheet, area, palette, &mut seed),
    }
}

/// The shapes' colours in shuffled order.
fn shuffled(palette: &Palette, seed: &mut Seed) -> [Color; 4] {
    let mut shapes = palette.shapes;
    for index in (1..shapes.len()).rev() {
        shapes.swap(index, seed.below(index + 1));
    }
    shapes
}

/// Squares with a quarter, a half, a leaf or rings in each. The rows begin at the lower edge and
/// run off the upper one.
fn tiles(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &mut Seed) {
    // A thin slice of a row along the upper edge would look like a mistake, so the next number of
    // columns is tried.
    let wish = seed.below(3);
    let slice_of = |columns: usize| (area.height / (area.width / columns as f32)) % 1.0;
    // Four to six columns at about the poster's width, and tiles of about that size in any other
    // picture.
    let fewest = ((area.width / 270.0) as usize).max(2);
    let columns = (0..3)
        .map(|next| fewest + (wish + next) % 3)
        .find(|columns| !(0.02..0.3).contains(&slice_of(*columns)))
        .unwrap_or(fewest + wish);
    let side = area.width / columns as f32;
    let rows = libm::ceilf(area.height / side) as usize;
    let grounds = [
        palette.field,
        palette.field,
        palette.shapes[3],
        palette.shapes[0],
        palette.shapes[2],
    ];
    let mut last = usize::MAX;
    for row in 0..rows {
        for column in 0..columns {
            let tile = Area {
                x: area.x + column as f32 * side,
                y: area.bottom() - (row + 1) as f32 * side,
                width: side,
                height: side,
            };
            let ground = seed.pick(&grounds);
            let (front, back) = two_colors_beside(ground, palette, seed);
            let mut motif = seed.below(7);
            if motif == last {
                motif = (motif + 1) % 7;
            }
            last = motif;
            // One pixel larger, so that no seam shows between neighbours.
            sheet.fill(ground, |path| {
                rectangle(
                    path,
                    Area {
                        width: side + 1.0,
                        height: side + 1.0,
                        ..tile
                    },
                )
            });
            motif_in(sheet, tile, motif, front, back, seed.below(4));
        }
    }
}

/// Two different colours of the art that are not `ground`.
fn two_colors_beside(ground: Color, palette: &Palette, seed: &mut Seed) -> (Color, Color) {
    let others: Vec<Color> = palette
        .shapes
        .iter()
        .copied()
        .chain([palette.field])
        .filter(|color| *color != ground)
        .collect();
    let (first, second) = (seed.below(others.len()), seed.below(others.len() - 1));
    let second = if second >= first { second + 1 } else { second };
    (others[first], others[second])
}

fn motif_in(sheet: &mut Sheet, tile: Area, motif: usize, front: Color, back: Color, turn: usize) {
    let side = tile.width;
    let middle = (tile.x + side / 2.0, tile.y + side / 2.0);
    let corners = [
        (tile.x, tile.y),
        (tile.right(), tile.y),
        (tile.right(), tile.bottom()),
        (tile.x, tile.bottom()),
    ];
    let corner = corners[turn];
    let quarter = turn as f32 * FRAC_PI_2;
    match motif {
        0 => sheet.fill(front, |path| slice(path, corner, side, quarter, FRAC_PI_2)),
        1 => {
            sheet.fill(front, |path| slice(path, corner, side, quarter, FRAC_PI_2));
            sheet.fill(back, |path| {
                slice(path, corner, side / 2.0, quarter, FRAC_PI_2)
            });
        }
        2 => {
            // A leaf: the overlap of two quarters from opposite corners.
            let opposite = corners[(turn + 2) % 4];
            sheet.fill(front, |path| {
                arc(path, corner, side, quarter, FRAC_PI_2);
                crate::shapes::arc_on(path, opposite, side, quarter + PI, FRAC_PI_2);
                path.close();
            });
        }
        3 => {
            let edge = polar(middle, quarter, side / 2.0);
            sheet.fill(front, |path| {
                slice(path, edge, side / 2.0, quarter + FRAC_PI_2, PI)
            });
            let far = polar(middle, quarter, -side / 2.0);
            sheet.fill(back, |path| {
                slice(path, far, side / 2.0, quarter - FRAC_PI_2, PI)
            });
        }
        4 => {
            sheet.fill(front, |path| {
                path.push_circle(middle.0, middle.1, side * 0.5)
            });
            sheet.fill(back, |path| {
                path.push_circle(middle.0, middle.1, side * 0.25)
            });
        }
        5 => {
            let next = corners[(turn + 1) % 4];
            let before = corners[(turn + 3) % 4];
            sheet.fill(front, |path| polygon(path, &[corner, next, before]));
        }
        _ => {
            for index in 0..3 {
                let reach = side * (1.0 - index as f32 / 3.0);
                let color = if index == 1 { back } else { front };
                sheet.fill(color, |path| slice(path, corner, reach, quarter, FRAC_PI_2));
            }
        }
    }
}

/// A sun with rings over rolling ground.
fn horizon(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &mut Seed) {
    let sun = (
        area.x + area.width * seed.between(0.3, 0.7),
        area.y + area.height * seed.between(0.42, 0.55),
    );
    let radius = (area.height * seed.between(0.24, 0.3)).clamp(90.0, 230.0);
    let [first, second, ..] = [palette.shapes[0], palette.shapes[1]];
    for ring in (1..=5).rev() {
        sheet.stroke(palette.shapes[3], 3.0, |path| {
            path.push_circle(sun.0, sun.1, radius + ring as f32 * radius * 0.26);
        });
    }
    sheet.fill(first, |path| path.push_circle(sun.0, sun.1, radius));
    let layers = [
        palette.shapes[3],
        second,
        palette.shapes[2],
        palette.shapes[3],
    ];
    let phase = seed.between(0.0, TAU);
    for (index, color) in layers.into_iter().enumerate() {
        let depth = index as f32 / layers.len() as f32;
        let base = area.y + area.height * (0.62 + 0.34 * depth);
        let swing = area.height * seed.between(0.05, 0.10);
        let waves = seed.between(0.7, 1.5);
        let shift = phase + index as f32 * 1.9;
        sheet.fill(color, |path| {
            path.move_to(area.x, area.bottom() + 2.0);
            for step in 0..=60_u32 {
                let along = step as f32 / 60.0;
                path.line_to(
                    area.x + area.width * along,
                    base + swing * libm::sinf(along * TAU * waves + shift),
                );
            }
            path.line_to(area.right(), area.bottom() + 2.0);
            path.close();
        });
    }
}

/// Rays from a point on the lower edge, and half discs around it.
fn burst(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &mut Seed) {
    let colors = shuffled(palette, seed);
    let center = (
        area.x + area.width * seed.pick(&[0.22, 0.5, 0.78]),
        area.bottom(),
    );
    let rays = seed.pick(&[22_u32, 28, 36]);
    let reach = area.width + area.height;
    let width = PI / rays as f32;
    for ray in (0..rays).step_by(2) {
        sheet.fill(palette.shapes[3], |path| {
            let from = PI + width * ray as f32;
            polygon(
                path,
                &[
                    center,
                    polar(center, from, reach),
                    polar(center, from + width, reach),
                ],
            );
        });
    }
    let rings = seed.pick(&[4_usize, 5, 6]);
    let outermost = area.height * 0.78;
    for ring in 0..rings {
        let radius = outermost * (1.0 - ring as f32 / rings as f32);
        let color = if ring % 2 == 1 {
            palette.field
        } else {
            colors[(ring / 2) % 4]
        };
        sheet.fill(color, |path| dome(path, center, radius));
    }
}

/// Broad parallel bands that sweep across.
fn ribbons(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &mut Seed) {
    let colors = shuffled(palette, seed);
    let count = seed.pick(&[7_usize, 8, 9]);
    let width = area.height / count as f32 * 0.98;
    let phase = seed.between(0.0, TAU);
    let swing = area.height * seed.between(0.2, 0.3);
    let slope = area.height * seed.between(-0.5, 0.5);
    let waves = seed.between(0.75, 1.15);
    let span = count as f32 * width;
    for index in 0..count {
        if index % 5 == 4 {
            continue;
        }
        let offset = (index as f32 + 0.5) * width - span / 2.0;
        sheet.stroke(colors[index % 5 % 4], width + 0.8, |path| {
            for step in 0..=90_u32 {
                let along = step as f32 / 90.0 * 1.2 - 0.1;
                let x = area.x + area.width * along;
                let y = area.y
                    + area.height * 0.5
                    + offset
                    + slope * (along - 0.5)
                    + swing * libm::sinf(along * TAU * waves + phase);
                if step == 0 {
                    path.move_to(x, y)
                } else {
                    path.line_to(x, y)
                }
            }
        });
    }
}

/// Rows of concentric arches, each row shifted by half an arch.
fn arches(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &mut Seed) {
    let across = seed.pick(&[3_usize, 4]).max((area.width / 330.0) as usize);
    let radius = area.width / across as f32 / 2.0;
    let rise = radius * seed.pick(&[1.0, 0.75]);
    let rows = libm::ceilf(area.height / rise) as usize + 1;
    let rings = seed.pick(&[4_usize, 5]);
    for row in (0..rows).rev() {
        let base = area.bottom() - row as f32 * rise;
        let aside = if row % 2 == 0 { 0.0 } else { radius };
        for column in 0..=across {
            let center = (area.x + column as f32 * radius * 2.0 + aside, base);
            let start = seed.below(4);
            for ring in 0..rings {
                let color = if ring % 2 == 1 {
                    palette.field
                } else {
                    palette.shapes[(start + ring / 2) % 4]
                };
                let reach = radius * (1.0 - ring as f32 / rings as f32);
                sheet.fill(color, |path| dome(path, center, reach));
            }
        }
    }
}

/// Dots that grow towards one point, over a large disc.
fn halftone(sheet: &mut Sheet, area: Area, palette: &Palette, seed: &mut Seed) {
    let colors = shuffled(palette, seed);
    let focus = (
        area.x + area.width * seed.pick(&[0.28, 0.5, 0.72]),
        area.y + area.height * seed.between(0.4, 0.6),
    );
    let disc = (area.height * 0.42).min(area.width * 0.4);
    sheet.fill(colors[0], |path| path.push_circle(focus.0, focus.1, disc));
    let pitch = seed.pick(&[36.0_f32, 45.0, 54.0]);
    let (columns, rows) = (
        (area.width / pitch) as i32 + 2,
        (area.height / pitch) as i32 + 2,
    );
    let longest = libm::hypotf(area.width, area.height) * 0.72;
    let dots = |inside: bool| {
        move |path: &mut tiny_skia::PathBuilder| {
            for row in -1..=rows {
                for column in -1..=columns {
                    let aside = if row % 2 == 0 { 0.0 } else { pitch / 2.0 };
                    // The rows are counted from the lower edge, the lowest half a pitch above the
                    // paper.
                    let (x, y) = (
                        area.x + column as f32 * pitch + aside,
                        area.bottom() - (row as f32 + 0.5) * pitch,
                    );
                    let distance = libm::hypotf(x - focus.0, y - focus.1);
                    let nearness = (1.0 - distance / longest).clamp(0.0, 1.0);
                    let radius = if inside {
                        pitch * 0.44 * nearness
                    } else {
                        pitch * 0.5 * nearness * nearness
                    };
                    // A dot across the disc's edge would cut into the disc.
                    let clear = if inside {
                        distance + radius < disc
                    } else {
                        distance - radius > disc
                    };
                    if clear && radius > 1.2 {
                        path.push_circle(x, y, radius);
                    }
                }
            }
        }
    };
    sheet.fill(colors[1], dots(false));
    sheet.fill(palette.field, dots(true));
}

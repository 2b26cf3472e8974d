//! The basic shapes of the art, as paths made from numbers: there is no markup that a text could
//! enter.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use tiny_skia::PathBuilder;

use crate::check::Area;

/// A rectangle.
pub(crate) fn rectangle(path: &mut PathBuilder, area: Area) {
    path.move_to(area.x, area.y);
    path.line_to(area.right(), area.y);
    path.line_to(area.right(), area.bottom());
    path.line_to(area.x, area.bottom());
    path.close();
}

/// A closed polygon.
pub(crate) fn polygon(path: &mut PathBuilder, points: &[(f32, f32)]) {
    for (index, (x, y)) in points.iter().enumerate() {
        if index == 0 {
            path.move_to(*x, *y)
        } else {
            path.line_to(*x, *y)
        }
    }
    path.close();
}

/// The point at `angle` (radians, clockwise from the right) and `distance` from a centre.
pub(crate) fn polar((x, y): (f32, f32), angle: f32, distance: f32) -> (f32, f32) {
    (
        x + distance * libm::cosf(angle),
        y + distance * libm::sinf(angle),
    )
}

/// Continues along a circle, from `from` by `sweep` radians; the pen must be at its beginning.
pub(crate) fn arc_on(
    path: &mut PathBuilder,
    center: (f32, f32),
    radius: f32,
    from: f32,
    sweep: f32,
) {
    // Up to a quarter, a cubic curve looks like a circle.
    let steps = libm::ceilf(sweep.abs() / FRAC_PI_2).max(1.0);
    let step = sweep / steps;
    let reach = radius * 4.0 / 3.0 * libm::tanf(step / 4.0);
    for index in 0..steps as u32 {
        let (begin, end) = (from + step * index as f32, from + step * (index + 1) as f32);
        let first = polar(polar(center, begin, radius), begin + FRAC_PI_2, reach);
        let second = polar(polar(center, end, radius), end - FRAC_PI_2, reach);
        let last = polar(center, end, radius);
        path.cubic_to(first.0, first.1, second.0, second.1, last.0, last.1);
    }
}

/// An arc as a new contour.
pub(crate) fn arc(path: &mut PathBuilder, center: (f32, f32), radius: f32, from: f32, sweep: f32) {
    let begin = polar(center, from, radius);
    path.move_to(begin.0, begin.1);
    arc_on(path, center, radius, from, sweep);
}

/// A slice of a disc, with its tip at the centre.
pub(crate) fn slice(
    path: &mut PathBuilder,
    center: (f32, f32),
    radius: f32,
    from: f32,
    sweep: f32,
) {
    path.move_to(center.0, center.1);
    let begin = polar(center, from, radius);
    path.line_to(begin.0, begin.1);
    arc_on(path, center, radius, from, sweep);
    path.close();
}

/// The upper half of a disc.
pub(crate) fn dome(path: &mut PathBuilder, center: (f32, f32), radius: f32) {
    slice(path, center, radius, PI, PI);
}

/// A petal from `inner` to `outer` along `angle`, `breadth` wide at its middle.
pub(crate) fn petal(
    path: &mut PathBuilder,
    center: (f32, f32),
    angle: f32,
    inner: f32,
    outer: f32,
    breadth: f32,
) {
    let (root, tip) = (polar(center, angle, inner), polar(center, angle, outer));
    let middle = polar(center, angle, inner + (outer - inner) * 0.55);
    let left = polar(middle, angle - FRAC_PI_2, breadth * 0.68);
    let right = polar(middle, angle + FRAC_PI_2, breadth * 0.68);
    path.move_to(root.0, root.1);
    path.quad_to(left.0, left.1, tip.0, tip.1);
    path.quad_to(right.0, right.1, root.0, root.1);
    path.close();
}

/// A star with `points` points.
pub(crate) fn star(
    path: &mut PathBuilder,
    center: (f32, f32),
    points: u32,
    outer: f32,
    inner: f32,
    turn: f32,
) {
    let corners: Vec<_> = (0..points * 2)
        .map(|index| {
            let distance = if index % 2 == 0 { outer } else { inner };
            polar(
                center,
                turn + TAU * index as f32 / (points * 2) as f32,
                distance,
            )
        })
        .collect();
    polygon(path, &corners);
}

/// A diamond.
pub(crate) fn diamond(
    path: &mut PathBuilder,
    (x, y): (f32, f32),
    half_width: f32,
    half_height: f32,
) {
    polygon(
        path,
        &[
            (x, y - half_height),
            (x + half_width, y),
            (x, y + half_height),
            (x - half_width, y),
        ],
    );
}

/// A rectangle with rounded corners.
pub(crate) fn rounded(path: &mut PathBuilder, area: Area, radius: f32) {
    let radius = radius.min(area.width / 2.0).min(area.height / 2.0);
    path.move_to(area.x + radius, area.y);
    for (center, from) in [
        ((area.right() - radius, area.y + radius), -FRAC_PI_2),
        ((area.right() - radius, area.bottom() - radius), 0.0),
        ((area.x + radius, area.bottom() - radius), FRAC_PI_2),
        ((area.x + radius, area.y + radius), PI),
    ] {
        let begin = polar(center, from, radius);
        path.line_to(begin.0, begin.1);
        arc_on(path, center, radius, from, FRAC_PI_2);
    }
    path.close();
}

//! Icons, drawn as paths, because a font may lack a pin.

use contract::Color;

use crate::sheet::Sheet;

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// A place.
    Pin,
}

/// Draws `icon` in a square of `side` pixels with its upper left corner at `x`, `y`.
pub(crate) fn draw(sheet: &mut Sheet, icon: Icon, color: Color, x: f32, y: f32, side: f32) {
    // The icons are drawn on a grid of 24.
    let unit = side / 24.0;
    let at = |column: f32, row: f32| (x + column * unit, y + row * unit);
    let pen = 2.0 * unit;
    match icon {
        Icon::Pin => sheet.stroke(color, pen, |path| {
            let (x, y) = at(12.0, 9.8);
            path.push_circle(x, y, 2.6 * unit);
            let (tip, left, right, top) =
                (at(12.0, 22.0), at(4.5, 9.8), at(19.5, 9.8), at(12.0, 2.2));
            let (low_left, low_right) = (at(4.5, 14.4), at(19.5, 14.4));
            let (high_left, high_right) = (at(4.5, 5.6), at(19.5, 5.6));
            let (near_left, near_right) = (at(9.4, 19.0), at(14.6, 19.0));
            path.move_to(tip.0, tip.1);
            path.cubic_to(
                near_left.0,
                near_left.1,
                low_left.0,
                low_left.1,
                left.0,
                left.1,
            );
            path.cubic_to(
                high_left.0,
                high_left.1,
                at(7.9, 2.2).0,
                top.1,
                top.0,
                top.1,
            );
            path.cubic_to(
                at(16.1, 2.2).0,
                top.1,
                high_right.0,
                high_right.1,
                right.0,
                right.1,
            );
            path.cubic_to(
                low_right.0,
                low_right.1,
                near_right.0,
                near_right.1,
                tip.0,
                tip.1,
            );
            path.close();
        }),
    }
}

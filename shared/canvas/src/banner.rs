//! Banners: small, placed on other people's pages, and seen in passing. A banner has a title, one
//! or two facts and a button, and a line around it that marks its edge.

use crate::{
    art,
    check::Area,
    fonts::TypeStyle,
    panel::{self, Panel, Piece, Setting, Stand},
    pen::Pen,
    shapes::rectangle,
};

/// The distance from every edge to the nearest text.
pub(crate) const MARGIN: f32 = 4.0;
/// The smallest type on a banner; smaller type is unreadable.
const SMALLEST: f32 = 11.0;

/// The distance of a logo's plate from the edges, and about that of the logo from its plate's.
const LOGO_EDGE: f32 = 10.0;
/// The longer side of a logo that is not a speck, on a banner.
const LEAST_LOGO: f32 = 16.0;

const UPRIGHT: Setting = Setting {
    pieces: &[
        Piece::Label,
        Piece::Title,
        Piece::Date,
        Piece::Place,
        Piece::Button,
    ],
    dispensable: &[Piece::Place, Piece::Date, Piece::Label],
    type_style: TypeStyle::Loud,
    title: 34.0,
    good_title: 17.0,
    smallest_title: 13.0,
    title_lines: 5,
    label: 13.0,
    fact: 13.5,
    fact_lines: 1,
    button: 14.0,
    logo: 30.0,
    gap: 8.0,
    stand: Stand::Middle,
};

/// The billboard: picture, words, and a button of its own at the end.
pub(crate) fn billboard(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        pieces: &[Piece::Label, Piece::Title, Piece::Date, Piece::Place],
        title: 68.0,
        good_title: 30.0,
        smallest_title: 20.0,
        title_lines: 4,
        label: 17.0,
        fact: 18.0,
        gap: 10.0,
        ..UPRIGHT
    };
    row(
        pen,
        &Row {
            picture_width: 250.0,
            inset: 22.0,
            button_size: 22.0,
            setting: SETTING,
        },
    );
}

/// The leaderboard: two lines high, so a title with the day under it.
pub(crate) fn leaderboard(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        pieces: &[Piece::Title, Piece::Date],
        dispensable: &[Piece::Date],
        title: 34.0,
        good_title: 19.0,
        smallest_title: 14.0,
        title_lines: 3,
        fact: 14.0,
        gap: 5.0,
        ..UPRIGHT
    };
    row(
        pen,
        &Row {
            picture_width: 116.0,
            inset: 9.0,
            button_size: 15.0,
            setting: SETTING,
        },
    );
}

/// The mobile banner: the title and a button.
pub(crate) fn mobile(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        pieces: &[Piece::Title],
        dispensable: &[],
        title: 22.0,
        good_title: SMALLEST,
        smallest_title: SMALLEST,
        title_lines: 2,
        ..UPRIGHT
    };
    row(
        pen,
        &Row {
            picture_width: 44.0,
            inset: 5.0,
            button_size: 12.0,
            setting: SETTING,
        },
    );
}

/// The medium rectangle: the picture as a strip above.
pub(crate) fn medium_rectangle(pen: &mut Pen<'_>) {
    column(pen, 84.0, 16.0, &UPRIGHT);
}

/// The wide skyscraper: read from top to bottom, with the button at the foot.
pub(crate) fn skyscraper(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        title: 30.0,
        title_lines: 12,
        fact_lines: 2,
        gap: 12.0,
        ..UPRIGHT
    };
    column(pen, 196.0, 13.0, &SETTING);
}

/// The measures of a banner that is wider than high, in pixels.
struct Row {
    picture_width: f32,
    /// The distance between its parts.
    inset: f32,
    /// The font size of the button.
    button_size: f32,
    setting: Setting,
}

/// Draws picture, words and button side by side.
fn row(pen: &mut Pen<'_>, row: &Row) {
    let Pen { page, palette, .. } = *pen;
    let (width, height) = (pen.sheet.width(), pen.sheet.height());
    let picture = Area {
        x: 0.0,
        y: 0.0,
        width: row.picture_width,
        height,
    };
    art::draw(pen, page.mirrored(picture, width));
    let paper = Area {
        x: row.picture_width,
        y: 0.0,
        width: width - row.picture_width,
        height,
    };
    pen.sheet.fill(palette.paper, |path| {
        rectangle(path, page.mirrored(paper, width))
    });

    let mut words = Area {
        x: paper.x + row.inset * 1.4,
        y: row.inset,
        width: paper.width - row.inset * 2.8,
        height: height - 2.0 * row.inset,
    };
    words.width -= button_at_end(pen, row, paper, words);
    let beside = logo_at_end(pen, row, paper, words);
    words.width -= beside;
    if beside == 0.0 {
        let free = row.picture_width - 4.0 * LOGO_EDGE;
        logo_on_picture(pen, free, height * 0.3);
    }
    panel::draw(pen, page.mirrored(words, width), &row.setting);
    frame(pen);
}

/// Draws the button at the far end of `words`, if there is one, and returns the width that it takes
/// from them: at most two fifths of the paper, and the gap.
fn button_at_end(pen: &mut Pen<'_>, row: &Row, paper: Area, words: Area) -> f32 {
    let Some(block) = panel::button(pen, paper.width * 0.4, row.button_size) else {
        return 0.0;
    };
    let size = panel::button_size(&block);
    let place = Area {
        x: words.right() - size.width,
        y: 0.0,
        width: size.width,
        height: size.height,
    };
    let place = pen.page.mirrored(place, pen.sheet.width());
    let y = (pen.sheet.height() - size.height) / 2.0;
    panel::draw_button(pen, &block, place.x, y);
    size.width + row.inset * 1.4
}

/// Draws the logo at the far end of `words`, if there is one, and returns the width that it takes
/// from them. It is left out if it would leave too little room for the words.
fn logo_at_end(pen: &mut Pen<'_>, row: &Row, paper: Area, words: Area) -> f32 {
    let Pen { page, palette, .. } = *pen;
    let Some(logo) = page.logo else { return 0.0 };
    let height = pen.sheet.height();
    let size = logo.fit(height * 0.9, height * 0.56);
    if words.width - size.width <= paper.width * 0.36 {
        return 0.0;
    }
    let place = Area {
        x: words.right() - size.width,
        y: (height - size.height) / 2.0,
        width: size.width,
        height: size.height,
    };
    let place = page.mirrored(place, pen.sheet.width());
    pen.sheet.logo(logo, place, palette.paper);
    size.width + row.inset * 1.4
}

/// Draws the picture above, at least `least_picture` high, and the words below. The picture takes
/// the height that the words leave.
fn column(pen: &mut Pen<'_>, least_picture: f32, inset: f32, setting: &Setting) {
    let (width, height) = (pen.sheet.width(), pen.sheet.height());
    let (above, below) = ((inset * 0.75).round(), inset);
    let inner = Area {
        x: inset,
        y: 0.0,
        width: width - 2.0 * inset,
        height: height - least_picture - above - below,
    };
    let panel = Panel::set(pen, inner, setting);
    let paper_height = (panel.height + above + below).ceil();
    let picture = Area {
        x: 0.0,
        y: 0.0,
        width,
        height: (height - paper_height).max(least_picture),
    };
    art::draw(pen, picture);
    let paper = Area {
        y: picture.height,
        height: height - picture.height,
        ..picture
    };
    pen.sheet
        .fill(pen.palette.paper, |path| rectangle(path, paper));
    logo_on_picture(pen, width * 0.5, 34.0);
    panel.draw(
        pen,
        Area {
            y: paper.y + above,
            ..inner
        },
    );
    frame(pen);
}

/// Draws the logo on a plate in the upper corner where lines begin, in a box of this size; not if it
/// would be a speck.
fn logo_on_picture(pen: &mut Pen<'_>, box_width: f32, box_height: f32) {
    let Pen { page, palette, .. } = *pen;
    let Some(logo) = page.logo else { return };
    let size = logo.fit(box_width, box_height);
    if size.width.max(size.height) < LEAST_LOGO {
        return;
    }
    let plate = Area {
        x: LOGO_EDGE,
        y: LOGO_EDGE,
        width: size.width + 12.0,
        height: size.height + 12.0,
    };
    let plate = page.mirrored(plate, pen.sheet.width());
    pen.sheet.fill(palette.paper, |path| rectangle(path, plate));
    let place = Area {
        x: plate.x + 6.0,
        y: plate.y + 6.0,
        width: size.width,
        height: size.height,
    };
    pen.sheet.logo(logo, place, palette.paper);
}

/// Draws the line around a banner.
fn frame(pen: &mut Pen<'_>) {
    let Area { width, height, .. } = pen.sheet.area();
    for (x, y, width, height) in [
        (0.0, 0.0, width, 1.0),
        (0.0, height - 1.0, width, 1.0),
        (0.0, 0.0, 1.0, height),
        (width - 1.0, 0.0, 1.0, height),
    ] {
        let side = Area {
            x,
            y,
            width,
            height,
        };
        pen.sheet
            .fill(pen.palette.soft, |path| rectangle(path, side));
    }
}

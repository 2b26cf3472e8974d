//! Social media posts: the square, the portrait and the story. Each is seen for a second on a
//! phone, so each shows few words, in large type.

use crate::{
    art,
    check::Area,
    fonts::TypeStyle,
    panel::{Panel, Piece, Setting, Stand},
    pen::Pen,
    shapes::{rectangle, rounded},
};

/// The distance from every edge of a post to the nearest text.
pub(crate) const MARGIN: f32 = 64.0;
/// The heights of a story that a phone covers: names above, a reply field below.
pub(crate) const STORY_TOP: f32 = 250.0;
pub(crate) const STORY_BOTTOM: f32 = 340.0;

const POST: Setting = Setting {
    pieces: &[
        Piece::Label,
        Piece::Title,
        Piece::Rule,
        Piece::Date,
        Piece::Place,
        Piece::Organizer,
        Piece::Button,
    ],
    dispensable: &[Piece::Organizer, Piece::Rule, Piece::Place],
    type_style: TypeStyle::Loud,
    title: 168.0,
    good_title: 60.0,
    smallest_title: 34.0,
    title_lines: 7,
    label: 34.0,
    fact: 38.0,
    fact_lines: 1,
    button: 38.0,
    logo: 84.0,
    gap: 26.0,
    stand: Stand::Middle,
};

const STORY: Setting = Setting {
    pieces: &[
        Piece::Logo,
        Piece::Label,
        Piece::Title,
        Piece::Description,
        Piece::Rule,
        Piece::Date,
        Piece::Time,
        Piece::Place,
        Piece::Organizer,
        Piece::Button,
    ],
    dispensable: &[
        Piece::Description,
        Piece::Organizer,
        Piece::Rule,
        Piece::Time,
    ],
    title: 200.0,
    good_title: 70.0,
    title_lines: 9,
    label: 36.0,
    fact: 40.0,
    fact_lines: 2,
    button: 42.0,
    logo: 100.0,
    gap: 34.0,
    stand: Stand::Middle,
    ..POST
};

/// The square: the picture on all of it, and a card as high as its text.
pub(crate) fn square(pen: &mut Pen<'_>) {
    const HIGHEST: f32 = 720.0;
    const ABOVE: f32 = 54.0;
    let whole = pen.sheet.area();
    art::draw(pen, whole);
    let card = pen.page.mirrored(
        Area {
            width: 936.0,
            ..whole
        },
        pen.sheet.width(),
    );
    let inner = Area {
        x: card.x + MARGIN,
        y: 0.0,
        width: card.width - 2.0 * MARGIN,
        height: HIGHEST - ABOVE - MARGIN,
    };
    let panel = Panel::set(pen, inner, &POST);
    let height = (panel.height + ABOVE + MARGIN).ceil();
    let card = Area {
        y: pen.sheet.height() - height,
        height,
        ..card
    };
    pen.sheet
        .fill(pen.palette.paper, |path| rectangle(path, card));
    panel.draw(
        pen,
        Area {
            y: card.y + ABOVE,
            ..inner
        },
    );
    corner_logo(pen, 120.0);
}

/// The portrait: the text above, the picture below it, rising in an arch.
pub(crate) fn portrait(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        pieces: &[
            Piece::Logo,
            Piece::Label,
            Piece::Title,
            Piece::Description,
            Piece::Date,
            Piece::Place,
            Piece::Organizer,
            Piece::Button,
        ],
        dispensable: &[Piece::Description, Piece::Organizer, Piece::Place],
        title: 210.0,
        good_title: 64.0,
        stand: Stand::Top,
        gap: 28.0,
        ..POST
    };
    const LOWEST: f32 = 860.0;
    const HIGHEST: f32 = 520.0;
    let inner = Area {
        x: MARGIN,
        y: MARGIN + 8.0,
        width: pen.sheet.width() - 2.0 * MARGIN,
        height: LOWEST - 2.0 * MARGIN,
    };
    let panel = Panel::set(pen, inner, &SETTING);
    let y = (inner.y + panel.height + MARGIN).max(HIGHEST).round();
    let picture = Area {
        x: 0.0,
        y,
        width: pen.sheet.width(),
        height: pen.sheet.height() - y,
    };
    art::draw(pen, picture);
    pen.sheet.fill(pen.palette.paper, |path| {
        rectangle(
            path,
            Area {
                y: 0.0,
                height: y,
                ..picture
            },
        )
    });
    panel.draw(pen, inner);
}

/// The story: the picture from edge to edge, and a card in the part that the phone leaves visible.
pub(crate) fn story(pen: &mut Pen<'_>) {
    const PAD: f32 = 72.0;
    let whole = pen.sheet.area();
    art::draw(pen, whole);
    let room = Area {
        x: 60.0,
        y: STORY_TOP,
        width: pen.sheet.width() - 120.0,
        height: pen.sheet.height() - STORY_BOTTOM - STORY_TOP,
    };
    let inner = Area {
        x: room.x + PAD,
        width: room.width - 2.0 * PAD,
        height: room.height - 2.0 * PAD,
        ..room
    };
    let panel = Panel::set(pen, inner, &STORY);
    let height = (panel.height + 2.0 * PAD).ceil();
    let card = Area {
        y: (room.bottom() - height).round(),
        height,
        ..room
    };
    pen.sheet
        .fill(pen.palette.paper, |path| rounded(path, card, 44.0));
    panel.draw(
        pen,
        Area {
            y: card.y + PAD,
            ..inner
        },
    );
}

/// Draws the logo in the upper corner where lines begin, on a plate that separates it from the
/// picture.
pub(crate) fn corner_logo(pen: &mut Pen<'_>, side: f32) {
    let Pen { page, palette, .. } = *pen;
    let Some(logo) = page.logo else { return };
    let size = logo.fit(side * 1.8, side);
    let pad = (side * 0.22).round();
    let edge = (side * 0.4).round();
    let plate = Area {
        x: edge,
        y: edge,
        width: size.width + 2.0 * pad,
        height: size.height + 2.0 * pad,
    };
    let plate = page.mirrored(plate, pen.sheet.width());
    pen.sheet
        .fill(palette.paper, |path| rounded(path, plate, pad));
    pen.sheet.logo(
        logo,
        Area {
            x: plate.x + pad,
            y: plate.y + pad,
            width: size.width,
            height: size.height,
        },
        palette.paper,
    );
}

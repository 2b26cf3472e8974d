//! The wide formats: the landscape post, the link preview and the event's cover. The text is on the
//! side where reading begins, the picture on the other.

use crate::{
    art,
    check::Area,
    fonts::TypeStyle,
    panel::{self, Piece, Setting, Stand},
    pen::Pen,
    shapes::rectangle,
};

/// The distance from every edge to the nearest text.
pub(crate) const MARGIN: f32 = 48.0;

const LANDSCAPE: Setting = Setting {
    pieces: &[
        Piece::Logo,
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
    title: 186.0,
    good_title: 56.0,
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

/// The landscape post: two halves.
pub(crate) fn landscape(pen: &mut Pen<'_>) {
    split(pen, 940.0, 80.0, &LANDSCAPE);
}

/// The link preview: mostly title, because it is shown at a third of its size beside a message.
pub(crate) fn link_preview(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        pieces: &[
            Piece::Logo,
            Piece::Label,
            Piece::Title,
            Piece::Date,
            Piece::Place,
            Piece::Organizer,
            Piece::Button,
        ],
        dispensable: &[Piece::Organizer, Piece::Button, Piece::Place, Piece::Label],
        title: 150.0,
        good_title: 58.0,
        title_lines: 6,
        label: 30.0,
        fact: 33.0,
        button: 30.0,
        logo: 64.0,
        gap: 20.0,
        ..LANDSCAPE
    };
    split(pen, 820.0, 56.0, &SETTING);
}

/// The cover of an event's page: two halves, in large type.
pub(crate) fn cover(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        title: 200.0,
        good_title: 66.0,
        label: 36.0,
        fact: 38.0,
        button: 38.0,
        logo: 100.0,
        gap: 30.0,
        ..LANDSCAPE
    };
    split(pen, 1060.0, 96.0, &SETTING);
}

/// Paper of width `width` where reading begins, with the picture beside it.
fn split(pen: &mut Pen<'_>, width: f32, inset: f32, setting: &Setting) {
    let page = pen.page;
    let picture = Area {
        x: width,
        y: 0.0,
        width: pen.sheet.width() - width,
        height: pen.sheet.height(),
    };
    let picture_place = page.mirrored(picture, pen.sheet.width());
    art::draw(pen, picture_place);
    let paper = page.mirrored(
        Area {
            x: 0.0,
            width,
            ..picture
        },
        pen.sheet.width(),
    );
    pen.sheet
        .fill(pen.palette.paper, |path| rectangle(path, paper));
    let inner = Area {
        x: paper.x + inset,
        y: inset,
        width: paper.width - 2.0 * inset,
        height: pen.sheet.height() - 2.0 * inset,
    };
    panel::draw(pen, inner, setting);
}

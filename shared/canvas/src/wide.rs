//! The wide formats: the landscape post, the link preview and the event's cover. The text is on the
//! side where reading begins, the picture on the other.

use crate::{
    art,
    check::Area,
    fonts::Voice,
    page::Page,
    palette::Palette,
    panel::{self, Piece, Setting, Stand},
    shapes::rectangle,
    sheet::Sheet,
    text::Typesetter,
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
    voice: Voice::Loud,
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
pub(crate) fn landscape(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
    split(typesetter, sheet, page, palette, 940.0, 80.0, &LANDSCAPE);
}

/// The link preview: mostly title, because it is shown at a third of its size beside a message.
pub(crate) fn link_preview(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
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
    split(typesetter, sheet, page, palette, 820.0, 56.0, &SETTING);
}

/// The cover of an event's page: a wide picture, with the words on a broad band of paper over it.
pub(crate) fn cover(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
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
    let whole = Area {
        x: 0.0,
        y: 0.0,
        width: sheet.width(),
        height: sheet.height(),
    };
    art::draw(sheet, whole, palette, &page.seed);
    let band = Area {
        x: 96.0,
        y: 0.0,
        width: 1010.0,
        height: sheet.height(),
    };
    let band = page.mirrored(band, sheet.width());
    sheet.fill(palette.paper, |path| rectangle(path, band));
    let inner = Area {
        x: band.x + 80.0,
        y: 90.0,
        width: band.width - 160.0,
        height: sheet.height() - 180.0,
    };
    panel::draw(typesetter, sheet, page, palette, inner, &SETTING);
}

/// Paper of width `width` where reading begins, with the picture beside it.
fn split(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
    width: f32,
    inset: f32,
    setting: &Setting,
) {
    let picture = Area {
        x: width,
        y: 0.0,
        width: sheet.width() - width,
        height: sheet.height(),
    };
    art::draw(
        sheet,
        page.mirrored(picture, sheet.width()),
        palette,
        &page.seed,
    );
    let paper = page.mirrored(
        Area {
            x: 0.0,
            width,
            ..picture
        },
        sheet.width(),
    );
    sheet.fill(palette.paper, |path| rectangle(path, paper));
    let inner = Area {
        x: paper.x + inset,
        y: inset,
        width: paper.width - 2.0 * inset,
        height: sheet.height() - 2.0 * inset,
    };
    panel::draw(typesetter, sheet, page, palette, inner, setting);
}

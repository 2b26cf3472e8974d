//! The pictures of an article: the one at its head, in which the art dominates, and the thumbnail
//! in a list.

use crate::{
    art,
    check::Area,
    fonts::TypeStyle,
    panel::{self, Piece, Setting, Stand},
    pen::Pen,
    shapes::rectangle,
    social::corner_logo,
};

/// The distance from every edge of an article's picture to the nearest text.
pub(crate) const MARGIN: f32 = 64.0;
/// The same for a thumbnail.
pub(crate) const THUMBNAIL_MARGIN: f32 = 18.0;

/// The picture at the head of an article. The page shows the title again, so here it is one line
/// under the art.
pub(crate) fn blog_image(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        pieces: &[Piece::Label, Piece::Title, Piece::Organizer],
        dispensable: &[Piece::Organizer],
        type_style: TypeStyle::Festive,
        title: 96.0,
        good_title: 44.0,
        smallest_title: 32.0,
        title_lines: 4,
        label: 30.0,
        fact: 30.0,
        fact_lines: 1,
        button: 30.0,
        logo: 84.0,
        gap: 22.0,
        stand: Stand::Middle,
    };
    const BAND: f32 = 310.0;
    let picture = Area {
        x: 0.0,
        y: 0.0,
        width: pen.sheet.width(),
        height: pen.sheet.height() - BAND,
    };
    art::draw(pen, picture);
    let band = Area {
        y: picture.height,
        height: BAND,
        ..picture
    };
    pen.sheet
        .fill(pen.palette.paper, |path| rectangle(path, band));
    let inner = Area {
        x: 90.0,
        y: band.y + 36.0,
        width: band.width - 180.0,
        height: BAND - 36.0 - MARGIN,
    };
    panel::draw(pen, inner, &SETTING);
    corner_logo(pen, 110.0);
}

/// The thumbnail: the art, and as much of the title as is readable at that size.
pub(crate) fn thumbnail(pen: &mut Pen<'_>) {
    const SETTING: Setting = Setting {
        pieces: &[Piece::Label, Piece::Title],
        dispensable: &[Piece::Label],
        type_style: TypeStyle::Loud,
        title: 54.0,
        good_title: 24.0,
        smallest_title: 19.0,
        title_lines: 4,
        label: 16.0,
        fact: 16.0,
        fact_lines: 1,
        button: 16.0,
        logo: 36.0,
        gap: 8.0,
        stand: Stand::Middle,
    };
    const BAND: f32 = 142.0;
    let picture = Area {
        x: 0.0,
        y: 0.0,
        width: pen.sheet.width(),
        height: pen.sheet.height() - BAND,
    };
    art::draw(pen, picture);
    let band = Area {
        y: picture.height,
        height: BAND,
        ..picture
    };
    pen.sheet
        .fill(pen.palette.paper, |path| rectangle(path, band));
    let inner = Area {
        x: 24.0,
        y: band.y + 14.0,
        width: band.width - 48.0,
        height: BAND - 14.0 - 20.0,
    };
    panel::draw(pen, inner, &SETTING);
    corner_logo(pen, 40.0);
}

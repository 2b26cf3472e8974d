//! Banners: small, placed on other people's pages, and seen in passing. A banner has a title, one
//! or two facts and a button, and a line around it that marks its edge.

use crate::{
    art,
    check::Area,
    fonts::Voice,
    page::Page,
    palette::Palette,
    panel::{self, Panel, Piece, Setting, Stand},
    shapes::rectangle,
    sheet::Sheet,
    text::Typesetter,
};

/// The distance from every edge to the nearest text.
pub(crate) const MARGIN: f32 = 4.0;
/// The smallest type on a banner; smaller type is unreadable.
const SMALLEST: f32 = 11.0;

const UPRIGHT: Setting = Setting {
    pieces: &[
        Piece::Label,
        Piece::Title,
        Piece::Date,
        Piece::Place,
        Piece::Button,
    ],
    dispensable: &[Piece::Place, Piece::Date, Piece::Label],
    voice: Voice::Loud,
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
pub(crate) fn billboard(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
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
        typesetter, sheet, page, palette, 250.0, 22.0, 22.0, &SETTING,
    );
}

/// The leaderboard: two lines high, so a title with the day under it.
pub(crate) fn leaderboard(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
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
    row(typesetter, sheet, page, palette, 116.0, 9.0, 15.0, &SETTING);
}

/// The mobile banner: the title and a button.
pub(crate) fn mobile(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
    const SETTING: Setting = Setting {
        pieces: &[Piece::Title],
        dispensable: &[],
        title: 22.0,
        good_title: SMALLEST,
        smallest_title: SMALLEST,
        title_lines: 2,
        ..UPRIGHT
    };
    row(typesetter, sheet, page, palette, 44.0, 5.0, 12.0, &SETTING);
}

/// The medium rectangle: the picture as a strip above.
pub(crate) fn medium_rectangle(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
    column(typesetter, sheet, page, palette, 84.0, 16.0, &UPRIGHT);
}

/// The wide skyscraper: read from top to bottom, with the button at the foot.
pub(crate) fn skyscraper(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
    const SETTING: Setting = Setting {
        title: 30.0,
        title_lines: 12,
        fact_lines: 2,
        gap: 12.0,
        ..UPRIGHT
    };
    column(typesetter, sheet, page, palette, 196.0, 13.0, &SETTING);
}

/// Draws picture, words and button side by side.
#[expect(clippy::too_many_arguments, reason = "a layout is its measures")]
fn row(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
    picture_width: f32,
    inset: f32,
    button_size: f32,
    setting: &Setting,
) {
    let (width, height) = (sheet.width(), sheet.height());
    let picture = Area {
        x: 0.0,
        y: 0.0,
        width: picture_width,
        height,
    };
    art::draw(sheet, page.mirrored(picture, width), palette, &page.seed);
    let paper = Area {
        x: picture_width,
        y: 0.0,
        width: width - picture_width,
        height,
    };
    sheet.fill(palette.paper, |path| {
        rectangle(path, page.mirrored(paper, width))
    });

    let mut words = Area {
        x: paper.x + inset * 1.4,
        y: inset,
        width: paper.width - inset * 2.8,
        height: height - 2.0 * inset,
    };
    // The button takes the width that it needs at the far end, at most two fifths.
    if let Some(block) = panel::button(typesetter, page, palette, paper.width * 0.4, button_size) {
        let (button_width, button_height) = panel::button_size(&block);
        let place = Area {
            x: words.right() - button_width,
            y: 0.0,
            width: button_width,
            height: button_height,
        };
        let place = page.mirrored(place, width);
        panel::draw_button(
            typesetter,
            sheet,
            palette,
            &block,
            place.x,
            (height - button_height) / 2.0,
        );
        words.width -= button_width + inset * 1.4;
    }
    if let Some(logo) = page.logo {
        let (logo_width, logo_height) = logo.fit(height * 0.9, height * 0.56);
        let place = Area {
            x: words.right() - logo_width,
            y: (height - logo_height) / 2.0,
            width: logo_width,
            height: logo_height,
        };
        // The logo is left out if it would leave too little room for the words.
        if words.width - logo_width > paper.width * 0.36 {
            sheet.logo(logo, page.mirrored(place, width), palette.paper);
            words.width -= logo_width + inset * 1.4;
        }
    }
    panel::draw(
        typesetter,
        sheet,
        page,
        palette,
        page.mirrored(words, width),
        setting,
    );
    frame(sheet, palette);
}

/// Draws the picture above, at least `least_picture` high, and the words below. The picture takes
/// the height that the words leave.
fn column(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
    least_picture: f32,
    inset: f32,
    setting: &Setting,
) {
    let (width, height) = (sheet.width(), sheet.height());
    let (above, below) = ((inset * 0.75).round(), inset);
    let inner = Area {
        x: inset,
        y: 0.0,
        width: width - 2.0 * inset,
        height: height - least_picture - above - below,
    };
    let panel = Panel::set(typesetter, page, palette, inner, setting);
    let paper_height = (panel.height + above + below).ceil();
    let picture = Area {
        x: 0.0,
        y: 0.0,
        width,
        height: (height - paper_height).max(least_picture),
    };
    art::draw(sheet, picture, palette, &page.seed);
    let paper = Area {
        y: picture.height,
        height: height - picture.height,
        ..picture
    };
    sheet.fill(palette.paper, |path| rectangle(path, paper));
    if let Some(logo) = page.logo {
        let (logo_width, logo_height) = logo.fit(width * 0.5, 34.0);
        let plate = Area {
            x: 10.0,
            y: 10.0,
            width: logo_width + 12.0,
            height: logo_height + 12.0,
        };
        let plate = page.mirrored(plate, width);
        sheet.fill(palette.paper, |path| rectangle(path, plate));
        let place = Area {
            x: plate.x + 6.0,
            y: plate.y + 6.0,
            width: logo_width,
            height: logo_height,
        };
        sheet.logo(logo, place, palette.paper);
    }
    panel.draw(
        typesetter,
        sheet,
        page,
        palette,
        Area {
            y: paper.y + above,
            ..inner
        },
    );
    frame(sheet, palette);
}

/// Draws the line around a banner.
fn frame(sheet: &mut Sheet, palette: &Palette) {
    let (width, height) = (sheet.width(), sheet.height());
    for (x, y, width, height) in [
        (0.0, 0.0, width, 1.0),
        (0.0, height - 1.0, width, 1.0),
        (0.0, 0.0, 1.0, height),
        (width - 1.0, 0.0, 1.0, height),
    ] {
        sheet.fill(palette.soft, |path| {
            rectangle(
                path,
                Area {
                    x,
                    y,
                    width,
                    height,
                },
            )
        });
    }
}

//! The poster: a picture above, the large title below it, date and place at the bottom. The text is
//! laid out from the lower edge upwards and the picture takes the rest, so that a short title has a
//! tall picture and no page has a hole.

use crate::{
    art,
    check::Area,
    fonts::Voice,
    icons::{self, Icon},
    page::Page,
    palette::Palette,
    shapes::rectangle,
    sheet::Sheet,
    social::corner_logo,
    text::{Block, Style, Typesetter},
};

/// The distance from every edge to the nearest text.
pub(crate) const MARGIN: f32 = 72.0;
/// The least height of the picture.
const LOWEST_PICTURE: f32 = 300.0;
/// The least height of the picture while the title is still at least `GOOD_TITLE`.
const GOOD_PICTURE: f32 = 440.0;
const GOOD_TITLE: f32 = 92.0;
const GAP_UNDER_PICTURE: f32 = 54.0;
const GAP_AROUND_RULE: f32 = 40.0;
const COLUMN_GAP: f32 = 56.0;

/// One column of the facts: blocks with their positions in the column, and the column's height.
#[derive(Default)]
struct Column {
    blocks: Vec<(Block, f32, f32)>,
    icons: Vec<(Icon, f32, f32, f32)>,
    height: f32,
    /// The distance from its top to its first line, which is level with the other column's first
    /// line.
    first_line: f32,
}

/// Draws the poster of `page` on `sheet`.
pub(crate) fn draw(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
    let width = sheet.width() - 2.0 * MARGIN;
    let both = page.when.is_some() && page.venue.is_some();
    let column_width = if both {
        (width - COLUMN_GAP) / 2.0
    } else {
        width
    };
    let date = date_column(typesetter, page, palette, column_width);
    let place = place_column(typesetter, page, palette, column_width);
    let facts_height = date.height.max(place.height);

    let organizer = page.organizer.and_then(|name| {
        let style = Style {
            smallest: 22.0,
            ..page.style("organizer", Voice::Strong, palette.accent, 29.0)
        };
        typesetter.set(
            &format!("{} {name}", page.speech.words().presented_by),
            &style,
            width,
            60.0,
        )
    });
    let long_title = page.title_length() > 110;
    let description = page.description.filter(|_| !long_title).and_then(|text| {
        let style = Style {
            leading: 1.42,
            most_lines: 3,
            balanced: true,
            ..page.style("description", Voice::Plain, palette.soft, 31.0)
        };
        typesetter.set(text, &style, width * 0.94, 150.0)
    });

    let height_with_gap =
        |block: &Option<Block>, gap: f32| block.as_ref().map_or(0.0, |block| block.height + gap);
    let foot = if facts_height > 0.0 {
        facts_height + 2.0 * GAP_AROUND_RULE
    } else {
        0.0
    };
    let around_title =
        foot + height_with_gap(&organizer, 16.0) + height_with_gap(&description, 22.0);
    let room = sheet.height() - MARGIN - around_title - GAP_UNDER_PICTURE;
    let style = Style {
        largest: 190.0,
        smallest: 36.0,
        leading: 0.93,
        most_lines: 12,
        balanced: true,
        ..page.style("title", page.title_voice(Voice::Loud), palette.ink, 0.0)
    };
    let title = typesetter
        .set(page.title, &style, width, room - GOOD_PICTURE)
        .filter(|title| title.size >= GOOD_TITLE && !title.cut)
        .or_else(|| {
            typesetter.set(
                page.title,
                &Style {
                    largest: 112.0,
                    ..style
                },
                width,
                room - LOWEST_PICTURE,
            )
        });

    let text_height = around_title + title.as_ref().map_or(0.0, |title| title.height);
    let picture_height = sheet.height() - MARGIN - text_height - GAP_UNDER_PICTURE;
    let picture = Area {
        x: 0.0,
        y: 0.0,
        width: sheet.width(),
        height: picture_height.round(),
    };
    art::draw(sheet, picture, palette, &page.seed);
    corner_logo(sheet, page, palette, 110.0);
    let below = Area {
        y: picture.height,
        height: sheet.height() - picture.height,
        ..picture
    };
    sheet.fill(palette.paper, |path| rectangle(path, below));

    let mut y = picture.height + GAP_UNDER_PICTURE;
    for (block, gap) in [(organizer, 16.0), (title, 22.0), (description, 0.0)] {
        if let Some(block) = block {
            typesetter.draw(sheet, &block, start(page, sheet, 0.0, block.width), y);
            y += block.height + gap;
        }
    }
    if facts_height > 0.0 {
        let top = sheet.height() - MARGIN - facts_height;
        let rule = Area {
            x: MARGIN,
            y: (top - GAP_AROUND_RULE - 3.0).round(),
            width,
            height: 3.0,
        };
        sheet.fill(palette.ink, |path| rectangle(path, rule));
        draw_column(typesetter, sheet, page, palette, &date, 0.0, top);
        let offset = if page.when.is_some() {
            column_width + COLUMN_GAP
        } else {
            0.0
        };
        let down = date.first_line.min(facts_height - place.height);
        draw_column(typesetter, sheet, page, palette, &place, offset, top + down);
    }
}

/// The left edge of an item `width` wide, `offset` from where lines begin.
fn start(page: &Page<'_>, sheet: &Sheet, offset: f32, width: f32) -> f32 {
    if page.right_to_left {
        sheet.width() - MARGIN - offset - width
    } else {
        MARGIN + offset
    }
}

fn draw_column(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
    column: &Column,
    offset: f32,
    top: f32,
) {
    for (icon, x, y, side) in &column.icons {
        icons::draw(
            sheet,
            *icon,
            palette.accent,
            start(page, sheet, offset + x, *side),
            top + y,
            *side,
        );
    }
    for (block, x, y) in &column.blocks {
        typesetter.draw(
            sheet,
            block,
            start(page, sheet, offset + x, block.width),
            top + y,
        );
    }
}

/// The days as a numeral, with month, weekday and hours beside it.
fn date_column(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
    width: f32,
) -> Column {
    let mut column = Column::default();
    let Some(when) = &page.when else {
        return column;
    };
    let numeral = Style {
        smallest: 34.0,
        leading: 1.0,
        most_lines: 2,
        balanced: true,
        ..page.style(
            "days",
            Voice::Loud,
            palette.accent,
            if when.days_name_months { 58.0 } else { 158.0 },
        )
    };
    let room = if when.days_name_months { width } else { 232.0 };
    let Some(mut days) = typesetter.set(&when.days, &numeral, room, 168.0) else {
        return column;
    };
    // The block is trimmed to its pixels, so that the text beside it keeps its distance from them.
    let beside = !when.days_name_months;
    let (indent, mut y) = if beside {
        (days.trim() + 26.0, 0.0)
    } else {
        (0.0, days.height + 10.0)
    };
    let mut lines = Vec::new();
    let month_style = Style {
        smallest: 24.0,
        ..page.style("month", Voice::Strong, palette.ink, 37.0)
    };
    let plain = |role| Style {
        smallest: 20.0,
        ..page.style(role, Voice::Plain, palette.soft, 28.5)
    };
    let weekday = Some(when.weekday.clone());
    let zone = when.zone.as_deref().unwrap_or_default();
    let time = when.time.as_ref().map(|time| format!("{time} {zone}"));
    for (text, style) in [
        (Some(when.month_and_year.clone()), month_style),
        (weekday, plain("weekday")),
        (time, plain("time")),
    ] {
        let set = text.and_then(|text| {
            // On one line if the text can be slightly smaller, else on two.
            let one_line = typesetter.set(
                &text,
                &Style {
                    smallest: 23.0,
                    ..style
                },
                width - indent,
                60.0,
            )?;
            if one_line.cut {
                typesetter.set(
                    &text,
                    &Style {
                        most_lines: 2,
                        ..style
                    },
                    width - indent,
                    90.0,
                )
            } else {
                Some(one_line)
            }
        });
        if let Some(block) = set {
            let height = block.height;
            lines.push((block, indent, y));
            y += height + 4.0;
        }
    }
    if beside {
        // Numeral and lines are centred on each other.
        let numeral_height = days.ink.height;
        column.height = numeral_height.max(y - 4.0);
        let numeral_top = (column.height - numeral_height) / 2.0 - days.ink.y;
        let lines_top = (column.height - (y - 4.0)) / 2.0;
        column.first_line = lines_top;
        column.blocks.push((days, 0.0, numeral_top));
        column.blocks.extend(
            lines
                .into_iter()
                .map(|(block, x, y)| (block, x, y + lines_top)),
        );
    } else {
        column.height = y - 4.0;
        column.blocks.push((days, 0.0, 0.0));
        column.blocks.extend(lines);
    }
    column
}

/// The venue, with a pin.
fn place_column(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
    width: f32,
) -> Column {
    let mut column = Column::default();
    let Some(venue) = page.venue else {
        return column;
    };
    let (icon, indent) = (38.0, 54.0);
    let name = Style {
        smallest: 25.0,
        most_lines: 3,
        ..page.style("venue", Voice::Strong, palette.ink, 37.0)
    };
    let address = Style {
        smallest: 22.0,
        most_lines: 3,
        ..page.style("address", Voice::Plain, palette.soft, 28.5)
    };
    let mut y = 0.0;
    for (text, style) in [
        (Some(venue.name.as_str().to_owned()), name),
        (page.address(), address),
    ] {
        let set = text.and_then(|text| typesetter.set(&text, &style, width - indent, 140.0));
        if let Some(block) = set {
            let height = block.height;
            column.blocks.push((block, indent, y));
            y += height + 6.0;
        }
    }
    if let Some((first, ..)) = column.blocks.first() {
        // The pin is beside the first line.
        column
            .icons
            .push((Icon::Pin, 0.0, first.baseline - icon * 0.84, icon));
        column.height = y - 6.0;
    }
    column
}

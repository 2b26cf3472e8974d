//! The invitation: a card with an ornamental outline on a patterned ground, everything centred. The
//! parts are stacked; spare height goes evenly between them, and the rest above and below.

use cosmic_text::Align;

use crate::{
    check::Area,
    dates::When,
    fonts::Voice,
    icons::{self, Icon},
    ornament::{self, Card},
    page::Page,
    palette::Palette,
    sheet::Sheet,
    text::{Block, Style, Typesetter},
    words::Language,
};

/// The distance from every edge to the nearest text: the card's edge, the line inside it, and air.
pub(crate) const MARGIN: f32 = 170.0;
/// The distance from the sheet's edge to the card's.
const CARD_INSET: f32 = 84.0;
const LINE_INSET: f32 = 24.0;
/// The width of text.
const MEASURE: f32 = 800.0;
const EMBLEM: f32 = 66.0;

/// A part of the stack.
enum Part {
    Text(Block),
    Divider,
    Date(Vec<Block>, f32),
    Venue(Block),
}

const PIN: f32 = 34.0;
const GAP_UNDER_PIN: f32 = 12.0;

impl Part {
    fn height(&self) -> f32 {
        match self {
            Self::Text(block) => block.height,
            Self::Divider => 18.0,
            Self::Date(_, height) => *height,
            Self::Venue(block) => PIN + GAP_UNDER_PIN + block.height,
        }
    }
}

/// Draws the invitation of `page` on `sheet`.
pub(crate) fn draw(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
) {
    let area = Area {
        x: CARD_INSET,
        y: CARD_INSET,
        width: sheet.width() - 2.0 * CARD_INSET,
        height: sheet.height() - 2.0 * CARD_INSET,
    };
    let middle = sheet.width() / 2.0;
    let card = Card::of(&page.seed);
    ornament::pattern(sheet, area, palette, &page.seed);
    // A rim in the ground's colour separates the pattern from the paper.
    sheet.fill(palette.field, |path| card.outline(path, area, -14.0));
    sheet.fill(palette.paper, |path| card.outline(path, area, 0.0));
    sheet.stroke(palette.accent, 2.2, |path| {
        card.outline(path, area, LINE_INSET)
    });
    let emblem = area.y + card.emblem_depth();
    let top = emblem + EMBLEM + 34.0;
    let bottom = sheet.height() - MARGIN;
    let parts = stack(typesetter, page, palette, bottom - top);

    let heights: f32 = parts.iter().map(|(part, gap)| part.height() + gap).sum();
    let gaps: f32 = parts.iter().map(|(_, gap)| gap).sum();
    let spare = (bottom - top - heights).max(0.0);
    // Gaps grow to at most 1.9 times their size; the rest goes above and below.
    let stretch = if gaps > 0.0 {
        1.0 + (spare * 0.7 / gaps).min(0.9)
    } else {
        1.0
    };
    let above = (spare - gaps * (stretch - 1.0)) * 0.42;
    // The emblem stays under the card's crown, but follows a short text part of the way down.
    ornament::emblem(
        sheet,
        (middle, emblem + above * 0.6),
        EMBLEM,
        palette,
        &page.seed,
    );
    let mut y = top + above;
    for (part, gap) in &parts {
        y += gap * stretch;
        match part {
            Part::Text(block) => typesetter.draw(sheet, block, middle - block.width / 2.0, y),
            Part::Divider => ornament::divider(sheet, (middle, y + 9.0), 150.0, palette.accent),
            Part::Date(blocks, height) => {
                draw_date(typesetter, sheet, page, palette, blocks, y, *height)
            }
            Part::Venue(block) => {
                icons::draw(sheet, Icon::Pin, palette.accent, middle - PIN / 2.0, y, PIN);
                typesetter.draw(
                    sheet,
                    block,
                    middle - block.width / 2.0,
                    y + PIN + GAP_UNDER_PIN,
                );
            }
        }
        y += part.height();
    }
}

/// Every part from top to bottom, with the gap above it, in at most `height` pixels.
fn stack(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
    height: f32,
) -> Vec<(Part, f32)> {
    let words = page.speech.words();
    let centered = |role, voice, color, size: f32| Style {
        align: Align::Center,
        ..page.style(role, voice, color, size)
    };

    let invited = if page.speech.language == Language::English {
        words.invited.to_uppercase()
    } else {
        words.invited.to_owned()
    };
    let greeting = Style {
        tracking: 0.2,
        ..centered("greeting", Voice::Strong, palette.accent, 29.0)
    };
    let greeting = typesetter.set(&invited, &greeting, MEASURE, 60.0);

    let description = page.description.and_then(|text| {
        let style = Style {
            leading: 1.46,
            most_lines: if page.title_length() > 110 { 2 } else { 4 },
            balanced: true,
            ..centered("description", Voice::Plain, palette.soft, 31.0)
        };
        typesetter.set(text, &style, 760.0, 200.0)
    });
    let date = date_parts(typesetter, page, palette);
    let venue = page.venue.and_then(|venue| {
        let style = Style {
            smallest: 26.0,
            most_lines: 2,
            balanced: true,
            ..centered("venue", Voice::Strong, palette.ink, 41.0)
        };
        typesetter.set(venue.name.as_str(), &style, 760.0, 110.0)
    });
    let address = page.address().and_then(|text| {
        let style = Style {
            most_lines: 2,
            balanced: true,
            ..centered("address", Voice::Plain, palette.soft, 30.0)
        };
        typesetter.set(&text, &style, 700.0, 100.0)
    });
    let organizer = page.organizer.and_then(|name| {
        let style = Style {
            smallest: 21.0,
            most_lines: 2,
            balanced: true,
            ..centered("organizer", Voice::Plain, palette.soft, 28.0)
        };
        typesetter.set(&format!("{} {name}", words.hosted_by), &style, 700.0, 80.0)
    });

    let has_facts = date.is_some() || venue.is_some();
    let mut after_title: Vec<(Part, f32)> = Vec::new();
    if !has_facts {
        after_title.push((Part::Divider, 34.0));
    }
    after_title.extend(description.map(|block| (Part::Text(block), 26.0)));
    if has_facts {
        after_title.push((Part::Divider, 32.0));
    }
    after_title.extend(date.map(|(blocks, height)| (Part::Date(blocks, height), 32.0)));
    after_title.extend(venue.map(|block| (Part::Venue(block), 36.0)));
    after_title.extend(address.map(|block| (Part::Text(block), 6.0)));
    after_title.extend(organizer.map(|block| (Part::Text(block), 30.0)));

    let taken: f32 = after_title
        .iter()
        .map(|(part, gap)| part.height() + gap)
        .sum();
    let greeting_height = greeting.as_ref().map_or(0.0, |block| block.height);
    let title = Style {
        largest: 144.0,
        smallest: 34.0,
        leading: 1.1,
        most_lines: 12,
        balanced: true,
        ..centered("title", page.title_voice(Voice::Festive), palette.ink, 0.0)
    };
    let title = typesetter.set(
        page.title,
        &title,
        MEASURE,
        height - taken - greeting_height - 24.0,
    );

    let mut parts: Vec<(Part, f32)> = Vec::new();
    parts.extend(greeting.map(|block| (Part::Text(block), 0.0)));
    parts.extend(title.map(|block| (Part::Text(block), 24.0)));
    parts.extend(after_title);
    parts
}

const COLUMN: f32 = 236.0;
const COLUMN_GAP: f32 = 46.0;

/// Whether the parts of a date are stacked: months are too wide for a column, and two columns would
/// look unbalanced.
fn is_stacked(when: &When) -> bool {
    when.days_name_months || when.time.is_none()
}

/// Weekday, days over month and year, and hours: in three columns, as on a printed card, or
/// stacked.
fn date_parts(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
) -> Option<(Vec<Block>, f32)> {
    let when = page.when.as_ref()?;
    let centered = |role, voice, color, size: f32| Style {
        align: Align::Center,
        ..page.style(role, voice, color, size)
    };
    let stacked = is_stacked(when);
    let side_width = if stacked { MEASURE } else { COLUMN };
    let side = |role| Style {
        smallest: 20.0,
        most_lines: if stacked { 1 } else { 3 },
        balanced: true,
        leading: 1.32,
        ..centered(role, Voice::Strong, palette.ink, 31.0)
    };
    let days = Style {
        smallest: 40.0,
        leading: 1.0,
        ..centered(
            "days",
            Voice::Festive,
            palette.accent,
            if when.days_name_months { 60.0 } else { 142.0 },
        )
    };
    let month = centered("month", Voice::Plain, palette.soft, 29.0);
    let weekday = typesetter.set(&when.weekday, &side("weekday"), side_width, 120.0)?;
    let days = typesetter.set(
        &when.days,
        &days,
        if when.days_name_months {
            MEASURE
        } else {
            COLUMN
        },
        190.0,
    )?;
    let month = typesetter.set(
        &when.month_and_year,
        &Style {
            smallest: 20.0,
            ..month
        },
        COLUMN,
        60.0,
    )?;
    let zone = when.zone.as_deref().unwrap_or_default();
    let time = when.time.as_ref().map(|time| format!("{time} {zone}"));
    let time = time.and_then(|time| typesetter.set(&time, &side("time"), side_width, 120.0));
    let height = if stacked {
        days.height
            + month.height
            + weekday.height
            + time.as_ref().map_or(0.0, |time| time.height)
            + 24.0
    } else {
        days.ink.height + 18.0 + month.height
    };
    Some((
        [days, month, weekday].into_iter().chain(time).collect(),
        height,
    ))
}

fn draw_date(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
    blocks: &[Block],
    top: f32,
    height: f32,
) {
    let middle = sheet.width() / 2.0;
    let [days, month, weekday, time @ ..] = blocks else {
        return;
    };
    if page.when.as_ref().is_some_and(is_stacked) {
        let mut y = top;
        for block in [days, month, weekday].into_iter().chain(time) {
            typesetter.draw(sheet, block, middle - block.width / 2.0, y);
            y += block.height + 8.0;
        }
        return;
    }
    typesetter.draw(sheet, days, middle - days.width / 2.0, top - days.ink.y);
    typesetter.draw(
        sheet,
        month,
        middle - month.width / 2.0,
        top + days.ink.height + 18.0,
    );
    let aside = COLUMN + COLUMN_GAP;
    let direction = if page.right_to_left { -1.0 } else { 1.0 };
    for (block, side) in [(Some(weekday), -1.0), (time.first(), 1.0)] {
        let Some(block) = block else { continue };
        let center = middle + side * direction * aside;
        let y = top + (height - block.ink.height) / 2.0 - block.ink.y;
        typesetter.draw(sheet, block, center - block.width / 2.0, y);
        let line = middle + side * direction * aside / 2.0;
        sheet.stroke(palette.accent, 1.8, |path| {
            path.move_to(line, top + height * 0.14);
            path.line_to(line, top + height * 0.86);
        });
    }
}

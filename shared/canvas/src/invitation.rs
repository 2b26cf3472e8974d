//! The invitation: a card with an ornamental outline on a patterned ground, everything centred. The
//! parts are stacked; spare height goes evenly between them, and the rest above and below.

use contract::Color;

use crate::{
    check::Area,
    dates::When,
    fonts::TypeStyle,
    icons::{self, Icon},
    ornament::{self, Card},
    pen::Pen,
    text::{Align, Block, TITLE_AIR, TextStyle},
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
    Date(Box<DateBlocks>),
    Venue(Block),
}

/// A part with the gap above it.
struct Stacked {
    gap: f32,
    part: Part,
}

const PIN: f32 = 34.0;
const GAP_UNDER_PIN: f32 = 12.0;

impl Part {
    fn height(&self) -> f32 {
        match self {
            Self::Text(block) => block.height,
            Self::Divider => 18.0,
            Self::Date(date) => date.height,
            Self::Venue(block) => PIN + GAP_UNDER_PIN + block.height,
        }
    }

    /// Draws the part from `y` on, centred.
    fn draw(&self, pen: &mut Pen<'_>, y: f32) {
        let middle = pen.sheet.width() / 2.0;
        let accent = pen.palette.accent;
        match self {
            Self::Text(block) => pen.write(block, middle - block.width / 2.0, y),
            Self::Divider => ornament::divider(pen.sheet, (middle, y + 9.0), 150.0, accent),
            Self::Date(date) => date.draw(pen, y),
            Self::Venue(block) => {
                icons::draw(pen.sheet, Icon::Pin, accent, middle - PIN / 2.0, y, PIN);
                pen.write(block, middle - block.width / 2.0, y + PIN + GAP_UNDER_PIN);
            }
        }
    }
}

/// Draws the invitation.
pub(crate) fn draw(pen: &mut Pen<'_>) {
    let Pen { page, palette, .. } = *pen;
    let area = Area {
        x: CARD_INSET,
        y: CARD_INSET,
        width: pen.sheet.width() - 2.0 * CARD_INSET,
        height: pen.sheet.height() - 2.0 * CARD_INSET,
    };
    let middle = pen.sheet.width() / 2.0;
    let card = Card::of(&page.seed);
    draw_card(pen, card, area);
    let emblem = area.y + card.emblem_depth();
    let top = emblem + EMBLEM + 34.0;
    let bottom = pen.sheet.height() - MARGIN;
    let parts = stack(pen, bottom - top);

    let heights: f32 = parts.iter().map(|one| one.part.height() + one.gap).sum();
    let gaps: f32 = parts.iter().map(|one| one.gap).sum();
    let spare = (bottom - top - heights).max(0.0);
    // Gaps grow to at most 1.9 times their size; the rest goes above and below.
    let stretch = if gaps > 0.0 {
        1.0 + (spare * 0.7 / gaps).min(0.9)
    } else {
        1.0
    };
    let above = (spare - gaps * (stretch - 1.0)) * 0.42;
    // The emblem stays under the card's crown, but follows a short text part of the way down.
    let center = (middle, emblem + above * 0.6);
    ornament::emblem(pen.sheet, center, EMBLEM, palette, &page.seed);
    let mut y = top + above;
    for Stacked { gap, part } in &parts {
        y += gap * stretch;
        part.draw(pen, y);
        y += part.height();
    }
}

/// Draws the pattern, and on it the card in `area` with a line inside.
fn draw_card(pen: &mut Pen<'_>, card: Card, area: Area) {
    let Pen { page, palette, .. } = *pen;
    ornament::pattern(pen.sheet, area, palette, &page.seed);
    // A rim in the ground's colour separates the pattern from the paper.
    pen.sheet
        .fill(palette.field, |path| card.outline(path, area, -14.0));
    pen.sheet
        .fill(palette.paper, |path| card.outline(path, area, 0.0));
    pen.sheet.stroke(palette.accent, 2.2, |path| {
        card.outline(path, area, LINE_INSET)
    });
}

/// The style of one centred line.
fn centered(
    pen: &Pen<'_>,
    role: &'static str,
    type_style: TypeStyle,
    color: Color,
    size: f32,
) -> TextStyle {
    TextStyle {
        align: Align::Center,
        ..pen.page.style(role, type_style, color, size)
    }
}

/// Every part from top to bottom, in at most `height` pixels.
fn stack(pen: &mut Pen<'_>, height: f32) -> Vec<Stacked> {
    let greeting = set_greeting(pen);
    let after_title = after_title(pen);
    let taken: f32 = after_title
        .iter()
        .map(|one| one.part.height() + one.gap)
        .sum();
    let greeting_height = greeting.as_ref().map_or(0.0, |block| block.height);
    let title = set_title(pen, height - taken - greeting_height - 24.0);

    let text = |gap: f32| {
        move |block| Stacked {
            gap,
            part: Part::Text(block),
        }
    };
    let mut parts: Vec<Stacked> = Vec::new();
    parts.extend(greeting.map(text(0.0)));
    parts.extend(title.map(text(24.0)));
    parts.extend(after_title);
    parts
}

/// The parts below the title.
fn after_title(pen: &mut Pen<'_>) -> Vec<Stacked> {
    let description = set_description(pen);
    let date = DateBlocks::set(pen);
    let venue = set_venue(pen);
    let address = set_address(pen);
    let organizer = set_organizer(pen);

    let has_facts = date.is_some() || venue.is_some();
    let mut parts = Vec::new();
    let mut push = |gap: f32, part: Option<Part>| {
        parts.extend(part.map(|part| Stacked { gap, part }));
    };
    // A divider with nothing below it would dangle.
    let divides = !has_facts
        && [&description, &address, &organizer]
            .iter()
            .any(|block| block.is_some());
    push(34.0, divides.then_some(Part::Divider));
    push(26.0, description.map(Part::Text));
    push(32.0, has_facts.then_some(Part::Divider));
    push(32.0, date.map(Box::new).map(Part::Date));
    push(36.0, venue.map(Part::Venue));
    push(6.0, address.map(Part::Text));
    push(30.0, organizer.map(Part::Text));
    parts
}

fn set_greeting(pen: &mut Pen<'_>) -> Option<Block> {
    // Without words the emblem greets alone.
    let invited = pen.page.locale.words()?.invited;
    let style = TextStyle {
        tracking: 0.2,
        ..centered(pen, "greeting", TypeStyle::Strong, pen.palette.accent, 29.0)
    };
    pen.typesetter.set(invited, &style, MEASURE, 60.0)
}

fn set_title(pen: &mut Pen<'_>, height: f32) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let type_style = page.title_style(TypeStyle::Festive);
    let style = TextStyle {
        largest: 144.0,
        smallest: 34.0,
        leading: 1.1,
        most_lines: 12,
        balanced: true,
        air: TITLE_AIR,
        ..centered(pen, "title", type_style, palette.ink, 0.0)
    };
    pen.typesetter.set(page.title, &style, MEASURE, height)
}

fn set_description(pen: &mut Pen<'_>) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        leading: 1.46,
        most_lines: if page.title_length() > 110 { 2 } else { 4 },
        balanced: true,
        ..centered(pen, "description", TypeStyle::Plain, palette.soft, 31.0)
    };
    pen.typesetter.set(page.description?, &style, 760.0, 200.0)
}

fn set_venue(pen: &mut Pen<'_>) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        smallest: 26.0,
        most_lines: 2,
        balanced: true,
        ..centered(pen, "venue", TypeStyle::Strong, palette.ink, 41.0)
    };
    pen.typesetter.set(page.venue_name?, &style, 760.0, 110.0)
}

fn set_address(pen: &mut Pen<'_>) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        most_lines: 2,
        balanced: true,
        ..centered(pen, "address", TypeStyle::Plain, palette.soft, 30.0)
    };
    pen.typesetter.set(&page.address()?, &style, 700.0, 100.0)
}

fn set_organizer(pen: &mut Pen<'_>) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        smallest: 21.0,
        most_lines: 2,
        balanced: true,
        ..centered(pen, "organizer", TypeStyle::Plain, palette.soft, 28.0)
    };
    let text = page.organizer_after(|words| words.hosted_by)?;
    pen.typesetter.set(&text, &style, 700.0, 80.0)
}

const COLUMN: f32 = 236.0;
const COLUMN_GAP: f32 = 46.0;

/// Weekday, days over month and year, and hours: in three columns, as on a printed card, or
/// stacked.
struct DateBlocks {
    weekday: Option<Block>,
    days: Block,
    month: Block,
    time: Option<Block>,
    stacked: bool,
    height: f32,
}

impl DateBlocks {
    fn set(pen: &mut Pen<'_>) -> Option<Self> {
        let Pen { page, palette, .. } = *pen;
        let when = page.when.as_ref()?;
        let stacked = is_stacked(when);
        let side_width = if stacked { MEASURE } else { COLUMN };
        let side = |role| TextStyle {
            smallest: 20.0,
            most_lines: if stacked { 1 } else { 3 },
            balanced: true,
            leading: 1.32,
            align: Align::Center,
            ..page.style(role, TypeStyle::Strong, palette.ink, 31.0)
        };
        let (days_size, days_width) = if when.days_name_months {
            (60.0, MEASURE)
        } else {
            (142.0, COLUMN)
        };
        let days_style = TextStyle {
            smallest: 40.0,
            leading: 1.0,
            ..centered(pen, "days", TypeStyle::Festive, palette.accent, days_size)
        };
        let month_style = TextStyle {
            smallest: 20.0,
            ..centered(pen, "month", TypeStyle::Plain, palette.soft, 29.0)
        };
        let typesetter = &mut *pen.typesetter;
        let weekday = (when.weekday.as_ref())
            .and_then(|weekday| typesetter.set(weekday, &side("weekday"), side_width, 120.0));
        let days = typesetter.set(&when.days, &days_style, days_width, 190.0)?;
        let month = typesetter.set(&when.month_and_year, &month_style, COLUMN, 60.0)?;
        let time = page
            .time()
            .and_then(|time| typesetter.set(&time, &side("time"), side_width, 120.0));
        let height = if stacked {
            let below = weekday.iter().chain(&time);
            days.height + month.height + below.map(|block| block.height).sum::<f32>() + 24.0
        } else {
            days.ink.height + 18.0 + month.height
        };
        Some(Self {
            weekday,
            days,
            month,
            time,
            stacked,
            height,
        })
    }

    fn draw(&self, pen: &mut Pen<'_>, top: f32) {
        if self.stacked {
            self.draw_stacked(pen, top);
        } else {
            self.draw_in_columns(pen, top);
        }
    }

    fn draw_stacked(&self, pen: &mut Pen<'_>, top: f32) {
        let middle = pen.sheet.width() / 2.0;
        let mut y = top;
        for block in [&self.days, &self.month]
            .into_iter()
            .chain(&self.weekday)
            .chain(&self.time)
        {
            pen.write(block, middle - block.width / 2.0, y);
            y += block.height + 8.0;
        }
    }

    fn draw_in_columns(&self, pen: &mut Pen<'_>, top: f32) {
        let Self {
            days,
            month,
            height,
            ..
        } = self;
        let middle = pen.sheet.width() / 2.0;
        pen.write(days, middle - days.width / 2.0, top - days.ink.y);
        pen.write(
            month,
            middle - month.width / 2.0,
            top + days.ink.height + 18.0,
        );
        let aside = COLUMN + COLUMN_GAP;
        let direction = if pen.page.right_to_left { -1.0 } else { 1.0 };
        for (block, side) in [(self.weekday.as_ref(), -1.0), (self.time.as_ref(), 1.0)] {
            let Some(block) = block else { continue };
            let center = middle + side * direction * aside;
            let y = top + (height - block.ink.height) / 2.0 - block.ink.y;
            pen.write(block, center - block.width / 2.0, y);
            let line = middle + side * direction * aside / 2.0;
            pen.sheet.stroke(pen.palette.accent, 1.8, |path| {
                path.move_to(line, top + height * 0.14);
                path.line_to(line, top + height * 0.86);
            });
        }
    }
}

/// Whether the parts of a date are stacked: months are too wide for a column, and two columns would
/// look unbalanced.
fn is_stacked(when: &When) -> bool {
    when.days_name_months || when.weekday.is_none() || when.time.is_none()
}

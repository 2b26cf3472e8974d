//! The poster: a picture above, the large title below it, date and place at the bottom. The text is
//! laid out from the lower edge upwards and the picture takes the rest, so that a short title has a
//! tall picture and no page has a hole.

use crate::{
    art,
    check::Area,
    dates::When,
    fonts::TypeStyle,
    icons::{self, Icon},
    pen::Pen,
    shapes::rectangle,
    social::corner_logo,
    text::{Block, TITLE_AIR, TextStyle},
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
/// The largest font size of a day's numeral.
const NUMERAL: f32 = 158.0;
/// The most width of the days, and the most height of the digits of one.
const NUMERAL_WIDTH: f32 = 232.0;
const NUMERAL_HEIGHT: f32 = 116.0;
/// The font size of addresses, weekdays and hours. A month has no smaller one.
const PLAIN: f32 = 28.5;

/// Draws the poster.
pub(crate) fn draw(pen: &mut Pen<'_>) {
    let width = pen.sheet.width() - 2.0 * MARGIN;
    let facts = Facts::set(pen, width);
    let organizer = set_organizer(pen, width);
    let description = set_description(pen, width);
    let height_with_gap =
        |block: &Option<Block>, gap: f32| block.as_ref().map_or(0.0, |block| block.height + gap);
    let around_title = facts.height_with_rule()
        + height_with_gap(&organizer, 16.0)
        + height_with_gap(&description, 22.0);
    let room = pen.sheet.height() - MARGIN - around_title - GAP_UNDER_PICTURE;
    let title = set_title(pen, width, room);

    let text_height = around_title + title.as_ref().map_or(0.0, |title| title.height);
    let picture_height = pen.sheet.height() - MARGIN - text_height - GAP_UNDER_PICTURE;
    let picture = Area {
        height: picture_height.round(),
        ..pen.sheet.area()
    };
    art::draw(pen, picture);
    corner_logo(pen, 110.0);
    let below = Area {
        y: picture.height,
        height: pen.sheet.height() - picture.height,
        ..picture
    };
    pen.sheet
        .fill(pen.palette.paper, |path| rectangle(path, below));

    let mut y = picture.height + GAP_UNDER_PICTURE;
    for (block, gap) in [(organizer, 16.0), (title, 22.0), (description, 0.0)] {
        if let Some(block) = block {
            let x = start(pen, 0.0, block.width);
            pen.write(&block, x, y);
            y += block.height + gap;
        }
    }
    facts.draw(pen);
}

fn set_organizer(pen: &mut Pen<'_>, width: f32) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        smallest: 22.0,
        ..page.style("organizer", TypeStyle::Strong, palette.accent, 29.0)
    };
    let text = page.organizer_after(|words| words.presented_by)?;
    pen.typesetter.set(&text, &style, width, 60.0)
}

/// The description, unless the title is long.
fn set_description(pen: &mut Pen<'_>, width: f32) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    if page.title_length() > 110 {
        return None;
    }
    let style = TextStyle {
        leading: 1.42,
        most_lines: 3,
        balanced: true,
        ..page.style("description", TypeStyle::Plain, palette.soft, 31.0)
    };
    pen.typesetter
        .set(page.description?, &style, width * 0.94, 150.0)
}

/// The title in a room that the picture shares: large under a good picture, else smaller under a
/// lower one.
fn set_title(pen: &mut Pen<'_>, width: f32, room: f32) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        largest: 190.0,
        smallest: 36.0,
        leading: 0.93,
        most_lines: 12,
        balanced: true,
        air: TITLE_AIR,
        ..page.style("title", page.title_style(TypeStyle::Loud), palette.ink, 0.0)
    };
    let smaller = TextStyle {
        largest: 112.0,
        ..style
    };
    pen.typesetter
        .set(page.title, &style, width, room - GOOD_PICTURE)
        .filter(|title| title.size >= GOOD_TITLE && !title.cut)
        .or_else(|| {
            pen.typesetter
                .set(page.title, &smaller, width, room - LOWEST_PICTURE)
        })
}

/// The left edge of an item `width` wide, `offset` from where lines begin.
fn start(pen: &Pen<'_>, offset: f32, width: f32) -> f32 {
    if pen.page.right_to_left {
        pen.sheet.width() - MARGIN - offset - width
    } else {
        MARGIN + offset
    }
}

/// Date and place, side by side at the bottom.
struct Facts {
    date: Column,
    place: Column,
    /// The width of both together.
    width: f32,
    column_width: f32,
    height: f32,
}

impl Facts {
    fn set(pen: &mut Pen<'_>, width: f32) -> Self {
        let both = pen.page.when.is_some() && pen.page.has_place();
        let column_width = if both {
            (width - COLUMN_GAP) / 2.0
        } else {
            width
        };
        let date = date_column(pen, column_width).unwrap_or_default();
        let place = place_column(pen, column_width).unwrap_or_default();
        Self {
            width,
            column_width,
            height: date.height.max(place.height),
            date,
            place,
        }
    }

    /// The height with the rule above, and the gaps around the rule.
    fn height_with_rule(&self) -> f32 {
        if self.height > 0.0 {
            self.height + 2.0 * GAP_AROUND_RULE
        } else {
            0.0
        }
    }

    fn draw(&self, pen: &mut Pen<'_>) {
        if self.height <= 0.0 {
            return;
        }
        let top = pen.sheet.height() - MARGIN - self.height;
        let rule = Area {
            x: MARGIN,
            y: (top - GAP_AROUND_RULE - 3.0).round(),
            width: self.width,
            height: 3.0,
        };
        pen.sheet
            .fill(pen.palette.ink, |path| rectangle(path, rule));
        self.date.draw(pen, 0.0, top);
        let offset = if pen.page.when.is_some() {
            self.column_width + COLUMN_GAP
        } else {
            0.0
        };
        let down = self.date.first_line.min(self.height - self.place.height);
        self.place.draw(pen, offset, top + down);
    }
}

/// One column of the facts.
#[derive(Default)]
struct Column {
    blocks: Vec<Placed>,
    pin: Option<Pin>,
    height: f32,
    /// The distance from its top to its first line, which is level with the other column's first
    /// line.
    first_line: f32,
}

/// A block, and where its upper left corner is in the column.
struct Placed {
    block: Block,
    x: f32,
    y: f32,
}

/// A pin where lines begin, and where it is in the column.
struct Pin {
    y: f32,
    side: f32,
}

impl Column {
    fn draw(&self, pen: &mut Pen<'_>, offset: f32, top: f32) {
        if let Some(Pin { y, side }) = self.pin {
            let x = start(pen, offset, side);
            icons::draw(pen.sheet, Icon::Pin, pen.palette.accent, x, top + y, side);
        }
        for Placed { block, x, y } in &self.blocks {
            let x = start(pen, offset + x, block.width);
            pen.write(block, x, top + y);
        }
    }
}

/// The days as a numeral, with month, weekday and hours beside it, or below it if the days name
/// their months.
fn date_column(pen: &mut Pen<'_>, width: f32) -> Option<Column> {
    let when = pen.page.when.as_ref()?;
    let mut days = set_days(pen, when, width)?;
    if when.days_name_months {
        let lines = DateLines::set(pen, when, 0.0, days.height + 10.0, width);
        let mut blocks = vec![Placed {
            block: days,
            x: 0.0,
            y: 0.0,
        }];
        blocks.extend(lines.blocks);
        return Some(Column {
            blocks,
            height: lines.bottom,
            ..Column::default()
        });
    }
    // The block is trimmed to its pixels, so that the text beside it keeps its distance from them.
    let indent = days.trim() + 26.0;
    let lines = DateLines::set(pen, when, indent, 0.0, width);
    // Numeral and lines are centred on each other.
    let numeral_height = days.ink.height;
    let height = numeral_height.max(lines.bottom);
    let numeral_top = (height - numeral_height) / 2.0 - days.ink.y;
    let lines_top = (height - lines.bottom) / 2.0;
    let mut blocks = vec![Placed {
        block: days,
        x: 0.0,
        y: numeral_top,
    }];
    blocks.extend(lines.blocks.into_iter().map(|line| Placed {
        y: line.y + lines_top,
        ..line
    }));
    Some(Column {
        blocks,
        pin: None,
        height,
        first_line: lines_top,
    })
}

fn set_days(pen: &mut Pen<'_>, when: &When, width: f32) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let largest = if when.days_name_months { 58.0 } else { NUMERAL };
    let style = TextStyle {
        smallest: 34.0,
        leading: 1.0,
        most_lines: 2,
        balanced: true,
        ..page.style("days", TypeStyle::Loud, palette.accent, largest)
    };
    if when.days_name_months {
        return pen.typesetter.set(&when.days, &style, width, 168.0);
    }
    let in_two = pen
        .typesetter
        .set(&when.days, &style, NUMERAL_WIDTH, 168.0)?;
    // Digits need no room for the marks of their script, which is twice their size in Nastaliq.
    let mut set_in_one = |largest| {
        let style = TextStyle {
            largest,
            most_lines: 1,
            ..style
        };
        pen.typesetter
            .set(&when.days, &style, NUMERAL_WIDTH, 2.0 * NUMERAL)
    };
    let in_one = set_in_one(NUMERAL)?;
    let size = in_one.size * (NUMERAL_HEIGHT / in_one.ink.height).min(1.0);
    if in_one.cut || size <= in_two.size {
        return Some(in_two);
    }
    set_in_one(size)
}

/// Month, weekday and hours, below one another.
struct DateLines {
    blocks: Vec<Placed>,
    bottom: f32,
}

impl DateLines {
    /// Sets the lines from `top` on, `indent` from where lines begin.
    fn set(pen: &mut Pen<'_>, when: &When, indent: f32, top: f32, width: f32) -> Self {
        let Pen { page, palette, .. } = *pen;
        let month_style = TextStyle {
            smallest: 24.0,
            ..page.style("month", TypeStyle::Strong, palette.ink, 37.0)
        };
        let width = width - indent;
        let month = set_in_few_lines(pen, &when.month_and_year, &month_style, PLAIN, width);
        let below = [("weekday", when.weekday.clone()), ("time", page.time())];
        let mut set_below = |largest| {
            below.each_ref().map(|(role, text)| {
                let style = TextStyle {
                    smallest: 20.0,
                    ..page.style(role, TypeStyle::Plain, palette.soft, largest)
                };
                set_in_few_lines(pen, text.as_ref()?, &style, 23.0, width)
            })
        };
        // Both have one size, that of the longer one.
        let mut lines = set_below(PLAIN);
        let sizes = lines.iter().flatten().map(|block| block.size);
        let least = sizes.fold(PLAIN, f32::min);
        if least < PLAIN {
            lines = set_below(least);
        }
        let (mut blocks, mut y) = (Vec::new(), top);
        for block in month.into_iter().chain(lines.into_iter().flatten()) {
            let height = block.height;
            blocks.push(Placed {
                block,
                x: indent,
                y,
            });
            y += height + 4.0;
        }
        Self {
            blocks,
            bottom: y - 4.0,
        }
    }
}

/// Sets a text on one line if its size is at least `least` there; else on as few as it needs, so
/// that a long name of the hour and its time zone lose nothing.
fn set_in_few_lines(
    pen: &mut Pen<'_>,
    text: &str,
    style: &TextStyle,
    least: f32,
    width: f32,
) -> Option<Block> {
    let one_line = TextStyle {
        smallest: least.min(style.largest),
        ..*style
    };
    let set = pen.typesetter.set(text, &one_line, width, 60.0)?;
    if !set.cut {
        return Some(set);
    }
    let mut lines = |most_lines, height| {
        let style = TextStyle {
            most_lines,
            ..*style
        };
        pen.typesetter.set(text, &style, width, height)
    };
    lines(2, 90.0)
        .filter(|block| !block.cut)
        .or_else(|| lines(3, 140.0))
}

/// The venue, with a pin.
fn place_column(pen: &mut Pen<'_>, width: f32) -> Option<Column> {
    let Pen { page, palette, .. } = *pen;
    let (pin, indent) = (38.0, 54.0);
    let name = TextStyle {
        smallest: 25.0,
        most_lines: 3,
        ..page.style("venue", TypeStyle::Strong, palette.ink, 37.0)
    };
    let address = TextStyle {
        smallest: 22.0,
        most_lines: 3,
        ..page.style("address", TypeStyle::Plain, palette.soft, PLAIN)
    };
    let (mut blocks, mut y) = (Vec::new(), 0.0);
    for (text, style) in [
        (page.venue_name.map(str::to_owned), name),
        (page.address(), address),
    ] {
        let set = text.and_then(|text| pen.typesetter.set(&text, &style, width - indent, 140.0));
        if let Some(block) = set {
            let height = block.height;
            blocks.push(Placed {
                block,
                x: indent,
                y,
            });
            y += height + 6.0;
        }
    }
    // The pin is beside the first line.
    let baseline = blocks.first()?.block.baseline;
    Some(Column {
        blocks,
        pin: Some(Pin {
            y: baseline - pin * 0.84,
            side: pin,
        }),
        height: y - 6.0,
        first_line: 0.0,
    })
}

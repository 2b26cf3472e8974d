//! A panel: a stack of texts in an area of any shape. The title takes the height that the other
//! pieces leave. If that is too little to read it well, pieces are dropped, the least important
//! first.

use crate::{
    check::{Area, Size},
    color::{Oklch, READABLE, readable},
    fonts::TypeStyle,
    pen::Pen,
    shapes::{rectangle, rounded},
    text::{Block, TITLE_AIR, TextStyle},
};

/// A piece that a panel may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    Logo,
    Label,
    Title,
    Description,
    Date,
    Time,
    Place,
    Organizer,
    Button,
    /// A short thick line.
    Rule,
}

/// Where a panel is placed in its area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    Top,
    Middle,
}

/// The layout of a panel. Sizes are font sizes in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The pieces, from top to bottom.
    pub(crate) pieces: &'static [Piece],
    /// The pieces that are dropped for the title, in order.
    pub(crate) dispensable: &'static [Piece],
    pub(crate) type_style: TypeStyle,
    pub(crate) title: f32,
    /// Pieces are dropped if the title would be smaller than this.
    pub(crate) good_title: f32,
    pub(crate) smallest_title: f32,
    pub(crate) title_lines: usize,
    pub(crate) label: f32,
    pub(crate) fact: f32,
    /// The most lines of a fact.
    pub(crate) fact_lines: usize,
    pub(crate) button: f32,
    /// The height of the logo's box; the box is twice as wide.
    pub(crate) logo: f32,
    /// The gap between two pieces.
    pub(crate) gap: f32,
    pub(crate) stand: Stand,
}

/// A piece that has been set.
enum Part {
    Text(Block),
    Button(Block),
    Logo(Size),
    Rule(Size),
}

const BUTTON_SIDE: f32 = 0.95;
const BUTTON_TOP: f32 = 0.55;

impl Part {
    fn height(&self) -> f32 {
        match self {
            Self::Text(block) => block.height,
            Self::Button(block) => button_height(block),
            Self::Logo(size) | Self::Rule(size) => size.height,
        }
    }
}

fn button_height(block: &Block) -> f32 {
    block.height + 2.0 * BUTTON_TOP * block.size
}

/// A part with the gap above it.
struct Stacked {
    gap: f32,
    part: Part,
}

/// The pieces, set for a given width.
pub(crate) struct Panel {
    stack: Vec<Stacked>,
    /// The height of all pieces together.
    pub(crate) height: f32,
}

/// Draws the facts of the page in `area`, where the setting places them.
pub(crate) fn draw(pen: &mut Pen<'_>, area: Area, setting: &Setting) {
    let panel = Panel::set(pen, area, setting);
    let y = match setting.stand {
        Stand::Top => area.y,
        Stand::Middle => area.y + ((area.height - panel.height) / 2.0).floor(),
    };
    panel.draw(pen, Area { y, ..area });
}

impl Panel {
    /// Sets the facts of the page for `area`.
    pub(crate) fn set(pen: &mut Pen<'_>, area: Area, setting: &Setting) -> Self {
        let mut said: Vec<Piece> = setting.pieces.to_vec();
        let mut dispensable = setting.dispensable.iter();
        loop {
            let mut parts: Vec<(Piece, Option<Part>)> = said
                .iter()
                .map(|piece| (*piece, set_piece(pen, area, setting, *piece)))
                .filter(|(piece, part)| *piece == Piece::Title || part.is_some())
                .collect();
            // A rule with nothing below it would dangle.
            parts.pop_if(|(piece, _)| *piece == Piece::Rule);
            let gaps = gaps(setting, parts.iter().map(|(piece, _)| *piece));
            let others: f32 = parts
                .iter()
                .filter_map(|(_, part)| part.as_ref())
                .map(Part::height)
                .sum();
            let room = area.height - others - gaps.iter().sum::<f32>();
            let mut title =
                set_title(pen, area.width, room, setting).filter(|_| said.contains(&Piece::Title));
            let good = title.as_ref().is_none_or(|block| {
                !block.cut && block.size >= setting.good_title && block.height <= room + 0.5
            });
            // Only a piece that is shown can be dropped.
            let there = |piece: &&Piece| parts.iter().any(|(part, _)| part == *piece);
            if !good && let Some(next) = dispensable.find(there) {
                said.retain(|piece| piece != next);
                continue;
            }
            let stack: Vec<Stacked> = parts
                .into_iter()
                .zip(gaps)
                .filter_map(|((piece, part), gap)| {
                    let part = if piece == Piece::Title {
                        title.take().map(Part::Text)
                    } else {
                        part
                    };
                    Some(Stacked { gap, part: part? })
                })
                .collect();
            let height = stack.iter().map(|one| one.part.height() + one.gap).sum();
            return Self { stack, height };
        }
    }

    /// Draws the panel from the top of `area`.
    pub(crate) fn draw(&self, pen: &mut Pen<'_>, area: Area) {
        let mut y = area.y;
        for Stacked { gap, part } in &self.stack {
            y += gap;
            draw_part(pen, area, part, y);
            y += part.height();
        }
    }
}

/// The gap above each piece: small between facts, larger elsewhere.
fn gaps(setting: &Setting, pieces: impl Iterator<Item = Piece>) -> Vec<f32> {
    let is_fact = |piece| matches!(piece, Piece::Date | Piece::Time | Piece::Place);
    let mut before: Option<Piece> = None;
    let gap = pieces.map(|piece| {
        let gap = match before {
            None => 0.0,
            Some(before) if is_fact(before) && is_fact(piece) => setting.gap * 0.25,
            Some(Piece::Label) => setting.gap * 0.6,
            Some(_) if piece == Piece::Button => setting.gap * 1.25,
            Some(_) => setting.gap,
        };
        before = Some(piece);
        gap
    });
    gap.collect()
}

fn set_title(pen: &mut Pen<'_>, width: f32, height: f32, setting: &Setting) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        largest: setting.title,
        smallest: setting.smallest_title,
        leading: 0.98,
        most_lines: setting.title_lines,
        balanced: true,
        air: TITLE_AIR,
        ..page.style(
            "title",
            page.title_style(setting.type_style),
            palette.ink,
            0.0,
        )
    };
    pen.typesetter.set(page.title, &style, width, height)
}

/// Sets a piece for `area`; `None` if the page does not have it. The title is set last, in the room
/// that the other pieces leave.
fn set_piece(pen: &mut Pen<'_>, area: Area, setting: &Setting, piece: Piece) -> Option<Part> {
    match piece {
        Piece::Title => None,
        Piece::Logo => {
            let box_width = (setting.logo * 2.0).min(area.width);
            Some(Part::Logo(pen.page.logo?.fit(box_width, setting.logo)))
        }
        Piece::Label => set_label(pen, area.width, setting).map(Part::Text),
        Piece::Description => set_description(pen, area.width, setting).map(Part::Text),
        Piece::Date | Piece::Time | Piece::Place | Piece::Organizer => {
            set_fact(pen, area.width, setting, piece).map(Part::Text)
        }
        Piece::Button => button(pen, area.width, setting.button).map(Part::Button),
        Piece::Rule => Some(Part::Rule(Size {
            width: setting.gap * 2.4,
            height: (setting.gap * 0.22).max(2.0).round(),
        })),
    }
}

fn set_label(pen: &mut Pen<'_>, width: f32, setting: &Setting) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        smallest: setting.label * 0.8,
        tracking: 0.02,
        leading: 1.15,
        ..page.style("label", TypeStyle::Strong, palette.accent, setting.label)
    };
    pen.typesetter
        .set(page.label?, &style, width, setting.label * 2.0)
}

fn set_description(pen: &mut Pen<'_>, width: f32, setting: &Setting) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let style = TextStyle {
        smallest: setting.fact * 0.86,
        most_lines: 3,
        leading: 1.38,
        balanced: true,
        ..page.style("description", TypeStyle::Plain, palette.soft, setting.fact)
    };
    pen.typesetter
        .set(page.description?, &style, width, setting.fact * 5.0)
}

fn set_fact(pen: &mut Pen<'_>, width: f32, setting: &Setting, piece: Piece) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let (text, role, type_style, color) = match piece {
        Piece::Date => (
            page.date()?.to_owned(),
            "date",
            TypeStyle::Strong,
            palette.ink,
        ),
        Piece::Time => (page.time()?, "time", TypeStyle::Plain, palette.soft),
        Piece::Place => (page.place()?, "venue", TypeStyle::Plain, palette.soft),
        Piece::Organizer => (
            page.organizer?.to_owned(),
            "organizer",
            TypeStyle::Strong,
            palette.accent,
        ),
        Piece::Logo
        | Piece::Label
        | Piece::Title
        | Piece::Description
        | Piece::Button
        | Piece::Rule => return None,
    };
    let style = TextStyle {
        smallest: setting.fact * 0.86,
        most_lines: setting.fact_lines,
        leading: 1.2,
        ..page.style(role, type_style, color, setting.fact)
    };
    // Nastaliq needs almost twice its size.
    let room = setting.fact * 2.0 * setting.fact_lines as f32;
    pen.typesetter.set(&text, &style, width, room)
}

/// The call to action, set for a button.
pub(crate) fn button(pen: &mut Pen<'_>, width: f32, size: f32) -> Option<Block> {
    let Pen { page, palette, .. } = *pen;
    let on_accent = readable(Oklch::of(palette.paper), palette.accent, READABLE + 0.1);
    let style = TextStyle {
        smallest: (size * 0.78).max(11.0),
        leading: 1.12,
        ..page.style("button", TypeStyle::Strong, on_accent, size)
    };
    let mut block = pen.typesetter.set(
        page.call_to_action?,
        &style,
        width - 2.0 * BUTTON_SIDE * size,
        size * 2.0,
    )?;
    block.trim();
    Some(block)
}

/// The size of the button for a block.
pub(crate) fn button_size(block: &Block) -> Size {
    Size {
        width: (block.width + 2.0 * BUTTON_SIDE * block.size).ceil(),
        height: button_height(block).ceil(),
    }
}

/// Draws a button with its upper left corner at `x`, `y`.
pub(crate) fn draw_button(pen: &mut Pen<'_>, block: &Block, x: f32, y: f32) {
    let Size { width, height } = button_size(block);
    let (x, y) = (x.round(), y.round());
    let area = Area {
        x,
        y,
        width,
        height,
    };
    pen.sheet.fill(pen.palette.accent, |path| {
        rounded(path, area, height * 0.24)
    });
    // The letters are centred, not their line.
    let down = (height - block.ink.height) / 2.0 - block.ink.y;
    pen.write(
        block,
        x + ((width - block.width) / 2.0).round(),
        y + down.round(),
    );
}

fn draw_part(pen: &mut Pen<'_>, area: Area, part: &Part, y: f32) {
    let Pen { page, palette, .. } = *pen;
    match part {
        Part::Text(block) => pen.write(block, page.start(area, block.width), y),
        Part::Button(block) => {
            draw_button(pen, block, page.start(area, button_size(block).width), y);
        }
        Part::Logo(size) => {
            let place = Area {
                x: page.start(area, size.width),
                y,
                width: size.width,
                height: size.height,
            };
            if let Some(logo) = page.logo {
                pen.sheet.logo(logo, place, palette.paper);
            }
        }
        Part::Rule(size) => {
            let rule = Area {
                x: page.start(area, size.width).round(),
                y: y.round(),
                width: size.width,
                height: size.height,
            };
            pen.sheet.fill(palette.accent, |path| rectangle(path, rule));
        }
    }
}

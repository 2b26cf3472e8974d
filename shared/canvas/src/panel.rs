//! A panel: a stack of texts in an area of any shape. The title takes the height that the other
//! pieces leave. If that is too little to read it well, pieces are dropped, the least important
//! first.

use crate::{
    check::Area,
    color::{Oklch, READABLE, readable},
    fonts::Voice,
    page::Page,
    palette::Palette,
    shapes::{rectangle, rounded},
    sheet::Sheet,
    text::{Block, Style, Typesetter},
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
    pub(crate) voice: Voice,
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
    Logo(f32, f32),
    Rule(f32, f32),
}

const BUTTON_SIDE: f32 = 0.95;
const BUTTON_TOP: f32 = 0.55;

impl Part {
    fn height(&self) -> f32 {
        match self {
            Self::Text(block) => block.height,
            Self::Button(block) => button_height(block),
            Self::Logo(_, height) | Self::Rule(_, height) => *height,
        }
    }
}

fn button_height(block: &Block) -> f32 {
    block.height + 2.0 * BUTTON_TOP * block.size
}

/// The pieces, set for a given width.
pub(crate) struct Panel {
    parts: Vec<(Part, f32)>,
    /// The height of all pieces together.
    pub(crate) height: f32,
}

/// Draws the facts of `page` in `area`, where the setting places them.
pub(crate) fn draw(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
    area: Area,
    setting: &Setting,
) {
    let panel = Panel::set(typesetter, page, palette, area, setting);
    let y = match setting.stand {
        Stand::Top => area.y,
        Stand::Middle => area.y + ((area.height - panel.height) / 2.0).floor(),
    };
    panel.draw(typesetter, sheet, page, palette, Area { y, ..area });
}

impl Panel {
    /// Sets the facts of `page` for `area`.
    pub(crate) fn set(
        typesetter: &mut Typesetter,
        page: &Page<'_>,
        palette: &Palette,
        area: Area,
        setting: &Setting,
    ) -> Self {
        let (parts, height) = set(typesetter, page, palette, area, setting);
        Self { parts, height }
    }

    /// Draws the panel from the top of `area`.
    pub(crate) fn draw(
        &self,
        typesetter: &mut Typesetter,
        sheet: &mut Sheet,
        page: &Page<'_>,
        palette: &Palette,
        area: Area,
    ) {
        let mut y = area.y;
        for (part, gap) in &self.parts {
            y += gap;
            draw_part(typesetter, sheet, page, palette, area, part, y);
            y += part.height();
        }
    }
}

/// The parts, each with the gap above it, and their height together.
fn set(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
    area: Area,
    setting: &Setting,
) -> (Vec<(Part, f32)>, f32) {
    let mut said: Vec<Piece> = setting.pieces.to_vec();
    let mut dispensable = setting.dispensable.iter();
    loop {
        let parts: Vec<(Piece, Option<Part>)> = said
            .iter()
            .map(|piece| {
                (
                    *piece,
                    set_piece(typesetter, page, palette, area, setting, *piece),
                )
            })
            .filter(|(piece, part)| *piece == Piece::Title || part.is_some())
            .collect();
        let gaps = gaps(setting, parts.iter().map(|(piece, _)| *piece));
        let others: f32 = parts
            .iter()
            .filter_map(|(_, part)| part.as_ref())
            .map(Part::height)
            .sum();
        let room = area.height - others - gaps.iter().sum::<f32>();
        let mut title = set_title(typesetter, page, palette, area.width, room, setting)
            .filter(|_| said.contains(&Piece::Title));
        let good = title.as_ref().is_none_or(|block| {
            !block.cut && block.size >= setting.good_title && block.height <= room + 0.5
        });
        // Only a piece that is shown can be dropped.
        let there = |piece: &&Piece| parts.iter().any(|(part, _)| part == *piece);
        if !good && let Some(next) = dispensable.find(there) {
            said.retain(|piece| piece != next);
            continue;
        }
        let parts: Vec<(Part, f32)> = parts
            .into_iter()
            .zip(gaps)
            .filter_map(|((piece, part), gap)| {
                let part = if piece == Piece::Title {
                    title.take().map(Part::Text)
                } else {
                    part
                };
                Some((part?, gap))
            })
            .collect();
        let height = parts.iter().map(|(part, gap)| part.height() + gap).sum();
        return (parts, height);
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

fn set_title(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
    width: f32,
    height: f32,
    setting: &Setting,
) -> Option<Block> {
    let style = Style {
        largest: setting.title,
        smallest: setting.smallest_title,
        leading: 0.98,
        most_lines: setting.title_lines,
        balanced: true,
        ..page.style("title", page.title_voice(setting.voice), palette.ink, 0.0)
    };
    typesetter.set(page.title, &style, width, height)
}

fn set_piece(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
    area: Area,
    setting: &Setting,
    piece: Piece,
) -> Option<Part> {
    let fact = |role, voice, color| Style {
        smallest: setting.fact * 0.86,
        most_lines: setting.fact_lines,
        leading: 1.2,
        ..page.style(role, voice, color, setting.fact)
    };
    let room = setting.fact * 1.5 * setting.fact_lines as f32;
    let mut text = |text: &str, style: &Style, height: f32| {
        typesetter
            .set(text, style, area.width, height)
            .map(Part::Text)
    };
    match piece {
        Piece::Title => None,
        Piece::Logo => {
            let (width, height) = page
                .logo?
                .fit((setting.logo * 2.0).min(area.width), setting.logo);
            Some(Part::Logo(width, height))
        }
        Piece::Label => {
            let style = Style {
                smallest: setting.label * 0.8,
                tracking: 0.02,
                leading: 1.15,
                ..page.style("label", Voice::Strong, palette.accent, setting.label)
            };
            text(page.label?, &style, setting.label * 1.6)
        }
        Piece::Description => {
            let style = Style {
                most_lines: 3,
                leading: 1.38,
                balanced: true,
                ..fact("description", Voice::Plain, palette.soft)
            };
            text(page.description?, &style, setting.fact * 5.0)
        }
        Piece::Date => text(
            page.date()?,
            &fact("date", Voice::Strong, palette.ink),
            room,
        ),
        Piece::Time => {
            let when = page.when.as_ref()?;
            let time = format!(
                "{} {}",
                when.time.as_ref()?,
                when.zone.as_deref().unwrap_or_default()
            );
            text(
                time.trim_end(),
                &fact("time", Voice::Plain, palette.soft),
                room,
            )
        }
        Piece::Place => text(
            &page.place()?,
            &fact("venue", Voice::Plain, palette.soft),
            room,
        ),
        Piece::Organizer => text(
            page.organizer?,
            &fact("organizer", Voice::Strong, palette.accent),
            room,
        ),
        Piece::Button => {
            button(typesetter, page, palette, area.width, setting.button).map(Part::Button)
        }
        Piece::Rule => Some(Part::Rule(
            setting.gap * 2.4,
            (setting.gap * 0.22).max(2.0).round(),
        )),
    }
}

/// The call to action, set for a button.
pub(crate) fn button(
    typesetter: &mut Typesetter,
    page: &Page<'_>,
    palette: &Palette,
    width: f32,
    size: f32,
) -> Option<Block> {
    let on_accent = readable(Oklch::of(palette.paper), palette.accent, READABLE + 0.1);
    let style = Style {
        smallest: (size * 0.78).max(11.0),
        leading: 1.12,
        ..page.style("button", Voice::Strong, on_accent, size)
    };
    let mut block = typesetter.set(
        page.call_to_action?,
        &style,
        width - 2.0 * BUTTON_SIDE * size,
        size * 1.7,
    )?;
    block.trim();
    Some(block)
}

/// The width and height of the button for a block.
pub(crate) fn button_size(block: &Block) -> (f32, f32) {
    (
        (block.width + 2.0 * BUTTON_SIDE * block.size).ceil(),
        button_height(block).ceil(),
    )
}

/// Draws a button with its upper left corner at `x`, `y`.
pub(crate) fn draw_button(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    palette: &Palette,
    block: &Block,
    x: f32,
    y: f32,
) {
    let (width, height) = button_size(block);
    let (x, y) = (x.round(), y.round());
    sheet.fill(palette.accent, |path| {
        rounded(
            path,
            Area {
                x,
                y,
                width,
                height,
            },
            height * 0.24,
        )
    });
    // The letters are centred, not their line.
    let down = (height - block.ink.height) / 2.0 - block.ink.y;
    typesetter.draw(
        sheet,
        block,
        x + ((width - block.width) / 2.0).round(),
        y + down.round(),
    );
}

fn draw_part(
    typesetter: &mut Typesetter,
    sheet: &mut Sheet,
    page: &Page<'_>,
    palette: &Palette,
    area: Area,
    part: &Part,
    y: f32,
) {
    match part {
        Part::Text(block) => typesetter.draw(sheet, block, page.start(area, block.width), y),
        Part::Button(block) => {
            let (width, _) = button_size(block);
            draw_button(
                typesetter,
                sheet,
                palette,
                block,
                page.start(area, width),
                y,
            );
        }
        Part::Logo(width, height) => {
            let place = Area {
                x: page.start(area, *width),
                y,
                width: *width,
                height: *height,
            };
            if let Some(logo) = page.logo {
                sheet.logo(logo, place, palette.paper);
            }
        }
        Part::Rule(width, height) => {
            let rule = Area {
                x: page.start(area, *width).round(),
                y: y.round(),
                width: *width,
                height: *height,
            };
            sheet.fill(palette.accent, |path| rectangle(path, rule));
        }
    }
}

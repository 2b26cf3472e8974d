//! Setting text: it is fitted to a box, measured by its pixels, and drawn.

mod fit;
mod phrases;

use contract::Color;
use cosmic_text::{Align, Buffer, CacheKey, LayoutGlyph, SwashCache, SwashContent};

use crate::{
    check::{Area, DrawnText},
    clean::{Clean, clean},
    fonts::{Face, FontError, Fonts, Han, TypeStyle, is_cjk_letter},
    sheet::Sheet,
    words::LocaleRules,
};
use fit::SizeAttempt;

/// The style of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextStyle {
    /// Its role in the report.
    pub(crate) role: &'static str,
    pub(crate) type_style: TypeStyle,
    pub(crate) color: Color,
    /// The font size in pixels that is tried first.
    pub(crate) largest: f32,
    /// The smallest font size in pixels; below it the text is cut.
    pub(crate) smallest: f32,
    /// The distance between two baselines, in font sizes. Scripts that need more get more.
    pub(crate) leading: f32,
    /// The space between letters, in font sizes. It applies only to scripts with separate letters.
    pub(crate) tracking: f32,
    pub(crate) align: Align,
    pub(crate) most_lines: usize,
    /// Whether lines are balanced to about the same length.
    pub(crate) balanced: bool,
}

/// A text that has been set and measured, and can be drawn at any place.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) style: TextStyle,
    pub(crate) text: String,
    pub(crate) width: f32,
    /// The height that it takes, with every pixel of it.
    pub(crate) height: f32,
    pub(crate) size: f32,
    pub(crate) lines: usize,
    pub(crate) cut: bool,
    /// The rectangle of its pixels, relative to the upper left corner of the block.
    pub(crate) ink: Area,
    /// The distance from the top of the block to the first baseline.
    pub(crate) baseline: f32,
    glyphs: Vec<Glyph>,
    ids: Vec<u16>,
}

impl Block {
    /// Makes the block as narrow as its pixels, and returns the new width. Its first pixel is then
    /// on the left edge.
    pub(crate) fn trim(&mut self) -> f32 {
        let left = self.ink.x;
        for glyph in &mut self.glyphs {
            // Glyph images are on whole pixels, so this loses nothing.
            glyph.x -= left as i32;
        }
        self.ink.x = 0.0;
        self.width = self.ink.width;
        self.width
    }
}

#[derive(Debug)]
struct Glyph {
    key: CacheKey,
    x: i32,
    y: i32,
}

/// Sets text.
pub(crate) struct Typesetter {
    fonts: Fonts,
    swash: SwashCache,
    /// The reader's form of Chinese characters.
    han: Option<Han>,
    /// Why the last render lacks a text.
    failure: Option<FontError>,
}

impl Typesetter {
    pub(crate) fn new(fonts: Fonts) -> Self {
        Self {
            fonts,
            swash: SwashCache::new(),
            han: None,
            failure: None,
        }
    }

    /// Sets the reader of the texts that follow. `locale` decides the forms of Chinese characters;
    /// if its language has none, each text decides for itself.
    pub(crate) fn set_locale(&mut self, locale: LocaleRules) {
        self.han = locale.han();
    }

    /// The first reason since the last call why a text could not be set: its font file was there at
    /// loading, but cannot be read now. A caller must not show a drawing that lacks a text.
    pub(crate) fn take_failure(&mut self) -> Option<FontError> {
        self.failure.take()
    }

    /// Drops the glyph images of the last render, so that memory does not grow.
    pub(crate) fn forget(&mut self) {
        self.swash.image_cache.clear();
    }

    /// Cleans `text` as it is set in `type_style` for a reader of `han`.
    pub(crate) fn clean(&self, type_style: TypeStyle, han: Option<Han>, text: &str) -> Clean {
        clean(&self.fonts, type_style, han, text)
    }

    /// Sets `text` as large as `style` allows within `width` × `height`. `None` if nothing of it is
    /// drawable.
    pub(crate) fn set(
        &mut self,
        text: &str,
        style: &TextStyle,
        width: f32,
        height: f32,
    ) -> Option<Block> {
        let cleaned = clean(&self.fonts, style.type_style, self.han, text);
        if cleaned.is_blank() {
            return None;
        }
        for face in cleaned.pieces.iter().filter_map(|(_, face)| *face) {
            if let Err(error) = self.fonts.read(face) {
                self.failure.get_or_insert(error);
                return None;
            }
        }
        let leading = style
            .leading
            .max(leading_of_scripts(&cleaned, style.type_style));
        let tracking = if letters_stand_apart(&cleaned) {
            style.tracking
        } else {
            0.0
        };
        // Marks and swashes may overhang their line. The overhang is measured after setting, and
        // the next round leaves room for it.
        let (mut room, mut side) = (height, 0.0);
        let mut block = None;
        for _ in 0..6 {
            let attempt = SizeAttempt {
                style,
                width: width - 2.0 * side,
                side,
                height: room,
                leading,
                most_lines: style.most_lines,
            };
            let candidate = self.fit(&cleaned, tracking, &attempt);
            let too_high = candidate.height - height;
            let overhang = (-candidate.ink.x).max(candidate.ink.right() - width);
            let hangs = overhang > candidate.size * 0.06;
            let fits = (too_high <= 0.5 || room < style.smallest * leading) && !hangs;
            block = Some(candidate);
            if fits {
                break;
            }
            if too_high > 0.5 {
                room -= too_high.max(2.0);
            }
            if hangs {
                side = (side + overhang.ceil()).min(width * 0.4);
            }
        }
        block
    }

    /// Places the glyphs of a buffer that was laid out for `set_width`, and measures where their
    /// pixels are.
    fn measure(
        &mut self,
        cleaned: &Clean,
        buffer: &Buffer,
        size: f32,
        set_width: f32,
        attempt: &SizeAttempt<'_>,
        cut: bool,
    ) -> Block {
        let slack = attempt.width - set_width;
        let shift = attempt.side
            + match attempt.style.align {
                Align::Center => slack / 2.0,
                Align::Right | Align::End => slack,
                Align::Left | Align::Justified => 0.0,
            };
        let (mut glyphs, mut ids, mut lines, mut bottom, mut first_baseline) =
            (Vec::new(), Vec::new(), 0, 0.0_f32, 0.0);
        for run in buffer.layout_runs() {
            if lines == 0 {
                first_baseline = run.line_y;
            }
            lines += 1;
            bottom = bottom.max(run.line_top + run.line_height);
            for glyph in run.glyphs {
                ids.push(glyph.glyph_id);
                glyphs.push(place(glyph, shift, run.line_y));
            }
        }
        let ink = self.ink(&glyphs);
        // A mark above the first line or below the last makes the block higher, and moves its
        // content down.
        let down = (-ink.y).max(0.0).ceil();
        for glyph in &mut glyphs {
            glyph.y += down as i32;
        }
        let ink = Area {
            y: ink.y + down,
            ..ink
        };
        Block {
            style: *attempt.style,
            text: cleaned.text(),
            width: attempt.width + 2.0 * attempt.side,
            height: (bottom + down).max(ink.bottom()),
            size,
            lines,
            cut,
            ink,
            baseline: first_baseline + down,
            glyphs,
            ids,
        }
    }

    fn ink(&mut self, glyphs: &[Glyph]) -> Area {
        let (mut left, mut top, mut right, mut bottom) = (i32::MAX, i32::MAX, i32::MIN, i32::MIN);
        for glyph in glyphs {
            if let Some(image) = self.swash.get_image(&mut self.fonts.system, glyph.key)
                && image.placement.width > 0
                && image.placement.height > 0
            {
                let (x, y) = (
                    glyph.x + image.placement.left,
                    glyph.y - image.placement.top,
                );
                left = left.min(x);
                top = top.min(y);
                right = right.max(x + image.placement.width as i32);
                bottom = bottom.max(y + image.placement.height as i32);
            }
        }
        if left > right {
            return Area {
                x: 0.0,
                y: 0.0,
                width: 0.0,
                height: 0.0,
            };
        }
        Area {
            x: left as f32,
            y: top as f32,
            width: (right - left) as f32,
            height: (bottom - top) as f32,
        }
    }

    /// Draws `block` with its upper left corner at `x`, `y` (whole pixels), and reports it.
    pub(crate) fn draw(&mut self, sheet: &mut Sheet, block: &Block, x: f32, y: f32) {
        let (x, y) = (x.round(), y.round());
        let ink = Area {
            x: block.ink.x + x,
            y: block.ink.y + y,
            ..block.ink
        };
        let area = Area {
            x,
            y,
            width: block.width,
            height: block.height,
        };
        let text = DrawnText {
            role: block.style.role,
            text: block.text.clone(),
            area,
            ink,
            size: block.size,
            lines: block.lines,
            glyphs: block.ids.clone(),
            color: block.style.color,
            contrast: sheet.least_contrast(ink, block.style.color),
            cut: block.cut,
        };
        sheet.report(text);
        for glyph in &block.glyphs {
            let Some(image) = self.swash.get_image(&mut self.fonts.system, glyph.key) else {
                continue;
            };
            let (left, top) = (
                x as i32 + glyph.x + image.placement.left,
                y as i32 + glyph.y - image.placement.top,
            );
            // Every built-in face has outlines, so every image is a mask.
            if image.content == SwashContent::Mask {
                sheet.stamp(
                    &image.data,
                    image.placement.width,
                    left,
                    top,
                    block.style.color,
                );
            }
        }
    }
}

fn place(glyph: &LayoutGlyph, shift: f32, line_y: f32) -> Glyph {
    let physical = glyph.physical((shift, line_y), 1.0);
    Glyph {
        key: physical.cache_key,
        x: physical.x,
        y: physical.y,
    }
}

/// The leading that the scripts of a text need: Devanagari has vowels above and below its letters,
/// Arabic even more; Chinese characters fill their squares, so that lines need air between them.
fn leading_of_scripts(cleaned: &Clean, type_style: TypeStyle) -> f32 {
    cleaned
        .pieces
        .iter()
        .filter_map(|(_, face)| *face)
        .map(|face| match face {
            Face::MuktaExtraBold | Face::Lalezar => 1.22,
            Face::TiroDevanagariHindi
            | Face::NotoSansDevanagariMedium
            | Face::NotoSansArabicMedium => 1.32,
            Face::AmiriBold => 1.42,
            Face::NotoEmoji => 1.12,
            Face::NotoSansJp | Face::NotoSansSc | Face::NotoSansTc | Face::NotoSansKr => {
                match type_style {
                    TypeStyle::Loud | TypeStyle::Festive => 1.2,
                    TypeStyle::Strong => 1.36,
                    TypeStyle::Plain => 1.6,
                }
            }
            Face::BricolageExtraBold
            | Face::InterTightExtraBold
            | Face::FrauncesDisplay
            | Face::NotoSerifDisplayMedium
            | Face::InterRegular
            | Face::InterSemiBold => 0.0,
        })
        .fold(0.0, f32::max)
}

fn letters_stand_apart(cleaned: &Clean) -> bool {
    let stands_apart = |c: char| {
        u32::from(c) < 0x590 || (0x1e00..0x2c00).contains(&u32::from(c)) || is_cjk_letter(c)
    };
    cleaned.text().chars().all(stands_apart)
}

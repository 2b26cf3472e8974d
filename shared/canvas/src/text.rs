//! Setting text: it is fitted to a box, measured by its pixels, and drawn.

mod fit;
mod glyphs;
mod layout;
mod phrases;

use contract::{Color, Locale};
use unicode_script::{Script, UnicodeScript};

use crate::{
    check::{Area, ClusterBox, DrawnText},
    clean::{Clean, Reader, clean},
    fonts::{Face, FontError, Fonts, TypeStyle},
    sheet::Sheet,
    words::LocaleRules,
};
use fit::{LaidOut, SizeAttempt};
use glyphs::{GlyphImages, Spot};
pub(crate) use layout::is_right_to_left;
use layout::{EM, How, Shaped, Shaper};

/// The side of its area to which the lines of a text keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// The left one.
    Start,
    Center,
    /// The right one, where the lines of a page that runs from right to left begin.
    End,
}

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
    /// Where its characters are, relative to the upper left corner of the block.
    clusters: Vec<ClusterBox>,
    glyphs: Vec<Glyph>,
}

impl Block {
    /// Makes the block as narrow as its pixels, and returns the new width. Its first pixel is then
    /// on the left edge.
    pub(crate) fn trim(&mut self) -> f32 {
        let left = self.ink.x;
        for glyph in &mut self.glyphs {
            // The ink begins on a whole pixel, so this loses nothing.
            glyph.spot.x -= left as i32;
        }
        for cluster in &mut self.clusters {
            cluster.x -= left;
        }
        self.ink.x = 0.0;
        self.width = self.ink.width;
        self.width
    }
}

/// A glyph of a block.
#[derive(Debug, Clone, Copy)]
struct Glyph {
    face: Face,
    id: u16,
    spot: Spot,
}

/// What is known of the reader.
#[derive(Debug, Clone)]
struct Language {
    tag: String,
    rules: LocaleRules,
}

impl Language {
    fn of(locale: Option<&Locale>) -> Self {
        Self {
            tag: locale.map_or("en", Locale::as_str).to_owned(),
            rules: LocaleRules::of(locale),
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader::of(&self.tag, self.rules.han(), self.rules.right_to_left())
    }
}

/// Sets text.
pub(crate) struct Typesetter {
    fonts: Fonts,
    shaper: Shaper,
    images: GlyphImages,
    language: Language,
    /// Why the last render lacks a text.
    failure: Option<FontError>,
}

impl Typesetter {
    pub(crate) fn new(fonts: Fonts) -> Self {
        Self {
            fonts,
            shaper: Shaper::new(),
            images: GlyphImages::default(),
            language: Language::of(None),
            failure: None,
        }
    }

    /// Sets the language of the reader of the texts that follow. It decides the direction of
    /// paragraphs, the forms of letters, and those of Chinese characters; if it has none of these,
    /// each text decides for itself.
    pub(crate) fn set_locale(&mut self, locale: Option<&Locale>) {
        self.language = Language::of(locale);
    }

    /// The first reason since the last call why a text could not be set: its font file was there at
    /// loading, but cannot be read now. A caller must not show a drawing that lacks a text.
    pub(crate) fn take_failure(&mut self) -> Option<FontError> {
        self.failure.take()
    }

    /// Drops the glyph images of the last render, so that memory does not grow.
    pub(crate) fn forget(&mut self) {
        self.images.forget();
    }

    /// The bytes of the face with this name. `None` if there is none.
    pub(crate) fn font(&mut self, name: &str) -> Result<Option<Vec<u8>>, FontError> {
        match Face::all().find(|face| face.name() == name) {
            Some(face) => Ok(Some((*self.fonts.bytes(face)?).as_ref().to_vec())),
            None => Ok(None),
        }
    }

    /// Cleans `text` as a fact is set. What it loses depends neither on its style nor on the reader.
    pub(crate) fn clean(&self, text: &str) -> Clean {
        clean(&self.fonts, TypeStyle::Plain, &self.language.reader(), text)
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
        let cleaned = clean(&self.fonts, style.type_style, &self.language.reader(), text);
        if cleaned.is_blank() {
            return None;
        }
        match self.set_cleaned(&cleaned, style, width, height) {
            Ok(block) => block,
            Err(error) => {
                self.failure.get_or_insert(error);
                None
            }
        }
    }

    fn set_cleaned(
        &mut self,
        cleaned: &Clean,
        style: &TextStyle,
        width: f32,
        height: f32,
    ) -> Result<Option<Block>, FontError> {
        let leading = style
            .leading
            .max(leading_of_scripts(cleaned, style.type_style));
        let tracking = if letters_stand_apart(&cleaned.text()) {
            style.tracking
        } else {
            0.0
        };
        let shaped = self.shape(cleaned, tracking, style)?;
        // Marks and swashes may overhang their line. The overhang is measured after setting, and
        // the next round leaves room for it.
        // One line at the smallest size is never cut for that.
        let least = style.smallest * leading;
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
            let candidate = self.fit(cleaned, &shaped, tracking, &attempt)?;
            let too_high = candidate.height - height;
            let taken = candidate.lines as f32 * leading * candidate.size;
            let overhang = (-candidate.ink.x).max(candidate.ink.right() - width);
            let hangs = overhang > candidate.size * 0.06;
            let fits = (too_high <= 0.5 || room <= least) && !hangs;
            block = Some(candidate);
            if fits {
                break;
            }
            if too_high > 0.5 {
                room = (room.min(taken) - too_high.max(2.0)).max(least);
            }
            if hangs {
                side = (side + overhang.ceil()).min(width * 0.4);
            }
        }
        Ok(block)
    }

    /// Shapes `cleaned` for `style`, with `tracking` font sizes between letters.
    fn shape(
        &mut self,
        cleaned: &Clean,
        tracking: f32,
        style: &TextStyle,
    ) -> Result<Shaped, FontError> {
        let how = How {
            reader: &self.language.reader(),
            tracking,
            proportional: style.type_style.is_display(),
        };
        self.shaper.shape(&mut self.fonts, cleaned, &how)
    }

    /// Places the glyphs of a text that was laid out, and measures where their pixels are.
    fn measure(
        &mut self,
        cleaned: &Clean,
        shaped: &Shaped,
        laid_out: &LaidOut,
        attempt: &SizeAttempt<'_>,
        cut: bool,
    ) -> Block {
        let size = laid_out.size;
        let scale = size / EM;
        let line_height = size * attempt.leading;
        // The letters are in the middle of their line.
        let first_baseline =
            ((line_height + (shaped.ascent - shaped.descent) * scale) / 2.0).round();
        let (mut glyphs, mut clusters) = (Vec::new(), Vec::new());
        for (number, stretch) in laid_out.lines.iter().enumerate() {
            let baseline = (number as f32 * line_height + first_baseline).round();
            let slack = attempt.width - stretch.width * scale;
            let left = attempt.side
                + match attempt.style.align {
                    Align::Start => 0.0,
                    Align::Center => slack / 2.0,
                    Align::End => slack,
                };
            let line = shaped.place(stretch);
            glyphs.extend(line.glyphs.iter().map(|glyph| Glyph {
                face: glyph.face,
                id: glyph.id,
                spot: Spot::near(left + glyph.x * scale, baseline + glyph.y * scale),
            }));
            clusters.extend(line.clusters.into_iter().map(|cluster| {
                ClusterBox {
                    text: cluster.text,
                    line: number,
                    x: left + cluster.x * scale,
                    width: cluster.advance * scale,
                    face: cluster.face.name(),
                    level: cluster.level,
                    glyphs: line.glyphs[cluster.glyphs]
                        .iter()
                        .map(|glyph| glyph.id)
                        .collect(),
                }
            }));
        }
        let ink = self.ink(&glyphs, size);
        // A mark above the first line or below the last makes the block higher, and moves its
        // content down.
        let down = (-ink.y).max(0.0).ceil();
        for glyph in &mut glyphs {
            glyph.spot.y += down as i32;
        }
        let ink = Area {
            y: ink.y + down,
            ..ink
        };
        Block {
            style: *attempt.style,
            text: cleaned.text(),
            width: attempt.width + 2.0 * attempt.side,
            height: (laid_out.lines.len() as f32 * line_height + down).max(ink.bottom()),
            size,
            lines: laid_out.lines.len(),
            cut,
            ink,
            baseline: first_baseline + down,
            clusters,
            glyphs,
        }
    }

    fn ink(&mut self, glyphs: &[Glyph], size: f32) -> Area {
        let (mut left, mut top, mut right, mut bottom) = (i32::MAX, i32::MAX, i32::MIN, i32::MIN);
        for Glyph { face, id, spot } in glyphs {
            if let Some(image) = self.images.image(&mut self.fonts, *face, *id, size, *spot) {
                let (x, y) = (spot.x + image.left, spot.y + image.top);
                left = left.min(x);
                top = top.min(y);
                right = right.max(x + image.width as i32);
                bottom = bottom.max(y + image.height as i32);
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
        let clusters = block.clusters.iter().map(|cluster| ClusterBox {
            x: cluster.x + x,
            ..cluster.clone()
        });
        let text = DrawnText {
            role: block.style.role,
            text: block.text.clone(),
            area,
            ink,
            size: block.size,
            lines: block.lines,
            glyphs: block.glyphs.iter().map(|glyph| glyph.id).collect(),
            clusters: clusters.collect(),
            color: block.style.color,
            contrast: sheet.least_contrast(ink, block.style.color),
            cut: block.cut,
        };
        sheet.report(text);
        for Glyph { face, id, spot } in &block.glyphs {
            let images = &mut self.images;
            if let Some(image) = images.image(&mut self.fonts, *face, *id, block.size, *spot) {
                sheet.stamp(
                    &image.coverage,
                    image.width,
                    x as i32 + spot.x + image.left,
                    y as i32 + spot.y + image.top,
                    block.style.color,
                );
            }
        }
    }
}

/// The leading that the scripts of a text need: Devanagari has vowels above and below its letters,
/// Arabic even more; Chinese characters fill their squares, so that lines need air between them.
fn leading_of_scripts(cleaned: &Clean, type_style: TypeStyle) -> f32 {
    cleaned
        .pieces
        .iter()
        .map(|piece| piece.face.leading(type_style))
        .fold(0.0, f32::max)
}

/// Whether all letters of `text` are of scripts whose letters stand apart, so that space between
/// them does no harm. Elsewhere letters join, or hang from one line.
fn letters_stand_apart(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(
            c.script(),
            Script::Common
                | Script::Inherited
                | Script::Latin
                | Script::Greek
                | Script::Cyrillic
                | Script::Armenian
                | Script::Georgian
                | Script::Hebrew
                | Script::Ethiopic
                | Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Hangul
                | Script::Bopomofo
        )
    })
}

#[cfg(test)]
mod tests;

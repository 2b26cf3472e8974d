//! Setting text: it is fitted to a box, measured by its pixels, and drawn.

mod cut;
mod fit;
mod glyphs;
mod layout;
mod measure;
mod numbers;
mod phrases;

use contract::{Color, Locale};
use unicode_script::{Script, UnicodeScript};

use crate::{
    check::{Area, ClusterBox, DrawnText},
    clean::{Clean, Reader, clean},
    fonts::{Face, FontError, Fonts, TypeStyle},
    ground::Ground,
    loss::Field,
    sheet::Sheet,
    words::LocaleRules,
};
use fit::SizeAttempt;
use glyphs::{GlyphImages, Spot};
pub(crate) use layout::is_right_to_left;
use layout::{How, Shaped, Shaper};

/// The free height above and below the pixels of a title, in font sizes. Its letters may fill their
/// line, and would come close to a smaller text.
pub(crate) const TITLE_AIR: f32 = 0.1;

/// The share of its script's leading that a title has at least. That leading is for text, whose lines
/// are many; in a title the letters that it has decide.
const LEADING_OF_TITLES: f32 = 0.86;

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
    /// Whether lines are balanced to about the same length, and the last is not much shorter.
    pub(crate) balanced: bool,
    /// The least free height above and below its pixels, in font sizes. A title needs it, because its
    /// letters may fill the whole height of their line.
    pub(crate) air: f32,
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
    /// The rectangle of the pixels of each line.
    line_inks: Vec<Area>,
    /// The distance from the top of the block to the first baseline.
    pub(crate) baseline: f32,
    /// The height of its lines, without the room for marks above them and below.
    lines_height: f32,
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
        for ink in &mut self.line_inks {
            ink.x -= left;
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
        let by_script = leading_of_scripts(cleaned, style.type_style);
        let leading = style.leading.max(if style.type_style.is_display() {
            by_script * LEADING_OF_TITLES
        } else {
            by_script
        });
        let tracking = if letters_stand_apart(&cleaned.text()) {
            style.tracking
        } else {
            0.0
        };
        let shaped = self.shape(cleaned, tracking, style)?;
        // Marks and swashes may overhang their line. The overhang is measured after setting, and
        // the next round leaves room for it.
        // One line at the smallest size is never cut for that, nor for the height of its script.
        let least = style.smallest * leading;
        let (mut room, mut side) = (height.max(least), 0.0);
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
            let taken = candidate.lines_height;
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

    /// What `block` would cover with its upper left corner at `x`, `y`.
    fn ground(&mut self, sheet: &Sheet, block: &Block, x: i32, y: i32) -> Ground {
        let mut ground = Ground::under(block.style.color);
        for Glyph { face, id, spot } in &block.glyphs {
            let images = &mut self.images;
            if let Some(image) = images.image(&mut self.fonts, *face, *id, block.size, *spot) {
                sheet.sample(
                    &image.coverage,
                    image.width,
                    x + spot.x + image.left,
                    y + spot.y + image.top,
                    &mut ground,
                );
            }
        }
        ground
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
        let line_inks = block.line_inks.iter().map(|ink| Area {
            x: ink.x + x,
            y: ink.y + y,
            ..*ink
        });
        let ground = self.ground(sheet, block, x as i32, y as i32);
        let text = DrawnText {
            role: block.style.role,
            field: Field::of_role(block.style.role),
            text: block.text.clone(),
            area,
            ink,
            line_inks: line_inks.collect(),
            size: block.size,
            lines: block.lines,
            glyphs: block.glyphs.iter().map(|glyph| glyph.id).collect(),
            clusters: clusters.collect(),
            color: block.style.color,
            contrast: ground.contrast,
            lightness_contrast: ground.lightness_contrast,
            on_art: ground.is_art,
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

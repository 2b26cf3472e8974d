//! Shaping, the order of mixed directions, and the breaking of lines: the only file that names
//! parley.
//!
//! A text is shaped once, at the size [`EM`]. Its outlines are neither hinted nor made for one size,
//! so any other size is the same shapes scaled, and lines can be broken at any width without
//! shaping again. Where a line breaks inside a joined word, its letters keep the forms that they
//! have in the whole word, as CSS wants: <https://www.w3.org/TR/css-text-3/#word-break-shaping>.

use std::ops::Range;

use fontique::{Blob, Synthesis};
use icu_segmenter::{
    LineSegmenter, LineSegmenterBorrowed,
    options::{LineBreakOptions, LineBreakStrictness},
};
use parlance::{FontFeature, Language, Tag};
use parley_engine::{
    Analysis, AnalysisOptions, Analyzer, BaseDirection, FontInstanceRef, FontSelector, Glyph,
    ShapeOptions, ShapedText,
    itemize::{Item, Segment},
    shape::CharCluster,
};

use crate::{
    clean::{Clean, Reader},
    fonts::{Face, FontError, Fonts},
};

/// The font size in pixels at which texts are shaped. All lengths in this file are at this size.
pub(crate) const EM: f32 = 100.0;

/// How a text is shaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How<'a> {
    pub(crate) reader: &'a Reader<'a>,
    /// The space between letters, in font sizes.
    pub(crate) tracking: f32,
    /// Whether kana and the punctuation of Chinese are as close as their shapes allow, not each in
    /// a square.
    pub(crate) proportional: bool,
}

/// Where a line may break.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Breaks<'a> {
    /// Where Unicode's rules allow it (<https://www.unicode.org/reports/tr14/>).
    Allowed,
    /// Also not at these offsets, in bytes of the text, sorted.
    Except(&'a [usize]),
    /// Also inside a word that is wider than the line.
    Anywhere,
}

/// Shapes texts.
pub(crate) struct Shaper {
    analyzer: Analyzer,
    analysis: Analysis,
    shaper: parley_engine::Shaper,
    shaped: ShapedText,
    /// The fonts that have been used so far. The engine knows a font by the number of its blob.
    fonts: Vec<(Face, Blob<u8>)>,
    /// Where lines of Thai, Lao, Khmer and Burmese may break.
    words: LineSegmenterBorrowed<'static>,
}

impl Shaper {
    pub(crate) fn new() -> Self {
        let mut options = LineBreakOptions::default();
        options.strictness = Some(LineBreakStrictness::Strict);
        let mut words = LineSegmenter::new_for_non_complex_scripts(options);
        words.load_dictionary();
        Self {
            analyzer: Analyzer::new(),
            analysis: Analysis::new(),
            shaper: parley_engine::Shaper::default(),
            shaped: ShapedText::new(),
            fonts: Vec::new(),
            words,
        }
    }

    /// Shapes `cleaned`.
    ///
    /// # Errors
    /// A [`FontError`] if the file of one of its faces cannot be read.
    pub(crate) fn shape(
        &mut self,
        fonts: &mut Fonts,
        cleaned: &Clean,
        how: &How<'_>,
    ) -> Result<Shaped, FontError> {
        let text = cleaned.text();
        if text.is_empty() {
            return Ok(Shaped::default());
        }
        let spans = self.spans(fonts, cleaned)?;
        self.analyzer.analyze(
            &text,
            &AnalysisOptions {
                base_direction: base_direction(&text, how.reader),
                ..AnalysisOptions::default()
            },
            &mut self.analysis,
        );
        let language = Language::parse_prefix(how.reader.tag)
            .ok()
            .map(|(language, _)| language);
        let (tight, apart) = (
            features(&[(b"palt", 1)]),
            features(&[(b"liga", 0), (b"clig", 0)]),
        );
        let items = items(cleaned, how.proportional).map(|(char_end, is_tight)| Item {
            char_end,
            options: ShapeOptions {
                font_size: EM,
                language,
                // Letters that are apart are not ligatures.
                features: match (is_tight, how.tracking != 0.0) {
                    (true, _) => &tight,
                    (false, true) => &apart,
                    (false, false) => &[],
                },
                variations: &[],
            },
        });
        self.shaper.shape_text(
            &text,
            &self.analysis,
            &vec![0; text.chars().count()],
            items,
            Chosen {
                fonts: &self.fonts,
                spans: &spans,
                synthesis: &Synthesis::default(),
            },
            &mut self.shaped,
        );
        Ok(self.collect(&text, &spans, how.tracking * EM))
    }

    /// The end of each piece in bytes, and the place of its face in `self.fonts`.
    fn spans(
        &mut self,
        fonts: &mut Fonts,
        cleaned: &Clean,
    ) -> Result<Vec<(usize, usize)>, FontError> {
        let mut end = 0;
        let mut spans = Vec::with_capacity(cleaned.pieces.len());
        for piece in &cleaned.pieces {
            end += piece.text.len();
            let known = self.fonts.iter().position(|(face, _)| *face == piece.face);
            let place = match known {
                Some(place) => place,
                None => {
                    let blob = Blob::new(fonts.bytes(piece.face)?);
                    self.fonts.push((piece.face, blob));
                    self.fonts.len() - 1
                }
            };
            spans.push((end, place));
        }
        Ok(spans)
    }

    /// What the engine has shaped, as atoms.
    fn collect(&self, text: &str, spans: &[(usize, usize)], tracking: f32) -> Shaped {
        let mut out = Shaped {
            tracking,
            ..Shaped::default()
        };
        let words = self.dictionary_breaks(text);
        let mut begins = 0.0;
        for (index, run) in self.shaped.runs().iter().enumerate() {
            let Ok(index) = u32::try_from(index) else {
                break;
            };
            let slice = self.shaped.run_slice(index);
            let face = self.fonts[place_of(spans, run.range.byte_range.start)].0;
            out.ascent = out.ascent.max(run.font_metrics.ascent);
            out.descent = out.descent.max(run.font_metrics.descent);
            for atom in slice.atoms_start() {
                let range = slice.text_byte_range(atom.char_range());
                let is_word = words.binary_search(&range.start).is_ok();
                let first = text[range.clone()].chars().next();
                let is_mark = first.is_some_and(is_invisible);
                let begin = out.glyphs.len();
                if !is_mark {
                    // The engine has clusters in reading order, each with its glyphs from left to
                    // right.
                    let clusters = atom.shaped_clusters_range();
                    if run.bidi_level.is_rtl() {
                        let glyphs = |cluster| slice.shaped_cluster_glyphs(cluster);
                        out.glyphs.extend(clusters.rev().flat_map(glyphs));
                    } else {
                        let glyphs = |cluster| slice.shaped_cluster_glyphs(cluster);
                        out.glyphs.extend(clusters.flat_map(glyphs));
                    }
                }
                let advance = if is_mark {
                    0.0
                } else {
                    atom.advance() + tracking
                };
                out.atoms.push(Atom {
                    text: range,
                    face,
                    level: run.bidi_level.to_u8(),
                    begins,
                    advance,
                    glyphs: begin..out.glyphs.len(),
                    may_break: is_word || atom.is_soft_wrap_opportunity_before(),
                    hangs: is_mark || first.is_some_and(is_space),
                });
                begins += advance;
            }
        }
        out
    }

    /// The offsets at which words of Thai, Lao, Khmer and Burmese begin, with those that other
    /// rules allow. Empty if `text` has none of these scripts.
    fn dictionary_breaks(&self, text: &str) -> Vec<usize> {
        // Thai and Lao, Burmese, Khmer.
        let needs = |c| matches!(u32::from(c), 0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0xa9e0..=0xa9ff | 0xaa60..=0xaa7f);
        if text.chars().any(needs) {
            self.words.segment_str(text).collect()
        } else {
            Vec::new()
        }
    }
}

/// The faces that were chosen for a text.
struct Chosen<'a> {
    fonts: &'a [(Face, Blob<u8>)],
    spans: &'a [(usize, usize)],
    synthesis: &'a Synthesis,
}

impl FontSelector for Chosen<'_> {
    fn select_font(
        &mut self,
        _segment: &Segment,
        _options: &ShapeOptions<'_>,
        cluster: &mut CharCluster,
    ) -> Option<FontInstanceRef<'_>> {
        let start = usize::try_from(cluster.range().start).ok()?;
        Some(FontInstanceRef {
            data: &self.fonts.get(place_of(self.spans, start))?.1,
            index: 0,
            synthesis: self.synthesis,
        })
    }
}

/// The place of the face for the character at `offset`.
fn place_of(spans: &[(usize, usize)], offset: usize) -> usize {
    spans
        .get(spans.partition_point(|(end, _)| *end <= offset))
        .map_or(0, |(_, place)| *place)
}

/// The direction of a paragraph: the reader's language decides, and a text without a letter of its
/// direction is set in the direction of its own letters.
fn base_direction(text: &str, reader: &Reader<'_>) -> BaseDirection {
    let mut letters = text.chars().filter(|c| c.is_alphabetic()).peekable();
    if !reader.right_to_left {
        return BaseDirection::Auto;
    }
    if letters.peek().is_none() || letters.any(is_right_to_left) {
        BaseDirection::Rtl
    } else {
        BaseDirection::Ltr
    }
}

/// Whether `c` is a letter of a script that runs from right to left.
fn is_right_to_left(c: char) -> bool {
    matches!(u32::from(c), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff | 0x1_0800..=0x1_0fff | 0x1_e800..=0x1_efff)
}

/// Whether `c` is a mark that is never drawn and stands alone: for direction, or for or against a
/// break.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0x61c | 0x200b | 0x200e..=0x200f | 0x202a..=0x202e | 0x2060 | 0x2066..=0x2069 | 0xfeff)
}

/// Whether a line may end in `c` beyond its width.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}' | '\u{2007}')
}

fn features(settings: &[(&[u8; 4], u16)]) -> Vec<FontFeature> {
    settings
        .iter()
        .map(|(tag, value)| FontFeature::new(Tag::new(tag), *value))
        .collect()
}

/// The spans of a text that are shaped alike: the end of each in characters, and whether its
/// characters are set close.
fn items(cleaned: &Clean, proportional: bool) -> impl Iterator<Item = (u32, bool)> {
    let mut end = 0_u32;
    let mut items: Vec<(u32, bool)> = Vec::new();
    for piece in cleaned.pieces.iter().filter(|piece| !piece.text.is_empty()) {
        let is_tight = proportional && piece.face.is_cjk();
        end += u32::try_from(piece.text.chars().count()).unwrap_or(u32::MAX);
        match items.last_mut() {
            Some((last, before)) if *before == is_tight => *last = end,
            _ => items.push((end, is_tight)),
        }
    }
    items.into_iter()
}

/// A shaped text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shaped {
    /// In reading order.
    atoms: Vec<Atom>,
    glyphs: Vec<Glyph>,
    /// How far the faces say that they reach above the baseline.
    pub(crate) ascent: f32,
    /// How far they reach below it.
    pub(crate) descent: f32,
    tracking: f32,
}

/// The smallest part of a shaped text: whole user-perceived characters and whole glyphs.
#[derive(Debug, Clone)]
struct Atom {
    /// In bytes of the text.
    text: Range<usize>,
    face: Face,
    /// Its embedding level; odd levels run from right to left (UAX 9).
    level: u8,
    /// The widths of all atoms before it.
    begins: f32,
    /// Its width, with the space to the next one.
    advance: f32,
    /// From left to right.
    glyphs: Range<usize>,
    /// Whether a line may begin with it.
    may_break: bool,
    /// Whether it takes no room at the end of a line.
    hangs: bool,
}

/// The content of a line.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    atoms: Range<usize>,
    pub(crate) width: f32,
}

/// A line whose glyphs have been placed.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// From left to right.
    pub(crate) clusters: Vec<Cluster>,
    /// From left to right.
    pub(crate) glyphs: Vec<Placed>,
}

/// Characters that cannot be told apart in the glyphs.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// In bytes of the text.
    pub(crate) text: Range<usize>,
    pub(crate) face: Face,
    /// Its embedding level; odd levels run from right to left (UAX 9).
    pub(crate) level: u8,
    /// The left edge.
    pub(crate) x: f32,
    pub(crate) advance: f32,
    /// Its glyphs, in the glyphs of the line.
    pub(crate) glyphs: Range<usize>,
}

/// A glyph on a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) face: Face,
    /// 0 is the glyph for a missing character.
    pub(crate) id: u16,
    /// Its origin, to the right of the left end of the line.
    pub(crate) x: f32,
    /// Its origin, below the baseline.
    pub(crate) y: f32,
}

impl Shaped {
    /// Breaks the text into lines at most `width` wide. A line is wider only if it has nowhere to
    /// break.
    pub(crate) fn lines(&self, width: f32, breaks: Breaks<'_>) -> Vec<Stretch> {
        let mut lines = Vec::new();
        let mut start = 0;
        while start < self.atoms.len() {
            let mut end = self.next_break(start, breaks);
            let mut stretch = self.stretch(start..end);
            if stretch.width > width && matches!(breaks, Breaks::Anywhere) {
                stretch = self.part(stretch, width);
                end = stretch.atoms.end;
            }
            while end < self.atoms.len() {
                let next = self.next_break(end, breaks);
                let longer = self.stretch(start..next);
                if longer.width > width {
                    break;
                }
                (stretch, end) = (longer, next);
            }
            lines.push(stretch);
            start = end;
        }
        lines
    }

    /// The first place after `start` where a line may break.
    fn next_break(&self, start: usize, breaks: Breaks<'_>) -> usize {
        let allowed = |atom: &Atom| {
            atom.may_break
                && match breaks {
                    Breaks::Allowed | Breaks::Anywhere => true,
                    Breaks::Except(held) => held.binary_search(&atom.text.start).is_err(),
                }
        };
        self.atoms[start + 1..]
            .iter()
            .position(allowed)
            .map_or(self.atoms.len(), |ahead| start + 1 + ahead)
    }

    /// As many atoms of `word` as fit into `width`, but at least one.
    fn part(&self, word: Stretch, width: f32) -> Stretch {
        let mut part = self.stretch(word.atoms.start..word.atoms.start + 1);
        for end in part.atoms.end + 1..=word.atoms.end {
            let longer = self.stretch(word.atoms.start..end);
            if longer.width > width && !self.atoms[end - 1].hangs {
                break;
            }
            part = longer;
        }
        part
    }

    /// A line of `atoms`, without the room of the spaces at its end.
    fn stretch(&self, atoms: Range<usize>) -> Stretch {
        let width = match self.inked(&atoms) {
            [] => 0.0,
            [first, .., last] => last.begins + last.advance - first.begins - self.tracking,
            [only] => only.advance - self.tracking,
        };
        Stretch { atoms, width }
    }

    /// `atoms` without what hangs at their end.
    fn inked(&self, atoms: &Range<usize>) -> &[Atom] {
        let atoms = &self.atoms[atoms.clone()];
        let hanging = atoms.iter().rev().take_while(|atom| atom.hangs).count();
        &atoms[..atoms.len() - hanging]
    }

    /// Places the glyphs of a line.
    pub(crate) fn place(&self, stretch: &Stretch) -> Line {
        // What hangs is left out, which is what rule L1 is for.
        let atoms = self.inked(&stretch.atoms);
        let mut line = Line {
            clusters: Vec::with_capacity(atoms.len()),
            glyphs: Vec::with_capacity(atoms.len()),
        };
        let mut pen = 0.0;
        for atom in in_visual_order(atoms) {
            let begin = line.glyphs.len();
            let mut x = pen;
            for glyph in &self.glyphs[atom.glyphs.clone()] {
                line.glyphs.push(Placed {
                    face: atom.face,
                    id: u16::try_from(glyph.id).unwrap_or(0),
                    x: x + glyph.x,
                    y: glyph.y,
                });
                x += glyph.advance;
            }
            line.clusters.push(Cluster {
                text: atom.text.clone(),
                face: atom.face,
                level: atom.level,
                x: pen,
                advance: atom.advance,
                glyphs: begin..line.glyphs.len(),
            });
            pen += atom.advance;
        }
        line
    }
}

/// The atoms of a line from left to right: rule L2 of UAX 9.
fn in_visual_order(atoms: &[Atom]) -> Vec<&Atom> {
    let mut order: Vec<&Atom> = atoms.iter().collect();
    let highest = atoms.iter().map(|atom| atom.level).max().unwrap_or(0);
    for level in (1..=highest).rev() {
        order
            .chunk_by_mut(|one, other| (one.level >= level) == (other.level >= level))
            .filter(|part| part[0].level >= level)
            .for_each(<[&Atom]>::reverse);
    }
    order
}

#[cfg(test)]
mod tests;

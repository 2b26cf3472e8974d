//! Shaping: the only file that names parley. What it returns can be broken into lines.
//!
//! A text is shaped once, at the size [`EM`]. Its outlines are neither hinted nor made for one
//! size, so any other size is the same shapes scaled, and lines can be broken at any width without
//! shaping again. Where a line breaks inside a joined word, its letters keep the forms that they
//! have in the whole word, as CSS wants: <https://www.w3.org/TR/css-text-3/#word-break-shaping>.

mod lines;

use fontique::{Blob, Synthesis};
use icu_segmenter::{
    LineSegmenter, LineSegmenterBorrowed,
    options::{LineBreakOptions, LineBreakStrictness},
};
use parlance::{FontFeature, Language, Tag};
use parley_engine::{
    Analysis, AnalysisOptions, Analyzer, BaseDirection, FontInstanceRef, FontSelector,
    ShapeOptions, ShapedText,
    itemize::{Item, Segment},
    shape::CharCluster,
};
use skrifa::{
    FontRef, GlyphId, MetadataProvider,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};

use super::numbers;
use crate::{
    clean::{Clean, Reader},
    fonts::{Face, FontError, Fonts},
};
use lines::{Atom, Glyph, Reach};
pub(crate) use lines::{Breaks, Shaped, Stretch};

/// The font size in pixels at which texts are shaped. All lengths in this file are at this size.
pub(crate) const EM: f32 = 100.0;

/// What is added to a space between words in Nastaliq, in font sizes: the end of one word hangs over
/// the beginning of the next, and the face's own space is no wider than the gaps inside a word.
const NASTALIQ_SPACE: f32 = 0.14;

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
        let in_numbers = numbers::kept(text);
        let mut begins = 0.0;
        for (index, run) in self.shaped.runs().iter().enumerate() {
            let Ok(index) = u32::try_from(index) else {
                break;
            };
            let slice = self.shaped.run_slice(index);
            let (face, blob) = &self.fonts[place_of(spans, run.range.byte_range.start)];
            let metrics = FontRef::new(blob.as_ref())
                .ok()
                .map(|font| font.glyph_metrics(Size::new(EM), LocationRef::default()));
            let wider_space = if *face == Face::NASTALIQ {
                NASTALIQ_SPACE * EM
            } else {
                0.0
            };
            out.ascent = out.ascent.max(run.font_metrics.ascent);
            out.descent = out.descent.max(run.font_metrics.descent);
            for atom in slice.atoms_start() {
                let range = slice.text_byte_range(atom.char_range());
                let is_word = words.binary_search(&range.start).is_ok();
                let is_in_number = in_numbers.binary_search(&range.start).is_ok();
                let first = text[range.clone()].chars().next();
                let is_mark = first.is_some_and(is_invisible);
                let begin = out.glyphs.len();
                if !is_mark {
                    // The engine has clusters in reading order, each with its glyphs from left to
                    // right.
                    let clusters = atom.shaped_clusters_range();
                    let glyphs = |cluster| slice.shaped_cluster_glyphs(cluster).map(glyph);
                    if run.bidi_level.is_rtl() {
                        out.glyphs.extend(clusters.rev().flat_map(glyphs));
                    } else {
                        out.glyphs.extend(clusters.flat_map(glyphs));
                    }
                }
                let is_space = first.is_some_and(is_space);
                let is_between_words = is_space || first == Some('\u{a0}');
                let advance = match (is_mark, is_between_words) {
                    (true, _) => 0.0,
                    (false, true) => atom.advance() + tracking + wider_space,
                    (false, false) => atom.advance() + tracking,
                };
                let reach = out.glyphs[begin..]
                    .iter()
                    .map(|glyph| reach(metrics.as_ref(), glyph))
                    .fold(Reach::NONE, Reach::with);
                out.atoms.push(Atom {
                    text: range,
                    face: *face,
                    level: run.bidi_level.to_u8(),
                    begins,
                    advance,
                    glyphs: begin..out.glyphs.len(),
                    may_break: !is_in_number && (is_word || atom.is_soft_wrap_opportunity_before()),
                    hangs: is_mark || is_space,
                    reach,
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
        let needs = |c| {
            matches!(u32::from(c), 0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff
                | 0xa9e0..=0xa9ff | 0xaa60..=0xaa7f)
        };
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
pub(crate) fn is_right_to_left(c: char) -> bool {
    matches!(u32::from(c), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff
        | 0x1_0800..=0x1_0fff | 0x1_e800..=0x1_efff)
}

/// Whether `c` is a mark that is never drawn and stands alone: for direction, or for or against a
/// break.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0x61c | 0x200b | 0x200e..=0x200f | 0x202a..=0x202e | 0x2060
        | 0x2066..=0x2069 | 0xfeff)
}

/// Whether a line may end in `c` beyond its width.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}' | '\u{2007}')
}

/// How far the pixels of `glyph` reach from the baseline.
fn reach(metrics: Option<&GlyphMetrics<'_>>, glyph: &Glyph) -> Reach {
    let bounds = metrics.and_then(|metrics| metrics.bounds(GlyphId::from(glyph.id)));
    match bounds {
        Some(bounds) if bounds.y_max > bounds.y_min => Reach {
            above: bounds.y_max - glyph.y,
            below: glyph.y - bounds.y_min,
        },
        _ => Reach::NONE,
    }
}

fn glyph(glyph: parley_engine::Glyph) -> Glyph {
    Glyph {
        // A TrueType font has no number that is larger.
        id: u16::try_from(glyph.id).unwrap_or(0),
        x: glyph.x,
        y: glyph.y,
        advance: glyph.advance,
    }
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

#[cfg(test)]
mod tests;

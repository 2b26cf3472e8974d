//! Finds the font size: as large as a style allows in a box, with whole words if possible, else
//! with broken words, else cut.

use cosmic_text::{
    Attrs, Buffer, Family, FeatureTag, FontFeatures, Metrics, Shaping, Weight, Wrap,
};

use super::{
    Block, TextStyle, Typesetter,
    phrases::{self, Hold},
};
use crate::{
    clean::Clean,
    fonts::{Face, Han, TypeStyle},
};

/// A text keeps its phrases whole if it keeps at least this share of its size; else they are
/// broken.
const LEAST_FOR_PHRASES: f32 = 0.62;
/// The same for words and numbers, and for breaking at fewer places.
const LEAST_FOR_WORDS: f32 = 0.8;

/// One attempt at a size.
pub(super) struct SizeAttempt<'a> {
    pub(super) style: &'a TextStyle,
    /// The width of lines.
    pub(super) width: f32,
    /// The free width on either side of the lines.
    pub(super) side: f32,
    pub(super) height: f32,
    pub(super) most_lines: usize,
    pub(super) leading: f32,
}

/// A text in lines, and its font size in pixels.
struct LaidOut {
    buffer: Buffer,
    size: f32,
}

impl Typesetter {
    pub(super) fn fit(
        &mut self,
        cleaned: &Clean,
        tracking: f32,
        attempt: &SizeAttempt<'_>,
    ) -> Block {
        let style = attempt.style;
        // Whole words first, even if they are smaller; then broken words.
        if let Some(LaidOut { mut buffer, size }) = self.in_whole_words(cleaned, tracking, attempt)
        {
            let width = if style.balanced {
                self.balance(&mut buffer, size, attempt)
            } else {
                attempt.width
            };
            return self.measure(cleaned, &buffer, size, width, attempt, false);
        }
        let mut buffer = self.buffer(cleaned, tracking, style);
        if let Some(size) = self.largest_that_fits(&mut buffer, Wrap::WordOrGlyph, attempt) {
            return self.measure(cleaned, &buffer, size, attempt.width, attempt, false);
        }
        // It is too long even at the smallest size: as many characters as fit, and an ellipsis.
        let ellipsis = style
            .type_style
            .faces()
            .iter()
            .copied()
            .find(|face| self.fonts.covers(*face, '…'))
            .unwrap_or(Face::InterRegular);
        let (mut low, mut high) = (0, cleaned.text().chars().count());
        while low < high {
            let middle = (low + high).div_ceil(2);
            let mut shorter =
                self.buffer(&cleaned.cut(&self.fonts, middle, ellipsis), tracking, style);
            if self.fits(&mut shorter, Wrap::WordOrGlyph, style.smallest, attempt) {
                low = middle
            } else {
                high = middle - 1
            }
        }
        let shorter = cleaned.cut(&self.fonts, low, ellipsis);
        let mut buffer = self.buffer(&shorter, tracking, style);
        self.fits(&mut buffer, Wrap::WordOrGlyph, style.smallest, attempt);
        self.measure(
            &shorter,
            &buffer,
            style.smallest,
            attempt.width,
            attempt,
            true,
        )
    }

    /// Lays `cleaned` out in lines that break between words, as large as fits. A line of Chinese or
    /// Japanese may break between almost any two characters; it does so only if whole phrases would
    /// be much smaller.
    fn in_whole_words(
        &mut self,
        cleaned: &Clean,
        tracking: f32,
        attempt: &SizeAttempt<'_>,
    ) -> Option<LaidOut> {
        let style = attempt.style;
        let mut broken = self.buffer(cleaned, tracking, style);
        let mut size = self.largest_that_fits(&mut broken, Wrap::Word, attempt)?;
        // Tracking would space the joiners like letters.
        if cleaned.han.is_none() || style.most_lines < 2 || tracking != 0.0 {
            return Some(LaidOut {
                buffer: broken,
                size,
            });
        }
        // Chinese does not mark its words. In a title, the text between two punctuation marks is a
        // phrase; in a longer text that would leave too few places to break.
        if (style.type_style != TypeStyle::Plain || cleaned.han == Some(Han::Japanese))
            && let Some(whole) =
                self.held(cleaned, Hold::Phrases, size * LEAST_FOR_PHRASES, attempt)
        {
            return Some(whole);
        }
        if let Some(whole) = self.held(cleaned, Hold::Words, size * LEAST_FOR_WORDS, attempt) {
            LaidOut {
                buffer: broken,
                size,
            } = whole;
        }
        // Words must be broken: at as few places as possible.
        let least = size * LEAST_FOR_WORDS;
        loop {
            let lines = broken.layout_runs().count();
            let fewer = SizeAttempt {
                most_lines: lines.saturating_sub(1),
                ..*attempt
            };
            match self.largest_that_fits(&mut broken, Wrap::Word, &fewer) {
                Some(smaller) if smaller >= least => size = smaller,
                _ => break,
            }
        }
        self.fits(&mut broken, Wrap::Word, size, attempt);
        Some(LaidOut {
            buffer: broken,
            size,
        })
    }

    /// Lays `cleaned` out with the units of `hold` kept whole, if that gives a size of at least
    /// `least`.
    fn held(
        &mut self,
        cleaned: &Clean,
        hold: Hold,
        least: f32,
        attempt: &SizeAttempt<'_>,
    ) -> Option<LaidOut> {
        let mut buffer = self.buffer(&phrases::kept_whole(cleaned, hold), 0.0, attempt.style);
        let size = self.largest_that_fits(&mut buffer, Wrap::Word, attempt)?;
        (size >= least).then_some(LaidOut { buffer, size })
    }

    fn buffer(&mut self, cleaned: &Clean, tracking: f32, style: &TextStyle) -> Buffer {
        let mut attributes = Attrs::new().weight(Weight::NORMAL);
        if tracking != 0.0 {
            attributes = attributes.letter_spacing(tracking);
        }
        // In a title, kana and punctuation are as close as their shapes allow, not each in a
        // square.
        let mut proportional = FontFeatures::new();
        if style.type_style.is_display() {
            proportional.enable(FeatureTag::new(b"palt"));
        }
        let spans = cleaned.pieces.iter().map(|(text, face)| {
            let face = face.unwrap_or(Face::InterRegular);
            let attributes = attributes.clone().family(Family::Name(face.name()));
            let attributes = if face.is_cjk() {
                attributes.font_features(proportional.clone())
            } else {
                attributes
            };
            (text.as_str(), attributes)
        });
        let mut buffer = Buffer::new_empty(Metrics::relative(style.largest, style.leading));
        buffer.set_rich_text(spans, &attributes, Shaping::Advanced, Some(style.align));
        buffer
    }

    fn largest_that_fits(
        &mut self,
        buffer: &mut Buffer,
        wrap: Wrap,
        attempt: &SizeAttempt<'_>,
    ) -> Option<f32> {
        let style = attempt.style;
        if self.fits(buffer, wrap, style.largest, attempt) {
            return Some(style.largest);
        }
        if !self.fits(buffer, wrap, style.smallest, attempt) {
            return None;
        }
        let (mut low, mut high) = (style.smallest, style.largest);
        while high - low > 0.5 {
            let middle = (low + high) / 2.0;
            if self.fits(buffer, wrap, middle, attempt) {
                low = middle
            } else {
                high = middle
            }
        }
        self.fits(buffer, wrap, low, attempt).then_some(low)
    }

    fn fits(
        &mut self,
        buffer: &mut Buffer,
        wrap: Wrap,
        size: f32,
        attempt: &SizeAttempt<'_>,
    ) -> bool {
        buffer.set_wrap(wrap);
        buffer.set_metrics_and_size(
            Metrics::relative(size, attempt.leading),
            Some(attempt.width),
            None,
        );
        buffer.shape_until_scroll(&mut self.fonts.system, false);
        let (mut lines, mut bottom) = (0, 0.0_f32);
        for run in buffer.layout_runs() {
            lines += 1;
            bottom = bottom.max(run.line_top + run.line_height);
            if run.line_w > attempt.width + 0.5 {
                return false;
            }
        }
        lines <= attempt.most_lines && bottom <= attempt.height + 0.5
    }

    /// The narrowest width with the same number of lines: the lines become even, and no single word
    /// is left on the last line.
    fn balance(&mut self, buffer: &mut Buffer, size: f32, attempt: &SizeAttempt<'_>) -> f32 {
        let lines = buffer.layout_runs().count();
        if lines < 2 {
            return attempt.width;
        }
        let (mut low, mut high) = (attempt.width * 0.4, attempt.width);
        while high - low > 2.0 {
            let middle = (low + high) / 2.0;
            let narrower = SizeAttempt {
                width: middle,
                ..*attempt
            };
            let fits = self.fits(buffer, Wrap::Word, size, &narrower)
                && buffer.layout_runs().count() == lines;
            if fits { high = middle } else { low = middle }
        }
        self.fits(
            buffer,
            Wrap::Word,
            size,
            &SizeAttempt {
                width: high,
                ..*attempt
            },
        );
        high
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use contract::Color;
    use cosmic_text::Align;

    use super::*;
    use crate::fonts::Fonts;

    fn typesetter() -> Typesetter {
        Typesetter::new(
            Fonts::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/files"))).unwrap(),
        )
    }

    fn style(type_style: TypeStyle) -> TextStyle {
        TextStyle {
            role: "text",
            type_style,
            color: Color {
                red: 0,
                green: 0,
                blue: 0,
            },
            largest: 40.0,
            smallest: 20.0,
            leading: 1.2,
            tracking: 0.0,
            align: Align::Left,
            most_lines: 60,
            balanced: false,
        }
    }

    /// The lines of `text`, without the joiners.
    fn lines(
        typesetter: &mut Typesetter,
        text: &str,
        type_style: TypeStyle,
        width: f32,
    ) -> Vec<String> {
        let style = style(type_style);
        let cleaned = crate::clean::clean(&typesetter.fonts, type_style, None, text);
        for face in cleaned.pieces.iter().filter_map(|(_, face)| *face) {
            typesetter.fonts.read(face).unwrap();
        }
        let attempt = SizeAttempt {
            style: &style,
            width,
            side: 0.0,
            height: 4000.0,
            leading: 1.2,
            most_lines: 60,
        };
        let LaidOut { buffer, .. } = typesetter.in_whole_words(&cleaned, 0.0, &attempt).unwrap();
        let runs = buffer.layout_runs().filter_map(|run| {
            let (first, last) = (run.glyphs.first()?, run.glyphs.last()?);
            Some(run.text[first.start..last.end].replace('\u{2060}', ""))
        });
        runs.collect()
    }

    #[test]
    fn no_line_begins_or_ends_with_forbidden_punctuation() {
        let mut typesetter = typesetter();
        let texts = [
            "「ジャズは、自由だ。」（ちょっと）待って！行こうよ？コーヒー・パーティー『夜々』へ…ヴァージョンアップ、ｿｰﾄﾞ。",
            "“你好”，他说：《城市》、（音乐）！真的？——是的；好…",
            "「晚安」，他說：《城市》、（音樂）！真的？好。",
            "그는 “안녕”이라고, (정말로) 말했다! 왜? 그래.",
        ];
        for text in texts {
            for type_style in [TypeStyle::Plain, TypeStyle::Loud] {
                for width in (90..500).step_by(7) {
                    let lines = lines(&mut typesetter, text, type_style, width as f32);
                    for line in &lines {
                        let (first, last) = (
                            line.chars().next().unwrap(),
                            line.trim_end().chars().last().unwrap(),
                        );
                        assert!(
                            !"、。，．」』）！？：；…ーッャュョァィゥェォっゃゅょ々・》,.!?)ｰﾞ"
                                .contains(first),
                            "{width}: {lines:#?}"
                        );
                        assert!(!"「『（《(“".contains(last), "{width}: {lines:#?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_title_breaks_between_phrases_while_it_stays_large() {
        let mut typesetter = typesetter();
        assert_eq!(
            lines(&mut typesetter, "夏の夜の音楽祭", TypeStyle::Loud, 170.0),
            ["夏の夜の", "音楽祭"]
        );
        assert_eq!(
            lines(
                &mut typesetter,
                "서울국제음악제 개막공연",
                TypeStyle::Loud,
                300.0
            ),
            ["서울국제음악제", "개막공연"]
        );
        let long = "국제".repeat(20);
        assert!(lines(&mut typesetter, &long, TypeStyle::Loud, 300.0).len() > 1);
    }
}

//! Finds the font size: as large as a style allows in a box, with whole words if possible, else
//! with broken words, else cut.

use super::{
    Block, TextStyle, Typesetter,
    layout::{Breaks, EM, Shaped, Stretch},
    phrases::{self, Hold},
};
use crate::{
    clean::Clean,
    fonts::{FontError, Han, TypeStyle},
};

/// A text keeps its phrases whole if it keeps at least this share of its size; else they are
/// broken.
const LEAST_FOR_PHRASES: f32 = 0.62;
/// The same for words and numbers, for breaking at fewer places, and for fewer lines where the last
/// one is too short.
const LEAST_FOR_WORDS: f32 = 0.8;
/// The least distance between the pixels of two lines, in font sizes.
const CLEAR: f32 = 0.06;
/// The same in pixels: a baseline is on a whole pixel and a glyph on a quarter of one, so both may be
/// closer than they were laid out, and a pixel that is covered in part is taken.
const CLEAR_PIXELS: f32 = 2.5;

/// One attempt at a size.
#[derive(Debug, Clone, Copy)]
pub(super) struct SizeAttempt<'a> {
    pub(super) style: &'a TextStyle,
    /// The width of lines.
    pub(super) width: f32,
    /// The free width on either side of the lines.
    pub(super) side: f32,
    pub(super) height: f32,
    pub(super) most_lines: usize,
    /// The distance of two baselines in font sizes, if the letters leave room for more.
    pub(super) leading: f32,
}

/// A text in lines, and its font size in pixels.
#[derive(Debug)]
pub(super) struct LaidOut {
    pub(super) lines: Vec<Stretch>,
    pub(super) size: f32,
    /// The distance of two baselines, in font sizes.
    pub(super) leading: f32,
}

impl SizeAttempt<'_> {
    /// The lines of `shaped` at `size`, if they fit.
    pub(super) fn fitted(&self, shaped: &Shaped, breaks: Breaks<'_>, size: f32) -> Option<LaidOut> {
        let lines = shaped.lines(self.width * EM / size, breaks);
        self.checked(shaped, lines, size)
    }

    /// `lines` at `size`, if they fit. Their leading is raised until no line touches the next.
    fn checked(&self, shaped: &Shaped, lines: Vec<Stretch>, size: f32) -> Option<LaidOut> {
        let laid_out = self.leaded(shaped, lines, size);
        let lines = &laid_out.lines;
        let widest = lines.iter().map(|line| line.width).fold(0.0, f32::max);
        let fits = lines.len() <= self.most_lines
            && widest * size / EM <= self.width + 0.5
            && self.height_of(&laid_out) <= self.height + 0.5;
        fits.then_some(laid_out)
    }

    pub(super) fn leaded(&self, shaped: &Shaped, lines: Vec<Stretch>, size: f32) -> LaidOut {
        let gap = EM * CLEAR.max(CLEAR_PIXELS / size);
        LaidOut {
            leading: self.leading.max(shaped.least_leading(&lines, gap) / EM),
            lines,
            size,
        }
    }

    /// The height of lines in pixels. What the leading was raised by is between them, and not above
    /// the first.
    pub(super) fn height_of(&self, laid_out: &LaidOut) -> f32 {
        let more = laid_out.lines.len().saturating_sub(1) as f32;
        (self.leading + more * laid_out.leading) * laid_out.size
    }

    /// The lines at the largest size that fits.
    fn largest(&self, shaped: &Shaped, breaks: Breaks<'_>) -> Option<LaidOut> {
        let (mut low, mut high) = (self.style.smallest, self.style.largest);
        if let Some(laid_out) = self.fitted(shaped, breaks, high) {
            return Some(laid_out);
        }
        let mut best = self.fitted(shaped, breaks, low)?;
        while high - low > 0.5 {
            let middle = (low + high) / 2.0;
            match self.fitted(shaped, breaks, middle) {
                Some(laid_out) => (best, low) = (laid_out, middle),
                None => high = middle,
            }
        }
        Some(best)
    }

    /// Lays `shaped` out in lines that break between words, as large as fits. A line of Chinese or
    /// Japanese may break between almost any two characters; it does so only if whole phrases would
    /// be much smaller.
    fn in_whole_words(&self, cleaned: &Clean, shaped: &Shaped) -> Option<LaidOut> {
        let mut broken = self.largest(shaped, Breaks::Allowed)?;
        if cleaned.han.is_none() || self.style.most_lines < 2 {
            return Some(self.without_short_end(shaped, Breaks::Allowed, broken));
        }
        let text = cleaned.text();
        let held = |hold, least: f32| {
            let kept = phrases::kept_whole(&text, cleaned.han, hold);
            let whole = self.largest(shaped, Breaks::Except(&kept))?;
            (whole.size >= least)
                .then(|| self.without_short_end(shaped, Breaks::Except(&kept), whole))
        };
        // Chinese does not mark its words. In a title, the text between two punctuation marks is a
        // phrase; in a longer text that would leave too few places to break.
        if (self.style.type_style != TypeStyle::Plain || cleaned.han == Some(Han::Japanese))
            && let Some(whole) = held(Hold::Phrases, broken.size * LEAST_FOR_PHRASES)
        {
            return Some(whole);
        }
        if let Some(whole) = held(Hold::Words, broken.size * LEAST_FOR_WORDS) {
            return Some(whole);
        }
        // Words must be broken: at as few places as possible.
        let least = broken.size * LEAST_FOR_WORDS;
        loop {
            let fewer = SizeAttempt {
                most_lines: broken.lines.len().saturating_sub(1),
                ..*self
            };
            match fewer.largest(shaped, Breaks::Allowed) {
                Some(smaller) if smaller.size >= least => broken = smaller,
                _ => break,
            }
        }
        Some(self.balanced(shaped, Breaks::Allowed, broken))
    }

    /// The lines, balanced if the style wants that. If the last one is still too short, there is one
    /// less, where that costs little of the size.
    fn without_short_end(&self, shaped: &Shaped, breaks: Breaks<'_>, laid_out: LaidOut) -> LaidOut {
        let balanced = self.balanced(shaped, breaks, laid_out);
        if !self.style.balanced || !Shaped::ends_short(&balanced.lines) {
            return balanced;
        }
        let fewer = SizeAttempt {
            most_lines: balanced.lines.len() - 1,
            ..*self
        };
        match fewer.largest(shaped, breaks) {
            Some(smaller) if smaller.size >= balanced.size * LEAST_FOR_WORDS => {
                fewer.balanced(shaped, breaks, smaller)
            }
            _ => balanced,
        }
    }

    /// The lines at the narrowest width that needs no more of them, if the style wants that: the
    /// lines become even, and no single word is left on the last line.
    fn balanced(&self, shaped: &Shaped, breaks: Breaks<'_>, laid_out: LaidOut) -> LaidOut {
        let lines = laid_out.lines.len();
        if !self.style.balanced || lines < 2 {
            return laid_out;
        }
        let mut best = laid_out;
        let (mut low, mut high) = (self.width * 0.4, self.width);
        while high - low > 2.0 {
            let middle = (low + high) / 2.0;
            let narrower = SizeAttempt {
                width: middle,
                most_lines: lines,
                ..*self
            };
            match narrower.fitted(shaped, breaks, best.size) {
                Some(even) if even.lines.len() == lines => (best, high) = (even, middle),
                _ => low = middle,
            }
        }
        let longer_end = shaped.with_longer_end(&best.lines, breaks);
        longer_end
            .and_then(|lines| self.checked(shaped, lines, best.size))
            .unwrap_or(best)
    }
}

impl Typesetter {
    pub(super) fn fit(
        &mut self,
        cleaned: &Clean,
        shaped: &Shaped,
        tracking: f32,
        attempt: &SizeAttempt<'_>,
    ) -> Result<Block, FontError> {
        // Whole words first, even if they are smaller; then broken words.
        let broken = || {
            let laid_out = attempt.largest(shaped, Breaks::Anywhere)?;
            Some(attempt.balanced(shaped, Breaks::Anywhere, laid_out))
        };
        if let Some(laid_out) = attempt.in_whole_words(cleaned, shaped).or_else(broken) {
            return Ok(self.measure(cleaned, shaped, &laid_out, attempt, false));
        }
        self.cut_to_fit(cleaned, shaped, tracking, attempt)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use contract::Color;

    use super::*;
    use crate::{fonts::Fonts, text::Align};

    fn typesetter() -> Typesetter {
        Typesetter::new(
            Fonts::load(Path::new(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/fonts/files"
            )))
            .unwrap(),
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
            align: Align::Start,
            most_lines: 60,
            balanced: false,
            air: 0.0,
        }
    }

    /// The lines of `text`.
    fn lines(
        typesetter: &mut Typesetter,
        text: &str,
        type_style: TypeStyle,
        width: f32,
    ) -> Vec<String> {
        let style = style(type_style);
        let reader = typesetter.language.reader();
        let cleaned = crate::clean::clean(&typesetter.fonts, type_style, &reader, text);
        let shaped = typesetter.shape(&cleaned, 0.0, &style).unwrap();
        let attempt = SizeAttempt {
            style: &style,
            width,
            side: 0.0,
            height: 4000.0,
            leading: 1.2,
            most_lines: 60,
        };
        let text = cleaned.text();
        let laid_out = attempt.in_whole_words(&cleaned, &shaped).unwrap();
        let lines = laid_out.lines.iter().map(|line| {
            let clusters = shaped.place(line).clusters;
            clusters
                .iter()
                .map(|cluster| &text[cluster.text.clone()])
                .collect()
        });
        lines.collect()
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

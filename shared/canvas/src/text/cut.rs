//! Cuts a text that is too long even at the smallest size: after a word, with an ellipsis.

use unicode_script::Script;
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Block, TextStyle, Typesetter,
    fit::{LaidOut, SizeAttempt},
    layout::{Breaks, EM, Shaped},
    phrases::{self, Hold},
};
use crate::{
    clean::Clean,
    fonts::{Face, FaceOrder, FontError, Han, TypeStyle, group},
};

impl Typesetter {
    /// The beginning of `cleaned` that fits at the smallest size, with an ellipsis.
    pub(super) fn cut_to_fit(
        &mut self,
        cleaned: &Clean,
        shaped: &Shaped,
        tracking: f32,
        attempt: &SizeAttempt<'_>,
    ) -> Result<Block, FontError> {
        let style = attempt.style;
        if let Some(cut) = self.longest_cut(cleaned, shaped, tracking, attempt)? {
            return Ok(self.measure(&cut.text, &cut.shaped, &cut.laid_out, attempt, true));
        }
        // Not even one character fits. An ellipsis alone would say nothing.
        let cut = self.cut(cleaned, 1, tracking, style)?;
        let lines = cut
            .shaped
            .lines(attempt.width * EM / style.smallest, Breaks::Anywhere);
        let laid_out = attempt.leaded(&cut.shaped, lines, style.smallest);
        Ok(self.measure(&cut.text, &cut.shaped, &laid_out, attempt, true))
    }

    /// As much of a text as fits at the smallest size, and an ellipsis: whole words, unless they are
    /// less than half of what fits. `None` if nothing fits beside the ellipsis.
    fn longest_cut(
        &mut self,
        cleaned: &Clean,
        shaped: &Shaped,
        tracking: f32,
        attempt: &SizeAttempt<'_>,
    ) -> Result<Option<Fitted>, FontError> {
        let (style, text) = (attempt.style, cleaned.text());
        let mut fitted = |count, whole| -> Result<Option<Fitted>, FontError> {
            let Cut { text, shaped } = self.cut(cleaned, count, tracking, style)?;
            let kept = phrases::kept_whole(&text.text(), cleaned.han, Hold::Words);
            let breaks = if whole {
                Breaks::Except(&kept)
            } else {
                Breaks::Anywhere
            };
            let laid_out = attempt.fitted(&shaped, breaks, style.smallest);
            Ok(laid_out.map(|laid_out| Fitted {
                text,
                shaped,
                laid_out,
            }))
        };
        let (mut low, mut high) = (0, text.graphemes(true).count());
        let mut best = None;
        while low < high {
            let middle = (low + high).div_ceil(2);
            match fitted(middle, false)? {
                Some(fits) => {
                    // Of punctuation alone nothing is left beside the ellipsis.
                    best = Some(fits).filter(|fits| !is_ellipsis(&fits.text.text()));
                    low = middle;
                }
                None => high = middle - 1,
            }
        }
        let mut ends = word_ends(&text, cleaned.han, shaped);
        ends.retain(|count| *count <= low && count * 2 >= low);
        // First with the words on its lines whole, too: those of Korean may be broken anywhere.
        for whole in [true, false] {
            for count in ends.iter().rev() {
                if let Some(fits) = fitted(*count, whole)?
                    && !is_ellipsis(&fits.text.text())
                {
                    return Ok(Some(fits));
                }
            }
        }
        Ok(best)
    }

    /// The first `count` characters and an ellipsis, shaped.
    fn cut(
        &mut self,
        cleaned: &Clean,
        count: usize,
        tracking: f32,
        style: &TextStyle,
    ) -> Result<Cut, FontError> {
        let ellipsis = self.ellipsis(cleaned.script, style.type_style);
        let text = cleaned.cut(&self.fonts, count, ellipsis);
        let shaped = self.shape(&text, tracking, style)?;
        Ok(Cut { text, shaped })
    }

    /// The face of an ellipsis after a text of `script` whose last face has none.
    fn ellipsis(&self, script: Script, type_style: TypeStyle) -> Face {
        let order = FaceOrder {
            style: type_style,
            han: Han::Simplified,
            nastaliq: false,
            medium: false,
        };
        order
            .of(group(script))
            .into_iter()
            .find(|face| self.fonts.covers(*face, '…'))
            .unwrap_or(Face::INTER)
    }
}

/// The beginning of a text with an ellipsis.
struct Cut {
    text: Clean,
    shaped: Shaped,
}

/// The beginning of a text with an ellipsis, in the lines of an attempt.
struct Fitted {
    text: Clean,
    shaped: Shaped,
    laid_out: LaidOut,
}

/// Whether `text` has nothing but an ellipsis.
fn is_ellipsis(text: &str) -> bool {
    text.trim_matches(|c: char| c == '…' || is_isolate(c) || c.is_whitespace())
        .is_empty()
}

fn is_isolate(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2069}')
}

/// The numbers of user-perceived characters after which a word ends: where a line may break, but not
/// inside a Korean word or between a number and its counter.
fn word_ends(text: &str, han: Option<Han>, shaped: &Shaped) -> Vec<usize> {
    let (breaks, held) = (shaped.breaks(), phrases::kept_whole(text, han, Hold::Words));
    text.grapheme_indices(true)
        .enumerate()
        .skip(1)
        .filter(|(_, (offset, _))| {
            breaks.binary_search(offset).is_ok() && held.binary_search(offset).is_err()
        })
        .map(|(count, _)| count)
        .collect()
}

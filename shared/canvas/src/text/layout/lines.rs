//! Shaped texts as lines: where they break, and the order of their parts. All lengths are at the
//! size [`super::EM`].

use std::ops::Range;

use crate::fonts::Face;

/// The last line of a title or a short text has at least this share of the widest line.
const LEAST_LAST_LINE: f32 = 0.25;

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

/// A shaped text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shaped {
    /// In reading order.
    pub(super) atoms: Vec<Atom>,
    pub(super) glyphs: Vec<Glyph>,
    /// How far the faces say that they reach above the baseline.
    pub(crate) ascent: f32,
    /// How far they reach below it.
    pub(crate) descent: f32,
    /// The space after each letter.
    pub(super) tracking: f32,
}

/// The smallest part of a shaped text: whole user-perceived characters and whole glyphs.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    /// In bytes of the text.
    pub(super) text: Range<usize>,
    pub(super) face: Face,
    /// Its embedding level; odd levels run from right to left (UAX 9).
    pub(super) level: u8,
    /// The widths of all atoms before it.
    pub(super) begins: f32,
    /// Its width, with the space to the next one.
    pub(super) advance: f32,
    /// From left to right.
    pub(super) glyphs: Range<usize>,
    /// Whether a line may begin with it.
    pub(super) may_break: bool,
    /// Whether it takes no room at the end of a line.
    pub(super) hangs: bool,
    /// How far its pixels reach.
    pub(super) reach: Reach,
}

/// How far pixels reach from their baseline. Infinitely little if there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) above: f32,
    pub(super) below: f32,
}

impl Reach {
    pub(super) const NONE: Self = Self {
        above: f32::NEG_INFINITY,
        below: f32::NEG_INFINITY,
    };

    pub(super) fn with(self, other: Self) -> Self {
        Self {
            above: self.above.max(other.above),
            below: self.below.max(other.below),
        }
    }
}

/// A glyph of an atom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    /// 0 is the glyph for a missing character.
    pub(super) id: u16,
    /// How far its origin is to the right of the pen.
    pub(super) x: f32,
    /// How far its origin is below the baseline.
    pub(super) y: f32,
    /// How far the pen then moves to the right.
    pub(super) advance: f32,
}

/// The content of a line.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    pub(super) atoms: Range<usize>,
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
    pub(super) fn stretch(&self, atoms: Range<usize>) -> Stretch {
        let width = match self.inked(&atoms) {
            [] => 0.0,
            [first, .., last] => last.begins + last.advance - first.begins - self.tracking,
            [only] => only.advance - self.tracking,
        };
        Stretch { atoms, width }
    }

    /// The least distance of two baselines that keeps the pixels of each line `gap` away from those
    /// of the next, however the letters stand. 0 for one line.
    pub(crate) fn least_leading(&self, lines: &[Stretch], gap: f32) -> f32 {
        let reaches: Vec<Reach> = lines
            .iter()
            .map(|line| {
                let atoms = self.inked(&line.atoms).iter();
                atoms.fold(Reach::NONE, |reach, atom| reach.with(atom.reach))
            })
            .collect();
        let least = reaches
            .windows(2)
            .map(|pair| pair[0].below + pair[1].above + gap);
        least.fold(0.0, f32::max)
    }

    /// The offsets at which a line may begin, in bytes of the text, sorted.
    pub(crate) fn breaks(&self) -> Vec<usize> {
        let breaks = self.atoms.iter().filter(|atom| atom.may_break);
        breaks.map(|atom| atom.text.start).collect()
    }

    /// Whether the last of `lines` is so short that it looks like a mistake.
    pub(crate) fn ends_short(lines: &[Stretch]) -> bool {
        let widest = lines.iter().map(|line| line.width).fold(0.0, f32::max);
        lines
            .last()
            .is_some_and(|last| last.width < widest * LEAST_LAST_LINE)
    }

    /// `lines` whose last line has more words of the line before it, because it is too short. `None`
    /// if it is not, or if no word can be moved without a line that is wider than all are now.
    pub(crate) fn with_longer_end(
        &self,
        lines: &[Stretch],
        breaks: Breaks<'_>,
    ) -> Option<Vec<Stretch>> {
        let [others @ .., before, last] = lines else {
            return None;
        };
        if !Self::ends_short(lines) {
            return None;
        }
        let widest = lines.iter().map(|line| line.width).fold(0.0, f32::max);
        let mut best: Option<[Stretch; 2]> = None;
        let mut end = self.next_break(before.atoms.start, breaks);
        while end < last.atoms.start {
            let pair = [
                self.stretch(before.atoms.start..end),
                self.stretch(end..last.atoms.end),
            ];
            let width = |pair: &[Stretch; 2]| pair[0].width.max(pair[1].width);
            let is_long = pair[1].width >= widest * LEAST_LAST_LINE && width(&pair) <= widest;
            if is_long && best.as_ref().is_none_or(|best| width(&pair) < width(best)) {
                best = Some(pair);
            }
            end = self.next_break(end, breaks);
        }
        let best = best?;
        Some([others, &best[..]].concat())
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
                    id: glyph.id,
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

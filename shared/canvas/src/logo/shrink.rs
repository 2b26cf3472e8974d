//! A picture at a smaller size. Each pixel is the exact mean of the area that it covers, so that
//! details thinner than a pixel neither flicker nor vanish.

use std::ops::Range;

use tiny_skia::{IntSize, Pixmap};

/// `from` in `width` × `height` pixels, which are at most as many. `None` only if a side is zero.
pub(super) fn shrunk(from: &Pixmap, width: u32, height: u32) -> Option<Pixmap> {
    let mut shrinker = Shrinker::new((from.width(), from.height()), (width, height));
    for row in from.data().chunks_exact(from.width() as usize * 4) {
        shrinker.push(row);
    }
    shrinker.finish()
}

/// The size of a picture that is shrunk until neither side is above `most` pixels.
pub(super) fn within(most: u32, (width, height): (u32, u32)) -> (u32, u32) {
    let longer = u64::from(width.max(height));
    if longer <= u64::from(most) {
        return (width, height);
    }
    let side = |side: u32| {
        let side = (u64::from(side) * u64::from(most) + longer / 2) / longer;
        side.max(1) as u32
    };
    (side(width), side(height))
}

/// Shrinks a picture that comes row by row, so that it is never in memory in its full size.
pub(super) struct Shrinker {
    from: (u32, u32),
    to: (u32, u32),
    columns: Vec<Covered>,
    /// The rows that came so far.
    came: u32,
    /// The weighted sums of the row that comes next.
    sums: Vec<u64>,
    pixels: Vec<u8>,
}

impl Shrinker {
    /// For a picture of the width and height `from`, in pixels; neither side of `to` is longer.
    pub(super) fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        let columns = (0..to.0).map(|x| Covered::of(x, to.0, from.0));
        let row_length = to.0 as usize * 4;
        Self {
            from,
            to,
            columns: columns.collect(),
            came: 0,
            sums: vec![0; row_length],
            pixels: Vec::with_capacity(row_length * to.1 as usize),
        }
    }

    /// Takes the next row: premultiplied pixels of four bytes.
    pub(super) fn push(&mut self, row: &[u8]) {
        if self.from == self.to {
            self.pixels.extend_from_slice(row);
            return;
        }
        // The row covers this span, in which a row of the result is `from.1` long.
        let long = u64::from(self.from.1);
        let (mut begin, end) = (
            u64::from(self.came) * u64::from(self.to.1),
            u64::from(self.came + 1) * u64::from(self.to.1),
        );
        self.came += 1;
        while begin < end {
            let next = (begin / long + 1) * long;
            let weight = next.min(end) - begin;
            self.add(row, weight);
            begin += weight;
            if begin == next {
                self.complete();
            }
        }
    }

    fn add(&mut self, row: &[u8], row_weight: u64) {
        for (sums, columns) in self.sums.chunks_exact_mut(4).zip(&self.columns) {
            let Covered { pixels, .. } = columns;
            let four = row[pixels.start * 4..pixels.end * 4].chunks_exact(4);
            for (column, four) in pixels.clone().zip(four) {
                let weight = row_weight * columns.weight(column);
                for (sum, channel) in sums.iter_mut().zip(four) {
                    *sum += weight * u64::from(*channel);
                }
            }
        }
    }

    /// Ends the row of the result.
    fn complete(&mut self) {
        let area = u64::from(self.from.0) * u64::from(self.from.1);
        let means = self.sums.iter().map(|sum| ((sum + area / 2) / area) as u8);
        self.pixels.extend(means);
        self.sums.fill(0);
    }

    /// The shrunk picture; `None` if rows are missing, or a side is zero.
    pub(super) fn finish(self) -> Option<Pixmap> {
        Pixmap::from_vec(self.pixels, IntSize::from_wh(self.to.0, self.to.1)?)
    }
}

/// The pixels of a longer line that one pixel of a shorter line covers. A pixel of the longer line
/// has the length of the shorter line in units, and the other way round, so that all ends are whole
/// numbers.
struct Covered {
    pixels: Range<usize>,
    begin: u64,
    end: u64,
    unit: u64,
}

impl Covered {
    fn of(index: u32, count: u32, length: u32) -> Self {
        let (begin, end) = (
            u64::from(index) * u64::from(length),
            u64::from(index + 1) * u64::from(length),
        );
        let unit = u64::from(count);
        Self {
            pixels: (begin / unit) as usize..end.div_ceil(unit) as usize,
            begin,
            end,
            unit,
        }
    }

    /// How much of a pixel lies in the span.
    fn weight(&self, pixel: usize) -> u64 {
        let begin = pixel as u64 * self.unit;
        (begin + self.unit).min(self.end) - begin.max(self.begin)
    }
}

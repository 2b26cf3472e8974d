//! A picture at a smaller size. Each pixel is the exact mean of the area that it covers, so that
//! details thinner than a pixel neither flicker nor vanish.

use std::ops::Range;

use tiny_skia::Pixmap;

/// `from` in `width` × `height` pixels. `None` only if a side is zero.
pub(super) fn shrunk(from: &Pixmap, width: u32, height: u32) -> Option<Pixmap> {
    let mut to = Pixmap::new(width, height)?;
    let columns: Vec<Covered> = (0..width)
        .map(|x| Covered::of(x, width, from.width()))
        .collect();
    let row_length = from.width() as usize * 4;
    let area = u64::from(from.width()) * u64::from(from.height());
    for (y, row) in to
        .data_mut()
        .chunks_exact_mut(width as usize * 4)
        .enumerate()
    {
        let rows = Covered::of(y as u32, height, from.height());
        for (pixel, columns) in row.chunks_exact_mut(4).zip(&columns) {
            let mut sums = [0_u64; 4];
            for line in rows.pixels.clone() {
                let line_weight = rows.weight(line);
                let line = &from.data()[line * row_length..][..row_length];
                for (column, four) in columns
                    .pixels
                    .clone()
                    .zip(line[columns.pixels.start * 4..].chunks_exact(4))
                {
                    let weight = line_weight * columns.weight(column);
                    for (sum, channel) in sums.iter_mut().zip(four) {
                        *sum += weight * u64::from(*channel);
                    }
                }
            }
            for (channel, sum) in pixel.iter_mut().zip(sums) {
                *channel = ((sum + area / 2) / area) as u8;
            }
        }
    }
    Some(to)
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

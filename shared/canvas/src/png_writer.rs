//! Writes the pixels as a PNG. Writing takes most of a render's time, so a design is written with a
//! palette, a third of the bytes, where no difference shows: a design has a few flat colours and
//! the shades along their edges, and these fit a palette.

use std::io::{self, Write as _};

use flate2::{Compression, write::ZlibEncoder};

/// More shades than this belong to a painting or a photograph.
const MOST_SHADES: usize = 4096;

/// The largest error of a channel, of 255. The shades of an edge are that close to each other.
const FARTHEST: u8 = 4;

/// The most colours of a palette.
const MOST_COLORS: usize = 256;

/// The type of the filter that changes nothing (PNG, third edition, section 9.2).
const NO_FILTER: u8 = 0;

/// Writes opaque RGBA pixels: with a palette if they have few shades, else as RGB.
///
/// # Errors
/// The encoder's error; it writes to memory, so none is expected.
pub(crate) fn write(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::with_capacity(128 * 1024);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let (pixels, width) = (pixels.as_chunks().0, width.max(1) as usize);
    let indexed = Shades::of(pixels).and_then(|mut shades| {
        let palette = shades.palette()?;
        Some((shades.rows(pixels, width), palette))
    });
    let rows = match indexed {
        Some((rows, palette)) => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette);
            rows
        }
        None => {
            encoder.set_color(png::ColorType::Rgb);
            in_rows::<3>(pixels, width, |rows, row| {
                rows.extend(
                    row.iter()
                        .flat_map(|[red, green, blue, _]| [*red, *green, *blue]),
                )
            })
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_chunk(png::chunk::IDAT, &compressed(&rows)?)?;
    writer.finish()?;
    Ok(bytes)
}

/// A drawn pixel: opaque RGBA.
type Pixel = [u8; 4];

/// Rows of `BYTES` bytes per pixel, as `append` writes them, each after its filter type: none. Flat
/// areas repeat exactly, and the file has a third of the size that the encoder's fastest setting
/// gives, for about ten milliseconds more.
fn in_rows<const BYTES: usize>(
    pixels: &[Pixel],
    width: usize,
    append: impl Fn(&mut Vec<u8>, &[Pixel]),
) -> Vec<u8> {
    let mut rows = Vec::with_capacity(pixels.len() * BYTES + pixels.len() / width);
    for row in pixels.chunks_exact(width) {
        rows.push(NO_FILTER);
        append(&mut rows, row);
    }
    rows
}

/// Runs of pixels of one colour; most pixels have the colour of the one before.
fn runs(pixels: &[Pixel]) -> impl Iterator<Item = ([u8; 3], usize)> {
    pixels
        .chunk_by(|one, next| u32::from_ne_bytes(*one) == u32::from_ne_bytes(*next))
        .map(|run| {
            let [red, green, blue, _] = run[0];
            ([red, green, blue], run.len())
        })
}

/// `rows`, compressed with zlib, which is PNG's only compression, in one piece. The encoder's own
/// way passes flate2 one row at a time, which clears 32 KiB for each row; that took three tenths of
/// a poster's instructions.
fn compressed(rows: &[u8]) -> io::Result<Vec<u8>> {
    let mut zlib = ZlibEncoder::new(Vec::with_capacity(128 * 1024), Compression::default());
    zlib.write_all(rows)?;
    zlib.finish()
}

/// A shade, its number of pixels, and its index in the palette.
#[derive(Debug, Clone, Copy, Default)]
struct Shade {
    /// The number of pixels; 0 if this slot is free.
    pixels: u32,
    color: [u8; 3],
    index: u8,
}

/// The shades of a picture: a hash table with twice the slots that it may fill. The standard
/// table's hash would cost more than the rest of this. A hostile choice of colours does no harm,
/// because the number of shades is bounded.
struct Shades {
    slots: Vec<Shade>,
}

impl Shades {
    const SLOTS: usize = 2 * MOST_SHADES;

    /// Counts the shades; `None` if there are too many.
    fn of(pixels: &[Pixel]) -> Option<Self> {
        let mut shades = Self {
            slots: vec![Shade::default(); Self::SLOTS],
        };
        let mut found = 0;
        for (color, length) in runs(pixels) {
            let slot = shades.slot(color);
            let shade = &mut shades.slots[slot];
            if shade.pixels == 0 {
                found += 1;
                if found > MOST_SHADES {
                    return None;
                }
                shade.color = color;
            }
            shade.pixels += length as u32;
        }
        Some(shades)
    }

    /// The slot of a colour, or the free one where it belongs.
    fn slot(&self, color: [u8; 3]) -> usize {
        let number = u32::from_be_bytes([0, color[0], color[1], color[2]]);
        let mut slot = number.wrapping_mul(0x9E37_79B1) as usize >> 8 & (Self::SLOTS - 1);
        while self.slots[slot].pixels != 0 && self.slots[slot].color != color {
            slot = (slot + 1) & (Self::SLOTS - 1);
        }
        slot
    }

    /// Assigns each shade an index in a palette, and returns the palette as RGB; `None` if no
    /// palette is close enough to all shades.
    ///
    /// The most common shades come first, so that a flat colour stays exact, and a rare shade takes
    /// a close one.
    fn palette(&mut self) -> Option<Vec<u8>> {
        let mut order: Vec<usize> = (0..self.slots.len())
            .filter(|slot| self.slots[*slot].pixels > 0)
            .collect();
        order.sort_by_key(|slot| (u32::MAX - self.slots[*slot].pixels, self.slots[*slot].color));
        (0..=FARTHEST).find_map(|farthest| {
            let mut palette: Vec<[u8; 3]> = Vec::with_capacity(MOST_COLORS);
            for slot in &order {
                let shade = &mut self.slots[*slot];
                let near =
                    |other: &[u8; 3]| (0..3).all(|i| shade.color[i].abs_diff(other[i]) <= farthest);
                let index = palette.iter().position(near).unwrap_or(palette.len());
                if index == palette.len() {
                    palette.push(shade.color);
                }
                shade.index = u8::try_from(index).ok()?;
            }
            Some(palette.concat())
        })
    }

    /// The palette index of each pixel, in rows.
    fn rows(&self, pixels: &[Pixel], width: usize) -> Vec<u8> {
        in_rows::<1>(pixels, width, |rows, row| {
            for (color, length) in runs(row) {
                rows.resize(rows.len() + length, self.slots[self.slot(color)].index);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as a reader sees it: its colour type, and its pixels as RGB.
    fn read(file: &[u8]) -> (png::ColorType, Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let size = reader.next_frame(&mut data).unwrap().buffer_size();
        data.truncate(size);
        let info = reader.info();
        let color = info.color_type;
        let palette = info.palette.as_deref().unwrap_or_default();
        let seen = match color {
            png::ColorType::Indexed => data
                .iter()
                .flat_map(|i| &palette[usize::from(*i) * 3..][..3])
                .copied()
                .collect(),
            _ => data,
        };
        (color, seen)
    }

    fn rgba(shades: impl Iterator<Item = [u8; 3]>) -> Vec<u8> {
        shades
            .flat_map(|[red, green, blue]| [red, green, blue, 255])
            .collect()
    }

    fn rgb(pixels: &[u8]) -> Vec<u8> {
        pixels
            .chunks_exact(4)
            .flat_map(|pixel| &pixel[..3])
            .copied()
            .collect()
    }

    #[test]
    fn a_picture_of_at_most_256_colours_is_exact() {
        let pixels = rgba((0..=255).map(|shade| [shade, 255 - shade, shade / 2]));
        let (color, seen) = read(&write(&pixels, 16, 16).unwrap());
        assert_eq!((color, seen), (png::ColorType::Indexed, rgb(&pixels)));
    }

    #[test]
    fn common_shades_are_exact_and_rare_ones_are_close() {
        // A flat colour, and an edge of five hundred shades with one pixel each.
        let flat = [200, 30, 30];
        let edge = (0..500_u16).map(|n| [(n / 2) as u8, (n / 3) as u8, 90]);
        let pixels = rgba(std::iter::repeat_n(flat, 500).chain(edge));
        let (color, seen) = read(&write(&pixels, 100, 10).unwrap());
        assert_eq!(color, png::ColorType::Indexed);
        assert_eq!(seen[..1500], rgb(&pixels)[..1500]);
        let farthest = seen
            .iter()
            .zip(rgb(&pixels))
            .map(|(one, other)| one.abs_diff(other))
            .max();
        assert!(
            farthest.is_some_and(|farthest| (1..=FARTHEST).contains(&farthest)),
            "{farthest:?}"
        );
    }

    #[test]
    fn a_photograph_is_written_as_it_is() {
        for side in [64_u32, 128] {
            let pixels =
                rgba((0..side * side).map(|n| [(n * 7) as u8, (n / 16) as u8, (n * n / 5) as u8]));
            let (color, seen) = read(&write(&pixels, side, side).unwrap());
            assert_eq!((color, seen), (png::ColorType::Rgb, rgb(&pixels)), "{side}");
        }
    }
}

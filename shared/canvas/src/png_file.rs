//! The pixels as a PNG file. Writing it is most of a render, so what is written is a third of the
//! pixels where that shows nowhere: a design has a few flat colours and the shades between them
//! along its edges, and these fit a palette.

use std::io::{self, Write as _};

use flate2::{Compression, write::ZlibEncoder};

/// More shades than these are a painting's or a photograph's.
const MOST_SHADES: usize = 4096;

/// How far a channel of a pixel may be from what was drawn, of 255: the shades of an edge come that
/// close to each other.
const FARTHEST: u8 = 4;

/// What a palette holds.
const MOST_COLORS: usize = 256;

/// The type of the filter that changes nothing (PNG, third edition, section 9.2).
const NO_FILTER: u8 = 0;

/// Writes opaque RGBA pixels: with a palette if they have few shades, else as they are.
///
/// # Errors
/// What the encoder says; it writes to memory, so this is not expected.
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

/// A pixel as it is drawn: opaque RGBA.
type Pixel = [u8; 4];

/// What `append` makes of each row, `BYTES` for a pixel, after the filter that PNG has for each
/// row: none. Flat areas repeat as they are, and without a filter the file is a third of what the
/// fastest setting makes, for some ten milliseconds more.
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

/// Runs of pixels of one colour: most are as the one before them.
fn runs(pixels: &[Pixel]) -> impl Iterator<Item = ([u8; 3], usize)> {
    pixels
        .chunk_by(|one, next| u32::from_ne_bytes(*one) == u32::from_ne_bytes(*next))
        .map(|run| {
            let [red, green, blue, _] = run[0];
            ([red, green, blue], run.len())
        })
}

/// `rows` as PNG's only compression has them. In one piece: the encoder's own way gives them row by
/// row to flate2, which clears 32 KiB for each, and that was three tenths of a poster's
/// instructions.
fn compressed(rows: &[u8]) -> io::Result<Vec<u8>> {
    let mut zlib = ZlibEncoder::new(Vec::with_capacity(128 * 1024), Compression::default());
    zlib.write_all(rows)?;
    zlib.finish()
}

/// A shade, how often it comes, and its place in the palette.
#[derive(Debug, Clone, Copy, Default)]
struct Shade {
    /// 0 if this slot is free.
    pixels: u32,
    color: [u8; 3],
    index: u8,
}

/// The shades of a picture: a hash table with twice the slots that it may fill. The standard one's
/// hash costs more than all the rest of this, and nobody chooses colours to harm it: what is found
/// is bounded.
struct Shades {
    slots: Vec<Shade>,
}

impl Shades {
    const SLOTS: usize = 2 * MOST_SHADES;

    /// Counts them; `None` if there are too many.
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

    /// Where a colour is, or belongs.
    fn slot(&self, color: [u8; 3]) -> usize {
        let number = u32::from_be_bytes([0, color[0], color[1], color[2]]);
        let mut slot = number.wrapping_mul(0x9E37_79B1) as usize >> 8 & (Self::SLOTS - 1);
        while self.slots[slot].pixels != 0 && self.slots[slot].color != color {
            slot = (slot + 1) & (Self::SLOTS - 1);
        }
        slot
    }

    /// Gives each shade its place in a palette, which is returned as RGB; `None` if there is none
    /// that is close enough to all.
    ///
    /// The commonest come first, so that a flat colour stays exactly what it is, and a rare shade
    /// becomes one that is close to it.
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

    /// Each pixel's place in the palette, in rows.
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

    /// What a reader sees of a file: its type of colour, and its pixels as RGB.
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
    fn a_picture_of_at_most_256_colours_is_exactly_what_was_drawn() {
        let pixels = rgba((0..=255).map(|shade| [shade, 255 - shade, shade / 2]));
        let (color, seen) = read(&write(&pixels, 16, 16).unwrap());
        assert_eq!((color, seen), (png::ColorType::Indexed, rgb(&pixels)));
    }

    #[test]
    fn of_more_shades_the_common_ones_are_exact_and_none_is_farther_than_can_be_seen() {
        // A flat colour, and an edge of five hundred shades that come once each.
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

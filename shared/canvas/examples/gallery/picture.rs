//! Small pictures for people to look at, and for programs that read.

use std::{
    error::Error,
    fs::File,
    io::{BufWriter, Cursor, Write as _},
    path::Path,
};

/// What may go wrong with a picture, in any thread.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The distance between the pictures of a sheet, in pixels.
pub const GAP: usize = 16;
const GROUND: [u8; 3] = [236, 234, 229];

/// A picture of 8 bit RGB.
#[derive(Clone)]
pub struct Picture {
    pub width: usize,
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Reads a PNG of a canvas.
    pub fn decoded(file: &[u8]) -> Result<Self, Failure> {
        let mut decoder = png::Decoder::new(Cursor::new(file));
        // A picture of few shades has a palette.
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large")?];
        let frame = reader.next_frame(&mut bytes)?;
        let pixels = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
        Ok(Self {
            width: frame.width as usize,
            pixels,
        })
    }

    fn empty(width: usize, height: usize) -> Self {
        Self {
            width,
            pixels: vec![GROUND; width * height],
        }
    }

    pub fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// The picture scaled to at most this width and height. Each pixel is the mean of the pixels
    /// that it covers.
    pub fn fitted(&self, most_width: usize, most_height: usize) -> Self {
        let (width, height) = (self.width, self.height());
        let scale = (most_width as f64 / width as f64)
            .min(most_height as f64 / height as f64)
            .min(1.0);
        let to_width = ((width as f64 * scale) as usize).max(1);
        let to_height = ((height as f64 * scale) as usize).max(1);
        let span = |index: usize, count: usize, length: usize| {
            index * length / count..((index + 1) * length).div_ceil(count)
        };
        let pixels = (0..to_height)
            .flat_map(|y| (0..to_width).map(move |x| (x, y)))
            .map(|(x, y)| {
                let (columns, rows) = (span(x, to_width, width), span(y, to_height, height));
                let mut sums = [0; 3];
                for row in rows.clone() {
                    for pixel in &self.pixels[row * width..][columns.clone()] {
                        for (sum, channel) in sums.iter_mut().zip(pixel) {
                            *sum += usize::from(*channel);
                        }
                    }
                }
                sums.map(|sum| (sum / (columns.len() * rows.len())) as u8)
            })
            .collect();
        Self {
            width: to_width,
            pixels,
        }
    }

    /// The part of the picture from `left`, `top`, as far as it reaches.
    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let width = width.min(self.width.saturating_sub(left)).max(1);
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        Self {
            width,
            pixels: rows
                .flat_map(|row| &row[left..left + width])
                .copied()
                .collect(),
        }
    }

    fn paste(&mut self, picture: &Self, left: usize, top: usize) {
        for (y, line) in picture.pixels.chunks_exact(picture.width).enumerate() {
            let begin = (top + y) * self.width + left;
            self.pixels[begin..begin + picture.width].copy_from_slice(line);
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let file = BufWriter::new(File::create(path)?);
        let (width, height) = (u32::try_from(self.width)?, u32::try_from(self.height())?);
        let mut encoder = png::Encoder::new(file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        encoder
            .write_header()?
            .write_image_data(self.pixels.as_flattened())?;
        Ok(())
    }

    /// Writes `letters`, which are of one colour on another one, black on white with a rim of
    /// `rim` pixels, as a PGM.
    pub fn write_black_on_white(
        &self,
        letters: [u8; 3],
        rim: usize,
        path: &Path,
    ) -> Result<(), Failure> {
        let (width, height) = (self.width + 2 * rim, self.height() + 2 * rim);
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "P5 {width} {height} 255")?;
        let ground = self.pixels[0];
        let along = |pixel: [u8; 3]| {
            let (mut dot, mut square) = (0.0, 0.0);
            for ((pixel, ground), letter) in pixel.into_iter().zip(ground).zip(letters) {
                let axis = f64::from(ground) - f64::from(letter);
                dot += axis * (f64::from(pixel) - f64::from(letter));
                square += axis * axis;
            }
            (255.0 * dot / f64::max(square, 1.0)) as u8
        };
        let mut grey = vec![255; width * height];
        for (y, row) in self.pixels.chunks_exact(self.width).enumerate() {
            for (x, pixel) in row.iter().enumerate() {
                grey[(y + rim) * width + x + rim] = along(*pixel);
            }
        }
        file.write_all(&grey)?;
        Ok(())
    }
}

/// Rows of pictures, each centred in its column of `cell` pixels.
pub fn columns(rows: &[Vec<Picture>], cell: usize) -> Picture {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let row_height = |row: &[Picture]| row.iter().map(Picture::height).max().unwrap_or_default();
    let height: usize = rows.iter().map(|row| row_height(row) + 2 * GAP).sum();
    let mut sheet = Picture::empty(columns * (cell + GAP) + GAP, height + GAP);
    let mut top = GAP;
    for row in rows {
        for (column, picture) in row.iter().enumerate() {
            let left = GAP + column * (cell + GAP) + cell.saturating_sub(picture.width) / 2;
            sheet.paste(picture, left, top);
        }
        top += row_height(row) + 2 * GAP;
    }
    sheet
}

/// The pictures side by side, in as many rows as a sheet of this width needs.
pub fn shelves(pictures: &[Picture], width: usize) -> Picture {
    let mut places = Vec::new();
    let (mut left, mut top, mut row_height) = (GAP, GAP, 0);
    for picture in pictures {
        if left > GAP && left + picture.width + GAP > width {
            (left, top, row_height) = (GAP, top + row_height + GAP, 0);
        }
        places.push((left, top));
        left += picture.width + GAP;
        row_height = row_height.max(picture.height());
    }
    let mut sheet = Picture::empty(width, top + row_height + GAP);
    for (picture, (left, top)) in pictures.iter().zip(places) {
        sheet.paste(picture, left, top);
    }
    sheet
}

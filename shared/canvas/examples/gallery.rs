//! Draws every kind of picture in four languages, short and very long, into a folder, with one
//! contact sheet, `sheet.png`: a row for each kind, from English to Japanese. It prints the faults,
//! and fails if there are any.
//!
//! `cargo run -p canvas --example gallery -- <folder>`

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs::{self, File},
    io::{BufWriter, Cursor},
    path::Path,
    process::ExitCode,
};

use canvas::{Canvas, Drawing};
use contract::{AssetKind, Configuration, MediaType};

/// The order of the columns.
const LANGUAGES: [&str; 4] = ["en", "hi", "ar", "ja"];
const LENGTHS: [&str; 2] = ["short", "long"];

/// The measures of the contact sheet, in pixels.
const CELL: usize = 280;
const GAP: usize = 16;
const GROUND: [u8; 3] = [236, 234, 229];

/// A picture of 8 bit RGB.
struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("say which folder to draw into")?;
    let folder = Path::new(&folder);
    let samples: BTreeMap<String, BTreeMap<String, Configuration>> =
        serde_json::from_str(include_str!("gallery.json"))?;
    fs::create_dir_all(folder)?;
    let mut canvas = Canvas::new(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))?;
    let mut rows = Vec::new();
    let mut faults = 0;
    for asset in AssetKind::ALL
        .into_iter()
        .filter(|asset| asset.media_type() == MediaType::Image)
    {
        let mut row = Vec::new();
        for (language, length) in LANGUAGES
            .into_iter()
            .flat_map(|one| LENGTHS.map(|length| (one, length)))
        {
            let look = format!("{language}-{length}");
            let configuration = &samples[language][length];
            let rendered = canvas.render(&Drawing {
                asset,
                configuration,
                look: &look,
                logo: None,
                painting: None,
            })?;
            fs::write(
                folder.join(format!("{}-{look}.png", asset.as_str())),
                &rendered.png,
            )?;
            for fault in rendered.report.faults() {
                faults += 1;
                println!("{} {look}: {fault}", asset.as_str());
            }
            for (field, lost) in &rendered.report.lost {
                faults += 1;
                println!(
                    "{} {look}: {} characters of `{}` have no font",
                    asset.as_str(),
                    lost.characters(),
                    field.as_str()
                );
            }
            row.push(fitted(&decoded(&rendered.png)?));
        }
        println!("{}", asset.as_str());
        rows.push(row);
    }
    write(&folder.join("sheet.png"), &sheet(&rows))?;
    println!(
        "{} has the contact sheet; {faults} faults",
        folder.join("sheet.png").display()
    );
    Ok(if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn decoded(file: &[u8]) -> Result<Picture, Box<dyn Error>> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    // A picture of few shades has a palette.
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let frame = reader.next_frame(&mut bytes)?;
    let pixels = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
    Ok(Picture {
        width: frame.width as usize,
        pixels,
    })
}

/// The picture scaled to a cell's width and at most one and a half times its height. Each pixel is
/// the mean of the pixels that it covers.
fn fitted(picture: &Picture) -> Picture {
    let height = picture.pixels.len() / picture.width;
    let scale = (CELL as f64 / picture.width as f64)
        .min(1.5 * CELL as f64 / height as f64)
        .min(1.0);
    let (to_width, to_height) = (
        (picture.width as f64 * scale) as usize,
        (height as f64 * scale) as usize,
    );
    let span = |index: usize, count: usize, length: usize| {
        index * length / count..((index + 1) * length).div_ceil(count)
    };
    let pixels = (0..to_height)
        .flat_map(|y| (0..to_width).map(move |x| (x, y)))
        .map(|(x, y)| {
            let (columns, rows) = (span(x, to_width, picture.width), span(y, to_height, height));
            let mut sums = [0; 3];
            for row in rows.clone() {
                for pixel in &picture.pixels[row * picture.width..][columns.clone()] {
                    for (sum, channel) in sums.iter_mut().zip(pixel) {
                        *sum += usize::from(*channel);
                    }
                }
            }
            sums.map(|sum| (sum / (columns.len() * rows.len())) as u8)
        })
        .collect();
    Picture {
        width: to_width,
        pixels,
    }
}

/// All rows below one another, each picture centred in its column.
fn sheet(rows: &[Vec<Picture>]) -> Picture {
    let columns = LANGUAGES.len() * LENGTHS.len();
    let width = columns * (CELL + GAP) + GAP;
    let height_of = |picture: &Picture| picture.pixels.len() / picture.width;
    let row_height = |row: &[Picture]| row.iter().map(height_of).max().unwrap_or_default();
    let height: usize = rows
        .iter()
        .map(|row| row_height(row) + 2 * GAP)
        .sum::<usize>()
        + GAP;
    let mut sheet = Picture {
        width,
        pixels: vec![GROUND; width * height],
    };
    let mut top = GAP;
    for row in rows {
        for (column, picture) in row.iter().enumerate() {
            let left = GAP + column * (CELL + GAP) + (CELL - picture.width) / 2;
            for (y, line) in picture.pixels.chunks_exact(picture.width).enumerate() {
                let begin = (top + y) * width + left;
                sheet.pixels[begin..begin + picture.width].copy_from_slice(line);
            }
        }
        top += row_height(row) + 2 * GAP;
    }
    sheet
}

fn write(path: &Path, picture: &Picture) -> Result<(), Box<dyn Error>> {
    let height = picture.pixels.len() / picture.width;
    let file = BufWriter::new(File::create(path)?);
    let mut encoder =
        png::Encoder::new(file, u32::try_from(picture.width)?, u32::try_from(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder
        .write_header()?
        .write_image_data(picture.pixels.as_flattened())?;
    Ok(())
}

//! Draws every kind of picture in more than fifty languages, with a short title and with a long one,
//! into a folder. It prints the faults, and fails if there are any.
//!
//! `cargo run -p canvas --example gallery -- <folder>`
//!
//! Beside the pictures, the folder gets sheets to look at: `script-<name>.png` for each script,
//! `sheet.png` with every kind in four languages, and `scripts.png`, posters in twelve scripts. And it
//! gets what `tests/judges` reads: `texts.json`, the texts as they were shaped; `faces`, the fonts;
//! `titles`, the titles of posters, black on white.

mod picture;
mod shaped;

use std::{
    collections::{BTreeMap, BTreeSet, btree_map},
    env, fs,
    path::Path,
    process::ExitCode,
    sync::{Mutex, PoisonError},
    thread,
};

use canvas::{Canvas, Drawing, DrawnText};
use contract::{AssetKind, Configuration, MediaType};
use picture::{Failure, Picture, columns, shelves};
use serde_json::{Value, json};

/// The columns of `sheet.png`.
const COLUMNS: [&str; 4] = ["en", "hi", "ar-EG", "ja"];
/// The posters of `scripts.png`.
const SCRIPTS: [&str; 12] = [
    "hi", "bn", "ta", "te", "pa", "ml", "ur", "ar-SA", "he", "th", "am", "ka",
];
const LENGTHS: [&str; 2] = ["short", "long"];

/// The width of a cell of `sheet.png`, of a poster of `scripts.png`, and of a sheet for a script.
const CELL: usize = 280;
const STRIP: usize = 144;
const SHEET: usize = 1600;
/// The most height of a picture on a sheet for a script.
const SHELF: usize = 372;

/// The font size of the titles for programs that read.
const READ_AT: f64 = 56.0;
/// The white rim of such a title.
const RIM: usize = 24;

/// By script, by language, by length.
type Samples = BTreeMap<String, BTreeMap<String, BTreeMap<String, Configuration>>>;

/// What a thread has drawn.
#[derive(Default)]
struct Drawn {
    pictures: usize,
    faults: Vec<String>,
    /// The texts, each once.
    texts: BTreeMap<String, Value>,
    faces: BTreeSet<&'static str>,
    /// The pictures of `sheet.png` and of `scripts.png`, by kind and look.
    kept: BTreeMap<(&'static str, String), Picture>,
}

fn main() -> Result<ExitCode, Failure> {
    let folder = env::args().nth(1).ok_or("say which folder to draw into")?;
    let folder = Path::new(&folder);
    let samples: Samples = serde_json::from_str(include_str!("samples.json"))?;
    for part in ["faces", "titles"] {
        fs::create_dir_all(folder.join(part))?;
    }
    let mut drawn = all(folder, &samples)?;
    write_texts(folder, &drawn)?;
    let rows = kinds().map(|asset| {
        let looks = COLUMNS
            .into_iter()
            .flat_map(|one| LENGTHS.map(|length| format!("{one}-{length}")));
        let pictures = looks.filter_map(|look| drawn.kept.get(&(asset.as_str(), look)));
        pictures
            .map(|picture| picture.fitted(CELL, CELL * 3 / 2))
            .collect()
    });
    columns(&rows.collect::<Vec<Vec<Picture>>>(), CELL).write(&folder.join("sheet.png"))?;
    let posters = SCRIPTS.map(|language| {
        let poster = (AssetKind::Poster.as_str(), format!("{language}-short"));
        drawn
            .kept
            .remove(&poster)
            .map(|poster| poster.fitted(STRIP, SHEET))
    });
    let posters: Vec<Picture> = posters.into_iter().flatten().collect();
    let strip = 6 * (STRIP + picture::GAP) + picture::GAP;
    shelves(&posters, strip).write(&folder.join("scripts.png"))?;
    for fault in &drawn.faults {
        println!("{fault}");
    }
    // `ar-SA` and `ar-AE` are one language.
    let languages: BTreeSet<&str> = samples
        .values()
        .flatten()
        .filter_map(|(tag, _)| tag.split('-').next())
        .collect();
    println!(
        "{} pictures in {} languages and {} scripts, {} faults; {} has the sheets",
        drawn.pictures,
        languages.len(),
        samples.len(),
        drawn.faults.len(),
        folder.display()
    );
    Ok(if drawn.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn kinds() -> impl Iterator<Item = AssetKind> {
    let all = AssetKind::ALL.into_iter();
    all.filter(|asset| asset.media_type() == MediaType::Image)
}

fn canvas() -> Result<Canvas, Failure> {
    Ok(Canvas::new(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))?)
}

/// Draws all samples, a script at a time, on all processors.
fn all(folder: &Path, samples: &Samples) -> Result<Drawn, Failure> {
    // The largest script first, so that no processor is left alone with it.
    let mut scripts: Vec<_> = samples.iter().collect();
    scripts.sort_by_key(|(_, languages)| languages.len());
    let scripts = Mutex::new(scripts);
    let work = || -> Result<Drawn, Failure> {
        let mut canvas = canvas()?;
        let mut drawn = Drawn::default();
        loop {
            let next = scripts.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((script, languages)) = next else {
                return Ok(drawn);
            };
            draw_script(&mut canvas, folder, script, languages, &mut drawn)?;
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = Drawn::default();
        for worker in workers {
            let drawn: Result<Drawn, Failure> = worker
                .join()
                .unwrap_or_else(|_| Err("a thread has panicked".into()));
            let drawn = drawn?;
            all.pictures += drawn.pictures;
            all.faults.extend(drawn.faults);
            all.texts.extend(drawn.texts);
            all.faces.extend(drawn.faces);
            all.kept.extend(drawn.kept);
        }
        all.faults.sort();
        Ok(all)
    })
}

/// Draws the languages of a script, and its sheet.
fn draw_script(
    canvas: &mut Canvas,
    folder: &Path,
    script: &str,
    languages: &BTreeMap<String, BTreeMap<String, Configuration>>,
    drawn: &mut Drawn,
) -> Result<(), Failure> {
    let mut shown = Vec::new();
    for (number, (language, samples)) in languages.iter().enumerate() {
        for (turn, length) in LENGTHS.into_iter().enumerate() {
            let look = format!("{language}-{length}");
            for (kind, asset) in kinds().enumerate() {
                let png = draw(canvas, folder, asset, &look, &samples[length], drawn)?;
                // The sheet of a large script has every kind, but not in every language.
                let is_poster = asset == AssetKind::Poster;
                let is_shown = is_poster || (kind + turn) % languages.len() == number;
                let is_kept = COLUMNS.contains(&language.as_str())
                    || (is_poster && SCRIPTS.contains(&language.as_str()));
                if !is_shown && !is_kept {
                    continue;
                }
                let picture = Picture::decoded(&png)?;
                if is_shown {
                    shown.push(picture.fitted(SHEET - 2 * picture::GAP, SHELF));
                }
                if is_kept {
                    drawn.kept.insert((asset.as_str(), look.clone()), picture);
                }
            }
        }
    }
    let name = script.to_lowercase().replace(' ', "-");
    shelves(&shown, SHEET).write(&folder.join(format!("script-{name}.png")))
}

fn draw(
    canvas: &mut Canvas,
    folder: &Path,
    asset: AssetKind,
    look: &str,
    configuration: &Configuration,
    drawn: &mut Drawn,
) -> Result<Vec<u8>, Failure> {
    let rendered = canvas.render(&Drawing {
        asset,
        configuration,
        look,
        logo: None,
        painting: None,
    })?;
    let file = format!("{}-{look}.png", asset.as_str());
    fs::write(folder.join(file), &rendered.png)?;
    drawn.pictures += 1;
    let faults = rendered.report.faults().into_iter();
    drawn
        .faults
        .extend(faults.map(|fault| format!("{} {look}: {fault}", asset.as_str())));
    for text in &rendered.report.texts {
        let faces = text.clusters.iter().map(|cluster| cluster.face);
        drawn.faces.extend(faces);
        let read = (asset == AssetKind::Poster && text.role == "title")
            .then(|| title(folder, look, &rendered.png, text))
            .transpose()?;
        if let btree_map::Entry::Vacant(entry) = drawn.texts.entry(key(configuration, text, &read))
        {
            entry.insert(json!({
                "picture": format!("{} {look}", asset.as_str()),
                "role": text.role,
                "text": text.text,
                "locale": configuration.locale.as_ref().map(|locale| locale.as_str()),
                "lines": shaped::lines(text),
                "read": read,
            }));
        }
    }
    Ok(rendered.png)
}

/// Texts are the same if they have the same words, reader, faces and lines. A title that is read is
/// like no other text.
fn key(configuration: &Configuration, text: &DrawnText, read: &Option<Value>) -> String {
    let locale = configuration.locale.as_ref().map(|locale| locale.as_str());
    let parts = text
        .clusters
        .chunk_by(|one, other| one.line == other.line && one.face == other.face);
    let parts = parts.filter_map(|part| {
        let start = part.iter().map(|cluster| cluster.text.start).min()?;
        Some(format!("{start} {}", part.first()?.face))
    });
    let parts: Vec<String> = parts.collect();
    format!("{locale:?} {} {parts:?} {}", text.text, read.is_some())
}

/// Writes the title of a poster, black on white. Returns the name of the file, the font size in it,
/// and how far from the left the ink of the title begins.
fn title(folder: &Path, look: &str, poster: &[u8], text: &DrawnText) -> Result<Value, Failure> {
    const AROUND: f32 = 4.0;
    let ink = text.ink;
    let part = Picture::decoded(poster)?.part(
        (ink.x - AROUND).max(0.0) as usize,
        (ink.y - AROUND).max(0.0) as usize,
        (ink.width + 2.0 * AROUND) as usize,
        (ink.height + 2.0 * AROUND) as usize,
    );
    let scale = (READ_AT / f64::from(text.size)).min(1.0);
    let small = part.fitted((part.width as f64 * scale) as usize, usize::MAX);
    let color = [text.color.red, text.color.green, text.color.blue];
    let file = format!("titles/{look}.pgm");
    small.write_black_on_white(color, RIM, &folder.join(&file))?;
    let first = text.clusters.first().map_or(ink.x, |cluster| cluster.x);
    let left = f64::from(first - ink.x + AROUND) * scale + RIM as f64;
    Ok(json!({ "file": file, "size": f64::from(text.size) * scale, "left": left }))
}

/// Writes the texts and the fonts in which they are set.
fn write_texts(folder: &Path, drawn: &Drawn) -> Result<(), Failure> {
    let texts: Vec<&Value> = drawn.texts.values().collect();
    fs::write(folder.join("texts.json"), serde_json::to_vec(&texts)?)?;
    let mut canvas = canvas()?;
    for face in &drawn.faces {
        let bytes = canvas
            .font(face)?
            .ok_or("a face that is not in the table")?;
        fs::write(folder.join("faces").join(format!("{face}.ttf")), bytes)?;
    }
    Ok(())
}

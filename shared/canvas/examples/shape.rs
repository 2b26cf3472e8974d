//! Shapes titles, and writes what was drawn as JSON, for programs that judge it: HarfBuzz, FriBidi,
//! a browser.
//!
//! `cargo run -p canvas --example shape -- <texts.json> [folder]`. The file is a list of
//! `{"text": "…", "locale": "…"}`. The output is a list of the titles of posters with these texts:
//! `text` (as it was drawn), `locale`, `kind`, and `lines`. A line has the `range` of its characters
//! in bytes of `text`, and `runs` from left to right; a run has the name of its `face`, its `level`
//! (odd: from right to left), and `clusters` from left to right, each with its `range`, its `glyphs`,
//! and `x` and `advance` in thousandths of the font size. With a folder, the faces are written there,
//! as `<name of the face>.ttf`.

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

use canvas::{Canvas, ClusterBox, Drawing, DrawnText};
use contract::{AssetKind, Configuration};
use serde_json::{Value, json};

/// Titles are set in a loud face on a poster, and in a festive one on an invitation.
const KINDS: [AssetKind; 2] = [AssetKind::Poster, AssetKind::Invitation];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let texts = arguments.next().ok_or("say which file has the texts")?;
    let folder = arguments.next();
    let texts: Vec<Value> = serde_json::from_reader(BufReader::new(File::open(texts)?))?;
    let mut canvas = Canvas::new(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))?;
    let (mut shaped, mut faces) = (Vec::new(), BTreeSet::new());
    for text in texts {
        let locale = text["locale"].clone();
        let configuration: Configuration =
            serde_json::from_value(json!({ "title": text["text"], "locale": locale }))?;
        for asset in KINDS {
            let rendered = canvas.render(&Drawing {
                asset,
                configuration: &configuration,
                look: "shape",
                logo: None,
                painting: None,
            })?;
            let titles = rendered.report.texts.iter();
            for title in titles.filter(|text| text.role == "title") {
                faces.extend(title.clusters.iter().map(|cluster| cluster.face));
                shaped.push(json!({
                    "text": title.text,
                    "locale": locale,
                    "kind": asset.as_str(),
                    "lines": lines(title),
                }));
            }
        }
    }
    if let Some(folder) = folder {
        fs::create_dir_all(&folder)?;
        for face in faces {
            let bytes = canvas
                .font(face)?
                .ok_or("a face that is not in the table")?;
            fs::write(Path::new(&folder).join(format!("{face}.ttf")), bytes)?;
        }
    }
    serde_json::to_writer_pretty(io::stdout().lock(), &shaped)?;
    println!();
    Ok(())
}

/// The lines of a text, from the first.
fn lines(text: &DrawnText) -> Vec<Value> {
    let lines = text
        .clusters
        .chunk_by(|one, other| one.line == other.line)
        .map(|line| {
            let left = line.first().map_or(0.0, |cluster| cluster.x);
            let runs: Vec<Value> = line
                .chunk_by(|one, other| one.face == other.face && one.level == other.level)
                .map(|run| run_of(run, left, text.size))
                .collect();
            let start = line.iter().map(|cluster| cluster.text.start).min();
            let end = line.iter().map(|cluster| cluster.text.end).max();
            json!({ "range": [start, end], "runs": runs })
        });
    lines.collect()
}

fn run_of(run: &[ClusterBox], left: f32, size: f32) -> Value {
    let clusters: Vec<Value> = run
        .iter()
        .map(|cluster| {
            json!({
                "range": [cluster.text.start, cluster.text.end],
                "glyphs": cluster.glyphs,
                "x": (cluster.x - left) * 1000.0 / size,
                "advance": cluster.width * 1000.0 / size,
            })
        })
        .collect();
    let first = run.first();
    json!({
        "face": first.map(|cluster| cluster.face),
        "level": first.map(|cluster| cluster.level),
        "clusters": clusters,
    })
}

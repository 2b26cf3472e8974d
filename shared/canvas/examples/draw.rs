//! Draws every asset of a configuration, or of the built-in samples, into a folder, and prints the
//! faults.
//!
//! `cargo run -p canvas --example draw -- <folder> [configuration.json [logo]]`

use std::{env, error::Error, fs, path::Path, time::Instant};

use canvas::{Canvas, Drawing, Logo};
use contract::{AssetKind, Configuration, MediaType};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("say which folder to draw into")?;
    let samples: Vec<(String, Configuration)> = match arguments.next() {
        Some(path) => vec![(
            "configuration".to_owned(),
            serde_json::from_str(&fs::read_to_string(path)?)?,
        )],
        None => {
            let samples: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(include_str!("samples.json"))?;
            samples
                .into_iter()
                .map(|(name, value)| Ok((name, serde_json::from_value(value)?)))
                .collect::<Result<_, serde_json::Error>>()?
        }
    };
    let logo = match arguments.next() {
        Some(path) => Some(Logo::decode(&fs::read(path)?)?),
        None => None,
    };
    fs::create_dir_all(&folder)?;
    let mut canvas = Canvas::new(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))?;
    for (name, configuration) in &samples {
        for asset in AssetKind::ALL
            .into_iter()
            .filter(|asset| asset.media_type() == MediaType::Image)
        {
            let begin = Instant::now();
            let rendered = canvas.render(&Drawing {
                asset,
                configuration,
                look: name,
                logo: logo.as_ref(),
                painting: None,
            })?;
            let took = begin.elapsed();
            let path = Path::new(&folder).join(format!("{name}-{}.png", asset.as_str()));
            fs::write(&path, &rendered.png)?;
            println!("{} {} bytes {took:?}", path.display(), rendered.png.len());
            for adjusted in &rendered.report.adjusted {
                let field = adjusted.field.as_str();
                println!(
                    "  {field} {}: {}",
                    adjusted.change.as_str(),
                    adjusted.reason
                );
            }
            for fault in rendered.report.faults() {
                println!("  {fault}");
            }
        }
    }
    Ok(())
}

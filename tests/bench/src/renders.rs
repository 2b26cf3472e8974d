//! Renders one picture of each kind, with the canvas and with the libraries that a team on Node
//! would use.

use std::path::Path;
use std::process::Stdio;

use contract::{AssetKind, Topic};
use local::checkout::Checkout;
use serde_json::{Map, json};
use tokio::process::Command;

use crate::error::Error;
use crate::report::{Row, Unit};
use crate::subject::Subject;

/// The cost of one kind of picture: microseconds of processor time, bytes of the file, and bytes of
/// the largest resident set during it.
type Spent = (String, f64, f64, f64);

/// Draws each kind `rounds` times with each renderer, and keeps the pictures in `folder` for
/// inspection.
pub async fn measure(
    checkout: &Checkout,
    ours: &Subject,
    node: &Path,
    folder: &Path,
    rounds: usize,
) -> Result<Vec<Row>, Error> {
    let example = checkout.example(Topic::EventCreated).display().to_string();
    let rounds = rounds.to_string();
    let pictures = |name: &str| {
        let pictures = folder.join("pictures").join(name);
        std::fs::create_dir_all(&pictures).map_err(|source| Error::Start {
            name: pictures.display().to_string(),
            source,
        })?;
        Ok::<_, Error>(pictures.display().to_string())
    };
    let kept = pictures("canvas")?;
    let by_canvas = spent(Command::new(&ours.program).args([&example, &rounds, &kept])).await?;
    let measures = |asset: AssetKind| Some((asset.as_str().to_owned(), json!(asset.size()?)));
    let sizes: Map<_, _> = AssetKind::ALL.into_iter().filter_map(measures).collect();
    let sizes = sizes
        .into_iter()
        .filter(|(kind, _)| by_canvas.iter().any(|(of, ..)| of == kind));
    let sizes = json!(sizes.collect::<Map<_, _>>()).to_string();
    let fonts = checkout
        .root
        .join("shared/canvas/fonts")
        .display()
        .to_string();
    let kept = pictures("satori")?;
    let mut by_satori = Command::new(node);
    by_satori
        .arg("render.mjs")
        .args([&example, &fonts, &rounds, &kept])
        .env("SIZES", sizes)
        .current_dir(folder.join("node"));
    let by_satori = spent(&mut by_satori).await?;

    let mut rows = Vec::new();
    for (kind, time, size, memory) in by_canvas {
        let Some((_, their_time, their_size, their_memory)) =
            by_satori.iter().find(|(of, ..)| *of == kind)
        else {
            continue;
        };
        let row = |what: &str, how, unit, ours, theirs| {
            let figures = vec![
                ("canvas".to_owned(), ours),
                ("satori + resvg".to_owned(), theirs),
            ];
            Row::new(format!("{kind}: {what}"), how, unit, figures)
        };
        let how =
            "in one process, warm; median. satori draws the poster's design in these measures";
        let time = row(
            "processor time",
            how,
            Unit::Milliseconds,
            time / 1000.0,
            their_time / 1000.0,
        );
        let size = row("the file", "PNG, 8 bit", Unit::Bytes, size, *their_size);
        let time = time.at_most_times("canvas", 0.5, "satori + resvg");
        let missed = time.goals.iter().any(|goal| !goal.is_met());
        rows.push(time);
        rows.push(size.at_most_times("canvas", 1.0, "satori + resvg"));
        if missed {
            let once = ours
                .whole_profile(&[], &[&example, "1", "-", &kind])
                .await?;
            let more = ours
                .whole_profile(&[], &[&example, "3", "-", &kind])
                .await?
                .without(&once);
            rows.push(more.row(&format!("{kind}: where its instructions go")));
        }
        rows.push(row(
            "memory",
            "largest resident set meanwhile, with what was drawn before still at hand",
            Unit::Bytes,
            memory,
            *their_memory,
        ));
    }
    Ok(rows)
}

async fn spent(command: &mut Command) -> Result<Vec<Spent>, Error> {
    let name = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let ran = command.stdin(Stdio::null()).output().await;
    let ran = ran.map_err(|source| Error::Start {
        name: name.clone(),
        source,
    })?;
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
    let read = |line: &str| {
        let mut words = line.split(' ');
        let kind = words.next()?.to_owned();
        let mut figure = || words.next()?.parse().ok();
        Some((kind, figure()?, figure()?, figure()?))
    };
    match printed.lines().map(read).collect::<Option<Vec<Spent>>>() {
        Some(spent) if ran.status.success() && !spent.is_empty() => Ok(spent),
        _ => Err(Error::NoFigure {
            name,
            output: printed + &String::from_utf8_lossy(&ran.stderr),
        }),
    }
}

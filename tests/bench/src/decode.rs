//! A batch to what its records say, without any effect.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::bed::Bed;
use crate::report::{Row, Unit};
use crate::subject::{Error, Subject, collected};

const EVENTS: u32 = 1000;

/// Each subject's program is asked to `decode` a batch so often; what ours allocates is counted by `counting`.
pub async fn measure(
    bed: &Bed,
    folder: &Path,
    (example, counting): (&Subject, &Subject),
    peers: &[Subject],
    rounds: usize,
) -> Result<Vec<Row>, Error> {
    let path = folder.join("batch.json");
    let failed = |source| Error::Start { name: path.display().to_string(), source };
    std::fs::write(&path, bed.batch("decode", EVENTS)).map_err(failed)?;
    let batch = path.display().to_string();
    let (printed_by_ours, _) = run(bed, example, &[], &[&batch, &rounds.to_string()]).await?;
    let ours: Vec<f64> = printed_by_ours.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [to_read, to_plan] = ours[..] else {
        return Err(Error::NoFigure { name: example.name.clone(), output: printed_by_ours });
    };
    let row = |what: &str, how, figures| Row {
        what: what.to_owned(),
        how,
        unit: Unit::Microseconds,
        figures,
        goals: Vec::new(),
    };
    let how = "in one process, without effects; median";
    let read = row(
        "Batch of 1,000 to what its records say, for a record",
        how,
        vec![(example.name.clone(), to_read / 1000.0)],
    );
    let mut figures = vec![(example.name.clone(), to_plan / 1000.0)];
    for peer in peers {
        let (output, _) = run(bed, peer, &[], &["decode", &batch, &rounds.to_string()]).await?;
        let nanoseconds = output.trim().parse::<f64>();
        let nanoseconds = nanoseconds.map_err(|_| Error::NoFigure { name: peer.name.clone(), output })?;
        figures.push((peer.name.clone(), nanoseconds / 1000.0));
    }
    let planned = row("The same, and what is to be kept, told and started", how, figures);
    let mut counts = Vec::new();
    for rounds in ["1", "6"] {
        let runner = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
        let (_, said) = run(bed, example, &runner, &[&batch, rounds]).await?;
        let no_figure = || Error::NoFigure { name: "callgrind of decode".to_owned(), output: said.clone() };
        counts.push(collected(&said).ok_or_else(no_figure)?);
    }
    let each = (counts[1] - counts[0]) / 5.0 / f64::from(EVENTS) / 1_000_000.0;
    let instructions = Row {
        what: "Reading and planning, instructions for a record".to_owned(),
        how: "callgrind, the difference of six rounds and one",
        unit: Unit::Instructions,
        figures: vec![(example.name.clone(), each)],
        goals: Vec::new(),
    };
    let mut rows =
        vec![read.at_most(&example.name, 5.0), planned.at_most_times(&example.name, 0.1, "Node"), instructions];
    rows.extend(allocations(bed, folder, counting).await?);
    Ok(rows)
}

/// What a small and a large batch allocate, and hold beside what comes of them: the records as they came, which are needed
/// until they are done.
async fn allocations(bed: &Bed, folder: &Path, counting: &Subject) -> Result<Vec<Row>, Error> {
    let (mut allocations, mut beside) = (Vec::new(), Vec::new());
    for events in [100, EVENTS] {
        let path = folder.join(format!("batch-{events}.json"));
        let failed = |source| Error::Start { name: path.display().to_string(), source };
        std::fs::write(&path, bed.batch("allocate", events)).map_err(failed)?;
        let (printed, _) = run(bed, counting, &[], &[&path.display().to_string()]).await?;
        let figures: Vec<f64> = printed.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        let [count, _, held] = figures[..] else {
            return Err(Error::NoFigure { name: counting.name.clone(), output: printed });
        };
        let name = format!("batch of {events}");
        allocations.push((name.clone(), count / f64::from(events)));
        beside.push((name, held / f64::from(events)));
    }
    let row = |what: &str, unit, figures| Row {
        what: what.to_owned(),
        how: "dhat, in one process, without effects; exact",
        unit,
        figures,
        goals: Vec::new(),
    };
    let beside = row("Reading and planning, bytes held beside what comes of it, for a record", Unit::Bytes, beside);
    Ok(vec![
        row("Reading and planning, allocations for a record", Unit::Count, allocations),
        beside.at_most_times("batch of 1000", 1.1, "batch of 100"),
    ])
}

/// What it printed, and what it said besides.
async fn run(bed: &Bed, subject: &Subject, runner: &[&str], arguments: &[&str]) -> Result<(String, String), Error> {
    let program = subject.program.display().to_string();
    let mut words = runner.iter().copied().chain([program.as_str()]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).args(&subject.arguments).args(arguments).current_dir(&subject.folder).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").envs(bed.environment.iter().map(|(name, value)| (name, value)));
    let ran = command.stdin(Stdio::null()).output().await;
    let ran = ran.map_err(|source| Error::Start { name: subject.name.clone(), source })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if ran.status.success() {
        return Ok((text(&ran.stdout), text(&ran.stderr)));
    }
    Err(Error::NoFigure { name: subject.name.clone(), output: text(&ran.stderr) })
}

//! The cost of reading a batch and planning its records, without effects.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::bed::Bed;
use crate::error::Error;
use crate::report::{Row, Unit, median};
use crate::subject::Subject;

const EVENTS: u32 = 1000;

/// The number of processes for each subject.
const PROCESSES: usize = 5;

/// Why reading misses its goal, for the report.
const READING: &str = "In the way: base64 and two parsers, of the batch and of the event in it, each of which looks at every byte (below). Tried: a batch that is \
     in order is read in one go, not record by record; text is borrowed; a path to a wrong field is kept only once one is wrong; white space is looked for between \
     strings only; opt-level 3 for what reads: together nearly half less";

/// Why planning misses its goal, for the report.
const PLANNING: &str = "In the way: for a record of 1 kB four events, two jobs and an entity are written, 15 kB \
     (below). Tried: a configuration digested once for all its pictures, texts that are shared instead of copied, ids by the processor's own SHA-1, times by \
     their printer, opt-level 3 for what plans: the last two, and what reading gained, a third less";

/// Has each subject's program `decode` a batch for `rounds` rounds. `counting` counts what ours
/// allocates.
pub async fn measure(
    bed: &Bed,
    folder: &Path,
    (example, counting): (&Subject, &Subject),
    peers: &[Subject],
    rounds: usize,
) -> Result<Vec<Row>, Error> {
    let path = folder.join("batch.json");
    let failed = |source| Error::Start {
        name: path.display().to_string(),
        source,
    };
    std::fs::write(&path, bed.batch("decode", EVENTS)).map_err(failed)?;
    let batch = path.display().to_string();
    let rounds = rounds.to_string();
    let (mut to_read, mut to_plan) = (Vec::new(), vec![Vec::new(); 1 + peers.len()]);
    // The subjects take turns, so that other load on the machine affects all alike.
    for _ in 0..PROCESSES {
        let [reading, planning] = nanoseconds(bed, example, &[&batch, &rounds]).await?;
        to_read.push(reading);
        to_plan[0].push(planning);
        for (peer, figures) in peers.iter().zip(&mut to_plan[1..]) {
            let [planning] = nanoseconds(bed, peer, &["decode", &batch, &rounds]).await?;
            figures.push(planning);
        }
    }
    let how =
        "in one process, without effects; median of its rounds, and of five processes in turns";
    let read = Row::new(
        "Batch of 1,000 to what its records say, for a record",
        how,
        Unit::Microseconds,
        vec![(example.name.clone(), median(to_read) / 1000.0)],
    );
    let names = std::iter::once(example)
        .chain(peers)
        .map(|subject| subject.name.clone());
    let figures = names
        .zip(
            to_plan
                .into_iter()
                .map(|nanoseconds| median(nanoseconds) / 1000.0),
        )
        .collect();
    let planned = Row::new(
        "The same, and what is to be committed, published and sent",
        how,
        Unit::Microseconds,
        figures,
    )
    .tried(PLANNING);
    let once = example
        .whole_profile(&bed.environment, &[&batch, "1"])
        .await?;
    let more = example
        .whole_profile(&bed.environment, &[&batch, "6"])
        .await?
        .without(&once);
    let each = more.instructions() as f64 / 5.0 / f64::from(EVENTS) / 1_000_000.0;
    let instructions = Row::new(
        "Reading and planning, instructions for a record",
        "callgrind, the difference of six rounds and one",
        Unit::Instructions,
        vec![(example.name.clone(), each)],
    );
    let mut rows = vec![
        read.tried(READING).at_most(&example.name, 5.0),
        planned.at_most_times(&example.name, 0.1, "Node"),
        instructions,
        more.row("Reading and planning: where its instructions go"),
    ];
    rows.extend(allocations(bed, folder, counting).await?);
    Ok(rows)
}

/// The allocations for a small and a large batch, and the memory held beside the output: the
/// records as they arrived, which are needed until they are done.
async fn allocations(bed: &Bed, folder: &Path, counting: &Subject) -> Result<Vec<Row>, Error> {
    let (mut allocations, mut beside) = (Vec::new(), Vec::new());
    for events in [100, EVENTS] {
        let path = folder.join(format!("batch-{events}.json"));
        let failed = |source| Error::Start {
            name: path.display().to_string(),
            source,
        };
        std::fs::write(&path, bed.batch("allocate", events)).map_err(failed)?;
        let printed = run(bed, counting, &[&path.display().to_string()]).await?;
        let figures: Vec<f64> = printed
            .split_whitespace()
            .filter_map(|figure| figure.parse().ok())
            .collect();
        let [count, _, held] = figures[..] else {
            return Err(Error::NoFigure {
                name: counting.name.clone(),
                output: printed,
            });
        };
        let name = format!("batch of {events}");
        allocations.push((name.clone(), count / f64::from(events)));
        beside.push((name, held / f64::from(events)));
    }
    let row = |what: &str, unit, figures| {
        Row::new(
            what,
            "dhat, in one process, without effects; exact",
            unit,
            figures,
        )
    };
    let beside = row(
        "Reading and planning, bytes held beside what comes of it, for a record",
        Unit::Bytes,
        beside,
    );
    Ok(vec![
        row(
            "Reading and planning, allocations for a record",
            Unit::Count,
            allocations,
        ),
        beside.at_most_times("batch of 1000", 1.1, "batch of 100"),
    ])
}

/// The nanoseconds that the subject printed; it must print `COUNT` figures.
async fn nanoseconds<const COUNT: usize>(
    bed: &Bed,
    subject: &Subject,
    arguments: &[&str],
) -> Result<[f64; COUNT], Error> {
    let output = run(bed, subject, arguments).await?;
    let figures: Option<Vec<f64>> = output
        .split_whitespace()
        .map(|figure| figure.parse().ok())
        .collect();
    let figures = figures.and_then(|figures| <[f64; COUNT]>::try_from(figures).ok());
    figures.ok_or_else(|| Error::NoFigure {
        name: subject.name.clone(),
        output,
    })
}

/// The subject's output.
async fn run(bed: &Bed, subject: &Subject, arguments: &[&str]) -> Result<String, Error> {
    let mut command = Command::new(&subject.program);
    command
        .args(&subject.arguments)
        .args(arguments)
        .current_dir(&subject.folder)
        .env_clear();
    command
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(bed.environment.iter().map(|(name, value)| (name, value)));
    let ran = command.stdin(Stdio::null()).output().await;
    let ran = ran.map_err(|source| Error::Start {
        name: subject.name.clone(),
        source,
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if ran.status.success() {
        return Ok(text(&ran.stdout));
    }
    Err(Error::NoFigure {
        name: subject.name.clone(),
        output: text(&ran.stderr),
    })
}

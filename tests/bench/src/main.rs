//! Measures what the functions cost, beside the alternatives that a team would choose, in one run
//! on one machine. It prints a table, and writes target/bench/report.html.
//!
//! All subjects run as processes under one fake Runtime API that measures from outside, on the same
//! Apache Kafka and the same emulator, and do the same work with the same effects.

mod bed;
mod bill;
mod burst;
mod decode;
mod drawn;
mod error;
mod idle;
mod invocations;
mod prices;
mod profile;
mod renders;
mod report;
mod runtime_api;
mod sizes;
mod starts;
mod subject;
mod walk;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use contract::Topic;
use local::checkout::Checkout;

use bed::Bed;
use invocations::{CURRENT, OURS};
use report::Row;
use subject::Subject;

/// The functions, consumers first.
fn functions() -> Vec<&'static str> {
    let consumers = Topic::consumed().filter_map(Topic::consumer);
    let others = [
        RENDER,
        "completion",
        "erase",
        "operator",
        "kafka-topics",
        "watch",
    ];
    consumers.chain(others).collect()
}

/// The function that draws.
const RENDER: &str = "render";

/// Measures sizes, pictures, starts, decoding and invocations, and computes what a million events
/// cost and how a burst of them fares. Run it with `make bench`, which builds and installs what it
/// measures, on an otherwise idle machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Run fewer rounds and smaller batches: to check that the benchmark works, not to publish
    /// figures.
    #[arg(long)]
    quick: bool,
    /// Run only this part; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The zipped bootstraps.
    Sizes,
    /// One picture of each kind.
    Renders,
    /// The time from a process's start to its request for the first invocation.
    Starts,
    /// A batch from its bytes to its decisions, without effects.
    Decode,
    /// Invocations with all their effects, the costs of a million events, and a burst of them.
    Invocations,
    /// The time from a published event to its finished picture.
    Walk,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Bed(#[from] bed::Error),
    #[error(transparent)]
    Subject(#[from] error::Error),
    #[error(transparent)]
    Walk(#[from] walk::Error),
    #[error("reading or writing a file of the bench")]
    File(#[from] io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match bench(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("studio-bench: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(source) = cause {
                text.push_str(&format!(": {source}"));
                cause = source.source();
            }
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: &Arguments) -> Result<(), Error> {
    let checkout = Checkout::find()?;
    let (release, folder) = (
        checkout.root.join("target/release"),
        checkout.root.join("target/bench"),
    );
    fs::create_dir_all(&folder)?;
    let rounds = if arguments.quick { 3 } else { 15 };

    let hello = Subject {
        name: "hello".to_owned(),
        ..Subject::built(&release, "bench-hello")
    };
    let ours: Vec<Subject> = functions()
        .into_iter()
        .map(|name| Subject::built(&release, name))
        .collect();
    let consumer = Subject::built(&release, OURS);
    let render = Subject::built(&release, RENDER);
    let peers = peers(&checkout.root, &folder)?;
    let native: Vec<Subject> = [hello].into_iter().chain(ours.iter().cloned()).collect();
    let everybody: Vec<Subject> = native.iter().chain(&peers).cloned().collect();

    let wanted = |part: Part| arguments.only.is_empty() || arguments.only.contains(&part);
    let mut rows: Vec<Row> = Vec::new();
    let mut found = |new: Vec<Row>| {
        print!("{}", report::table(&new));
        rows.extend(new);
    };
    if wanted(Part::Sizes) {
        found(sizes::measure(&release, &functions())?);
    }
    if wanted(Part::Renders) {
        eprintln!("Drawing each kind of picture {rounds} times");
        let (ours, node) = (Subject::built(&release, "bench-render"), &peers[0].program);
        found(renders::measure(&checkout, &ours, node, &folder, rounds).await?);
    }
    if wanted(Part::Walk) {
        let events = if arguments.quick { 40 } else { 500 };
        eprintln!("Publishing {events} events to the local stack, four a second");
        found(walk::measure(&checkout, &release, events).await?);
    }
    if [Part::Starts, Part::Decode, Part::Invocations]
        .into_iter()
        .any(wanted)
    {
        eprintln!("Starting Apache Kafka and the emulator");
        let bed = Bed::start(&checkout).await?;
        if wanted(Part::Starts) {
            eprintln!("Starting each function {rounds} times");
            found(starts::measure(&bed, &everybody, &native, rounds).await?);
        }
        if wanted(Part::Decode) {
            eprintln!("Decoding");
            let decode = Subject {
                name: OURS.to_owned(),
                ..Subject::built(&release, "bench-decode")
            };
            let rounds = if arguments.quick { 5 } else { 51 };
            let counting = Subject::built(&release, "bench-allocations");
            // What a peer publishes with plays no part in it.
            let peers: Vec<Subject> = peers
                .iter()
                .filter(|peer| peer.name != CURRENT)
                .cloned()
                .collect();
            found(decode::measure(&bed, &folder, (&decode, &counting), &peers, rounds).await?);
        }
        if wanted(Part::Invocations) {
            eprintln!("Drawing what was sent");
            let batches = if arguments.quick { 2 } else { 20 };
            // This part runs while the table holds little, because it scans the table for what was
            // written.
            let (drawn, units) = drawn::measure(&bed, &consumer, &render, batches).await?;
            found(drawn::rows(&drawn, bill::JOBS));
            eprintln!("Invoking");
            let consumers: Vec<Subject> = [&consumer].into_iter().chain(&peers).cloned().collect();
            let answers = invocations::measure(&bed, &consumers, arguments.quick).await?;
            found(invocations::rows(&answers));
            found(invocations::profile(&bed, &consumer).await?);
            found(bill::rows(&answers, &drawn, units));
            found(idle::rows());
            if let Some(batch) = answers
                .iter()
                .find(|answers| answers.name == OURS)
                .and_then(bill::seconds_of_batch)
            {
                let times = burst::Times {
                    batch,
                    messages: bill::seconds_of_messages(&drawn),
                    written: units.written(),
                    under_the_tenant: units.under_the_tenant,
                };
                found(burst::rows(&burst::Limits::PRODUCTION, &times));
            }
        }
        bed.stack.stop().await;
    }

    println!("{}", report::summary(&rows));
    let path = folder.join("report.html");
    fs::write(&path, report::page(&rows, &machine()))?;
    println!("{}", path.display());
    Ok(())
}

/// The alternatives that a team would choose.
fn peers(root: &Path, folder: &Path) -> io::Result<Vec<Subject>> {
    let on_path = |name: &str| {
        let folders = ["/usr/local/bin", "/usr/bin", "/bin"];
        let found = folders
            .iter()
            .map(|folder| Path::new(folder).join(name))
            .find(|path| path.exists());
        found.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{name} is not installed"))
        })
    };
    let peer = |name: &str, program: PathBuf, arguments: &[&str], folder: PathBuf| Subject {
        name: name.to_owned(),
        program,
        arguments: arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect(),
        folder,
    };
    Ok(vec![
        peer(
            "Node",
            on_path("node")?,
            &["--no-warnings", "consumer.mjs"],
            folder.join("node"),
        ),
        peer(
            CURRENT,
            on_path("node")?,
            &["--no-warnings", "consumer.mjs", "current"],
            folder.join("node"),
        ),
        peer(
            "Python",
            folder.join("python/bin/python"),
            &["consumer.py"],
            root.join("tests/bench/peers/python"),
        ),
    ])
}

/// Describes the machine for readers of the figures.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names: Vec<&str> = cpus
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map(|(_, name)| name)
        .collect();
    let name = names.first().copied().unwrap_or("an unknown processor");
    format!("{} × {name}, {}", names.len(), std::env::consts::ARCH)
}

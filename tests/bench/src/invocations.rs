//! Invocations with all their effects: the first one and a warm one, processor time per record by
//! batch size, memory, and waits.

use std::time::Duration;

use hyper::body::Bytes;
use local::waits::chains;

use crate::bed::Bed;
use crate::error::Error;
use crate::profile::Profile;
use crate::report::{Row, Unit, median};
use crate::runtime_api;
use crate::subject::{Running, Subject};

/// The delay of each call where waits are counted.
const DELAY: Duration = Duration::from_millis(5);

/// Why the cost of a record misses its goal, for the report.
pub const EFFECTS: &str = "In the way: Node groups its calls as ours does, so that a record is a sixth of a request for both, and what is left is packing, TLS and hashing. Ours packs four items for a record, 48 µs, \
     which saves 29 write units an event and which the peers do not; the rest Node does in C++, too (the profile says where). Tried: a compressor for short texts in place of a library's (its copies and its work were most \
     of a record's instructions), mimalloc and a thread for Kafka's answers that does not spin (together an eighth less), the SDK at opt-level 3 (a twentieth less time, a fifth \
     more to load: not taken), one HTTPS client, a configuration digested once, serving in a task of its own, which Tokio wakes without the kernel (an eighth less \
     in batches of ten, nothing in a hundred), and a message for ten records in place of an execution for each picture";

/// Why a record of a large batch costs more than one of a small batch, for the report.
const LARGE: &str = "In the way: memory rather than work. Instructions for a record do not grow with the batch (below), but 13 kB are held for each until Kafka has the \
     batch, some of them librdkafka's copies, and the two processors are the emulator's too, which takes them from a record of a large batch half as often again. Tried: mimalloc, for glibc's allocator searched \
     nearly twice as long for a record of 5,000 as for one of 100; a thread for Kafka's answers that does not spin";

/// Why the first invocation misses its goal, for the report.
const FIRST: &str = "In the way: what runs for the first time is not in memory yet; a profile counts no waits. Tried: connections to all brokers, DynamoDB and \
     SQS in init";

/// The number of processes whose first invocation is measured.
const PROCESSES: usize = 5;

/// The batch sizes, and the number of batches of each.
const SIZES: [(u32, usize); 4] = [(1, 15), (10, 15), (100, 15), (1000, 3)];

/// The measurements of one subject.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The subject.
    pub name: String,
    first: f64,
    warm: f64,
    /// Microseconds of processor time per record, by batch size, for the sizes that it handled
    /// within Lambda's longest timeout.
    per_record: Vec<(u32, f64)>,
    /// Bytes logged for a batch of 100.
    pub logged: f64,
    memory_at_100: f64,
    memory_at_most: f64,
    /// Calls to AWS that wait for each other, for a batch of 100.
    pub longest_chain: usize,
    different_in_a_row: usize,
    elapsed_in_delays: f64,
}

impl Answers {
    /// Microseconds of processor time per record for a batch size, if it was measured.
    pub fn at(&self, size: u32) -> Option<f64> {
        self.per_record
            .iter()
            .find(|(of, _)| *of == size)
            .map(|(_, figure)| *figure)
    }
}

/// Has each of `subjects` handle the same batches.
pub async fn measure(bed: &Bed, subjects: &[Subject], quick: bool) -> Result<Vec<Answers>, Error> {
    // The emulator and the brokers do some work only once, which belongs to no subject.
    if let Some(subject) = subjects.first() {
        let mut running = subject.start(&bed.environment).await?;
        running.first_next().await?;
        for number in 0..3 {
            running
                .invoke(&bed.batch(&format!("warm-{number}"), 1))
                .await?;
        }
    }
    let mut answers = Vec::new();
    for subject in subjects {
        eprintln!("  {} does its batches", subject.name);
        answers.push(ask(bed, subject, quick).await?);
    }
    Ok(answers)
}

async fn ask(bed: &Bed, subject: &Subject, quick: bool) -> Result<Answers, Error> {
    let name = subject.name.clone();
    let mut number = 0;
    let mut batch = |events| {
        number += 1;
        bed.batch(&format!("{}-{number}", subject.name), events)
    };
    let mut first = Vec::new();
    let mut running = loop {
        let mut running = subject.start(&bed.environment).await?;
        running.first_next().await?;
        first.push(running.invoke(&batch(1)).await?.as_secs_f64() * 1000.0);
        if quick || first.len() == PROCESSES {
            break running;
        }
    };
    let mut warm = Vec::new();
    for _ in 0..15 {
        warm.push(running.invoke(&batch(1)).await?.as_secs_f64() * 1000.0);
    }
    let most = bed.most_events();
    let sizes = SIZES
        .into_iter()
        .chain([(most, 1)])
        .filter(|(size, _)| !quick || *size <= 100);
    let (mut per_record, mut memory_at_100, mut logged) = (Vec::new(), 0.0, 0.0);
    for (size, times) in sizes {
        eprintln!("    a batch of {size}");
        let before = running.logged();
        match processor_times(&mut running, (0..times).map(|_| batch(size)), size).await {
            Ok(figures) => per_record.push((size, median(figures))),
            // A timeout is a result too: on Lambda the invocation would never finish.
            Err(Error::Runtime {
                source: runtime_api::Error::Silent,
                ..
            }) => {
                eprintln!("    not done within the longest that Lambda lets a function run");
                running = subject.start(&bed.environment).await?;
                running.first_next().await?;
                break;
            }
            Err(error) => return Err(error),
        }
        if size == 100 {
            memory_at_100 = running.peak_memory() as f64;
            logged = (running.logged() - before) as f64 / times as f64;
        }
    }
    let memory_at_most = running.peak_memory() as f64;

    bed.stack.proxy.clear();
    bed.delay(DELAY);
    let elapsed = running.invoke(&batch(100)).await;
    bed.delay(Duration::ZERO);
    let chains = chains(&bed.stack.proxy.calls(), running.id());
    Ok(Answers {
        name,
        first: median(first),
        warm: median(warm),
        per_record,
        logged,
        memory_at_100,
        memory_at_most,
        longest_chain: chains.longest,
        different_in_a_row: chains.different,
        elapsed_in_delays: elapsed?.as_secs_f64() / DELAY.as_secs_f64(),
    })
}

/// Microseconds of processor time per record, for each of `batches`.
async fn processor_times(
    running: &mut Running,
    batches: impl Iterator<Item = Bytes>,
    size: u32,
) -> Result<Vec<f64>, Error> {
    let mut figures = Vec::new();
    for batch in batches {
        let before = running.cpu();
        running.invoke(&batch).await?;
        figures.push(
            running.cpu().saturating_sub(before).as_secs_f64() * 1_000_000.0 / f64::from(size),
        );
    }
    Ok(figures)
}

/// Our consumer in the comparison.
pub const OURS: &str = "event-created";

/// The peer on Node with a Kafka client that is still developed.
pub const CURRENT: &str = "Node, current client";

/// The profile of our consumer with warm batches: the owners of the instructions for a batch of
/// 100, and the instructions per record for batches of 100 and 1,000.
pub async fn profile(bed: &Bed, subject: &Subject) -> Result<Vec<Row>, Error> {
    let batches = |name: &str, sizes: &[u32]| -> Vec<Bytes> {
        sizes
            .iter()
            .enumerate()
            .map(|(number, size)| bed.batch(&format!("{name}-{number}"), *size))
            .collect()
    };
    let profile = async |name, sizes: &[u32]| {
        subject
            .profile(&bed.environment, &batches(name, sizes))
            .await
    };
    // The first batch warms up, and its instructions are subtracted.
    let first = profile("profiled-first", &[100]).await?;
    let small = profile("profiled-small", &[100, 100, 100])
        .await?
        .without(&first);
    let large = profile("profiled-large", &[100, 1000])
        .await?
        .without(&first);
    let record =
        |profile: &Profile, records| profile.instructions() as f64 / 1e6 / f64::from(records);
    let by_size = Row::new(
        "Instructions for a record, ours, by the size of the batch",
        "callgrind, all threads, with all effects; in a warm process",
        Unit::Instructions,
        vec![
            ("batch of 100".to_owned(), record(&small, 200)),
            ("batch of 1000".to_owned(), record(&large, 1000)),
        ],
    );
    Ok(vec![
        by_size,
        small.row("A warm batch of 100 with all its effects: where its instructions go"),
    ])
}

/// The rows of the report.
pub fn rows(answers: &[Answers]) -> Vec<Row> {
    let row = |what: &str, how, unit, figure: &dyn Fn(&Answers) -> f64| {
        Row::new(
            what,
            how,
            unit,
            answers
                .iter()
                .map(|answer| (answer.name.clone(), figure(answer)))
                .collect(),
        )
    };
    let mut first = row(
        "First invocation, one record",
        "wall, from outside; median of five processes, and of fifteen invocations",
        Unit::Milliseconds,
        &|a| a.first,
    );
    first.figures.extend(
        answers
            .iter()
            .map(|a| (format!("{} (warm)", a.name), a.warm)),
    );
    let mut rows = vec![
        first
            .tried(FIRST)
            .at_most_times(OURS, 2.0, "event-created (warm)"),
    ];

    let how = "processor time of all threads, with all effects; median";
    let sizes: Vec<u32> = answers
        .first()
        .map(|a| a.per_record.iter().map(|(size, _)| *size).collect())
        .unwrap_or_default();
    for size in &sizes {
        let figures = answers
            .iter()
            .filter_map(|answer| Some((answer.name.clone(), answer.at(*size)?)));
        let what = format!("Processor time for a record in a batch of {size}");
        let row = Row::new(what, how, Unit::Microseconds, figures.collect());
        rows.push(if *size == 100 {
            row.tried(EFFECTS)
                .at_most_times(OURS, 0.1, "Node")
                .at_most_times(OURS, 0.1, CURRENT)
        } else {
            row
        });
    }
    if let Some(ours) = answers.iter().find(|answer| answer.name == OURS) {
        let large = ours.per_record.iter().filter(|(size, _)| *size >= 100);
        let figures: Vec<_> = large
            .map(|(size, figure)| (format!("batch of {size}"), *figure))
            .collect();
        let last = figures
            .last()
            .map(|(name, _)| name.clone())
            .unwrap_or_default();
        let what = "Processor time for a record, ours, by the size of the batch";
        let flat = Row::new(what, how, Unit::Microseconds, figures);
        rows.push(flat.tried(LARGE).at_most_times(&last, 1.1, "batch of 100"));
    }
    let how = "largest resident set, by the kernel";
    rows.push(
        row("Memory after a batch of 100", how, Unit::Bytes, &|a| {
            a.memory_at_100
        })
        .at_most(OURS, 40e6),
    );
    rows.push(
        row("Memory after the largest batch", how, Unit::Bytes, &|a| {
            a.memory_at_most
        })
        .at_most(OURS, 100e6),
    );
    let how =
        "each call to AWS delayed by 5 ms; chains of calls seen by the proxy. Kafka is one more";
    rows.push(row(
        "Longest chain of calls, batch of 100",
        how,
        Unit::Count,
        &|a| a.longest_chain as f64,
    ));
    rows.push(
        row(
            "Waits one after the other apart from queueing, batch of 100",
            how,
            Unit::Count,
            &|a| a.different_in_a_row as f64,
        )
        .at_most(OURS, 3.0),
    );
    rows.push(row(
        "The same batch, in delays of 5 ms",
        how,
        Unit::Count,
        &|a| a.elapsed_in_delays,
    ));
    rows
}

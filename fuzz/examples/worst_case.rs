//! Measures the worst batches: `make worst-case`. A process of its own reads each batch, so that
//! its peak of memory belongs to that batch.

use std::{
    env,
    process::{Command, ExitCode},
    time::Instant,
};

use fuzz::{WorstCase, examine_as};
use processes::peak_resident_bytes;

/// The consumers' limits in `infra/template.yaml`: MiB and seconds.
const MEMORY: u64 = 512;
const TIMEOUT: u64 = 90;

fn main() -> ExitCode {
    if let Some(case) = env::args().nth(1) {
        let case = WorstCase::ALL
            .into_iter()
            .find(|one| one.name == case)
            .expect("it is one of ours");
        measure(&case);
        return ExitCode::SUCCESS;
    }
    println!(
        "{:<42} {:>9} {:>9} {:>9} {:>10} {:>10}",
        "a batch with", "bytes", "records", "refused", "ms", "peak MiB"
    );
    let this = env::current_exe().expect("it runs");
    let fits = WorstCase::ALL.map(|case| {
        Command::new(&this)
            .arg(case.name)
            .status()
            .expect("it can be run")
            .success()
    });
    println!("A function has {MEMORY} MiB and {TIMEOUT} s.");
    if fits.iter().all(|fits| *fits) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn measure(case: &WorstCase) {
    let payload = case.payload();
    let begin = Instant::now();
    let examined = examine_as(case.topic, &payload).expect("it is a batch");
    let took = begin.elapsed();
    let refused = examined
        .iter()
        .filter(|record| record.examination.is_err())
        .count();
    let peak = peak_resident_bytes(std::process::id()).expect("Linux says it") >> 20;
    let (bytes, records, ms) = (payload.len(), examined.len(), took.as_millis());
    println!(
        "{:<42} {bytes:>9} {records:>9} {refused:>9} {ms:>10} {peak:>10}",
        case.name
    );
    assert!(
        took.as_secs() < TIMEOUT && peak < MEMORY,
        "that is more than a function has"
    );
}

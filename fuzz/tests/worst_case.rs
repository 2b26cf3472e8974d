//! The worst batches, in the memory and the time that a function has. In a process of its own, for
//! its peak is measured.

use std::time::{Duration, Instant};

use fuzz::{WorstCase, examine_as};
use local::process::peak_resident_bytes;

/// A function has 90 seconds and 512 MiB. Here it is unoptimised on a busy machine, and the limits
/// are for what grows faster than its input.
const LONGEST: Duration = Duration::from_secs(30);
const MOST_MEMORY: u64 = 384;

#[test]
fn no_batch_takes_more_memory_or_time_than_a_function_has() {
    for case in WorstCase::ALL {
        let payload = case.payload();
        let begin = Instant::now();
        let examined = examine_as(case.topic, &payload).expect("it is a batch");
        assert!(!examined.is_empty(), "{}", case.name);
        assert!(
            begin.elapsed() < LONGEST,
            "{}: {:?}",
            case.name,
            begin.elapsed()
        );
        let peak = peak_resident_bytes(std::process::id()).unwrap() >> 20;
        assert!(peak < MOST_MEMORY, "{}: {peak} MiB", case.name);
    }
}

//! Reads the worst batches within a function's memory and time. The test is alone in its file,
//! because it measures the peak of its process.

use std::time::{Duration, Instant};

use fuzz::{WorstCase, examine_as};
use processes::peak_resident_bytes;

/// A function has 90 seconds and 512 MiB. The code here is unoptimised and the machine busy; the
/// limits catch whatever grows faster than its input.
const LONGEST: Duration = Duration::from_secs(30);
const MOST_MEMORY: u64 = 384;

#[test]
fn no_batch_exceeds_a_functions_memory_or_time() {
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

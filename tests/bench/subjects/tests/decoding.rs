//! Bounds on the instructions and allocations for reading and planning. They are the same on every
//! machine with this compiler and these dependencies, so that a costly change fails here and not a
//! year later on a bill.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use base64_simd::STANDARD;
use serde_json::{Value, json};

/// The most instructions to read a record of the contract's example and to plan it, in the
/// development profile, which optimises nothing: 3.07 million on 2026-11-28. A release build needs
/// a tenth or less; two development builds show the same regressions.
const MOST: u64 = 3_300_000;

const RECORDS: u64 = 100;

/// The most allocations to read a record of the contract's example and to plan it: each text of its
/// configuration once, the jobs, and the events to publish. 118 on 2026-11-28.
const MOST_ALLOCATIONS: u64 = 124;

/// The most bytes held beside the output for each record of a batch: the decoded records of the
/// partition that is being read, less their output that is still missing. 222 on 2026-11-28.
const MOST_BESIDE: u64 = 245;

/// A batch of `events` events like the example, over four partitions.
fn batch(events: u64) -> String {
    let topic = "eventzr.event.created.v1";
    let example = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../events")
        .join(topic)
        .join("example.json");
    let example: Value = serde_json::from_slice(&fs::read(example).unwrap()).unwrap();
    let mut records: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for number in 0..events {
        let mut event = example.clone();
        event["id"] = json!(format!("evt-{number}"));
        // An event older than 97 days would not be planned.
        event["time"] = json!(jiff::Timestamp::now().to_string());
        records.entry(format!("{topic}-{}", number % 4)).or_default().push(json!({
            "topic": topic, "partition": number % 4, "offset": number / 4, "timestamp": 1_795_000_000_000_u64, "timestampType": "CREATE_TIME",
            "key": STANDARD.encode_to_string(event["data"]["tenantId"].as_str().unwrap()),
            "value": STANDARD.encode_to_string(event.to_string()), "headers": [],
        }));
    }
    json!({ "eventSource": "aws:kafka", "bootstrapServers": "b", "records": records }).to_string()
}

/// The instructions of a process that decodes the batch `rounds` times.
fn instructions(batch: &Path, rounds: u64) -> u64 {
    let ran = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            env!("CARGO_BIN_EXE_bench-decode"),
        ])
        .args([batch.as_os_str(), rounds.to_string().as_ref()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .expect("callgrind counts");
    collected.1.trim().parse().unwrap()
}

#[test]
fn reading_and_planning_a_record_stays_within_its_instructions() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("!! valgrind is not installed, instructions NOT counted: apt install valgrind");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.json");
    fs::write(&path, batch(RECORDS)).unwrap();
    let each = (instructions(&path, 4) - instructions(&path, 1)) / 3 / RECORDS;
    println!("{each} instructions for a record");
    assert!(
        each <= MOST,
        "{each} instructions for a record, at most {MOST}: see what the change costs, or raise the bound and say why"
    );
}

#[test]
fn a_batchs_allocations_and_memory_per_record_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let allocated = |events: u64| {
        let path = folder.path().join(format!("{events}.json"));
        fs::write(&path, batch(events)).unwrap();
        let ran = Command::new(env!("CARGO_BIN_EXE_bench-allocations"))
            .arg(&path)
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let said = String::from_utf8(ran.stdout).unwrap();
        let figures: Vec<u64> = said
            .split_whitespace()
            .map(|figure| figure.parse().unwrap())
            .collect();
        let [allocations, output, beside] = figures[..] else {
            panic!("{said}")
        };
        (allocations, output, beside)
    };
    let (few, many) = (allocated(RECORDS), allocated(10 * RECORDS));
    let each = |few, many| (many - few) / (9 * RECORDS);
    let (allocations, output, beside) = (
        each(few.0, many.0),
        each(few.1, many.1),
        each(few.2, many.2),
    );
    println!(
        "for a record {allocations} allocations, {output} bytes of output, {beside} bytes beside it"
    );
    assert!(
        allocations <= MOST_ALLOCATIONS,
        "{allocations} allocations for a record, at most {MOST_ALLOCATIONS}"
    );
    assert!(
        beside <= MOST_BESIDE,
        "{beside} bytes beside the output for a record, at most {MOST_BESIDE}"
    );
}

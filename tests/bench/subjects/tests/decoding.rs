//! What reading and planning cost in instructions, which is the same on every machine with this compiler and these dependencies: a change that makes it dearer is
//! seen here, and not a year later on a bill.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use base64_simd::STANDARD;
use serde_json::{Value, json};

/// Instructions to read a record of the contract's example and to plan what comes of it, in the development profile, where nothing is optimised:
/// 3.55 million on 2026-11-28. A release build needs a tenth or less; two development builds show the same regressions.
const MOST: u64 = 3_900_000;

const RECORDS: u64 = 100;

/// A batch of events like the example, over four partitions.
fn batch() -> String {
    let topic = "eventzr.event.created.v1";
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../events").join(topic).join("example.json");
    let example: Value = serde_json::from_slice(&fs::read(example).unwrap()).unwrap();
    let mut records: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for number in 0..RECORDS {
        let mut event = example.clone();
        event["id"] = json!(format!("evt-{number}"));
        // What is older than 97 days is not planned.
        event["time"] = json!(jiff::Timestamp::now().to_string());
        records.entry(format!("{topic}-{}", number % 4)).or_default().push(json!({
            "topic": topic, "partition": number % 4, "offset": number / 4, "timestamp": 1_795_000_000_000_u64, "timestampType": "CREATE_TIME",
            "key": STANDARD.encode_to_string(event["data"]["tenantId"].as_str().unwrap()),
            "value": STANDARD.encode_to_string(event.to_string()), "headers": [],
        }));
    }
    json!({ "eventSource": "aws:kafka", "bootstrapServers": "b", "records": records }).to_string()
}

/// The instructions of a process that decodes the batch so often.
fn instructions(batch: &Path, rounds: u64) -> u64 {
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", env!("CARGO_BIN_EXE_bench-decode")])
        .args([batch.as_os_str(), rounds.to_string().as_ref()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).expect("callgrind counts");
    collected.1.trim().parse().unwrap()
}

#[test]
fn reading_and_planning_a_record_costs_no_more_instructions_than_it_did() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("!! valgrind is not installed, instructions NOT counted: apt install valgrind");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.json");
    fs::write(&path, batch()).unwrap();
    let each = (instructions(&path, 4) - instructions(&path, 1)) / 3 / RECORDS;
    println!("{each} instructions for a record");
    assert!(
        each <= MOST,
        "{each} instructions for a record, at most {MOST}: see what the change costs, or raise the bound and say why"
    );
}

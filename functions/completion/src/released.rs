//! This code reads every step that an execution of a release asks for; `tests/released` has them. An
//! execution keeps the definition with which it was started.

use std::{fs, path::Path};

use serde_json::Value;

use crate::step::Request;

#[test]
fn every_step_of_an_execution_of_a_release_is_read() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/released"));
    let mut read = 0;
    for release in fs::read_dir(folder).unwrap() {
        let file = release.unwrap().path().join("executions.json");
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for step in serde_json::from_str::<Vec<Value>>(&text).unwrap() {
            if let Err(error) = serde_json::from_value::<Request>(step.clone()) {
                panic!("{}: {step}: {error}", file.display());
            }
            read += 1;
        }
    }
    assert!(
        read > 0,
        "tests/released has no release: make release-fixtures"
    );
}

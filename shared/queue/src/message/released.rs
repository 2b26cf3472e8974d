//! This code reads every message that a release wrote; `tests/released` has them.

use std::{fs, path::Path};

use super::Message;

#[test]
fn every_message_that_a_release_wrote_is_read() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/released"));
    let mut read = 0;
    for release in fs::read_dir(folder).unwrap() {
        let file = release.unwrap().path().join("messages.json");
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for body in serde_json::from_str::<Vec<String>>(&text).unwrap() {
            if let Err(error) = Message::read(&body) {
                panic!("{}: {body}: {error}", file.display());
            }
            read += 1;
        }
    }
    assert!(
        read > 0,
        "tests/released has no release: make release-fixtures"
    );
}

//! Runs every target on every file of its corpus: seeds, and inputs that once broke a property.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use contract::Topic;
use fuzz::{Reached, TARGETS};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

#[test]
fn every_file_of_the_corpus_holds_every_property() {
    let mut broken = Vec::new();
    for (name, target) in TARGETS {
        let mut files: Vec<_> = fs::read_dir(Path::new(CORPUS).join(name))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        let mut reached = BTreeSet::new();
        for file in files {
            let input = fs::read(&file).unwrap();
            match catch_unwind(AssertUnwindSafe(|| target(&input))) {
                Ok(far) => drop(reached.insert(far)),
                Err(_) => broken.push(file),
            }
        }
        // Most properties are of what is accepted, and the sentence is of what is refused.
        for far in [Reached::Refused, Reached::Accepted] {
            assert!(reached.contains(&far), "no file of {name} is {far:?}");
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_example_of_each_topic_is_accepted_and_each_bad_record_refused() {
    let reached = |name: &str, file: &str| {
        let (_, target) = TARGETS.iter().find(|(one, _)| *one == name).unwrap();
        target(&fs::read(Path::new(CORPUS).join(name).join(file)).unwrap())
    };
    for topic in Topic::consumed() {
        let consumer = topic.consumer().unwrap();
        assert_eq!(reached(consumer, "example"), Reached::Accepted, "{topic}");
        assert_eq!(reached("batch", consumer), Reached::Accepted, "{topic}");
    }
    assert_eq!(reached("voice-training", "example"), Reached::Accepted);
    for offset in 101..=119 {
        let file = format!("event-created-bad-records-1-{offset}");
        assert_eq!(reached("batch", &file), Reached::Refused, "{file}");
    }
}

#[test]
fn the_corpus_and_the_fuzzer_have_every_target() {
    let folders = fs::read_dir(CORPUS).unwrap();
    let mut folders: Vec<_> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut names = TARGETS.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(folders, names);
    for topic in Topic::consumed() {
        let consumer = topic.consumer().unwrap();
        assert!(names.contains(&consumer), "no target fuzzes {topic}");
    }
    let manifest =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/libfuzzer/Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let targets = concat!(env!("CARGO_MANIFEST_DIR"), "/libfuzzer/targets");
        let target = fs::read_to_string(format!("{targets}/{name}.rs")).unwrap();
        let call = format!("fuzz::{}(input)", name.replace('-', "_"));
        assert!(target.contains(&call), "{name} runs something else");
    }
}

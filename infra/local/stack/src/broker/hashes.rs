//! Holds the jars that Maven fetched to the hashes in the repository.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Compares the files in `folder` with `hashes`, which has a line for each as `sha256sum` writes
/// it. Names each file that is another one, that is missing, or that `hashes` does not list: the
/// JVM's class path is the whole folder.
pub(super) fn differences(folder: &Path, hashes: &str) -> io::Result<Vec<String>> {
    let mut wanted: BTreeMap<&str, &str> = hashes
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name, hash))
        .collect();
    let mut differences = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match wanted.remove(name.as_str()) {
            None => differences.push(format!("{name} is not listed")),
            Some(hash) if hash == sha256(&fs::read(entry.path())?) => {}
            Some(_) => differences.push(format!("{name} is another file")),
        }
    }
    differences.extend(wanted.keys().map(|name| format!("{name} is missing")));
    differences.sort();
    Ok(differences)
}

/// The hash as `sha256sum` writes it.
fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files that the tests list, with the hash of what they contain.
    const HASHES: &str = "\
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  broker-4.4.0.jar
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty-1.jar
";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    #[test]
    fn the_listed_jars_are_accepted() {
        let jars = folder(&[("broker-4.4.0.jar", "abc"), ("empty-1.jar", "")]);
        assert_eq!(
            differences(jars.path(), HASHES).unwrap(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_changed_a_missing_and_an_unlisted_jar_are_named() {
        let jars = folder(&[("broker-4.4.0.jar", "abd"), ("also-1.jar", "")]);
        assert_eq!(
            differences(jars.path(), HASHES).unwrap(),
            [
                "also-1.jar is not listed",
                "broker-4.4.0.jar is another file",
                "empty-1.jar is missing"
            ]
        );
    }
}

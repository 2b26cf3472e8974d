//! What a running stack was like before a fault, so that it can be mended by another process. The
//! notes lie beside the file that the stack wrote for a shell; those of an earlier stack count for
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;

/// The faults that are in, with what was there before.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Notes {
    /// The access key of the stack's root.
    stack: String,
    /// By the fault's name: what mending it needs, or null.
    faults: BTreeMap<String, Value>,
}

/// The notes cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the notes of what is broken cannot be kept in {path}")]
pub struct NotesError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

fn file(env: &Path) -> PathBuf {
    env.with_extension("broken.json")
}

impl Notes {
    /// The notes of the stack with the access key `stack` that wrote `env`.
    pub(super) fn read(env: &Path, stack: &str) -> Result<Self, NotesError> {
        let path = file(env);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(NotesError { path, source }),
        };
        let read: Self = serde_json::from_str(&text).unwrap_or_default();
        Ok(if read.stack == stack {
            read
        } else {
            Self {
                stack: stack.to_owned(),
                faults: BTreeMap::new(),
            }
        })
    }

    fn write(&self, env: &Path) -> Result<(), NotesError> {
        let path = file(env);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        text.and_then(|text| fs::write(&path, text))
            .map_err(|source| NotesError { path, source })
    }

    /// The faults that are in.
    pub(super) fn broken(&self) -> Vec<Fault> {
        Fault::all()
            .filter(|fault| self.faults.contains_key(&fault.name()))
            .collect()
    }

    /// What was there before the fault, if it is in.
    pub(super) fn before(&self, fault: Fault) -> Option<&Value> {
        self.faults.get(&fault.name())
    }

    /// Notes a fault that is put in.
    pub(super) fn note(
        &mut self,
        env: &Path,
        fault: Fault,
        before: Value,
    ) -> Result<(), NotesError> {
        self.faults.insert(fault.name(), before);
        self.write(env)
    }

    /// Forgets a fault that is mended.
    pub(super) fn forget(&mut self, env: &Path, fault: Fault) -> Result<(), NotesError> {
        self.faults.remove(&fault.name());
        self.write(env)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_broken_is_known_to_the_next_process_and_not_to_the_next_stack() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let env = folder.path().join("up.env");
        let mut notes = Notes::read(&env, "AKIA1").expect("none yet");
        assert!(notes.broken().is_empty());
        notes
            .note(&env, Fault::NoConcurrency, json!(4))
            .expect("written");
        let mut notes = Notes::read(&env, "AKIA1").expect("readable");
        assert_eq!(notes.broken(), [Fault::NoConcurrency]);
        assert_eq!(notes.before(Fault::NoConcurrency), Some(&json!(4)));
        assert!(
            Notes::read(&env, "AKIA2")
                .expect("readable")
                .broken()
                .is_empty()
        );
        notes.forget(&env, Fault::NoConcurrency).expect("written");
        assert!(
            Notes::read(&env, "AKIA1")
                .expect("readable")
                .broken()
                .is_empty()
        );
    }
}

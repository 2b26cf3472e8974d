//! Why a stack was not deployed.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::aws;

/// Why the stack was not deployed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// A function's binary is missing.
    #[error("{0} is not built: run `make build`")]
    NotBuilt(PathBuf),
    /// A line that must be rewritten has an unexpected form.
    #[error("line {number} of the template, `{line}`, is not of the form `{expected}`")]
    Line {
        /// The line's number, counted from 1.
        number: usize,
        /// The line.
        line: String,
        /// The expected form.
        expected: &'static str,
    },
    /// A zip could not be written.
    #[error("cannot pack a function")]
    Zip(#[source] io::Error),
    /// The emulator refused a call.
    #[error("cannot {what}: {reason}")]
    Refused {
        /// The refused action.
        what: &'static str,
        /// The emulator's answer.
        reason: String,
    },
    /// CloudFormation refused a call.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// CloudFormation did not create the stack.
    #[error("the stack was not created ({status}):\n{reasons}")]
    Failed {
        /// The stack's status.
        status: String,
        /// The reasons, one line per failed resource.
        reasons: String,
    },
    /// An output that the local stack needs is missing.
    #[error("the template has no output `{0}`")]
    Output(&'static str),
}

/// The error for a call that the emulator refused.
pub(super) fn refused(what: &'static str, reason: impl Display) -> Error {
    Error::Refused {
        what,
        reason: reason.to_string(),
    }
}

/// A file as text.
pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

//! Why a measurement failed.

use std::io;

use crate::runtime_api;

/// A measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The subject cannot be started.
    #[error(
        "{name} cannot be started: run it by `make bench`, which builds and installs all that is measured"
    )]
    Start {
        /// The subject.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The subject did not answer as a function must.
    #[error("{name}")]
    Runtime {
        /// The subject.
        name: String,
        /// The cause.
        #[source]
        source: runtime_api::Error,
    },
    /// The subject did only a part of its work, or none.
    #[error("{name} did not do what it was asked for: {answer}")]
    NotDone {
        /// The subject.
        name: String,
        /// Its answer.
        answer: String,
    },
    /// The subject did not end, or its output cannot be read.
    #[error("{name} could not be ended, or what it said not be read")]
    End {
        /// The subject.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The subject printed no figure.
    #[error("{name} printed no figure: {output}")]
    NoFigure {
        /// The subject.
        name: String,
        /// Its output.
        output: String,
    },
}

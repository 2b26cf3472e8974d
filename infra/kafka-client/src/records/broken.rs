//! What makes a batch unreadable.

/// Why a batch cannot be read.
#[derive(Debug)]
pub(super) enum Broken {
    Codec(String),
    Damaged(String),
}

impl From<&str> for Broken {
    fn from(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}

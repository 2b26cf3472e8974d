//! The programs of Java and Maven: what they print, and what to do if one is missing.

use std::io;

use super::error::Error;

/// How to install Java.
pub(super) const INSTALL: &str =
    "install Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless)";

/// The error for a program that could not be started.
pub(super) fn missing(error: io::Error, program: &'static str, cure: &'static str) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::Missing { program, cure },
        _ => Error::Start(error),
    }
}

/// A program's output as text.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

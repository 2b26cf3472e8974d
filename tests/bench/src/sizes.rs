//! The sizes that Lambda loads: each function's bootstrap, zipped as `sam` zips it.

use std::fs;
use std::io::{self, Cursor, Write as _};
use std::path::Path;
use std::process::Command;

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::profile::Profile;
use crate::report::{Row, Unit};

/// The functions whose size is broken down.
const EXPLAINED: [&str; 2] = ["event-created", "completion"];

/// Why sizes miss their goals, for the report.
const SIZE: &str = "In the way: librdkafka with its OpenSSL, the SDK with a TLS and an HTTP/2 of its own, and half a megabyte of tables for checksums that no code \
     asks for (below). Tried: opt-level s (a fifth less than 3, which only what draws and what each record goes through have; the latter is 4 %), fat LTO, one codegen unit, no symbols, one HTTPS \
     client for all services. Not tried: librdkafka on the SDK's TLS, which it does not offer";

/// Measures the functions that were built into `folder`.
pub fn measure(folder: &Path, functions: &[&str]) -> io::Result<Vec<Row>> {
    let mut figures = Vec::new();
    for function in functions {
        figures.push((
            (*function).to_owned(),
            zipped(&stripped(&folder.join(function))?)? as f64,
        ));
    }
    let how = "release, x86_64, stripped, deflated; without the fonts that lie beside completion's and render's";
    let row = Row::new("Zipped bootstrap", how, Unit::Bytes, figures).tried(SIZE);
    let mut rows = vec![row.at_most("event-created", 5e6).at_most("completion", 9e6)];
    for function in EXPLAINED {
        let symbols = said_by(
            Command::new("nm")
                .args(["--demangle", "--print-size"])
                .arg(folder.join(function)),
        )?;
        let profile = Profile::of_symbols(&String::from_utf8_lossy(&symbols));
        if profile.instructions() == 0 {
            return Err(io::Error::other(format!(
                "{function} has no symbols: `make bench` builds it with them"
            )));
        }
        let how = "nm, by the crate or library of each symbol; before compression";
        rows.push(profile.row_by(&format!("{function}'s bootstrap: whose its code is"), how));
    }
    Ok(rows)
}

/// A program as it is deployed. The measured binary keeps its symbols, because a profile needs them
/// to find the owner of the code.
fn stripped(program: &Path) -> io::Result<Vec<u8>> {
    let to = tempfile::NamedTempFile::new()?;
    said_by(
        Command::new("strip")
            .arg("--strip-all")
            .arg("-o")
            .arg(to.path())
            .arg(program),
    )?;
    fs::read(to.path())
}

fn said_by(command: &mut Command) -> io::Result<Vec<u8>> {
    let ran = command.output()?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let program = command.get_program().display().to_string();
    Err(io::Error::other(format!(
        "{program} said {}",
        String::from_utf8_lossy(&ran.stderr).trim()
    )))
}

fn zipped(bytes: &[u8]) -> io::Result<usize> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9));
    zip.start_file("bootstrap", options.unix_permissions(0o755))
        .map_err(io::Error::other)?;
    zip.write_all(bytes)?;
    Ok(zip.finish().map_err(io::Error::other)?.into_inner().len())
}

//! What Lambda loads: each function's bootstrap, zipped as `sam` zips it.

use std::fs;
use std::io::{self, Cursor, Write as _};
use std::path::Path;

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::report::{Row, Unit};

/// Weighs the functions that were built into `folder`.
pub fn measure(folder: &Path, functions: &[&str]) -> io::Result<Vec<Row>> {
    let mut figures = Vec::new();
    for function in functions {
        figures.push(((*function).to_owned(), zipped(&fs::read(folder.join(function))?)? as f64));
    }
    let row = Row {
        what: "Zipped bootstrap".to_owned(),
        how: "release, x86_64, deflated; without the fonts that lie beside completion's",
        unit: Unit::Bytes,
        figures,
        goals: Vec::new(),
    };
    Ok(vec![row.at_most("event-created", 5e6).at_most("completion", 9e6)])
}

fn zipped(bytes: &[u8]) -> io::Result<usize> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).compression_level(Some(9));
    zip.start_file("bootstrap", options.unix_permissions(0o755)).map_err(io::Error::other)?;
    zip.write_all(bytes)?;
    Ok(zip.finish().map_err(io::Error::other)?.into_inner().len())
}

//! A function's code as Lambda takes it: a zip with an executable `bootstrap`.

use std::fs;
use std::io::{self, Cursor, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::error::Error;

/// Packs a function. Lambda expects an executable file named `bootstrap` at the top of a zip. Here
/// that file is a script that replaces itself by the binary in Cargo's folder, because copying six
/// binaries of 90 MB each took a stack four seconds. The files in the folder `beside`, if it
/// exists, keep their paths.
///
/// # Errors
/// An [`Error`] that names the file: it is not built, or cannot be read.
pub fn zip_function(binary: &Path, beside: &Path) -> Result<Vec<u8>, Error> {
    let binary = fs::canonicalize(binary).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::NotBuilt(binary.to_owned()),
        _ => Error::Read {
            path: binary.to_owned(),
            source,
        },
    })?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options)
        .map_err(|error| Error::Zip(error.into()))?;
    zip.write_all(&becomes(&binary)).map_err(Error::Zip)?;
    for path in files_in(beside)? {
        let name = path
            .strip_prefix(beside)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        zip.start_file(name, options.unix_permissions(0o644))
            .map_err(|error| Error::Zip(error.into()))?;
        zip.write_all(&fs::read(&path).map_err(|source| Error::Read { path, source })?)
            .map_err(Error::Zip)?;
    }
    Ok(zip
        .finish()
        .map_err(|error| Error::Zip(error.into()))?
        .into_inner())
}

/// A shell script that replaces itself by a program. Between single quotes the shell takes every
/// byte literally.
fn becomes(program: &Path) -> Vec<u8> {
    let mut script = b"#!/bin/sh\nexec '".to_vec();
    for &byte in program.as_os_str().as_bytes() {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            other => script.push(other),
        }
    }
    script.extend_from_slice(b"'\n");
    script
}

/// All files in a folder and its subfolders, in a fixed order. Empty if the folder does not exist.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |source| Error::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(files_in(&path)?)
        } else {
            files.push(path)
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_packed_as_an_executable_bootstrap_with_its_package_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let binary = folder.path().join("event-created");
        let package = folder.path().join("package");
        assert!(matches!(
            zip_function(&binary, &package),
            Err(Error::NotBuilt(_))
        ));
        fs::write(&binary, b"binary").expect("written");
        let names = |packed| {
            let zip = zip::ZipArchive::new(Cursor::new(packed)).expect("a zip");
            zip.file_names()
                .map(|name| name.expect("UTF-8").into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(zip_function(&binary, &package).expect("packed")),
            ["bootstrap"]
        );
        fs::create_dir_all(package.join("fonts")).expect("made");
        fs::write(package.join("fonts/a.ttf"), b"font").expect("written");
        let packed = zip_function(&binary, &package).expect("packed");
        assert_eq!(names(packed.clone()), ["bootstrap", "fonts/a.ttf"]);
        let mut zip = zip::ZipArchive::new(Cursor::new(packed)).expect("a zip");
        let bootstrap = zip.by_name("bootstrap").expect("named bootstrap");
        assert_eq!(bootstrap.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    }

    #[test]
    fn a_bootstrap_becomes_the_binary_whatever_its_path() {
        let folder = tempfile::Builder::new()
            .prefix("it's $HOME \"quoted\" ")
            .tempdir()
            .expect("a temporary folder");
        let binary = folder.path().join("echo");
        std::os::unix::fs::symlink("/bin/echo", &binary).expect("linked");
        let script = folder.path().join("bootstrap");
        fs::write(&script, becomes(&binary)).expect("written");
        let ran = std::process::Command::new("/bin/sh")
            .arg(&script)
            .output()
            .expect("started");
        assert_eq!(
            (ran.status.code(), ran.stdout),
            (Some(0), b"\n".to_vec()),
            "{:?}",
            ran.stderr
        );
    }
}

//! The pack: one file with all faces that are neither built in nor large enough for a file each.
//! `subset_scripts.py` writes it.
//!
//! It begins with `faces 1\n` and the number of faces in 4 bytes. A row of 60 bytes follows for
//! each: the name of the face, filled with zeros to 48 bytes, then its offset in the file, its
//! length and its CRC-32. Then come the faces as they are. All numbers are little-endian.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    FontError,
    row::{Contents, FaceRow, Place},
    table::FACES,
};

/// The name of the file.
pub(super) const FILE: &str = "scripts.pack";

const MAGIC: &[u8; 8] = b"faces 1\n";
const NAME: usize = 48;
const ROW: usize = NAME + 12;

/// The pack, open. No face has been read.
#[derive(Debug)]
pub(super) struct Pack {
    path: PathBuf,
    file: File,
    /// The name of each face, and where its bytes begin.
    offsets: Vec<(&'static str, u64)>,
}

impl Pack {
    /// Opens the pack and reads its rows, which are less than 5 kB.
    ///
    /// # Errors
    /// [`FontError::Missing`] if it cannot be read; [`FontError::Unreadable`] if it lacks a face of
    /// the table, or has another version of it.
    pub(super) fn open(path: &Path) -> Result<Self, FontError> {
        let missing = |error| FontError::Missing(path.to_owned(), error);
        let unreadable = || FontError::Unreadable(path.to_owned());
        let mut file = File::open(path).map_err(missing)?;
        let mut start = [0; MAGIC.len() + 4];
        read(&mut file, &mut start, path)?;
        let (magic, count) = start.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(unreadable());
        }
        let mut rows = vec![0; number(count).min(1000) as usize * ROW];
        read(&mut file, &mut rows, path)?;
        let mut offsets = Vec::new();
        for face in FACES
            .iter()
            .filter(|row| matches!(row.place, Place::Packed))
        {
            let offset = rows
                .chunks_exact(ROW)
                .find_map(|row| offset(row, face.name, face.contents))
                .ok_or_else(unreadable)?;
            offsets.push((face.name, offset));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            offsets,
        })
    }

    /// Reads the bytes of a face.
    ///
    /// # Errors
    /// [`FontError::Missing`] or [`FontError::Unreadable`].
    pub(super) fn read(&self, face: &FaceRow) -> Result<Vec<u8>, FontError> {
        let unreadable = || FontError::Unreadable(self.path.clone());
        let (_, offset) = self
            .offsets
            .iter()
            .find(|(name, _)| *name == face.name)
            .ok_or_else(unreadable)?;
        let mut bytes = vec![0; face.contents.length as usize];
        self.file
            .read_exact_at(&mut bytes, *offset)
            .map_err(|error| failed(error, &self.path))?;
        if face.contents.is_of(&bytes) {
            Ok(bytes)
        } else {
            Err(unreadable())
        }
    }
}

/// The offset in `row`, if it is the row of this face in this version.
fn offset(row: &[u8], name: &str, contents: &Contents) -> Option<u64> {
    let (named, numbers) = row.split_at(NAME);
    let is_named = named
        .strip_prefix(name.as_bytes())
        .is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
    (is_named && number(&numbers[4..8]) == contents.length && number(&numbers[8..]) == contents.crc)
        .then(|| u64::from(number(&numbers[..4])))
}

/// The little-endian number of four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn read(file: &mut File, bytes: &mut [u8], path: &Path) -> Result<(), FontError> {
    file.read_exact(bytes).map_err(|error| failed(error, path))
}

/// A file that ends too early is another one; any other error is the system's.
fn failed(error: io::Error, path: &Path) -> FontError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        FontError::Unreadable(path.to_owned())
    } else {
        FontError::Missing(path.to_owned(), error)
    }
}

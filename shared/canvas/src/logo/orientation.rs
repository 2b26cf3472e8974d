//! How a camera or a phone held a picture: EXIF's orientation.

use tiny_skia::Pixmap;

/// The tag of the orientation, in the first directory
/// (<https://www.cipa.jp/std/documents/e/DC-X008-Translation-2019-E.pdf>, 4.6.4).
const ORIENTATION: u16 = 0x0112;
/// The type of a value of two bytes.
const SHORT: u16 = 3;

/// Which edges of the stored picture are shown at the top and at the left: EXIF's value, 1 to 8. 1
/// is as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Orientation {
    /// The picture is shown as it is stored.
    pub(super) const AS_STORED: Self = Self(1);

    /// Reads EXIF data, which are a TIFF file, with or without the name that JPEG puts before them.
    /// Data that say nothing, or nonsense, leave the picture as it is stored.
    pub(super) fn of(exif: Option<&[u8]>) -> Self {
        exif.and_then(read).map_or(Self::AS_STORED, Self)
    }

    /// The picture as it is shown.
    pub(super) fn turn(self, stored: Pixmap) -> Pixmap {
        let (width, height) = (stored.width() as usize, stored.height() as usize);
        let is_sideways = self.0 >= 5;
        let shown = match (self, is_sideways) {
            (Self::AS_STORED, _) => None,
            (_, true) => Pixmap::new(stored.height(), stored.width()),
            (_, false) => Pixmap::new(stored.width(), stored.height()),
        };
        let Some(mut shown) = shown else {
            return stored;
        };
        let shown_width = shown.width() as usize;
        let (right, bottom) = (width - 1, height - 1);
        for (index, pixel) in shown.pixels_mut().iter_mut().enumerate() {
            let (x, y) = (index % shown_width, index / shown_width);
            let (from_x, from_y) = match self.0 {
                2 => (right - x, y),
                3 => (right - x, bottom - y),
                4 => (x, bottom - y),
                5 => (y, x),
                6 => (y, bottom - x),
                7 => (right - y, bottom - x),
                8 => (right - y, x),
                _ => (x, y),
            };
            *pixel = stored.pixels()[from_y * width + from_x];
        }
        shown
    }
}

fn read(exif: &[u8]) -> Option<u8> {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let is_big_endian = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let two = *tiff.get(at..)?.first_chunk()?;
        Some(match is_big_endian {
            true => u16::from_be_bytes(two),
            false => u16::from_le_bytes(two),
        })
    };
    let directory = *tiff.get(4..)?.first_chunk()?;
    let directory = match is_big_endian {
        true => u32::from_be_bytes(directory),
        false => u32::from_le_bytes(directory),
    } as usize;
    let entries = directory.checked_add(2)?;
    let mut entry = (0..usize::from(short(directory)?)).map_while(|index| {
        let at = entries.checked_add(index * 12)?;
        Some((short(at)?, short(at + 2)?, short(at + 8)?))
    });
    let (.., value) = entry.find(|(tag, kind, _)| (*tag, *kind) == (ORIENTATION, SHORT))?;
    u8::try_from(value)
        .ok()
        .filter(|value| (1..=8).contains(value))
}

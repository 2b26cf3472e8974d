//! A WebP from outside: lossy or lossless, with or without transparency; of an animated one, its
//! first picture.

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::{
    Format, LogoError,
    incoming::{Incoming, check_pixels},
    orientation::Orientation,
};

/// The most memory for metadata, in bytes.
const METADATA_BYTES: usize = 1024 * 1024;

/// How long the header of a file is: `RIFF`, a length, `WEBP`.
const FILE_HEADER: usize = 12;
/// How long the header of an animation's frame is: its place, size, duration and flags.
const FRAME_HEADER: usize = 16;

/// Reads a WebP. Colour profiles are ignored: the picture counts as sRGB.
pub(super) fn read(file: &[u8]) -> Result<(Incoming, Orientation), LogoError> {
    let damaged = LogoError::Damaged(Format::WebP);
    let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(|_| damaged.clone())?;
    let size = decoder.dimensions();
    check_pixels(size)?;
    // The decoder takes the largest width or height that a file can name for none.
    if size.0 == 0 || size.1 == 0 {
        return Err(damaged);
    }
    check_lossy(file, size)?;
    decoder.set_memory_limit(METADATA_BYTES);
    let exif = decoder.exif_metadata().ok().flatten();
    let length = decoder.output_buffer_size();
    let mut pixels = vec![0; length.ok_or(damaged.clone())?];
    decoder.read_image(&mut pixels).map_err(|_| damaged)?;

    let mut incoming = Incoming::new(size);
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    for row in pixels.chunks_exact(size.0 as usize * channels) {
        let pixels = row.chunks_exact(channels);
        incoming.push(pixels.map(|p| [p[0], p[1], p[2], *p.get(3).unwrap_or(&255)]));
    }
    Ok((incoming, Orientation::of(exif.as_deref())))
}

/// Refuses a file whose lossy picture is of another size than is declared for it. The decoder takes
/// the memory for such a picture (up to 400 MB) before it compares the two; those of an animation
/// with transparency it does not compare.
fn check_lossy(file: &[u8], canvas: (u32, u32)) -> Result<(), LogoError> {
    let first = |name: &[u8; 4]| {
        let mut chunks = Chunks(file.get(FILE_HEADER..).unwrap_or_default());
        chunks.find(|chunk| chunk.name == name)
    };
    // Without this header a picture is of the size that it says.
    let Some(&flags) = first(b"VP8X").and_then(|header| header.content.first()) else {
        return Ok(());
    };
    let is_animated = flags & 0b10 != 0;
    let declared_and_found = if is_animated {
        first(b"ANMF").and_then(|frame| size_in_frame(frame.content))
    } else {
        first(b"VP8 ").and_then(|picture| Some((canvas, lossy_size(picture.content)?)))
    };
    let Some((declared, found)) = declared_and_found else {
        return Ok(());
    };
    check_pixels(found)?;
    if found == declared {
        Ok(())
    } else {
        Err(LogoError::Damaged(Format::WebP))
    }
}

/// The size that a frame of an animation has by its header, and by its lossy picture if it has one.
fn size_in_frame(frame: &[u8]) -> Option<((u32, u32), (u32, u32))> {
    let (header, parts) = frame.split_at_checked(FRAME_HEADER)?;
    let side = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], 0]) + 1;
    let mut parts = Chunks(parts);
    let picture = match parts.next()? {
        lossless if lossless.name == b"VP8L" => return None,
        // What follows transparency the decoder takes for lossy, under any name.
        transparency if transparency.name == b"ALPH" => parts.next()?,
        lossy => lossy,
    };
    Some(((side(6), side(9)), lossy_size(picture.content)?))
}

/// The width and height of a lossy picture: 14 bits each, after six bytes of another header
/// (<https://www.rfc-editor.org/rfc/rfc6386#section-9.1>).
fn lossy_size(picture: &[u8]) -> Option<(u32, u32)> {
    let sides = picture.get(6..10)?;
    let side = |at: usize| u32::from(u16::from_le_bytes([sides[at], sides[at + 1]]) & 0x3fff);
    Some((side(0), side(2)))
}

/// A part of a WebP with its name of four letters.
struct Chunk<'a> {
    name: &'a [u8],
    content: &'a [u8],
}

/// The chunks of a WebP or of a frame: a name, a length, and the content, to an even length
/// (<https://www.rfc-editor.org/rfc/rfc9649#section-2.3>).
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_at_checked(4)?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = u32::from_le_bytes(*length) as usize;
        let content = rest.get(..length).unwrap_or(rest);
        self.0 = rest.get(length + length % 2..).unwrap_or_default();
        Some(Chunk { name, content })
    }
}

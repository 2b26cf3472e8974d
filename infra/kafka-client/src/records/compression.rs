//! Decompresses the body of a batch.

use std::io::Read as _;

use bytes::{Buf as _, Bytes};

use super::broken::Broken;

/// The codec numbers are those of Kafka's class `CompressionType`.
pub(super) fn decompress(codec: i16, mut body: Bytes) -> Result<Bytes, Broken> {
    let mut plain = Vec::new();
    let read = match codec {
        0 => return Ok(body),
        1 => flate2::read::MultiGzDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .map_err(|error| error.to_string()),
        2 => return unsnap(&mut body),
        3 => lz4_flex::frame::FrameDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .map_err(|error| error.to_string()),
        4 => return Err(Broken::Codec("zstd".to_owned())),
        other => return Err(Broken::Codec(format!("codec {other}"))),
    };
    read.map_err(|error| Broken::Damaged(format!("its body does not decompress: {error}")))?;
    Ok(plain.into())
}

/// Decompresses snappy: one block, or the framing of Java's snappy (xerial's `SnappyOutputStream`),
/// which is a header of 16 bytes and then blocks, each after its length.
fn unsnap(body: &mut Bytes) -> Result<Bytes, Broken> {
    const XERIAL: &[u8] = b"\x82SNAPPY\0";
    let mut decoder = snap::raw::Decoder::new();
    let mut unsnap = |block: &[u8]| {
        decoder
            .decompress_vec(block)
            .map_err(|error| Broken::Damaged(format!("its body does not decompress: {error}")))
    };
    if !body.starts_with(XERIAL) || body.len() < 16 {
        return Ok(unsnap(body)?.into());
    }
    body.advance(16);
    let mut plain = Vec::new();
    while body.remaining() >= 4 {
        let length = body.get_u32() as usize;
        if length > body.len() {
            return Err("a block of its body is cut off".into());
        }
        plain.extend(unsnap(&body.split_to(length))?);
    }
    Ok(plain.into())
}

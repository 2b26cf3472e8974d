//! A JPEG from outside: grey, RGB, YCbCr, CMYK or YCCK, baseline or progressive.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{
    Format, LogoError,
    incoming::{Incoming, check_pixels},
    orientation::Orientation,
};

/// The most passes of a progressive picture. Programs make about ten; each more costs as much time
/// as the picture is large, and hardly a byte.
const MOST_PASSES: usize = 32;
/// How the segment begins by which Adobe's programs say that they inverted CMYK. libjpeg and
/// browsers go by it, too
/// (<https://entropymine.wordpress.com/2018/10/22/how-is-a-jpeg-images-color-type-determined/>).
const ADOBE: &[u8] = b"\xff\xee\x00\x0eAdobe";

/// Reads a JPEG. Colour profiles are ignored: the picture counts as sRGB, and ink as a part of
/// light that is taken away.
pub(super) fn read(file: &[u8]) -> Result<(Incoming, Orientation), LogoError> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(MOST_PASSES);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let damaged = LogoError::Damaged(Format::Jpeg);
    decoder.decode_headers().map_err(|_| damaged.clone())?;
    let info = decoder.info().ok_or(damaged.clone())?;
    let size = (u32::from(info.width), u32::from(info.height));
    check_pixels(size)?;
    let is_ink = match (decoder.input_colorspace(), info.components) {
        (Some(ColorSpace::CMYK), 4) => true,
        (Some(_), 1 | 3 | 4) => false,
        // No colour, and the decoder panics at some.
        _ => return Err(damaged),
    };
    let wanted = match is_ink {
        true => ColorSpace::CMYK,
        false => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let pixels = decoder.decode().map_err(|_| damaged.clone())?;
    let orientation = Orientation::of(decoder.exif().map(Vec::as_slice));

    let is_inverted = file.windows(ADOBE.len()).any(|bytes| bytes == ADOBE);
    let mut incoming = Incoming::new(size);
    let channels = if is_ink { 4 } else { 3 };
    for row in pixels.chunks_exact(size.0 as usize * channels) {
        if is_ink {
            incoming.push(row.chunks_exact(4).map(|ink| light_of(ink, is_inverted)));
        } else {
            incoming.push(row.chunks_exact(3).map(|p| [p[0], p[1], p[2], 255]));
        }
    }
    Ok((incoming, orientation))
}

/// The light that cyan, magenta, yellow and black leave. Inverted, they are light already.
fn light_of(ink: &[u8], is_inverted: bool) -> [u8; 4] {
    let light = |ink: u8| u32::from(if is_inverted { ink } else { 255 - ink });
    let black = light(ink[3]);
    let [red, green, blue] =
        [ink[0], ink[1], ink[2]].map(|ink| ((light(ink) * black + 127) / 255) as u8);
    [red, green, blue, 255]
}

//! PNGs of every kind, written by the encoder or by hand, and what is broken about them.

use ::png::{BitDepth, ColorType, Encoder};

use super::*;

const DAMAGED: LogoError = LogoError::Damaged(Format::Png);

fn png(width: u32, height: u32, color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
    png_with(width, height, color, depth, data, |_| {})
}

fn png_with(
    width: u32,
    height: u32,
    color: ColorType,
    depth: BitDepth,
    data: &[u8],
    more: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    more(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    file
}

/// A PNG of these chunks, each with its length and checksum.
fn file_of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        file.extend((data.len() as u32).to_be_bytes());
        let checked = [&kind[..], data].concat();
        file.extend(&checked);
        let crc = checked.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 {
                    crc >> 1 ^ 0xedb8_8320
                } else {
                    crc >> 1
                }
            })
        });
        file.extend((!crc).to_be_bytes());
    }
    file
}

fn header(width: u32, height: u32, depth: u8, color: u8, interlaced: u8) -> Vec<u8> {
    [
        &width.to_be_bytes()[..],
        &height.to_be_bytes()[..],
        &[depth, color, 0, 0, interlaced],
    ]
    .concat()
}

/// `data` in zlib's format, uncompressed.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let mut out = vec![0x78, 1, 1];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(data);
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

#[test]
fn every_colour_type_and_depth_is_read() {
    let grey = |value: u8| [value, value, value, 255];
    type Case = (ColorType, BitDepth, &'static [u8], [[u8; 4]; 2]);
    let cases: [Case; 8] = [
        (
            ColorType::Grayscale,
            BitDepth::One,
            &[0b1000_0000],
            [grey(255), grey(0)],
        ),
        (
            ColorType::Grayscale,
            BitDepth::Two,
            &[0b0111_0000],
            [grey(85), grey(255)],
        ),
        (
            ColorType::Grayscale,
            BitDepth::Eight,
            &[7, 200],
            [grey(7), grey(200)],
        ),
        (
            ColorType::Grayscale,
            BitDepth::Sixteen,
            &[7, 99, 200, 0],
            [grey(7), grey(200)],
        ),
        (
            ColorType::GrayscaleAlpha,
            BitDepth::Eight,
            &[255, 51, 9, 255],
            [[51; 4], grey(9)],
        ),
        (
            ColorType::Rgb,
            BitDepth::Eight,
            &[1, 2, 3, 4, 5, 6],
            [[1, 2, 3, 255], [4, 5, 6, 255]],
        ),
        (
            ColorType::Rgb,
            BitDepth::Sixteen,
            &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0],
            [[1, 2, 3, 255], [4, 5, 6, 255]],
        ),
        (
            ColorType::Rgba,
            BitDepth::Sixteen,
            &[255, 0, 0, 0, 0, 0, 51, 0, 4, 0, 5, 0, 6, 0, 255, 255],
            [[51, 0, 0, 51], [4, 5, 6, 255]],
        ),
    ];
    for (color, depth, data, expected) in cases {
        let logo = any_size(&png(2, 1, color, depth, data)).unwrap();
        assert_eq!(pixels(&logo), expected, "{color:?} {depth:?}");
    }
}

#[test]
fn a_palette_may_have_transparent_colours() {
    let file = png_with(
        3,
        1,
        ColorType::Indexed,
        BitDepth::Two,
        &[0b0001_1000],
        |encoder| {
            encoder.set_palette(vec![10, 20, 30, 255, 255, 255, 40, 50, 60]);
            encoder.set_trns(vec![255, 0]);
        },
    );
    assert_eq!(
        pixels(&any_size(&file).unwrap()),
        [[10, 20, 30, 255], [0; 4], [40, 50, 60, 255]]
    );
}

#[test]
fn one_grey_may_be_transparent() {
    let file = png_with(
        3,
        1,
        ColorType::Grayscale,
        BitDepth::Eight,
        &[1, 9, 1],
        |encoder| encoder.set_trns(vec![0, 9]),
    );
    assert_eq!(
        pixels(&any_size(&file).unwrap()),
        [[1, 1, 1, 255], [0; 4], [1, 1, 1, 255]]
    );
}

#[test]
fn an_interlaced_picture_is_put_in_order() {
    // Two by two grey pixels: the passes hold (0, 0), then (1, 0), then the second row.
    let data = stored(&[0, 10, 0, 20, 0, 30, 40]);
    let file = file_of(&[
        (b"IHDR", &header(2, 2, 8, 0, 1)),
        (b"IDAT", &data),
        (b"IEND", &[]),
    ]);
    let greys: Vec<u8> = pixels(&any_size(&file).unwrap())
        .iter()
        .map(|pixel| pixel[0])
        .collect();
    assert_eq!(greys, [10, 20, 30, 40]);
}

#[test]
fn a_picture_of_too_many_pixels_is_refused_by_its_header() {
    let file = file_of(&[(b"IHDR", &header(100_000, 100_000, 8, 6, 0))]);
    for _ in 0..2 {
        let error = Logo::decode(&file).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has 100000 × 100000 pixels; at most 40 million are read"
        );
    }
    let file = file_of(&[(b"IHDR", &header(u32::MAX >> 1, u32::MAX >> 1, 16, 6, 1))]);
    assert!(matches!(
        Logo::decode(&file),
        Err(LogoError::TooManyPixels { .. })
    ));
    // One row alone would be more than the decoder may have.
    let file = file_of(&[(b"IHDR", &header(40_000_000, 1, 16, 6, 0))]);
    assert_eq!(any_size(&file), Err(DAMAGED));
}

#[test]
fn an_empty_or_transparent_picture_is_refused() {
    for (width, height) in [(0, 5), (5, 0), (0, 0)] {
        assert_eq!(
            any_size(&file_of(&[(b"IHDR", &header(width, height, 8, 6, 0))])),
            Err(DAMAGED)
        );
    }
    let clear = png(2, 2, ColorType::Rgba, BitDepth::Eight, &[0; 16]);
    assert_eq!(any_size(&clear), Err(LogoError::Empty));
}

#[test]
fn a_truncated_file_is_refused() {
    let data: Vec<u8> = (0..64 * 64 * 4)
        .map(|index| (index * 7919 % 251) as u8 | 1)
        .collect();
    let file = png(64, 64, ColorType::Rgba, BitDepth::Eight, &data);
    // The last 12 bytes are the end chunk, which the decoder does not require.
    for length in (8..file.len() - 40).step_by(97) {
        assert_eq!(any_size(&file[..length]), Err(DAMAGED), "{length}");
    }
}

#[test]
fn any_damage_gives_a_logo_or_an_error() {
    let small = png_with(
        9,
        7,
        ColorType::Indexed,
        BitDepth::Four,
        &[0x12; 35],
        |encoder| {
            encoder.set_palette((0..48).collect::<Vec<u8>>());
            encoder.set_trns(vec![0, 9, 200]);
        },
    );
    for position in 8..small.len() {
        for value in [0, 1, 4, 0x7f, 0xff] {
            let mut file = small.clone();
            file[position] = value;
            let _ = any_size(&file);
        }
    }
    for chunks in [
        &[(b"IEND", &[][..])][..],
        &[(b"IDAT", &[1, 2, 3][..])],
        &[
            (b"IHDR", &header(4, 4, 8, 3, 0)[..]),
            (b"IDAT", &stored(&[0; 20])[..]),
        ],
        &[
            (b"IHDR", &header(4, 4, 8, 3, 0)[..]),
            (b"PLTE", &[1][..]),
            (b"IDAT", &stored(&[0; 20])[..]),
        ],
        &[
            (b"IHDR", &header(4, 4, 8, 3, 0)[..]),
            (b"PLTE", &[0; 900][..]),
            (b"IDAT", &stored(&[0; 20])[..]),
        ],
        &[(b"IHDR", &header(4, 4, 3, 2, 0)[..])],
        &[(b"IHDR", &header(4, 4, 8, 6, 9)[..])],
    ] {
        assert_eq!(any_size(&file_of(chunks)), Err(DAMAGED));
    }
}

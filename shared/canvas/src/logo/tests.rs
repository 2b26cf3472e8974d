use png::{BitDepth, ColorType};

use super::*;

const WHITE: Color = LIGHT_PLATE;
const BLACK: Color = Color {
    red: 0,
    green: 0,
    blue: 0,
};

fn png(width: u32, height: u32, color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
    png_with(width, height, color, depth, data, |_| {})
}

fn png_with(
    width: u32,
    height: u32,
    color: ColorType,
    depth: BitDepth,
    data: &[u8],
    more: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
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

fn pixels(logo: &Logo) -> Vec<[u8; 4]> {
    logo.pixels
        .pixels()
        .iter()
        .map(|p| [p.red(), p.green(), p.blue(), p.alpha()])
        .collect()
}

fn rgba(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Logo {
    let data: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect();
    Logo::decode(&png(width, height, ColorType::Rgba, BitDepth::Eight, &data)).unwrap()
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
        let logo = Logo::decode(&png(2, 1, color, depth, data)).unwrap();
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
        pixels(&Logo::decode(&file).unwrap()),
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
        pixels(&Logo::decode(&file).unwrap()),
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
    let greys: Vec<u8> = pixels(&Logo::decode(&file).unwrap())
        .iter()
        .map(|pixel| pixel[0])
        .collect();
    assert_eq!(greys, [10, 20, 30, 40]);
}

#[test]
fn a_file_that_is_not_a_png_is_refused() {
    for file in [
        &b""[..],
        b"GIF89a",
        b"\xff\xd8\xff\xe0 JFIF",
        b"<svg/>",
        b"\x89PNG",
    ] {
        assert_eq!(Logo::decode(file), Err(LogoError::NotPng));
    }
    assert_eq!(LogoError::NotPng.to_string(), "the logo is not a PNG");
}

#[test]
fn a_file_that_is_too_large_is_not_parsed() {
    let error = Logo::decode(&vec![0; LARGEST_FILE + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the logo's file has 2097153 bytes; at most 2097152 are read"
    );
}

#[test]
fn a_picture_that_is_too_large_is_refused_by_its_header() {
    let file = file_of(&[(b"IHDR", &header(9000, 20, 8, 6, 0))]);
    let error = Logo::decode(&file).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the logo has 9000 × 20 pixels; at most 4096 × 4096 are drawn"
    );
    let file = file_of(&[(b"IHDR", &header(1, u32::MAX >> 1, 16, 6, 1))]);
    assert_eq!(
        Logo::decode(&file),
        Err(LogoError::TooLarge {
            width: 1,
            height: u32::MAX >> 1
        })
    );
}

#[test]
fn an_empty_or_transparent_picture_is_refused() {
    for (width, height) in [(0, 5), (5, 0), (0, 0)] {
        assert_eq!(
            Logo::decode(&file_of(&[(b"IHDR", &header(width, height, 8, 6, 0))])),
            Err(LogoError::Damaged)
        );
    }
    let clear = png(2, 2, ColorType::Rgba, BitDepth::Eight, &[0; 16]);
    assert_eq!(Logo::decode(&clear), Err(LogoError::Empty));
}

#[test]
fn a_truncated_file_is_refused() {
    let data: Vec<u8> = (0..64 * 64 * 4)
        .map(|index| (index * 7919 % 251) as u8 | 1)
        .collect();
    let file = png(64, 64, ColorType::Rgba, BitDepth::Eight, &data);
    // The last 12 bytes are the end chunk, which the decoder does not require.
    for length in (8..file.len() - 40).step_by(97) {
        assert_eq!(
            Logo::decode(&file[..length]),
            Err(LogoError::Damaged),
            "{length}"
        );
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
            let _ = Logo::decode(&file);
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
        assert_eq!(Logo::decode(&file_of(chunks)), Err(LogoError::Damaged));
    }
}

#[test]
fn a_transparent_rim_is_cut_off() {
    let logo = rgba(5, 4, |x, y| {
        if y == 1 && (2..4).contains(&x) {
            [1, 2, 3, 255]
        } else {
            [9, 9, 9, 0]
        }
    });
    assert_eq!(logo.size(), (2, 1));
    assert_eq!(pixels(&logo), [[1, 2, 3, 255]; 2]);
}

#[test]
fn a_logo_keeps_its_proportions_and_is_never_enlarged() {
    let size = |width, height| Size { width, height };
    let logo = rgba(40, 10, |_, _| [0, 0, 0, 255]);
    assert_eq!(logo.fit(20.0, 20.0), size(20.0, 5.0));
    assert_eq!(logo.fit(100.0, 100.0), size(40.0, 10.0));
    assert_eq!(logo.fit(100.0, 5.0), size(20.0, 5.0));
    assert_eq!(
        rgba(1000, 1, |_, _| [0, 0, 0, 255]).fit(50.0, 50.0),
        size(50.0, 1.0)
    );
}

#[test]
fn a_small_drawing_has_the_mean_of_every_area() {
    // Alternating black and white lines, one pixel wide, become grey at every smaller size.
    let logo = rgba(
        300,
        90,
        |x, _| if x % 2 == 0 { [0, 0, 0, 255] } else { [255; 4] },
    );
    let mut sheet = Pixmap::new(60, 40).unwrap();
    logo.draw(
        &mut sheet,
        Area {
            x: 4.6,
            y: 10.0,
            width: 50.0,
            height: 15.0,
        },
    );
    let at = |x: u32, y: u32| sheet.pixel(x, y).unwrap();
    for (x, y) in [(5, 10), (30, 17), (54, 24)] {
        assert_eq!((at(x, y).alpha(), at(x, y).red()), (255, 128), "{x}, {y}");
    }
    for (x, y) in [(4, 10), (55, 10), (5, 9), (5, 25)] {
        assert_eq!(at(x, y).alpha(), 0, "{x}, {y}");
    }
}

#[test]
fn a_shrunk_picture_keeps_its_mean_alpha() {
    let logo = rgba(101, 53, |x, y| {
        if (x + y) % 7 == 0 {
            [200, 0, 0, 255]
        } else {
            [255, 255, 255, 1]
        }
    });
    let sum = |pixels: &Pixmap| {
        pixels
            .pixels()
            .iter()
            .map(|p| f64::from(p.alpha()))
            .sum::<f64>()
    };
    let small = shrink::shrunk(&logo.pixels, 67, 35).unwrap();
    let (before, after) = (
        sum(&logo.pixels) / (101.0 * 53.0),
        sum(&small) / (67.0 * 35.0),
    );
    assert!((before - after).abs() < 0.5, "{before} became {after}");
    assert_eq!(shrink::shrunk(&logo.pixels, 101, 53).unwrap(), logo.pixels);
}

#[test]
fn a_logo_invisible_on_its_ground_gets_a_contrasting_plate() {
    let mark = |color: [u8; 4]| {
        rgba(
            20,
            20,
            move |x, y| if (x + y) % 5 == 0 { [0; 4] } else { color },
        )
    };
    let white = mark([255; 4]);
    assert_eq!(
        (white.needs_plate(WHITE), white.needs_plate(BLACK)),
        (Some(DARK_PLATE), None)
    );
    let navy = mark([10, 20, 60, 255]);
    assert_eq!(
        (navy.needs_plate(WHITE), navy.needs_plate(BLACK)),
        (None, Some(WHITE))
    );
    let red = Color {
        red: 200,
        green: 30,
        blue: 40,
    };
    assert_eq!(mark([205, 35, 40, 255]).needs_plate(red), Some(WHITE));
}

#[test]
fn a_logo_gets_no_plate_if_no_plate_helps() {
    let both = rgba(20, 20, |x, y| match (x / 5 + y / 5) % 3 {
        0 => [0; 4],
        1 => [0, 0, 0, 255],
        _ => [255; 4],
    });
    assert_eq!(
        both.needs_plate(Color {
            red: 128,
            green: 128,
            blue: 128
        }),
        None
    );
    assert_eq!(
        (both.needs_plate(WHITE), both.needs_plate(BLACK)),
        (None, None)
    );
}

#[test]
fn a_logo_with_its_own_ground_needs_no_plate() {
    let boxed = rgba(20, 20, |x, _| {
        if x % 4 == 0 {
            [20, 20, 20, 255]
        } else {
            [255; 4]
        }
    });
    assert_eq!(
        (boxed.needs_plate(WHITE), boxed.needs_plate(BLACK)),
        (None, None)
    );
    assert_eq!(
        rgba(20, 20, |_, _| [255; 4]).needs_plate(WHITE),
        Some(DARK_PLATE)
    );
}

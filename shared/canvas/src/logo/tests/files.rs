//! Files that other programs wrote (`tests/logos/make.py`), and what is wrong with others.

use super::*;

fn file(name: &str) -> &'static [u8] {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/logos/");
    std::fs::read(format!("{path}{name}")).unwrap().leak()
}

const RED: [u8; 3] = [200, 30, 40];
const GREEN: [u8; 3] = [20, 140, 60];
const BLUE: [u8; 3] = [30, 60, 160];
const PALE: [u8; 3] = [250, 250, 250];

/// The middle of each quarter of a logo, in the order of reading; `None` if it is transparent.
fn quarters(logo: &Logo) -> [Option<[u8; 3]>; 4] {
    let (width, height) = logo.size();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| {
        let pixel = logo.pixels.pixel(width * x / 4, height * y / 4).unwrap();
        let color = pixel.demultiply();
        (pixel.alpha() > 250).then_some([color.red(), color.green(), color.blue()])
    })
}

/// Asserts that the file shows these colours, up to what a lossy format and four inks change.
fn shows(name: &str, file: &[u8], size: (u32, u32), expected: [Option<[u8; 3]>; 4]) {
    let logo = Logo::decode(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(logo.size(), size, "{name}");
    let found = quarters(&logo);
    for (found, expected) in found.into_iter().zip(expected) {
        let is_near = match (found, expected) {
            (Some(found), Some(expected)) => found
                .into_iter()
                .zip(expected)
                .all(|(one, other)| one.abs_diff(other) <= 12),
            (found, expected) => found == expected,
        };
        assert!(is_near, "{name}: {found:?} instead of {expected:?}");
    }
}

const PANEL: [Option<[u8; 3]>; 4] = [Some(RED), Some(GREEN), Some(BLUE), Some(PALE)];
const CLEAR: [Option<[u8; 3]>; 4] = [Some(RED), Some(GREEN), Some(BLUE), None];

fn grey(rgb: [u8; 3]) -> Option<[u8; 3]> {
    let [red, green, blue] = rgb.map(u32::from);
    let luma = (red * 299 + green * 587 + blue * 114) / 1000;
    Some([luma as u8; 3])
}

#[test]
fn a_file_of_each_format_shows_what_other_programs_show() {
    for (name, file) in [
        ("JPEG", file("plain.jpg")),
        ("progressive JPEG", file("progressive.jpg")),
        ("JPEG of RGB", file("untransformed.jpg")),
        ("lossy WebP", file("lossy.webp")),
        ("animated WebP", file("animated.webp")),
        ("PNG with a palette", file("palette.png")),
    ] {
        shows(name, file, (64, 48), PANEL);
    }
    for (name, file) in [
        ("PNG", file("clear.png")),
        ("lossy WebP", file("clear.webp")),
        ("lossless WebP", file("clear-lossless.webp")),
    ] {
        shows(name, file, (64, 48), CLEAR);
    }
    let greys = [RED, GREEN, BLUE, PALE].map(grey);
    shows("grey JPEG", file("grey.jpg"), (64, 48), greys);
    shows("grey PNG", file("grey-16.png"), (64, 48), greys);
}

#[test]
fn four_inks_are_inverted_exactly_where_adobe_says_so() {
    shows("CMYK of Adobe", file("cmyk-adobe.jpg"), (64, 48), PANEL);
    shows("CMYK", file("cmyk-plain.jpg"), (64, 48), PANEL);
    shows("YCCK", file("ycck.jpg"), (64, 48), PANEL);
}

#[test]
fn a_picture_is_shown_as_it_was_held() {
    for (orientation, file) in [
        file("orientation-1.jpg"),
        file("orientation-2.jpg"),
        file("orientation-3.jpg"),
        file("orientation-4.jpg"),
        file("orientation-5.jpg"),
        file("orientation-6.jpg"),
        file("orientation-7.jpg"),
        file("orientation-8.jpg"),
    ]
    .into_iter()
    .enumerate()
    {
        shows(
            &format!("orientation {}", orientation + 1),
            file,
            (64, 48),
            PANEL,
        );
    }
    shows("turned WebP", file("turned.webp"), (64, 48), PANEL);
    shows("turned PNG", file("turned.png"), (64, 48), PANEL);
}

#[test]
fn exif_that_says_nonsense_leaves_a_picture_as_it_is() {
    let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let turned = Orientation::of(Some(little));
    assert_ne!(turned, Orientation::AS_STORED);
    assert_eq!(
        Orientation::of(Some(&[&b"Exif\0\0"[..], little].concat())),
        turned
    );
    for length in 0..little.len() - 6 {
        assert_eq!(
            Orientation::of(Some(&little[..length])),
            Orientation::AS_STORED
        );
    }
    for (place, value) in [
        (18, 0),
        (18, 9),
        (19, 1),
        (4, 255),
        (7, 255),
        (0, b'X'),
        (12, 4),
    ] {
        let mut exif = little.to_vec();
        exif[place] = value;
        assert_eq!(
            Orientation::of(Some(&exif)),
            Orientation::AS_STORED,
            "{place}"
        );
    }
    assert_eq!(Orientation::of(None), Orientation::AS_STORED);
}

#[test]
fn a_large_picture_is_shrunk() {
    shows("PNG", file("large.png"), (512, 410), PANEL);
    let greys = [RED, GREEN, BLUE, PALE].map(grey);
    shows("JPEG", file("large.jpg"), (512, 43), greys);
}

#[test]
fn a_picture_shrunk_while_it_comes_is_the_one_that_is_shrunk_whole() {
    let from = rgba(97, 61, |x, y| {
        [(x * 5 % 256) as u8, (y * 7 % 256) as u8, 9, 255]
    });
    for (width, height) in [(97, 61), (96, 60), (40, 61), (97, 1), (13, 7), (1, 1)] {
        let mut shrinker = shrink::Shrinker::new((97, 61), (width, height));
        for row in from.pixels.data().chunks_exact(97 * 4) {
            shrinker.push(row);
        }
        let streamed = shrinker.finish().unwrap();
        // Each pixel anew from the definition, which is slow and plain.
        for y in 0..height {
            for x in 0..width {
                let mean = mean_of(&from.pixels, (x, width, 97), (y, height, 61));
                let pixel = streamed.pixel(x, y).unwrap();
                assert!((f64::from(pixel.red()) - mean).abs() <= 0.5001, "{x}, {y}");
            }
        }
    }
}

/// The mean red of what a pixel covers: its place, how many there are, and how many there were.
fn mean_of(from: &Pixmap, x: (u32, u32, u32), y: (u32, u32, u32)) -> f64 {
    let covered = |(index, count, length): (u32, u32, u32)| {
        let unit = f64::from(length) / f64::from(count);
        let (begin, end) = (f64::from(index) * unit, f64::from(index + 1) * unit);
        (0..length).filter_map(move |at| {
            let part = (f64::from(at) + 1.0).min(end) - f64::from(at).max(begin);
            (part > 1e-9).then_some((at, part / unit))
        })
    };
    covered(y)
        .flat_map(|(row, tall)| covered(x).map(move |(column, wide)| (row, column, tall * wide)))
        .map(|(row, column, part)| f64::from(from.pixel(column, row).unwrap().red()) * part)
        .sum()
}

#[test]
fn the_first_bytes_say_what_a_file_is_and_its_name_does_not() {
    for file in [
        &b""[..],
        b"GIF89a",
        b"BM",
        b"\x1f\x8b\x08",
        b"%PDF-1.7",
        b"RIFF\0\0\0\0WAVE",
        b"\x89PNG",
        b"logo",
        b"<html><body/></html>",
        b"<?xml version=\"1.0\"?><plist/>",
    ] {
        assert_eq!(Logo::decode(file), Err(LogoError::UnknownFormat));
    }
    assert_eq!(
        LogoError::UnknownFormat.to_string(),
        "its file is no PNG, JPEG, WebP or SVG"
    );
}

#[test]
fn a_file_that_is_too_large_is_not_parsed() {
    let mut file = file("clear.png").to_vec();
    file.resize(LARGEST_FILE + 1, 0);
    let error = Logo::decode(&file).unwrap_err();
    assert_eq!(error.to_string(), "its file has more than 8 MiB");
    file.pop();
    assert!(Logo::decode(&file).is_ok());
}

#[test]
fn a_file_that_is_cut_off_is_refused_each_time() {
    for (format, file, end) in [
        (Format::Jpeg, file("plain.jpg"), 8),
        (Format::Jpeg, file("progressive.jpg"), 8),
        (Format::WebP, file("lossy.webp"), 8),
        (Format::WebP, file("clear-lossless.webp"), 8),
        (Format::WebP, file("animated.webp"), 120),
        (Format::Png, file("clear.png"), 40),
    ] {
        for length in (12..file.len() - end).step_by(7) {
            for _ in 0..2 {
                let found = Logo::decode(&file[..length]);
                assert_eq!(found, Err(LogoError::Damaged(format)), "{length}");
            }
        }
    }
}

#[test]
fn any_damage_gives_a_logo_or_a_reason() {
    for file in [
        file("plain.jpg"),
        file("progressive.jpg"),
        file("cmyk-adobe.jpg"),
        file("ycck.jpg"),
        file("lossy.webp"),
        file("clear.webp"),
        file("clear-lossless.webp"),
        file("animated.webp"),
        file("turned.png"),
    ] {
        for place in 0..file.len() {
            for value in [0, 1, 0x7f, 0xff, file[place] ^ 0x10] {
                let mut broken = file.to_vec();
                broken[place] = value;
                let _ = Logo::decode(&broken);
            }
        }
    }
}

#[test]
fn a_jpeg_of_too_many_pixels_is_refused_by_its_header() {
    let mut file = file("plain.jpg").to_vec();
    let frame = file.windows(2).position(|two| two == b"\xff\xc0").unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    for _ in 0..2 {
        assert_eq!(
            Logo::decode(&file),
            Err(LogoError::TooManyPixels {
                width: 65_535,
                height: 65_535
            })
        );
    }
}

#[test]
fn a_webp_of_too_many_pixels_is_refused_by_its_header() {
    let mut file = file("clear-lossless.webp").to_vec();
    let header = file.windows(4).position(|four| four == b"VP8L").unwrap();
    // Its width and height are 14 bits each.
    file[header + 9..header + 12].copy_from_slice(&[0xfe, 0xbf, 0xff]);
    file[header + 12] |= 0x0f;
    for _ in 0..2 {
        assert_eq!(
            Logo::decode(&file),
            Err(LogoError::TooManyPixels {
                width: 16_383,
                height: 16_383
            })
        );
    }
    file[header + 9..header + 12].fill(0xff);
    assert_eq!(Logo::decode(&file), Err(LogoError::Damaged(Format::WebP)));
}

/// `file` with each lossy picture in it `width` × `height` pixels, as its own header says.
fn with_lossy_size(file: &[u8], [width, height]: [u16; 2]) -> Vec<u8> {
    let mut file = file.to_vec();
    let start = file.windows(3).position(|three| three == b"\x9d\x01\x2a");
    let sides = start.expect("a lossy picture") + 3;
    file[sides..sides + 2].copy_from_slice(&width.to_le_bytes());
    file[sides + 2..sides + 4].copy_from_slice(&height.to_le_bytes());
    file
}

/// An animation of one frame, with the chunks of a still WebP.
fn animated(still: &[u8]) -> Vec<u8> {
    let chunk = |name: &[u8], content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        [name, &length, content].concat()
    };
    let header = &still[20..30];
    let size = &header[4..10];
    let frame = [&[0; 6], size, &[0; 4], &still[30..]].concat();
    let mut all = [
        b"WEBP".to_vec(),
        chunk(b"VP8X", &[&[0x12], &header[1..]].concat()),
        chunk(b"ANIM", &[0; 6]),
        chunk(b"ANMF", &frame),
    ]
    .concat();
    all.splice(0..0, u32::try_from(all.len()).unwrap().to_le_bytes());
    [b"RIFF".to_vec(), all].concat()
}

#[test]
fn a_webp_that_hides_a_large_picture_under_a_small_header_is_refused() {
    let still = file("clear.webp");
    assert!(Logo::decode(&animated(still)).is_ok());
    for file in [still.to_vec(), animated(still)] {
        // 16,383 is the most that the header of a lossy picture can say.
        assert_eq!(
            Logo::decode(&with_lossy_size(&file, [16_383, 16_383])),
            Err(LogoError::TooManyPixels {
                width: 16_383,
                height: 16_383
            })
        );
        for sides in [[64, 49], [65, 48], [0, 0], [6_000, 6_000]] {
            let file = with_lossy_size(&file, sides);
            assert_eq!(
                Logo::decode(&file),
                Err(LogoError::Damaged(Format::WebP)),
                "{sides:?}"
            );
        }
    }
}

#[test]
fn a_logo_that_would_be_a_speck_or_a_line_is_refused_with_its_size() {
    let of = |width, height| Logo::of(Pixmap::new(width, height).unwrap());
    for (width, height) in [(1, 1), (24, 16), (31, 300), (200, 31)] {
        let error = of(width, height).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("it has {width} × {height} pixels; a logo has at least 32 on each side")
        );
    }
    for (width, height) in [(512, 42), (42, 512), (60, 3000)] {
        assert_eq!(of(width, height), Err(LogoError::TooThin));
    }
    assert_eq!(
        LogoError::TooThin.to_string(),
        "one side of it is more than 12 times as long as the other"
    );
    for (width, height) in [(32, 32), (384, 32), (43, 512)] {
        assert!(of(width, height).is_ok(), "{width} × {height}");
    }
}

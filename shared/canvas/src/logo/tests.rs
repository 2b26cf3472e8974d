mod files;
mod png;
mod svg;

use super::*;

const WHITE: Color = LIGHT_PLATE;
const BLACK: Color = Color {
    red: 0,
    green: 0,
    blue: 0,
};

fn pixels(logo: &Logo) -> Vec<[u8; 4]> {
    logo.pixels
        .pixels()
        .iter()
        .map(|p| [p.red(), p.green(), p.blue(), p.alpha()])
        .collect()
}

fn premultiplied(rgba: &[u8]) -> Vec<u8> {
    let colors = rgba.chunks_exact(4);
    let colors = colors.map(|p| tiny_skia::ColorU8::from_rgba(p[0], p[1], p[2], p[3]));
    let pixels = colors.map(|color| color.premultiply());
    pixels
        .flat_map(|p| [p.red(), p.green(), p.blue(), p.alpha()])
        .collect()
}

/// The logo in a file that may be too small to be one.
fn any_size(file: &[u8]) -> Result<Logo, LogoError> {
    read(file).map(|pixels| Logo { pixels })
}

fn rgba(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Logo {
    let data: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect();
    let size = IntSize::from_wh(width, height).unwrap();
    let pixels = Pixmap::from_vec(premultiplied(&data), size).unwrap();
    Logo {
        pixels: trimmed(pixels).unwrap(),
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

use proptest::prelude::*;

use super::*;
use crate::color::{BLACK, READABLE, WHITE};

fn color(hex: &str) -> Color {
    Color::parse(hex).unwrap()
}

fn brand(primary: Option<Color>, accent: Option<Color>) -> Brand {
    Brand {
        primary_color: primary,
        accent_color: accent,
        ..Brand::default()
    }
}

fn both(primary: &str, accent: &str) -> [Palette; 2] {
    palettes(&brand(Some(color(primary)), Some(color(accent))))
}

fn palettes(brand: &Brand) -> [Palette; 2] {
    let seed = Seed::plant(&["any"]);
    [
        Palette::poster(&seed, Some(brand)),
        Palette::invitation(&seed, Some(brand)),
    ]
}

fn said(palette: &Palette) -> Vec<(Field, Change)> {
    let adjusted = palette.adjusted.iter();
    adjusted.map(|one| (one.field, one.change)).collect()
}

#[test]
fn a_motif_in_the_colour_of_its_ground_is_seen_and_reported() {
    for equal in [
        "#000000", "#ffffff", "#1b3a57", "#808080", "#e91e63", "#ffeb3b",
    ] {
        for palette in both(equal, equal) {
            let least = palette.shapes.map(|shape| contrast(shape, palette.field));
            assert!(least[0] >= SEEN, "{equal}: {least:?}");
            assert!(
                least.into_iter().all(|one| one >= FAINT),
                "{equal}: {least:?}"
            );
            assert!(
                said(&palette).contains(&(Field::AccentColor, Change::Moved)),
                "{equal}"
            );
        }
    }
}

#[test]
fn black_on_black_is_told_in_one_sentence() {
    let [poster, _] = both("#000000", "#000000");
    let [accent] = &poster.adjusted[..] else {
        panic!("{:?}", poster.adjusted)
    };
    assert_eq!(
        accent.reason,
        format!(
            "#000000 has a contrast of 1.0 with #000000, which is too little; it is {}",
            poster.accent
        )
    );
}

#[test]
fn colours_that_can_be_seen_are_the_brands_own() {
    for (primary, accent) in [
        ("#1b3a57", "#f2a541"),
        ("#ffffff", "#8a1538"),
        ("#fff4d6", "#5b2a86"),
        ("#000000", "#ffd400"),
    ] {
        for palette in both(primary, accent) {
            assert_eq!(said(&palette), [], "{primary}, {accent}");
            assert!(!is_another(palette.shapes[0], color(accent)));
        }
        let [poster, invitation] = both(primary, accent);
        assert_eq!(
            (poster.paper, invitation.field),
            (color(primary), color(primary))
        );
        assert!(!is_another(poster.accent, color(accent)));
    }
}

#[test]
fn letters_are_white_on_the_pink_and_the_red_of_brands() {
    for hex in ["#e91e63", "#ff0000", "#f44336"] {
        let [poster, invitation] = palettes(&brand(Some(color(hex)), None));
        assert!(
            contrast(WHITE, poster.paper) >= READABLE,
            "{hex} is {}",
            poster.paper
        );
        assert!(
            contrast(poster.ink, BLACK) > 15.0,
            "{hex} has {}",
            poster.ink
        );
        assert_eq!(said(&poster), [(Field::PrimaryColor, Change::Moved)]);
        // No letters are set on it there.
        assert_eq!((invitation.field, said(&invitation)), (color(hex), vec![]));
    }
}

#[test]
fn letters_on_a_colour_too_light_for_white_are_dark_and_it_stays() {
    for hex in ["#ff9800", "#00b8a9", "#8bc34a"] {
        let [poster, _] = palettes(&brand(Some(color(hex)), None));
        assert_eq!((poster.paper, said(&poster)), (color(hex), vec![]));
        assert!(
            contrast(poster.ink, WHITE) > 10.0,
            "{hex} has {}",
            poster.ink
        );
    }
}

fn any_color() -> impl Strategy<Value = Color> {
    any::<[u8; 3]>().prop_map(|[red, green, blue]| Color { red, green, blue })
}

/// Whether a colour is the other one, lighter or darker; greys have no hue.
fn has_hue_of(moved: Color, asked: Color) -> bool {
    let (moved, asked) = (Oklch::of(moved), Oklch::of(asked));
    moved.chroma.min(asked.chroma) < 0.04 || moved.hue_from(asked) <= 1.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_brand_is_readable_and_keeps_its_hues(
        primary in proptest::option::of(any_color()),
        accent in proptest::option::of(any_color()),
    ) {
        let brand = brand(primary, accent);
        prop_assume!(primary.or(accent).is_some());
        for palette in palettes(&brand) {
            for ink in [palette.ink, palette.soft, palette.accent] {
                prop_assert!(contrast(ink, palette.paper) >= READABLE, "{} on {}", ink, palette.paper);
            }
            let seen = palette.shapes.map(|shape| contrast(shape, palette.field));
            prop_assert!(seen[0] >= SEEN && seen.into_iter().all(|one| one >= FAINT), "{seen:?}");
            if let Some(accent) = accent {
                prop_assert!(has_hue_of(palette.shapes[0], accent), "{} for {accent}", palette.shapes[0]);
            }
            // What is not said is not done.
            let says = |field| said(&palette).contains(&(field, Change::Moved));
            if let Some(accent) = accent && !says(Field::AccentColor) {
                prop_assert!(!is_another(palette.shapes[0], accent));
            }
        }
        let [poster, _] = palettes(&brand);
        if let Some(primary) = primary {
            let moved = Oklch::of(primary).lightness - Oklch::of(poster.paper).lightness;
            prop_assert!(moved.abs() <= NUDGE + 0.005, "{primary} became {}", poster.paper);
            prop_assert!(has_hue_of(poster.paper, primary), "{primary} became {}", poster.paper);
            let is_told = said(&poster).contains(&(Field::PrimaryColor, Change::Moved));
            prop_assert_eq!(is_told, poster.paper != primary);
        }
        if let Some(accent) = accent {
            prop_assert!(has_hue_of(poster.accent, accent), "{} for {accent}", poster.accent);
        }
    }
}

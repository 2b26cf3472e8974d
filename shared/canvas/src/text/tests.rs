use std::path::Path;

use super::*;

fn typesetter() -> Typesetter {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/files"));
    Typesetter::new(Fonts::load(folder).unwrap())
}

fn style(type_style: TypeStyle, size: f32, align: Align) -> TextStyle {
    TextStyle {
        role: "text",
        type_style,
        color: Color {
            red: 0,
            green: 0,
            blue: 0,
        },
        largest: size,
        smallest: 12.0,
        leading: 0.98,
        tracking: 0.0,
        align,
        most_lines: 3,
        balanced: false,
    }
}

#[test]
fn a_text_whose_letters_leave_their_line_is_set_smaller_until_they_fit() {
    let style = style(TypeStyle::Festive, 96.0, Align::Start);
    let mut typesetter = typesetter();
    let free = typesetter.set("Open Mic", &style, 1420.0, 500.0).unwrap();
    assert!(free.height > 96.0 * 0.98 + 1.0, "{free:?}");
    for less in 1..40 {
        let height = free.height - less as f32;
        let block = typesetter.set("Open Mic", &style, 1420.0, height).unwrap();
        assert!(block.height <= height + 0.5, "{height}: {block:?}");
        assert!(block.size > free.size * height / free.height * 0.9);
    }
}

#[test]
fn lines_keep_to_the_side_that_their_style_names() {
    let mut typesetter = typesetter();
    let mut ink = |align| {
        let style = style(TypeStyle::Plain, 40.0, align);
        typesetter.set("jazz", &style, 1000.0, 100.0).unwrap().ink
    };
    let (start, center, end) = (ink(Align::Start), ink(Align::Center), ink(Align::End));
    assert!(start.x < 5.0 && end.right() > 995.0, "{start:?} {end:?}");
    assert!(
        (center.x - (1000.0 - center.right())).abs() < 5.0,
        "{center:?}"
    );
}

#[test]
fn a_trimmed_block_begins_with_its_first_pixel() {
    let mut typesetter = typesetter();
    let style = style(TypeStyle::Plain, 40.0, Align::Center);
    let mut block = typesetter.set("jazz", &style, 1000.0, 100.0).unwrap();
    let (first, width) = (block.clusters[0].x - block.ink.x, block.ink.width);
    assert_eq!(block.trim(), width);
    assert_eq!(block.ink.x, 0.0);
    assert_eq!(block.clusters[0].x, first);
    let glyphs = block.glyphs.clone();
    assert_eq!(typesetter.ink(&glyphs, block.size).x, 0.0);
}

#[test]
fn only_letters_that_stand_apart_are_tracked() {
    for apart in ["JAZZ 2026", "Вечер", "ジャズの夜", "שירה", "Βραδιά — «1»"]
    {
        assert!(letters_stand_apart(apart), "{apart}");
    }
    for joined in ["जैज़", "ليلة", "இசை", "ดนตรี", "Jazz ليلة"] {
        assert!(!letters_stand_apart(joined), "{joined}");
    }
}

use std::path::Path;

use super::{fit::LaidOut, *};
use crate::{
    check::{RenderFault, RenderReport},
    clean::Piece,
    color::WHITE,
    loss::Lost,
};

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
        air: 0.0,
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

/// The report of a picture of `block` alone, on white paper with what `paint` draws on it.
fn drawn(
    typesetter: &mut Typesetter,
    block: &Block,
    paint: impl FnOnce(&mut Sheet),
) -> RenderReport {
    let mut sheet = Sheet::new(2000, 1600, WHITE, 0.0).unwrap();
    paint(&mut sheet);
    typesetter.draw(&mut sheet, block, 100.0, 100.0);
    sheet.finish().unwrap().1
}

fn title(size: f32) -> TextStyle {
    TextStyle {
        smallest: size,
        most_lines: 4,
        leading: 0.93,
        balanced: true,
        ..style(TypeStyle::Loud, size, Align::Start)
    }
}

/// Titles with tall letters under deep ones.
const TALL_AND_DEEP: [&str; 8] = [
    "Београдски џез фестивал",
    "Ngọc Nghệ Ễ Ngỹ Ặ",
    "Çırağan Ångström Ş Ä",
    "Ὀδύσσεια ᾳ Ἄνθρωπος",
    "मुंबई की कूँज रात्रि",
    "เก็บปู่ญี่ปุ่น ปู่ญี่ปุ่น",
    "مهرجان عربيّ إلى جدّة",
    "Monsoon jazz ÅÄÖ",
];

#[test]
fn no_line_touches_the_next() {
    let mut typesetter = typesetter();
    for text in TALL_AND_DEEP {
        let mut two_lines = 0;
        for size in [12.0, 19.0, 40.0, 150.0] {
            for width in [4.0, 5.0, 7.0] {
                let block = typesetter.set(text, &title(size), size * width, 1400.0);
                let block = block.unwrap();
                two_lines += usize::from(block.lines > 1);
                let report = drawn(&mut typesetter, &block, |_| ());
                assert_eq!(report.faults(), [], "{text} at {size}");
                for pair in report.texts[0].line_inks.windows(2) {
                    let gap = pair[1].y - pair[0].bottom();
                    assert!(
                        gap >= (size * 0.06 - 3.0).max(0.0),
                        "{text} at {size}: {gap}"
                    );
                }
            }
        }
        assert!(two_lines > 2, "{text}");
    }
}

#[test]
fn the_leading_is_raised_only_where_letters_need_it() {
    let mut typesetter = typesetter();
    let mut distance = |text| {
        let style = title(100.0);
        let block = typesetter.set(text, &style, 420.0, 1400.0).unwrap();
        assert_eq!(block.lines, 2, "{text}");
        block.line_inks[1].bottom() - block.line_inks[0].bottom()
    };
    // Without a letter below the baseline or above the capitals.
    assert!((distance("HOUSE MUSIC") - 93.0).abs() <= 1.0);
    // The same baselines, but with an accent.
    assert!(distance("HOUSE MẤSIC") > 94.0);
}

#[test]
fn lines_that_are_too_close_are_a_fault() {
    let mut typesetter = typesetter();
    let style = title(100.0);
    let cleaned = typesetter.clean("Jazzy ÅÄÖ");
    let shaped = typesetter.shape(&cleaned, 0.0, &style).unwrap();
    let attempt = SizeAttempt {
        style: &style,
        width: 320.0,
        side: 0.0,
        height: 1000.0,
        leading: 0.8,
        most_lines: 4,
    };
    let lines = shaped.lines(320.0, layout::Breaks::Allowed);
    assert_eq!(lines.len(), 2);
    for (leading, touches) in [(0.8, true), (1.4, false)] {
        let laid_out = LaidOut {
            lines: lines.clone(),
            size: 100.0,
            leading,
        };
        let block = typesetter.measure(&cleaned, &shaped, &laid_out, &attempt, false);
        let faults = drawn(&mut typesetter, &block, |_| ()).faults();
        let fault = RenderFault::TouchingLines {
            role: "text",
            line: 0,
        };
        assert_eq!(faults.contains(&fault), touches, "{leading}: {faults:?}");
    }
}

#[test]
fn a_word_in_two_faces_is_a_fault_and_an_emoji_beside_it_is_none() {
    let mut typesetter = typesetter();
    let piece = |text: &str, name| Piece {
        text: text.to_owned(),
        face: Face::named(name),
    };
    let style = style(TypeStyle::Plain, 40.0, Align::Start);
    let mut faults = |pieces| {
        let cleaned = Clean {
            pieces,
            lost: Lost::default(),
            han: None,
            script: Script::Latin,
        };
        let block = typesetter.set_cleaned(&cleaned, &style, 900.0, 100.0);
        drawn(&mut typesetter, &block.unwrap().unwrap(), |_| ()).faults()
    };
    let mixed = vec![
        piece("Jazz K", "Inter Regular"),
        piece("ṛ", "Noto Sans Medium"),
        piece("sna", "Inter Regular"),
    ];
    let fault = RenderFault::MixedFaces {
        role: "text",
        word: "Kṛsna".to_owned(),
    };
    assert_eq!(faults(mixed), [fault]);
    let two_words = vec![
        piece("Jazz ", "Inter Regular"),
        piece("Night", "Noto Sans Medium"),
    ];
    let fault = RenderFault::MixedFaces {
        role: "text",
        word: "Night".to_owned(),
    };
    assert_eq!(faults(two_words), [fault]);
    let right = vec![
        piece("Jazz", "Inter Regular"),
        piece("🎉", "Noto Emoji Bold"),
        piece(" ", "Inter Regular"),
        piece("Вечер", "Inter SemiBold"),
    ];
    assert_eq!(faults(right), []);
}

#[test]
fn only_the_pixels_under_its_letters_count_for_the_contrast_of_a_text() {
    let mut typesetter = typesetter();
    let style = style(TypeStyle::Plain, 40.0, Align::Start);
    let block = typesetter.set("jazz", &style, 900.0, 100.0).unwrap();
    let ink = Area {
        x: block.ink.x + 100.0,
        y: block.ink.y + 100.0,
        ..block.ink
    };
    let grey = |value| Color {
        red: value,
        green: value,
        blue: value,
    };
    // Around the letters, and under their lower half.
    let around = Area {
        y: ink.bottom(),
        height: 40.0,
        ..ink
    };
    let under = Area {
        y: ink.y + ink.height / 2.0,
        ..ink
    };
    for (ground, area, contrast, on_art) in [
        (0, around, true, false),
        (0, under, false, true),
        // Black on this grey has 5.3 by WCAG, and 35 by APCA.
        (0x7f, under, false, true),
        (0xe0, under, true, true),
    ] {
        let report = drawn(&mut typesetter, &block, |sheet| {
            sheet.fill(grey(ground), |path| crate::shapes::rectangle(path, area));
        });
        let text = &report.texts[0];
        assert_eq!(text.on_art, on_art, "{ground}");
        let faults = report.faults();
        let is_fault = |fault: &RenderFault| matches!(fault, RenderFault::ContrastOnArt { .. });
        assert_eq!(
            !faults.iter().any(is_fault),
            contrast,
            "{ground}: {faults:?}"
        );
    }
}

#[test]
fn a_text_is_cut_after_a_word_and_never_to_an_ellipsis_alone() {
    let mut typesetter = typesetter();
    for (text, ends) in [
        ("Three stages by the sea, and improvisation", " "),
        ("เทศกาลดนตรีริมทะเลสาบ", "ล|ี|ม|บ"),
        ("서울국제음악제 개막공연 안내", "제|연"),
    ] {
        let words: Vec<usize> = match ends {
            " " => text.match_indices(' ').map(|(at, _)| at).collect(),
            _ => Vec::new(),
        };
        for width in (160..700).step_by(13) {
            let style = TextStyle {
                most_lines: 1,
                smallest: 40.0,
                ..style(TypeStyle::Plain, 40.0, Align::Start)
            };
            let block = typesetter.set(text, &style, width as f32, 100.0).unwrap();
            if !block.cut {
                continue;
            }
            let left = block.text.strip_suffix('…').unwrap();
            assert!(!left.is_empty(), "{text} at {width}");
            assert!(text.starts_with(left), "{left}");
            if !words.is_empty() {
                let is_word = words.contains(&left.len()) || left == "Three stages by the sea";
                assert!(is_word, "{left} at {width}");
            } else if width > 300 {
                assert!(
                    ends.split('|').any(|end| left.ends_with(end)),
                    "{left} at {width}"
                );
            }
        }
    }
}

#[test]
fn a_cut_text_keeps_the_korean_words_on_its_lines_whole() {
    let mut typesetter = typesetter();
    let text =
        "제12회 국제 판소리와 재즈 페스티벌: 흥부가, 춘향가, 그리고 뉴올리언스의 밤을 잇는 닷새";
    let style = TextStyle {
        most_lines: 2,
        smallest: 40.0,
        ..style(TypeStyle::Strong, 40.0, Align::Start)
    };
    for width in (300..640).step_by(20) {
        let block = typesetter.set(text, &style, width as f32, 140.0).unwrap();
        assert!(block.cut && block.lines == 2, "{width}");
        let second = block.clusters.iter().filter(|cluster| cluster.line == 1);
        let begins = second.map(|cluster| cluster.text.start).min().unwrap();
        assert!(
            block.text[..begins].ends_with(' '),
            "{width}: {}",
            &block.text[begins..]
        );
    }
}

#[test]
fn a_word_that_is_too_long_is_cut_inside_and_a_long_one_does_not_take_all() {
    let mut typesetter = typesetter();
    let style = TextStyle {
        most_lines: 1,
        smallest: 40.0,
        ..style(TypeStyle::Plain, 40.0, Align::Start)
    };
    let mut cut = |text, width, height| {
        let block = typesetter.set(text, &style, width, height).unwrap();
        assert!(block.cut);
        block.text
    };
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk";
    assert!(cut(long, 400.0, 100.0).len() > 12);
    let after_a_short_word = format!("A {long}");
    assert!(cut(&after_a_short_word, 400.0, 100.0).len() > 12);
    // Too low for a line, and too narrow for a letter.
    assert_eq!(cut("Open Mic Night", 200.0, 3.0), "Open…");
    assert_eq!(cut("Open Mic Night", 8.0, 100.0), "O…");
}

#[test]
fn no_title_ends_in_a_line_that_is_far_too_short() {
    let mut typesetter = typesetter();
    for text in [
        "An Evening of Jazz in Goa",
        "Internationale Konferenz 7",
        "The Founders’ Dinner at No. 1",
        "A very long winter and a short I",
        "Monsoon Jazz Festival Mumbai by the Sea in II",
        // Lines as even as they can be would still leave the last word alone.
        "MUSIC MUSIC MUSIC MUSIC I",
    ] {
        for width in (300..1400).step_by(37) {
            let style = TextStyle {
                smallest: 60.0,
                most_lines: 6,
                ..title(100.0)
            };
            let block = typesetter.set(text, &style, width as f32, 1400.0).unwrap();
            let widths = block.line_inks.iter().map(|ink| ink.width);
            let widest = widths.fold(0.0, f32::max);
            let last = block.line_inks.last().unwrap().width;
            // A last word may be alone if the one before it is long.
            let words = block.text.split(' ').count();
            if block.lines < words && !block.cut && block.lines > 1 {
                let share = last / widest;
                assert!(share >= 0.24, "{text} at {width}: {share}");
            }
        }
    }
}

#[test]
fn the_letters_of_a_title_keep_free_of_what_is_above_and_below() {
    let mut typesetter = typesetter();
    let style = TextStyle {
        air: TITLE_AIR,
        ..title(100.0)
    };
    for text in TALL_AND_DEEP {
        let block = typesetter.set(text, &style, 500.0, 1400.0).unwrap();
        assert!(block.ink.y >= 10.0, "{text}: {block:?}");
        assert!(block.height - block.ink.bottom() >= 10.0, "{text}");
    }
}

#[test]
fn words_in_nastaliq_are_further_apart_than_the_face_has_them() {
    let mut typesetter = typesetter();
    let locale = Locale::parse("ur-PK").unwrap();
    typesetter.set_locale(Some(&locale));
    let style = style(TypeStyle::Plain, 40.0, Align::Start);
    for between in [" ", "\u{a0}"] {
        let text = format!("شام{between}غزل");
        let block = typesetter.set(&text, &style, 900.0, 200.0).unwrap();
        let space = block
            .clusters
            .iter()
            .find(|cluster| &block.text[cluster.text.clone()] == between)
            .unwrap();
        assert!(space.face.contains("Nastaliq"));
        assert!(space.width > 40.0 * 0.24, "{}", space.width);
    }
}

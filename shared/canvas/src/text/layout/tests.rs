use std::path::Path;

use unicode_script::Script;

use super::*;
use crate::{
    clean::{Piece, clean},
    fonts::TypeStyle,
    loss::Lost,
};

fn fonts() -> Fonts {
    Fonts::load(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))
    .unwrap()
}

fn reader(tag: &str, right_to_left: bool) -> Reader<'_> {
    Reader::of(tag, None, right_to_left)
}

fn shaped(text: &str, reader: &Reader<'_>, tracking: f32) -> (String, Shaped) {
    let mut fonts = fonts();
    let cleaned = clean(&fonts, TypeStyle::Plain, reader, text);
    let how = How {
        reader,
        tracking,
        proportional: false,
    };
    let shaped = Shaper::new().shape(&mut fonts, &cleaned, &how).unwrap();
    (cleaned.text(), shaped)
}

/// The characters of each line, cluster by cluster from left to right.
fn lines(text: &str, reader: &Reader<'_>, width: f32, breaks: Breaks<'_>) -> Vec<String> {
    let (text, shaped) = shaped(text, reader, 0.0);
    let lines = shaped.lines(width, breaks);
    let lines = lines.iter().map(|line| {
        let clusters = shaped.place(line).clusters;
        clusters
            .iter()
            .map(|cluster| &text[cluster.text.clone()])
            .collect()
    });
    lines.collect()
}

const ENGLISH: Reader<'static> = Reader {
    tag: "en",
    han: None,
    right_to_left: false,
    nastaliq: false,
};

#[test]
fn a_line_ends_at_the_last_word_that_fits() {
    let text = "An evening of jazz";
    assert_eq!(
        lines(text, &ENGLISH, 700.0, Breaks::Allowed),
        ["An evening of", "jazz"]
    );
    assert_eq!(lines(text, &ENGLISH, 5000.0, Breaks::Allowed), [text]);
    assert_eq!(
        lines(text, &ENGLISH, 10.0, Breaks::Allowed),
        ["An", "evening", "of", "jazz"]
    );
    // Not before "jazz".
    assert_eq!(
        lines(text, &ENGLISH, 700.0, Breaks::Except(&[14])),
        ["An evening", "of jazz"]
    );
}

#[test]
fn a_word_wider_than_the_line_is_broken_only_if_that_is_asked_for() {
    let text = "An extraordinary evening";
    let width = 400.0;
    assert_eq!(
        lines(text, &ENGLISH, width, Breaks::Allowed),
        ["An", "extraordinary", "evening"]
    );
    let broken = lines(text, &ENGLISH, width, Breaks::Anywhere);
    assert_eq!(broken.concat(), "Anextraordinaryevening");
    assert_eq!(broken[0], "An");
    let (_, shaped) = shaped(text, &ENGLISH, 0.0);
    for line in shaped.lines(width, Breaks::Anywhere) {
        assert!(line.width <= width, "{line:?}");
    }
    // One letter a line, because none of them fits.
    assert_eq!(
        shaped.lines(1.0, Breaks::Anywhere).len(),
        text.replace(' ', "").len()
    );
}

#[test]
fn the_space_at_the_end_of_a_line_takes_no_room() {
    let (_, two) = shaped("jazz jazz", &ENGLISH, 0.0);
    let (_, one) = shaped("jazz", &ENGLISH, 0.0);
    let lines = two.lines(one.lines(1e6, Breaks::Allowed)[0].width, Breaks::Allowed);
    assert_eq!(lines.len(), 2);
    assert_eq!(two.place(&lines[0]).clusters.len(), 4);
}

#[test]
fn tracking_is_between_letters_and_not_after_the_last() {
    let width = |tracking| {
        let (_, shaped) = shaped("jazz", &ENGLISH, tracking);
        shaped.lines(1e6, Breaks::Allowed)[0].width
    };
    assert!((width(0.1) - width(0.0) - 3.0 * 10.0).abs() < 0.01);
}

#[test]
fn thai_lao_khmer_and_burmese_break_between_words() {
    // No face is needed to find the breaks.
    let shaper = Shaper::new();
    for (text, words) in [
        ("เทศกาลดนตรี", &["เทศกาล", "ดนตรี"][..]),
        ("ງານບຸນ", &["ງານ", "ບຸນ"]),
        ("លោកមកពីប្រទេសណា", &["លោក", "មក", "ពី", "ប្រទេស", "ណា"]),
        ("မြန်မာစာ", &["မြန်မာ", "စာ"]),
    ] {
        let breaks = shaper.dictionary_breaks(text);
        let found: Vec<&str> = breaks
            .windows(2)
            .map(|ends| &text[ends[0]..ends[1]])
            .collect();
        assert_eq!(found, words);
    }
    assert!(shaper.dictionary_breaks("An evening of jazz").is_empty());
}

#[test]
fn a_line_in_arabic_runs_from_right_to_left_with_its_number_whole() {
    let reader = reader("ar", true);
    let lines = lines("باب 12", &reader, 5000.0, Breaks::Allowed);
    let letters: Vec<char> = lines[0].chars().collect();
    assert_eq!(letters, ['1', '2', ' ', 'ب', 'ا', 'ب']);
}

#[test]
fn each_line_is_put_in_order_by_itself() {
    let reader = reader("ar", true);
    let (text, shaped) = shaped("واحد one two ثلاثة", &reader, 0.0);
    // As narrow as the first two words.
    let all = shaped.lines(1.0, Breaks::Allowed);
    let width = shaped.stretch(0..all[1].atoms.end).width;
    let lines = shaped.lines(width, Breaks::Allowed);
    let words = |line: &Stretch| -> String {
        let clusters = shaped.place(line).clusters;
        let letters = clusters.iter().map(|cluster| &text[cluster.text.clone()]);
        letters.collect()
    };
    assert_eq!(words(&lines[0]), "one \u{62f}\u{62d}\u{627}\u{648}");
    assert_eq!(words(&lines[1]), "\u{629}\u{62b}\u{627}\u{644}\u{62b} two");
}

#[test]
fn a_paragraph_has_the_direction_of_the_reader_unless_it_has_no_letter_of_it() {
    for (text, right_to_left, expected) in [
        ("Jazz في جدة", true, BaseDirection::Rtl),
        ("12:30 – 14:00", true, BaseDirection::Rtl),
        ("Jazz Night!", true, BaseDirection::Ltr),
        ("Jazz في جدة", false, BaseDirection::Auto),
    ] {
        assert_eq!(
            base_direction(text, &reader("ar", right_to_left)),
            expected,
            "{text}"
        );
    }
}

#[test]
fn a_word_in_two_faces_is_in_order() {
    let mut fonts = fonts();
    let piece = |text: &str, name| Piece {
        text: text.to_owned(),
        face: Face::all().find(|face| face.name() == name).unwrap(),
    };
    let cleaned = Clean {
        pieces: vec![
            piece("شركة", "Noto Sans Arabic Medium"),
            piece("+", "Inter Regular"),
            piece("نقطة", "Noto Sans Arabic Medium"),
        ],
        lost: Lost::default(),
        han: None,
        script: Script::Arabic,
    };
    let how = How {
        reader: &reader("ar", true),
        tracking: 0.0,
        proportional: false,
    };
    let shaped = Shaper::new().shape(&mut fonts, &cleaned, &how).unwrap();
    let line = shaped.place(&shaped.lines(1e6, Breaks::Allowed)[0]);
    let (text, clusters) = (cleaned.text(), line.clusters);
    let order: String = clusters
        .iter()
        .map(|cluster| &text[cluster.text.clone()])
        .collect();
    assert_eq!(order, text.chars().rev().collect::<String>());
    assert!(clusters.is_sorted_by(|one, other| one.x + one.advance <= other.x + 0.01));
    let plus = clusters
        .iter()
        .position(|cluster| &text[cluster.text.clone()] == "+");
    assert_eq!(clusters[plus.unwrap()].face.name(), "Inter Regular");
}

#[test]
fn a_line_does_not_begin_inside_a_telephone_number() {
    let text = "Ring +49 30 1234 567";
    let width = shaped(text, &ENGLISH, 0.0)
        .1
        .lines(f32::MAX, Breaks::Allowed)[0]
        .width;
    assert_eq!(
        lines(text, &ENGLISH, width - 1.0, Breaks::Allowed),
        ["Ring", "+49 30 1234 567"]
    );
}

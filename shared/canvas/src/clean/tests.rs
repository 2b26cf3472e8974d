use std::path::Path;

use super::*;

fn pieces(type_style: TypeStyle, han: Option<Han>, text: &str) -> Vec<(String, Face)> {
    let fonts = Fonts::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/cjk"))).unwrap();
    let reader = Reader {
        tag: "en",
        han,
        right_to_left: false,
    };
    let cleaned = clean(&fonts, type_style, &reader, text);
    cleaned
        .pieces
        .into_iter()
        .map(|piece| (piece.text, piece.face))
        .collect()
}

fn faces(han: Option<Han>, text: &str) -> Vec<Face> {
    pieces(TypeStyle::Plain, han, text)
        .into_iter()
        .map(|(_, face)| face)
        .collect()
}

#[test]
fn the_readers_language_decides_the_form_of_chinese_characters() {
    for (han, face) in [
        (Han::Japanese, Face::NotoSansJp),
        (Han::Simplified, Face::NotoSansSc),
        (Han::Traditional, Face::NotoSansTc),
    ] {
        assert_eq!(faces(Some(han), "直骨"), [face]);
    }
    // The Korean face has no Chinese characters; Korea uses the traditional ones.
    assert_eq!(
        faces(Some(Han::Korean), "한국 直骨"),
        [Face::NotoSansKr, Face::InterRegular, Face::NotoSansTc]
    );
}

#[test]
fn without_a_language_the_text_decides_the_form_of_its_characters() {
    for (text, face) in [
        ("夏の夜", Face::NotoSansJp),
        ("音楽祭", Face::NotoSansJp),
        ("上海国际音乐节", Face::NotoSansSc),
        ("爵士樂團", Face::NotoSansTc),
        ("서울", Face::NotoSansKr),
        ("中文", Face::NotoSansSc),
    ] {
        assert_eq!(faces(None, text), [face], "{text}");
    }
}

#[test]
fn another_face_covers_what_the_first_lacks() {
    assert_eq!(
        faces(Some(Han::Japanese), "东京서울"),
        [Face::NotoSansSc, Face::NotoSansJp, Face::NotoSansKr]
    );
}

#[test]
fn wide_letters_and_digits_become_latin() {
    assert_eq!(
        pieces(TypeStyle::Plain, Some(Han::Japanese), "第１２回ＪＡＺＺ！"),
        [
            ("第".to_owned(), Face::NotoSansJp),
            ("12".to_owned(), Face::InterRegular),
            ("回".to_owned(), Face::NotoSansJp),
            ("JAZZ".to_owned(), Face::InterRegular),
            ("！".to_owned(), Face::NotoSansJp),
        ]
    );
}

#[test]
fn quotation_marks_are_wide_in_chinese_and_narrow_in_latin_text() {
    let of_quotes = |text: &str| -> Vec<Face> {
        let pieces = pieces(TypeStyle::Plain, Some(Han::Simplified), text).into_iter();
        pieces
            .filter(|(text, _)| text.contains(['“', '”', '’']))
            .map(|(_, face)| face)
            .collect()
    };
    assert_eq!(of_quotes("“你好”他说"), [Face::NotoSansSc]);
    assert_eq!(of_quotes("他听“Jazz”音乐"), [Face::NotoSansSc; 2]);
    assert_eq!(of_quotes("周末听Rock’n’Roll现场演出"), [Face::InterRegular]);
    assert_eq!(of_quotes("The “Night” of 京都"), [Face::InterRegular]);
}

#[test]
fn digits_in_a_chinese_title_have_the_weight_of_text() {
    assert_eq!(
        pieces(TypeStyle::Loud, None, "夏の音楽祭2026")
            .last()
            .unwrap()
            .1,
        Face::InterSemiBold
    );
    assert_eq!(
        pieces(TypeStyle::Loud, None, "18日").first().unwrap().1,
        Face::BricolageExtraBold
    );
}

#[test]
fn a_kana_keeps_at_most_three_marks() {
    let text: String = pieces(
        TypeStyle::Plain,
        None,
        &format!("か{}", "\u{309a}".repeat(20)),
    )
    .into_iter()
    .map(|p| p.0)
    .collect();
    assert!(text.chars().count() <= 4, "{text}");
}

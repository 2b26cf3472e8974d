use std::path::Path;

use super::*;

const NO_ONE: Reader<'_> = Reader {
    tag: "en",
    han: None,
    right_to_left: false,
    nastaliq: false,
};

fn fonts() -> Fonts {
    Fonts::load(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))
    .unwrap()
}

fn read(han: Option<Han>) -> Reader<'static> {
    Reader { han, ..NO_ONE }
}

/// The pieces of `text` with the names of their faces.
fn named(style: TypeStyle, reader: &Reader<'_>, text: &str) -> Vec<(String, &'static str)> {
    clean(&fonts(), style, reader, text)
        .pieces
        .into_iter()
        .map(|piece| (piece.text, piece.face.name()))
        .collect()
}

fn pieces(style: TypeStyle, han: Option<Han>, text: &str) -> Vec<(String, Face)> {
    clean(&fonts(), style, &read(han), text)
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

fn lost(text: &str) -> Lost {
    clean(&fonts(), TypeStyle::Plain, &NO_ONE, text).lost
}

fn kept(text: &str) -> String {
    clean(&fonts(), TypeStyle::Plain, &NO_ONE, text).text()
}

/// Whether one face sets all of `text`, in every type style.
fn assert_one_face(reader: &Reader<'_>, text: &str) {
    for style in [
        TypeStyle::Loud,
        TypeStyle::Festive,
        TypeStyle::Strong,
        TypeStyle::Plain,
    ] {
        let pieces = named(style, reader, text);
        assert_eq!(pieces.len(), 1, "{style:?}: {pieces:?}");
    }
}

#[test]
fn a_word_keeps_one_face_with_what_is_attached_to_it() {
    for text in [
        "أمسية \"ليلة الشعر\" في جدة",
        "غرينتش+٣",
        "#الرياض",
        "شركة+نقطة",
        "(خصم 20%)",
        "خیابان حافظ، تهران",
        "ڕۆژ",
        "پښتو",
        "سنڌي",
        "ئۇيغۇر",
        "\u{201c}மதுரை\u{201d} (2026)",
        "২০% ছাড়!",
        "सोमवार, 10:30–12:00",
        "ירושלים: \"ערב שירה\" (2026)",
        "กรุงเทพฯ (2569)",
    ] {
        assert_one_face(&NO_ONE, text);
    }
}

#[test]
fn a_latin_word_is_never_in_two_faces() {
    for text in [
        "Kṛṣṇa",
        "Ḍholak",
        "Ἀγάπη",
        "Àṣà",
        "Ọjọ́",
        "Ƙasa",
        "Ɗan",
        "Ɔdɔ",
        "Yɛ",
        "Ɛwe",
        "Ɖɔ",
        "nǐhǎo",
        "Əlvida",
        "Nghệ",
        "Ångström",
        "Ẹ̀kọ́",
        "ʻOkina",
    ] {
        assert_one_face(&NO_ONE, text);
        assert_eq!(lost(text).characters(), 0, "{text}");
    }
}

#[test]
fn the_words_of_one_script_have_one_face_in_titles_and_in_texts() {
    for (style, text, face) in [
        (TypeStyle::Loud, "Ƙasa Ɗan Fulani", "Noto Sans ExtraBold"),
        (
            TypeStyle::Strong,
            "Kungiyar Mawaƙa ta Arewa",
            "Noto Sans Medium",
        ),
        (TypeStyle::Plain, "with Ɗan Fulani", "Noto Sans Medium"),
    ] {
        assert_eq!(named(style, &NO_ONE, text), [(text.to_owned(), face)]);
    }
}

#[test]
fn latin_words_beside_a_medium_script_are_as_heavy_as_it() {
    for (style, text) in [
        (TypeStyle::Strong, "20:30 น. – 22:45 น. GMT+7"),
        (TypeStyle::Plain, "सोमवार, 6:30 IST"),
        (TypeStyle::Strong, "Hayy Jameel, حي"),
        (TypeStyle::Strong, "۱۸:۳۰ GMT+۴:۳۰"),
        (TypeStyle::Plain, "კონცერტი Jazz"),
    ] {
        let faces = named(style, &NO_ONE, text);
        let latin = faces
            .iter()
            .find(|(text, _)| text.contains(|c: char| c.is_ascii_alphabetic()));
        assert_eq!(latin.unwrap().1, "Noto Sans Medium", "{faces:?}");
    }
    // Alone, in titles and beside Chinese they have their own.
    for (style, text, face) in [
        (TypeStyle::Strong, "Hayy Jameel", "Inter SemiBold"),
        (TypeStyle::Strong, "18:30 土曜日 JST", "Inter SemiBold"),
        (
            TypeStyle::Loud,
            "Jazz في دبي",
            "Bricolage Grotesque ExtraBold",
        ),
    ] {
        let faces = named(style, &NO_ONE, text);
        assert!(faces.iter().any(|(_, name)| *name == face), "{faces:?}");
    }
}

#[test]
fn words_of_two_scripts_in_a_title_have_the_title_face_of_each() {
    let title = named(TypeStyle::Loud, &NO_ONE, "Jazz в Москве 24");
    let expected = [
        ("Jazz ".to_owned(), "Bricolage Grotesque ExtraBold"),
        ("в Москве 24".to_owned(), "Inter Tight ExtraBold"),
    ];
    assert_eq!(title, expected);
    // In one word both have the face that has both.
    let mixed = named(TypeStyle::Loud, &NO_ONE, "αβγ-test");
    assert_eq!(mixed, [("αβγ-test".to_owned(), "Inter SemiBold")]);
}

#[test]
fn letters_of_two_scripts_in_one_word_have_a_face_each() {
    assert_eq!(
        named(TypeStyle::Loud, &NO_ONE, "(JAZZजैज़)"),
        [
            ("(JAZZ".to_owned(), "Bricolage Grotesque ExtraBold"),
            ("जैज़)".to_owned(), "Mukta ExtraBold"),
        ]
    );
}

#[test]
fn emoji_do_not_change_the_face_of_the_words_beside_them() {
    let names: Vec<&str> = named(TypeStyle::Plain, &NO_ONE, "🎉பொங்கல்🎉 2026")
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(
        names,
        [
            "Noto Emoji Bold",
            "Noto Sans Tamil Medium",
            "Noto Emoji Bold",
            "Noto Sans Tamil Medium",
        ]
    );
}

#[test]
fn urdu_is_set_in_nastaliq_and_arabic_is_not() {
    for (tag, nastaliq) in [
        ("ur-PK", true),
        ("ur", true),
        ("ks-Arab-IN", true),
        ("ks-Deva-IN", false),
        ("pa-PK", true),
        ("pa-IN", false),
        ("sd-PK", false),
        ("ar-SA", false),
        ("fa", false),
    ] {
        let reader = Reader::of(tag, None, true);
        assert_eq!(reader.nastaliq, nastaliq, "{tag}");
    }
    let title = "محفلِ مشاعرہ ۲۰۲۶";
    let urdu = named(TypeStyle::Loud, &Reader::of("ur-PK", None, true), title);
    assert_eq!(urdu, [(title.to_owned(), "Noto Nastaliq Urdu Medium")]);
    let arabic = named(TypeStyle::Loud, &Reader::of("ar", None, true), "أمسية");
    assert_eq!(arabic, [("أمسية".to_owned(), "Lalezar")]);
}

#[test]
fn balanced_isolates_are_kept_and_others_are_dropped() {
    let phone = "هاتف: \u{2066}+966 50 123 4567\u{2069}";
    assert_eq!(kept(phone), phone);
    assert_eq!(kept("a \u{2066}b"), "a b");
    assert_eq!(kept("a\u{2069} b"), "a b");
    assert_eq!(kept("a \u{2067}\u{2066}b\u{2069}"), "a \u{2066}b\u{2069}");
    // Nothing of the isolate is left.
    assert_eq!(kept("a \u{2066}\u{200b}\u{2069}b"), "a b");
    assert_eq!(kept("a\u{202e}b\u{202c}"), "ab");
}

#[test]
fn a_cut_closes_the_isolates_that_it_opens() {
    let fonts = fonts();
    let cleaned = clean(&fonts, TypeStyle::Plain, &NO_ONE, "a \u{2066}bcd\u{2069} e");
    assert_eq!(
        cleaned.cut(&fonts, 4, Face::INTER).text(),
        "a \u{2066}b\u{2069}…"
    );
    assert_eq!(
        cleaned.cut(&fonts, 7, Face::INTER).text(),
        "a \u{2066}bcd\u{2069}…"
    );
}

#[test]
fn lost_letters_are_counted_with_their_script() {
    let tibetan = lost("བོད 2026");
    assert_eq!((tibetan.letters, tibetan.of, tibetan.signs), (2, 2, 0));
    assert_eq!(Vec::from_iter(&tibetan.scripts), [&"Tibetan"]);
    assert!(tibetan.is_most());
    let one = lost("Night of ༀ music");
    assert_eq!((one.letters, one.of), (1, 13));
    assert!(!one.is_most() && one.characters() == 1);
    let symbol = lost("\u{1d173}\u{10fffd} a");
    assert_eq!((symbol.letters, symbol.of, symbol.signs), (0, 1, 1));
    assert!(!symbol.is_most());
}

#[test]
fn what_has_no_picture_is_not_counted_as_lost() {
    for text in [
        "",
        " ",
        "a\u{200b}b",
        "\u{feff}a\u{fe0f}",
        "👍🏽",
        "a\u{2066}",
    ] {
        assert_eq!(lost(text).characters(), 0, "{text:?}");
    }
}

#[test]
fn a_letter_without_one_of_its_marks_is_counted() {
    // A mark of Old Permic on a Latin letter.
    let marked = lost("a\u{10376}b");
    assert_eq!((marked.letters, marked.of, marked.signs), (0, 2, 1));
    assert_eq!(kept("a\u{10376}b"), "ab");
}

#[test]
fn a_currency_without_a_sign_becomes_its_code() {
    for (text, drawn) in [
        ("\u{20c1}250", "SAR\u{a0}250"),
        ("\u{20c1} 250", "SAR 250"),
        ("250\u{20c1}", "250\u{a0}SAR"),
        ("250 \u{20c1}.", "250 SAR."),
        ("(\u{20c1})", "(SAR)"),
    ] {
        assert_eq!(kept(text), drawn);
        assert_eq!(lost(text).characters(), 0, "{text}");
    }
}

#[test]
fn the_sign_of_every_current_currency_is_drawn() {
    for sign in "$¢£¥₡₦₩₪₫€₭₮₱₲₴₵₸₹₺₼₽₾₿⃀฿৳៛؋﷼".chars()
    {
        let text = format!("{sign}250");
        assert_eq!(kept(&text), text);
        assert_eq!(lost(&text).characters(), 0, "{sign}");
    }
}

#[test]
fn the_script_is_that_of_most_letters() {
    for (text, script) in [
        ("DJ பொங்கல்", Script::Tamil),
        ("2026!", Script::Common),
        ("Jazz в Москве", Script::Cyrillic),
    ] {
        let cleaned = clean(&fonts(), TypeStyle::Plain, &NO_ONE, text);
        assert_eq!(cleaned.script, script, "{text}");
    }
}

#[test]
fn the_readers_language_decides_the_form_of_chinese_characters() {
    for (han, face) in [
        (Han::Japanese, Face::JAPANESE),
        (Han::Simplified, Face::SIMPLIFIED),
        (Han::Traditional, Face::TRADITIONAL),
    ] {
        assert_eq!(faces(Some(han), "直骨"), [face]);
    }
    // The Korean face has no Chinese characters; Korea uses the traditional ones.
    assert_eq!(
        faces(Some(Han::Korean), "한국 直骨"),
        [Face::KOREAN, Face::INTER, Face::TRADITIONAL]
    );
}

#[test]
fn without_a_language_the_text_decides_the_form_of_its_characters() {
    for (text, face) in [
        ("夏の夜", Face::JAPANESE),
        ("音楽祭", Face::JAPANESE),
        ("上海国际音乐节", Face::SIMPLIFIED),
        ("爵士樂團", Face::TRADITIONAL),
        ("서울", Face::KOREAN),
        ("中文", Face::SIMPLIFIED),
    ] {
        assert_eq!(faces(None, text), [face], "{text}");
    }
}

#[test]
fn another_face_covers_what_the_first_lacks() {
    assert_eq!(
        faces(Some(Han::Japanese), "东京서울"),
        [Face::SIMPLIFIED, Face::JAPANESE, Face::KOREAN]
    );
}

#[test]
fn wide_letters_and_digits_become_latin() {
    assert_eq!(
        pieces(TypeStyle::Plain, Some(Han::Japanese), "第１２回ＪＡＺＺ！"),
        [
            ("第".to_owned(), Face::JAPANESE),
            ("12".to_owned(), Face::INTER),
            ("回".to_owned(), Face::JAPANESE),
            ("JAZZ".to_owned(), Face::INTER),
            ("！".to_owned(), Face::JAPANESE),
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
    assert_eq!(of_quotes("“你好”他说"), [Face::SIMPLIFIED]);
    assert_eq!(of_quotes("他听“Jazz”音乐"), [Face::SIMPLIFIED; 2]);
    assert_eq!(of_quotes("周末听Rock’n’Roll现场演出"), [Face::INTER]);
    assert_eq!(of_quotes("The “Night” of 京都"), [Face::INTER]);
}

#[test]
fn digits_in_a_chinese_title_have_the_weight_of_text() {
    let name = |piece: Option<&(String, Face)>| piece.map(|(_, face)| face.name());
    let title = pieces(TypeStyle::Loud, None, "夏の音楽祭2026");
    assert_eq!(name(title.last()), Some("Inter SemiBold"));
    let day = pieces(TypeStyle::Loud, None, "18日");
    assert_eq!(name(day.first()), Some("Bricolage Grotesque ExtraBold"));
}

#[test]
fn a_kana_keeps_at_most_three_marks() {
    let text = kept(&format!("か{}", "\u{309a}".repeat(20)));
    assert!(text.chars().count() <= 4, "{text}");
}

#[test]
fn a_sign_before_a_character_of_another_face_is_left_out_alone() {
    let cleaned = clean(&fonts(), TypeStyle::Plain, &NO_ONE, "\u{600}🌀ऄA");
    assert_eq!(cleaned.text(), "🌀ऄA");
    assert_eq!(cleaned.lost.characters(), 1);
    // With a digit of its face it is drawn.
    let cleaned = clean(&fonts(), TypeStyle::Plain, &NO_ONE, "\u{600}٢");
    assert_eq!(cleaned.text(), "\u{600}٢");
}

//! The order of text in mixed directions, on whole pictures: what is drawn, from left to right.

use std::{
    ops::Range,
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use canvas::{Canvas, ClusterBox, Drawing, DrawnText};
use contract::{AssetKind, Configuration};
use serde_json::{Value, json};
use unicode_bidi::{BidiInfo, Level};

/// One canvas for all tests, because a render must not depend on earlier ones.
static CANVAS: LazyLock<Mutex<Canvas>> = LazyLock::new(|| {
    Mutex::new(
        Canvas::new(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fonts/files"
        )))
        .unwrap(),
    )
});

/// The texts of a poster in `locale` with these facts.
fn poster(locale: &str, mut facts: Value) -> Vec<DrawnText> {
    facts["locale"] = json!(locale);
    if facts.get("title").is_none() {
        facts["title"] = json!("حفل");
    }
    let configuration: Configuration = serde_json::from_value(facts).unwrap();
    let mut canvas = CANVAS.lock().unwrap_or_else(PoisonError::into_inner);
    let rendered = canvas
        .render(&Drawing {
            asset: AssetKind::Poster,
            configuration: &configuration,
            look: "one look for all",
            logo: None,
            painting: None,
        })
        .unwrap();
    let faults = rendered.report.faults();
    assert!(faults.is_empty(), "{faults:?}");
    rendered.report.texts
}

/// The text of a poster that contains `words`.
fn drawn(locale: &str, facts: Value, words: &str) -> DrawnText {
    let texts = poster(locale, facts);
    let all: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
    let found = all.iter().position(|text| text.contains(words));
    let found = found.unwrap_or_else(|| panic!("{words} is not among {all:?}"));
    texts[found].clone()
}

/// The places of `words` in `text`, where they follow each other in this order.
fn places(text: &str, words: &[&str]) -> Vec<Range<usize>> {
    let mut from = 0;
    let place = words.iter().map(|word| {
        let start = from
            + text[from..]
                .find(word)
                .unwrap_or_else(|| panic!("{word} in {text}"));
        from = start + word.len();
        start..from
    });
    place.collect()
}

/// What is wrong with the order of `words` on their line, if anything is: `left_to_right` has their
/// numbers.
fn disorder(text: &DrawnText, words: &[&str], left_to_right: &[usize]) -> Option<String> {
    let mut edge = f32::NEG_INFINITY;
    let places = places(&text.text, words);
    for number in left_to_right {
        let inside = |cluster: &&ClusterBox| {
            places[*number].contains(&cluster.text.start) && !cluster.glyphs.is_empty()
        };
        let clusters: Vec<&ClusterBox> = text.clusters.iter().filter(inside).collect();
        let left = clusters
            .iter()
            .map(|cluster| cluster.x)
            .fold(f32::MAX, f32::min);
        if left < edge - 0.5 {
            return Some(format!("`{}` is too far left", words[*number]));
        }
        // Letters of a word run in its direction.
        for pair in clusters.windows(2) {
            let rightwards = pair[0].text.start < pair[1].text.start;
            if rightwards != (pair[0].level % 2 == 0) {
                return Some(format!("`{}` runs the wrong way", words[*number]));
            }
        }
        let right = |cluster: &&ClusterBox| cluster.x + cluster.width;
        edge = clusters.iter().map(right).fold(edge, f32::max);
    }
    None
}

#[track_caller]
fn assert_order(text: &DrawnText, words: &[&str], left_to_right: &[usize]) {
    assert_eq!(disorder(text, words, left_to_right), None, "{}", text.text);
}

#[test]
fn the_offset_of_a_time_zone_stays_beside_its_sign() {
    // CLDR has a left-to-right mark before the sign, so Latin digits follow it to the right.
    for (locale, zone, digit, order) in [
        ("ar-SA", "Asia/Riyadh", "٣", [2, 1, 0]),
        ("ar-AE", "Asia/Dubai", "4", [1, 2, 0]),
    ] {
        let facts = json!({ "startsAt": "2026-07-18T18:30:00+03:00", "timeZone": zone });
        let text = drawn(locale, facts, "غرينتش");
        assert_order(&text, &["غرينتش", "+", digit], &order);
    }
}

#[test]
fn quotation_marks_stand_around_their_phrase() {
    let facts = json!({ "title": "أمسية \"ليلة الشعر\" في جدة" });
    let text = drawn("ar-SA", facts, "ليلة");
    assert_eq!(text.lines, 2, "{text:?}");
    let words = ["أمسية", "\"", "ليلة", "الشعر", "\"", "في", "جدة"];
    for (line, _) in lines(&text).iter().enumerate() {
        let places = places(&text.text, &words);
        let on_line = |number: &usize| {
            let begins = places[*number].start;
            let is_first = |cluster: &&ClusterBox| cluster.text.start == begins;
            text.clusters.iter().find(is_first).unwrap().line == line
        };
        let order: Vec<usize> = (0..words.len()).rev().filter(on_line).collect();
        assert_order(&text, &words, &order);
    }
}

#[test]
fn a_hashtag_begins_at_the_right() {
    let text = drawn("ar-SA", json!({ "title": "#الرياض" }), "الرياض");
    assert_order(&text, &["#", "الرياض"], &[1, 0]);
}

#[test]
fn a_plus_between_two_names_leaves_their_order() {
    let text = drawn("ar-SA", json!({ "organizer": "شركة+نقطة" }), "نقطة");
    assert_order(&text, &["شركة", "+", "نقطة"], &[2, 1, 0]);
}

#[test]
fn brackets_stand_around_their_word() {
    let facts = json!({ "organizer": "شركة Eventzr (الإمارات)" });
    let text = drawn("ar-AE", facts, "Eventzr");
    assert_order(
        &text,
        &["شركة", "Eventzr", "(", "الإمارات", ")"],
        &[4, 3, 2, 1, 0],
    );
}

#[test]
fn a_discount_in_brackets_is_in_order() {
    let text = drawn("ar-SA", json!({ "title": "(خصم 20%)" }), "20");
    assert_order(&text, &["(", "خصم", "20", "%", ")"], &[4, 3, 2, 1, 0]);
}

#[test]
fn a_number_in_isolates_is_in_one_piece() {
    let facts = json!({ "organizer": "هاتف: \u{2066}+966 50 123 4567\u{2069}" });
    let text = drawn("ar-SA", facts, "966");
    assert_order(
        &text,
        &["هاتف", ":", "+966", "50", "123", "4567"],
        &[2, 3, 4, 5, 1, 0],
    );
}

#[test]
fn a_title_in_arabic_that_begins_with_a_latin_name_begins_at_the_right() {
    let text = drawn("ar-SA", json!({ "title": "Eventzr ليلة!" }), "Eventzr");
    assert_order(&text, &["Eventzr", "ليلة", "!"], &[2, 1, 0]);
}

#[test]
fn a_latin_title_on_an_arabic_poster_keeps_its_own_order() {
    let text = drawn("ar-SA", json!({ "title": "Jazz Night!" }), "Jazz");
    assert_order(&text, &["Jazz", "Night", "!"], &[0, 1, 2]);
}

#[test]
fn the_parts_of_a_persian_address_begin_at_the_right() {
    let facts = json!({
        "title": "شب شعر",
        "venue": { "name": "تالار وحدت", "address": "خیابان حافظ", "city": "تهران" },
    });
    let text = drawn("fa-IR", facts, "حافظ");
    let comma = if text.text.contains('،') { "،" } else { "," };
    assert_order(&text, &["خیابان", "حافظ", comma, "تهران"], &[3, 2, 1, 0]);
}

#[test]
fn a_word_of_any_arabic_language_is_whole_in_one_face() {
    for (locale, word) in [
        ("ckb", "ڕۆژ"),
        ("ps", "پښتو"),
        ("sd", "سنڌي"),
        ("ug", "ئۇيغۇر"),
        ("fa", "گفتگوی"),
        ("ks", "کٲشُر"),
    ] {
        let text = drawn(locale, json!({ "title": word }), word);
        assert_order(&text, &[word], &[0]);
        let face = text.clusters[0].face;
        assert!(
            text.clusters.iter().all(|cluster| cluster.face == face),
            "{text:?}"
        );
    }
}

#[test]
fn an_urdu_title_is_in_nastaliq() {
    for (locale, nastaliq) in [("ur-PK", true), ("ar-SA", false), ("fa-IR", false)] {
        let text = drawn(locale, json!({ "title": "شام غزل" }), "غزل");
        for cluster in &text.clusters {
            assert_eq!(cluster.face.contains("Nastaliq"), nastaliq, "{locale}");
        }
        assert_order(&text, &["شام", "غزل"], &[1, 0]);
    }
}

#[test]
fn the_check_sees_words_and_letters_in_the_wrong_order() {
    let title = json!({ "title": "#الرياض" });
    let right = drawn("ar-SA", title, "الرياض");
    let (words, order) = (["#", "الرياض"], [1, 0]);
    assert_eq!(disorder(&right, &words, &order), None);

    // As cosmic-text 0.19 drew it: the first face's part of the word at the wrong end.
    let mut wrong = right.clone();
    let hash = wrong
        .clusters
        .iter()
        .position(|cluster| cluster.text == (0..1));
    wrong.clusters[hash.unwrap()].x = -1000.0;
    assert!(disorder(&wrong, &words, &order).is_some());

    // Letters from left to right.
    let mut wrong = right;
    let places: Vec<Range<usize>> = wrong
        .clusters
        .iter()
        .rev()
        .map(|cluster| cluster.text.clone())
        .collect();
    for (cluster, place) in wrong.clusters.iter_mut().zip(places) {
        cluster.text = place;
    }
    assert!(disorder(&wrong, &words, &order).is_some());
}

/// The clusters of each line.
fn lines(text: &DrawnText) -> Vec<&[ClusterBox]> {
    text.clusters
        .chunk_by(|one, other| one.line == other.line)
        .collect()
}

/// The characters that are drawn on a line, from left to right.
fn visual(text: &DrawnText, line: &[ClusterBox]) -> String {
    let mut clusters: Vec<&ClusterBox> = line.iter().collect();
    clusters.sort_by(|one, other| one.x.total_cmp(&other.x));
    let mut visual = String::new();
    for cluster in clusters {
        let letters = text.text[cluster.text.clone()].chars();
        if cluster.level % 2 == 0 {
            visual.extend(letters);
        } else {
            visual.extend(letters.rev());
        }
    }
    visible(&visual)
}

fn visible(text: &str) -> String {
    let is_mark =
        |c: char| matches!(u32::from(c), 0x61c | 0x200b..=0x200f | 0x2060 | 0x2066..=0x2069);
    text.chars().filter(|c| !is_mark(*c)).collect()
}

#[test]
fn every_line_is_in_the_order_of_another_implementation_of_the_unicode_rules() {
    let titles = [
        "أمسية \"ليلة الشعر\" في جدة",
        "مهرجان Jazz & Blues الدولي 2026 في الرياض",
        "Open Mic أمسية مفتوحة (مجانية) every Friday",
        "معرض الكتاب: 12–18 مارس، القاعة (B2) / الدور 3",
        "من 7:30 م – 11:45 م، خصم 20% على VIP",
        "ليلة \u{2067}Night (ليلة) one\u{2069} two ثلاثة!",
        "السعر: 1,250.50 ر.س + ضريبة 15%",
        "#الرياض @eventzr https://eventzr.com/ar?x=1&y=2 الآن",
        "ערב שירה \"לילה לבן\" בתל אביב 2026",
        "C++ للمبتدئين [الجزء 2]",
    ];
    let mut compared = 0;
    for (locale, base) in [("ar-SA", Level::rtl()), ("en-GB", Level::ltr())] {
        for title in titles {
            let text = &poster(locale, json!({ "title": title }))
                .into_iter()
                .find(|text| text.role == "title")
                .unwrap();
            // A reader of English gets the direction of the first letter (rule P2).
            let base = (base == Level::rtl()).then_some(base);
            let info = BidiInfo::new(&text.text, base);
            for line in lines(text) {
                let start = line.iter().map(|cluster| cluster.text.start).min().unwrap();
                let end = line.iter().map(|cluster| cluster.text.end).max().unwrap();
                let expected = info.reorder_line(&info.paragraphs[0], start..end);
                assert_eq!(visual(text, line), visible(&expected), "{locale}: {title}");
                compared += 1;
            }
        }
    }
    assert!(compared > 2 * titles.len(), "no title has two lines");
}

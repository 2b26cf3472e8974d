//! The check, proved by pictures that are wrong on purpose: each fault is made, and reported.
//!
//! Here the report of a right picture is changed as the fault would change it. Pictures whose pixels
//! are wrong (lines too close, a word in two faces, text on art) need the inside of the canvas, and
//! are in `src/text/tests.rs`.

use std::path::Path;

use canvas::{Area, Canvas, Drawing, DrawnText, RenderFault, RenderReport};
use contract::{AssetKind, Configuration};
use serde_json::json;
use unicode_bidi::{BidiInfo, Level};

/// The report of a poster in Arabic, with a title of several lines in two directions.
fn poster() -> RenderReport {
    drawn(
        "ar-SA",
        "مهرجان Jazz & Blues الدولي 2026 في الرياض وجدة والدمام",
    )
}

fn drawn(locale: &str, title: &str) -> RenderReport {
    let configuration: Configuration = serde_json::from_value(json!({
        "title": title,
        "locale": locale,
        "description": "أمسية (مجانية) 🎉 @eventzr 20%",
        "organizer": "شركة Eventzr",
        "startsAt": "2026-07-18T18:30:00+03:00",
        "timeZone": "Asia/Riyadh",
    }))
    .unwrap();
    let mut canvas = Canvas::new(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))
    .unwrap();
    let drawing = Drawing {
        asset: AssetKind::Poster,
        configuration: &configuration,
        look: "one look for all",
        logo: None,
        painting: None,
    };
    canvas.render(&drawing).unwrap().report
}

/// The faults of a right poster whose title was changed by `spoil`.
#[track_caller]
fn spoiled(spoil: impl FnOnce(&mut DrawnText)) -> Vec<RenderFault> {
    let mut report = poster();
    assert_eq!(report.faults(), []);
    spoil(title(&mut report));
    report.faults()
}

fn title(report: &mut RenderReport) -> &mut DrawnText {
    let title = |text: &&mut DrawnText| text.role == "title";
    report.texts.iter_mut().find(title).unwrap()
}

fn wrong_order(line: usize) -> RenderFault {
    let role = "title";
    RenderFault::WrongOrder { role, line }
}

/// The clusters of the first line of the title, by their places.
fn cluster_of(text: &DrawnText, words: &str) -> usize {
    let start = text.text.find(words).unwrap();
    let is_first = |cluster: &canvas::ClusterBox| cluster.text.start == start;
    text.clusters.iter().position(is_first).unwrap()
}

#[test]
fn a_missing_glyph_is_a_fault() {
    let faults = spoiled(|title| {
        title.glyphs[0] = 0;
        title.clusters[0].glyphs[0] = 0;
    });
    assert_eq!(faults, [RenderFault::MissingGlyph { role: "title" }]);
}

#[test]
fn a_text_outside_its_area_or_the_margin_is_a_fault() {
    let faults = spoiled(|title| title.ink.x -= 300.0);
    let is_outside = |fault: &RenderFault| {
        matches!(
            fault,
            RenderFault::OutsideArea { .. } | RenderFault::OutsideMargin { .. }
        )
    };
    assert!(
        faults.len() == 2 && faults.iter().all(is_outside),
        "{faults:?}"
    );
}

#[test]
fn two_texts_on_the_same_pixels_are_a_fault() {
    let mut report = poster();
    let ink = title(&mut report).ink;
    let organizer = report
        .texts
        .iter_mut()
        .find(|text| text.role == "organizer");
    let organizer = organizer.unwrap();
    organizer.ink = Area {
        width: 10.0,
        height: 10.0,
        ..ink
    };
    organizer.area = organizer.ink;
    let overlaps = RenderFault::Overlap {
        one: "organizer",
        other: "title",
    };
    assert_eq!(report.faults(), [overlaps]);
}

#[test]
fn a_low_contrast_is_a_fault_on_paper_and_on_art() {
    let role = "title";
    let contrast = 4.4;
    let faults = spoiled(|title| title.contrast = contrast);
    assert_eq!(faults, [RenderFault::Contrast { role, contrast }]);

    for (size, contrast, lightness, is_fault) in [
        (80.0, 4.6, 61.0, false),
        (80.0, 4.4, 61.0, true),
        (80.0, 4.6, 59.0, true),
        (23.0, 7.0, 74.0, true),
        (23.0, 7.0, 76.0, false),
    ] {
        let faults = spoiled(|title| {
            title.on_art = true;
            title.size = size;
            (title.contrast, title.lightness_contrast) = (contrast, lightness);
        });
        let fault = RenderFault::ContrastOnArt {
            role,
            contrast,
            lightness,
        };
        assert_eq!(
            faults.contains(&fault),
            is_fault,
            "{size}, {contrast}, {lightness}"
        );
    }
}

#[test]
fn a_leading_of_four_fifths_is_a_fault() {
    let faults = spoiled(|title| {
        for (line, ink) in title.line_inks.iter_mut().enumerate() {
            ink.y -= title.size * 0.5 * line as f32;
        }
    });
    let role = "title";
    assert!(
        faults.contains(&RenderFault::TouchingLines { role, line: 0 }),
        "{faults:?}"
    );
}

#[test]
fn two_swapped_glyphs_are_a_fault() {
    let faults = spoiled(|title| {
        let other = title
            .glyphs
            .iter()
            .position(|glyph| *glyph != title.glyphs[0]);
        title.glyphs.swap(0, other.unwrap());
    });
    assert_eq!(faults.first(), Some(&wrong_order(0)));
}

#[test]
fn two_letters_in_each_others_place_are_a_fault() {
    let faults = spoiled(|title| {
        let at = cluster_of(title, "azz");
        let x = title.clusters[at].x;
        title.clusters[at].x = title.clusters[at + 1].x;
        title.clusters[at + 1].x = x;
    });
    assert!(
        matches!(faults[..], [RenderFault::WrongOrder { .. }]),
        "{faults:?}"
    );
}

#[test]
fn a_word_that_runs_the_wrong_way_is_a_fault() {
    // An Arabic word from left to right, with glyphs and places to match.
    let faults = spoiled(|title| {
        let start = title.text.find("مهرجان").unwrap();
        let word = start..start + "مهرجان".len();
        for cluster in &mut title.clusters {
            if word.contains(&cluster.text.start) {
                cluster.level = 2;
            }
        }
    });
    assert!(faults.contains(&wrong_order(0)), "{faults:?}");
    // A number from right to left.
    let faults = spoiled(|title| {
        let at = cluster_of(title, "2026");
        title.clusters[at].level = 1;
    });
    assert!(
        matches!(faults[..], [RenderFault::WrongOrder { .. }]),
        "{faults:?}"
    );
}

#[test]
fn a_part_of_a_word_at_the_wrong_end_is_a_fault() {
    // As cosmic-text 0.19 drew a word in two faces.
    let mut report = drawn("ar-SA", "#الرياض");
    assert_eq!(report.faults(), []);
    let title = title(&mut report);
    let hash = cluster_of(title, "#");
    title.clusters[hash].x = -10.0;
    assert_eq!(report.faults(), [wrong_order(0)]);
}

#[test]
fn a_second_face_in_a_word_is_a_fault_unless_its_letters_are_of_another_script() {
    let faults = spoiled(|title| {
        let at = cluster_of(title, "zz");
        title.clusters[at].face = "Inter Regular";
    });
    let (role, word) = ("title", "Jazz".to_owned());
    assert_eq!(faults, [RenderFault::MixedFaces { role, word }]);
    for title in ["東京Jazzフェス", "Jazz🎉", "Tシャツ展", "₹250"] {
        assert_eq!(drawn("ja", title).faults(), [], "{title}");
    }
}

#[test]
fn characters_that_go_missing_before_layout_or_in_it_are_a_fault() {
    let faults = spoiled(|title| {
        let at = cluster_of(title, "مهر");
        let glyphs = title.clusters[at].glyphs.len();
        let before: usize = title.clusters[..at]
            .iter()
            .map(|cluster| cluster.glyphs.len())
            .sum();
        title.glyphs.drain(before..before + glyphs);
        title.clusters.remove(at);
    });
    let lost = |of, characters| RenderFault::Lost { of, characters };
    assert_eq!(faults, [lost("title", 1)]);

    let report = drawn("en-GB", "Jazz \u{12031}\u{12079} Night");
    assert_eq!(report.faults(), [lost("title", 2)]);
    assert!(report.faults()[0].is_for_want_of_a_font());
}

#[test]
fn every_character_has_the_level_of_another_implementation_of_the_unicode_rules() {
    let mut compared = 0;
    for (locale, title, base) in [
        (
            "ar-SA",
            "مهرجان Jazz & Blues الدولي 2026 في الرياض",
            Level::rtl(),
        ),
        (
            "ar-SA",
            "من 7:30 م – 11:45 م، خصم 20% على VIP",
            Level::rtl(),
        ),
        ("he-IL", "ערב שירה \"לילה לבן\" בתל אביב 2026", Level::rtl()),
        (
            "ar-SA",
            "ليلة \u{2067}Night (ليلة) one\u{2069} two ثلاثة!",
            Level::rtl(),
        ),
        (
            "en-GB",
            "Open Mic أمسية مفتوحة (مجانية) every Friday",
            Level::ltr(),
        ),
        (
            "en-GB",
            "Jazz (السعر: 1,250.50 ر.س + ضريبة 15%) Night",
            Level::ltr(),
        ),
    ] {
        let mut report = drawn(locale, title);
        let title = self::title(&mut report);
        let info = BidiInfo::new(&title.text, Some(base));
        for cluster in &title.clusters {
            let expected = info.levels[cluster.text.start].number();
            let letters = &title.text[cluster.text.clone()];
            if !cluster.glyphs.is_empty() {
                assert_eq!(cluster.level, expected, "`{letters}` of {}", title.text);
                compared += 1;
            }
        }
    }
    assert!(compared > 150, "{compared}");
}

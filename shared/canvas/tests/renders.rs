//! What every render holds to, whatever the event is called and wherever it is.

use std::sync::{LazyLock, Mutex, MutexGuard};

use canvas::{Canvas, Fault, Rendered};
use events::{AssetKind, Configuration};
use serde_json::{Value, json};

/// One canvas for all tests: a render must not depend on those before it.
static CANVAS: LazyLock<Mutex<Canvas>> = LazyLock::new(|| Mutex::new(Canvas::new().unwrap()));

fn canvas() -> MutexGuard<'static, Canvas> {
    CANVAS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn event(changes: Value) -> Configuration {
    let mut event = json!({
        "title": "Monsoon Jazz Festival",
        "description": "Three stages by the sea, twelve bands and one long night of improvisation.",
        "startsAt": "2026-07-18T18:30:00+05:30",
        "endsAt": "2026-07-18T23:00:00+05:30",
        "timeZone": "Asia/Kolkata",
        "locale": "en-IN",
        "venue": {"name": "Royal Opera House", "address": "Mama Parmanand Marg, Girgaon", "city": "Mumbai"},
        "organizer": "Blue Frog Collective",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => event.as_object_mut().unwrap().remove(name),
            value => event.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    serde_json::from_value(event).unwrap()
}

fn titled(title: &str) -> Configuration {
    event(json!({ "title": title }))
}

fn brand(primary: &str, accent: Option<&str>) -> Configuration {
    let mut brand = json!({ "primaryColor": primary });
    if let Some(accent) = accent {
        brand["accentColor"] = json!(accent);
    }
    event(json!({ "title": "The Founders’ Dinner", "brand": brand }))
}

fn draw(asset: AssetKind, configuration: &Configuration) -> Rendered {
    canvas().render(asset, configuration).unwrap()
}

fn text<'a>(rendered: &'a Rendered, role: &str) -> &'a canvas::DrawnText {
    rendered.report.texts.iter().find(|text| text.role == role).unwrap_or_else(|| panic!("no {role} was drawn"))
}

const NO_FACTS: &str = r#"{"description": null, "startsAt": null, "endsAt": null, "timeZone": null, "locale": null, "venue": null, "organizer": null}"#;

fn only(title: &str, kept: &[&str]) -> Configuration {
    let mut changes: Value = serde_json::from_str(NO_FACTS).unwrap();
    changes.as_object_mut().unwrap().retain(|name, _| !kept.contains(&name.as_str()));
    changes["title"] = json!(title);
    event(changes)
}

fn table() -> Vec<(&'static str, Configuration)> {
    let arabic = json!({
        "title": "مهرجان الشعر والموسيقى في الإسكندرية",
        "description": "أمسية تجمع الشعراء والموسيقيين من أنحاء العالم العربي على شاطئ البحر.",
        "startsAt": "2026-03-20T20:00:00+02:00", "endsAt": "2026-03-20T23:30:00+02:00",
        "timeZone": "Africa/Cairo", "locale": "ar-EG",
        "venue": {"name": "مكتبة الإسكندرية", "address": "طريق الكورنيش، الشاطبي", "city": "الإسكندرية"},
        "organizer": "بيت الشعر العربي",
    });
    let hindi = json!({
        "title": "शास्त्रीय संगीत की एक शाम",
        "description": "प्रसिद्ध कलाकारों के साथ राग और ताल की यादगार संध्या।",
        "startsAt": "2026-02-14T18:30:00+05:30", "endsAt": "2026-02-14T22:00:00+05:30", "locale": "hi-IN",
        "venue": {"name": "कमानी सभागार", "address": "1 कोपरनिकस मार्ग", "city": "नई दिल्ली"},
        "organizer": "संगीत नाटक अकादमी",
    });
    let long = "International Conference on Sustainable Urban Mobility, Public Space and Climate Resilient Architecture for \
                the Growing Cities of South and South-East Asia 2026";
    let crowded = json!({
        "title": "Всероссийская ".repeat(21).trim(),
        "description": "Ein sehr langer Satz, der nicht enden will und immer weiter geht. ".repeat(28).trim(),
        "venue": {"name": "Kongresshalle ".repeat(14).trim(), "address": "Straße ".repeat(42).trim(), "city": "Ort ".repeat(25).trim()},
        "organizer": "Verein ".repeat(28).trim(),
        "startsAt": "2026-09-28T09:00:00+08:00", "endsAt": "2026-10-02T17:00:00+08:00", "timeZone": "Asia/Singapore",
    });
    vec![
        ("English", event(json!({}))),
        ("Hindi", event(hindi)),
        ("Arabic", event(arabic)),
        ("scripts and emoji in a line", titled("Diwali दीपावली عيد الأنوار 🎉🪔 Ελλάδα Москва 👩‍👩‍👧 Việt 1️⃣")),
        ("an Arabic title on an English page", titled("ليلة jazz في Mumbai 2026")),
        ("an English title on an Arabic page", event(json!({ "title": "Jazz Night", "locale": "ar" }))),
        ("160 characters", titled(long)),
        ("300 characters", titled("Many happy ways to spend an evening in good company ".repeat(6)[..300].trim())),
        ("300 characters of Devanagari", titled("कार्यक्रम".repeat(33).as_str())),
        ("300 characters of Arabic words", titled("مهرجان الموسيقى ".repeat(18).trim())),
        ("a huge word", titled(&"Donaudampfschifffahrtselektrizitätenhauptbetriebswerk".repeat(3))),
        ("a word of 300 wide letters", titled(&"W".repeat(300))),
        ("one letter", titled("i")),
        ("only emoji", titled("🎉🎉🎉🎉🎉🎉")),
        ("nothing that can be drawn", titled("音楽祭 한국어")),
        ("every field full", event(crowded)),
        ("a title alone", only("Open Mic", &[])),
        ("a title and a date", only("Open Mic", &["startsAt"])),
        ("a title and a venue", only("Open Mic", &["venue"])),
        ("a title and a description", only("Open Mic", &["description"])),
        (
            "whole days",
            event(json!({ "startsAt": "2026-05-01T00:00:00+05:30", "endsAt": "2026-05-04T00:00:00+05:30" })),
        ),
        ("an end before the beginning", event(json!({ "endsAt": "2020-01-01T00:00:00Z" }))),
        ("a dark brand", brand("#101820", Some("#fee715"))),
        ("a light brand", brand("#fff3b0", None)),
        ("a white brand", brand("#ffffff", Some("#ffffff"))),
        ("a black brand", brand("#000000", Some("#000000"))),
        ("a grey brand", brand("#767676", Some("#777777"))),
        ("a garish brand", brand("#ff00ff", Some("#00ff00"))),
        ("a yellow brand", brand("#ffff00", Some("#ffff00"))),
    ]
}

#[test]
fn every_render_is_without_fault() {
    for (name, configuration) in table() {
        for asset in AssetKind::ALL {
            let rendered = draw(asset, &configuration);
            let faults: Vec<Fault> = rendered.report.faults();
            assert!(faults.is_empty(), "{name}, {}: {faults:#?}", asset.as_str());
            assert_eq!((rendered.width, rendered.height), asset.size());
        }
    }
}

#[test]
fn every_family_of_colours_and_every_picture_is_without_fault() {
    for number in 0..60 {
        for asset in AssetKind::ALL {
            let faults = draw(asset, &titled(&format!("Evening {number}"))).report.faults();
            assert!(faults.is_empty(), "Evening {number}, {}: {faults:#?}", asset.as_str());
        }
    }
}

#[test]
fn a_render_is_a_png_of_the_size_that_it_says() {
    let rendered = draw(AssetKind::Poster, &event(json!({})));
    assert_eq!(rendered.png[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(rendered.png[16..20], 1080_u32.to_be_bytes());
    assert_eq!(rendered.png[20..24], 1350_u32.to_be_bytes());
}

#[test]
fn the_same_event_gives_the_same_bytes_on_any_canvas() {
    for (name, configuration) in table().into_iter().take(4) {
        for asset in AssetKind::ALL {
            let here = draw(asset, &configuration);
            let there = Canvas::new().unwrap().render(asset, &configuration).unwrap();
            assert!(here == there, "{name}, {}", asset.as_str());
        }
    }
}

#[test]
fn two_events_look_different() {
    let renders: Vec<Vec<u8>> = ["Jazz Night", "Poetry Slam", "Film Club", "Book Fair"]
        .map(|title| draw(AssetKind::Poster, &titled(title)).png)
        .into();
    for (index, one) in renders.iter().enumerate() {
        assert!(renders[index + 1..].iter().all(|other| other != one));
    }
}

#[test]
fn a_short_title_stands_whole_and_large() {
    let rendered = draw(AssetKind::Poster, &titled("Open Mic"));
    let title = text(&rendered, "title");
    assert!(!title.cut && title.size > 150.0 && title.lines == 1, "{title:?}");
}

#[test]
fn a_title_of_160_characters_stands_whole() {
    let (_, configuration) = table().remove(6);
    for asset in AssetKind::ALL {
        let rendered = draw(asset, &configuration);
        let title = text(&rendered, "title");
        assert!(!title.cut && title.text == configuration.title.as_str() && title.size >= 44.0, "{title:?}");
    }
}

#[test]
fn a_huge_word_is_broken_rather_than_left_out() {
    for asset in AssetKind::ALL {
        let rendered = draw(asset, &titled(&"Donaudampfschifffahrtselektrizitätenhauptbetriebswerk".repeat(2)));
        let title = text(&rendered, "title");
        assert!(!title.cut && title.lines > 1, "{title:?}");
    }
}

#[test]
fn a_long_description_ends_in_an_ellipsis() {
    let rendered = draw(AssetKind::Invitation, &event(json!({ "description": "On and on it goes. ".repeat(100) })));
    let description = text(&rendered, "description");
    assert!(description.cut && description.text.ends_with('…') && description.lines == 4, "{description:?}");
}

#[test]
fn an_arabic_poster_begins_on_the_right() {
    let rendered = draw(AssetKind::Poster, &table().remove(2).1);
    for role in ["title", "description", "organizer"] {
        let ink = text(&rendered, role).ink;
        assert!((ink.right() - (1080.0 - 72.0)).abs() < 12.0, "{role} ends at {}", ink.right());
    }
    assert!(text(&rendered, "days").ink.x > text(&rendered, "venue").ink.x);
}

#[test]
fn facts_are_told_in_the_language_of_the_event_and_on_the_clock_of_its_place() {
    let rendered = draw(AssetKind::Poster, &event(json!({ "locale": "hi-IN", "startsAt": "2026-07-18T13:00:00Z" })));
    assert_eq!(text(&rendered, "month").text, "जुलाई 2026");
    assert_eq!(text(&rendered, "weekday").text, "शनिवार");
    assert!(text(&rendered, "time").text.replace('\u{a0}', " ").starts_with("शाम 6:30 – रात 11:00 बजे"));
}

#[test]
fn what_no_font_covers_is_left_out_and_counted() {
    let rendered = draw(AssetKind::Poster, &titled("Jazz 音楽 Night"));
    assert_eq!(text(&rendered, "title").text, "Jazz Night");
    assert_eq!(rendered.report.lost, 2);
}

#[test]
fn a_title_that_no_font_covers_becomes_the_word_for_an_event() {
    assert_eq!(text(&draw(AssetKind::Poster, &titled("音楽祭")), "title").text, "Event");
    let hindi = event(json!({ "title": "音楽祭", "locale": "hi" }));
    assert_eq!(text(&draw(AssetKind::Invitation, &hindi), "title").text, "कार्यक्रम");
}

#[test]
fn letters_dressed_as_symbols_are_set_as_letters() {
    assert_eq!(text(&draw(AssetKind::Poster, &titled("𝗝𝗮𝘇𝘇 Ｎｉｇｈｔ")), "title").text, "Jazz Night");
}

#[test]
fn a_markup_in_a_title_is_drawn_as_it_is_written() {
    let title = "</text><script>& \"quotes\"";
    assert_eq!(text(&draw(AssetKind::Poster, &titled(title)), "title").text, title);
}

#[test]
fn missing_facts_are_not_drawn() {
    let rendered = draw(AssetKind::Poster, &only("Open Mic", &[]));
    assert_eq!(rendered.report.texts.iter().map(|text| text.role).collect::<Vec<_>>(), ["title"]);
}

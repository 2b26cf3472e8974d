//! Properties of every render, whatever the event's name, place and language.

use std::{
    path::Path,
    sync::{LazyLock, Mutex, MutexGuard},
};

use canvas::{Canvas, Drawing, Field, Logo, RenderError, RenderFault, Rendered};
use contract::{AssetKind, Configuration, Fact, MediaType};
use serde_json::{Value, json};

/// One canvas for all tests, because a render must not depend on earlier ones.
static CANVAS: LazyLock<Mutex<Canvas>> = LazyLock::new(|| Mutex::new(new_canvas()));

fn new_canvas() -> Canvas {
    Canvas::new(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fonts/files"
    )))
    .unwrap()
}

fn pictures() -> impl Iterator<Item = AssetKind> {
    AssetKind::ALL
        .into_iter()
        .filter(|asset| asset.media_type() == MediaType::Image)
}

fn canvas() -> MutexGuard<'static, Canvas> {
    CANVAS
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn event(changes: Value) -> Configuration {
    let mut event = json!({
        "label": "20% off until Sunday",
        "callToAction": "Book now",
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
            value => event
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
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
    canvas().render(&drawing(asset, configuration)).unwrap()
}

/// The drawing of `configuration`, whose title is also its look.
fn drawing(asset: AssetKind, configuration: &Configuration) -> Drawing<'_> {
    Drawing {
        asset,
        configuration,
        look: configuration.title.as_str(),
        logo: None,
        painting: None,
    }
}

fn text<'a>(rendered: &'a Rendered, role: &str) -> &'a canvas::DrawnText {
    rendered
        .report
        .texts
        .iter()
        .find(|text| text.role == role)
        .unwrap_or_else(|| panic!("no {role} was drawn"))
}

const NO_FACTS: &str = r#"{"label": null, "callToAction": null, "description": null, "startsAt": null, "endsAt": null, "timeZone": null, "locale": null, "venue": null, "organizer": null}"#;

fn only(title: &str, kept: &[&str]) -> Configuration {
    let mut changes: Value = serde_json::from_str(NO_FACTS).unwrap();
    changes
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !kept.contains(&name.as_str()));
    changes["title"] = json!(title);
    event(changes)
}

/// Configurations of every sort, by name.
fn table() -> Vec<(&'static str, Configuration)> {
    [languages(), titles(), facts(), brands()].concat()
}

fn languages() -> Vec<(&'static str, Configuration)> {
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
    vec![
        ("English", event(json!({}))),
        ("Hindi", event(hindi)),
        ("Arabic", event(arabic)),
        (
            "scripts and emoji in a line",
            titled("Diwali दीपावली عيد الأنوار 🎉🪔 Ελλάδα Москва 👩‍👩‍👧 Việt 1️⃣"),
        ),
        (
            "an Arabic title on an English page",
            titled("ليلة jazz في Mumbai 2026"),
        ),
        (
            "an English title on an Arabic page",
            event(json!({ "title": "Jazz Night", "locale": "ar" })),
        ),
    ]
}

fn titles() -> Vec<(&'static str, Configuration)> {
    let long = "International Conference on Sustainable Urban Mobility, Public Space and Climate Resilient Architecture for \
                the Growing Cities of South and South-East Asia 2026";
    vec![
        ("160 characters", titled(long)),
        (
            "300 characters",
            titled("Many happy ways to spend an evening in good company ".repeat(6)[..300].trim()),
        ),
        (
            "300 characters of Devanagari",
            titled("कार्यक्रम".repeat(33).as_str()),
        ),
        (
            "300 characters of Arabic words",
            titled("مهرجان الموسيقى ".repeat(18).trim()),
        ),
        (
            "a huge word",
            titled(&"Donaudampfschifffahrtselektrizitätenhauptbetriebswerk".repeat(3)),
        ),
        ("a word of 300 wide letters", titled(&"W".repeat(300))),
        ("one letter", titled("i")),
        ("only emoji", titled("🎉🎉🎉🎉🎉🎉")),
    ]
}

fn facts() -> Vec<(&'static str, Configuration)> {
    let crowded = json!({
        "title": "Всероссийская ".repeat(21).trim(),
        "description": "Ein sehr langer Satz, der nicht enden will und immer weiter geht. ".repeat(28).trim(),
        "venue": {"name": "Kongresshalle ".repeat(14).trim(), "address": "Straße ".repeat(42).trim(), "city": "Ort ".repeat(25).trim()},
        "organizer": "Verein ".repeat(28).trim(), "label": "Rabatt ".repeat(8).trim(), "callToAction": "Jetzt buchen! ".repeat(3)[..40].trim(),
        "startsAt": "2026-09-28T09:00:00+08:00", "endsAt": "2026-10-02T17:00:00+08:00", "timeZone": "Asia/Singapore",
    });
    vec![
        ("every field full", event(crowded)),
        ("a title alone", only("Open Mic", &[])),
        ("a title and a date", only("Open Mic", &["startsAt"])),
        ("a title and a venue", only("Open Mic", &["venue"])),
        (
            "a title and a description",
            only("Open Mic", &["description"]),
        ),
        (
            "whole days",
            event(
                json!({ "startsAt": "2026-05-01T00:00:00+05:30", "endsAt": "2026-05-04T00:00:00+05:30" }),
            ),
        ),
        (
            "an end before the beginning",
            event(json!({ "endsAt": "2020-01-01T00:00:00Z" })),
        ),
    ]
}

fn brands() -> Vec<(&'static str, Configuration)> {
    vec![
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
        for asset in pictures() {
            let rendered = draw(asset, &configuration);
            let faults: Vec<RenderFault> = rendered.report.faults();
            assert!(faults.is_empty(), "{name}, {}: {faults:#?}", asset.as_str());
            assert_eq!(Some((rendered.width, rendered.height)), asset.size());
        }
    }
}

#[test]
fn sixty_different_looks_have_no_fault() {
    for number in 0..60 {
        let whole = matches!(number, 0..20);
        for asset in pictures()
            .filter(|asset| whole || *asset == AssetKind::Poster || *asset == AssetKind::Invitation)
        {
            let faults = draw(asset, &titled(&format!("Evening {number}")))
                .report
                .faults();
            assert!(
                faults.is_empty(),
                "Evening {number}, {}: {faults:#?}",
                asset.as_str()
            );
        }
    }
}

#[test]
fn a_render_is_a_png_of_its_reported_size() {
    let rendered = draw(AssetKind::Poster, &event(json!({})));
    assert_eq!(rendered.png[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(rendered.png[16..20], 1080_u32.to_be_bytes());
    assert_eq!(rendered.png[20..24], 1350_u32.to_be_bytes());
}

#[test]
fn the_same_event_gives_the_same_bytes_on_any_canvas() {
    for (name, configuration) in table().into_iter().take(4) {
        for asset in pictures() {
            let here = draw(asset, &configuration);
            let there = new_canvas()
                .render(&drawing(asset, &configuration))
                .unwrap();
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
fn a_short_title_is_whole_and_large() {
    let rendered = draw(AssetKind::Poster, &titled("Open Mic"));
    let title = text(&rendered, "title");
    assert!(
        !title.cut && title.size > 150.0 && title.lines == 1,
        "{title:?}"
    );
}

#[test]
fn a_title_of_160_characters_is_whole() {
    let (_, configuration) = table().remove(6);
    for asset in [
        AssetKind::Poster,
        AssetKind::Invitation,
        AssetKind::SocialStory,
    ] {
        let rendered = draw(asset, &configuration);
        let title = text(&rendered, "title");
        assert!(
            !title.cut && title.text == configuration.title.as_str() && title.size >= 44.0,
            "{title:?}"
        );
    }
}

#[test]
fn a_huge_word_is_broken_rather_than_left_out() {
    for asset in [AssetKind::Poster, AssetKind::Invitation] {
        let rendered = draw(
            asset,
            &titled(&"Donaudampfschifffahrtselektrizitätenhauptbetriebswerk".repeat(2)),
        );
        let title = text(&rendered, "title");
        assert!(!title.cut && title.lines > 1, "{title:?}");
    }
}

#[test]
fn a_long_description_ends_in_an_ellipsis() {
    let rendered = draw(
        AssetKind::Invitation,
        &event(json!({ "description": "On and on it goes. ".repeat(100) })),
    );
    let description = text(&rendered, "description");
    assert!(
        description.cut && description.text.ends_with('…') && description.lines == 4,
        "{description:?}"
    );
}

#[test]
fn an_arabic_poster_begins_on_the_right() {
    let rendered = draw(AssetKind::Poster, &table().remove(2).1);
    for role in ["title", "description", "organizer"] {
        let ink = text(&rendered, role).ink;
        assert!(
            (ink.right() - (1080.0 - 72.0)).abs() < 12.0,
            "{role} ends at {}",
            ink.right()
        );
    }
    assert!(text(&rendered, "days").ink.x > text(&rendered, "venue").ink.x);
}

#[test]
fn facts_use_the_events_language_and_time_zone() {
    let rendered = draw(
        AssetKind::Poster,
        &event(json!({ "locale": "hi-IN", "startsAt": "2026-07-18T13:00:00Z" })),
    );
    assert_eq!(text(&rendered, "month").text, "जुलाई 2026");
    assert_eq!(text(&rendered, "weekday").text, "शनिवार");
    assert!(
        text(&rendered, "time")
            .text
            .replace('\u{a0}', " ")
            .starts_with("शाम 6:30 – रात 11:00 IST")
    );
}

#[test]
fn characters_without_a_font_are_left_out_and_counted() {
    let rendered = draw(AssetKind::Poster, &titled("Jazz བོད Night"));
    assert_eq!(text(&rendered, "title").text, "Jazz Night");
    let lost: Vec<_> = rendered.report.lost.into_iter().collect();
    let [(Field::Title, title)] = &lost[..] else {
        panic!("{lost:?}")
    };
    assert_eq!((title.letters, title.of), (2, 11));
    assert_eq!(title.script_names(), ["Tibetan"]);
}

#[test]
fn letters_written_as_symbols_become_letters() {
    assert_eq!(
        text(
            &draw(AssetKind::Poster, &titled("𝗝𝗮𝘇𝘇 Ｎｉｇｈｔ")),
            "title"
        )
        .text,
        "Jazz Night"
    );
}

#[test]
fn markup_in_a_title_is_drawn_as_text() {
    let title = "</text><script>& \"quotes\"";
    assert_eq!(
        text(&draw(AssetKind::Poster, &titled(title)), "title").text,
        title
    );
}

#[test]
fn missing_facts_are_not_drawn() {
    let rendered = draw(AssetKind::Poster, &only("Open Mic", &[]));
    assert_eq!(
        rendered
            .report
            .texts
            .iter()
            .map(|text| text.role)
            .collect::<Vec<_>>(),
        ["title"]
    );
}

#[test]
fn a_video_and_a_spot_are_no_pictures() {
    for asset in [AssetKind::Video, AssetKind::AudioSpot] {
        let configuration = event(json!({}));
        let refused = canvas()
            .render(&drawing(asset, &configuration))
            .unwrap_err();
        assert!(
            matches!(refused, RenderError::NotAPicture(kind) if kind == asset),
            "{refused}"
        );
    }
}

#[test]
fn only_facts_that_an_asset_shows_change_its_pixels() {
    let changes = [
        (
            Fact::Description,
            json!({ "description": "Another evening altogether." }),
        ),
        (
            Fact::When,
            json!({ "startsAt": "2026-08-19T18:30:00+05:30", "endsAt": null }),
        ),
        (Fact::Venue, json!({ "venue": { "name": "The Attic" } })),
        (Fact::Organizer, json!({ "organizer": "Attic Sessions" })),
        (Fact::Label, json!({ "label": "Free entry" })),
        (Fact::CallToAction, json!({ "callToAction": "Save a seat" })),
    ];
    for asset in pictures() {
        let before = draw(asset, &titled("Open Mic"));
        for (fact, change) in &changes {
            let mut change = change.clone();
            change["title"] = json!("Open Mic");
            let after = draw(asset, &event(change));
            assert_eq!(
                before.png != after.png,
                asset.shows(*fact),
                "{}: {fact:?}",
                asset.as_str()
            );
        }
    }
}

#[test]
fn a_new_title_keeps_the_look_and_a_new_look_changes_the_picture() {
    let (wrong, right) = (titled("Open Mice"), titled("Open Mic"));
    let mut canvas = canvas();
    let mut draw = |configuration, look| {
        let asset = AssetKind::BlogImage;
        canvas
            .render(&Drawing {
                asset,
                configuration,
                look,
                logo: None,
                painting: None,
            })
            .unwrap()
    };
    let color = |rendered: &Rendered| {
        rendered
            .report
            .texts
            .iter()
            .find(|text| text.role == "title")
            .unwrap()
            .color
    };
    let (one, other, another) = (
        draw(&wrong, "event-1"),
        draw(&right, "event-1"),
        draw(&right, "event-2"),
    );
    assert_eq!(color(&one), color(&other));
    assert!(one.png != other.png && other.png != another.png);
}

#[test]
fn type_has_at_least_11_pixels_on_banners_and_20_on_larger_pictures() {
    for (name, configuration) in table() {
        for asset in pictures() {
            let least = match asset.size().unwrap() {
                (width, height) if width.max(height) > 1000 && width.min(height) > 300 => 20.0,
                _ => 11.0,
            };
            for text in draw(asset, &configuration).report.texts {
                assert!(
                    text.size >= least - 0.01,
                    "{name}, {}: {} at {}",
                    asset.as_str(),
                    text.role,
                    text.size
                );
            }
        }
    }
}

#[test]
fn a_storys_text_avoids_the_areas_that_a_phone_covers() {
    for (name, configuration) in table() {
        for text in draw(AssetKind::SocialStory, &configuration).report.texts {
            assert!(
                text.ink.y >= 250.0 && text.ink.bottom() <= 1920.0 - 340.0,
                "{name}: {} at {:?}",
                text.role,
                text.ink
            );
        }
    }
}

/// A logo of one colour.
fn logo(width: u32, height: u32, rgb: [u8; 3]) -> Logo {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = rgb
        .into_iter()
        .cycle()
        .take((width * height * 3) as usize)
        .collect();
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&pixels)
        .unwrap();
    Logo::decode(&file).unwrap()
}

#[test]
fn a_logo_causes_no_fault_and_changes_every_large_picture_but_the_invitation() {
    for (width, height, rgb) in [
        (400, 400, [200, 30, 30]),
        (1200, 120, [255, 255, 255]),
        (100, 1200, [0, 0, 0]),
    ] {
        let logo = logo(width, height, rgb);
        for asset in pictures() {
            for configuration in [event(json!({})), table().remove(6).1, table().remove(2).1] {
                let plain = drawing(asset, &configuration);
                let mut canvas = canvas();
                let without = canvas.render(&plain).unwrap();
                let with = canvas
                    .render(&Drawing {
                        logo: Some(&logo),
                        ..plain
                    })
                    .unwrap();
                assert_eq!(with.report.faults(), [], "{}", asset.as_str());
                let small = matches!(
                    asset,
                    AssetKind::BannerLeaderboard | AssetKind::BannerMobile
                );
                assert!(
                    asset == AssetKind::Invitation || small || with.png != without.png,
                    "{}",
                    asset.as_str()
                );
            }
        }
    }
}

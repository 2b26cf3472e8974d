//! No loss in silence: what no font covers is counted before layout, by field, and takes along what
//! would stand beside it. The lost texts are cuneiform, which no face covers.

use std::{
    path::Path,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use canvas::{Canvas, Drawing, Field, RenderError, RenderReport};
use contract::{AssetKind, Configuration, MediaType};
use serde_json::{Value, json};

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

/// Three letters.
const LOST: &str = "\u{12031}\u{12079}\u{1202d}";

fn canvas() -> MutexGuard<'static, Canvas> {
    CANVAS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pictures() -> impl Iterator<Item = AssetKind> {
    let all = AssetKind::ALL.into_iter();
    all.filter(|asset| asset.media_type() == MediaType::Image)
}

/// A festival with this value at the path.
fn with(path: &str, value: Value) -> Configuration {
    let mut event = json!({
        "label": "20% off", "callToAction": "Book now", "title": "Monsoon Jazz Festival",
        "description": "Three stages by the sea.", "startsAt": "2026-07-18T18:30:00+05:30",
        "timeZone": "Asia/Kolkata", "locale": "en-IN", "organizer": "Blue Frog Collective",
        "venue": {"name": "Royal Opera House", "address": "Girgaon", "city": "Mumbai"},
    });
    *event.pointer_mut(path).unwrap() = value;
    serde_json::from_value(event).unwrap()
}

fn lost_at(path: &str) -> Configuration {
    with(path, json!(LOST))
}

fn render(asset: AssetKind, configuration: &Configuration) -> Result<RenderReport, RenderError> {
    let drawing = Drawing {
        asset,
        configuration,
        look: "loss",
        logo: None,
        painting: None,
    };
    Ok(canvas().render(&drawing)?.report)
}

fn drawn(asset: AssetKind, configuration: &Configuration) -> RenderReport {
    let report = render(asset, configuration).unwrap();
    let mut faults = report.faults();
    faults.retain(|fault| !fault.is_for_want_of_a_font());
    assert_eq!(faults, []);
    report
}

/// The texts of a role.
fn texts<'a>(report: &'a RenderReport, role: &str) -> Vec<&'a str> {
    let texts = report.texts.iter().filter(|text| text.role == role);
    texts.map(|text| text.text.as_str()).collect()
}

/// The fields that lose anything, with the number of characters.
fn losses(report: &RenderReport) -> Vec<(Field, u32)> {
    let lost = report.lost.iter();
    lost.map(|(field, lost)| (*field, lost.characters()))
        .collect()
}

#[test]
fn a_title_without_a_font_is_refused_with_its_script_in_every_kind_of_picture() {
    let only = lost_at("/title");
    let with_a_year = with("/title", json!(format!("{LOST} 2026!")));
    for asset in pictures() {
        for configuration in [&only, &with_a_year] {
            let errors = [
                render(asset, configuration).unwrap_err(),
                canvas().can_draw(configuration, asset).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(
                    error.to_string(),
                    "3 of the title's 3 letters are in Cuneiform script, for which the studio has \
                     no font"
                );
            }
        }
    }
}

#[test]
fn a_title_that_can_be_set_can_be_drawn_and_a_video_cannot() {
    let festival = with("/title", json!(format!("Jazz {LOST} Night")));
    for asset in pictures() {
        canvas().can_draw(&festival, asset).unwrap();
        assert_eq!(losses(&drawn(asset, &festival)), [(Field::Title, 3)]);
    }
    let refused = canvas().can_draw(&festival, AssetKind::Video).unwrap_err();
    assert!(matches!(
        refused,
        RenderError::NotAPicture(AssetKind::Video)
    ));
}

#[test]
fn a_title_of_invisible_characters_is_refused_without_a_script() {
    let configuration = with("/title", json!("\u{2060}\u{200d}"));
    let refused = render(AssetKind::Poster, &configuration).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the title has no character that can be drawn"
    );
}

#[test]
fn a_lost_organizer_takes_the_words_before_it_along() {
    for asset in [AssetKind::Poster, AssetKind::Invitation] {
        let report = drawn(asset, &lost_at("/organizer"));
        assert!(texts(&report, "organizer").is_empty(), "{report:#?}");
        assert_eq!(losses(&report), [(Field::Organizer, 3)]);
    }
}

#[test]
fn a_lost_part_of_the_venue_takes_its_comma_along() {
    let square = |path| drawn(AssetKind::SocialSquare, &lost_at(path));
    assert_eq!(texts(&square("/venue/name"), "venue"), ["Mumbai"]);
    assert_eq!(
        texts(&square("/venue/city"), "venue"),
        ["Royal Opera House"]
    );
    let poster = |path| drawn(AssetKind::Poster, &lost_at(path));
    assert_eq!(texts(&poster("/venue/address"), "address"), ["Mumbai"]);
    assert_eq!(texts(&poster("/venue/city"), "address"), ["Girgaon"]);
    let without_name = poster("/venue/name");
    assert!(texts(&without_name, "venue").is_empty());
    assert_eq!(texts(&without_name, "address"), ["Girgaon, Mumbai"]);
    assert_eq!(losses(&without_name), [(Field::VenueName, 3)]);
}

#[test]
fn a_field_that_keeps_most_of_its_letters_stays_without_the_others() {
    let configuration = with("/organizer", json!(format!("Blue Frog {LOST}")));
    let report = drawn(AssetKind::Poster, &configuration);
    assert_eq!(texts(&report, "organizer"), ["Presented by Blue Frog"]);
    assert_eq!(losses(&report), [(Field::Organizer, 3)]);
}

#[test]
fn a_loss_is_counted_without_room_for_it_and_not_where_the_fact_is_not_shown() {
    let long = "Many happy ways to spend an evening in good company ".repeat(5);
    let mut configuration = lost_at("/description");
    configuration.title = contract::Text::parse(long.trim()).unwrap();
    let report = drawn(AssetKind::Poster, &configuration);
    assert!(texts(&report, "description").is_empty());
    assert_eq!(losses(&report), [(Field::Description, 3)]);
    let banner = drawn(AssetKind::BannerMobile, &lost_at("/description"));
    assert_eq!(losses(&banner), []);
}

#[test]
fn a_picture_that_shows_all_reports_no_loss() {
    for asset in pictures() {
        let report = drawn(asset, &with("/label", json!("20% off")));
        assert!(report.lost.is_empty() && report.adjusted.is_empty());
    }
}

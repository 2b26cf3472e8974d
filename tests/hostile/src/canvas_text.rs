//! Text that is drawn: whatever it is, the picture holds to what `canvas` promises of every picture.

use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use canvas::{Canvas, Drawing};
use events::{AssetKind, Configuration, MediaType, Text};
use serde_json::{Value, json};

/// One canvas for all: a render must not depend on those before it.
static CANVAS: LazyLock<Mutex<Canvas>> = LazyLock::new(|| {
    let fonts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/canvas/fonts/cjk"));
    Mutex::new(Canvas::new(fonts).expect("the fonts are in the repository"))
});

const LOCALES: [&str; 8] = ["en", "ar", "hi", "ja", "zh-CN", "zh-TW", "ko", "he"];

/// Draws `input`: the first character says what is drawn, the second in which language, and the lines after them are the title, the
/// description, the venue, its address, its city, the organizer, the label, what the reader is asked to do, and when it begins and ends. A
/// line that is not there is as the first one.
///
/// # Panics
/// If it cannot be drawn, or the picture has a fault.
pub fn check_canvas_text(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut letters = text.chars();
    let mut choose = |most: usize| letters.next().map_or(0, |letter| u32::from(letter) as usize % most);
    let pictures: Vec<AssetKind> =
        AssetKind::ALL.into_iter().filter(|asset| asset.media_type() == MediaType::Image).collect();
    let (asset, locale) = (pictures[choose(pictures.len())], LOCALES[choose(LOCALES.len())]);
    if let Some(configuration) = configuration(letters.as_str().trim_start_matches('\n'), locale) {
        draw(asset, &configuration);
    }
}

fn draw(asset: AssetKind, configuration: &Configuration) {
    let mut canvas = CANVAS.lock().unwrap_or_else(PoisonError::into_inner);
    let drawing = Drawing { asset, configuration, look: "hostile", logo: None, painting: None };
    let drawn = canvas.render(&drawing).expect("every configuration can be drawn");
    let faults = drawn.report.faults();
    assert!(faults.is_empty(), "{}: {faults:#?}", asset.as_str());
    assert_eq!(Some((drawn.width, drawn.height)), asset.size());
}

/// What the contract lets through of `text`, as the facts of an event.
fn configuration(text: &str, locale: &str) -> Option<Configuration> {
    let lines: Vec<&str> = text.split('\n').collect();
    let line = |index: usize| lines.get(index).copied().unwrap_or(lines[0]);
    let mut facts = json!({
        "title": fact::<300>(line(0))?,
        "locale": locale,
        "description": fact::<2000>(line(1)),
        "organizer": fact::<200>(line(5)),
        "label": fact::<60>(line(6)),
        "callToAction": fact::<40>(line(7)),
        "startsAt": line(8), "endsAt": line(9),
    });
    if let Some(name) = fact::<200>(line(2)) {
        facts["venue"] = json!({ "name": name, "address": fact::<300>(line(3)), "city": fact::<100>(line(4)) });
    }
    // What is not a time is said by nobody.
    for name in ["startsAt", "endsAt"] {
        if facts[name].as_str().is_none_or(|text| text.parse::<events::Moment>().is_err()) {
            facts[name] = Value::Null;
        }
    }
    serde_json::from_value(facts).ok()
}

/// As much of `text` as the contract lets through.
fn fact<const MOST: usize>(text: &str) -> Option<Text<MOST>> {
    let readable: String = text.chars().filter(|c| !c.is_control() || *c == '\t').take(MOST).collect();
    Text::parse(&readable).ok()
}

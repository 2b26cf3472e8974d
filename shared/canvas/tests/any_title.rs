//! Properties of renders with any title, however unlikely.

use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use canvas::{Canvas, Drawing, RenderError};
use contract::{AssetKind, Configuration, MediaType, Text};
use proptest::{prelude::*, test_runner::Config};

/// One canvas for all cases, because a render must not depend on earlier ones.
static CANVAS: LazyLock<Mutex<Canvas>> = LazyLock::new(|| {
    Mutex::new(
        Canvas::new(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fonts/files"
        )))
        .unwrap(),
    )
});

/// Characters that have broken layouts elsewhere: direction overrides, joiners, variation
/// selectors, many marks, flags, controls, and unassigned characters and noncharacters.
const AWKWARD: &[char] = &[
    '\u{202e}',
    '\u{202d}',
    '\u{2066}',
    '\u{2067}',
    '\u{2069}',
    '\u{200d}',
    '\u{200c}',
    '\u{200e}',
    '\u{200f}',
    '\u{feff}',
    '\u{fe0f}',
    '\u{20e3}',
    '\u{301}',
    '\u{327}',
    '\u{489}',
    '\u{e0067}',
    '\u{e007f}',
    '\u{1f3ff}',
    '\u{1f1ee}',
    '\u{1f1f3}',
    '\u{94d}',
    '\u{93c}',
    '\u{93f}',
    '\u{903}',
    '\u{64b}',
    '\u{651}',
    '\u{670}',
    '\u{6dd}',
    '\u{fdfd}',
    '\u{fffd}',
    '\u{ffff}',
    '\u{10ffff}',
    '\u{e000}',
    '\u{378}',
    '\u{2028}',
    '\u{ad}',
    '\u{a0}',
    '\u{3000}',
    '\u{1160}',
    '\u{115f}',
    '\u{3164}',
    '\u{12031}',
    '\u{a9c5}',
    '👩',
    '🏽',
    '🎉',
    '❤',
    '👨',
    'क',
    'ष',
    'र',
    'ि',
    'ع',
    'ل',
    'ا',
    'ـ',
    '\u{2060}',
    '\u{3099}',
    '\u{309a}',
    '\u{302e}',
    '\u{1100}',
    '\u{1161}',
    '\u{11a8}',
    '\u{ff9e}',
    '\u{fa1e}',
    '\u{e0101}',
    '\u{20bb7}',
    'か',
    'ｶ',
    'ッ',
    'ー',
    '、',
    '」',
    '「',
    '々',
    '〜',
    '音',
    '东',
    '한',
    '㍿',
    '①',
    '“',
    '—',
    'Ａ',
    'A',
    'f',
    'i',
    'ß',
    '1',
    '…',
    ' ',
];

fn titles() -> impl Strategy<Value = String> {
    let awkward = proptest::collection::vec(proptest::sample::select(AWKWARD), 1..120)
        .prop_map(String::from_iter);
    let any = proptest::collection::vec(any::<char>(), 1..80).prop_map(String::from_iter);
    let covered = proptest::collection::vec(
        prop_oneof![
            0x20_u32..0x530,
            0x600_u32..0x780,
            0x900_u32..0x980,
            0x1e00_u32..0x2200,
            0x1f300_u32..0x1fb00
        ]
        .prop_filter_map("not a character", char::from_u32),
        1..300,
    )
    .prop_map(String::from_iter);
    let east_asian = proptest::collection::vec(
        prop_oneof![
            0x1100_u32..0x1200,
            0x2000_u32..0x2c00,
            0x2e80_u32..0x3400,
            0x4e00_u32..0xa000,
            0xac00_u32..0xd7b0,
            0xf900_u32..0xfb00,
            0xfe30_u32..0xfe50,
            0xff00_u32..0xfff0,
            0x20_u32..0x7f,
        ]
        .prop_filter_map("not a character", char::from_u32),
        1..300,
    )
    .prop_map(String::from_iter);
    prop_oneof![awkward, any, covered, east_asian]
}

fn pictures() -> Vec<AssetKind> {
    AssetKind::ALL
        .into_iter()
        .filter(|asset| asset.media_type() == MediaType::Image)
        .collect()
}

fn configuration(title: &str, locale: &str) -> Option<Configuration> {
    let readable: String = title.chars().filter(|c| !c.is_control()).collect();
    let title = Text::<300>::parse(&readable).ok()?;
    let json = serde_json::json!({
        "title": title,
        "description": title,
        "organizer": Text::<200>::parse(&readable.chars().take(200).collect::<String>()).ok()?,
        "venue": { "name": Text::<200>::parse(&readable.chars().rev().take(200).collect::<String>()).ok()? },
        "startsAt": "2026-07-18T18:30:00+05:30",
        "locale": locale,
    });
    serde_json::from_value(json).ok()
}

proptest! {
    #![proptest_config(Config { cases: 96, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_title_is_drawn_without_fault(
        title in titles(),
        locale in proptest::sample::select(&["en", "ar", "hi", "ja", "zh-CN", "zh-TW", "ko"]),
        another in proptest::sample::select(pictures()),
    ) {
        if let Some(configuration) = configuration(&title, locale) {
            let mut canvas = CANVAS.lock().unwrap_or_else(PoisonError::into_inner);
            for asset in [AssetKind::Poster, another] {
                let drawing = Drawing { asset, configuration: &configuration, look: "any", logo: None, painting: None };
                let can_draw = canvas.can_draw(&configuration, asset).is_ok();
                match canvas.render(&drawing) {
                    Ok(rendered) => {
                        // No font has all of these letters, nor any word of some.
                        let mut faults = rendered.report.faults();
                        faults.retain(|fault| !fault.is_for_want_of_a_font());
                        prop_assert!(faults.is_empty(), "{} in {locale}: {faults:#?}", asset.as_str());
                        let drawn = &rendered.report.texts;
                        prop_assert!(drawn.iter().any(|text| text.role == "title"), "a title is drawn");
                        prop_assert!(can_draw, "{} in {locale}", asset.as_str());
                    }
                    Err(RenderError::Title { .. }) => prop_assert!(!can_draw, "{} in {locale}", asset.as_str()),
                    Err(error) => prop_assert!(false, "{error}"),
                }
            }
        }
    }
}

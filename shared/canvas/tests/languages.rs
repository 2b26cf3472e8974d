//! Properties of renders in Chinese, Japanese and Korean, and in languages without fixed words.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, PoisonError},
};

use canvas::{Canvas, Drawing, DrawnText, FontError, RenderError, Rendered};
use contract::{AssetKind, Configuration, MediaType};
use serde_json::{Value, json};

/// One canvas for all tests, because a render must not depend on earlier ones.
static CANVAS: LazyLock<Mutex<Canvas>> =
    LazyLock::new(|| Mutex::new(Canvas::new(&folder()).unwrap()));

const FILES: [&str; 4] = [
    "NotoSansJP-Medium.ttf",
    "NotoSansSC-Medium.ttf",
    "NotoSansTC-Medium.ttf",
    "NotoSansKR-Medium.ttf",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts/files")
}

fn on(
    canvas: &mut Canvas,
    asset: AssetKind,
    configuration: &Configuration,
) -> Result<Rendered, RenderError> {
    canvas.render(&Drawing {
        asset,
        configuration,
        look: "one look for all",
        logo: None,
        painting: None,
    })
}

fn draw(asset: AssetKind, configuration: &Configuration) -> Rendered {
    on(
        &mut CANVAS.lock().unwrap_or_else(PoisonError::into_inner),
        asset,
        configuration,
    )
    .unwrap()
}

fn event(facts: Value) -> Configuration {
    serde_json::from_value(facts).unwrap()
}

fn titled(title: &str, locale: &str) -> Configuration {
    event(json!({ "title": title, "locale": locale }))
}

fn poster(configuration: &Configuration) -> Vec<u8> {
    draw(AssetKind::Poster, configuration).png
}

fn text<'a>(rendered: &'a Rendered, role: &str) -> &'a DrawnText {
    rendered
        .report
        .texts
        .iter()
        .find(|text| text.role == role)
        .unwrap_or_else(|| panic!("no {role} was drawn"))
}

/// A configuration with every fact, in one language.
fn full(
    locale: &str,
    title: &str,
    description: &str,
    venue: [&str; 3],
    organizer: &str,
    label: &str,
) -> Configuration {
    let [name, address, city] = venue;
    event(json!({
        "title": title, "description": description, "locale": locale, "organizer": organizer, "label": label,
        "callToAction": label, "startsAt": "2026-07-18T18:30:00+09:00", "endsAt": "2026-07-18T23:00:00+09:00",
        "venue": { "name": name, "address": address, "city": city },
    }))
}

/// A locale, and in its language a title, a sentence, a venue, an organizer and a label.
type Texts = (
    &'static str,
    &'static str,
    &'static str,
    [&'static str; 3],
    &'static str,
    &'static str,
);

const TEXTS: [Texts; 4] = [
    (
        "ja",
        "夏の夜の音楽祭",
        "潮風に吹かれながら、「音」をお楽しみください。",
        ["横浜港大さん橋ホール", "中区海岸通1-1-4", "横浜市"],
        "横浜音楽文化協会",
        "参加無料",
    ),
    (
        "zh-CN",
        "上海国际音乐节",
        "来自四大洲的十二支乐队，带来“一整夜”的演奏。",
        ["上海交响乐团音乐厅", "复兴中路1380号", "上海市"],
        "上海音乐家协会",
        "免费入场",
    ),
    (
        "zh-TW",
        "臺北爵士音樂節",
        "夏日傍晚，讓薩克斯風的旋律陪你——免費入場。",
        ["大安森林公園露天音樂臺", "新生南路二段1號", "臺北市"],
        "臺北市政府文化局",
        "免費入場",
    ),
    (
        "ko",
        "서울 국제 재즈 페스티벌",
        "한강의 바람과 함께하는 열두 밴드의 즉흥 연주.",
        ["올림픽공원 88잔디마당", "송파구 올림픽로 424", "서울특별시"],
        "한국재즈협회",
        "무료 입장",
    ),
];

/// For each language, a short configuration and one with every field at its longest.
fn table() -> Vec<(&'static str, Configuration)> {
    let mut table = Vec::new();
    for (locale, title, sentence, venue, organizer, label) in TEXTS {
        table.push((
            locale,
            full(locale, title, sentence, venue, organizer, label),
        ));
        let long = |text: &str, most: usize| -> String {
            let long: String = text.chars().cycle().take(most).collect();
            long.trim().to_owned()
        };
        let [name, address, city] = venue;
        let (name, address, city) = (long(name, 200), long(address, 300), long(city, 100));
        let (title, sentence, organizer) =
            (long(title, 300), long(sentence, 2000), long(organizer, 200));
        table.push((
            locale,
            full(
                locale,
                &title,
                &sentence,
                [&name, &address, &city],
                &organizer,
                &long(label, 40),
            ),
        ));
    }
    table
}

#[test]
fn every_picture_in_each_language_has_no_fault_and_no_lost_character() {
    for (name, configuration) in table() {
        for asset in AssetKind::ALL
            .into_iter()
            .filter(|asset| asset.media_type() == MediaType::Image)
        {
            let report = draw(asset, &configuration).report;
            assert_eq!(report.faults(), [], "{name}, {}", asset.as_str());
            assert!(report.lost.is_empty(), "{name}, {}", asset.as_str());
        }
    }
}

#[test]
fn a_title_of_three_characters_is_whole_and_large() {
    for (locale, title) in [
        ("ja", "落語会"),
        ("zh", "音乐节"),
        ("zh-TW", "音樂節"),
        ("ko", "음악제"),
    ] {
        let rendered = draw(AssetKind::Poster, &titled(title, locale));
        let title = text(&rendered, "title");
        assert!(
            !title.cut && title.size > 150.0 && title.lines == 1,
            "{title:?}"
        );
    }
}

#[test]
fn a_cut_title_ends_in_an_ellipsis_without_a_comma() {
    let title = "音楽、".repeat(100);
    let rendered = draw(AssetKind::BannerMobile, &titled(&title, "ja"));
    let title = text(&rendered, "title");
    assert!(
        title.cut && title.text.ends_with('…') && !title.text.contains("、…"),
        "{title:?}"
    );
}

#[test]
fn a_chinese_character_has_the_form_of_its_readers_country() {
    let [japanese, simplified, traditional] =
        ["ja", "zh-CN", "zh-TW"].map(|locale| poster(&titled("直骨海", locale)));
    assert!(japanese != simplified && simplified != traditional && japanese != traditional);
}

#[test]
fn on_an_english_page_the_text_decides_the_form_of_chinese_characters() {
    for (title, locale) in [
        ("直の骨", "ja"),
        ("音楽の直", "ja"),
        ("直骨国际", "zh-CN"),
        ("直骨國際樂", "zh-TW"),
        ("서울", "ko"),
    ] {
        assert!(
            poster(&titled(title, "en")) == poster(&titled(title, locale)),
            "{title}"
        );
    }
}

#[test]
fn facts_use_the_events_language() {
    let facts = |locale: &str| {
        let rendered = draw(
            AssetKind::Poster,
            &full(locale, "2026", "…", ["A", "B", "C"], "D", "E"),
        );
        ["month", "weekday", "time", "organizer"]
            .map(|role| text(&rendered, role).text.replace('\u{a0}', " "))
    };
    assert_eq!(
        facts("ja"),
        ["2026年7月", "土曜日", "18:30〜23:00 GMT+9", "主催 D"]
    );
    assert_eq!(
        facts("zh-CN"),
        ["2026年7月", "星期六", "18:30–23:00 GMT+9", "主办 D"]
    );
    assert_eq!(
        facts("zh-HK"),
        ["2026年7月", "星期六", "18:30 – 23:00 GMT+9", "主辦 D"]
    );
    assert_eq!(
        facts("ko"),
        ["2026년 7월", "토요일", "오후 6:30~11:00 GMT+9", "주최 D"]
    );
}

#[test]
fn an_invitation_greets_in_its_language() {
    for (locale, greeting) in [
        ("ja", "ご招待"),
        ("zh-CN", "诚邀您莅临"),
        ("zh-TW", "誠摯邀請您"),
        ("ko", "초대합니다"),
    ] {
        assert_eq!(
            text(
                &draw(AssetKind::Invitation, &titled("2026", locale)),
                "greeting"
            )
            .text,
            greeting
        );
    }
}

#[test]
fn a_language_without_words_gets_none_of_another_language() {
    // Sanskrit has dates, but no fixed words.
    let configuration = full(
        "sa",
        "शाकुन्तलम्",
        "नाटकम्",
        ["नाट्यगृहम्", "मार्गः", "पुणे"],
        "संस्था",
        "नाटकम्",
    );
    let poster = draw(AssetKind::Poster, &configuration);
    assert_eq!(text(&poster, "organizer").text, "संस्था");
    let invitation = draw(AssetKind::Invitation, &configuration);
    assert_eq!(text(&invitation, "organizer").text, "संस्था");
    assert!(
        invitation
            .report
            .texts
            .iter()
            .all(|text| text.role != "greeting")
    );
    for report in [poster.report, invitation.report] {
        assert_eq!(report.faults(), []);
        assert!(report.lost.is_empty());
    }
}

#[test]
fn a_month_long_event_has_no_weekdays_and_both_hours() {
    let configuration = event(json!({
        "title": "Looking East", "locale": "en-GB", "startsAt": "2026-03-01T10:00:00+00:00",
        "endsAt": "2026-11-30T18:00:00+00:00", "timeZone": "Europe/London",
    }));
    for asset in [AssetKind::Poster, AssetKind::Invitation] {
        let rendered = draw(asset, &configuration);
        assert_eq!(
            text(&rendered, "time").text.replace('\u{a0}', " "),
            "10:00–18:00 GMT"
        );
        assert!(
            rendered
                .report
                .texts
                .iter()
                .all(|text| text.role != "weekday")
        );
        assert_eq!(rendered.report.faults(), []);
    }
}

#[test]
fn persian_places_have_a_persian_comma() {
    let configuration = full(
        "fa",
        "شب شعر",
        "…",
        ["تالار رودکی", "خیابان حافظ", "تهران"],
        "D",
        "E",
    );
    let invitation = draw(AssetKind::Invitation, &configuration);
    assert_eq!(text(&invitation, "address").text, "خیابان حافظ، تهران");
}

#[test]
fn wide_letters_become_plain_and_narrow_kana_stay() {
    let rendered = draw(
        AssetKind::Poster,
        &titled("ＪＡＺＺ　２０２６　ﾗｲﾌﾞ！", "ja"),
    );
    assert_eq!(text(&rendered, "title").text, "JAZZ 2026 ﾗｲﾌﾞ！");
}

#[test]
fn a_render_does_not_depend_on_the_fonts_that_were_read_before_it() {
    for configuration in [
        titled("Open Mic ♪", "en"),
        titled("夏の夜", "ja"),
        titled("서울 音樂", "ko"),
    ] {
        let fresh = on(
            &mut Canvas::new(&folder()).unwrap(),
            AssetKind::Poster,
            &configuration,
        )
        .unwrap();
        let mut used = Canvas::new(&folder()).unwrap();
        for (_, another) in table() {
            on(&mut used, AssetKind::Invitation, &another).unwrap();
        }
        assert!(on(&mut used, AssetKind::Poster, &configuration).unwrap() == fresh);
    }
}

#[test]
fn only_the_font_that_a_text_needs_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        fs::write(folder.path().join(file), "").unwrap();
    }
    for file in [FILES[0], "scripts.pack"] {
        fs::copy(self::folder().join(file), folder.path().join(file)).unwrap();
    }
    let mut canvas = Canvas::new(folder.path()).unwrap();
    on(
        &mut canvas,
        AssetKind::Poster,
        &titled("Night of Jazz", "en"),
    )
    .unwrap();
    on(&mut canvas, AssetKind::Poster, &titled("夏の夜", "ja")).unwrap();
    let error = on(&mut canvas, AssetKind::Poster, &titled("서울", "ko")).unwrap_err();
    assert!(
        matches!(&error, RenderError::Font(FontError::Unreadable(path)) if path.ends_with(FILES[3])),
        "{error}"
    );
    // A failed render leaves no state behind.
    on(
        &mut canvas,
        AssetKind::Poster,
        &titled("Night of Jazz", "en"),
    )
    .unwrap();
}

#[test]
fn a_missing_font_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let Err(error) = Canvas::new(folder.path()) else {
        panic!("there are no fonts")
    };
    assert!(error.to_string().contains(FILES[0]), "{error}");
}

#[test]
fn an_alternative_text_has_the_facts_in_the_language_of_the_content() {
    let said = |locale: &str, title: &str, venue: [&str; 3], organizer: &str| {
        let facts = full(locale, title, "…", venue, organizer, "!");
        draw(AssetKind::Poster, &facts).report.alt_text
    };
    let lake = ["Ulsoor Lake", "Kensington Road", "Bengaluru"];
    let arabic = ["القاعة", "شارع النيل", "القاهرة"];
    let japanese = ["大さん橋ホール", "海岸通1-1-4", "横浜市"];
    let told = [
        said("en-IN", "Lanterns!", lake, "Monsoon Arts"),
        said("hi", "दीपों का मेला", ["झील", "मार्ग", "जयपुर"], "कला"),
        said("ar", "مهرجان الفوانيس", arabic, "الفنون"),
        said("ja", "夏の夜の音楽祭", japanese, "横浜音楽文化協会"),
    ];
    assert_eq!(
        told,
        [
            "Lanterns! 18 July 2026, 6:30\u{a0}– 11:00\u{a0}PM GMT+9. Ulsoor Lake, Kensington Road, Bengaluru. Monsoon Arts",
            "दीपो\u{902} का म\u{947}ला. 18 ज\u{941}लाई, 2026, शाम\u{a0}6:30\u{a0}– रात\u{a0}11:00 GMT+9. झील, मार\u{94d}ग, जयप\u{941}र. कला",
            "مهرجان الفوانيس. \u{200f}18 يوليو 2026، \u{200f}6:30–11:00\u{a0}م غرينتش\u{200e}+9. القاعة، شارع النيل، القاهرة. الفنون",
            "夏の夜の音楽祭. 2026年7月18日, 18:30〜23:00 GMT+9. 大さん橋ホール, 横浜市海岸通1-1-4. 横浜音楽文化協会",
        ]
    );
    // A kind that does not show a fact does not tell it, and neither does one without a font.
    let mobile = full(
        "en-IN",
        "Lanterns",
        "…",
        ["\u{12000}\u{12001}", "B", "C"],
        "D",
        "!",
    );
    let told = draw(AssetKind::BannerMobile, &mobile).report.alt_text;
    assert!(
        told.starts_with("Lanterns") && !told.contains('\u{12000}'),
        "{told}"
    );
    assert!(!told.contains("B"), "{told}");
}

//! What a typographer sees in whole pictures.

use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use canvas::{Canvas, Drawing, DrawnText, Logo, Rendered};
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

fn draw(asset: AssetKind, facts: Value, logo: Option<&Logo>) -> Rendered {
    let configuration: Configuration = serde_json::from_value(facts).unwrap();
    let mut canvas = CANVAS.lock().unwrap_or_else(PoisonError::into_inner);
    let drawing = Drawing {
        asset,
        configuration: &configuration,
        look: "one look for all",
        logo,
        painting: None,
    };
    let rendered = canvas.render(&drawing).unwrap();
    assert_eq!(rendered.report.faults(), [], "{}", asset.as_str());
    rendered
}

fn text<'a>(rendered: &'a Rendered, role: &str) -> &'a DrawnText {
    let texts = &rendered.report.texts;
    texts.iter().find(|text| text.role == role).unwrap()
}

/// The picture as rows of 8-bit RGB.
fn rows(rendered: &Rendered) -> Vec<Vec<[u8; 3]>> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&rendered.png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    let pixels: Vec<[u8; 3]> = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
    pixels
        .chunks(rendered.width as usize)
        .map(<[[u8; 3]]>::to_vec)
        .collect()
}

/// Whether two pixels have the same colour, as far as a PNG with a palette keeps it.
fn is_near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.iter()
        .zip(other)
        .all(|(one, other)| one.abs_diff(other) <= 5)
}

#[test]
fn two_lines_never_touch_in_any_picture() {
    for (locale, title) in [
        ("sr", "Београдски џез фестивал бдгпт"),
        ("vi", "Ngọc Nghệ Ễ Ngỹ Ặ Đường Phố"),
        ("tr", "Çırağan Gecesi ve Ångström Şarkıları"),
        ("hi", "शास्त्रीय संगीत की कूँज और मुंबई की रात्रि"),
        ("my", "ရန်ကုန် ဂီတပွဲတော်ကြီး မြို့တော်ခန်းမ"),
        ("ur-PK", "شام غزل اور مشاعرہ، لاہور کی ایک یادگار شام"),
        ("th", "เทศกาลดนตรีริมทะเลสาบและอาหารพื้นบ้านที่เชียงใหม่"),
    ] {
        let mut lines = 0;
        let kinds = AssetKind::ALL.into_iter();
        for asset in kinds.filter(|asset| asset.media_type() == MediaType::Image) {
            let facts = json!({ "title": title, "locale": locale, "description": title });
            // A fault of touching lines is among those that `draw` wants none of.
            let rendered = draw(asset, facts, None);
            lines = lines.max(text(&rendered, "title").lines);
        }
        assert!(lines > 1, "{title}");
    }
}

#[test]
fn a_high_title_keeps_its_distance_from_the_organizer() {
    for (locale, title, organizer) in [
        ("ar-SA", "إلى أُمّي", "جمعيّة الفنون"),
        ("my", "ကြွေးကြော်သံ", "ရန်ကုန်"),
        ("ur-PK", "شامِ غزل", "انجمنِ ترقی"),
        ("en-GB", "ÅÄÖ ẤẾ", "gypjq"),
    ] {
        let facts = json!({ "title": title, "locale": locale, "organizer": organizer });
        let rendered = draw(AssetKind::Poster, facts, None);
        let (title, organizer) = (text(&rendered, "title"), text(&rendered, "organizer"));
        let gap = title.ink.y - organizer.ink.bottom();
        assert!(
            gap >= 16.0 + title.size * 0.1 - 1.0,
            "{}: {gap}",
            title.text
        );
    }
}

#[test]
fn no_line_is_drawn_under_a_title_with_nothing_after_it() {
    for asset in [
        AssetKind::SocialSquare,
        AssetKind::SocialStory,
        AssetKind::SocialLandscape,
        AssetKind::EventCover,
        AssetKind::Invitation,
    ] {
        let rendered = draw(
            asset,
            json!({ "title": "Open Mic", "locale": "en-GB" }),
            None,
        );
        let title = text(&rendered, "title");
        let rows = rows(&rendered);
        let (left, right) = (title.ink.x as usize, title.ink.right() as usize);
        let below = title.ink.bottom() as usize + 1;
        // As far below as a rule or a divider would be.
        let end = (below + 90).min(rows.len() - 1);
        let paper = rows[below][left];
        for (y, row) in rows.iter().enumerate().take(end).skip(below) {
            let is_paper = row[left..right].iter().all(|pixel| is_near(*pixel, paper));
            // The picture or the margin may begin there.
            if !is_paper {
                let width = row[left..right]
                    .iter()
                    .filter(|pixel| !is_near(**pixel, paper))
                    .count();
                assert!(
                    width > (right - left) * 9 / 10 || y > below + 60,
                    "{} has {width} pixels of something at {y}, under {below}",
                    asset.as_str()
                );
                break;
            }
        }
        let with_facts = json!({ "title": "Open Mic", "startsAt": "2026-07-18T18:30:00+05:30" });
        draw(asset, with_facts, None);
    }
}

#[test]
fn the_cover_has_no_strip_of_art_beside_its_words() {
    for (locale, title) in [("en-GB", "Open Mic"), ("ar-SA", "ليلة الشعر")] {
        let rendered = draw(
            AssetKind::EventCover,
            json!({ "title": title, "locale": locale }),
            None,
        );
        let title = text(&rendered, "title");
        let rows = rows(&rendered);
        let row = &rows[title.ink.y as usize - 4];
        let paper = row[title.ink.x as usize];
        // From the words to the edge where lines begin there is only paper.
        let edge = if locale == "en-GB" {
            0..title.ink.right() as usize
        } else {
            title.ink.x as usize..row.len()
        };
        assert!(row[edge].iter().all(|pixel| is_near(*pixel, paper)));
        assert!(row.iter().any(|pixel| !is_near(*pixel, paper)), "no art");
    }
}

#[test]
fn a_wide_logo_has_a_place_on_every_banner_but_the_smallest() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 300, 100);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = [200, 30, 30].into_iter().cycle().take(90_000).collect();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    let logo = Logo::decode(&file).unwrap();
    for asset in [
        AssetKind::BannerBillboard,
        AssetKind::BannerLeaderboard,
        AssetKind::BannerRectangle,
        AssetKind::BannerSkyscraper,
    ] {
        let facts = || {
            json!({
                "title": "Monsoon Jazz Festival", "locale": "en-IN", "label": "20% off",
                "callToAction": "Reserve your seats now", "startsAt": "2026-07-18T18:30:00+05:30",
                "venue": { "name": "Royal Opera House", "city": "Mumbai" },
            })
        };
        let rendered = draw(asset, facts(), Some(&logo));
        let rows = rows(&rendered);
        let red = rows.iter().map(|row| {
            row.iter()
                .filter(|pixel| is_near(**pixel, [200, 30, 30]))
                .count()
        });
        let widest = red.max().unwrap();
        assert!(widest >= 60, "{}: {widest} pixels", asset.as_str());
    }
}

#[test]
fn facts_in_a_script_of_high_lines_are_whole() {
    for asset in [
        AssetKind::EventCover,
        AssetKind::SocialSquare,
        AssetKind::LinkPreview,
    ] {
        let facts = json!({
            "title": "شامِ غزل", "locale": "ur-PK", "organizer": "انجمنِ ترقی اردو",
            "startsAt": "2026-07-18T18:30:00+05:00", "timeZone": "Asia/Karachi",
            "venue": { "name": "الحمرا ہال", "city": "لاہور" },
        });
        for text in &draw(asset, facts, None).report.texts {
            assert!(!text.cut, "{}: {}", asset.as_str(), text.text);
        }
    }
}

#[test]
fn a_posters_date_is_whole_and_its_month_leads_it() {
    for locale in [
        "km-KH", "es-ES", "pt-BR", "uk-UA", "ml-IN", "de-DE", "vi-VN",
    ] {
        let facts = json!({
            "title": "x", "locale": locale, "timeZone": "Asia/Phnom_Penh",
            "startsAt": "2026-09-17T09:05:00+07:00", "endsAt": "2026-09-21T21:45:00+07:00",
            "venue": { "name": "x" },
        });
        let rendered = draw(AssetKind::Poster, facts, None);
        let [month, weekday, time] = ["month", "weekday", "time"].map(|role| text(&rendered, role));
        for line in [month, weekday, time] {
            assert!(!line.cut, "{locale}: {}", line.text);
        }
        assert!(
            month.size >= weekday.size && weekday.size >= time.size - 0.6,
            "{locale}: {} {} {}",
            month.size,
            weekday.size,
            time.size
        );
        assert!((weekday.size - time.size).abs() < 0.6, "{locale}");
    }
}

#[test]
fn the_numeral_of_a_day_is_large_in_every_script() {
    // The digits of Kashmiri are in Nastaliq, whose lines are twice as high as its digits.
    for (locale, least) in [
        ("en-GB", 70.0),
        ("mr-IN", 70.0),
        ("as-IN", 70.0),
        ("my-MM", 70.0),
        ("fa-IR", 70.0),
        ("ks-IN", 100.0),
    ] {
        let facts = json!({
            "title": "x", "locale": locale, "startsAt": "2026-10-09T18:30:00+05:30",
            "venue": { "name": "x" },
        });
        let rendered = draw(AssetKind::Poster, facts, None);
        let height = text(&rendered, "days").ink.height;
        assert!((least..=130.0).contains(&height), "{locale}: {height}");
    }
}

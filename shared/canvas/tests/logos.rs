//! Logos and a brand's colours in whole pictures.

use std::path::Path;

use canvas::{Canvas, Change, Drawing, Field, Logo, Rendered};
use contract::{AssetKind, Configuration};
use serde_json::{Value, json};

fn event(brand: &Value) -> Configuration {
    serde_json::from_value(json!({
        "title": "Lanterns on the Lake",
        "startsAt": "2026-12-19T18:30:00+05:30",
        "callToAction": "Get your ticket",
        "brand": brand,
    }))
    .unwrap()
}

fn draw(asset: AssetKind, configuration: &Configuration, logo: Option<&Logo>) -> Rendered {
    let fonts = Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts/files");
    let drawing = Drawing {
        asset,
        configuration,
        look: "lanterns",
        logo,
        painting: None,
    };
    let rendered = Canvas::new(&fonts).unwrap().render(&drawing).unwrap();
    assert_eq!(rendered.report.faults(), [], "{}", asset.as_str());
    rendered
}

/// A word mark, `width` times as wide as high.
fn word_mark(width: u32) -> Logo {
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 1"><rect width="{width}" height="1" fill="#e91e63"/></svg>"##
    );
    Logo::decode(svg.as_bytes()).unwrap()
}

#[test]
fn a_wide_logo_finds_a_place_on_every_banner_that_has_one() {
    let event = event(&json!({}));
    for width in [1, 3, 8] {
        let logo = word_mark(width);
        for asset in [
            AssetKind::BannerBillboard,
            AssetKind::BannerLeaderboard,
            AssetKind::BannerRectangle,
            AssetKind::BannerSkyscraper,
        ] {
            let with = draw(asset, &event, Some(&logo));
            let without = draw(asset, &event, None);
            assert!(
                with.png != without.png,
                "{} : 1 on {}",
                width,
                asset.as_str()
            );
            assert!(with.png == draw(asset, &event, Some(&logo)).png, "again");
        }
    }
}

#[test]
fn a_moved_colour_is_in_the_report_of_its_picture() {
    let black = event(&json!({ "primaryColor": "#000000", "accentColor": "#000000" }));
    let pink = event(&json!({ "primaryColor": "#e91e63" }));
    let own = event(&json!({ "primaryColor": "#1b3a57", "accentColor": "#f2a541" }));
    let said = |asset, configuration| {
        let adjusted = draw(asset, configuration, None).report.adjusted;
        let fields = adjusted.into_iter().map(|one| (one.field, one.change));
        fields.collect::<Vec<_>>()
    };
    for asset in [
        AssetKind::Poster,
        AssetKind::Invitation,
        AssetKind::BannerMobile,
    ] {
        let moved = [(Field::AccentColor, Change::Moved)];
        assert_eq!(said(asset, &black), moved, "{}", asset.as_str());
        assert_eq!(said(asset, &own), [], "{}", asset.as_str());
    }
    let moved = [(Field::PrimaryColor, Change::Moved)];
    assert_eq!(said(AssetKind::Poster, &pink), moved);
}

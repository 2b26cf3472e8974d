//! The places outside the Rust code that must name every provider: the template, the settings'
//! schema and the page about vendors. A new one that a place lacks fails here, with the place's
//! name. (`shared/contract/tests/places.rs` does so for the topics and the kinds of asset.)

use std::{fs, path::PathBuf};

use contract::MediaType;
use domain::ProviderId;

fn read(path: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn vendors() -> impl Iterator<Item = ProviderId> {
    ProviderId::ALL
        .into_iter()
        .filter(|provider| provider.is_paid())
}

#[test]
fn the_template_watches_every_vendor() {
    let template = read("infra/template.yaml");
    let times = |text: String| template.matches(&text).count();
    for vendor in vendors() {
        for (text, count, places) in [
            // Whole, so that no vendor's name stands for another's that begins with it.
            (
                format!("{{ Name: Provider, Value: {vendor} }}"),
                2,
                "alarms",
            ),
            (
                format!("\"Provider\",\"{vendor}\"]"),
                4,
                "widgets of the dashboard",
            ),
        ] {
            assert_eq!(times(text), count, "{vendor} must be in {count} {places}");
        }
    }
}

/// The text of one of the template's parameters.
fn parameter(name: &str) -> String {
    let template = read("infra/template.yaml");
    let (_, rest) = template.split_once(&format!("\n  {name}:\n")).unwrap();
    let lines = rest.lines().take_while(|line| line.starts_with("    "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_templates_parameters_name_every_provider() {
    for provider in ProviderId::ALL {
        let list = match provider.media_type() {
            MediaType::Image => "ImageProviders",
            MediaType::Video => "VideoProviders",
            MediaType::Audio => "AudioProviders",
        };
        let for_voices = provider.clones_voices().then_some("VoiceProvider");
        assert_eq!(for_voices.is_some(), provider == ProviderId::ElevenLabs);
        for name in [Some(list), for_voices].into_iter().flatten() {
            assert!(
                parameter(name).contains(provider.as_str()),
                "the parameter {name} lacks {provider}"
            );
        }
    }
}

#[test]
fn the_page_about_vendors_has_a_row_for_every_vendor() {
    let page = read("docs/vendors.md");
    for vendor in vendors() {
        let rows = page.matches(&format!("\n| `{vendor}` | ")).count();
        assert_eq!(
            rows, 2,
            "docs/vendors.md: what {vendor} makes, and its limits"
        );
    }
}

//! Text → a picture; an uploaded file → a logo in a picture.

use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use canvas::{Canvas, Drawing, Logo, RenderError, Rendered};
use contract::{AssetKind, Brand, Configuration, Locale, MediaType, Moment, S3Object, Text, Venue};

use crate::Reached;

/// The largest picture, in bytes: twice the largest picture that any text has produced.
const LARGEST_PICTURE: usize = 4 * 1024 * 1024;

/// One canvas for all input, because a picture must not depend on earlier ones.
static CANVAS: LazyLock<Mutex<Canvas>> = LazyLock::new(|| {
    let fonts = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/canvas/fonts/files"
    ));
    Mutex::new(Canvas::new(fonts).expect("the fonts can be read"))
});

/// The pictures, small ones first.
static PICTURES: LazyLock<Vec<AssetKind>> = LazyLock::new(|| {
    let mut pictures: Vec<_> = AssetKind::ALL
        .into_iter()
        .filter(|a| a.media_type() == MediaType::Image)
        .collect();
    pictures.sort_by_key(|asset| asset.size().map(|(width, height)| width * height));
    pictures
});

/// Draws text. The first byte of the input selects the picture, the second the language, and the
/// rest is UTF-8: one line each for title, description, organizer, venue, city, label, call to
/// action, start and end. The last line is used for the missing ones.
///
/// For any text, the picture has its size, and no text leaves its area, overlaps another, lacks a
/// glyph or is hard to read. Only a title that cannot be set is refused, with one sentence.
pub fn canvas_text(input: &[u8]) -> Reached {
    let Some((&[picture, language], text)) = input.split_first_chunk::<2>() else {
        return Reached::Unread;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return Reached::Unread;
    };
    // Without a title there is nothing to draw.
    let Some(configuration) = configuration(text, language) else {
        return Reached::Refused;
    };
    let asset = PICTURES[usize::from(picture) % PICTURES.len()];
    draw(asset, &configuration, None)
}

/// Decodes a file that a tenant uploaded as its logo, and draws it. The file is refused with one
/// reason, or drawn like any logo.
pub fn logo(input: &[u8]) -> Reached {
    match Logo::decode(input) {
        Ok(logo) => {
            let configuration = configuration("Lanterns", 0).expect("a title is all that it needs");
            draw(
                AssetKind::BannerMobile,
                &with_logo(configuration),
                Some(&logo),
            )
        }
        Err(error) => {
            crate::sentence::check(&error.to_string());
            Reached::Refused
        }
    }
}

fn draw(asset: AssetKind, configuration: &Configuration, logo: Option<&Logo>) -> Reached {
    let drawing = Drawing {
        asset,
        configuration,
        look: "any",
        logo,
        painting: None,
    };
    let mut canvas = CANVAS.lock().unwrap_or_else(PoisonError::into_inner);
    let can_draw = canvas.can_draw(configuration, asset).is_ok();
    let Rendered {
        png,
        width,
        height,
        report,
    } = match canvas.render(&drawing) {
        Ok(rendered) => rendered,
        Err(error @ RenderError::Title { .. }) => {
            assert!(!can_draw, "{configuration:?}");
            crate::sentence::check(&error.to_string());
            return Reached::Refused;
        }
        Err(error) => panic!("{error}"),
    };
    assert!(can_draw, "{configuration:?}");
    assert_eq!(asset.size(), Some((width, height)));
    assert!(
        png.len() <= LARGEST_PICTURE,
        "a picture of {} bytes",
        png.len()
    );
    // No font has all characters, nor any word of some.
    let mut faults = report.faults();
    faults.retain(|fault| !fault.is_for_want_of_a_font());
    assert!(
        faults.is_empty(),
        "{} of {configuration:?}: {faults:#?}",
        asset.as_str()
    );
    Reached::Accepted
}

/// The configuration of an event from lines of text, as far as the contract allows them.
fn configuration(text: &str, language: u8) -> Option<Configuration> {
    // In this order, because an input of the corpus names its language by its place.
    const LANGUAGES: [&str; 20] = [
        "en", "ar", "hi", "ja", "zh-CN", "zh-TW", "ko", "ur", "fa", "he", "ta", "bn", "ml", "th",
        "km", "my", "am", "vi", "el", "yo",
    ];
    let lines: Vec<&str> = text.split('\n').collect();
    let line = |index: usize| lines[index.min(lines.len() - 1)];
    Some(Configuration {
        description: cut(line(1)),
        organizer: cut(line(2)),
        venue: cut(line(3)).map(|name| Venue {
            name,
            address: None,
            city: cut(line(4)),
        }),
        label: cut(line(5)),
        call_to_action: cut(line(6)),
        starts_at: moment(line(7)),
        ends_at: moment(line(8)),
        locale: Locale::parse(LANGUAGES[usize::from(language) % LANGUAGES.len()]),
        ..Configuration::titled(cut(line(0))?)
    })
}

/// The first characters of `text`, as many as the field allows.
fn cut<const MOST: usize>(text: &str) -> Option<Text<MOST>> {
    let readable: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    Text::parse(&readable).ok()
}

fn moment(line: &str) -> Option<Moment> {
    line.parse().ok()
}

fn with_logo(configuration: Configuration) -> Configuration {
    let brand = Brand {
        logo: S3Object::parse("s3://brands/logo.png"),
        ..Brand::default()
    };
    Configuration {
        brand: Some(brand),
        ..configuration
    }
}

//! The embedded provider's renderer: an event's facts in, a designed PNG out; no key, no network,
//! no clock, no chance.
//!
//! Shapes are filled paths (tiny-skia), made from numbers alone: a user's text is never part of a
//! markup. All text goes through cosmic-text with the fonts in `fonts/` and no others. The same
//! configuration gives the same bytes.
//!
//! One file per idea: `page` reads the facts, `palette` and `art` or `ornament` grow from them,
//! `text` sets what `clean` left, `poster` and `invitation` are the designs, `check` is the report
//! that every render carries.

mod art;
mod banner;
mod check;
mod clean;
mod color;
mod dates;
mod editorial;
mod fonts;
mod icons;
mod invitation;
mod logo;
mod ornament;
mod page;
mod painting;
mod palette;
mod panel;
mod picture;
mod png_file;
mod poster;
mod seed;
mod shapes;
mod sheet;
mod social;
mod text;
mod wide;
mod words;

use std::path::Path;

use contract::{AssetKind, Configuration};

pub use check::{Area, DrawnText, Fault, Report};
pub use fonts::FontError;
pub use logo::{Logo, LogoError};
pub use painting::{Painting, PaintingError};

use crate::{fonts::Fonts, page::Page, palette::Palette, sheet::Sheet, text::Typesetter};

/// The renderer with its fonts loaded. Making one costs a few milliseconds, so make it once.
pub struct Canvas {
    typesetter: Typesetter,
}

/// What is to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Drawing<'a> {
    /// What to make.
    pub asset: AssetKind,
    /// The facts; no more of them is looked at than the asset shows.
    pub configuration: &'a Configuration,
    /// What the chance in a design grows from. Whatever has the same look has the same colours and
    /// the same kind of picture.
    pub look: &'a str,
    /// The brand's logo.
    pub logo: Option<&'a Logo>,
    /// What somebody else painted, for the place of the design's own picture.
    pub painting: Option<&'a Painting>,
}

/// A drawn asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The picture, a PNG of 8 bit sRGB without transparency, with a palette where it has few
    /// shades.
    pub png: Vec<u8>,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// What text it holds, and where.
    pub report: Report,
}

/// Why nothing was drawn. None of these depends on the configuration: every configuration can be
/// drawn.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A font cannot be used.
    #[error(transparent)]
    Font(#[from] FontError),
    /// The asset is seen in motion, or only heard.
    #[error("`{}` is not a picture", .0.as_str())]
    NotAPicture(AssetKind),
    /// The asset has no size.
    #[error("a picture of {width} × {height} pixels cannot be drawn")]
    Size {
        /// The width asked for.
        width: u32,
        /// The height asked for.
        height: u32,
    },
    /// The PNG encoder failed.
    #[error("the picture cannot be written as a PNG")]
    Encode(#[from] png::EncodingError),
}

/// The day of `configuration` in one line, in its own language; `None` without a start.
#[must_use]
pub fn day(configuration: &Configuration) -> Option<String> {
    Some(
        dates::when(
            configuration,
            words::Speech::of(configuration.locale.as_ref()),
        )?
        .date,
    )
}

type Design = fn(&mut Typesetter, &mut Sheet, &Page<'_>, &Palette);

impl Canvas {
    /// Loads the built-in fonts. Those for Chinese, Japanese and Korean lie in `fonts` and are read
    /// when a text first needs them.
    ///
    /// # Errors
    /// [`RenderError::Font`] if the build holds a font that cannot be read.
    pub fn new(fonts: &Path) -> Result<Self, RenderError> {
        Ok(Self {
            typesetter: Typesetter::new(Fonts::load(fonts)?),
        })
    }

    /// Draws a picture, at [`AssetKind::size`].
    ///
    /// # Errors
    /// [`RenderError::NotAPicture`] for a video or a spot; no other is to be expected.
    pub fn render(&mut self, drawing: &Drawing<'_>) -> Result<Rendered, RenderError> {
        let asset = drawing.asset;
        let (design, margin): (Design, f32) = match asset {
            AssetKind::Poster => (poster::draw, poster::MARGIN - 16.0),
            AssetKind::Invitation => (invitation::draw, invitation::MARGIN - 16.0),
            AssetKind::SocialSquare => (social::square, social::MARGIN - 16.0),
            AssetKind::SocialPortrait => (social::portrait, social::MARGIN - 16.0),
            AssetKind::SocialStory => (social::story, social::MARGIN - 16.0),
            AssetKind::SocialLandscape => (wide::landscape, wide::MARGIN - 16.0),
            AssetKind::LinkPreview => (wide::link_preview, wide::MARGIN - 16.0),
            AssetKind::EventCover => (wide::cover, wide::MARGIN - 16.0),
            AssetKind::BlogImage => (editorial::blog_image, editorial::MARGIN - 24.0),
            AssetKind::Thumbnail => (editorial::thumbnail, editorial::THUMBNAIL_MARGIN - 6.0),
            AssetKind::BannerBillboard => (banner::billboard, banner::MARGIN),
            AssetKind::BannerLeaderboard => (banner::leaderboard, banner::MARGIN),
            AssetKind::BannerRectangle => (banner::medium_rectangle, banner::MARGIN),
            AssetKind::BannerSkyscraper => (banner::skyscraper, banner::MARGIN),
            AssetKind::BannerMobile => (banner::mobile, 1.0),
            AssetKind::Video | AssetKind::AudioSpot => return Err(RenderError::NotAPicture(asset)),
        };
        let (width, height) = asset.size().ok_or(RenderError::NotAPicture(asset))?;
        self.typesetter
            .speak(words::Speech::of(drawing.configuration.locale.as_ref()));
        let shown = drawing.configuration.shown_by(asset);
        let page = Page::read(&shown, drawing.look, drawing.logo, &self.typesetter);
        let (palette, ground) = match asset {
            AssetKind::Invitation => {
                let palette = Palette::invitation(&page.seed, page.brand);
                (palette.clone(), palette.field)
            }
            _ => {
                let palette = Palette::poster(&page.seed, page.brand);
                (palette.clone(), palette.paper)
            }
        };
        // A letter may overhang its line by a hair, into the margin.
        let mut sheet = Sheet::new((width, height), ground, margin)
            .ok_or(RenderError::Size { width, height })?;
        sheet.hang(drawing.painting.cloned());
        design(&mut self.typesetter, &mut sheet, &page, &palette);
        self.typesetter.forget();
        if let Some(failure) = self.typesetter.take_failure() {
            return Err(failure.into());
        }
        let (png, report) = sheet.finish()?;
        Ok(Rendered {
            png,
            width,
            height,
            report,
        })
    }
}

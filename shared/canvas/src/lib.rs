//! The embedded provider's renderer: an event's facts in, a designed PNG out; no key, no network, no clock, no chance.
//!
//! Shapes are filled paths (tiny-skia), made from numbers alone: a user's text is never part of a markup. All text goes
//! through cosmic-text with the fonts in `fonts/` and no others. The same configuration gives the same bytes.
//!
//! One file per idea: `page` reads the facts, `palette` and `art` or `ornament` grow from them, `text` sets what `clean` left,
//! `poster` and `invitation` are the designs, `check` is the report that every render carries.

mod art;
mod check;
mod clean;
mod color;
mod dates;
mod fonts;
mod icons;
mod invitation;
mod ornament;
mod page;
mod palette;
mod poster;
mod seed;
mod shapes;
mod sheet;
mod text;
mod words;

use events::{AssetKind, Configuration};

pub use check::{Area, DrawnText, Fault, Report};

use crate::{fonts::Fonts, page::Page, palette::Palette, sheet::Sheet, text::Typesetter};

/// The renderer with its fonts loaded. Making one costs a few milliseconds, so make it once.
pub struct Canvas {
    typesetter: Typesetter,
}

/// A drawn asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The picture, a PNG of 8 bit sRGB without transparency.
    pub png: Vec<u8>,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// What text it holds, and where.
    pub report: Report,
}

/// Why nothing was drawn. None of these depends on the configuration: every configuration can be drawn.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A built-in font is damaged.
    #[error("the built-in font `{0}` cannot be read")]
    Font(&'static str),
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

impl Canvas {
    /// Loads the built-in fonts.
    ///
    /// # Errors
    /// [`RenderError::Font`] if the build holds a font that cannot be read.
    pub fn new() -> Result<Self, RenderError> {
        Ok(Self { typesetter: Typesetter::new(Fonts::load().map_err(RenderError::Font)?) })
    }

    /// Draws `asset` for `configuration`, at [`AssetKind::size`].
    ///
    /// # Errors
    /// A [`RenderError`]; none is to be expected.
    pub fn render(&mut self, asset: AssetKind, configuration: &Configuration) -> Result<Rendered, RenderError> {
        let (width, height) = asset.size();
        let page = Page::read(configuration, &self.typesetter);
        let brand = configuration.brand.as_ref();
        let (palette, margin) = match asset {
            AssetKind::Poster => (Palette::poster(&page.seed, brand), poster::MARGIN),
            AssetKind::Invitation => (Palette::invitation(&page.seed, brand), invitation::MARGIN),
        };
        let ground = match asset {
            AssetKind::Poster => palette.paper,
            AssetKind::Invitation => palette.field,
        };
        // A letter may overhang its line by a hair, into the margin.
        let mut sheet =
            Sheet::new((width, height), ground, margin - 16.0).ok_or(RenderError::Size { width, height })?;
        match asset {
            AssetKind::Poster => poster::draw(&mut self.typesetter, &mut sheet, &page, &palette),
            AssetKind::Invitation => invitation::draw(&mut self.typesetter, &mut sheet, &page, &palette),
        }
        self.typesetter.forget();
        let (png, report) = sheet.finish()?;
        Ok(Rendered { png, width, height, report })
    }
}

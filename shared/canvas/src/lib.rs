//! The renderer of the embedded provider: it turns an event's facts into a designed PNG, without a
//! key, a network, a clock or randomness.
//!
//! Shapes are filled paths (tiny-skia) made from numbers alone, so a user's text is never part of
//! markup. parley's engine shapes all text, with the fonts in `fonts/` and no others. The same
//! configuration always gives the same bytes.
//!
//! One file per idea: `page` reads the facts, `palette` and `art` or `ornament` derive colours and
//! pictures from the seed, `losses` counts what no face covers, `text` sets what `clean` left,
//! `poster`, `invitation` and the like are designs, `logo` reads a picture from outside (and
//! `png_reader` a PNG, for `painting` too), `png_writer` writes one, and `check` is the report of
//! every render.

mod alt_text;
mod art;
mod banner;
mod check;
mod clean;
mod color;
mod dates;
mod editorial;
mod fonts;
mod ground;
mod icons;
mod invitation;
mod language;
mod logo;
mod loss;
mod losses;
mod ornament;
mod page;
mod painting;
mod palette;
mod panel;
mod pen;
mod png_reader;
mod png_writer;
mod poster;
mod seed;
mod shapes;
mod sheet;
mod social;
mod text;
mod wide;
mod words;

use std::path::Path;

use contract::{AssetKind, Color, Configuration};

pub use check::{Area, ClusterBox, DrawnText, RenderFault, RenderReport};
pub use fonts::FontError;
pub use language::Language;
pub use logo::{Format, LARGEST_FILE as LARGEST_LOGO, Logo, LogoError, SvgFault};
pub use loss::{Adjustment, Change, Field, Lost};
pub use painting::{Painting, PaintingError};

use crate::{fonts::Fonts, page::Page, palette::Palette, pen::Pen, sheet::Sheet, text::Typesetter};

/// The renderer with its fonts loaded. Making one takes a few milliseconds, so a caller makes it
/// once.
pub struct Canvas {
    typesetter: Typesetter,
}

/// A picture to draw.
#[derive(Debug, Clone, Copy)]
pub struct Drawing<'a> {
    /// The kind of asset.
    pub asset: AssetKind,
    /// The facts; the canvas reads only those that the asset shows.
    pub configuration: &'a Configuration,
    /// The seed of the design's variations. Two drawings with the same look have the same colours
    /// and the same kind of picture.
    pub look: &'a str,
    /// The brand's logo.
    pub logo: Option<&'a Logo>,
    /// A provider's painting, in place of the design's own picture.
    pub painting: Option<&'a Painting>,
}

/// A drawn asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// A PNG of 8-bit sRGB without transparency, with a palette if it has few shades.
    pub png: Vec<u8>,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// The texts that it holds, and where.
    pub report: RenderReport,
}

/// Why nothing was drawn. Only [`RenderError::Title`] depends on the configuration.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A font cannot be used.
    #[error(transparent)]
    Font(#[from] FontError),
    /// The asset is a video or a sound.
    #[error("`{}` is not a picture", .0.as_str())]
    NotAPicture(AssetKind),
    /// A picture of this size cannot be allocated.
    #[error("a picture of {width} × {height} pixels cannot be drawn")]
    Size {
        /// The width asked for.
        width: u32,
        /// The height asked for.
        height: u32,
    },
    /// Most letters of the title have no font, or nothing of it can be drawn: a sentence for its
    /// owner.
    #[error("{}", loss::of_title(.script, *.lost, *.of))]
    Title {
        /// The script of the lost letters, or several, as a person writes them. Empty if they are of
        /// no script.
        script: String,
        /// The letters that have no font; if the title has no letter, its characters that have none.
        lost: u32,
        /// All letters, or characters.
        of: u32,
    },
    /// The PNG encoder failed.
    #[error("the picture cannot be written as a PNG")]
    Encode(#[from] png::EncodingError),
}

impl From<Lost> for RenderError {
    /// The title of which this is lost cannot be set.
    fn from(title: Lost) -> Self {
        let (lost, of) = match title.letters {
            0 => (title.signs, title.signs),
            letters => (letters, title.of),
        };
        Self::Title {
            script: loss::joined(&title.script_names()),
            lost,
            of,
        }
    }
}

/// The days of `configuration` on one line, in its own language; `None` without a start.
#[must_use]
pub fn day(configuration: &Configuration) -> Option<String> {
    Some(
        dates::when(
            configuration,
            words::LocaleRules::of(configuration.locale.as_ref()),
        )?
        .date,
    )
}

/// How one kind of picture is drawn.
struct Design {
    draw: fn(&mut Pen<'_>),
    /// The distance that text keeps from every edge.
    margin: f32,
    ground: Ground,
}

/// What the sheet shows before a design draws on it.
enum Ground {
    /// The paper, on which texts are set.
    Paper,
    /// The field of the art, for a card of paper on it.
    Field,
}

impl Design {
    /// The design of a kind of asset; `None` for a video or a sound.
    fn of(asset: AssetKind) -> Option<Self> {
        let on = |ground, draw: fn(&mut Pen<'_>), margin| {
            Some(Self {
                draw,
                margin,
                ground,
            })
        };
        // A letter may overhang its line slightly, into the margin.
        match asset {
            AssetKind::Poster => on(Ground::Paper, poster::draw, poster::MARGIN - 16.0),
            AssetKind::Invitation => on(Ground::Field, invitation::draw, invitation::MARGIN - 16.0),
            AssetKind::SocialSquare => on(Ground::Paper, social::square, social::MARGIN - 16.0),
            AssetKind::SocialPortrait => on(Ground::Paper, social::portrait, social::MARGIN - 16.0),
            AssetKind::SocialStory => on(Ground::Paper, social::story, social::MARGIN - 16.0),
            AssetKind::SocialLandscape => on(Ground::Paper, wide::landscape, wide::MARGIN - 16.0),
            AssetKind::LinkPreview => on(Ground::Paper, wide::link_preview, wide::MARGIN - 16.0),
            AssetKind::EventCover => on(Ground::Paper, wide::cover, wide::MARGIN - 16.0),
            AssetKind::BlogImage => on(
                Ground::Paper,
                editorial::blog_image,
                editorial::MARGIN - 24.0,
            ),
            AssetKind::Thumbnail => {
                let margin = editorial::THUMBNAIL_MARGIN - 6.0;
                on(Ground::Paper, editorial::thumbnail, margin)
            }
            AssetKind::BannerBillboard => on(Ground::Paper, banner::billboard, banner::MARGIN),
            AssetKind::BannerLeaderboard => on(Ground::Paper, banner::leaderboard, banner::MARGIN),
            AssetKind::BannerRectangle => {
                on(Ground::Paper, banner::medium_rectangle, banner::MARGIN)
            }
            AssetKind::BannerSkyscraper => on(Ground::Paper, banner::skyscraper, banner::MARGIN),
            AssetKind::BannerMobile => on(Ground::Paper, banner::mobile, 1.0),
            AssetKind::Video | AssetKind::AudioSpot => None,
        }
    }

    /// The colours of the design, and the one that its sheet begins with.
    fn colors(&self, page: &Page<'_>) -> (Palette, Color) {
        match self.ground {
            Ground::Paper => {
                let palette = Palette::poster(&page.seed, page.brand);
                let paper = palette.paper;
                (palette, paper)
            }
            Ground::Field => {
                let palette = Palette::invitation(&page.seed, page.brand);
                let field = palette.field;
                (palette, field)
            }
        }
    }
}

impl Canvas {
    /// Loads the built-in fonts. The fonts for Chinese, Japanese and Korean are in the folder
    /// `fonts`, and are read when a text first needs them.
    ///
    /// # Errors
    /// [`RenderError::Font`] if a built-in font cannot be read, or `fonts` lacks a file.
    pub fn new(fonts: &Path) -> Result<Self, RenderError> {
        Ok(Self {
            typesetter: Typesetter::new(Fonts::load(fonts)?),
        })
    }

    /// The bytes of the font with the name `face`, as [`ClusterBox::face`] has it. `None` if there is
    /// no such font.
    ///
    /// # Errors
    /// [`RenderError::Font`] if the font's file can no longer be read.
    pub fn font(&mut self, face: &str) -> Result<Option<Vec<u8>>, RenderError> {
        self.typesetter.font(face).map_err(RenderError::from)
    }

    /// Draws a picture, at [`AssetKind::size`].
    ///
    /// # Errors
    /// [`RenderError::NotAPicture`] for a video or an audio spot; [`RenderError::Title`] for a title
    /// that cannot be set; [`RenderError::Font`] if a font's file can no longer be read. No other
    /// error is expected.
    pub fn render(&mut self, drawing: &Drawing<'_>) -> Result<Rendered, RenderError> {
        let asset = drawing.asset;
        let design = Design::of(asset).ok_or(RenderError::NotAPicture(asset))?;
        let (width, height) = asset.size().ok_or(RenderError::NotAPicture(asset))?;
        self.typesetter
            .set_locale(drawing.configuration.locale.as_ref());
        let shown = drawing.configuration.shown_by(asset);
        let page = Page::read(&shown, drawing.look, drawing.logo, &self.typesetter)?;
        let (palette, ground) = design.colors(&page);
        let mut sheet = Sheet::new(width, height, ground, design.margin)
            .ok_or(RenderError::Size { width, height })?;
        sheet.hang(drawing.painting.cloned());
        (design.draw)(&mut Pen {
            typesetter: &mut self.typesetter,
            sheet: &mut sheet,
            page: &page,
            palette: &palette,
        });
        self.typesetter.forget();
        if let Some(failure) = self.typesetter.take_failure() {
            return Err(failure.into());
        }
        let (png, report) = sheet.finish()?;
        Ok(Rendered {
            png,
            width,
            height,
            report: RenderReport {
                alt_text: page.alt_text(),
                lost: page.lost,
                adjusted: palette.adjusted,
                ..report
            },
        })
    }

    /// Whether [`render`](Self::render) would draw `configuration` as this kind of asset, without a
    /// pixel: to be asked before a painting under the text is paid for.
    ///
    /// # Errors
    /// [`RenderError::Title`] and [`RenderError::NotAPicture`], as from `render`.
    pub fn can_draw(
        &self,
        configuration: &Configuration,
        asset: AssetKind,
    ) -> Result<(), RenderError> {
        Design::of(asset).ok_or(RenderError::NotAPicture(asset))?;
        let shown = configuration.shown_by(asset);
        Page::read(&shown, "", None, &self.typesetter)?;
        Ok(())
    }
}

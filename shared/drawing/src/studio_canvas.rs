//! `studio-canvas`: the embedded renderer. It needs no key and no network and costs nothing. The
//! same job always gives the same bytes.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use canvas::{
    Adjustment, Canvas, Change, Drawing, Field, Logo, LogoError, Painting, PaintingError,
    RenderError, RenderReport,
};
use contract::{Adjusted, Shows, Undrawn};
use domain::Job;

use crate::provenance::{Source, labelled};

/// The renderer with its fonts, made once per execution environment. A clone is the same renderer.
#[derive(Clone)]
pub struct StudioCanvas(Arc<Mutex<Canvas>>);

/// The most scripts that are named of one field.
const MOST_SCRIPTS: usize = 3;

/// A drawn asset, and what it shows of its job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// The file, a PNG.
    pub png: Vec<u8>,
    /// What it shows of its job.
    pub shows: Shows,
}

impl Picture {
    fn new(png: Vec<u8>, report: &RenderReport) -> Self {
        let undrawn = report.lost.iter().map(|(field, lost)| Undrawn {
            field: field.as_str().to_owned(),
            characters: lost.characters(),
            scripts: lost.script_names().into_iter().take(MOST_SCRIPTS).collect(),
        });
        let adjusted = report.adjusted.iter().map(|adjustment| Adjusted {
            field: adjustment.field.as_str().to_owned(),
            what: adjustment.change.as_str().to_owned(),
            reason: adjustment.reason.clone(),
        });
        let shows = Shows {
            alt_text: Some(report.alt_text.clone()).filter(|text| !text.is_empty()),
            undrawn: undrawn.collect(),
            adjusted: adjusted.collect(),
        };
        Self { png, shows }
    }
}

/// Why nothing is drawn. It does not pass: the same job, logo and art give the same error.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The picture of another maker cannot be used.
    #[error(transparent)]
    Art(#[from] PaintingError),
    /// The title cannot be set, for want of a font: a sentence for its owner.
    #[error(transparent)]
    Title(RenderError),
    /// The canvas cannot draw the content.
    #[error("the text or the colours cannot be drawn")]
    Canvas(#[source] RenderError),
}

impl From<RenderError> for DrawError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Title { .. } => Self::Title(error),
            RenderError::Font(_)
            | RenderError::NotAPicture(_)
            | RenderError::Size { .. }
            | RenderError::Encode(_) => Self::Canvas(error),
        }
    }
}

impl DrawError {
    /// What there is no font for, if that is why nothing is drawn: another title, or a font that the
    /// operators add, mends it.
    #[must_use]
    pub fn undrawn(&self) -> Vec<Undrawn> {
        match self {
            Self::Title(RenderError::Title { script, lost, .. }) if *lost > 0 => vec![Undrawn {
                field: Field::Title.as_str().to_owned(),
                characters: *lost,
                scripts: Some(script.clone())
                    .filter(|script| !script.is_empty())
                    .into_iter()
                    .collect(),
            }],
            Self::Title(_) | Self::Art(_) | Self::Canvas(_) => Vec::new(),
        }
    }
}

impl std::fmt::Debug for StudioCanvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StudioCanvas")
    }
}

impl StudioCanvas {
    /// Loads the renderer with its built-in fonts. The fonts for Chinese, Japanese and Korean are
    /// read from the folder `fonts` on first use.
    ///
    /// # Errors
    /// A [`RenderError`] if a built-in font cannot be read, or `fonts` lacks a font.
    pub fn new(fonts: &Path) -> Result<Self, RenderError> {
        Ok(Self(Arc::new(Mutex::new(Canvas::new(fonts)?))))
    }

    /// Draws the asset of `job` with its brand's `logo`, a file, over the picture `art` if there is
    /// one. A logo that cannot be drawn is left out, and the picture says so. Drawing blocks the
    /// thread for some tens of milliseconds; the function has nothing else to do meanwhile.
    ///
    /// # Errors
    /// A [`DrawError`].
    pub fn draw(
        &self,
        job: &Job,
        logo: Option<&[u8]>,
        art: Option<&[u8]>,
    ) -> Result<Picture, DrawError> {
        let (logo, left_out) = read_logo(logo);
        let art = art.map(Painting::decode).transpose()?;
        // A panic in an earlier drawing can only have left a cache behind.
        let mut canvas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drawn = canvas.render(&Drawing {
            asset: job.asset,
            configuration: &job.configuration,
            // A key that all assets of one entity share, and no other entity.
            look: &job.entity_key().to_string(),
            logo: logo.as_ref(),
            painting: art.as_ref(),
        })?;
        drawn.report.adjusted.extend(left_out);
        let source = match art {
            None => Source::Drawn,
            Some(_) => Source::PaintedByAModel,
        };
        let png = labelled(drawn.png, source, job.id);
        Ok(Picture::new(png, &drawn.report))
    }

    /// Whether the title of `job` can be set. It is found without drawing, so that no art is paid
    /// for that no text can stand on.
    ///
    /// # Errors
    /// [`DrawError::Title`], as [`draw`](Self::draw) would return it.
    pub fn can_draw(&self, job: &Job) -> Result<(), DrawError> {
        let canvas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(canvas.can_draw(&job.configuration, job.asset)?)
    }
}

/// The logo in `file`, or why it is left out.
fn read_logo(file: Option<&[u8]>) -> (Option<Logo>, Option<Adjustment>) {
    let left_out = |error: LogoError| Adjustment {
        field: Field::Logo,
        change: Change::LeftOut,
        reason: error.to_string(),
    };
    match file.map(Logo::decode) {
        None => (None, None),
        Some(Ok(logo)) => (Some(logo), None),
        Some(Err(error)) => (None, Some(left_out(error))),
    }
}

#[cfg(test)]
mod tests {
    use contract::AssetKind;

    use super::*;

    fn title(script: &str, lost: u32) -> DrawError {
        DrawError::from(RenderError::Title {
            script: script.to_owned(),
            lost,
            of: lost,
        })
    }

    #[test]
    fn a_title_without_a_font_is_a_sentence_and_says_what_it_lacks() {
        let tibetan = title("Tibetan", 12);
        assert_eq!(
            tibetan.to_string(),
            "12 of the title's 12 letters are in Tibetan script, for which the studio has no font"
        );
        let lacks = |error: DrawError| {
            let fields = error.undrawn().into_iter();
            let said = fields.map(|field| field.to_string());
            said.collect::<Vec<_>>()
        };
        assert_eq!(lacks(tibetan), ["title, 12 characters (Tibetan)"]);
        assert_eq!(lacks(title("", 3)), ["title, 3 characters"]);
    }

    #[test]
    fn no_font_mends_a_title_without_a_character_or_what_is_no_picture() {
        assert_eq!(title("", 0).undrawn(), []);
        let video = DrawError::from(RenderError::NotAPicture(AssetKind::Video));
        assert_eq!(video.undrawn(), []);
        assert_eq!(video.to_string(), "the text or the colours cannot be drawn");
    }

    #[test]
    fn a_logo_that_cannot_be_drawn_is_left_out_and_said_each_time() {
        for _ in 0..2 {
            let (logo, left_out) = read_logo(Some(b"GIF89a"));
            assert_eq!(logo, None);
            let left_out = left_out.unwrap();
            assert_eq!(
                (left_out.field.as_str(), left_out.change.as_str()),
                ("brand.logo", "left-out")
            );
            assert_eq!(left_out.reason, "its file is no PNG, JPEG, WebP or SVG");
        }
        assert_eq!(read_logo(None), (None, None));
    }

    #[test]
    fn a_field_in_many_scripts_names_three_of_them() {
        let mut report = RenderReport {
            texts: Vec::new(),
            alt_text: "Rain".to_owned(),
            lost: Default::default(),
            adjusted: Vec::new(),
            margin: canvas::Area {
                x: 0.0,
                y: 0.0,
                width: 1.0,
                height: 1.0,
            },
        };
        let lost = canvas::Lost {
            letters: 4,
            of: 4,
            signs: 1,
            scripts: ["Lao", "Tamil", "Thai", "Yi"].into(),
        };
        report.lost.insert(Field::VenueCity, lost);
        let picture = Picture::new(vec![1], &report);
        let [city] = &picture.shows.undrawn[..] else {
            panic!("{picture:?}")
        };
        assert_eq!(
            city.to_string(),
            "venue.city, 5 characters (Lao, Tamil, Thai)"
        );
    }
}

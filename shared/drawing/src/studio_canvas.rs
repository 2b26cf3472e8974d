//! `studio-canvas`: the embedded renderer. It needs no key and no network and costs nothing. The
//! same job always gives the same bytes.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use canvas::{Canvas, Drawing, Logo, LogoError, Painting, PaintingError, RenderError};
use domain::Job;

/// The renderer with its fonts, made once per execution environment. A clone is the same renderer.
#[derive(Clone)]
pub struct StudioCanvas(Arc<Mutex<Canvas>>);

/// Why nothing is drawn. It does not pass: the same job, logo and art give the same error.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The brand's logo cannot be drawn: a sentence for its owner.
    #[error(transparent)]
    Logo(#[from] LogoError),
    /// The picture of another maker cannot be used.
    #[error(transparent)]
    Art(#[from] PaintingError),
    /// The canvas cannot draw the content.
    #[error("the text or the colours cannot be drawn")]
    Canvas(#[from] RenderError),
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

    /// Draws the asset of `job` with its brand's `logo`, a PNG file, over the picture `art` if there
    /// is one: a PNG. Drawing blocks the thread for some tens of milliseconds; the function has
    /// nothing else to do meanwhile.
    ///
    /// # Errors
    /// A [`DrawError`].
    pub fn draw(
        &self,
        job: &Job,
        logo: Option<&[u8]>,
        art: Option<&[u8]>,
    ) -> Result<Vec<u8>, DrawError> {
        let logo = logo.map(Logo::decode).transpose()?;
        let art = art.map(Painting::decode).transpose()?;
        // A panic in an earlier drawing can only have left a cache behind.
        let mut canvas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = canvas.render(&Drawing {
            asset: job.asset,
            configuration: &job.configuration,
            // A key that all assets of one entity share, and no other entity.
            look: &job.entity_key().to_string(),
            logo: logo.as_ref(),
            painting: art.as_ref(),
        })?;
        Ok(drawn.png)
    }
}

//! `studio-canvas`: the embedded renderer. No key, no network, no cost; the same job draws the same bytes.

use std::sync::{Mutex, PoisonError};

use canvas::{Canvas, RenderError};
use jobs::Job;

use crate::{Media, ProviderError};

/// The renderer with its fonts, made once in each execution environment.
pub struct StudioCanvas(Mutex<Canvas>);

impl std::fmt::Debug for StudioCanvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StudioCanvas")
    }
}

impl StudioCanvas {
    /// The renderer, its fonts loaded.
    ///
    /// # Errors
    /// A [`RenderError`] if the build holds a font that cannot be read.
    pub fn new() -> Result<Self, RenderError> {
        Ok(Self(Mutex::new(Canvas::new()?)))
    }

    /// Draws `job`'s asset. It keeps its thread for some tens of milliseconds; a function has nothing else to do meanwhile.
    pub(crate) fn draw(&self, job: &Job) -> Result<Media, ProviderError> {
        // A panic in an earlier drawing left at most a cache behind.
        let mut canvas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = canvas.render(job.asset, &job.configuration).map_err(ProviderError::InvalidInput)?;
        Ok(Media { bytes: drawn.png, content_type: "image/png", credits: 0 })
    }
}

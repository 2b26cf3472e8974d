//! `studio-canvas`: the embedded renderer. No key, no network, no cost; the same job draws the same
//! bytes.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use canvas::{Canvas, Drawing, Logo, Painting, RenderError};
use domain::Refusal;

use crate::{Answer, Body, Media, Order, ProviderError, Refused};

/// The renderer with its fonts, made once in each execution environment.
pub struct StudioCanvas(Mutex<Canvas>);

impl std::fmt::Debug for StudioCanvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StudioCanvas")
    }
}

impl StudioCanvas {
    /// The renderer, its built-in fonts loaded; those for Chinese, Japanese and Korean are read
    /// from `fonts` when they are needed.
    ///
    /// # Errors
    /// A [`RenderError`] if the build holds a font that cannot be read, or `fonts` lacks one.
    pub fn new(fonts: &Path) -> Result<Self, RenderError> {
        Ok(Self(Mutex::new(Canvas::new(fonts)?)))
    }

    /// Draws the order's asset, over `art` if somebody painted one (`made_by`, for `credits`). It
    /// keeps its thread for some tens of milliseconds; a function has nothing else to do meanwhile.
    pub(crate) fn draw(
        &self,
        order: Order<'_>,
        art: Option<&[u8]>,
        made_by: String,
        credits: u64,
    ) -> Result<Answer, ProviderError> {
        let logo = order.logo.map(Logo::decode).transpose()?;
        let art = art
            .map(Painting::decode)
            .transpose()
            .map_err(|error| Refused {
                refusal: Refusal::OutcomeUnknown,
                detail: format!("the picture of {made_by} cannot be used: {error}"),
                credits,
            })?;
        // A panic in an earlier drawing left at most a cache behind.
        let mut canvas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = canvas.render(&Drawing {
            asset: order.job.asset,
            configuration: &order.job.configuration,
            // What all assets of one entity have in common, and no other entity has.
            look: &order.job.entity_key().to_string(),
            logo: logo.as_ref(),
            painting: art.as_ref(),
        })?;
        Ok(Answer::Done(Media {
            body: Body::Bytes(drawn.png),
            made_by,
            credits,
            length_ms: None,
            copy: None,
        }))
    }
}

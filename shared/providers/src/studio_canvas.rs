//! `studio-canvas`: the embedded renderer. It needs no key and no network and costs nothing. The
//! same job always gives the same bytes.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use canvas::{Canvas, Drawing, Logo, Painting, RenderError};
use domain::Refusal;

use crate::{Answer, Body, Media, Order, ProviderError, Refused};

/// The renderer with its fonts, made once per execution environment.
pub struct StudioCanvas(Mutex<Canvas>);

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
        Ok(Self(Mutex::new(Canvas::new(fonts)?)))
    }

    /// Draws the order's asset, over the picture `art` if there is one (made by `made_by` for
    /// `credits`). Drawing blocks the thread for some tens of milliseconds; the function has
    /// nothing else to do meanwhile.
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
        // A panic in an earlier drawing can only have left a cache behind.
        let mut canvas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = canvas.render(&Drawing {
            asset: order.job.asset,
            configuration: &order.job.configuration,
            // A key that all assets of one entity share, and no other entity.
            look: &order.job.entity_key().to_string(),
            logo: logo.as_ref(),
            painting: art.as_ref(),
        });
        let drawn = drawn.map_err(|source| ProviderError::Draw { source, credits })?;
        Ok(Answer::Done(Media {
            body: Body::Bytes(drawn.png),
            made_by,
            credits,
            length_ms: None,
            copy: None,
        }))
    }
}

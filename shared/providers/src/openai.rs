//! OpenAI Images, or the same API on Azure: paints the picture under the text of an asset. It
//! answers in the same call, after up to two minutes.
//!
//! Source of shapes and codes: OpenAI's SDK 3.54.0 (`image_generate_params.py`, `image_model.py`)
//! and its deprecations page; Azure's paths from the SDK's `lib/azure.py`. Azure's moderation codes
//! are not verified, so both spellings of OpenAI's codes are accepted.

use contract::AssetKind;
use domain::{Job, Refusal};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Refused,
    http::{Http, No, attempt_of, send_paid, whole},
    keys::Key,
    prompt,
    settings::{KeyHeader, OpenAiSettings, Quality},
};

/// The fewest pixels that the vendor accepts.
const FEWEST_PIXELS: f64 = 655_360.0;

/// The size that the listed price is for: 1024 × 1536 pixels.
const PRICED_PIXELS: u64 = 1024 * 1536;

#[derive(Debug)]
pub(crate) struct OpenAi {
    settings: OpenAiSettings,
    http: Http,
    key: Key,
}

/// A painted picture.
pub(crate) struct Art {
    pub png: Vec<u8>,
    pub made_by: String,
    pub credits: u64,
}

#[derive(Deserialize)]
struct Images {
    data: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    b64_json: String,
}

impl OpenAi {
    pub(crate) fn new(settings: OpenAiSettings, http: Http, key: Key) -> Self {
        Self {
            settings,
            http,
            key,
        }
    }

    pub(crate) async fn prepare(&self) -> Result<(), Refused> {
        self.key.get().await.map(drop)
    }

    /// Paints the picture of the job's asset.
    pub(crate) async fn paint(&self, job: &Job) -> Result<Art, Refused> {
        let size = size(job.asset);
        let body = json!({
            "model": self.settings.model,
            "prompt": prompt::picture(job.asset, &job.configuration),
            "n": 1,
            "size": format!("{}x{}", size.0, size.1),
            "quality": self.settings.quality.as_str(),
            "output_format": "png",
        });
        let response = send_paid(attempt_of(job)?, self.request().await?.json(&body)).await?;
        if !response.status().is_success() {
            let no = No::read(response).await;
            let refusal = refusal(&no);
            if refusal == Refusal::Auth {
                self.key.forget().await;
            }
            return Err(no.refused(refusal));
        }
        let credits = self.credits(size);
        // The vendor made the picture and charges for it, even if its answer is unusable.
        let broken = |why: &str| Refused {
            refusal: Refusal::OutcomeUnknown,
            detail: why.to_owned(),
            credits,
        };
        let bytes = whole(response, Refusal::OutcomeUnknown).await?;
        let images: Images =
            serde_json::from_slice(&bytes).map_err(|_| broken("its answer holds no picture"))?;
        let image = images
            .data
            .first()
            .ok_or_else(|| broken("its answer holds no picture"))?;
        let png = base64_simd::STANDARD
            .decode_to_vec(&image.b64_json)
            .map_err(|_| broken("its picture is no base64"))?;
        Ok(Art {
            png,
            made_by: format!("openai/{}", self.settings.model),
            credits,
        })
    }

    async fn request(&self) -> Result<RequestBuilder, Refused> {
        let key = self.key.get().await?;
        let mut url = format!("{}/images/generations", self.settings.base_url);
        if let Some(version) = &self.settings.api_version {
            url = format!("{url}?api-version={version}");
        }
        let request = self.http.post(url);
        Ok(match self.settings.key_header {
            KeyHeader::Authorization => request.bearer_auth(key.expose_secret()),
            KeyHeader::ApiKey => request.header("api-key", key.expose_secret()),
        })
    }

    /// The list price of a picture, because the vendor reports tokens and no price.
    fn credits(&self, (width, height): (u32, u32)) -> u64 {
        let credits = self.settings.credits;
        let each = match self.settings.quality {
            Quality::Low => credits.low,
            Quality::Medium => credits.medium,
            Quality::High => credits.high,
        };
        (each * u64::from(width) * u64::from(height)).div_ceil(PRICED_PIXELS)
    }
}

/// The size to ask for: the asset's size, scaled up to the fewest pixels, with both sides rounded
/// up to multiples of 16. The canvas crops the picture.
fn size(asset: AssetKind) -> (u32, u32) {
    let (width, height) = asset.size().unwrap_or((1024, 1024));
    let (width, height) = (f64::from(width), f64::from(height));
    let scale = (FEWEST_PIXELS / (width * height)).sqrt().max(1.0);
    let side = |length: f64| ((length * scale / 16.0).ceil() * 16.0) as u32;
    (side(width), side(height))
}

/// The class of a refusal. Codes come first, because several reasons share a status.
fn refusal(no: &No) -> Refusal {
    let error = &no.body["error"];
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("code"), text("type")) {
        (
            "moderation_blocked"
            | "content_policy_violation"
            | "image_content_policy_violation"
            | "content_filter",
            _,
        ) => Refusal::Moderation,
        (
            "insufficient_quota"
            | "billing_hard_limit_reached"
            | "credit_balance_exhausted"
            | "organization_spend_limit_exceeded"
            | "project_spend_limit_exceeded"
            | "organization_usage_limit_exceeded",
            _,
        )
        | (_, "insufficient_quota") => Refusal::Billing,
        ("model_not_found" | "DeploymentNotFound", _) => Refusal::ProviderGone,
        _ => no.by_status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_illustrated_asset_has_a_size_that_the_vendor_accepts() {
        for asset in AssetKind::ALL
            .into_iter()
            .filter(|asset| asset.is_illustrated())
        {
            let (width, height) = size(asset);
            let (least_width, least_height) = asset.size().unwrap();
            assert!(width >= least_width && height >= least_height, "{asset:?}");
            assert_eq!((width % 16, height % 16), (0, 0), "{asset:?}");
            assert!(
                (655_360..=8_294_400).contains(&(width * height)),
                "{asset:?}: {width}x{height}"
            );
            assert!(width <= 3 * height && height <= 3 * width, "{asset:?}");
            assert!(
                width <= 3840 && height <= 2160,
                "{asset:?}: {width}x{height}"
            );
        }
        assert_eq!(size(AssetKind::Poster), (1088, 1360));
    }
}

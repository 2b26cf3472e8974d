//! OpenAI Images, or the same API on Azure: paints the picture under the text of an asset. It
//! answers in the same call, after up to two minutes.
//!
//! Source of shapes and codes: OpenAI's SDK 3.54.0 (`image_generate_params.py`, `image_model.py`)
//! and its deprecations page; Azure's paths from the SDK's `lib/azure.py`. Azure's moderation codes
//! are not verified, so both spellings of OpenAI's codes are accepted.

use contract::{AssetKind, Identifier};
use domain::{Job, Refusal};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Refused,
    http::{ErrorAnswer, Http, attempt_of, send_paid, whole},
    keys::VendorKey,
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
    key: VendorKey,
}

/// A painted picture.
pub(crate) struct Art {
    pub png: Vec<u8>,
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
    pub(crate) fn new(settings: OpenAiSettings, http: Http, key: VendorKey) -> Self {
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
        let body = self.wanted_for(job);
        let response = send_paid(attempt_of(job)?, self.request().await?.json(&body)).await?;
        if !response.status().is_success() {
            let answer = ErrorAnswer::read(response).await;
            let refusal = refusal(&answer);
            if refusal == Refusal::Auth {
                self.key.forget().await;
            }
            return Err(answer.refused(refusal));
        }
        let credits = self.credits(size);
        // The vendor made the picture and charges for it, even if its answer is unusable.
        let broken = |why: &str| Refused {
            credits,
            ..Refused::new(Refusal::OutcomeUnknown, why)
        };
        let bytes = whole(response, Refusal::OutcomeUnknown)
            .await
            .map_err(|refused| broken(&refused.detail))?;
        let images: Images =
            serde_json::from_slice(&bytes).map_err(|_| broken("the answer has no picture"))?;
        let image = images
            .data
            .first()
            .ok_or_else(|| broken("the answer has no picture"))?;
        let png = base64_simd::STANDARD
            .decode_to_vec(&image.b64_json)
            .map_err(|_| broken("the picture is not valid Base64"))?;
        Ok(Art { png, credits })
    }

    /// The provider with its model, as events carry it.
    pub(crate) fn made_by(&self) -> String {
        format!("openai/{}", self.settings.model)
    }

    /// The request for the picture of the job's asset. It holds all that the picture depends on, and
    /// neither the date nor the venue, which the canvas sets.
    pub(crate) fn wanted_for(&self, job: &Job) -> Value {
        let prompt = prompt::picture(job.asset, &job.configuration);
        wanted(&self.settings, &job.tenant, size(job.asset), &prompt)
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

/// The request for a picture.
fn wanted(settings: &OpenAiSettings, tenant: &Identifier, size: (u32, u32), prompt: &str) -> Value {
    let mut body = json!({
        "model": settings.model,
        "prompt": prompt,
        "n": 1,
        "size": format!("{}x{}", size.0, size.1),
        "quality": settings.quality.as_str(),
        "output_format": "png",
    });
    // Azure's API does not have it.
    if settings.api_version.is_none() {
        body["safety_identifier"] = safety_identifier(tenant).into();
    }
    body
}

/// What the vendor knows a tenant by, if it has to speak to us about one: a hash, because it shall not
/// know more.
fn safety_identifier(tenant: &Identifier) -> String {
    domain::derive(&[b"openai safety_identifier", tenant.as_str().as_bytes()]).to_string()
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

/// The class of a refusal. Codes come first, because several reasons share a status. Only an error
/// in the vendor's own form concerns our account.
fn refusal(answer: &ErrorAnswer) -> Refusal {
    let error = &answer.body["error"];
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_own = error.get("message").is_some_and(Value::is_string);
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
            | "organization_usage_limit_exceeded"
            | "billing_not_active",
            _,
        )
        | (_, "insufficient_quota") => Refusal::Billing,
        // The latter two are Azure's.
        ("model_not_found" | "unknown_url" | "DeploymentNotFound" | "404", _) if is_own => {
            Refusal::ProviderGone
        }
        (
            "invalid_api_key"
            | "invalid_organization"
            | "account_deactivated"
            | "ip_not_authorized"
            | "insufficient_permissions"
            | "unsupported_country_region_territory",
            _,
        ) if is_own => Refusal::Auth,
        // Azure's.
        ("401" | "403" | "Unauthorized" | "PermissionDenied" | "AccessDenied", _) if is_own => {
            Refusal::Auth
        }
        // The vendor answers 401 for the key alone, with other codes or none.
        _ if is_own && answer.status == 401 => Refusal::Auth,
        _ => answer.by_status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ANYONES;

    fn error(status: u16, code: &str) -> Refusal {
        let error = json!({ "error": { "message": "no", "type": "invalid_request_error", "param": null, "code": code } });
        refusal(&ErrorAnswer::of(status, &error.to_string()))
    }

    #[test]
    fn only_the_vendors_own_code_concerns_the_account() {
        assert_eq!(error(401, "invalid_api_key"), Refusal::Auth);
        assert_eq!(error(401, "a new code"), Refusal::Auth);
        assert_eq!(
            error(403, "unsupported_country_region_territory"),
            Refusal::Auth
        );
        assert_eq!(error(404, "model_not_found"), Refusal::ProviderGone);
        assert_eq!(error(429, "billing_not_active"), Refusal::Billing);
        let azures =
            r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key"}}"#;
        assert_eq!(refusal(&ErrorAnswer::of(401, azures)), Refusal::Auth);
        // A code that is not known opens no breaker; several tenants that meet it do.
        assert_eq!(error(403, "a new code"), Refusal::Blocked);
        assert_eq!(error(404, "a new code"), Refusal::Blocked);
        for status in ANYONES {
            let firewalls = ErrorAnswer::of_a_firewall(status);
            assert_eq!(refusal(&firewalls), Refusal::Blocked, "{status}");
            let gateways = ErrorAnswer::of(status, r#"{"message":"Forbidden"}"#);
            assert_eq!(refusal(&gateways), Refusal::Blocked, "{status}");
        }
    }

    #[test]
    fn the_vendor_tells_tenants_apart_and_does_not_know_them() {
        let of = |api_version: Option<&str>, tenant: &str| {
            let settings = OpenAiSettings {
                api_version: api_version.map(str::to_owned),
                ..OpenAiSettings::default()
            };
            wanted(
                &settings,
                &Identifier::parse(tenant).unwrap(),
                (1024, 1536),
                "a lake",
            )
        };
        let (one, other) = (of(None, "tenant-1"), of(None, "tenant-2"));
        assert!(one["safety_identifier"].is_string());
        assert_eq!(one, of(None, "tenant-1"));
        assert_ne!(one["safety_identifier"], other["safety_identifier"]);
        assert!(!one.to_string().contains("tenant-1"));
        // Azure's API does not have it.
        assert_eq!(
            of(Some("preview"), "tenant-1"),
            of(Some("preview"), "tenant-2")
        );
    }

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

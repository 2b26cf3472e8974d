//! The CDN in front of the assets. They are served as `immutable`, so a copy outlives the file by a
//! year, unless CloudFront is told to forget it. The studio needs this one request of CloudFront,
//! whose SDK would take a minute to compile.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::{
    config::{Credentials, ProvideCredentials as _, SharedCredentialsProvider},
    error::BoxError,
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use reqwest::{StatusCode, redirect};
use uuid::Uuid;

/// The version of CloudFront's API.
const VERSION: &str = "2020-05-31";

/// CloudFront is one service for all regions, and its requests are signed for this one.
const REGION: &str = "us-east-1";

/// How long CloudFront may take to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// How often a request is sent before trouble at CloudFront counts.
const TRIES: u32 = 3;

/// CloudFront's distribution of the assets.
pub(crate) struct Cdn {
    http: reqwest::Client,
    endpoint: String,
    /// The distribution's id.
    distribution: String,
    credentials: SharedCredentialsProvider,
}

/// Why the copies are not invalidated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CdnError {
    /// CloudFront refuses.
    #[error("HTTP {status} {code}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// CloudFront's own code; empty if it gives none.
        code: String,
    },
    /// CloudFront has trouble, or cannot be reached.
    #[error("asking CloudFront")]
    Failed(#[source] BoxError),
}

impl Cdn {
    /// The distribution of that id, at AWS or at `endpoint`. Makes no call yet.
    pub(crate) fn new(
        distribution: String,
        credentials: SharedCredentialsProvider,
        endpoint: Option<&str>,
    ) -> Result<Self, reqwest::Error> {
        let endpoint = endpoint.unwrap_or("https://cloudfront.amazonaws.com");
        let http = reqwest::Client::builder()
            .timeout(WITHIN)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            distribution,
            credentials,
        })
    }

    /// Has CloudFront forget its copies of everything in `folder`. The same `reference` again is
    /// the same invalidation, and costs nothing.
    pub(crate) async fn invalidate(&self, folder: &str, reference: Uuid) -> Result<(), CdnError> {
        let batch = batch(folder, reference);
        let mut pause = Duration::from_millis(500);
        for _ in 1..TRIES {
            match self.send(&batch).await {
                Err(CdnError::Failed(why)) => {
                    tracing::warn!("copies are not invalidated yet: {}", runtime::chain(&*why));
                }
                answered => return answered,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.send(&batch).await
    }

    async fn send(&self, batch: &str) -> Result<(), CdnError> {
        let Self {
            endpoint,
            distribution,
            ..
        } = self;
        let url = format!("{endpoint}/{VERSION}/distribution/{distribution}/invalidation");
        let credentials = self.credentials.provide_credentials().await;
        let credentials = credentials.map_err(|error| CdnError::Failed(error.into()))?;
        let headers = signature(&url, batch, credentials, SystemTime::now());
        let mut request = self.http.post(&url).header("content-type", "text/xml");
        for (name, value) in headers.map_err(CdnError::Failed)? {
            request = request.header(name, value);
        }
        let answer = request.body(batch.to_owned()).send().await;
        let answer = answer.map_err(|error| CdnError::Failed(error.into()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(error_of(status, &answer.text().await.unwrap_or_default()))
    }
}

/// The request's body. A folder of assets has nothing that XML escapes.
fn batch(folder: &str, reference: Uuid) -> String {
    format!(
        "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/{VERSION}/\">\
         <Paths><Quantity>1</Quantity><Items><Path>/{folder}*</Path></Items></Paths>\
         <CallerReference>{reference}</CallerReference></InvalidationBatch>"
    )
}

/// The headers that sign a request.
fn signature(
    url: &str,
    body: &str,
    credentials: Credentials,
    at: SystemTime,
) -> Result<Vec<(String, String)>, BoxError> {
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("cloudfront")
        .time(at)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let body = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new("POST", url, std::iter::empty(), body)?;
    let (instructions, _) = sign(request, &parameters)?.into_parts();
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(instructions.headers().map(owned).collect())
}

/// What an answer of this status means. A request that was throttled may be sent again.
fn error_of(status: StatusCode, answer: &str) -> CdnError {
    let code = answer.split_once("<Code>").map_or("", |(_, rest)| rest);
    let code: String = code
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(64)
        .collect();
    let passes = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || code.starts_with("Throttling");
    match passes {
        true => CdnError::Failed(format!("HTTP {status} {code}").into()),
        false => CdnError::Refused { status, code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "renders/8c0e341b41c2c73767ff7612207b6a6e/";

    /// By botocore 1.43.106: `create_invalidation` of that path and reference, by these credentials
    /// at 2026-11-27T09:30:00Z.
    const BODY: &str = "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths><Quantity>1</Quantity><Items><Path>/renders/8c0e341b41c2c73767ff7612207b6a6e/*</Path></Items></Paths><CallerReference>00000000-0000-0000-0000-000000000007</CallerReference></InvalidationBatch>";
    const URL: &str =
        "https://cloudfront.amazonaws.com/2020-05-31/distribution/EDFDVBD632BHDS5/invalidation";
    const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261127/us-east-1/cloudfront/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=58c6edc9cf55eeb90dafe79f77bf569abfdb8c2ee73befab830485b8eedc790b";

    #[test]
    fn a_request_is_the_one_that_botocore_sends() {
        assert_eq!(batch(FOLDER, Uuid::from_u128(7)), BODY);
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            Some("a-token".to_owned()),
            None,
            "test",
        );
        let at: jiff::Timestamp = "2026-11-27T09:30:00Z".parse().unwrap();
        let at = SystemTime::try_from(at).unwrap();
        let headers = signature(URL, BODY, credentials, at).unwrap();
        let header = |wanted: &str| {
            let mut found = headers.iter().filter(|(name, _)| name == wanted);
            found.next().map(|(_, value)| value.as_str())
        };
        assert_eq!(header("authorization"), Some(AUTHORIZATION));
        assert_eq!(header("x-amz-date"), Some("20261127T093000Z"));
        assert_eq!(header("x-amz-security-token"), Some("a-token"));
    }

    #[test]
    fn a_refusal_has_its_code_and_trouble_is_no_refusal() {
        let answer = |code: &str| {
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>"
            )
        };
        let refused = error_of(StatusCode::FORBIDDEN, &answer("AccessDenied"));
        assert_eq!(refused.to_string(), "HTTP 403 Forbidden AccessDenied");
        let strange = error_of(StatusCode::NOT_FOUND, "<Code>\u{1b}[2J</Code>");
        assert!(matches!(strange, CdnError::Refused { code, .. } if code.is_empty()));
        for (status, code) in [
            (StatusCode::BAD_REQUEST, "Throttling"),
            (StatusCode::TOO_MANY_REQUESTS, ""),
            (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        ] {
            let failed = error_of(status, &answer(code));
            assert!(matches!(failed, CdnError::Failed(_)), "{status}");
        }
    }
}

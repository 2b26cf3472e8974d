//! The HTTP client for vendors: no retries, no redirects, bounded bodies, and a class for every
//! failure.

use std::time::Duration;

use contract::TraceParent;
use domain::{Job, Refusal};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{RequestBuilder, Response, StatusCode, header::HeaderMap, redirect};
use uuid::Uuid;

use crate::{Refused, SettingsError};

/// The longest time for a request that makes media; below the function's timeout.
const MAKING: Duration = Duration::from_secs(200);

/// The longest time for a request that makes nothing.
const ASKING: Duration = Duration::from_secs(20);

/// The longest answer read into memory, in bytes. A picture of 4096 × 4096 pixels in base64 takes
/// half of it.
const LONGEST: usize = 64 * 1024 * 1024;

/// The longest detail for operators, in characters.
const LONGEST_DETAIL: usize = 400;

/// The client of all HTTP vendors.
#[derive(Debug, Clone)]
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new() -> Result<Self, SettingsError> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .redirect(redirect::Policy::none())
            .user_agent("studio-svc")
            .build();
        client.map(Self).map_err(SettingsError::Http)
    }

    pub(crate) fn post(&self, url: String) -> RequestBuilder {
        self.0.post(url).timeout(MAKING)
    }

    pub(crate) fn get(&self, url: String) -> RequestBuilder {
        self.0.get(url).timeout(ASKING)
    }

    pub(crate) fn delete(&self, url: String) -> RequestBuilder {
        self.0.delete(url).timeout(ASKING)
    }
}

/// The header that carries an attempt's token.
pub(crate) const REQUEST_ID: &str = "x-client-request-id";

/// What identifies a request that may cost money.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempted {
    /// The token of the attempt that was recorded for it.
    pub token: Uuid,
    /// The span of the request.
    pub trace: Option<TraceParent>,
}

/// Sends a request that may cost money. If it was sent and not answered, its outcome is unknown.
pub(crate) async fn send_paid(
    attempt: Attempted,
    request: RequestBuilder,
) -> Result<Response, Refused> {
    let mut request = request.header(REQUEST_ID, attempt.token.to_string());
    if let Some(trace) = attempt.trace {
        request = request.header("traceparent", trace.to_string());
    }
    request.send().await.map_err(|error| {
        let refusal = match error.is_connect() || error.is_builder() {
            true => Refusal::Transient,
            false => Refusal::OutcomeUnknown,
        };
        Refused::new(refusal, of_transport(error))
    })
}

/// The attempt that is recorded for `job` and still open. Without one, nothing is sent.
pub(crate) fn attempt_of(job: &Job) -> Result<Attempted, Refused> {
    let open = job.open_attempt().map(|attempt| Attempted {
        token: attempt.token,
        trace: job.trace,
    });
    open.ok_or_else(|| Refused::new(Refusal::Transient, "no attempt is written down for it"))
}

/// Sends a request that costs nothing and may be repeated.
pub(crate) async fn send_free(request: RequestBuilder) -> Result<Response, Refused> {
    request
        .send()
        .await
        .map_err(|error| Refused::new(Refusal::Transient, of_transport(error)))
}

/// The whole body of an answer, of at most [`LONGEST`] bytes.
pub(crate) async fn whole(mut response: Response, if_broken: Refusal) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Refused::new(if_broken, of_transport(error)))?
    {
        if bytes.len() + chunk.len() > LONGEST {
            return Err(Refused::new(
                if_broken,
                format!("its answer is longer than {LONGEST} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A refusal: its status, headers and body.
pub(crate) struct No {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: serde_json::Value,
    text: String,
}

impl No {
    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A refusal whose body cannot be read is still a refusal.
        let bytes = whole(response, Refusal::Transient)
            .await
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }

    /// A refusal of this class with the vendor's text. A refused key is the exception, because the
    /// vendor may repeat the key in its text.
    pub(crate) fn refused(&self, refusal: Refusal) -> Refused {
        if refusal == Refusal::Auth {
            return Refused::new(
                refusal,
                format!("HTTP {}: it does not take our key for this", self.status),
            );
        }
        Refused::new(
            refusal,
            short(&format!("HTTP {}: {}", self.status, self.text.trim())),
        )
    }

    /// The class by status alone, for a request that may cost money. After 429, 503 and 409 nothing
    /// was made, and it may be sent again; after another server error the outcome is unknown.
    pub(crate) fn by_status(&self) -> Refusal {
        match StatusCode::from_u16(self.status) {
            Ok(StatusCode::TOO_MANY_REQUESTS) => Refusal::RateLimited {
                retry_after: self.retry_after(),
            },
            Ok(StatusCode::SERVICE_UNAVAILABLE) => Refusal::Transient,
            Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Refusal::Auth,
            Ok(StatusCode::PAYMENT_REQUIRED) => Refusal::Billing,
            Ok(StatusCode::NOT_FOUND | StatusCode::GONE) => Refusal::ProviderGone,
            Ok(StatusCode::CONFLICT) => Refusal::Transient,
            Ok(status) if status.is_client_error() => Refusal::InvalidInput,
            _ => Refusal::OutcomeUnknown,
        }
    }

    /// The pause that the vendor asks for, in seconds, rounded up.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        retry_after(&self.headers, Timestamp::now())
    }
}

/// `retry-after-ms`, or `retry-after` as seconds or as a date (RFC 9110, 10.2.3), in seconds from
/// `now`, rounded up.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let date = || {
        let date = rfc2822::DateTimeParser::new()
            .parse_timestamp(text("retry-after")?)
            .ok()?;
        Some(date.duration_since(now).as_secs_f64().max(0.0))
    };
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))
        .or_else(date)?;
    (seconds >= 0.0).then(|| seconds.ceil().min(f64::from(u32::MAX)) as u32)
}

/// The transport error without its URL, because a signed URL is a credential.
fn of_transport(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    short(&text)
}

/// Whether a vendor's id is safe in a URL path.
pub(crate) fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 128
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// `text`, cut to [`LONGEST_DETAIL`] characters.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_milliseconds_seconds_or_a_date() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        let after = |headers: &[(&'static str, &'static str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            retry_after(&headers.collect(), now)
        };
        assert_eq!(
            after(&[("retry-after-ms", "1500"), ("retry-after", "9")]),
            Some(2)
        );
        assert_eq!(after(&[("retry-after", "7")]), Some(7));
        assert_eq!(
            after(&[("retry-after", "Fri, 27 Nov 2026 10:00:30 GMT")]),
            Some(30)
        );
        assert_eq!(
            after(&[("retry-after", "Fri, 27 Nov 2026 09:00:00 GMT")]),
            Some(0),
            "it is over"
        );
        assert_eq!(after(&[("retry-after", "soon")]), None);
        assert_eq!(after(&[]), None);
    }
}

//! The HTTP client for vendors: no retries, no redirects, bounded bodies, and a class for every
//! failure.

use std::time::Duration;

use contract::{TraceParent, printable};
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
    request
        .send()
        .await
        .map_err(|error| match error.is_connect() || error.is_builder() {
            true => Refused::new(Refusal::Transient, of_transport(error)).unsent(),
            false => Refused::new(Refusal::OutcomeUnknown, of_transport(error)),
        })
}

/// The attempt that is recorded for `job` and still open. Without one, nothing is sent.
pub(crate) fn attempt_of(job: &Job) -> Result<Attempted, Refused> {
    let open = job.attempts.open().map(|attempt| Attempted {
        token: attempt.token,
        trace: job.trace,
    });
    open.ok_or_else(|| Refused::new(Refusal::Transient, "the job has no open attempt").unsent())
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
                format!("the answer is longer than {LONGEST} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// An answer that is an error: its status, headers and body.
pub(crate) struct ErrorAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: serde_json::Value,
    text: String,
}

impl ErrorAnswer {
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

    /// A refusal of this class with the answer's text. A refused key is the exception, because the
    /// text may repeat the key.
    pub(crate) fn refused(&self, refusal: Refusal) -> Refused {
        if refusal == Refusal::Auth {
            let detail = format!("HTTP {}: the vendor refuses our key", self.status);
            return Refused::new(refusal, detail);
        }
        if refusal == Refusal::Blocked && self.status == 401 {
            return Refused::new(refusal, "HTTP 401, not in the vendor's own form");
        }
        Refused::new(
            refusal,
            short(&format!("HTTP {}: {}", self.status, self.text.trim())),
        )
    }

    /// The class by status alone, for a request that may cost money. After 408, 409, 429 and 503
    /// nothing was made, and it may be sent again; after another server error the outcome is unknown.
    ///
    /// No status says that our account is in trouble: whatever stands before a vendor answers with
    /// the same ones, and may do so because of what one tenant wrote. A vendor's client looks for
    /// the vendor's own words first.
    pub(crate) fn by_status(&self) -> Refusal {
        if is_anyones(self.status) {
            return Refusal::Blocked;
        }
        match StatusCode::from_u16(self.status) {
            Ok(StatusCode::TOO_MANY_REQUESTS) => Refusal::RateLimited {
                retry_after: self.retry_after(),
            },
            Ok(
                StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::CONFLICT
                // The vendor did not get the whole request. All their SDKs repeat it.
                | StatusCode::REQUEST_TIMEOUT,
            ) => Refusal::Transient,
            Ok(status) if status.is_client_error() => Refusal::InvalidInput,
            _ => Refusal::OutcomeUnknown,
        }
    }

    /// The pause that the vendor asks for, in seconds, rounded up.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        retry_after(&self.headers, Timestamp::now())
    }
}

/// Whether a firewall or a proxy may answer with this status as well as the vendor: 401 to 404, and
/// 410.
pub(crate) fn is_anyones(status: u16) -> bool {
    matches!(status, 401..=404 | 410)
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

/// Checks that a stored id is safe in a URL path: a request carries the studio's key.
pub(crate) fn check_id(id: &str) -> Result<(), Refused> {
    match is_id(id) {
        true => Ok(()),
        false => Err(Refused::new(
            Refusal::InvalidInput,
            format!("`{}` is no id of a vendor's", short(id)),
        )),
    }
}

/// A vendor's `text` for logs and reasons: printable, and cut to [`LONGEST_DETAIL`] characters.
pub(crate) fn short(text: &str) -> String {
    // The whole may be long, and only its beginning is kept.
    let beginning: String = text.chars().take(LONGEST_DETAIL + 1).collect();
    let text = printable(&beginning);
    let end = text.char_indices().nth(LONGEST_DETAIL);
    match end {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
impl ErrorAnswer {
    /// The answer with this status and this body.
    pub(crate) fn of(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: serde_json::from_str(text).unwrap_or_default(),
            text: text.to_owned(),
        }
    }

    /// The page of a firewall with this status.
    pub(crate) fn of_a_firewall(status: u16) -> Self {
        Self::of(status, "<!DOCTYPE html><html><h1>Access denied</h1></html>")
    }
}

/// The statuses that are anyone's.
#[cfg(test)]
pub(crate) const ANYONES: [u16; 5] = [401, 402, 403, 404, 410];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_alone_says_nothing_of_our_account() {
        for status in ANYONES {
            assert_eq!(
                ErrorAnswer::of_a_firewall(status).by_status(),
                Refusal::Blocked
            );
        }
        for (status, class) in [
            (400, Refusal::InvalidInput),
            (408, Refusal::Transient),
            (409, Refusal::Transient),
            (422, Refusal::InvalidInput),
            (429, Refusal::RateLimited { retry_after: None }),
            (500, Refusal::OutcomeUnknown),
            (503, Refusal::Transient),
        ] {
            assert_eq!(ErrorAnswer::of(status, "").by_status(), class, "{status}");
        }
    }

    #[test]
    fn an_id_that_leads_to_another_path_is_not_sent() {
        assert!(check_id("21m00Tcm4TlvDq8ikWAM").is_ok());
        for id in ["", "../voices/others", "a/b", "a?b", "a%2fb", "."] {
            let refused = check_id(id).unwrap_err();
            assert_eq!(refused.refusal, Refusal::InvalidInput, "{id}");
        }
    }

    #[test]
    fn an_answer_that_may_repeat_the_key_is_not_quoted() {
        let key = "sk-the-key";
        let quotes = |status, refusal| {
            let refused = ErrorAnswer::of(status, key).refused(refusal);
            refused.detail.contains(key)
        };
        assert!(!quotes(401, Refusal::Auth) && !quotes(403, Refusal::Auth));
        assert!(!quotes(401, Refusal::Blocked));
        assert!(quotes(403, Refusal::Blocked) && quotes(400, Refusal::InvalidInput));
    }

    #[test]
    fn a_vendors_text_is_cut_and_cannot_steer_a_terminal() {
        assert_eq!(short("HTTP 400:\n\u{1b}[2J"), r"HTTP 400:\n\u{1b}[2J");
        assert_eq!(short(&"é".repeat(400)), "é".repeat(400));
        for long in ["é".repeat(401), "\u{202e}".repeat(10_000)] {
            let said = short(&long);
            assert_eq!(said.chars().count(), 401);
            assert!(said.ends_with('…'));
        }
    }

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

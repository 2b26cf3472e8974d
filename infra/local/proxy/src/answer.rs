//! The proxy's own answers, and what it takes out of those that it passes on.

use std::convert::Infallible;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};

use super::admission::Denied;
use super::operation::Operation;

/// The body of an answer, or of a forwarded call.
pub(super) type AnswerBody = BoxBody<Bytes, hyper::Error>;

/// Removes the headers that describe a single connection, because there are two connections here.
pub(super) fn remove_connection_headers(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(HeaderName::from_static("keep-alive"));
}

/// Removes what would let another site's page read the answer: the target may answer every site.
pub(super) fn remove_cors_headers(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

/// The answer to a call that is not forwarded.
pub(super) fn refusal(operation: &Operation, denied: Denied) -> Response<AnswerBody> {
    let message = match denied {
        Denied::Gate(refused) => format!("{refused}. {}", refused.cure()),
        Denied::Key => denied.to_string(),
    };
    failure(operation, 403, "AccessDeniedException", &message)
}

/// An error in the service's own format. `message` is plain text without quotes.
pub(super) fn failure(
    operation: &Operation,
    status: u16,
    error: &str,
    message: &str,
) -> Response<AnswerBody> {
    let (content_type, body) = if operation.service == "s3" {
        (
            "application/xml",
            format!("<Error><Code>{error}</Code><Message>{message}</Message></Error>"),
        )
    } else {
        (
            "application/x-amz-json-1.0",
            format!(r#"{{"__type":"{error}","message":"{message}"}}"#),
        )
    };
    let mut response = Response::new(full(Bytes::from(body)));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(error) = error.parse() {
        response.headers_mut().insert("x-amzn-errortype", error);
    }
    response
}

pub(super) fn full(bytes: Bytes) -> AnswerBody {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed()
}

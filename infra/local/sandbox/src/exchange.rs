//! One request to a vendor and its reply, in the form that the vendors' files need.

use hyper::HeaderMap;
use hyper::body::Bytes;
use serde_json::Value;

use super::script::Behaviour;

/// A request, in the form that the vendors' endpoints need.
pub(super) struct Asked<'a> {
    pub method: &'a str,
    /// The path after the vendor's own address, without the query.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    /// The scripted behaviour of the task that this request creates.
    pub behaviour: Option<&'a Behaviour>,
}

impl Asked<'_> {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A vendor's answer.
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Whether the vendor carried out the request.
    pub accepted: bool,
    /// Whether the connection breaks after the body, as if there were more.
    pub breaks: bool,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: Bytes::from(body.to_string()),
            accepted: status < 300,
            breaks: false,
        }
    }

    /// The page of a firewall.
    pub(super) fn page(status: u16) -> Self {
        let page = "<!DOCTYPE html><html><head><title>Access denied</title></head>\
                    <body><h1>Sorry, you have been blocked</h1></body></html>";
        Self {
            status,
            headers: vec![("content-type", "text/html; charset=UTF-8".to_owned())],
            body: Bytes::from_static(page.as_bytes()),
            accepted: false,
            breaks: false,
        }
    }

    pub(super) fn file(content_type: &'static str, bytes: &'static [u8]) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self {
            status: 200,
            headers,
            body: Bytes::from_static(bytes),
            accepted: true,
            breaks: false,
        }
    }
}

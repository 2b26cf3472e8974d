//! The sandbox's records: all requests, and the pending scripts.

use std::time::Instant;

use hyper::body::Bytes;

use super::script::{Behaviour, Script};
use super::vendor::Vendor;

/// One request to a vendor.
#[derive(Debug, Clone)]
pub struct Call {
    /// The vendor.
    pub vendor: Vendor,
    /// The method.
    pub method: String,
    /// The path after the vendor's own address, with its query.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// The attempt to which it belongs: `x-client-request-id`.
    pub attempt: Option<String>,
    /// The calling process.
    pub process_id: Option<u32>,
    /// When the request arrived.
    pub at: Instant,
    /// Whether the vendor carried out the request, whatever it then answered.
    pub accepted: bool,
    /// The status of the answer. `None` if there was no answer.
    pub status: Option<u16>,
}

impl Call {
    /// Whether the request may cost money, which every request that creates something may.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        self.method == "POST"
    }
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub calls: Vec<Call>,
    /// The scripts, each with the number of requests that matched it.
    pub scripts: Vec<(Script, u32)>,
}

/// The position of a request in the book.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row(usize);

impl Book {
    pub(super) fn begin(&mut self, call: Call) -> Row {
        self.calls.push(call);
        Row(self.calls.len() - 1)
    }

    pub(super) fn note(&mut self, row: Row, accepted: bool, status: Option<u16>) {
        // The calls may have been cleared meanwhile.
        if let Some(call) = self.calls.get_mut(row.0) {
            call.accepted = accepted;
            call.status = status;
        }
    }

    /// The behaviour of the first script that hits this request.
    pub(super) fn hit(
        &mut self,
        vendor: Vendor,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Option<Behaviour> {
        let text = String::from_utf8_lossy(body);
        for (script, count) in &mut self.scripts {
            let matches = script.vendor == vendor
                && script.method.is_none_or(|wanted| wanted == method)
                && script
                    .path_ends
                    .as_ref()
                    .is_none_or(|end| path.ends_with(end.as_str()))
                && script
                    .body_contains
                    .as_ref()
                    .is_none_or(|part| text.contains(part));
            if !matches {
                continue;
            }
            *count += 1;
            if script.occurrence.hits(*count) {
                return Some(script.behaviour.clone());
            }
        }
        None
    }
}

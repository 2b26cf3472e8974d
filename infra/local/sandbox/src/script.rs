//! What a test scripts: which requests a vendor answers otherwise than it would, and how.

use std::time::Duration;

use fault_proxy::{Moment, Occurrence};
use serde_json::Value;

use super::vendor::Vendor;

/// How a vendor misbehaves, and when.
#[derive(Debug, Clone)]
pub struct Script {
    /// The vendor.
    pub vendor: Vendor,
    /// The method. `None` matches any.
    pub method: Option<&'static str>,
    /// The end of the path. `None` matches any.
    pub path_ends: Option<String>,
    /// A text that the body contains. `None` matches any.
    pub body_contains: Option<String>,
    /// Which of the matching requests.
    pub occurrence: Occurrence,
    /// The misbehaviour.
    pub behaviour: Behaviour,
}

impl Script {
    /// A behaviour for requests that create something.
    #[must_use]
    pub fn posts(vendor: Vendor, occurrence: Occurrence, behaviour: Behaviour) -> Self {
        Self {
            vendor,
            method: Some("POST"),
            path_ends: None,
            body_contains: None,
            occurrence,
            behaviour,
        }
    }
}

/// What a vendor does instead of its normal behaviour.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Answers after this delay.
    Slow(Duration),
    /// Answers once the test calls [`Sandbox::release`](super::Sandbox::release).
    Held,
    /// Answers with this, and does nothing.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Value,
    },
    /// A firewall before the vendor answers with a page, and the vendor never sees the request.
    Firewall {
        /// The HTTP status.
        status: u16,
    },
    /// Carries out the request, but answers with this.
    AcceptThenAnswer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Value,
    },
    /// Closes the connection without an answer, before or after it carries out the request.
    Cut(Moment),
    /// Kills the caller, before or after it carries out the request.
    KillCaller(Moment),
    /// The created task has this status for its first polls.
    TaskStatus {
        /// The status.
        status: String,
        /// The number of polls.
        polls: u32,
    },
    /// The created task fails.
    TaskFails {
        /// The vendor's error code.
        code: String,
        /// The vendor's message.
        message: String,
    },
    /// The task's output has this size.
    OutputOf {
        /// The size in bytes.
        bytes: usize,
    },
    /// Every download of the task's output breaks off after this many bytes, or the answer that
    /// holds the picture.
    OutputBreaks {
        /// The number of bytes.
        bytes: usize,
    },
    /// The first address of the task's output has expired when it is fetched.
    OutputExpires,
    /// The owner of the created voice must verify it.
    WantsOwner,
}

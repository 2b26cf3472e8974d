//! Each vendor's refusals, in its own words.

use serde_json::{Value, json};

use super::script::Behaviour;
use super::vendor::Vendor;
use super::{elevenlabs, openai, polly, runway};

/// Why a vendor refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The vendor's rules forbid the content.
    Moderation,
    /// The request is invalid.
    InvalidInput,
    /// The vendor does not know the key.
    Auth,
    /// The account is empty.
    Billing,
    /// Too many requests.
    RateLimited,
    /// The vendor has a problem, and did nothing.
    Unavailable,
    /// The model no longer exists.
    Gone,
}

impl Refusal {
    /// All refusals.
    pub const ALL: [Self; 7] = [
        Self::Moderation,
        Self::InvalidInput,
        Self::Auth,
        Self::Billing,
        Self::RateLimited,
        Self::Unavailable,
        Self::Gone,
    ];
}

/// How `vendor` answers for this reason. `None` if it never does.
#[must_use]
pub fn refusal(vendor: Vendor, why: Refusal) -> Option<Behaviour> {
    match vendor {
        Vendor::OpenAi => Some(by_openai(why)),
        Vendor::ElevenLabs => Some(by_elevenlabs(why)),
        Vendor::Runway => Some(by_runway(why)),
        Vendor::Polly => by_polly(why),
    }
}

/// OpenAI's words.
fn by_openai(why: Refusal) -> Behaviour {
    let refused = |status, kind, code, message| say(status, openai::body(kind, code, message));
    match why {
        Refusal::Moderation => refused(
            400,
            "image_generation_user_error",
            "moderation_blocked",
            "Your request was rejected by the safety system. safety_violations=[violence].",
        ),
        Refusal::InvalidInput => refused(
            400,
            "invalid_request_error",
            "invalid_value",
            "Invalid value for 'prompt'.",
        ),
        Refusal::Auth => refused(
            401,
            "invalid_request_error",
            "invalid_api_key",
            "Incorrect API key provided.",
        ),
        Refusal::Billing => refused(
            429,
            "insufficient_quota",
            "credit_balance_exhausted",
            "You have no credits left.",
        ),
        Refusal::RateLimited => Behaviour::Answer {
            status: 429,
            headers: vec![("retry-after", "2".to_owned())],
            body: openai::body(
                "requests",
                "rate_limit_exceeded",
                "Rate limit reached for images per minute.",
            ),
        },
        Refusal::Unavailable => refused(
            503,
            "server_error",
            "overloaded",
            "The engine is currently overloaded.",
        ),
        Refusal::Gone => refused(
            404,
            "invalid_request_error",
            "model_not_found",
            "The model 'gpt-image-2' does not exist.",
        ),
    }
}

/// ElevenLabs' words.
fn by_elevenlabs(why: Refusal) -> Behaviour {
    let refused = |status, kind, code, message| say(status, elevenlabs::body(kind, code, message));
    match why {
        Refusal::Moderation => refused(
            400,
            "invalid_request",
            "content_moderated",
            "The text is against our terms.",
        ),
        Refusal::InvalidInput => say(
            422,
            json!({ "detail": [{ "loc": ["body", "text"], "msg": "Text too long", "type": "value_error" }] }),
        ),
        Refusal::Auth => refused(
            401,
            "authentication_error",
            "invalid_api_key",
            "Invalid API key",
        ),
        // The older form: 401 with only a status.
        Refusal::Billing => say(
            401,
            json!({ "detail": { "status": "quota_exceeded", "message": "This request exceeds your quota." } }),
        ),
        Refusal::RateLimited => refused(
            429,
            "rate_limit_error",
            "concurrent_limit_exceeded",
            "Too many concurrent requests",
        ),
        Refusal::Unavailable => refused(
            503,
            "service_unavailable",
            "service_unavailable",
            "Try again later",
        ),
        Refusal::Gone => refused(
            404,
            "not_found",
            "voice_not_found",
            "A voice with this id was not found",
        ),
    }
}

/// Runway's words.
fn by_runway(why: Refusal) -> Behaviour {
    match why {
        // Runway moderates the content while it works on the task.
        Refusal::Moderation => Behaviour::TaskFails {
            code: "SAFETY.INPUT.TEXT".to_owned(),
            message: "The prompt was flagged".to_owned(),
        },
        Refusal::InvalidInput => say(400, runway::body("Validation of body failed")),
        Refusal::Auth => say(401, runway::body("The API key provided is invalid.")),
        Refusal::Billing => say(
            400,
            runway::body("You do not have enough credits to run this task."),
        ),
        Refusal::RateLimited => say(429, runway::body("Too many requests.")),
        Refusal::Unavailable => say(503, runway::body("Service unavailable.")),
        Refusal::Gone => say(404, runway::body("The model does not exist.")),
    }
}

/// Polly's words. It neither moderates nor bills in advance.
fn by_polly(why: Refusal) -> Option<Behaviour> {
    match why {
        Refusal::Moderation | Refusal::Billing => None,
        Refusal::InvalidInput => Some(aws(400, "TextLengthExceededException")),
        Refusal::Auth => Some(aws(403, "AccessDeniedException")),
        Refusal::RateLimited => Some(aws(400, "ThrottlingException")),
        Refusal::Unavailable => Some(aws(503, "ServiceUnavailable")),
        Refusal::Gone => Some(aws(400, "EngineNotSupportedException")),
    }
}

/// The answer with a status and a body.
fn say(status: u16, body: Value) -> Behaviour {
    Behaviour::Answer {
        status,
        headers: Vec::new(),
        body,
    }
}

/// The answer of an AWS service with an error's code.
fn aws(status: u16, code: &str) -> Behaviour {
    Behaviour::Answer {
        status,
        headers: vec![("x-amzn-errortype", code.to_owned())],
        body: polly::body("refused, as the test has asked the sandbox to"),
    }
}

//! Each vendor's refusals, in its own words.

use serde_json::Value;

use super::{Behaviour, Vendor, elevenlabs, openai, polly, runway};

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
    let say = |status: u16, body: Value| {
        Some(Behaviour::Answer {
            status,
            headers: Vec::new(),
            body,
        })
    };
    let aws = |status: u16, code: &str| {
        let headers = vec![("x-amzn-errortype", code.to_owned())];
        Some(Behaviour::Answer {
            status,
            headers,
            body: polly::body("as the sandbox was asked"),
        })
    };
    match (vendor, why) {
        (Vendor::OpenAi, Refusal::Moderation) => say(
            400,
            openai::body(
                "image_generation_user_error",
                "moderation_blocked",
                "Your request was rejected by the safety system. safety_violations=[violence].",
            ),
        ),
        (Vendor::OpenAi, Refusal::InvalidInput) => say(
            400,
            openai::body(
                "invalid_request_error",
                "invalid_value",
                "Invalid value for 'prompt'.",
            ),
        ),
        (Vendor::OpenAi, Refusal::Auth) => say(
            401,
            openai::body(
                "invalid_request_error",
                "invalid_api_key",
                "Incorrect API key provided.",
            ),
        ),
        (Vendor::OpenAi, Refusal::Billing) => say(
            429,
            openai::body(
                "insufficient_quota",
                "credit_balance_exhausted",
                "You have no credits left.",
            ),
        ),
        (Vendor::OpenAi, Refusal::RateLimited) => Some(Behaviour::Answer {
            status: 429,
            headers: vec![("retry-after", "2".to_owned())],
            body: openai::body(
                "requests",
                "rate_limit_exceeded",
                "Rate limit reached for images per minute.",
            ),
        }),
        (Vendor::OpenAi, Refusal::Unavailable) => say(
            503,
            openai::body(
                "server_error",
                "overloaded",
                "The engine is currently overloaded.",
            ),
        ),
        (Vendor::OpenAi, Refusal::Gone) => say(
            404,
            openai::body(
                "invalid_request_error",
                "model_not_found",
                "The model 'gpt-image-2' does not exist.",
            ),
        ),
        (Vendor::ElevenLabs, Refusal::Moderation) => say(
            400,
            elevenlabs::body(
                "invalid_request",
                "content_moderated",
                "The text is against our terms.",
            ),
        ),
        (Vendor::ElevenLabs, Refusal::InvalidInput) => say(
            422,
            serde_json::json!({ "detail": [{ "loc": ["body", "text"], "msg": "Text too long", "type": "value_error" }] }),
        ),
        (Vendor::ElevenLabs, Refusal::Auth) => say(
            401,
            elevenlabs::body("authentication_error", "invalid_api_key", "Invalid API key"),
        ),
        // The older form: 401 with only a status.
        (Vendor::ElevenLabs, Refusal::Billing) => say(
            401,
            serde_json::json!({ "detail": { "status": "quota_exceeded", "message": "This request exceeds your quota." } }),
        ),
        (Vendor::ElevenLabs, Refusal::RateLimited) => say(
            429,
            elevenlabs::body(
                "rate_limit_error",
                "concurrent_limit_exceeded",
                "Too many concurrent requests",
            ),
        ),
        (Vendor::ElevenLabs, Refusal::Unavailable) => say(
            503,
            elevenlabs::body(
                "service_unavailable",
                "service_unavailable",
                "Try again later",
            ),
        ),
        (Vendor::ElevenLabs, Refusal::Gone) => say(
            404,
            elevenlabs::body(
                "not_found",
                "voice_not_found",
                "A voice with this id was not found",
            ),
        ),
        // Runway moderates the content while it works on the task.
        (Vendor::Runway, Refusal::Moderation) => Some(Behaviour::TaskFails {
            code: "SAFETY.INPUT.TEXT".to_owned(),
            message: "The prompt was flagged".to_owned(),
        }),
        (Vendor::Runway, Refusal::InvalidInput) => {
            say(400, runway::body("Validation of body failed"))
        }
        (Vendor::Runway, Refusal::Auth) => {
            say(401, runway::body("The API key provided is invalid."))
        }
        (Vendor::Runway, Refusal::Billing) => {
            say(402, runway::body("You do not have enough credits."))
        }
        (Vendor::Runway, Refusal::RateLimited) => {
            say(429, runway::body("Daily task limit reached."))
        }
        (Vendor::Runway, Refusal::Unavailable) => say(503, runway::body("Service unavailable.")),
        (Vendor::Runway, Refusal::Gone) => say(404, runway::body("The model does not exist.")),
        (Vendor::Polly, Refusal::Moderation | Refusal::Billing) => None,
        (Vendor::Polly, Refusal::InvalidInput) => aws(400, "TextLengthExceededException"),
        (Vendor::Polly, Refusal::Auth) => aws(403, "AccessDeniedException"),
        (Vendor::Polly, Refusal::RateLimited) => aws(400, "ThrottlingException"),
        (Vendor::Polly, Refusal::Unavailable) => aws(503, "ServiceUnavailable"),
        (Vendor::Polly, Refusal::Gone) => aws(400, "EngineNotSupportedException"),
    }
}

//! The body of ElevenLabs' errors.

use serde_json::{Value, json};

/// The body of an error.
pub(crate) fn body(kind: &str, code: &str, message: &str) -> Value {
    json!({ "detail": {
        "type": kind, "code": code, "message": message, "status": code, "request_id": "sandbox", "param": null,
    } })
}

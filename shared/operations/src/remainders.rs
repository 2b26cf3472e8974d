//! Remainders: what a vendor, a bucket or a CDN keeps of what is erased, and how an operator closes
//! one.

use std::{fmt, str::FromStr};

use contract::{Identifier, Text, Time};
use serde::{Deserialize, Serialize};

/// Something that a vendor, a bucket or a CDN did not delete, written `<keeper>:<item>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remainder {
    /// The vendor, the bucket, or `cloudfront`.
    pub keeper: String,
    /// What it is of: `job:<id>`, `voice:<id>`, or `dead-letters` or `assets` for all of the
    /// tenant's.
    pub item: String,
}

impl fmt::Display for Remainder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.keeper, self.item)
    }
}

/// Some text is no [`Remainder`].
#[derive(Debug, thiserror::Error)]
#[error(
    "write a remainder as `tenants erase` names it, such as elevenlabs:voice:3b4922b8-1b61-5bbc-9362-acfc161181af"
)]
pub struct UnknownRemainder;

impl FromStr for Remainder {
    type Err = UnknownRemainder;

    fn from_str(text: &str) -> Result<Self, UnknownRemainder> {
        match text.split_once(':') {
            Some((keeper, item)) if !keeper.is_empty() && !item.is_empty() => Ok(Self {
                keeper: keeper.to_owned(),
                item: item.to_owned(),
            }),
            _ => Err(UnknownRemainder),
        }
    }
}

/// A remainder that a step met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The remainder.
    #[serde(flatten)]
    pub remainder: Remainder,
    /// Why it was not deleted, for operators.
    pub why: String,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keeper = &self.remainder.keeper;
        write!(
            f,
            "{keeper} keeps its copy ({}): {}",
            self.remainder, self.why
        )
    }
}

/// A remainder that an operator closed, and that was refused again since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedRemainder {
    /// The remainder.
    #[serde(flatten)]
    pub remainder: Remainder,
    /// Why the operator closed it.
    pub reason: Reason,
    /// When.
    pub closed_at: Time,
}

/// An operator's reason, in a sentence.
pub type Reason = Text<500>;

/// The request to let an erasure go on without a remainder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseRemainder {
    /// The tenant that is being erased.
    pub tenant: Identifier,
    /// The remainder, as a pass of the erasure named it.
    pub remainder: Remainder,
    /// Why. It stays on record, so it names no person.
    pub reason: Reason,
    /// Whether to do it; otherwise the answer only says what the step would do.
    pub execute: bool,
}

/// The result of closing a remainder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemainderHandled {
    /// The tenant.
    pub tenant: Identifier,
    /// The remainder.
    pub remainder: Remainder,
    /// What the step did.
    pub fate: RemainderFate,
}

/// What a step did to a remainder, or would do with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RemainderFate {
    /// The step would close it.
    WouldBeClosed {
        /// When a pass last met it.
        met_at: Time,
    },
    /// The step closed it.
    Closed {
        /// When.
        at: Time,
    },
    /// It was closed before.
    WasClosed {
        /// When.
        at: Time,
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(time: &str) -> Time {
        Time::new(time.parse().unwrap())
    }

    #[test]
    fn a_remainder_is_read_back_as_it_is_written() {
        let id = "3b4922b8-1b61-5bbc-9362-acfc161181af";
        for (keeper, item) in [
            ("elevenlabs", format!("voice:{id}")),
            ("monsoon-arts.voices", format!("voice:{id}")),
            ("studio-dead-letters", "dead-letters".to_owned()),
        ] {
            let keeper = keeper.to_owned();
            let remainder = Remainder { keeper, item };
            let text = remainder.to_string();
            assert_eq!(text.parse::<Remainder>().unwrap(), remainder);
        }
        for wrong in ["", "elevenlabs", ":job", "elevenlabs:"] {
            assert!(wrong.parse::<Remainder>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_result_of_closing_a_remainder_is_read_back() {
        let met_at = at("2026-11-27T09:30:00Z");
        let reason = "the vendor closed the account".to_owned();
        for (fate, is) in [
            (RemainderFate::WouldBeClosed { met_at }, "would-be-closed"),
            (RemainderFate::Closed { at: met_at }, "closed"),
            (
                RemainderFate::WasClosed { at: met_at, reason },
                "was-closed",
            ),
        ] {
            let handled = RemainderHandled {
                tenant: Identifier::parse("tenant-gone").unwrap(),
                remainder: "elevenlabs:job:7".parse().unwrap(),
                fate,
            };
            let json = serde_json::to_value(&handled).unwrap();
            assert_eq!(json["fate"]["is"], is);
            assert_eq!(
                json["remainder"],
                json!({ "keeper": "elevenlabs", "item": "job:7" })
            );
            let read: RemainderHandled = serde_json::from_value(json).unwrap();
            assert_eq!(read, handled);
        }
    }

    #[test]
    fn a_closed_remainder_has_its_keeper_and_item_beside_the_reason() {
        let closed = ClosedRemainder {
            remainder: "elevenlabs:job:7".parse().unwrap(),
            reason: Text::parse("the vendor closed the account").unwrap(),
            closed_at: at("2026-11-27T09:30:00Z"),
        };
        assert_eq!(
            serde_json::to_value(closed).unwrap(),
            json!({
                "keeper": "elevenlabs", "item": "job:7",
                "reason": "the vendor closed the account", "closedAt": "2026-11-27T09:30:00.000Z",
            })
        );
    }
}

//! Providers: their breakers, lines, calls and cost, and the result of closing a breaker.

use contract::Time;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Every provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvidersListed {
    /// The providers.
    pub providers: Vec<ProviderSummary>,
}

/// A provider: its breaker, its line, its calls and its cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderSummary {
    /// Its name.
    pub provider: String,
    /// Its breaker, if it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerSummary>,
    /// How many jobs and voice models wait for their turn there.
    #[serde(default)]
    pub waiting: u64,
    /// How many calls to it are in flight. None is counted of a provider that costs nothing.
    #[serde(default)]
    pub in_flight: u64,
    /// How many may be; absent if no call was made since the last deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_in_flight: Option<u64>,
    /// The credits that were spent today, by the day in UTC.
    #[serde(default)]
    pub credits_today: u64,
    /// The credits of the last 31 days on which any were spent.
    #[serde(default)]
    pub credits_in_all: u64,
    /// Its last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<RefusalSummary>,
}

/// A refusal as the provider worded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalSummary {
    /// When the studio learned of it.
    pub at: Time,
    /// Its class, such as `rate-limited`.
    pub class: String,
    /// What the provider said.
    pub said: String,
    /// The job or voice model that was refused.
    pub of: Uuid,
}

/// An open breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakerSummary {
    /// When the studio asks the provider again.
    pub until: Time,
    /// What the provider said.
    pub why: String,
}

/// The result of closing a breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakerHandled {
    /// The provider.
    pub provider: String,
    /// What the step did.
    pub fate: BreakerFate,
}

/// What a step did to a breaker, or would do with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum BreakerFate {
    /// The step would close it.
    WouldBeClosed {
        /// The breaker.
        breaker: BreakerSummary,
    },
    /// The step closed it.
    Closed {
        /// The breaker as it was before.
        breaker: BreakerSummary,
    },
    /// It was closed already.
    WasClosed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_closing_a_breaker_is_read_back() {
        let breaker = BreakerSummary {
            until: Time::new("2026-11-27T09:45:00Z".parse().unwrap()),
            why: "401: Incorrect API key provided".to_owned(),
        };
        for (fate, is) in [
            (
                BreakerFate::WouldBeClosed {
                    breaker: breaker.clone(),
                },
                "would-be-closed",
            ),
            (BreakerFate::Closed { breaker }, "closed"),
            (BreakerFate::WasClosed, "was-closed"),
        ] {
            let handled = BreakerHandled {
                provider: "openai".to_owned(),
                fate,
            };
            let json = serde_json::to_value(&handled).unwrap();
            assert_eq!(json["fate"]["is"], is);
            assert_eq!(
                serde_json::from_value::<BreakerHandled>(json).unwrap(),
                handled
            );
        }
    }
}

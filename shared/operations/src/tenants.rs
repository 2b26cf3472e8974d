//! Tenants: the result of erasing one.

use contract::Identifier;
use serde::{Deserialize, Serialize};

use crate::{ClosedRemainder, Kept, TenantData};

/// The result of erasing a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantHandled {
    /// The tenant.
    pub tenant: Identifier,
    /// What the step did.
    pub fate: TenantFate,
}

/// What a step did to a tenant, or would do with `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TenantFate {
    /// The step would erase this much.
    WouldBeErased {
        /// What the tenant has.
        data: TenantData,
    },
    /// The tenant is erased.
    Erased {
        /// What this step erased.
        data: TenantData,
        /// What vendors, buckets and the CDN keep nevertheless, by an operator's decision.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        closed: Vec<ClosedRemainder>,
    },
    /// Something is left, often because a request may still be on its way: repeat the step in a few
    /// minutes.
    Erasing {
        /// What this step erased.
        data: TenantData,
        /// What is left.
        left: TenantData,
        /// What vendors, buckets and the CDN did not delete.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<Kept>,
    },
}

#[cfg(test)]
mod tests {
    use contract::Time;
    use serde_json::json;

    use super::*;
    use crate::Reason;

    #[test]
    fn the_result_of_erasing_a_tenant_is_read_back() {
        let data = TenantData {
            jobs: 1,
            ..TenantData::default()
        };
        for (fate, is) in [
            (TenantFate::WouldBeErased { data }, "would-be-erased"),
            (
                TenantFate::Erased {
                    data,
                    closed: vec![ClosedRemainder {
                        remainder: "elevenlabs:voice:7".parse().unwrap(),
                        reason: Reason::parse("the vendor closed the account").unwrap(),
                        closed_at: Time::new("2026-11-27T09:30:00Z".parse().unwrap()),
                    }],
                },
                "erased",
            ),
            (
                TenantFate::Erasing {
                    data,
                    left: data,
                    kept: vec![Kept {
                        remainder: "elevenlabs:voice:7".parse().unwrap(),
                        why: "the key may not delete".to_owned(),
                    }],
                },
                "erasing",
            ),
        ] {
            let handled = TenantHandled {
                tenant: Identifier::parse("tenant-gone").unwrap(),
                fate,
            };
            let json = serde_json::to_value(&handled).unwrap();
            assert_eq!(
                (&json["tenant"], &json["fate"]["is"]),
                (&json!("tenant-gone"), &json!(is))
            );
            assert_eq!(json["fate"]["data"]["jobs"], 1);
            assert_eq!(
                serde_json::from_value::<TenantHandled>(json).unwrap(),
                handled
            );
        }
    }
}

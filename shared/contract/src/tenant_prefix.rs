//! Where a tenant's own objects lie in a bucket that tenants share: under a prefix made of its id.

use std::fmt;

use crate::{Identifier, S3Object};

/// The place of the tenant's id in a pattern.
const PLACE: &str = "{tenantId}";

/// The most bytes of a pattern; sentences quote it.
const LONGEST: usize = 200;

/// The pattern of the prefixes of tenants, such as `{tenantId}/` or `brands/{tenantId}/`.
///
/// In a prefix the id is percent-encoded, except for RFC 3986's unreserved characters (letters,
/// digits, `-`, `.`, `_` and `~`). So it has no slash, and no two tenants have one prefix, nor one
/// that begins as the other's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantPrefix {
    before: String,
    after: String,
}

/// A text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must have `{place}` once, a slash at the end and at most {LONGEST} bytes, as in `{place}/` or `brands/{place}/`",
    place = PLACE
)]
pub struct TenantPrefixError;

impl TenantPrefix {
    /// Parses a pattern: `{tenantId}` once, a slash at the end, and no part between two slashes
    /// that is empty, `.` or `..`.
    ///
    /// # Errors
    /// A [`TenantPrefixError`].
    pub fn parse(pattern: &str) -> Result<Self, TenantPrefixError> {
        let (before, after) = pattern.split_once(PLACE).ok_or(TenantPrefixError)?;
        let is_fixed = |text: &str| !text.contains(['{', '}']) && !text.contains(char::is_control);
        let folder = pattern.strip_suffix('/').ok_or(TenantPrefixError)?;
        let is_short = pattern.len() <= LONGEST;
        if !is_short || !is_fixed(before) || !is_fixed(after) || !is_plain(folder) {
            return Err(TenantPrefixError);
        }
        Ok(Self {
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// The prefix of `tenant`'s keys.
    #[must_use]
    pub fn of(&self, tenant: &Identifier) -> String {
        let mut prefix = self.before.clone();
        for byte in tenant.as_str().bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    prefix.push(char::from(byte));
                }
                _ => prefix.push_str(&format!("%{byte:02X}")),
            }
        }
        prefix.push_str(&self.after);
        prefix
    }

    /// Whether `object`, in whichever bucket, lies under `tenant`'s prefix. Keys are compared byte
    /// by byte, as S3 compares them; nothing in them is decoded. A key with an empty part, `.` or
    /// `..` between its slashes is under no prefix, because something between here and S3 may
    /// resolve it.
    #[must_use]
    pub fn owns(&self, tenant: &Identifier, object: &S3Object) -> bool {
        object.key().starts_with(&self.of(tenant)) && is_plain(object.key())
    }
}

impl fmt::Display for TenantPrefix {
    /// The pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{PLACE}{}", self.before, self.after)
    }
}

/// Whether no part between the slashes of `path` is empty, `.` or `..`.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> Identifier {
        Identifier::parse(id).unwrap()
    }

    /// Whether the object `key` is `id`'s, by the pattern that is the default.
    fn owns(id: &str, key: &str) -> bool {
        let object = S3Object::parse(&format!("s3://brands/{key}")).unwrap();
        let prefix = TenantPrefix::parse("{tenantId}/").unwrap();
        prefix.owns(&tenant(id), &object)
    }

    #[test]
    fn a_tenant_owns_what_lies_under_its_prefix() {
        for key in [
            "a/logo.png",
            "a/2026/logo.png",
            "a/b",
            "a/.logo",
            "a/50%.png",
        ] {
            assert!(owns("a", key), "{key}");
        }
        for key in [
            "ab/logo.png",
            "A/logo.png",
            "logo.png",
            "a",
            "a/",
            "b/a/logo.png",
            "brands/a/logo.png",
            "%61/logo.png",
            " a/logo.png",
        ] {
            assert!(!owns("a", key), "{key}");
        }
        assert!(!owns("ab", "a/logo.png"));
    }

    #[test]
    fn no_way_leads_out_of_a_prefix() {
        for key in [
            "a/../b/logo.png",
            "a/./logo.png",
            "a//logo.png",
            "a//b/logo.png",
            "a/..",
            "/a/logo.png",
            "../a/logo.png",
        ] {
            assert!(!owns("a", key), "{key}");
        }
        // Nothing is decoded: these are names of objects under `a/`, and S3 takes them so.
        for key in [
            "a/%2e%2e/b/logo.png",
            "a/..%2fb/logo.png",
            "a/..b",
            "a/...",
            "a/\\..\\b",
        ] {
            assert!(owns("a", key), "{key}");
        }
    }

    #[test]
    fn an_odd_tenant_id_is_one_part_of_a_key() {
        for (id, folder) in [
            ("a/b", "a%2Fb"),
            ("a%2Fb", "a%252Fb"),
            ("a b", "a%20b"),
            ("urn:tenant:1", "urn%3Atenant%3A1"),
            ("mañana", "ma%C3%B1ana"),
            ("{tenantId}", "%7BtenantId%7D"),
            ("a.b_c~d-e", "a.b_c~d-e"),
        ] {
            assert!(owns(id, &format!("{folder}/logo.png")), "{id}");
        }
        assert!(!owns("a/b", "a/b/logo.png"), "that one is a's");
        assert!(!owns("a", "a%2Fb/logo.png"));
        // A tenant with such a name has no prefix that leads anywhere.
        for id in [".", ".."] {
            assert!(!owns(id, &format!("{id}/logo.png")), "{id}");
        }
    }

    #[test]
    fn a_pattern_has_the_tenant_once_and_ends_with_a_slash() {
        let brands = TenantPrefix::parse("brands/{tenantId}-media/logos/").unwrap();
        assert_eq!(brands.of(&tenant("a")), "brands/a-media/logos/");
        assert_eq!(brands.to_string(), "brands/{tenantId}-media/logos/");
        let long = "x".repeat(LONGEST);
        for wrong in [
            "",
            "/",
            "brands/",
            "{tenantId}",
            "{tenantId}/logos",
            "{tenantId}/{tenantId}/",
            "{tenant}/{tenantId}/",
            "/{tenantId}/",
            "brands//{tenantId}/",
            "../{tenantId}/",
            "{tenantId}/./",
            &format!("{long}/{{tenantId}}/"),
        ] {
            assert_eq!(
                TenantPrefix::parse(wrong),
                Err(TenantPrefixError),
                "{wrong}"
            );
        }
    }
}

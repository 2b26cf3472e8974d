//! Objects that a tenant names: a logo, a voice's recordings. The studio touches only the tenant's
//! own, those under its prefix, in buckets that the operators named and whose owner is known.

use crate::{Identifier, S3Object, TenantPrefix};

/// Which objects are a tenant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantFiles {
    /// The pattern of the tenants' prefixes: `TENANT_PREFIX`.
    pub prefix: TenantPrefix,
    /// The AWS account that owns the buckets: `TENANT_BUCKETS_OWNER`. S3 refuses a request if the
    /// bucket is another account's: a bucket that was deleted may have a new owner.
    pub owner: String,
}

/// An object is not the tenant's own. S3 is not asked, and the sentence is the same whatever is
/// there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The studio may not read {object}: a tenant's own files lie under `{pattern}` in the buckets that it reads"
)]
pub struct NotItsOwn {
    object: S3Object,
    /// The pattern of the tenants' prefixes: a prefix itself may be too long for a sentence.
    pattern: String,
}

impl TenantFiles {
    /// Checks that `object` is `tenant`'s own, in one of `buckets`.
    ///
    /// # Errors
    /// [`NotItsOwn`].
    pub fn check(
        &self,
        buckets: &[String],
        tenant: &Identifier,
        object: &S3Object,
    ) -> Result<(), NotItsOwn> {
        let is_read = buckets.iter().any(|bucket| bucket == object.bucket());
        if is_read && self.prefix.owns(tenant, object) {
            return Ok(());
        }
        Err(NotItsOwn {
            object: object.clone(),
            pattern: self.prefix.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(tenant: &str, object: &str) -> Option<String> {
        let files = TenantFiles {
            prefix: TenantPrefix::parse("{tenantId}/").unwrap(),
            owner: "123456789012".to_owned(),
        };
        let tenant = Identifier::parse(tenant).unwrap();
        let object = S3Object::parse(object).unwrap();
        let checked = files.check(&["brands".to_owned()], &tenant, &object);
        checked.err().map(|refusal| refusal.to_string())
    }

    #[test]
    fn a_tenant_may_name_its_own_objects_only() {
        assert_eq!(refusal("tenant-a", "s3://brands/tenant-a/logo.png"), None);
        for object in [
            "s3://brands/tenant-b/private.png",
            "s3://brands/tenant-a/../tenant-b/private.png",
            "s3://brands/tenant-ab/logo.png",
            "s3://brands/logo.png",
            "s3://others/tenant-a/logo.png",
        ] {
            let expected = format!(
                "The studio may not read {object}: a tenant's own files lie under `{{tenantId}}/` in the \
                 buckets that it reads"
            );
            assert_eq!(refusal("tenant-a", object), Some(expected));
        }
    }
}

//! Where a job's files lie in the bucket of the assets. Their addresses are public, so a secret of
//! the deployment is in each path: a reader who knows an event, and all ids that follow from it,
//! cannot compute the address of its pictures.

use std::fmt;

use contract::Identifier;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{Job, inbound_event::hex};

/// The fewest bytes of a secret.
const FEWEST: usize = 32;

/// The bytes of a digest that are in a path.
const IN_A_PATH: usize = 16;

/// The paths of assets. The same job always has the same path, as long as the secret is the same.
#[derive(Clone)]
pub struct AssetPaths(Hmac<Sha256>);

/// The secret has fewer than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of the assets' paths has fewer than {FEWEST} bytes")]
pub struct ShortSecret;

impl AssetPaths {
    /// The paths that `secret` is in.
    ///
    /// # Errors
    /// [`ShortSecret`].
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        if secret.len() < FEWEST {
            return Err(ShortSecret);
        }
        let keyed = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| ShortSecret)?;
        Ok(Self(keyed))
    }

    /// The folder of all of `tenant`'s assets.
    #[must_use]
    pub fn of_tenant(&self, tenant: &Identifier) -> String {
        let digest = self.digest(&[b"tenant", tenant.as_str().as_bytes()]);
        format!("renders/{digest}/")
    }

    /// The folder of the files of `job`, within its tenant's.
    #[must_use]
    pub fn folder(&self, job: &Job) -> String {
        let parts: [&[u8]; 3] = [b"job", job.tenant.as_str().as_bytes(), job.id.0.as_bytes()];
        format!("{}{}/", self.of_tenant(&job.tenant), self.digest(&parts))
    }

    /// The key of the S3 object of `job`. Text from a tenant has no influence on it but through the
    /// digests.
    #[must_use]
    pub fn object_key(&self, job: &Job) -> String {
        format!(
            "{}{}.{}",
            self.folder(job),
            job.asset.as_str(),
            job.asset.format().as_str()
        )
    }

    /// The folder of what vendors painted for the entity of `job`, within its tenant's.
    #[must_use]
    pub fn paintings(&self, job: &Job) -> String {
        let digest = self.digest(&[
            b"paintings",
            job.tenant.as_str().as_bytes(),
            job.entity.kind.as_str().as_bytes(),
            job.entity.id.as_str().as_bytes(),
        ]);
        format!("{}paintings/{digest}/", self.of_tenant(&job.tenant))
    }

    /// The key of the picture that a vendor painted for the entity of `job` when it was asked for
    /// `request`.
    #[must_use]
    pub fn painting_key(&self, job: &Job, request: &str) -> String {
        let digest = self.digest(&[b"painting", request.as_bytes()]);
        format!("{}{digest}.png", self.paintings(job))
    }

    /// HMAC-SHA-256 over length-prefixed parts, cut to 128 bits, in hexadecimal digits.
    fn digest(&self, parts: &[&[u8]]) -> String {
        let mut keyed = self.0.clone();
        for part in parts {
            keyed.update(&(part.len() as u64).to_be_bytes());
            keyed.update(part);
        }
        let digest: [u8; 32] = keyed.finalize().into_bytes().into();
        hex(&digest[..IN_A_PATH])
    }
}

impl fmt::Debug for AssetPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssetPaths")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(secret: u8) -> AssetPaths {
        AssetPaths::new(&[secret; FEWEST]).unwrap()
    }

    fn tenant(id: &str) -> Identifier {
        Identifier::parse(id).unwrap()
    }

    #[test]
    fn a_path_has_the_digest_that_hmac_sha_256_gives() {
        // By Python: hmac.new(b"\x07" * 32, part(b"tenant") + part(b"tenant-1"), "sha256"), where
        // part(x) = struct.pack(">Q", len(x)) + x.
        assert_eq!(
            paths(7).of_tenant(&tenant("tenant-1")),
            "renders/8c0e341b41c2c73767ff7612207b6a6e/"
        );
    }

    #[test]
    fn no_path_is_computed_without_the_secret() {
        let one = tenant("tenant-1");
        assert_eq!(paths(1).of_tenant(&one), paths(1).of_tenant(&one));
        assert_ne!(paths(1).of_tenant(&one), paths(2).of_tenant(&one));
        assert_ne!(paths(1).of_tenant(&one), paths(1).of_tenant(&tenant("t")));
        assert_eq!(format!("{:?}", paths(1)), "AssetPaths");
    }

    #[test]
    fn a_secret_that_could_be_guessed_is_refused() {
        let secrets: [&[u8]; 3] = [&[], b"secret", &[7; FEWEST - 1]];
        for short in secrets {
            assert_eq!(AssetPaths::new(short).unwrap_err(), ShortSecret);
        }
    }
}

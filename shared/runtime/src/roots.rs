//! Whose word is taken for who AWS and its brokers are.

use std::{fs, io};

use tokio_rustls::rustls::{
    self, RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject as _},
};

use crate::ConfigError;

/// The certificates that Amazon's endpoints chain to, as PEM. OpenSSL built into the binary looks
/// for others only under the prefix it was built with, which Lambda does not have; and parsing five
/// costs a fifth of parsing a system's bundle.
pub const AMAZON_ROOTS: &str = include_str!("../amazon-roots.pem");

/// Certificates are not what they are to be.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// They cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// They are no PEM.
    #[error("they are not PEM")]
    Pem(#[from] pem::Error),
    /// One of them is no certificate.
    #[error("one of them is no certificate")]
    Certificate(#[from] rustls::Error),
    /// There is none.
    #[error("there is none")]
    None,
}

/// Reads certificates.
///
/// # Errors
/// A [`RootsError`] that says what is wrong with them.
pub fn parse(pem: &str) -> Result<RootCertStore, RootsError> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        store.add(certificate?)?;
    }
    if store.is_empty() {
        Err(RootsError::None)
    } else {
        Ok(store)
    }
}

/// What AWS's endpoints chain to: the certificates in the file `bundle`, else Amazon's. The SDK
/// takes them as text and panics over what it cannot read.
///
/// # Errors
/// [`ConfigError::Roots`] with the file's name.
pub(crate) fn trusted(bundle: Option<String>) -> Result<String, ConfigError> {
    let Some(path) = bundle else {
        return Ok(AMAZON_ROOTS.to_owned());
    };
    let read = || {
        let pem = fs::read_to_string(&path)?;
        parse(&pem)?;
        Ok(pem)
    };
    read().map_err(|source| ConfigError::Roots { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_roots_are_five_and_all_are_read() {
        assert_eq!(parse(AMAZON_ROOTS).unwrap().len(), 5);
        assert_eq!(trusted(None).unwrap(), AMAZON_ROOTS);
    }

    #[test]
    fn a_bundle_is_taken_in_their_place_and_one_that_cannot_be_read_is_named() {
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/amazon-roots.pem").to_owned();
        assert_eq!(trusted(Some(own)).unwrap(), AMAZON_ROOTS);
        let missing = crate::chain(&trusted(Some("/nowhere/roots.pem".to_owned())).unwrap_err());
        assert!(
            missing.contains("/nowhere/roots.pem") && missing.contains("os error 2"),
            "{missing}"
        );
        assert!(matches!(
            parse("no certificate at all"),
            Err(RootsError::None)
        ));
        let begin = "-----BEGIN CERTIFICATE-----\n";
        assert!(
            matches!(parse(begin), Err(RootsError::Pem(_))),
            "it has no end"
        );
        let rubbish = format!("{begin}aGVsbG8=\n-----END CERTIFICATE-----\n");
        assert!(
            matches!(parse(&rubbish), Err(RootsError::Certificate(_))),
            "the SDK would panic over it"
        );
    }
}

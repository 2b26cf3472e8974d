//! Trusted root certificates of AWS's endpoints and brokers.

use std::{fs, io};

use tokio_rustls::rustls::{
    self, RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject as _},
};

/// The certificates that Amazon's endpoints chain to, as PEM. OpenSSL built into the binary looks
/// for others only under the prefix it was built with, which Lambda does not have; and parsing five
/// costs a fifth of parsing a system's bundle.
pub const AMAZON_ROOTS: &str = include_str!("../amazon-roots.pem");

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// They cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// They are not PEM.
    #[error("they are not PEM")]
    Pem(#[from] pem::Error),
    /// One of them is not a certificate.
    #[error("one of them is not a certificate")]
    Certificate(#[from] rustls::Error),
    /// There are none.
    #[error("the file has no certificate")]
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

/// The certificates that AWS's endpoints chain to: those in the file `bundle`, else Amazon's. They
/// are parsed here first, because the SDK takes text and panics if it cannot read it.
///
/// # Errors
/// A [`RootsError`] if the file cannot be read as certificates.
pub(crate) fn trusted(bundle: Option<&str>) -> Result<String, RootsError> {
    let Some(path) = bundle else {
        return Ok(AMAZON_ROOTS.to_owned());
    };
    let pem = fs::read_to_string(path)?;
    parse(&pem)?;
    Ok(pem)
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
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/amazon-roots.pem");
        assert_eq!(trusted(Some(own)).unwrap(), AMAZON_ROOTS);
        let missing = trusted(Some("/nowhere/roots.pem")).unwrap_err();
        assert!(matches!(missing, RootsError::Read(_)), "{missing}");
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

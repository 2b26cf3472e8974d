//! AWS on this machine with nothing deployed on it: the emulator, and the proxy in front of it.
//! `infra/deploy` deploys a stage to it with the same `sam` and `aws` as to AWS.

use std::io;

use aws_credential_types::Credentials;
use fault_proxy::{Admission, Proxy};

use crate::checkout::Checkout;
use crate::clients::Clients;
use crate::credentials;
use crate::emulator::{self, Emulator, Pace, REGION, SECRET_PATHS, Transport};

/// An emulator behind a proxy. Dropping it stops both.
#[derive(Debug)]
pub struct Bare {
    /// The credentials of the emulator's root, which no other emulator has.
    pub root: Credentials,
    /// The proxy, through which every call goes.
    pub proxy: Proxy,
    /// The emulator.
    pub emulator: Emulator,
}

/// Why there is no AWS on this machine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port or random bytes were not available.
    #[error("the proxy of AWS's emulator could not be started")]
    Proxy(#[from] io::Error),
    /// The emulator failed.
    #[error(transparent)]
    Emulator(#[from] emulator::Error),
}

impl Bare {
    /// Starts the emulator of a checkout behind a proxy on `port`, or on any free port, and returns
    /// once it answers. `transport` is what requests count as.
    ///
    /// # Errors
    /// An [`Error`].
    pub async fn start(
        checkout: &Checkout,
        port: Option<u16>,
        pace: Pace,
        transport: Transport,
    ) -> Result<Self, Error> {
        let root = credentials::fresh()?;
        let admission = Admission {
            key_ending: credentials::ending(&root).to_owned(),
            secret_paths: SECRET_PATHS,
        };
        let proxy = Proxy::start(port, admission).await?;
        let emulator = Emulator::start(&emulator::Options {
            venv: checkout.venv.clone(),
            launcher: checkout.emulator(),
            root: root.clone(),
            functions_endpoint: proxy.address(),
            answers_endpoint: proxy.quiet_address(),
            pace,
            transport,
        })
        .await?;
        proxy.forward_to(emulator.socket().to_owned());
        Ok(Self {
            root,
            proxy,
            emulator,
        })
    }

    /// Clients of the emulator whose calls the proxy neither records nor disturbs.
    #[must_use]
    pub fn clients(&self) -> Clients {
        Clients::of(self.proxy.quiet_address(), &self.root)
    }

    /// The environment variables with which `aws`, `sam` and the SDKs use the emulator as its root.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 5] {
        let (key, secret) = (self.root.access_key_id(), self.root.secret_access_key());
        [
            (
                "AWS_ENDPOINT_URL",
                format!("http://{}", self.proxy.address()),
            ),
            ("AWS_REGION", REGION.to_owned()),
            // The AWS CLI reads only this one.
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
        ]
    }
}

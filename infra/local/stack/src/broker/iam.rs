//! A listener of Apache Kafka that authenticates its clients as MSK does: with TLS, and with a
//! token that IAM credentials sign.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::Error;
use super::java::{INSTALL, missing, text};
use super::settings::Iam;
use crate::ports::free_port;

/// How long a connection may last before its client must send a new token. MSK asks for one when
/// the last token expires.
const REAUTHENTICATE_MS: u32 = 900_000;

/// A listener with its own certificate, made for this run.
#[derive(Debug)]
pub(super) struct Listener {
    pub iam: Iam,
    pub bootstrap: String,
    pub roots: String,
    port: u16,
    keystore: PathBuf,
}

/// The keystore is in the broker's own folder and is deleted with it.
const PASSWORD: &str = "of-this-run-alone";

impl Listener {
    /// Makes the certificate with the JDK's keytool.
    pub(super) fn prepare(iam: Iam, folder: &Path) -> Result<Self, Error> {
        let port = free_port()?;
        let keystore = folder.join("iam.p12");
        // The certificate has a name instead of an address: as librdkafka uses OpenSSL, it verifies
        // only names.
        keytool(
            &keystore,
            &[
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "2",
            ],
            &["-dname", "CN=localhost", "-ext", "SAN=dns:localhost"],
        )?;
        let roots = keytool(&keystore, &["-exportcert", "-rfc"], &[])?;
        Ok(Self {
            iam,
            bootstrap: format!("localhost:{port}"),
            roots,
            port,
            keystore,
        })
    }

    /// The entry in `listeners`, which comes after the others.
    pub(super) fn address(&self) -> String {
        format!(",IAM://localhost:{}", self.port)
    }

    /// The JVM setting that names the validator's properties file.
    pub(super) fn setting(&self) -> String {
        format!("-Dmsk.iam={}", self.iam.known.display())
    }

    pub(super) fn properties(&self) -> String {
        format!(
            "listener.name.iam.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.iam.oauthbearer.sasl.server.callback.handler.class=MskIam
listener.name.iam.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.iam.oauthbearer.connections.max.reauth.ms={REAUTHENTICATE_MS}
listener.name.iam.ssl.keystore.type=PKCS12
listener.name.iam.ssl.keystore.location={keystore}
listener.name.iam.ssl.keystore.password={PASSWORD}
listener.name.iam.ssl.key.password={PASSWORD}
",
            keystore = self.keystore.display()
        )
    }
}

fn keytool(keystore: &Path, command: &[&str], more: &[&str]) -> Result<String, Error> {
    let output = Command::new("keytool")
        .args(command)
        .args([
            "-alias",
            "broker",
            "-storetype",
            "PKCS12",
            "-storepass",
            PASSWORD,
            "-keystore",
        ])
        .arg(keystore)
        .args(more)
        .output()
        .map_err(|error| missing(error, "keytool", INSTALL))?;
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(Error::Failed {
        what: "making a certificate",
        log: text(&output.stdout) + &text(&output.stderr),
    })
}

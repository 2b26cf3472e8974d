//! Where the brokers are and how they know the function, read from the environment once.

use runtime::{ConfigError, variable};

/// Where the brokers are and how they know the function.
#[derive(Debug, Clone)]
pub struct Config {
    /// The brokers, `host:port` with commas between: `KAFKA_BOOTSTRAP_SERVERS`.
    pub bootstrap_servers: String,
    /// How the brokers know the function: `KAFKA_AUTHENTICATION`.
    pub authentication: Authentication,
}

/// How the brokers know who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// `none`: plaintext, for brokers on this machine.
    None,
    /// `iam`: TLS with SASL/OAUTHBEARER and a token that MSK makes of the function's own role.
    Iam {
        /// The brokers' region.
        region: String,
        /// The certificates that the brokers' own chain to, as PEM: `KAFKA_ROOTS_PEM`. Amazon's, if
        /// it is empty or not set.
        roots: Option<String>,
    },
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        let authentication = match variable("KAFKA_AUTHENTICATION")?.as_str() {
            "none" => Authentication::None,
            "iam" => Authentication::Iam {
                region: variable("AWS_REGION")?,
                roots: variable("KAFKA_ROOTS_PEM").ok(),
            },
            other => {
                return Err(ConfigError::Invalid {
                    name: "KAFKA_AUTHENTICATION",
                    value: other.to_owned(),
                    expected: "`iam` or `none`",
                });
            }
        };
        Ok(Self {
            bootstrap_servers: variable("KAFKA_BOOTSTRAP_SERVERS")?,
            authentication,
        })
    }
}

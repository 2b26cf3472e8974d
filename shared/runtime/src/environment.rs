//! Environment variables, read once, before the first invocation.

use std::{env, str::FromStr};

use aws_smithy_http_client::HttpClientError;

use crate::RootsError;

/// The environment does not say what the function needs.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// The certificates that the environment names are not to be had.
    #[error(
        "reading the certificates in {path}, which the environment variable AWS_CA_BUNDLE names"
    )]
    Roots {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: RootsError,
    },
    /// There is no client.
    #[error("setting up TLS for the AWS SDK")]
    Https(#[source] HttpClientError),
    /// A variable has a value that it cannot have.
    #[error("the environment variable {name} is `{value}`; it must be {expected}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

/// The environment variable `name`, if it is set and not empty.
///
/// # Errors
/// [`ConfigError::Missing`].
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn variable(name: &'static str) -> Result<String, ConfigError> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Missing(name))
}

/// The environment variable `name`; empty if it is not set.
#[must_use]
pub fn optional(name: &'static str) -> String {
    variable(name).unwrap_or_default()
}

/// The number in the environment variable `name`; `expected` says what it must be.
///
/// # Errors
/// A [`ConfigError`] that names the variable.
pub fn number<N: FromStr>(name: &'static str, expected: &'static str) -> Result<N, ConfigError> {
    let value = variable(name)?;
    value.parse().map_err(|_| ConfigError::Invalid {
        name,
        value,
        expected,
    })
}

/// The names in the environment variable `name`, which are separated by commas.
#[must_use]
pub fn names(name: &'static str) -> Vec<String> {
    separated(&optional(name))
}

fn separated(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_commas() {
        assert_eq!(
            separated(" brands, more-brands,"),
            ["brands", "more-brands"]
        );
        assert!(separated("").is_empty());
    }
}

//! Where the queue is, read from the environment once.

use runtime::{ConfigError, variable};

/// Where the queue is.
#[derive(Debug, Clone)]
pub struct Config {
    /// The queue's URL: `RENDER_QUEUE_URL`.
    pub url: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            url: variable("RENDER_QUEUE_URL")?,
        })
    }
}

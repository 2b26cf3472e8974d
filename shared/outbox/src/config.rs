//! What the outbox needs to know, read from the environment once.

use domain::{ProviderRouting, RoutingError};
use runtime::{number, optional};

/// Where outbox entries are published and their jobs sent.
#[derive(Debug, Clone)]
pub struct Config {
    /// The queue of what is to be rendered.
    pub queue: queue::Config,
    /// Seconds that a job may take before the sweep looks at it: `RENDER_DEADLINE_SECONDS`.
    pub render_deadline_seconds: u32,
    /// Who makes what: `IMAGE_PROVIDERS`, `VIDEO_PROVIDERS` and `AUDIO_PROVIDERS`, names with
    /// commas between, those asked first in front.
    pub routing: ProviderRouting,
    /// The brokers, and how they know the function.
    pub kafka: kafka::Config,
}

/// The environment does not say what the function needs.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing or cannot have its value.
    #[error(transparent)]
    Environment(#[from] runtime::ConfigError),
    /// The providers are not as they can be.
    #[error("the environment variables IMAGE_PROVIDERS, VIDEO_PROVIDERS and AUDIO_PROVIDERS")]
    Routing(#[from] RoutingError),
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            queue: queue::Config::from_env()?,
            render_deadline_seconds: number(
                "RENDER_DEADLINE_SECONDS",
                "a whole number of seconds",
            )?,
            routing: ProviderRouting::parse(
                &optional("IMAGE_PROVIDERS"),
                &optional("VIDEO_PROVIDERS"),
                &optional("AUDIO_PROVIDERS"),
            )?,
            kafka: kafka::Config::from_env()?,
        })
    }
}

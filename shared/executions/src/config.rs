//! Which state machines there are, read from the environment once.

use runtime::{ConfigError, variable};

/// The state machines, by their ARNs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The state machine that renders what is long: `RENDER_STATE_MACHINE_ARN`.
    pub render_state_machine: String,
    /// The state machine that trains voices: `VOICE_STATE_MACHINE_ARN`.
    pub voice_state_machine: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            render_state_machine: variable("RENDER_STATE_MACHINE_ARN")?,
            voice_state_machine: variable("VOICE_STATE_MACHINE_ARN")?,
        })
    }
}

//! The render function's own configuration, read from the environment once.

use runtime::{ConfigError, number, variable};

/// How long what fails is tried again, where what crashes goes, and how many may wait.
#[derive(Debug)]
pub(crate) struct Config {
    /// The ARN of the queue of messages that were received too often:
    /// `RENDER_DEAD_LETTER_QUEUE_ARN`.
    pub dead_letter_queue: String,
    /// For how many seconds a job waits for S3, for the secret or for its logo, before it is given
    /// up: `RENDER_PATIENCE_SECONDS`.
    pub patience_seconds: u32,
    /// For how many seconds a message is put off the first time: `RENDER_PUT_OFF_SECONDS`.
    pub put_off_seconds: u32,
    /// How many jobs of one tenant may wait for vendors or be made by them: `MOST_OPEN_JOBS`; 0 for
    /// any number.
    pub most_open_jobs: usize,
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let seconds = "a whole number of seconds";
        Ok(Self {
            dead_letter_queue: variable("RENDER_DEAD_LETTER_QUEUE_ARN")?,
            patience_seconds: number("RENDER_PATIENCE_SECONDS", seconds)?,
            put_off_seconds: number("RENDER_PUT_OFF_SECONDS", seconds)?,
            most_open_jobs: number("MOST_OPEN_JOBS", "a whole number; 0 for any")?,
        })
    }
}

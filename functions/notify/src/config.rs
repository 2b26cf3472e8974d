//! The function's configuration, read from the environment once.

use runtime::optional;

use crate::address::Destinations;

/// Where teams are told.
#[derive(Debug)]
pub(crate) struct Config {
    /// The name of the secret that has the teams' webhooks: `NOTICES_SECRET`; empty for none.
    pub secret: Option<String>,
    /// The name of the event bus: `NOTICES_EVENT_BUS`; empty for none.
    pub bus: Option<String>,
    /// Where a webhook may be.
    pub destinations: Destinations,
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Self {
        let named = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            secret: named(optional("NOTICES_SECRET")),
            bus: named(optional("NOTICES_EVENT_BUS")),
            destinations: Destinations::from_env(),
        }
    }
}

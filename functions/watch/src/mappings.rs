//! The states of the event source mappings. One that was disabled, and forgotten, takes nothing and
//! fails nothing.

use futures::future::try_join_all;
use telemetry::Reading;

use crate::{App, config::Mapping, error::ReadingError};

/// The state of a mapping that polls.
const ENABLED: &str = "Enabled";

/// Counts the mappings that are not enabled.
pub(crate) async fn read(app: &App) -> Result<(), ReadingError> {
    let states = app
        .config
        .mappings
        .iter()
        .map(|mapping| state(app, mapping));
    let mut not_enabled = 0;
    for (mapping, state) in try_join_all(states).await? {
        if state != ENABLED {
            not_enabled += 1;
            tracing::warn!(mapping = mapping.name, uuid = mapping.uuid, "it is {state}");
        }
    }
    app.emit(Reading::Mappings { not_enabled });
    Ok(())
}

/// The state of a mapping as Lambda has it, or `deleted`.
async fn state<'a>(app: &App, mapping: &'a Mapping) -> Result<(&'a Mapping, String), ReadingError> {
    let get = app.lambda.get_event_source_mapping().uuid(&mapping.uuid);
    match get.send().await {
        Ok(found) => Ok((mapping, found.state.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(refused) if refused.is_resource_not_found_exception() => {
                Ok((mapping, "deleted".to_owned()))
            }
            Some(_) | None => Err(ReadingError::Mapping {
                name: mapping.name.clone(),
                source: error.into(),
            }),
        },
    }
}

//! The event bus: an event of EventBridge for each failed job, for rules of the account's own.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::{
    Client, error::BoxError, primitives::DateTime, types::PutEventsRequestEntry,
};
use contract::{SOURCE, Topic};

use crate::failed_job::FailedJob;

/// An event bus.
pub(crate) struct Bus {
    client: Client,
    name: String,
}

/// The bus may not have an event. Putting it again is safe: its detail has the same id.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    /// EventBridge did not take the call.
    #[error("putting an event on the event bus {bus}")]
    Call {
        /// The bus's name.
        bus: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// EventBridge took the call, and not the event.
    #[error("the event bus {bus} refused the event: {code}")]
    Refused {
        /// The bus's name.
        bus: String,
        /// EventBridge's code.
        code: String,
    },
}

impl Bus {
    /// The bus `name`. Makes no call yet.
    pub(crate) fn new(aws: &SdkConfig, name: String) -> Self {
        Self {
            client: Client::new(aws),
            name,
        }
    }

    /// Puts an event on the bus: its detail is the CloudEvent, so a rule finds a tenant's by
    /// `detail.subject`.
    pub(crate) async fn put(&self, failed: &FailedJob) -> Result<(), BusError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(Topic::RenderJobFailed.as_str())
            .time(DateTime::from_millis(
                failed.at.timestamp().as_millisecond(),
            ))
            .detail(&failed.body)
            .build();
        let put = self.client.put_events().entries(entry).send().await;
        let answer = put.map_err(|error| BusError::Call {
            bus: self.name.clone(),
            source: error.into(),
        })?;
        if answer.failed_entry_count() == 0 {
            return Ok(());
        }
        let code = answer
            .entries()
            .first()
            .and_then(|entry| entry.error_code());
        Err(BusError::Refused {
            bus: self.name.clone(),
            code: code.unwrap_or("without a code").to_owned(),
        })
    }
}

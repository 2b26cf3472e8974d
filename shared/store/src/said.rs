//! What an outbox entry says: the events to publish and the jobs to send. Its item has that as JSON,
//! packed; a version from before wrote an attribute for each part, and what an erasure leaves of an
//! entry has those, too.

use std::borrow::Cow;

use contract::{Topic, TraceParent};
use domain::{EntityKey, JobId, OtherEvent, OutboundEvent, TenantKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::attributes::{Item, ItemError, text, unpacked};

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub entity: Option<EntityKey>,
    pub tenant: Option<TenantKey>,
    pub starts: Vec<JobId>,
    pub events: Vec<OutboundEvent>,
    pub older_than: Option<Box<OtherEvent>>,
}

/// The JSON that is packed.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity: Option<EntityKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    starts: Vec<JobId>,
    #[serde(borrow)]
    events: Vec<PackedEvent<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    older_than: Option<Box<OtherEvent>>,
}

/// An event. Its value is not a string within the JSON but a part of it, byte by byte as it is
/// published.
#[derive(Serialize, Deserialize)]
struct PackedEvent<'a> {
    topic: Topic,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<TraceParent>,
}

impl Said {
    /// What the entry in `item` says.
    pub(crate) fn read(item: &Item) -> Result<Self, ItemError> {
        match item.contains_key("packed") {
            true => Self::from_json(&unpacked(item, "packed")?).map_err(ItemError::State),
            false => Self::of_attributes(item),
        }
    }

    /// It as JSON, to be packed.
    pub(crate) fn to_json(&self) -> String {
        let events = self.events.iter().map(|event| PackedEvent {
            topic: event.topic,
            key: Cow::Borrowed(&event.key),
            value: serde_json::from_str(&event.value).expect("an event is JSON"),
            trace: event.trace,
        });
        let packed = Packed {
            entity: self.entity,
            tenant: self.tenant,
            starts: self.starts.clone(),
            events: events.collect(),
            older_than: self.older_than.clone(),
        };
        serde_json::to_string(&packed).expect("it is strings under string keys, and JSON")
    }

    fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        let Packed {
            entity,
            tenant,
            starts,
            events,
            older_than,
        } = serde_json::from_str(json)?;
        let events = events.into_iter().map(|event| OutboundEvent {
            topic: event.topic,
            key: event.key.into_owned(),
            value: event.value.get().to_owned(),
            trace: event.trace,
        });
        Ok(Self {
            entity,
            tenant,
            starts,
            events: events.collect(),
            older_than,
        })
    }

    /// As a version from before packing wrote it.
    fn of_attributes(item: &Item) -> Result<Self, ItemError> {
        let events = item
            .get("events")
            .and_then(|a| a.as_l().ok())
            .ok_or(ItemError::Attribute("events"))?;
        let events = events.iter().map(|event| {
            let event = event.as_m().map_err(|_| ItemError::Attribute("events"))?;
            let topic: Topic = text(event, "topic")?
                .parse()
                .map_err(|_| ItemError::Attribute("topic"))?;
            let trace = text(event, "trace")
                .ok()
                .and_then(|trace| trace.parse().ok());
            Ok(OutboundEvent {
                topic,
                key: text(event, "key")?.to_owned(),
                value: text(event, "value")?.to_owned(),
                trace,
            })
        });
        let starts = item
            .get("starts")
            .and_then(|a| a.as_l().ok())
            .ok_or(ItemError::Attribute("starts"))?;
        let starts = starts.iter().map(|job| {
            let job = job.as_s().ok().and_then(|id| id.parse().ok());
            job.map(JobId).ok_or(ItemError::Attribute("starts"))
        });
        Ok(Self {
            entity: id(item, "entity")?.map(EntityKey),
            tenant: id(item, "tenant_key")?.map(TenantKey),
            starts: starts.collect::<Result<_, _>>()?,
            events: events.collect::<Result<_, ItemError>>()?,
            older_than: None,
        })
    }
}

/// The id in the attribute `name`, if there is the attribute.
fn id(item: &Item, name: &'static str) -> Result<Option<Uuid>, ItemError> {
    let Some(value) = item.get(name) else {
        return Ok(None);
    };
    let id = value.as_s().ok().and_then(|id| id.parse().ok());
    id.map(Some).ok_or(ItemError::Attribute(name))
}

#[cfg(test)]
mod tests;

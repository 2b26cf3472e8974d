//! A decision: the state to write, the events to publish and the jobs to send. It is committed
//! completely or not at all.

use contract::{CloudEvent, Template, TemplateAsset, Time, Topic, TraceParent};
use serde::Serialize;
use uuid::Uuid;

use crate::{EntityState, EventId, Job, JobId, OtherEvent, Output, TemplateKey, VoiceModel};

/// All consequences of one inbound event or one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The new state of the entity, if it changes.
    pub entity: Option<EntityState>,
    /// The new state of the jobs.
    pub jobs: Vec<Job>,
    /// The new state of the voice model, if there is one.
    pub voice: Option<VoiceModel>,
    /// The events to publish, in order.
    pub events: Vec<OutboundEvent>,
    /// The jobs to send to the queue, once the events are published.
    pub starts: Vec<JobId>,
    /// The newer event of the same topic, if the inbound event is older than what was known. Its
    /// facts are not taken in then. What it asks for is made of the newer facts.
    pub older_than: Option<OtherEvent>,
}

/// An outbound event, as the bytes that are published at every attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundEvent {
    /// Its topic.
    pub topic: Topic,
    /// The record's key: the tenant's id.
    pub key: String,
    /// The record's value: the CloudEvent in structured mode.
    pub value: String,
    /// The parent span for the record's `traceparent` header.
    pub trace: Option<TraceParent>,
}

impl OutboundEvent {
    /// The event of type `topic` about `subject`; `because` identifies its cause.
    pub(crate) fn new<D: Serialize>(
        topic: Topic,
        tenant: &contract::Identifier,
        subject: Uuid,
        because: &[u8],
        now: Time,
        data: D,
    ) -> Self {
        let id = format!("evt-{}", EventId::new(tenant, subject, topic, because));
        let event = CloudEvent::new(topic, id, now, tenant.as_str().to_owned(), data);
        // 2 KiB is enough for most events. The rest is given back, because all events of a batch
        // are in memory at once.
        let mut json = Vec::with_capacity(2048);
        serde_json::to_writer(&mut json, &event)
            .expect("an event is strings and numbers under string keys");
        json.shrink_to_fit();
        let value = String::from_utf8(json).expect("JSON is UTF-8");
        Self {
            topic,
            key: tenant.as_str().to_owned(),
            value,
            trace: None,
        }
    }

    /// The same event, with `trace` as its parent span.
    pub(crate) fn traced(self, trace: Option<TraceParent>) -> Self {
        Self { trace, ..self }
    }
}

/// The complete template, as its events carry it.
pub(crate) fn template_data(
    entity: &EntityState,
    key: &TemplateKey,
    configuration: contract::Configuration,
    user_id: &str,
) -> Template {
    let template = &entity.templates[key];
    Template {
        tenant_id: entity.tenant.as_str().to_owned(),
        user_id: user_id.to_owned(),
        template_id: template.id.to_string(),
        kind: key.kind,
        entity: entity.entity.clone(),
        revision: template.revision,
        configuration,
        asset: template.asset.clone(),
    }
}

/// The asset of a finished job, as its template carries it.
pub(crate) fn template_asset(job: &Job, output: &Output, output_url: String) -> TemplateAsset {
    let (width, height) = job.asset.size().unzip();
    TemplateAsset {
        job_id: job.id.to_string(),
        output_url,
        width,
        height,
        format: job.asset.format(),
        shows: output.shows.clone(),
    }
}

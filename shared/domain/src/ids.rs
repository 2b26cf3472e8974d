//! Derived ids, never random ones: an inbound event gives the same ids whenever and wherever it is
//! decided.

use std::fmt;

use contract::{Entity, Identifier, Topic};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use uuid::{Builder, Uuid};

use crate::TemplateKey;

/// The namespace of all the studio's ids (UUIDv5 of `studio.eventzr` in the DNS namespace).
const NAMESPACE: Uuid = Uuid::from_u128(0xb7fe_e3db_d8a2_56ce_a7f8_5c12_1389_fb12);

/// UUIDv5 over length-prefixed parts, so that no part can run into the next. For everything that a
/// tenant owns the first part is the tenant, so that no tenant can produce another tenant's id by
/// choosing its own text.
#[must_use]
pub fn derive(parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha1::new_with_prefix(NAMESPACE);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest: [u8; 20] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_sha1_bytes(bytes).into_uuid()
}

/// Defines an id type, so that a job's id cannot be mistaken for a template's.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// (tenant). It stands for the tenant in the names of items and objects, which hold no text of
    /// a tenant.
    TenantKey
}
id! {
    /// (tenant, entity kind, entity id). An entity's facts, its templates and its jobs are stored
    /// under it.
    EntityKey
}
id! {
    /// (tenant, entity kind, entity id, asset kind, and the language of a translation).
    TemplateId
}
id! {
    /// (tenant, template, inbound event). Also the name of the execution of a long job.
    JobId
}
id! {
    /// (tenant, source, id of the inbound event): CloudEvents makes source and id unique for an
    /// event. For a resubmission: (tenant, job).
    InboundEventKey
}
id! {
    /// (tenant, the event's subject, its type, its cause). The envelope writes it as `evt-<uuid>`.
    EventId
}

impl TenantKey {
    /// The key of `tenant`.
    #[must_use]
    pub fn new(tenant: &Identifier) -> Self {
        Self(derive(&[tenant.as_str().as_bytes(), b"tenant"]))
    }
}

impl EntityKey {
    /// The key of `tenant`'s `entity`.
    #[must_use]
    pub fn new(tenant: &Identifier, entity: &Entity) -> Self {
        Self(derive(&[
            tenant.as_str().as_bytes(),
            b"entity",
            entity.kind.as_str().as_bytes(),
            entity.id.as_str().as_bytes(),
        ]))
    }
}

impl TemplateId {
    /// The id of the template `key` of `tenant`'s `entity`.
    #[must_use]
    pub fn new(tenant: &Identifier, entity: &Entity, key: &TemplateKey) -> Self {
        let mut parts = vec![
            tenant.as_str().as_bytes(),
            b"template",
            entity.kind.as_str().as_bytes(),
            entity.id.as_str().as_bytes(),
            key.kind.as_str().as_bytes(),
        ];
        parts.extend(key.locale.as_ref().map(|locale| locale.as_str().as_bytes()));
        Self(derive(&parts))
    }
}

impl JobId {
    /// The id of the job that `inbound` opens for `template`.
    #[must_use]
    pub fn new(tenant: &Identifier, template: TemplateId, inbound: InboundEventKey) -> Self {
        Self(derive(&[
            tenant.as_str().as_bytes(),
            b"job",
            template.0.as_bytes(),
            inbound.0.as_bytes(),
        ]))
    }
}

impl InboundEventKey {
    /// The key of the event `id` of `source`, for `tenant`.
    #[must_use]
    pub fn new(tenant: &Identifier, source: &str, id: &str) -> Self {
        Self(derive(&[
            tenant.as_str().as_bytes(),
            b"cause",
            source.as_bytes(),
            id.as_bytes(),
        ]))
    }

    /// The key of an operator's request to resubmit `job`; repeated requests have the same key.
    #[must_use]
    pub fn of_resubmission(tenant: &Identifier, job: JobId) -> Self {
        Self(derive(&[
            tenant.as_str().as_bytes(),
            b"resubmission",
            job.0.as_bytes(),
        ]))
    }
}

impl EventId {
    /// The id of the event of type `topic` about `subject` (the id of a job, template or voice
    /// model). `because` is the cause: the key of an inbound event, the id of a job or the name of
    /// a step.
    #[must_use]
    pub fn new(tenant: &Identifier, subject: Uuid, topic: Topic, because: &[u8]) -> Self {
        Self(derive(&[
            tenant.as_str().as_bytes(),
            b"event",
            subject.as_bytes(),
            topic.as_str().as_bytes(),
            because,
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_uuid_of_version_5_of_its_parts() {
        let name = b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\0";
        assert_eq!(derive(&[b"ab", b""]), Uuid::new_v5(&NAMESPACE, name));
    }

    #[test]
    fn the_namespace_is_derived_from_its_name() {
        assert_eq!(
            NAMESPACE,
            Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"studio.eventzr")
        );
    }
}

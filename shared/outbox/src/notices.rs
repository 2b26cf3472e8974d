//! Notices: of each job that failed, a message goes to the queue of notices once Kafka has its end.
//!
//! The end is committed and published before that, so no notice holds up an end. An end whose notice
//! is not queued does not count as published: what publishes it again sends the notice, too.

use std::iter;

use contract::{Identifier, SMOKE_TENANT, Topic};
use domain::TenantKey;
use queue::{Notice, NoticeQueue};
use store::OutboxEntry;

use crate::{Outbox, PublishEntryError};

impl Outbox {
    /// This outbox, which sends notices of failed jobs to `queue`; `None`: nothing is told of them.
    #[must_use]
    pub fn with_notices(self, queue: Option<NoticeQueue>) -> Self {
        Self {
            notices: queue,
            ..self
        }
    }

    /// As [`publish`](Self::publish), for entries that may be ends of jobs: then sends a notice of
    /// each job that failed and whose end was published just now. One result for each entry; after a
    /// [`PublishEntryError::Notice`] Kafka has the events.
    pub async fn publish_ends(
        &self,
        entries: &[&OutboxEntry],
    ) -> Vec<Result<(), PublishEntryError>> {
        let published = self.publish(entries).await;
        let mut results: Vec<Result<(), PublishEntryError>> = published
            .into_iter()
            .map(|published| published.map_err(PublishEntryError::Publish))
            .collect();
        let Some(queue) = &self.notices else {
            return results;
        };
        let (mut places, mut notices) = (Vec::new(), Vec::new());
        for (place, (entry, result)) in iter::zip(entries, &results).enumerate() {
            if let Some(notice) = notice_of(entry).filter(|_| result.is_ok()) {
                places.push(place);
                notices.push(notice);
            }
        }
        let sent = queue.send(&notices).await;
        for (place, sent) in iter::zip(places, sent) {
            results[place] = sent.map_err(PublishEntryError::Notice);
        }
        results
    }
}

/// The notice of `entry`, if it is the end of a job that failed and is not known to be published. No
/// team is told of a smoke check.
fn notice_of(entry: &OutboxEntry) -> Option<(Notice, TenantKey)> {
    let job = entry.ended_job().filter(|_| !entry.published)?;
    let failed = entry
        .events
        .iter()
        .find(|event| event.topic == Topic::RenderJobFailed)?;
    let tenant = Identifier::parse(&failed.key).ok()?;
    (tenant.as_str() != SMOKE_TENANT).then(|| (Notice { job }, TenantKey::new(&tenant)))
}

#[cfg(test)]
mod tests {
    use domain::{JobId, OutboundEvent, derive};
    use store::Key;

    use super::*;

    fn end(topic: Topic, tenant: &str) -> OutboxEntry {
        let key = Key::end(JobId(derive(&[b"a job"])));
        let mut end = OutboxEntry::of_erased_tenant(key, "end".to_owned());
        end.events.push(OutboundEvent {
            topic,
            key: tenant.to_owned(),
            value: "{}".to_owned(),
            trace: None,
        });
        end.published = false;
        end
    }

    #[test]
    fn a_notice_is_of_the_end_of_a_failed_job_and_names_job_and_tenant() {
        let (notice, tenant) = notice_of(&end(Topic::RenderJobFailed, "tenant-1")).unwrap();
        assert_eq!(notice.job, JobId(derive(&[b"a job"])));
        let expected = TenantKey::new(&Identifier::parse("tenant-1").unwrap());
        assert_eq!(tenant, expected);
    }

    #[test]
    fn nothing_is_told_of_another_end_of_a_published_one_or_of_a_smoke_check() {
        let failed = || end(Topic::RenderJobFailed, "tenant-1");
        let mut published = failed();
        published.published = true;
        let mut withheld_from_the_caller = failed();
        withheld_from_the_caller.events.clear();
        let inbound = domain::InboundEventKey(derive(&[b"an event"]));
        let mut no_end = OutboxEntry::of_erased_tenant(Key::inbound(inbound), String::new());
        no_end.events = failed().events;
        no_end.published = false;
        for entry in [
            end(Topic::RenderJobCompleted, "tenant-1"),
            end(Topic::RenderJobFailed, SMOKE_TENANT),
            published,
            withheld_from_the_caller,
            no_end,
        ] {
            assert_eq!(notice_of(&entry), None, "{entry:?}");
        }
    }
}

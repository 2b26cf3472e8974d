//! The queue of notices: of which failed jobs a team is to be told. What sends a job's end puts the
//! job's id there, and the function `notify` tells.

use aws_config::SdkConfig;
use aws_sdk_sqs::{error::BuildError, types::SendMessageBatchRequestEntry};
use domain::{JobId, TenantKey};
use futures::future::join_all;
use runtime::optional;
use serde::{Deserialize, Serialize};

use crate::{MOST_AT_ONCE, NotRead, SendError, VERSION, send::send_entries};

/// A job that failed. It holds ids alone, so that an erasure has nothing to blank in the queue. As
/// JSON: `{"v":1,"job":"<uuid>"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The job.
    pub job: JobId,
}

#[derive(Serialize, Deserialize)]
struct Body {
    v: u64,
    job: JobId,
}

impl Notice {
    /// The body of the message.
    #[must_use]
    pub fn to_json(self) -> String {
        let body = Body {
            v: u64::from(VERSION),
            job: self.job,
        };
        serde_json::to_string(&body).expect("a notice is an id and a number under string keys")
    }

    /// Reads a body. Members that are not known are ignored.
    ///
    /// # Errors
    /// A [`NotRead`].
    pub fn read(body: &str) -> Result<Self, NotRead> {
        let read = serde_json::from_str(body);
        let Body { v, job } = read.map_err(|error| NotRead::NotJson(error.to_string()))?;
        match v == u64::from(VERSION) {
            true => Ok(Self { job }),
            false => Err(NotRead::Version(v)),
        }
    }
}

/// The queue of notices. A clone costs little: it shares the connections.
#[derive(Debug, Clone)]
pub struct NoticeQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl NoticeQueue {
    /// The queue that `NOTICES_QUEUE_URL` names; `None` if that is empty, where no team is told.
    /// Makes no call yet.
    #[must_use]
    pub fn from_env(aws: &SdkConfig) -> Option<Self> {
        let url = optional("NOTICES_QUEUE_URL");
        (!url.is_empty()).then(|| Self::new(url, aws))
    }

    /// The queue at `url`. Makes no call yet.
    #[must_use]
    pub fn new(url: String, aws: &SdkConfig) -> Self {
        Self {
            sqs: aws_sdk_sqs::Client::new(aws),
            url,
        }
    }

    /// Sends any number of notices, each in the group of its tenant, with as few calls as they fit
    /// into. One result for each, in the order given. Sending one again is safe: of two messages the
    /// team is told twice, under one id.
    pub async fn send(&self, notices: &[(Notice, TenantKey)]) -> Vec<Result<(), SendError>> {
        let groups = notices.chunks(MOST_AT_ONCE).map(|group| async move {
            let entries = group.iter().enumerate().map(entry).collect();
            send_entries(&self.sqs, &self.url, entries, group.len()).await
        });
        join_all(groups).await.into_iter().flatten().collect()
    }
}

/// A message as SQS takes it. Its id in the call is its place in the group.
fn entry(
    (place, (notice, tenant)): (usize, &(Notice, TenantKey)),
) -> Result<SendMessageBatchRequestEntry, BuildError> {
    SendMessageBatchRequestEntry::builder()
        .id(place.to_string())
        .message_body(notice.to_json())
        .message_group_id(tenant.to_string())
        .build()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const BODY: &str = r#"{"v":1,"job":"00000000-0000-0000-0000-000000000002"}"#;

    #[test]
    fn a_notice_is_these_bytes_and_is_read_with_more_members() {
        let notice = Notice {
            job: JobId(Uuid::from_u128(2)),
        };
        assert_eq!(notice.to_json(), BODY);
        assert_eq!(Notice::read(BODY), Ok(notice));
        let more = BODY.replacen('{', r#"{"urgent":[1],"#, 1);
        assert_eq!(Notice::read(&more), Ok(notice));
    }

    #[test]
    fn what_is_no_notice_of_this_version_is_not_read() {
        let later = BODY.replace(r#""v":1"#, r#""v":2"#);
        assert_eq!(Notice::read(&later), Err(NotRead::Version(2)));
        for body in ["", "{}", r#"{"v":1}"#, r#"{"v":1,"job":"seven"}"#] {
            let read = Notice::read(body);
            assert!(matches!(read, Err(NotRead::NotJson(_))), "{body}: {read:?}");
        }
    }

    #[test]
    fn a_message_has_its_place_as_id_and_its_tenant_as_group() {
        let notice = Notice {
            job: JobId(Uuid::from_u128(2)),
        };
        let entry = entry((7, &(notice, TenantKey(Uuid::from_u128(1))))).unwrap();
        assert_eq!(entry.id(), "7");
        assert_eq!(entry.message_body(), BODY);
        let group = Uuid::from_u128(1).to_string();
        assert_eq!(entry.message_group_id(), Some(group.as_str()));
    }
}

//! Commits for a member.

use std::{collections::BTreeMap, future::Future, sync::Arc};

use kafka_protocol::{error::ResponseError, protocol::StrBytes};

use super::coordination::{Coordination, Session};
use crate::{Error, cluster::commit_request};

/// Commits offsets for a member, as long as the assignment lasts under which it was made.
#[derive(Debug, Clone)]
pub struct Committer {
    pub(super) shared: Arc<Coordination>,
    pub(super) session: Option<Session>,
}

impl Committer {
    /// Commits where the group continues: for each partition, the offset after the last processed
    /// record. The future borrows nothing, and does nothing until it is polled.
    ///
    /// # Errors
    /// Any error, after a single try. `IllegalGeneration`, `UnknownMemberId` and
    /// `RebalanceInProgress` mean that the assignment is over.
    pub fn commit(
        &self,
        offsets: BTreeMap<i32, i64>,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let this = self.clone();
        async move {
            let Coordination { options, .. } = &*this.shared;
            let request = commit_request(&options.group, &options.topic, &offsets);
            let Some(Session { member, generation }) = this.session else {
                let doing = format!(
                    "commit for the group {} while nothing is assigned",
                    options.group
                );
                return Err(Error::Refused {
                    doing,
                    code: ResponseError::RebalanceInProgress,
                    said: None,
                });
            };
            let request = request
                .with_generation_id_or_member_epoch(generation)
                .with_member_id(StrBytes::from_string(member))
                .with_group_instance_id(this.shared.instance());
            let committed = this.shared.commit(&request).await;
            if committed.is_err() {
                this.shared.forget_coordinator();
            }
            committed
        }
    }
}

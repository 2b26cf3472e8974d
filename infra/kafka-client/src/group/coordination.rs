//! What a member, its task and its committers know about the group's coordinator, and how a member
//! leaves.

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kafka_protocol::{
    messages::{LeaveGroupRequest, OffsetCommitRequest, leave_group_request::MemberIdentity},
    protocol::StrBytes,
};

use super::Options;
use crate::{
    Cluster, Error,
    cluster::{commit, group_id},
    error::check,
};

/// The versions of the request to leave. librdkafka's mock broker cannot read newer ones.
const LEAVE: RangeInclusive<i16> = 0..=2;

/// This version names a static member by its instance id (KIP-345).
const LEAVE_STATIC: RangeInclusive<i16> = 3..=3;

/// How long leaving may take, even when the broker is gone.
pub(super) const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// The right to commit, which a member has from one assignment to the next. Once the next
/// generation has begun, the broker refuses commits from an earlier one.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) member: String,
    pub(super) generation: i32,
}

/// The state that a member shares with its task and its committers.
#[derive(Debug)]
pub(super) struct Coordination {
    pub(super) cluster: Cluster,
    pub(super) options: Options,
    pub(super) topic: Arc<str>,
    /// The member id from the coordinator. It is empty while the coordinator does not know the
    /// member.
    pub(super) member: Mutex<String>,
    /// The last known address of the coordinator, as host:port.
    pub(super) coordinator: Mutex<Option<String>>,
}

impl Coordination {
    pub(super) fn instance(&self) -> Option<StrBytes> {
        self.options.instance_id.clone().map(StrBytes::from_string)
    }

    pub(super) fn member(&self) -> StrBytes {
        StrBytes::from_string(
            self.member
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }

    pub(super) fn set_member(&self, id: &str) {
        id.clone_into(&mut self.member.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn forget_coordinator(&self) {
        *self
            .coordinator
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The coordinator's address: the last known one, or else the one that a broker names.
    pub(super) async fn coordinator(&self) -> Result<String, Error> {
        let known = self
            .coordinator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.cluster.coordinator(&self.options.group).await?;
        *self
            .coordinator
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// Uses the shared connection, because the member's own connection is busy during a join.
    pub(super) async fn commit(&self, request: &OffsetCommitRequest) -> Result<(), Error> {
        let coordinator = self.cluster.connection(&self.coordinator().await?).await?;
        commit(&coordinator, request).await
    }

    pub(super) async fn leave(&self) -> Result<(), Error> {
        let (group, member, instance) = (
            group_id(&self.options.group),
            self.member(),
            self.instance(),
        );
        if member.is_empty() && instance.is_none() {
            return Ok(());
        }
        let coordinator = self.cluster.connection(&self.coordinator().await?).await?;
        let request = LeaveGroupRequest::default().with_group_id(group);
        let answer = match instance {
            None => {
                coordinator
                    .ask(&request.with_member_id(member), LEAVE, LEAVE_WITHIN)
                    .await?
            }
            Some(_) => {
                let identity = MemberIdentity::default()
                    .with_member_id(member)
                    .with_group_instance_id(instance);
                coordinator
                    .ask(
                        &request.with_members(vec![identity]),
                        LEAVE_STATIC,
                        LEAVE_WITHIN,
                    )
                    .await?
            }
        };
        check(answer.error_code, || {
            format!("let this client leave the group {}", self.options.group)
        })
    }
}

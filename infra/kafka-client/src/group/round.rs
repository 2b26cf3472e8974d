//! A round: one generation of the group, as this member sees it.

use std::collections::BTreeMap;

use super::coordination::Session;

/// One generation of the group, with this member in it.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) session: Session,
    pub(super) partitions: Vec<i32>,
    /// On the leader, the partition count of each topic that the group reads. Empty on all other
    /// members.
    pub(super) watched: BTreeMap<String, i32>,
}

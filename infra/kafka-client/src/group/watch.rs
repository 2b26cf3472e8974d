//! Watches the partition counts of the topics that a group reads.

use std::{collections::BTreeMap, future::pending, time::Duration};

use tokio::time::sleep;

use crate::{
    Cluster, Error,
    task::{Outages, Source},
};

/// How often the leader checks whether a topic's partition count has changed since the assignment.
const LOOK: Duration = Duration::from_secs(2);

/// Ends when the partition count of a topic changes. Only the leader watches, because only its new
/// join makes the group assign partitions again.
pub(super) async fn watch(cluster: Cluster, outages: Outages, counts: &BTreeMap<String, i32>) {
    if counts.is_empty() {
        return pending().await;
    }
    loop {
        sleep(LOOK).await;
        match count(&cluster, counts.keys()).await {
            Ok(now) if now != *counts => return,
            Ok(_) => outages.is_well(Source::Topics),
            Err(error) => outages.fails(Source::Topics, error),
        }
    }
}

/// The partition count of each topic. A topic that does not exist has 0.
pub(super) async fn count(
    cluster: &Cluster,
    topics: impl Iterator<Item = &String>,
) -> Result<BTreeMap<String, i32>, Error> {
    let mut counts = BTreeMap::new();
    for topic in topics {
        if counts.contains_key(topic) {
            continue;
        }
        let count = match cluster.leaders_of(topic).await {
            Ok(leaders) => i32::try_from(leaders.len()).unwrap_or(i32::MAX),
            Err(Error::UnknownTopic(_)) => 0,
            Err(error) => return Err(error),
        };
        counts.insert(topic.clone(), count);
    }
    Ok(counts)
}

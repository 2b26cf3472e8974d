//! The consumer groups of the mappings, and their progress.

use std::time::Duration;

use kafka_client::{At, Cluster};
use local::stack::Stack;
use poller::Mapping;

use crate::Error;

/// How long a broker that was killed may take until it knows its groups again, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn cluster(stack: &Stack) -> Cluster {
    stack.broker.cluster().within(PATIENCE)
}

/// The total lag of the mappings' groups, in records.
pub async fn lag(stack: &Stack) -> Result<i64, Error> {
    let failed = |source| Error::Kafka {
        doing: "asking how far the mappings are",
        source,
    };
    let cluster = cluster(stack);
    let mut lag = 0;
    for mapping in &stack.mappings {
        let committed = cluster
            .committed(&mapping.consumer_group, &mapping.topic)
            .await
            .map_err(failed)?;
        let first = cluster
            .offsets(&mapping.topic, At::Earliest)
            .await
            .map_err(failed)?;
        for (partition, end) in cluster
            .offsets(&mapping.topic, At::Latest)
            .await
            .map_err(failed)?
        {
            lag += end
                - committed
                    .get(&partition)
                    .or_else(|| first.get(&partition))
                    .copied()
                    .unwrap_or(0);
        }
    }
    Ok(lag)
}

/// Makes the group of `copied`, which has never read, begin where the group of `own` would
/// continue.
pub async fn begin_with(stack: &Stack, own: &Mapping, copied: &Mapping) -> Result<(), Error> {
    let failed = |source| Error::Kafka {
        doing: "having a second mapping begin where the first one is",
        source,
    };
    let cluster = cluster(stack);
    let committed = cluster
        .committed(&own.consumer_group, &own.topic)
        .await
        .map_err(failed)?;
    let partitions = cluster.partitions(&own.topic).await.map_err(failed)?;
    let begin = partitions
        .into_iter()
        .map(|number| (number, committed.get(&number).copied().unwrap_or(0)));
    cluster
        .commit(&copied.consumer_group, &copied.topic, &begin.collect())
        .await
        .map_err(failed)
}

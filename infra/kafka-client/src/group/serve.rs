//! Serves an assignment: reports it, and fetches its partitions.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{sync::mpsc, time::sleep};

use super::{Assigned, Control, Options, coordination::Coordination, round::Round};
use crate::{
    Error,
    fetch::{Fetching, Lost, Manner},
    task::{Outages, Source, pause_after},
};

/// Reports the assignment and fetches its partitions, for as long as the future is polled.
pub(super) async fn serve(
    shared: Arc<Coordination>,
    outages: Outages,
    say: mpsc::UnboundedSender<Control>,
    round: &Round,
    shown: &AtomicBool,
) {
    let mut begin = BTreeMap::new();
    for tries in 1.. {
        match begins(&shared, &round.partitions).await {
            Ok(found) => {
                begin = found;
                break;
            }
            Err(error) => {
                outages.fails(Source::Start, error);
                sleep(pause_after(tries)).await;
            }
        }
    }
    outages.is_well(Source::Start);
    outages.is_well(Source::Fetch);
    let Options {
        client_id, reset, ..
    } = shared.options.clone();
    let manner = Manner {
        client_id,
        wait: shared.cluster.fetch_wait(),
        lost: Lost::To(reset.at()),
    };
    let begin = begin
        .into_iter()
        .map(|(partition, offset)| ((Arc::clone(&shared.topic), partition), offset))
        .collect();
    let (_task, gates, items) = Fetching::start(&shared.cluster, manner, begin, outages);
    let assigned = Assigned {
        partitions: round.partitions.clone(),
        session: round.session.clone(),
        gates,
        items: Some(items),
    };
    shown.store(true, Ordering::Release);
    let _ = say.send(Control::Assigned(assigned));
    pending().await
}

/// Where each partition begins: at its committed offset, or else where the reset says.
async fn begins(shared: &Coordination, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, Error> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Coordination {
        cluster, options, ..
    } = shared;
    let mut begins = cluster.committed(&options.group, &options.topic).await?;
    if !partitions
        .iter()
        .all(|partition| begins.contains_key(partition))
    {
        for (partition, offset) in cluster.offsets(&options.topic, options.reset.at()).await? {
            begins.entry(partition).or_insert(offset);
        }
    }
    begins.retain(|partition, _| partitions.contains(partition));
    if begins.len() < partitions.len() {
        return Err(crate::cluster::no_leader(&options.topic));
    }
    Ok(begins)
}

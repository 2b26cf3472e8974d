//! Reads all records of some topics, without a consumer group.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    At, Cluster, Error, Record,
    connection::CLIENT_ID,
    fetch::{Fetching, Item, Items, Lost, Manner},
    task::{Outages, Task},
};

/// Where a [`Reader`] begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The first record that still exists.
    Beginning,
    /// The next record that is written.
    Now,
}

/// Reads all partitions of some topics: the records of each partition in order, each record once.
/// It does not notice partitions that are added after the start. Dropping the reader stops it at
/// once.
#[derive(Debug)]
pub struct Reader {
    items: Items,
    failed: Option<Error>,
    _task: Task,
}

impl Reader {
    /// Starts to read. Once this returns, the reader misses no record that is written afterwards.
    pub async fn start(cluster: &Cluster, topics: &[&str], from: From) -> Result<Self, Error> {
        let at = match from {
            From::Beginning => At::Earliest,
            From::Now => At::Latest,
        };
        let mut begin = BTreeMap::new();
        for topic in topics {
            let offsets = cluster.offsets(topic, at).await?;
            let topic: Arc<str> = (*topic).into();
            begin.extend(
                offsets
                    .into_iter()
                    .map(|(partition, offset)| ((Arc::clone(&topic), partition), offset)),
            );
        }
        let manner = Manner {
            client_id: CLIENT_ID.to_owned(),
            wait: cluster.fetch_wait(),
            lost: Lost::Nearest,
        };
        // A reader waits through outages without reporting them.
        let (outages, _) = Outages::new();
        let (task, _, items) = Fetching::start(cluster, manner, begin, outages);
        Ok(Self {
            items,
            failed: None,
            _task: task,
        })
    }

    /// The next record. Waits until there is one, even while brokers are down. The future may be
    /// dropped at any time without losing a record.
    ///
    /// # Errors
    /// A batch cannot be read ([`Error::Codec`], [`Error::Damaged`]). From then on every call
    /// returns this error, because reading on would skip records.
    pub async fn next(&mut self) -> Result<Record, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.items.recv().await {
            Some(Item::Record(parcel)) => Ok(parcel.take()),
            Some(Item::Stuck(error)) => Err(self.failed.insert(error).clone()),
            // There are no topics, so the fetcher has no partition to read and has ended.
            None => std::future::pending().await,
        }
    }
}

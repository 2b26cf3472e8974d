//! All that is written to some topics, in no group.

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
    /// With the first record that is there.
    Beginning,
    /// With the next record that is written.
    Now,
}

/// Reads all partitions of some topics: each in its order, each record once. It reads the
/// partitions that there are when it starts. Dropping it stops it at once.
#[derive(Debug)]
pub struct Reader {
    items: Items,
    failed: Option<Error>,
    _task: Task,
}

impl Reader {
    /// Begins to read. When it returns, nothing that is written from now on is missed.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] at once, or the cluster cannot be reached.
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
        // A reader waits, and says nothing of it.
        let (outages, _) = Outages::new();
        let (task, _, items) = Fetching::start(cluster, manner, begin, outages);
        Ok(Self {
            items,
            failed: None,
            _task: task,
        })
    }

    /// The next record. Waits until there is one, also while brokers are gone. It may be dropped at
    /// any time, and loses nothing then.
    ///
    /// # Errors
    /// A batch cannot be read ([`Error::Codec`], [`Error::Damaged`]). Then it is an error forever:
    /// to go on would be to leave records out.
    pub async fn next(&mut self) -> Result<Record, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.items.recv().await {
            Some(Item::Record(parcel)) => Ok(parcel.take()),
            Some(Item::Stuck(error)) => Err(self.failed.insert(error).clone()),
            // No partition is read: there are no topics.
            None => std::future::pending().await,
        }
    }
}

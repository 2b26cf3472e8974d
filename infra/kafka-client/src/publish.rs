//! Publishes records. Each partition has a queue, its lane: records that arrive while a batch is
//! being written go into the next batch. One connection per broker is enough, any number of callers
//! may wait, each partition keeps the order of the calls even when a batch is retried, and many
//! small records need few requests.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use kafka_protocol::{
    error::ResponseError,
    messages::{
        ProduceRequest,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
};
use tokio::{sync::oneshot, time::sleep};

use crate::{
    Cluster, Error,
    cluster::{Leaders, no_leader, topic_name},
    connection::WITHIN,
    lane::{Busy, Lane, Pending, Published},
    partitioner::choose,
    records::{Unwritten, encode},
    task::pause_after,
};

/// The approximate size of a batch, in bytes. A larger record goes alone. This is half of Kafka's
/// default limit.
const BATCH: usize = 512 << 10;

/// How long the replicas may take to store a batch, in milliseconds.
const REPLICATED_WITHIN_MS: i32 = 10_000;

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// The partition. `None` means the key's partition ([`crate::partition_of`]); without a key the
    /// partitions take turns.
    pub partition: Option<i32>,
    /// The creation time, in milliseconds since 1970. `None` means now.
    pub timestamp: Option<i64>,
    /// The key.
    pub key: Option<Bytes>,
    /// The value. `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl Cluster {
    /// Publishes a record, and returns once all in-sync replicas have it (`acks=all`). Errors that
    /// may pass are retried, with a new lookup of the partition's leader. If the connection is lost
    /// before the answer arrives, the record may be written twice.
    ///
    /// Records with the same key keep the order in which their calls were first polled.
    ///
    /// # Errors
    /// An error that cannot pass, at once. The last error that may pass, when the patience is over
    /// (15 s, or as [`Cluster::within`] says). A try that is in progress at that moment is awaited
    /// first: if the broker hangs, up to 20 s more.
    pub async fn publish(&self, message: Message) -> Result<Published, Error> {
        let deadline = Instant::now() + self.patience();
        let partition = match message.partition {
            Some(partition) => partition,
            None => {
                let count = self.partition_count(&message.topic, deadline).await?;
                choose(
                    message.key.as_ref(),
                    count,
                    self.turn().fetch_add(1, Ordering::Relaxed),
                )
            }
        };
        let (done, written) = oneshot::channel();
        let timestamp = message.timestamp.unwrap_or_else(now);
        let record = Unwritten {
            timestamp,
            key: message.key,
            value: message.value,
            headers: message.headers,
        };
        let lane = Writer::of(self, message.topic, partition);
        lane.push(Pending {
            record,
            deadline,
            done,
        });
        // The sender is dropped only if the runtime of the lane's task ends.
        written
            .await
            .unwrap_or_else(|_| Err(no_leader(&lane.topic)))
    }

    async fn partition_count(&self, topic: &str, deadline: Instant) -> Result<i32, Error> {
        let mut tries = 0;
        loop {
            let error = match self.known_leaders(topic, None).await {
                Ok(leaders) if !leaders.is_empty() => {
                    return Ok(i32::try_from(leaders.len()).unwrap_or(i32::MAX));
                }
                Ok(_) => no_leader(topic),
                Err(error) => error,
            };
            tries += 1;
            wait_out(error, tries, deadline).await?;
        }
    }
}

/// Pauses before the next try, or returns the error if there is no next try.
async fn wait_out(error: Error, tries: u32, deadline: Instant) -> Result<(), Error> {
    let pause = pause_after(tries);
    if !error.is_passing() || Instant::now() + pause >= deadline {
        return Err(error);
    }
    sleep(pause).await;
    Ok(())
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A lane with all that a task needs to write it.
#[derive(Clone)]
struct Writer {
    cluster: Cluster,
    topic: String,
    partition: i32,
    lane: Arc<Lane>,
}

impl Writer {
    fn of(cluster: &Cluster, topic: String, partition: i32) -> Self {
        Self {
            lane: cluster.lane(&topic, partition),
            cluster: cluster.clone(),
            topic,
            partition,
        }
    }

    fn push(&self, pending: Pending) {
        let mut queue = self.lane.queue();
        queue.waiting.push(pending);
        if !mem::replace(&mut queue.busy, true) {
            let busy = Busy(Arc::clone(&self.lane));
            tokio::spawn(self.clone().write(busy));
        }
    }

    async fn write(self, busy: Busy) {
        while let Some(batch) = self.next_batch() {
            self.write_batch(batch).await;
        }
        // `next_batch` has freed the lane already, and another task may be writing it.
        mem::forget(busy);
    }

    /// Takes the waiting records that fit into a batch. If none wait, it frees the lane.
    fn next_batch(&self) -> Option<Vec<Pending>> {
        let mut queue = self.lane.queue();
        if queue.waiting.is_empty() {
            queue.busy = false;
            return None;
        }
        let count = how_many(queue.waiting.iter().map(Pending::size));
        let rest = queue.waiting.split_off(count);
        Some(mem::replace(&mut queue.waiting, rest))
    }

    /// Writes a batch, with retries, and sends each record's caller the outcome.
    async fn write_batch(&self, mut batch: Vec<Pending>) {
        let mut leaders: Option<Arc<Leaders>> = None;
        for tries in 1.. {
            match self.try_to_write(&batch, &mut leaders).await {
                Ok(first) => {
                    return tell(batch, |place| {
                        Ok(Published {
                            partition: self.partition,
                            offset: first + place,
                        })
                    });
                }
                // A single record may have caused the refusal, so each is written alone.
                Err(error) if !error.is_passing() && batch.len() > 1 => {
                    for pending in batch {
                        Box::pin(self.write_batch(vec![pending])).await;
                    }
                    return;
                }
                Err(error) if !error.is_passing() => return tell(batch, |_| Err(error.clone())),
                Err(error) => {
                    let again = Instant::now() + pause_after(tries);
                    let (late, rest) = batch
                        .into_iter()
                        .partition(|pending| pending.deadline <= again);
                    tell(late, |_| Err(error.clone()));
                    batch = rest;
                    if batch.is_empty() {
                        return;
                    }
                    sleep(pause_after(tries)).await;
                }
            }
        }
    }

    /// Returns the offset of the first record. `leaders` holds the leaders of the previous try: it
    /// failed, so they are stale.
    async fn try_to_write(
        &self,
        batch: &[Pending],
        leaders: &mut Option<Arc<Leaders>>,
    ) -> Result<i64, Error> {
        let known = self
            .cluster
            .known_leaders(&self.topic, leaders.as_ref())
            .await?;
        let leader = leaders
            .insert(known)
            .get(&self.partition)
            .cloned()
            .flatten();
        let connection = self
            .cluster
            .connection(&leader.ok_or_else(|| no_leader(&self.topic))?)
            .await?;
        let records = encode(batch.iter().map(|pending| &pending.record));
        let data = PartitionProduceData::default()
            .with_index(self.partition)
            .with_records(Some(records));
        let topic = TopicProduceData::default()
            .with_name(topic_name(&self.topic))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(REPLICATED_WITHIN_MS);
        let answer = connection
            .ask(&request.with_topic_data(vec![topic]), 3..=9, WITHIN * 2)
            .await?;
        let answer = answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partition_responses)
            .next();
        let answer = answer.ok_or_else(|| Error::Protocol {
            address: connection.address().to_owned(),
            what: format!("it says nothing of what was written to {}", self.topic),
        })?;
        match ResponseError::try_from_code(answer.error_code) {
            None => Ok(answer.base_offset),
            Some(ResponseError::MessageTooLarge | ResponseError::RecordListTooLarge) => {
                let bytes = batch.iter().map(Pending::size).sum();
                Err(Error::MessageTooLarge {
                    topic: self.topic.clone(),
                    bytes,
                })
            }
            Some(code) => {
                let doing = format!("write to {}/{}", self.topic, self.partition);
                Err(Error::Refused {
                    doing,
                    code,
                    said: answer.error_message.map(|said| said.to_string()),
                })
            }
        }
    }
}

/// How many records of these sizes go into a batch: at least one.
fn how_many(sizes: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    let fit = sizes.take_while(|size| {
        sum += size;
        sum <= BATCH
    });
    fit.count().max(1)
}

fn tell(batch: Vec<Pending>, outcome: impl Fn(i64) -> Result<Published, Error>) {
    for (place, pending) in (0..).zip(batch) {
        // The caller may have stopped waiting.
        let _ = pending.done.send(outcome(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_takes_the_records_that_fit_and_at_least_one() {
        assert_eq!(how_many([10, 10].into_iter()), 2);
        assert_eq!(how_many([BATCH - 10, 10, 1].into_iter()), 2);
        assert_eq!(how_many([BATCH + 1, 1].into_iter()), 1);
    }
}

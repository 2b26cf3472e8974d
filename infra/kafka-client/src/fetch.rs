//! Fetches records of some partitions, in order, from the brokers that lead them, through outages
//! and changes of leader.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, stream::FuturesUnordered};
use kafka_protocol::{
    error::ResponseError,
    messages::{
        BrokerId, FetchRequest,
        fetch_request::{FetchPartition, FetchTopic},
        fetch_response::PartitionData,
    },
};
use tokio::{
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};

use crate::{
    At, Cluster, Error, Record,
    cluster::{list_offsets, no_leader, topic_name},
    connection::{Connection, WITHIN},
    error::check,
    records::decode,
    task::{Outages, Source, Task, pause_after},
};

/// How many bytes of a partition may be fetched and not yet taken. At this limit the fetcher asks
/// for no more.
const BUFFER: usize = 16 << 20;

/// How many bytes one fetch asks for: of each partition, and of all partitions of a broker
/// together.
const PARTITION_BYTES: i32 = 1 << 20;
const FETCH_BYTES: i32 = 16 << 20;

/// How often the fetcher checks its partitions while all are paused or full.
const IDLE: Duration = Duration::from_millis(100);

/// A partition of a topic.
pub(crate) type Place = (Arc<str>, i32);

/// Where to continue when the requested offset is no longer, or not yet, in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// At this offset.
    To(At),
    /// At the nearer end of the log.
    Nearest,
}

/// How to fetch.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) client_id: String,
    pub(crate) wait: Duration,
    pub(crate) lost: Lost,
}

/// The state of a partition that the fetcher and the taker of its records share.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    buffered: AtomicUsize,
    paused: AtomicBool,
}

impl Gate {
    fn is_open(&self) -> bool {
        !self.paused.load(Ordering::Acquire) && self.buffered.load(Ordering::Acquire) < BUFFER
    }
}

/// A fetched record. Taking it makes room in the buffer.
#[derive(Debug)]
pub(crate) struct Parcel {
    record: Record,
    gate: Arc<Gate>,
    room: Arc<Notify>,
}

impl Parcel {
    pub(crate) fn take(self) -> Record {
        let size = self.record.size();
        let before = self.gate.buffered.fetch_sub(size, Ordering::AcqRel);
        if before >= BUFFER && before - size < BUFFER {
            self.room.notify_one();
        }
        self.record
    }
}

/// What the fetcher hands to the taker.
#[derive(Debug)]
pub(crate) enum Item {
    Record(Parcel),
    /// A partition cannot be read any further, and its fetching ends. This is its last item.
    Stuck(Error),
}

/// Pauses and resumes the partitions that are being fetched.
#[derive(Debug)]
pub(crate) struct Gates {
    gates: BTreeMap<Place, Arc<Gate>>,
    room: Arc<Notify>,
}

impl Gates {
    /// Pauses or resumes the fetching of this partition.
    pub(crate) fn pause(&self, place: &Place, paused: bool) {
        if let Some(gate) = self.gates.get(place) {
            gate.paused.store(paused, Ordering::Release);
            self.room.notify_one();
        }
    }
}

/// The receiver of what was fetched.
pub(crate) type Items = mpsc::UnboundedReceiver<Item>;

impl Fetching {
    /// Fetches until the task is dropped.
    pub(crate) fn start(
        cluster: &Cluster,
        manner: Manner,
        begin: BTreeMap<Place, i64>,
        outages: Outages,
    ) -> (Task, Gates, Items) {
        let (items, taken) = mpsc::unbounded_channel();
        let room = Arc::new(Notify::new());
        let position = |(place, offset): (Place, i64)| Position {
            place,
            offset,
            bytes: PARTITION_BYTES,
            tries: 0,
            gate: Arc::default(),
        };
        let positions: Vec<Position> = begin.into_iter().map(position).collect();
        let gates = positions
            .iter()
            .map(|position| (position.place.clone(), Arc::clone(&position.gate)))
            .collect();
        let fetching = Self {
            cluster: cluster.clone(),
            manner,
            items,
            room: Arc::clone(&room),
            outages,
        };
        let task = Task::spawn(fetching.run(positions));
        (task, Gates { gates, room }, taken)
    }
}

/// How far a partition has been fetched.
#[derive(Debug)]
struct Position {
    place: Place,
    /// The next offset to fetch.
    offset: i64,
    /// How many bytes to ask for.
    bytes: i32,
    /// How many tries in a row have failed.
    tries: u32,
    gate: Arc<Gate>,
}

/// Partitions with the same leader, or without a known one.
type Herd = (Option<String>, Vec<Position>);

/// The work of fetching.
#[derive(Debug)]
pub(crate) struct Fetching {
    cluster: Cluster,
    manner: Manner,
    items: mpsc::UnboundedSender<Item>,
    room: Arc<Notify>,
    outages: Outages,
}

impl Fetching {
    async fn run(self, positions: Vec<Position>) {
        let mut herds = FuturesUnordered::from_iter([self.follow((None, positions))]);
        while let Some(next) = herds.next().await {
            herds.extend(
                next.into_iter()
                    .filter(|(_, positions)| !positions.is_empty())
                    .map(|herd| self.follow(herd)),
            );
        }
    }

    /// Works for a herd until it has to split, and returns the parts.
    async fn follow(&self, (leader, mut positions): Herd) -> Vec<Herd> {
        match leader {
            None => self.look_for_leaders(positions).await,
            Some(leader) => {
                let strays = self.fetch_from(&leader, &mut positions).await;
                vec![(None, strays), (Some(leader), positions)]
            }
        }
    }

    async fn look_for_leaders(&self, positions: Vec<Position>) -> Vec<Herd> {
        let tries = positions
            .iter()
            .map(|position| position.tries)
            .max()
            .unwrap_or(0);
        if tries > 0 {
            sleep(pause_after(tries)).await;
        }
        let mut leaders = BTreeMap::new();
        let mut herds: BTreeMap<Option<String>, Vec<Position>> = BTreeMap::new();
        for mut position in positions {
            let (topic, partition) = position.place.clone();
            if !leaders.contains_key(&topic) {
                leaders.insert(Arc::clone(&topic), self.cluster.leaders_of(&topic).await);
            }
            let leader = match &leaders[&topic] {
                Ok(leaders) => leaders
                    .get(&partition)
                    .cloned()
                    .flatten()
                    .ok_or_else(|| no_leader(&topic)),
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = &leader {
                position.tries += 1;
                self.outages.fails(Source::Fetch, error);
            }
            herds.entry(leader.ok()).or_default().push(position);
        }
        herds.into_iter().collect()
    }

    /// Fetches from a leader. Moves the positions that the leader can no longer serve out of
    /// `positions`, and returns them.
    async fn fetch_from(&self, leader: &str, positions: &mut Vec<Position>) -> Vec<Position> {
        let mut strays = Vec::new();
        let ended = match Connection::open(leader, &self.manner.client_id).await {
            Ok(connection) => self.fetch_by(&connection, positions, &mut strays).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            self.outages.fails(Source::Fetch, error);
            strays.append(positions);
        }
        strays.iter_mut().for_each(|stray| stray.tries += 1);
        strays
    }

    /// Fetches until there are strays.
    async fn fetch_by(
        &self,
        connection: &Connection,
        positions: &mut Vec<Position>,
        strays: &mut Vec<Position>,
    ) -> Result<(), Error> {
        while strays.is_empty() && !positions.is_empty() {
            if !positions.iter().any(|position| position.gate.is_open()) {
                // A permit from an earlier notification only causes one extra check.
                let _ = timeout(IDLE, self.room.notified()).await;
                continue;
            }
            let request = request(positions, self.manner.wait);
            let answer = connection
                .ask(&request, 4..=11, self.manner.wait + WITHIN)
                .await?;
            check(answer.error_code, || "let records be fetched".to_owned())?;
            for topic in answer.responses {
                for data in topic.partitions {
                    let is_it = |position: &Position| {
                        position.place.1 == data.partition_index
                            && *position.place.0 == *topic.topic.as_str()
                    };
                    let Some(index) = positions.iter().position(is_it) else {
                        continue;
                    };
                    match self
                        .receive(connection, &mut positions[index], data)
                        .await?
                    {
                        Fate::GoesOn => {}
                        Fate::Strays => strays.push(positions.swap_remove(index)),
                        Fate::Ends => drop(positions.swap_remove(index)),
                    }
                }
            }
            // Only the first partition of a request gets a batch of any size (KIP-74), so the
            // partitions take turns.
            let others = positions.len().min(1);
            positions.rotate_left(others);
        }
        Ok(())
    }

    async fn receive(
        &self,
        connection: &Connection,
        position: &mut Position,
        data: PartitionData,
    ) -> Result<Fate, Error> {
        let (topic, partition) = &position.place;
        match ResponseError::try_from_code(data.error_code) {
            None => {}
            Some(ResponseError::OffsetOutOfRange) => {
                position.offset = self.found(connection, position).await?;
                return Ok(Fate::GoesOn);
            }
            Some(code) => {
                let doing = format!("let {topic}/{partition} be fetched");
                self.outages.fails(
                    Source::Fetch,
                    Error::Refused {
                        doing,
                        code,
                        said: None,
                    },
                );
                return Ok(Fate::Strays);
            }
        }
        if std::mem::take(&mut position.tries) > 0 {
            self.outages.is_well(Source::Fetch);
        }
        Ok(self.unpack(position, data.records.unwrap_or_default()))
    }

    fn unpack(&self, position: &mut Position, batches: Bytes) -> Fate {
        let (topic, partition) = &position.place;
        let sent = batches.len();
        let fetched = decode(topic, *partition, position.offset, batches);
        if sent > 0 && fetched.next == position.offset && fetched.failed.is_none() {
            // The answer did not hold even one whole batch.
            position.bytes = position.bytes.saturating_mul(2);
        }
        position.offset = fetched.next;
        for record in fetched.records {
            position
                .gate
                .buffered
                .fetch_add(record.size(), Ordering::AcqRel);
            let (gate, room) = (Arc::clone(&position.gate), Arc::clone(&self.room));
            // The taker is gone only if this task is about to be stopped.
            let _ = self.items.send(Item::Record(Parcel { record, gate, room }));
        }
        match fetched.failed {
            None => Fate::GoesOn,
            Some(error) => {
                let _ = self.items.send(Item::Stuck(error));
                Fate::Ends
            }
        }
    }

    /// Where to continue in a log that does not have the requested offset.
    async fn found(&self, connection: &Connection, position: &Position) -> Result<i64, Error> {
        let (topic, partition) = &position.place;
        let end = async |at| {
            let offsets = list_offsets(connection, topic, &[*partition], at).await?;
            offsets
                .get(partition)
                .copied()
                .ok_or_else(|| no_leader(topic))
        };
        match self.manner.lost {
            Lost::To(at) => end(at).await,
            Lost::Nearest => {
                let (first, next) = (end(At::Earliest).await?, end(At::Latest).await?);
                Ok(position.offset.clamp(first, next.max(first)))
            }
        }
    }
}

/// What happens to a position after an answer.
enum Fate {
    GoesOn,
    Strays,
    Ends,
}

/// A fetch request without a session (KIP-227), for the partitions whose gate is open. It includes
/// uncommitted transactions (isolation level 0).
fn request(positions: &[Position], wait: Duration) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for position in positions.iter().filter(|position| position.gate.is_open()) {
        let (topic, partition) = &position.place;
        let data = FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(position.offset)
            .with_partition_max_bytes(position.bytes);
        match topics
            .last_mut()
            .filter(|last| last.topic.as_str() == &**topic)
        {
            Some(last) => last.partitions.push(data),
            None => topics.push(
                FetchTopic::default()
                    .with_topic(topic_name(topic))
                    .with_partitions(vec![data]),
            ),
        }
    }
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(i32::try_from(wait.as_millis()).unwrap_or(i32::MAX))
        .with_min_bytes(1)
        .with_max_bytes(FETCH_BYTES)
        .with_session_epoch(-1)
        .with_topics(topics)
}

//! How old the oldest record is that a consumer group has not taken. It is found by the times of
//! records alone, for which no right to read one is needed.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use contract::{Time, Topic};
use kafka_protocol::{
    error::ParseResponseErrorCode as _,
    messages::{
        BrokerId, FindCoordinatorRequest, GroupId, ListOffsetsRequest, MetadataRequest,
        OffsetFetchRequest,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
        offset_fetch_request::OffsetFetchRequestTopic,
    },
    protocol::StrBytes,
};

use super::{Asked, METADATA, Topics, TopicsError, name, refused};

/// Versions of the protocol that Kafka has spoken since 2.4, and still speaks in 4.
const FIND_COORDINATOR: i16 = 2;
const OFFSET_FETCH: i16 = 5;
const LIST_OFFSETS: i16 = 3;

/// Kafka's numbers for the ends of a log (its class `ListOffsetsRequest`).
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// The oldest record that is told apart from an older one, in seconds: a day longer than a topic of
/// ours keeps a record by default.
const OLDEST: u32 = 8 * 24 * 60 * 60;

/// A consumer group, and what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The topic.
    pub topic: Topic,
    /// The group.
    pub group: String,
    /// Whether a partition of which the group has committed nothing is read from its first record.
    pub begins_at_the_start: bool,
}

/// What a group has to take of a topic: the offset of the next record of each partition, where there
/// is one, by the address of the partition's leader.
type ToTake = BTreeMap<String, BTreeMap<i32, i64>>;

/// Offsets, by partition.
type Offsets = BTreeMap<i32, i64>;

impl Topics {
    /// The age, at `now`, of the oldest record that each reader's group has not taken: zero if it
    /// has taken all, and by the records' own times, to a second. A time that lies ahead counts as
    /// `now`, and one from before eight days as eight days. A partition of which the group has
    /// committed nothing counts only if it is read from its first record.
    ///
    /// Costs five requests for a topic that is taken, and one more for each leader and each halving
    /// of eight days, 20 of them, for one that is not.
    ///
    /// # Errors
    /// A [`TopicsError`] for each reader whose group or topic is not to be had. After a broker that
    /// does not answer, no further reader is asked for.
    pub async fn oldest_not_taken(
        &self,
        readers: &[Reader],
        now: Time,
    ) -> Vec<(Topic, Result<Duration, TopicsError>)> {
        let mut ages = Vec::with_capacity(readers.len());
        let mut brokers = Brokers {
            topics: self,
            known: BTreeMap::new(),
        };
        for reader in readers {
            let age = brokers.age_for(reader, now).await;
            let is_away = matches!(age, Err(TopicsError::Connection { .. }));
            ages.push((reader.topic, age));
            if is_away {
                break;
            }
        }
        ages
    }
}

/// The brokers that were connected to, by address.
struct Brokers<'t> {
    topics: &'t Topics,
    known: BTreeMap<String, Asked>,
}

impl Brokers<'_> {
    async fn age_for(&mut self, reader: &Reader, now: Time) -> Result<Duration, TopicsError> {
        let to_take = self.untaken(reader).await?;
        if to_take.values().all(BTreeMap::is_empty) {
            return Ok(Duration::ZERO);
        }
        // The oldest record is `at_least` so many seconds old, and not older than `at_most`.
        let (mut at_least, mut at_most) = (0, OLDEST);
        while at_most - at_least > 1 {
            let middle = at_least + (at_most - at_least) / 2;
            let since = now.minus_seconds(middle).timestamp().as_millisecond();
            let young = self.first_since(reader.topic, &to_take, since).await?;
            if is_any_before(&to_take, &young) {
                at_least = middle;
            } else {
                at_most = middle;
            }
        }
        Ok(Duration::from_secs(u64::from(at_least)))
    }

    /// The partitions of which the group has not taken all.
    async fn untaken(&mut self, reader: &Reader) -> Result<ToTake, TopicsError> {
        let leaders = self.leaders(reader.topic).await?;
        let partitions: Vec<i32> = leaders.values().flatten().copied().collect();
        let committed = self.committed(reader, partitions).await?;
        let mut to_take = ToTake::new();
        for (leader, partitions) in leaders {
            let of_leader = (leader.as_str(), partitions.as_slice());
            let first = self.offsets(reader.topic, of_leader, EARLIEST).await?;
            let end = self.offsets(reader.topic, of_leader, LATEST).await?;
            let next = |partition: &i32| {
                let (first, end) = (*first.get(partition)?, *end.get(partition)?);
                let next = next_to_take(committed.get(partition).copied(), first, reader)?;
                (next < end).then_some((*partition, next))
            };
            let next = partitions.iter().filter_map(next).collect();
            to_take.insert(leader, next);
        }
        Ok(to_take)
    }

    /// The offset of the first record of each partition that is not older than `since`, in
    /// milliseconds since 1970; a partition without one is left out.
    async fn first_since(
        &mut self,
        topic: Topic,
        to_take: &ToTake,
        since: i64,
    ) -> Result<ToTake, TopicsError> {
        let mut found = ToTake::new();
        for (leader, next) in to_take.iter().filter(|(_, next)| !next.is_empty()) {
            let partitions: Vec<i32> = next.keys().copied().collect();
            let of_leader = (leader.as_str(), partitions.as_slice());
            let offsets = self.offsets(topic, of_leader, since).await?;
            found.insert(leader.clone(), offsets);
        }
        Ok(found)
    }

    /// The partitions of a topic, by their leader's address.
    async fn leaders(&mut self, topic: Topic) -> Result<BTreeMap<String, Vec<i32>>, TopicsError> {
        let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![asked]))
            .with_allow_auto_topic_creation(false);
        let metadata = self.any().await?.ask(&request, METADATA).await?;
        let mut leaders: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for found in metadata.topics {
            let what = || format!("describe {topic}");
            if let Some(error) = found.error_code.err() {
                return Err(refused(&what(), error, None));
            }
            for partition in found.partitions {
                let is_leader = |id: BrokerId| id == partition.leader_id;
                let leader = metadata.brokers.iter().find(|b| is_leader(b.node_id));
                let leader = leader.ok_or_else(|| TopicsError::Refused {
                    what: what(),
                    why: format!("partition {} has no leader", partition.partition_index),
                    passes: true,
                })?;
                leaders
                    .entry(address(&leader.host, leader.port))
                    .or_default()
                    .push(partition.partition_index);
            }
        }
        Ok(leaders)
    }

    /// What the group has committed; a partition of which it has committed nothing is left out.
    async fn committed(
        &mut self,
        reader: &Reader,
        partitions: Vec<i32>,
    ) -> Result<Offsets, TopicsError> {
        let group = StrBytes::from_string(reader.group.clone());
        let what = || format!("say what the group {} has taken", reader.group);
        // The type of the key is 0, a group, by default.
        let request = FindCoordinatorRequest::default().with_key(group.clone());
        let found = self.any().await?.ask(&request, FIND_COORDINATOR).await?;
        if let Some(error) = found.error_code.err() {
            return Err(refused(&what(), error, found.error_message));
        }
        let topic = OffsetFetchRequestTopic::default()
            .with_name(name(reader.topic))
            .with_partition_indexes(partitions);
        let request = OffsetFetchRequest::default()
            .with_group_id(GroupId(group))
            .with_topics(Some(vec![topic]));
        let coordinator = address(&found.host, found.port);
        let answer = self.at(&coordinator).await?;
        let answer = answer.ask(&request, OFFSET_FETCH).await?;
        if let Some(error) = answer.error_code.err() {
            return Err(refused(&what(), error, None));
        }
        let mut committed = Offsets::new();
        for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            if let Some(error) = partition.error_code.err() {
                return Err(refused(&what(), error, None));
            }
            if partition.committed_offset >= 0 {
                committed.insert(partition.partition_index, partition.committed_offset);
            }
        }
        Ok(committed)
    }

    /// An offset of each of a leader's partitions, by a time or a number of Kafka's; a partition
    /// without such a record is left out.
    async fn offsets(
        &mut self,
        topic: Topic,
        (leader, partitions): (&str, &[i32]),
        at: i64,
    ) -> Result<Offsets, TopicsError> {
        let partition = |partition: &i32| {
            ListOffsetsPartition::default()
                .with_partition_index(*partition)
                .with_timestamp(at)
        };
        let asked = ListOffsetsTopic::default()
            .with_name(name(topic))
            .with_partitions(partitions.iter().map(partition).collect());
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![asked]);
        let answer = self.at(leader).await?.ask(&request, LIST_OFFSETS).await?;
        let mut offsets = Offsets::new();
        for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            if let Some(error) = partition.error_code.err() {
                let what = format!("say an offset of {topic}/{}", partition.partition_index);
                return Err(refused(&what, error, None));
            }
            if partition.offset >= 0 {
                offsets.insert(partition.partition_index, partition.offset);
            }
        }
        Ok(offsets)
    }

    // Connecting is boxed, here and below: with it inside of them, the futures around this one are
    // nested more deeply than the compiler looks.

    /// A broker: the first of the bootstrap servers that lets us in.
    async fn any(&mut self) -> Result<&mut Asked, TopicsError> {
        let (topics, mut last) = (self.topics, None);
        for address in &topics.bootstrap_servers {
            match self.known.contains_key(address) {
                true => return self.at(address).await,
                false => match Box::pin(topics.connect(address.clone())).await {
                    Ok(asked) => return Ok(self.known.entry(address.clone()).or_insert(asked)),
                    Err(error) => last = Some(error),
                },
            }
        }
        Err(last.expect("a list that was split has one entry"))
    }

    /// The broker at an address.
    async fn at(&mut self, address: &str) -> Result<&mut Asked, TopicsError> {
        match self.known.entry(address.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let asked = Box::pin(self.topics.connect(address.to_owned())).await?;
                Ok(place.insert(asked))
            }
        }
    }
}

fn address(host: &StrBytes, port: i32) -> String {
    format!("{}:{port}", host.as_str())
}

/// The offset of the record that the group takes next, of a partition whose log begins at `first`;
/// `None` if that is not known, because the group has committed nothing and begins elsewhere.
fn next_to_take(committed: Option<i64>, first: i64, reader: &Reader) -> Option<i64> {
    match committed {
        // What the topic no longer keeps is not taken any more.
        Some(committed) => Some(committed.max(first)),
        None => reader.begins_at_the_start.then_some(first),
    }
}

/// Whether any partition's next record stands before the first one that is young enough; where no
/// record is young enough, it does.
fn is_any_before(next: &ToTake, first_young: &ToTake) -> bool {
    let is_before = |leader: &String, partition: &i32, next: i64| {
        let young = first_young.get(leader).and_then(|of| of.get(partition));
        young.is_none_or(|young| next < *young)
    };
    next.iter().any(|(leader, next)| {
        next.iter()
            .any(|(partition, next)| is_before(leader, partition, *next))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(begins_at_the_start: bool) -> Reader {
        Reader {
            topic: Topic::EventCreated,
            group: "studio-event-created-local".to_owned(),
            begins_at_the_start,
        }
    }

    #[test]
    fn a_group_without_a_commit_has_all_to_take_only_if_it_begins_at_the_start() {
        assert_eq!(next_to_take(None, 3, &reader(true)), Some(3));
        assert_eq!(next_to_take(None, 3, &reader(false)), None);
        for begins in [true, false] {
            assert_eq!(next_to_take(Some(7), 3, &reader(begins)), Some(7));
            // The topic keeps less than that.
            assert_eq!(next_to_take(Some(1), 3, &reader(begins)), Some(3));
        }
    }

    #[test]
    fn a_record_is_old_if_the_first_young_one_comes_after_it_or_there_is_none() {
        let offsets = |offset: i64| ToTake::from([("b-1:9098".to_owned(), [(0, offset)].into())]);
        assert!(is_any_before(&offsets(4), &offsets(5)));
        assert!(!is_any_before(&offsets(5), &offsets(5)));
        assert!(!is_any_before(&offsets(6), &offsets(5)));
        assert!(is_any_before(&offsets(9), &ToTake::new()));
        assert!(!is_any_before(&ToTake::new(), &offsets(5)));
    }
}

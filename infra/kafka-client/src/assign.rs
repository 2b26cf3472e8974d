//! Which member of a group reads which partitions: Kafka's `RangeAssignor` and the encoding of its
//! result (Kafka's class `ConsumerProtocol`). It does no I/O. It must match Kafka's rules exactly,
//! because librdkafka's and Java's members share groups with this client.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicName,
        consumer_protocol_assignment::TopicPartition,
    },
    protocol::{Decodable as _, Encodable as _, StrBytes},
};

/// The newest version of both structures that this client reads. Newer versions only append fields.
const NEWEST: i16 = 3;

/// A member, as the group's leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscriber {
    pub(crate) id: String,
    pub(crate) instance: Option<String>,
    pub(crate) topics: BTreeSet<String>,
}

/// Partitions by topic.
pub(crate) type Partitions = BTreeMap<String, Vec<i32>>;

/// Divides each topic into contiguous ranges, one for each of its subscribers. If the division
/// leaves a remainder, the first subscribers get one partition more each.
pub(crate) fn range(
    subscribers: &[Subscriber],
    counts: &BTreeMap<String, i32>,
) -> BTreeMap<String, Partitions> {
    let mut assigned: BTreeMap<String, Partitions> = subscribers
        .iter()
        .map(|subscriber| (subscriber.id.clone(), Partitions::new()))
        .collect();
    for (topic, &count) in counts {
        let mut theirs: Vec<&Subscriber> = subscribers
            .iter()
            .filter(|subscriber| subscriber.topics.contains(topic))
            .collect();
        // As in Kafka's `AbstractPartitionAssignor.MemberInfo`: static members come first, sorted
        // by instance id, because the instance id stays when the member id changes.
        theirs.sort_by_key(|subscriber| {
            (
                subscriber.instance.is_none(),
                &subscriber.instance,
                &subscriber.id,
            )
        });
        let readers = i32::try_from(theirs.len()).unwrap_or(i32::MAX).max(1);
        let (each, more) = (count / readers, count % readers);
        let mut next = 0;
        for (place, subscriber) in (0..).zip(theirs) {
            let until = next + each + i32::from(place < more);
            if let Some(partitions) = assigned.get_mut(&subscriber.id).filter(|_| until > next) {
                partitions.insert(topic.clone(), (next..until).collect());
            }
            next = until;
        }
    }
    assigned
}

/// Encodes the subscription that a member sends when it joins.
pub(crate) fn encode_subscription(topic: &str) -> Result<Bytes, String> {
    let subscription = ConsumerProtocolSubscription::default()
        .with_topics(vec![StrBytes::from_string(topic.to_owned())]);
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    subscription
        .encode(&mut bytes, 0)
        .map_err(|error| error.to_string())?;
    Ok(bytes.freeze())
}

/// Decodes the topics that another member subscribes to.
pub(crate) fn decode_subscription(mut bytes: Bytes) -> Result<BTreeSet<String>, String> {
    let version = version(&mut bytes)?;
    let read = ConsumerProtocolSubscription::decode(&mut bytes, version)
        .map_err(|error| error.to_string())?;
    Ok(read.topics.iter().map(ToString::to_string).collect())
}

/// Encodes the partitions that the leader assigns to a member.
pub(crate) fn encode_assignment(partitions: &Partitions) -> Result<Bytes, String> {
    let topic = |(topic, partitions): (&String, &Vec<i32>)| {
        let name = TopicName(StrBytes::from_string(topic.clone()));
        TopicPartition::default()
            .with_topic(name)
            .with_partitions(partitions.clone())
    };
    let assignment = ConsumerProtocolAssignment::default()
        .with_assigned_partitions(partitions.iter().map(topic).collect());
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    assignment
        .encode(&mut bytes, 0)
        .map_err(|error| error.to_string())?;
    Ok(bytes.freeze())
}

/// Decodes the partitions that the leader assigned to this member. A member that the leader left
/// out receives no bytes.
pub(crate) fn decode_assignment(mut bytes: Bytes) -> Result<Partitions, String> {
    if bytes.is_empty() {
        return Ok(Partitions::new());
    }
    let version = version(&mut bytes)?;
    let read = ConsumerProtocolAssignment::decode(&mut bytes, version)
        .map_err(|error| error.to_string())?;
    Ok(read
        .assigned_partitions
        .into_iter()
        .map(|topic| (topic.topic.to_string(), topic.partitions))
        .collect())
}

fn version(bytes: &mut Bytes) -> Result<i16, String> {
    match bytes.try_get_i16() {
        Ok(version @ 0..) => Ok(version.min(NEWEST)),
        Ok(version) => Err(format!("version {version} of ConsumerProtocol")),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(id: &str, instance: Option<&str>, topics: &[&str]) -> Subscriber {
        let topics = topics.iter().map(ToString::to_string).collect();
        Subscriber {
            id: id.to_owned(),
            instance: instance.map(str::to_owned),
            topics,
        }
    }

    fn of(assigned: &BTreeMap<String, Partitions>, id: &str, topic: &str) -> Vec<i32> {
        assigned[id].get(topic).cloned().unwrap_or_default()
    }

    /// The example from the documentation of Kafka's `RangeAssignor`, plus a third topic with a
    /// single reader.
    #[test]
    fn each_topic_is_divided_among_its_subscribers() {
        let members = [
            subscriber("C1", None, &["t0", "t1"]),
            subscriber("C0", None, &["t0", "t1", "t2"]),
        ];
        let counts = [("t0", 3), ("t1", 3), ("t2", 2)]
            .map(|(topic, count)| (topic.to_owned(), count))
            .into();
        let assigned = range(&members, &counts);
        assert_eq!(
            (of(&assigned, "C0", "t0"), of(&assigned, "C1", "t0")),
            (vec![0, 1], vec![2])
        );
        assert_eq!(
            (of(&assigned, "C0", "t1"), of(&assigned, "C1", "t1")),
            (vec![0, 1], vec![2])
        );
        assert_eq!(
            (of(&assigned, "C0", "t2"), of(&assigned, "C1", "t2")),
            (vec![0, 1], vec![])
        );
    }

    #[test]
    fn static_members_come_first_and_a_member_may_get_nothing() {
        let members = [
            subscriber("a", None, &["t"]),
            subscriber("b", Some("2"), &["t"]),
            subscriber("c", Some("1"), &["t"]),
        ];
        let assigned = range(&members, &[("t".to_owned(), 2)].into());
        assert_eq!(
            (of(&assigned, "c", "t"), of(&assigned, "b", "t")),
            (vec![0], vec![1])
        );
        assert!(assigned["a"].is_empty());
    }

    #[test]
    fn every_partition_goes_to_exactly_one_member() {
        for readers in 1..8 {
            let members: Vec<_> = (0..readers)
                .map(|id| subscriber(&id.to_string(), None, &["t"]))
                .collect();
            for count in 0..20 {
                let assigned = range(&members, &[("t".to_owned(), count)].into());
                let mut all: Vec<i32> = assigned
                    .values()
                    .flat_map(|topics| topics.values().flatten().copied())
                    .collect();
                all.sort_unstable();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn subscriptions_and_assignments_survive_a_round_trip() {
        let partitions: Partitions = [("t".to_owned(), vec![1, 5])].into();
        assert_eq!(
            decode_assignment(encode_assignment(&partitions).unwrap()),
            Ok(partitions)
        );
        assert_eq!(
            decode_subscription(encode_subscription("t").unwrap()),
            Ok(["t".to_owned()].into())
        );
        assert_eq!(decode_assignment(Bytes::new()), Ok(Partitions::new()));
        assert!(decode_subscription(Bytes::from_static(b"\0")).is_err());
    }
}

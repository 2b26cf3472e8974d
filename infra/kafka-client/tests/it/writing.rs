use std::collections::BTreeMap;

use bytes::Bytes;
use futures::future::join_all;
use kafka_client::{At, Cluster, Error, From, Message, Reader, ResponseError, partition_of};

use crate::harness::{Seen, Writer, broker, cluster, message, read, see, values, within};

const TOPIC: &str = "orders";

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_where_librdkafkas_murmur2_sends_them() {
    let broker = broker(TOPIC, 7);
    let writer = Writer::new(
        &broker.bootstrap_servers(),
        &[("partitioner", "murmur2_random")],
    );
    for number in 0..1_000_u32 {
        let key = format!("key-{number}-{}", "ü".repeat(number as usize % 5));
        writer.write(TOPIC, None, Some(&key), Some("x"));
    }
    writer.flush();
    let mut reader = Reader::start(&cluster(&broker), &[TOPIC], From::Beginning)
        .await
        .unwrap();
    for record in read(&mut reader, 1_000).await.unwrap() {
        let key = record.key.expect("a key");
        assert_eq!(partition_of(&key, 7), record.partition, "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn librdkafka_reads_published_records_byte_for_byte() {
    let broker = broker(TOPIC, 1);
    let cluster = cluster(&broker);
    let large: Bytes = (0..1_000_000_u32)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let headers = || {
        let some = |value: &'static [u8]| Some(Bytes::from_static(value));
        [
            ("a", None),
            ("b", some(b"")),
            ("a", some(b"\xff\0")),
            ("", some(b"no name")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    };
    let messages = [
        Message {
            value: Some(Bytes::from_static(b"no key")),
            ..Message::default()
        },
        Message {
            key: Some(Bytes::from_static(b"gone")),
            ..Message::default()
        },
        Message {
            key: Some(Bytes::new()),
            value: Some(Bytes::new()),
            headers: headers(),
            ..Message::default()
        },
        Message {
            key: Some(Bytes::from_static(b"large")),
            value: Some(large),
            ..Message::default()
        },
    ];
    let messages = messages.map(|message| Message {
        topic: TOPIC.to_owned(),
        timestamp: Some(1_700_000_000_123),
        ..message
    });
    for (offset, message) in (0..).zip(&messages) {
        let published = within(cluster.publish(message.clone())).await.unwrap();
        assert_eq!((published.partition, published.offset), (0, offset));
    }
    let seen = see(&broker.bootstrap_servers(), TOPIC, 0, messages.len());
    let bytes = |bytes: &Option<Bytes>| bytes.as_ref().map(|bytes| bytes.to_vec());
    let expected = (0..).zip(&messages).map(|(offset, message)| Seen {
        partition: 0,
        offset,
        timestamp: message.timestamp,
        key: bytes(&message.key),
        value: bytes(&message.value),
        headers: message
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), bytes(value)))
            .collect(),
    });
    assert!(seen == expected.collect::<Vec<_>>(), "not the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_publishes_are_each_written_once_in_call_order() {
    let broker = broker(TOPIC, 3);
    let cluster = cluster(&broker);
    let key = |number: usize| format!("key-{}", number % 10);
    let messages = (0..2_000).map(|number| message(TOPIC, Some(&key(number)), &number.to_string()));
    let published = within(join_all(messages.map(|message| cluster.publish(message)))).await;
    let mut reader = Reader::start(&cluster, &[TOPIC], From::Beginning)
        .await
        .unwrap();
    let records = read(&mut reader, 2_000).await.unwrap();
    let mut by_key: BTreeMap<Bytes, Vec<usize>> = BTreeMap::new();
    for (record, value) in records.iter().zip(values(&records)) {
        let number = value.parse::<usize>().unwrap();
        let published = published[number].as_ref().unwrap();
        assert_eq!(
            (published.partition, published.offset),
            (record.partition, record.offset)
        );
        by_key
            .entry(record.key.clone().unwrap())
            .or_default()
            .push(number);
    }
    assert_eq!(by_key.len(), 10);
    assert!(
        by_key
            .values()
            .all(|numbers| numbers.is_sorted() && numbers.len() == 200)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_retries_only_errors_that_may_pass() {
    use rdkafka::{
        mocking::MockCluster,
        types::{RDKafkaApiKey, RDKafkaRespErr},
    };
    let broker: MockCluster<_> = broker(TOPIC, 1);
    let cluster = cluster(&broker);
    let fails = |errors: &[RDKafkaRespErr]| broker.request_errors(RDKafkaApiKey::Produce, errors);
    fails(&[
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
    ]);
    within(cluster.publish(message(TOPIC, None, "patience")))
        .await
        .unwrap();
    fails(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    let error = within(cluster.publish(message(TOPIC, None, "large")))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        Error::MessageTooLarge {
            topic: TOPIC.to_owned(),
            bytes: 5
        }
    );
    fails(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
    let error = within(cluster.publish(message(TOPIC, None, "secret")))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ResponseError::TopicAuthorizationFailed));
    let hurried = cluster.within(std::time::Duration::ZERO);
    assert_eq!(
        within(hurried.publish(message("none", None, "x"))).await,
        Err(Error::UnknownTopic("none".to_owned()))
    );
    let refused = Cluster::new("127.0.0.1:1")
        .unwrap()
        .within(std::time::Duration::ZERO);
    assert!(
        matches!(refused.brokers().await, Err(Error::Unreachable { address, .. }) if address == "127.0.0.1:1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_lists_brokers_partitions_and_offsets() {
    let broker = broker(TOPIC, 3);
    let cluster = cluster(&broker);
    assert_eq!(
        cluster
            .brokers()
            .await
            .unwrap()
            .into_values()
            .collect::<Vec<_>>(),
        [broker.bootstrap_servers()]
    );
    assert_eq!(cluster.partitions(TOPIC).await.unwrap(), [0, 1, 2]);
    assert_eq!(
        cluster.partitions("none").await,
        Err(Error::UnknownTopic("none".to_owned()))
    );
    for _ in 0..3 {
        cluster
            .publish(Message {
                partition: Some(1),
                ..message(TOPIC, None, "x")
            })
            .await
            .unwrap();
    }
    assert_eq!(
        cluster.offsets(TOPIC, At::Latest).await.unwrap(),
        [(0, 0), (1, 3), (2, 0)].into()
    );
    assert_eq!(
        cluster.offsets(TOPIC, At::Earliest).await.unwrap(),
        [(0, 0), (1, 0), (2, 0)].into()
    );
    assert_eq!(
        cluster.committed("readers", TOPIC).await.unwrap(),
        BTreeMap::new()
    );
    cluster
        .commit("readers", TOPIC, &[(1, 2), (2, 7)].into())
        .await
        .unwrap();
    assert_eq!(
        cluster.committed("readers", TOPIC).await.unwrap(),
        [(1, 2), (2, 7)].into()
    );
}

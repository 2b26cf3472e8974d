use std::time::{Duration, Instant};

use kafka_client::{Cluster, Error, From, Reader, Timestamp};
use tokio::time::sleep;

use crate::harness::{
    FETCH_WAIT, Line, Seen, Writer, assert_each_once, broker, cluster, message, read, see, values,
    within,
};

const TOPIC: &str = "orders";

#[tokio::test(flavor = "multi_thread")]
async fn what_librdkafka_writes_is_read_with_every_codec() {
    for codec in ["none", "gzip", "lz4", "snappy"] {
        let broker = broker(TOPIC, 1);
        let bootstrap = broker.bootstrap_servers();
        // The linger makes large batches: some hold thousands of records, compressed together.
        let writer = Writer::new(
            &bootstrap,
            &[("compression.codec", codec), ("linger.ms", "50")],
        );
        for number in 0..3_000 {
            writer.write(
                TOPIC,
                Some(0),
                Some("a key"),
                (number % 10 != 0).then_some(&format!("a value, the {number}th")),
            );
        }
        writer.flush();
        let mut reader = Reader::start(&cluster(&broker), &[TOPIC], From::Beginning)
            .await
            .unwrap();
        let records = read(&mut reader, 3_000).await.unwrap();
        let read = records.into_iter().map(|record| Seen {
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp.map(Timestamp::millis),
            key: record.key.map(|key| key.to_vec()),
            value: record.value.map(|value| value.to_vec()),
            headers: record
                .headers
                .into_iter()
                .map(|(name, value)| (name, value.map(|value| value.to_vec())))
                .collect(),
        });
        assert!(
            read.collect::<Vec<_>>() == see(&bootstrap, TOPIC, 0, 3_000),
            "{codec}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_from_now_shows_every_later_record_and_no_earlier_one() {
    let broker = broker(TOPIC, 4);
    let cluster = cluster(&broker);
    for number in 0..20 {
        cluster
            .publish(message(TOPIC, None, &format!("before {number}")))
            .await
            .unwrap();
    }
    let mut reader = Reader::start(&cluster, &[TOPIC], From::Now).await.unwrap();
    for number in 0..20 {
        cluster
            .publish(message(TOPIC, None, &format!("after {number}")))
            .await
            .unwrap();
    }
    let mut read = values(&read(&mut reader, 20).await.unwrap());
    read.sort_by_key(|value| {
        value
            .trim_start_matches("after ")
            .parse::<u32>()
            .expect("one from after")
    });
    assert_eq!(
        read,
        (0..20)
            .map(|number| format!("after {number}"))
            .collect::<Vec<_>>()
    );
    let unknown = Reader::start(&cluster, &["none"], From::Now)
        .await
        .unwrap_err();
    assert_eq!(unknown, Error::UnknownTopic("none".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn next_may_be_dropped_while_it_waits_without_losing_a_record() {
    let broker = broker(TOPIC, 2);
    let cluster = cluster(&broker);
    let mut reader = Reader::start(&cluster, &[TOPIC], From::Beginning)
        .await
        .unwrap();
    let writing = tokio::spawn(async move {
        for number in 0..300 {
            cluster
                .publish(message(TOPIC, None, &number.to_string()))
                .await
                .unwrap();
            sleep(Duration::from_micros(500)).await;
        }
    });
    let (mut records, mut dropped, begun) = (Vec::new(), 0, Instant::now());
    while records.len() < 300 && begun.elapsed() < crate::harness::WITHIN {
        tokio::select! {
            record = reader.next() => records.push(record.unwrap()),
            () = sleep(Duration::from_micros(300)) => dropped += 1,
        }
    }
    writing.await.unwrap();
    assert_eq!(records.len(), 300);
    assert_each_once(&records);
    assert!(dropped > 100, "it was dropped {dropped} times only");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_connection_a_reader_skips_and_repeats_nothing() {
    let broker = broker(TOPIC, 3);
    let line = Line::to(&broker).await;
    let near = Cluster::new(&line.address.to_string())
        .unwrap()
        .with_fetch_wait(FETCH_WAIT);
    let mut reader = Reader::start(&near, &[TOPIC], From::Now).await.unwrap();
    let writer = Writer::new(&broker.bootstrap_servers(), &[]);
    let mut records = Vec::new();
    for cut in 0..5 {
        for number in 0..100 {
            writer.write(TOPIC, Some(number % 3), None, Some("x"));
            if number == 50 {
                line.cut();
            }
        }
        writer.flush();
        line.mend();
        records.extend(
            read(&mut reader, (cut + 1) * 100 - records.len())
                .await
                .unwrap(),
        );
    }
    assert_each_once(&records);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), reader.next())
            .await
            .is_err(),
        "one comes twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_larger_than_the_buffer_is_read() {
    let broker = broker(TOPIC, 1);
    let writer = Writer::new(
        &broker.bootstrap_servers(),
        &[("message.max.bytes", "40000000")],
    );
    let large = "x".repeat(30_000_000);
    writer.write(TOPIC, Some(0), None, Some(&large));
    writer.flush();
    let mut reader = Reader::start(&cluster(&broker), &[TOPIC], From::Beginning)
        .await
        .unwrap();
    let records = read(&mut reader, 1).await.unwrap();
    assert_eq!(
        records[0].value.as_ref().map(bytes::Bytes::len),
        Some(large.len())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_dropped_during_an_outage_ends_at_once() {
    let broker = broker(TOPIC, 1);
    let cluster = cluster(&broker);
    let mut readers = Vec::new();
    for _ in 0..5 {
        let reader = Reader::start(&cluster, &[TOPIC], From::Now).await;
        readers.push(reader.unwrap());
    }
    broker.broker_down(1).unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), readers[0].next())
            .await
            .is_err()
    );
    // A drop that waits makes each of them slow. A busy machine does that to some.
    let times = readers.into_iter().map(|reader| {
        let begun = Instant::now();
        drop(reader);
        begun.elapsed()
    });
    assert!(times.min() < Some(Duration::from_millis(50)));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_reader_closes_its_connections() {
    let broker = broker(TOPIC, 2);
    let line = Line::to(&broker).await;
    let cluster = Cluster::new(&line.address.to_string()).unwrap();
    let mut reader = Reader::start(&cluster, &[TOPIC], From::Now).await.unwrap();
    cluster.publish(message(TOPIC, None, "x")).await.unwrap();
    read(&mut reader, 1).await.unwrap();
    assert_eq!(line.connections(), 2, "one to ask and one to fetch");
    drop((reader, cluster));
    within(async {
        while line.connections() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

//! Each of these tests waits 3 s at first, because librdkafka's broker waits that long for more
//! members. When a group changes later, the broker waits for the session timeout less one second.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures::future::join_all;
use kafka_client::{Event, Member, Message, Options, Reset};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::time::sleep;

use crate::harness::{
    Broker, WITHIN, assert_each_once, broker, cluster, consumer, message, within,
};

const TOPIC: &str = "orders";
const GROUP: &str = "readers";

fn options() -> Options {
    Options {
        session_timeout: Duration::from_secs(4),
        ..Options::new(GROUP, TOPIC)
    }
}

fn join(broker: &Broker) -> Member {
    Member::join(&cluster(broker), options())
}

/// The member's next event other than `Trouble`.
async fn next(member: &mut Member) -> Event {
    loop {
        match within(member.next()).await {
            Event::Trouble(why) => eprintln!("{why}"),
            event => return event,
        }
    }
}

/// The partitions that are assigned to a librdkafka consumer, which must be polled to stay in its
/// group.
fn assigned(consumer: &BaseConsumer) -> BTreeSet<i32> {
    let _ = consumer.poll(Duration::from_millis(20));
    let assigned = consumer.assignment().expect("an assignment");
    assigned
        .elements_for_topic(TOPIC)
        .iter()
        .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_shared_with_librdkafka() {
    let broker = broker(TOPIC, 5);
    let cluster = cluster(&broker);
    // More records than the member reads before the other one joins.
    join_all((0..2_000).map(|number| cluster.publish(message(TOPIC, None, &number.to_string()))))
        .await;
    let mut member = join(&broker);
    assert_eq!(
        next(&mut member).await,
        Event::Assigned(vec![0, 1, 2, 3, 4])
    );

    // A thread of its own polls this consumer, which it needs to stay in the group.
    let other = consumer(
        &broker.bootstrap_servers(),
        GROUP,
        &[
            ("partition.assignment.strategy", "range"),
            ("session.timeout.ms", "4000"),
            ("heartbeat.interval.ms", "500"),
        ],
    );
    other.subscribe(&[TOPIC]).unwrap();
    let (ends, theirs) = (
        AtomicBool::new(false),
        std::sync::Mutex::new(BTreeSet::new()),
    );
    let (mut mine, mut strays) = (vec![0, 1, 2, 3, 4], Vec::new());
    let settled = |mine: &[i32], theirs: &BTreeSet<i32>| {
        mine.len() + theirs.len() == 5 && !mine.is_empty() && !theirs.is_empty()
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Acquire) {
                *theirs.lock().unwrap() = assigned(&other);
            }
            // This leaves the group.
            other.unsubscribe();
            let deadline = Instant::now() + WITHIN;
            while !assigned(&other).is_empty() && Instant::now() < deadline {}
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                // The group may need more than one rebalance to settle.
                let begun = Instant::now();
                while !settled(&mine, &theirs.lock().unwrap()) && begun.elapsed() < WITHIN {
                    if let Some(event) = member.try_next() {
                        match event {
                            Event::Assigned(partitions) => mine = partitions,
                            Event::Revoked(_) => mine.clear(),
                            Event::Record(record) if !mine.contains(&record.partition) => {
                                strays.push(record);
                            }
                            Event::Record(_) | Event::Trouble(_) => {}
                        }
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            });
        });
        ends.store(true, Ordering::Release);
    });
    let theirs = theirs.into_inner().unwrap();
    assert!(
        strays.is_empty(),
        "{} records of partitions that were revoked",
        strays.len()
    );
    assert!(mine.len() == 2 || mine.len() == 3, "{mine:?}");
    assert_eq!(
        mine.iter().copied().chain(theirs).collect::<BTreeSet<_>>(),
        (0..5).collect()
    );

    let mut changes = Vec::new();
    while changes.len() < 2 {
        changes.extend(
            Some(next(&mut member).await).filter(|event| !matches!(event, Event::Record(_))),
        );
    }
    assert_eq!(
        changes,
        [Event::Revoked(mine), Event::Assigned(vec![0, 1, 2, 3, 4])]
    );
    within(member.leave()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_continues_at_the_offsets_of_the_last_one() {
    let broker = broker(TOPIC, 2);
    let cluster = cluster(&broker);
    for number in 0..10 {
        let message = Message {
            partition: Some(number % 2),
            ..message(TOPIC, None, &number.to_string())
        };
        cluster.publish(message).await.unwrap();
    }
    let mut member = join(&broker);
    assert_eq!(next(&mut member).await, Event::Assigned(vec![0, 1]));
    let mut records = Vec::new();
    let (mut dropped, begun) = (0, Instant::now());
    while (records.len() < 10 || dropped < 200) && begun.elapsed() < WITHIN {
        tokio::select! {
            event = member.next() => match event {
                Event::Record(record) => records.push(record),
                other => panic!("{other:?}"),
            },
            () = sleep(Duration::from_micros(200)) => dropped += 1,
        }
    }
    assert_eq!(records.len(), 10);
    assert_each_once(&records);
    let late = member.committer();
    within(member.commit([(0, 5), (1, 3)].into()))
        .await
        .unwrap();
    within(member.leave()).await;
    assert!(
        within(late.commit([(0, 1)].into())).await.is_err(),
        "it has left"
    );

    let mut member = Member::join(
        &cluster,
        Options {
            reset: Reset::Latest,
            ..options()
        },
    );
    assert_eq!(next(&mut member).await, Event::Assigned(vec![0, 1]));
    let mut places = Vec::new();
    for _ in 0..2 {
        if let Event::Record(record) = next(&mut member).await {
            places.push((record.partition, record.offset));
        }
    }
    assert_eq!(places, [(1, 3), (1, 4)]);
    assert_eq!(
        cluster.committed(GROUP, TOPIC).await.unwrap(),
        BTreeMap::from([(0, 5), (1, 3)])
    );

    // A paused partition's records do not arrive until it is resumed. A fetch may already be in
    // flight, but the other partition's record comes only after it.
    member.pause(0);
    sleep(Duration::from_millis(100)).await;
    for partition in [0, 1] {
        cluster
            .publish(Message {
                partition: Some(partition),
                ..message(TOPIC, None, "x")
            })
            .await
            .unwrap();
    }
    let place = |event: Event| match event {
        Event::Record(record) => (record.partition, record.offset),
        other => panic!("{other:?}"),
    };
    assert_eq!(place(next(&mut member).await), (1, 5));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), member.next())
            .await
            .is_err()
    );
    member.resume(0);
    assert_eq!(place(next(&mut member).await), (0, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_topic_is_noticed_and_an_outage_is_reported_once() {
    let broker = broker("another", 1);
    // The session outlasts the outage below: a heartbeat's pause of 2 s before it, its own 2.5 s,
    // and the pause until the next try.
    let options = Options {
        session_timeout: Duration::from_secs(6),
        ..options()
    };
    let mut member = Member::join(&cluster(&broker), options);
    assert_eq!(next(&mut member).await, Event::Assigned(vec![]));
    broker.create_topic(TOPIC, 3, 1).unwrap();
    assert_eq!(next(&mut member).await, Event::Revoked(vec![]));
    assert_eq!(next(&mut member).await, Event::Assigned(vec![0, 1, 2]));

    broker.broker_down(1).unwrap();
    assert!(matches!(within(member.next()).await, Event::Trouble(_)));
    // Long enough for heartbeats to fail, too.
    let more = tokio::time::timeout(Duration::from_millis(2500), member.next()).await;
    assert!(more.is_err(), "{more:?}");
    broker.broker_up(1).unwrap();
    let cluster = cluster(&broker);
    within(cluster.publish(message(TOPIC, None, "after")))
        .await
        .unwrap();
    assert!(matches!(within(member.next()).await, Event::Record(_)));

    broker.broker_down(1).unwrap();
    let begun = Instant::now();
    let left = join(&broker);
    // Neither waits for a broker: leaving gives up after 2 s, a connection after 10 s.
    drop(member);
    assert!(begun.elapsed() < Duration::from_secs(1));
    left.leave().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

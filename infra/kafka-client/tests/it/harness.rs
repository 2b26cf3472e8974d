//! librdkafka's side of the tests: its broker, its producer and its consumer, and a proxy line that
//! can be cut.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use kafka_client::{Cluster, Error, Message, Reader, Record};
use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer as _},
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// How long a test waits for anything.
pub const WITHIN: Duration = Duration::from_secs(30);

/// Short, because the mock broker does not wake a fetch that waits.
pub const FETCH_WAIT: Duration = Duration::from_millis(20);

pub type Broker = MockCluster<'static, DefaultProducerContext>;

/// librdkafka's mock broker with this topic.
pub fn broker(topic: &str, partitions: i32) -> Broker {
    let broker = MockCluster::new(1).expect("a mock broker");
    broker.create_topic(topic, partitions, 1).expect("a topic");
    broker
}

pub fn cluster(broker: &Broker) -> Cluster {
    Cluster::new(&broker.bootstrap_servers())
        .expect("addresses")
        .with_fetch_wait(FETCH_WAIT)
}

pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(WITHIN, work)
        .await
        .expect("it takes too long")
}

pub fn message(topic: &str, key: Option<&str>, value: &str) -> Message {
    let (topic, key) = (topic.to_owned(), key.map(|key| Bytes::from(key.to_owned())));
    Message {
        topic,
        key,
        value: Some(Bytes::from(value.to_owned())),
        ..Message::default()
    }
}

/// The next `count` records of a reader.
pub async fn read(reader: &mut Reader, count: usize) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    while records.len() < count {
        records.push(within(reader.next()).await?);
    }
    Ok(records)
}

pub fn values(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .map(|record| {
            String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned()
        })
        .collect()
}

/// librdkafka's producer, with these settings (for example its compression). It writes batches if
/// it likes.
pub struct Writer(BaseProducer);

impl Writer {
    pub fn new(bootstrap: &str, settings: &[(&str, &str)]) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        Self(config.create().expect("a producer"))
    }

    pub fn write(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&str>,
        value: Option<&str>,
    ) {
        let mut record = BaseRecord::<str, str>::to(topic);
        (record.key, record.payload, record.partition) = (key, value, partition);
        let headers = [("a", None), ("a", Some("")), ("b", Some("x"))];
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header { key, value: *value })
            });
        self.0
            .send(record.headers(headers))
            .map_err(|(error, _)| error)
            .expect("enqueued");
    }

    pub fn flush(&self) {
        self.0.flush(WITHIN).expect("written");
    }
}

/// A record as librdkafka reads it, with all the fields that tests compare.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl From<&BorrowedMessage<'_>> for Seen {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        let headers = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter());
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
        }
    }
}

pub fn consumer(bootstrap: &str, group: &str, settings: &[(&str, &str)]) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config.create().expect("a consumer")
}

/// The first `count` records of a partition, as librdkafka reads them.
pub fn see(bootstrap: &str, topic: &str, partition: i32, count: usize) -> Vec<Seen> {
    let consumer = consumer(bootstrap, "unused", &[]);
    let mut partitions = rdkafka::TopicPartitionList::new();
    partitions
        .add_partition_offset(topic, partition, rdkafka::Offset::Beginning)
        .expect("an offset");
    consumer.assign(&partitions).expect("assigned");
    let (mut seen, deadline) = (Vec::new(), Instant::now() + WITHIN);
    while seen.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count}", seen.len());
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            seen.push(Seen::from(&message.expect("a record")));
        }
    }
    seen
}

/// A proxy line to a broker. It replaces the broker's port in answers with its own, so that all
/// connections go through the line.
pub struct Line {
    pub address: SocketAddr,
    whole: watch::Sender<bool>,
    connections: Arc<AtomicUsize>,
    _work: JoinSet<()>,
}

impl Line {
    pub async fn to(broker: &Broker) -> Self {
        let far: SocketAddr = broker.bootstrap_servers().parse().expect("one address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (whole, is_whole) = watch::channel(true);
        let connections = Arc::new(AtomicUsize::new(0));
        let mut work = JoinSet::new();
        let counted = Arc::clone(&connections);
        work.spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let (is_whole, counted) = (is_whole.clone(), Arc::clone(&counted));
                carried.spawn(async move {
                    counted.fetch_add(1, Ordering::AcqRel);
                    carry(near, address, far, is_whole).await;
                    counted.fetch_sub(1, Ordering::AcqRel);
                });
            }
        });
        Self {
            address,
            whole,
            connections,
            _work: work,
        }
    }

    /// The number of connections through the line.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Cuts each connection in the middle of its next answer, and accepts no new ones.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(
    mut near: TcpStream,
    address: SocketAddr,
    far: SocketAddr,
    is_whole: watch::Receiver<bool>,
) {
    if !*is_whole.borrow() {
        return;
    }
    let mut broker = TcpStream::connect(far).await.expect("the broker");
    let (mut from, mut to) = broker.split();
    let (mut asks, mut hears) = near.split();
    let answers = async {
        while let Ok(length) = from.read_u32().await {
            let mut frame = vec![0; length as usize];
            from.read_exact(&mut frame).await?;
            rename(&mut frame, far, address);
            hears.write_u32(length).await?;
            if !*is_whole.borrow() {
                return hears.write_all(&frame[..frame.len() / 2]).await;
            }
            hears.write_all(&frame).await?;
        }
        Ok(())
    };
    tokio::select! {
        _ = answers => {}
        _ = tokio::io::copy(&mut asks, &mut to) => {}
    }
}

/// In an answer, the port (four bytes) follows the host.
fn rename(frame: &mut [u8], far: SocketAddr, near: SocketAddr) {
    let text = |address: SocketAddr| {
        [
            address.ip().to_string().as_bytes(),
            &u32::from(address.port()).to_be_bytes(),
        ]
        .concat()
    };
    let (far, near) = (text(far), text(near));
    for begin in 0..frame.len().saturating_sub(far.len() - 1) {
        if frame[begin..].starts_with(&far) {
            frame[begin..begin + far.len()].copy_from_slice(&near);
        }
    }
}

/// Asserts that each partition's offsets are in order, each exactly once.
pub fn assert_each_once(records: &[Record]) {
    let mut next: BTreeMap<i32, i64> = BTreeMap::new();
    for record in records {
        let next = next.entry(record.partition).or_default();
        assert_eq!(record.offset, *next, "partition {}", record.partition);
        *next += 1;
    }
}

//! An outbox on a table, a queue and a broker of its own.

use std::{path::PathBuf, time::Duration};

use contract::Topic;
use domain::ProviderRouting;
use kafka::Authentication;
use kafka_client::At;
use local::{
    broker::{self, Broker, RunningBroker},
    records::{From, Produced, Reader},
};
use outbox::{Config, Outbox};
use queue::Message;
use store::Store;
use tokio::time::timeout;

use crate::world::World;

/// Longer than a record takes that the broker has acknowledged.
const PATIENCE: Duration = Duration::from_secs(10);

/// An outbox, and what it publishes and sends.
pub struct Bench {
    /// Its table and its queue.
    pub world: World,
    /// Its table as the functions see it.
    pub store: Store,
    /// The outbox.
    pub outbox: Outbox,
    broker: RunningBroker,
    reader: Reader,
    seen: Vec<Produced>,
}

impl Bench {
    /// An outbox whose pictures the canvas draws.
    pub async fn start() -> Self {
        Self::routed(ProviderRouting::default()).await
    }

    /// An outbox with this routing.
    pub async fn routed(routing: ProviderRouting) -> Self {
        let world = World::start().await;
        let options = broker::Options {
            port: None,
            pom: PathBuf::new(),
            installed: PathBuf::new(),
            line: false,
            iam: None,
        };
        let broker = Broker::Embedded.start(&options).await.unwrap();
        let topics: Vec<&str> = produced().map(Topic::as_str).collect();
        broker.create_topics(&topics).await.unwrap();
        let reader = Reader::start(broker.cluster(), &topics, From::Beginning);
        let reader = reader.await.unwrap();
        let config = Config {
            queue: queue::Config {
                url: world.queue.clone(),
            },
            render_deadline_seconds: 900,
            routing,
            kafka: kafka::Config {
                bootstrap_servers: broker.bootstrap().to_owned(),
                authentication: Authentication::None,
            },
        };
        let outbox = Outbox::new(config, world.store(), &world.config()).unwrap();
        Self {
            store: world.store(),
            world,
            outbox,
            broker,
            reader,
            seen: Vec::new(),
        }
    }

    /// All records that the broker has acknowledged; those of one topic and one tenant are in their
    /// order.
    pub async fn records(&mut self) -> &[Produced] {
        let mut written = 0;
        for topic in produced() {
            let ends = self.broker.cluster().offsets(topic.as_str(), At::Latest);
            written += ends.await.unwrap().values().sum::<i64>();
        }
        while self.seen.len() < usize::try_from(written).unwrap() {
            let next = timeout(PATIENCE, self.reader.next()).await;
            self.seen.push(next.expect("in time").unwrap());
        }
        &self.seen
    }

    /// The values of a topic's records.
    pub async fn values(&mut self, topic: Topic) -> Vec<String> {
        let records = self.records().await.iter();
        let of_topic = records.filter(|record| record.topic == topic.as_str());
        let value = |record: &Produced| String::from_utf8(record.value.clone().unwrap()).unwrap();
        of_topic.map(value).collect()
    }

    /// The messages in the queue that were not received before.
    pub async fn messages(&self) -> Vec<Message> {
        let receive = self.world.sqs.receive_message();
        let receive = receive
            .queue_url(&self.world.queue)
            .max_number_of_messages(10);
        let received = receive.send().await.unwrap();
        let bodies = received
            .messages()
            .iter()
            .map(|message| message.body().unwrap());
        bodies.map(|body| Message::read(body).unwrap()).collect()
    }
}

/// The topics that the studio writes.
fn produced() -> impl Iterator<Item = Topic> {
    Topic::ALL.into_iter().filter(|topic| !topic.is_consumed())
}

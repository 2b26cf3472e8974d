//! Second mappings, which deliver a topic once more.

use std::time::{Duration, Instant};

use local::stack::Stack;
use poller::{Connections, Mapping, Poller};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};

use super::PATIENCE;
use crate::{Error, chance::Chance, deliveries::Deliveries, groups};

/// The second mappings that are running.
#[derive(Debug, Default)]
pub struct Copies {
    running: JoinSet<()>,
}

/// Where a second mapping of a topic begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Where the topic's own mapping would continue.
    WhereItIs,
    /// At the first record.
    AtTheStart,
}

impl Copies {
    /// Delivers a topic a second time for a while, through a mapping like its own with another
    /// consumer group. It goes on until it has delivered a batch, because a mapping that delivers
    /// nothing is no fault.
    pub async fn start(
        &mut self,
        stack: &Stack,
        begin: Begin,
        duration: Duration,
        chance: &mut Chance,
    ) -> Result<Deliveries, Error> {
        let own = chance.one_of(&stack.mappings).clone();
        let copied = Mapping {
            consumer_group: format!("{}-again-{}", own.consumer_group, chance.bits()),
            ..own.clone()
        };
        if begin == Begin::WhereItIs {
            groups::begin_with(stack, &own, &copied).await?;
        }
        let connections = Connections {
            cluster: stack.broker.cluster().clone(),
            bootstrap: stack.broker.bootstrap().to_owned(),
            lambda: stack.clients.lambda.clone(),
            s3: stack.clients.s3.clone(),
        };
        let (sender, reports) = mpsc::unbounded_channel();
        let deliveries = Deliveries::of(reports);
        let counted = deliveries.clone();
        let poller =
            Poller::start(copied, connections, sender).map_err(local::stack::Error::from)?;
        self.running.spawn(async move {
            sleep(duration).await;
            let patience = Instant::now() + PATIENCE;
            while counted.count() == 0 && Instant::now() < patience {
                sleep(Duration::from_millis(200)).await;
            }
            poller.stop().await;
        });
        Ok(deliveries)
    }

    /// Waits until all of them have stopped.
    pub async fn stopped(mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

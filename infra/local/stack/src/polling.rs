//! The pollers of a deployed stack's mappings, in place of AWS's. They follow the mappings' states:
//! a mapping that is disabled is not polled, and one that is enabled again goes on where its
//! consumer group is.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use poller::{Connections, Mapping, Report, What};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bare::Bare;
use crate::broker::RunningBroker;
use crate::clients::Clients;
use crate::emulator::Pace;
use crate::error::Error;
use crate::mapping_metrics::{Measured, emit_lag};
use crate::mappings::{Mappings, States, read_mappings};
use crate::queues::Queues;
use crate::topics::Topics;

/// How often the mappings' states are read. On AWS a change of state takes a minute.
const STATES_EVERY: Duration = Duration::from_secs(1);
/// How often the mappings' metrics are emitted, unless alarms are evaluated more often.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// The pollers of a stack's mappings. Dropping this stops them.
#[derive(Debug)]
pub struct Polling {
    /// The mappings of topics.
    pub(crate) mappings: Vec<Mapping>,
    /// The mappings of queues.
    pub(crate) queues: Arc<Queues>,
    topics: Arc<Topics>,
    lambda: aws_sdk_lambda::Client,
    /// Sends reports as the pollers do.
    reports: UnboundedSender<Report>,
    tasks: JoinSet<()>,
}

/// What the pollers report.
#[derive(Debug)]
pub(crate) struct Reports {
    /// About the mappings of topics.
    pub topics: UnboundedReceiver<Report>,
    /// About the mappings of queues.
    pub queues: UnboundedReceiver<queue_poller::Report>,
}

impl Polling {
    /// Polls the topics and queues of a deployed stack, and invokes its functions.
    ///
    /// # Errors
    /// An [`Error`] if the mappings cannot be read or polled.
    pub async fn start(bare: &Bare, stack: &str, broker: &RunningBroker) -> Result<Self, Error> {
        let (clients, socket) = (bare.clients(), bare.emulator.socket());
        let every = Pace::default().alarms_every;
        // What they report is not read.
        let (mut polling, _) = Self::of(&clients, stack, broker, socket, every).await?;
        polling.begin().await?;
        Ok(polling)
    }

    /// The pollers of a deployed stack, of which none polls yet. `socket` is the emulator's, and
    /// the metrics are emitted as often as alarms are evaluated.
    pub(crate) async fn of(
        clients: &Clients,
        stack: &str,
        broker: &RunningBroker,
        socket: &Path,
        alarms_every: Duration,
    ) -> Result<(Self, Reports), Error> {
        let Mappings {
            topics: mappings,
            queues,
        } = read_mappings(&clients.aws, &clients.lambda, stack).await?;
        let measured = Arc::new(Measured::of(&mappings, &queues, socket.to_owned()));
        let (sender, received) = mpsc::unbounded_channel();
        let (queue_sender, queue_received) = mpsc::unbounded_channel();
        let (onward, topic_reports) = mpsc::unbounded_channel();
        let (queue_onward, queue_reports) = mpsc::unbounded_channel();
        let connections = Connections {
            cluster: broker.cluster().clone(),
            bootstrap: broker.bootstrap().to_owned(),
            lambda: clients.lambda.clone(),
            s3: clients.s3.clone(),
        };
        let topics = Topics::new(mappings.clone(), connections, sender.clone());
        let topics = Arc::new(topics);

        let aws = &clients.aws;
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&measured).topics(received, onward));
        tasks.spawn(Arc::clone(&measured).queues(queue_received, queue_onward));
        tasks.spawn(measured.emit(aws.clone(), METRICS_EVERY.min(alarms_every)));
        tasks.spawn(emit_lag(
            Arc::clone(&topics),
            mappings.clone(),
            broker.cluster().clone(),
            aws.clone(),
            alarms_every,
        ));
        let polling = Self {
            mappings,
            queues: Arc::new(Queues::new(queues, clients, queue_sender)),
            topics,
            lambda: clients.lambda.clone(),
            reports: sender,
            tasks,
        };
        let reports = Reports {
            topics: topic_reports,
            queues: queue_reports,
        };
        Ok((polling, reports))
    }

    /// Polls the mappings that the template enables, and from then on those whose state says so.
    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        self.topics.start().await?;
        self.queues.release().await?;
        self.tasks.spawn(follow(
            self.lambda.clone(),
            Arc::clone(&self.topics),
            Arc::clone(&self.queues),
            self.reports.clone(),
        ));
        Ok(())
    }

    /// Lets the mappings of topics finish their work, and stops.
    pub(crate) async fn stop(mut self) {
        // The states are followed no more, or a mapping would be polled again.
        self.tasks.shutdown().await;
        self.topics.stop().await;
    }
}

/// Polls what the mappings' states say, for ever.
async fn follow(
    lambda: aws_sdk_lambda::Client,
    topics: Arc<Topics>,
    queues: Arc<Queues>,
    reports: UnboundedSender<Report>,
) {
    loop {
        sleep(STATES_EVERY).await;
        // While Lambda does not say them, the states are as they were.
        let Ok(states) = States::read(&lambda).await else {
            continue;
        };
        let (topics, queues) = tokio::join!(topics.follow(&states), queues.follow(&states));
        let problems = [
            topics.err().map(|error| error.to_string()),
            queues.err().map(|error| error.to_string()),
        ];
        for problem in problems.into_iter().flatten() {
            // If the receiver is gone, the report is lost.
            let _ = reports.send(Report {
                topic: Arc::from("mappings"),
                what: What::Trouble { problem },
            });
        }
    }
}

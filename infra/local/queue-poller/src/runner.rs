//! The runner: receives messages, invokes the function, and settles what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use poller::invoke;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::error::Error;
use crate::mapping::QueueMapping;
use crate::message::{event, receives};
use crate::queue::Queue;
use crate::report::{Report, What};
use crate::verdict::{Verdict, verdict};

/// How long [`QueuePoller::stop`] waits for invocations in flight.
const STOP_PATIENCE: Duration = Duration::from_secs(90);
/// The pause after a call of SQS that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// The pauses between two tries to invoke a function that is throttled or not reached. AWS does not
/// document its own.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The clients that a poller uses.
#[derive(Debug, Clone)]
pub struct QueueConnections {
    /// Receives, deletes and shows messages.
    pub sqs: aws_sdk_sqs::Client,
    /// Invokes the function. Each invocation switches the client's retries and timeouts off.
    pub lambda: aws_sdk_lambda::Client,
}

/// A running mapping. Dropping it stops it, too, without waiting for what is in flight.
#[derive(Debug)]
pub struct QueuePoller {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl QueuePoller {
    /// Looks up the mapping's queue and polls it until [`stop`](Self::stop), on the Tokio runtime of
    /// the caller. It sends reports as things happen, and continues if the receiver is gone.
    ///
    /// # Errors
    /// [`Error`] if the mapping is disabled, or its queue cannot be looked up.
    pub async fn start(
        mapping: QueueMapping,
        connections: QueueConnections,
        reports: UnboundedSender<Report>,
    ) -> Result<Self, Error> {
        if !mapping.enabled {
            return Err(Error::Disabled {
                queue: mapping.queue_arn,
            });
        }
        let runner = Runner {
            queue: Queue::look_up(connections.sqs, &mapping.queue_arn).await?,
            lambda: connections.lambda,
            name: Arc::from(mapping.queue()),
            mapping,
            reports,
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(Arc::new(runner).run(stopped));
        Ok(Self { stop, task })
    }

    /// Stops receiving, and waits for a limited time for the invocations in flight. Afterwards no
    /// message that is sent is received.
    pub async fn stop(self) {
        // If the task has already ended, there is nothing to stop.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

struct Runner {
    mapping: QueueMapping,
    queue: Queue,
    name: Arc<str>,
    lambda: aws_sdk_lambda::Client,
    reports: UnboundedSender<Report>,
}

impl Runner {
    async fn run(self: Arc<Self>, mut stopped: oneshot::Receiver<()>) {
        let mut flights = JoinSet::new();
        self.report(What::Started);
        // An error says that the poller was dropped.
        let is_waited_for = loop {
            tokio::select! {
                biased;
                asked = &mut stopped => break asked.is_ok(),
                () = a_place(&mut flights, self.mapping.maximum_concurrency) => {}
            }
            // It is not given up when the poller is stopped, because messages may be on their way.
            match self.queue.receive(self.mapping.batch_size).await {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => {
                    flights.spawn(Arc::clone(&self).handle(messages));
                }
                Err(problem) => {
                    self.report(What::Trouble { problem });
                    if let Ok(asked) = timeout(PAUSE, &mut stopped).await {
                        break asked.is_ok();
                    }
                }
            }
        };
        if !is_waited_for {
            return;
        }
        let landed = async { while flights.join_next().await.is_some() {} };
        // The rest is given up.
        let _ = timeout(STOP_PATIENCE, landed).await;
    }

    /// Invokes the function with messages until it takes them, and settles them.
    async fn handle(self: Arc<Self>, messages: Vec<Message>) {
        let received = Instant::now();
        let payload = event(&messages, &self.mapping.queue_arn);
        let batch: BTreeSet<&str> = messages.iter().filter_map(Message::message_id).collect();
        let mut pause = FIRST_PAUSE;
        loop {
            let started = Instant::now();
            let outcome = invoke(&self.lambda, &self.mapping.function, payload.clone()).await;
            let verdict = verdict(&outcome, &batch, self.mapping.report_batch_item_failures);
            self.report(What::Invoked {
                messages: messages.len(),
                receives: messages.iter().map(receives).max().unwrap_or(1),
                duration: started.elapsed(),
                outcome,
            });
            match verdict {
                Verdict::Ended { kept, why } => return self.settle(&messages, &kept, why).await,
                Verdict::NotTaken { .. } if received.elapsed() + pause < self.queue.visibility => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Verdict::NotTaken { why } => {
                    let all: Vec<&Message> = messages.iter().collect();
                    return self.keep(&all, why, Duration::ZERO).await;
                }
            }
        }
    }

    /// Deletes the messages that are done, and lets the kept ones come again. A message that cannot
    /// be deleted comes again, too.
    async fn settle(&self, messages: &[Message], kept: &BTreeSet<String>, why: String) {
        let (kept, done): (Vec<&Message>, Vec<&Message>) = messages
            .iter()
            .partition(|message| message.message_id().is_some_and(|id| kept.contains(id)));
        match self.queue.delete(&done).await {
            Ok(()) if done.is_empty() => {}
            Ok(()) => self.report(What::Deleted {
                messages: done.len(),
            }),
            Err(problem) => self.keep(&done, problem, self.queue.visibility).await,
        }
        if !kept.is_empty() {
            self.keep(&kept, why, self.queue.visibility).await;
        }
    }

    /// Lets messages come again after a pause, and tries until SQS knows it.
    async fn keep(&self, messages: &[&Message], cause: String, pause: Duration) {
        self.report(What::Kept {
            messages: messages.len(),
            cause,
            pause,
        });
        while let Err(problem) = self.queue.show(messages, pause).await {
            self.report(What::Trouble { problem });
            sleep(PAUSE).await;
        }
    }

    fn report(&self, what: What) {
        // If the receiver is gone, the report is lost, and the poller continues.
        let _ = self.reports.send(Report {
            queue: Arc::clone(&self.name),
            what,
        });
    }
}

/// Waits until there are fewer flights than `most`.
async fn a_place(flights: &mut JoinSet<()>, most: usize) {
    while flights.try_join_next().is_some() {}
    while flights.len() >= most {
        flights.join_next().await;
    }
}

#[cfg(test)]
mod tests;

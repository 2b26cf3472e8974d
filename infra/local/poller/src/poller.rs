//! The runner: reads the topic in the mapping's consumer group, passes records and outcomes to the
//! core, and executes the core's actions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use kafka_client::{Cluster, Event, Member};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::action::{Action, Condition, Discard, Outcome};
use super::batch::Batches;
use super::consumer::{begin_at, member_options, record_of};
use super::delivery::{Delivery, invoke};
use super::error::Error;
use super::mapping::{Mapping, StartingPosition};
use super::payload::{Frame, Record};
use super::report::{Report, What};

/// How long [`Poller::stop`] waits for invocations and deliveries in flight.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two tries to commit.
const COMMIT_PAUSE: Duration = Duration::from_secs(1);
/// How many records the runner takes from the client's queue before it asks the core for actions.
const MOST_AT_ONCE: usize = 1_000;

/// The clients that a poller uses.
#[derive(Debug, Clone)]
pub struct Connections {
    /// The brokers.
    pub cluster: Cluster,
    /// The brokers' addresses in the event's `bootstrapServers`: `host:port`, joined by commas.
    pub bootstrap: String,
    /// Invokes the function. Each invocation switches the client's retries and timeouts off.
    pub lambda: aws_sdk_lambda::Client,
    /// Writes to an on-failure bucket. The client must address buckets as the local S3 does.
    pub s3: aws_sdk_s3::Client,
}

/// A running mapping.
#[derive(Debug)]
pub struct Poller {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Poller {
    /// Joins the mapping's consumer group and polls until [`stop`](Self::stop), on the Tokio
    /// runtime of the caller. It sends reports as things happen, and continues if the receiver is
    /// gone.
    ///
    /// # Errors
    /// [`Error`] if the mapping is disabled.
    pub fn start(
        mapping: Mapping,
        connections: Connections,
        reports: UnboundedSender<Report>,
    ) -> Result<Self, Error> {
        if !mapping.enabled {
            return Err(Error::Disabled {
                topic: mapping.topic,
            });
        }
        let frame = Frame {
            event_source_arn: mapping.event_source_arn.clone(),
            bootstrap_servers: connections.bootstrap,
            topic: mapping.topic.clone(),
        };
        let (mapping, frame) = (Arc::new(mapping), Arc::new(frame));
        let reports = Reports {
            topic: Arc::from(mapping.topic.as_str()),
            sender: reports,
        };
        let delivery = Delivery::new(
            Arc::clone(&mapping),
            Arc::clone(&frame),
            connections.s3,
            connections.cluster.clone(),
        );
        let (stop, mut stopped) = oneshot::channel();
        let task = async move {
            let Some(member) = join(&mapping, &connections.cluster, &reports, &mut stopped).await
            else {
                return;
            };
            let runner = Runner {
                batches: Batches::new(Arc::clone(&mapping), Arc::clone(&frame)),
                mapping,
                frame,
                lambda: connections.lambda,
                delivery: Arc::new(delivery),
                member,
                reports,
                flights: JoinSet::new(),
                uncommitted: BTreeMap::new(),
                commit: Commit::Idle,
                clock: Clock::start(),
            };
            runner.run(stopped).await;
        };
        Ok(Self {
            stop,
            task: tokio::spawn(task),
        })
    }

    /// Stops reading, waits for a limited time for work in flight, commits the resolved records and
    /// leaves the group.
    pub async fn stop(self) {
        // If the task has already ended, there is nothing to stop.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Starts to join the group, at the position that AT_TIMESTAMP asks for. `None` if the poller is
/// stopped first.
async fn join(
    mapping: &Mapping,
    cluster: &Cluster,
    reports: &Reports,
    stopped: &mut oneshot::Receiver<()>,
) -> Option<Member> {
    if let StartingPosition::AtTimestamp(millis) = mapping.start {
        while let Err(error) = begin_at(cluster, mapping, millis).await {
            reports.send(What::Trouble {
                problem: format!("joining the group: {error}"),
            });
            if tokio::time::timeout(COMMIT_PAUSE, &mut *stopped)
                .await
                .is_ok()
            {
                return None;
            }
        }
    }
    Some(Member::join(cluster, member_options(mapping)))
}

#[derive(Clone)]
struct Reports {
    topic: Arc<str>,
    sender: UnboundedSender<Report>,
}

impl Reports {
    fn send(&self, what: What) {
        // If the receiver is gone, the report is lost, and the poller continues.
        let _ = self.sender.send(Report {
            topic: Arc::clone(&self.topic),
            what,
        });
    }
}

/// A wall clock that never goes back, as the core requires.
struct Clock {
    started: Instant,
    wall: i64,
}

impl Clock {
    fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            wall: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn now(&self) -> i64 {
        self.wall + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn instant_of(&self, at: i64) -> Instant {
        self.started + Duration::from_millis(u64::try_from(at - self.wall).unwrap_or(0))
    }
}

/// The state of commits. They run one after the other, because otherwise an earlier one could
/// overwrite a later one.
enum Commit {
    Idle,
    InFlight,
    FailedUntil(Instant),
}

/// A call that ended outside the core.
enum Landing {
    Committed {
        offsets: BTreeMap<i32, i64>,
        result: Result<(), kafka_client::Error>,
    },
    Invoked {
        unit: u64,
        attempt: u32,
        records: usize,
        partitions: Vec<i32>,
        duration: Duration,
        outcome: Outcome,
    },
    Discarded {
        unit: u64,
        records: usize,
        condition: Condition,
        destination: Option<String>,
    },
}

struct Runner {
    batches: Batches,
    mapping: Arc<Mapping>,
    frame: Arc<Frame>,
    lambda: aws_sdk_lambda::Client,
    delivery: Arc<Delivery>,
    member: Member,
    reports: Reports,
    flights: JoinSet<Landing>,
    /// The next offsets by partition that are not committed yet.
    uncommitted: BTreeMap<i32, i64>,
    commit: Commit,
    clock: Clock,
}

impl Runner {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let actions = self.batches.next_actions(self.clock.now());
            self.act(actions);
            self.commit();
            let mut wake = self.batches.wake_at().map(|at| self.clock.instant_of(at));
            if let Commit::FailedUntil(again) = self.commit {
                wake = Some(wake.map_or(again, |wake| wake.min(again)));
            }
            tokio::select! {
                _ = &mut stopped => break,
                event = self.member.next() => {
                    self.take(event);
                    for _ in 1..MOST_AT_ONCE {
                        let Some(event) = self.member.try_next() else { break };
                        self.take(event);
                    }
                }
                Some(landing) = self.flights.join_next() => self.land(landing.expect("a flight does not panic")),
                () = sleep_until(wake) => {}
            }
        }
        self.leave().await;
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => {
                for &partition in &partitions {
                    self.batches.assign(partition);
                }
                self.reports.send(What::Started { partitions });
            }
            Event::Revoked(partitions) => {
                for partition in partitions {
                    self.batches.revoke(partition);
                    self.uncommitted.remove(&partition);
                }
            }
            Event::Record(record) => {
                let action = self.batches.add(record_of(record), self.clock.now());
                self.act(action);
            }
            Event::Trouble(problem) => self.trouble(problem),
        }
    }

    fn land(&mut self, landing: Landing) {
        let actions = match landing {
            Landing::Invoked {
                unit,
                attempt,
                records,
                partitions,
                duration,
                outcome,
            } => {
                let actions = self.batches.settle(unit, outcome.clone(), self.clock.now());
                self.reports.send(What::Invoked {
                    records,
                    partitions,
                    attempt,
                    duration,
                    outcome,
                });
                actions
            }
            Landing::Discarded {
                unit,
                records,
                condition,
                destination,
            } => {
                self.reports.send(What::Discarded {
                    records,
                    condition,
                    destination,
                });
                self.batches.discarded(unit)
            }
            Landing::Committed {
                offsets,
                result: Ok(()),
            } => {
                self.commit = Commit::Idle;
                for (partition, offset) in offsets {
                    self.reports.send(What::Committed { partition, offset });
                }
                return;
            }
            Landing::Committed {
                offsets,
                result: Err(error),
            } => {
                self.commit = Commit::FailedUntil(Instant::now() + COMMIT_PAUSE);
                for (partition, offset) in offsets {
                    if self.batches.is_assigned(partition) {
                        self.uncommitted.entry(partition).or_insert(offset);
                    }
                }
                self.trouble(format!("commit: {error}"));
                return;
            }
        };
        self.act(actions);
    }

    fn act(&mut self, actions: impl IntoIterator<Item = Action>) {
        for action in actions {
            match action {
                Action::Invoke {
                    unit,
                    attempt,
                    records,
                } => self.invoke(unit, attempt, &records),
                Action::Discard { unit, discard } => self.discard(unit, discard),
                Action::Commit { partition, offset } => {
                    self.uncommitted.insert(partition, offset);
                }
                Action::Retrying {
                    records,
                    cause,
                    pause,
                    split,
                } => {
                    let pause = Duration::from_millis(pause.unsigned_abs());
                    self.reports.send(What::Retrying {
                        records,
                        cause: cause.to_string(),
                        pause,
                        split,
                    });
                }
                Action::Pause { partition } => self.member.pause(partition),
                Action::Resume { partition } => self.member.resume(partition),
            }
        }
    }

    fn invoke(&mut self, unit: u64, attempt: u32, records: &[Arc<Record>]) {
        let (lambda, function) = (self.lambda.clone(), self.mapping.function.clone());
        let payload = self.frame.event(records).to_json();
        let partitions = records
            .chunk_by(|one, next| one.partition == next.partition)
            .map(|of| of[0].partition)
            .collect();
        let records = records.len();
        self.flights.spawn(async move {
            let started = Instant::now();
            let outcome = invoke(&lambda, &function, payload).await;
            Landing::Invoked {
                unit,
                attempt,
                records,
                partitions,
                duration: started.elapsed(),
                outcome,
            }
        });
    }

    fn discard(&mut self, unit: u64, discard: Discard) {
        let delivery = Arc::clone(&self.delivery);
        let reports = self.reports.clone();
        let at = Timestamp::from_millisecond(self.clock.now()).expect("now is in the calendar");
        self.flights.spawn(async move {
            let (records, condition) = (discard.records.len(), discard.condition);
            let destination = delivery
                .deliver(&discard, at, |problem| {
                    reports.send(What::Trouble { problem })
                })
                .await;
            Landing::Discarded {
                unit,
                records,
                condition,
                destination,
            }
        });
    }

    fn commit(&mut self) {
        let ready = match self.commit {
            Commit::Idle => true,
            Commit::InFlight => false,
            Commit::FailedUntil(again) => again <= Instant::now(),
        };
        if !ready {
            return;
        }
        self.commit = Commit::Idle;
        if self.uncommitted.is_empty() {
            return;
        }
        let offsets = std::mem::take(&mut self.uncommitted);
        let committed = self.member.commit(offsets.clone());
        self.commit = Commit::InFlight;
        self.flights.spawn(async move {
            Landing::Committed {
                result: committed.await,
                offsets,
            }
        });
    }

    /// Waits for work in flight up to a limit, and leaves the group.
    async fn leave(mut self) {
        let deadline = Instant::now() + STOP_PATIENCE;
        while self.batches.is_busy() || matches!(self.commit, Commit::InFlight) {
            match tokio::time::timeout_at(deadline, self.flights.join_next()).await {
                Ok(Some(landing)) => self.land(landing.expect("a flight does not panic")),
                Ok(None) | Err(_) => break,
            }
        }
        self.flights.abort_all();
        let last = std::mem::take(&mut self.uncommitted);
        if !last.is_empty() {
            match self.member.commit(last.clone()).await {
                Ok(()) => {
                    for (partition, offset) in last {
                        self.reports.send(What::Committed { partition, offset });
                    }
                }
                Err(error) => self.trouble(format!("commit: {error}")),
            }
        }
        self.member.leave().await;
    }

    fn trouble(&self, problem: String) {
        self.reports.send(What::Trouble { problem });
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
pub(super) mod tests;

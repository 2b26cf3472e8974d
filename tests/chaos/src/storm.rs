//! The storm: faults of the functions, of the broker and the line to it, and of AWS's answers, all
//! injected from outside.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use local::{
    mapping::{Mapping, Poller, Sources},
    process,
    proxy::{Action, Fault, Hits, Matches, Moment, Occurrence},
    stack::Stack,
};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};

use crate::{Error, chance::Chance, deliveries::Deliveries, groups};

/// The point at which a function is killed: before or after one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Before a consumer commits its decision.
    BeforeCommit,
    /// After the commit, before the publish.
    BetweenCommitAndPublish,
    /// After the publish, before an execution is started.
    BetweenPublishAndStart,
    /// After an execution is started, before the function answers the batch.
    BeforeTheResponse,
    /// After an attempt is recorded.
    AfterSubmit,
    /// During the upload of the asset.
    DuringUpload,
    /// After the end of a job is committed, before it is published.
    BetweenEndAndPublish,
}

impl Point {
    const OF_CONSUMERS: [Self; 4] = [
        Self::BeforeCommit,
        Self::BetweenCommitAndPublish,
        Self::BetweenPublishAndStart,
        Self::BeforeTheResponse,
    ];
    const OF_COMPLETION: [Self; 3] = [
        Self::AfterSubmit,
        Self::DuringUpload,
        Self::BetweenEndAndPublish,
    ];

    /// The service, the operation, and whether to kill before or after the call.
    fn call(self) -> (&'static str, &'static str, Moment) {
        match self {
            Self::BeforeCommit => ("dynamodb", "TransactWriteItems", Moment::Before),
            Self::BetweenCommitAndPublish | Self::BetweenEndAndPublish => {
                ("dynamodb", "TransactWriteItems", Moment::After)
            }
            Self::BetweenPublishAndStart => ("states", "StartExecution", Moment::Before),
            Self::BeforeTheResponse => ("states", "StartExecution", Moment::After),
            Self::AfterSubmit => ("dynamodb", "PutItem", Moment::After),
            Self::DuringUpload => ("s3", "PutObject", Moment::Before),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeCommit => "before commit",
            Self::BetweenCommitAndPublish => "between commit and publish",
            Self::BetweenPublishAndStart => "between publish and start",
            Self::BeforeTheResponse => "after start, before the response",
            Self::AfterSubmit => "after submit",
            Self::DuringUpload => "during upload",
            Self::BetweenEndAndPublish => "between the end's commit and publish",
        })
    }
}

/// The functions, by folder.
const CONSUMERS: [&str; 4] = [
    "event-created",
    "event-published",
    "cms-published",
    "campaign-launched",
];
const COMPLETION: &str = "completion";

/// A fault to inject.
#[derive(Debug, Clone)]
enum Trouble {
    /// Kill a function at a named point.
    Kill(&'static str, Point),
    /// Kill any process of any function.
    KillAny,
    /// Kill all of them: the next invocations are cold starts.
    KillAll,
    /// Cut the functions' line to the broker.
    Cut(Duration),
    /// Cut it until a batch has been delivered this often.
    CutUntilDelivered(u32),
    /// Delay each piece of data on the line, for a while.
    Slow(Duration, Duration),
    /// Kill the broker as a power cut would, and restart it after this time.
    KillBroker(Duration),
    /// Have a second mapping read a topic from the position of its own one, as in a rebalance:
    /// batches are delivered twice at once.
    DeliverTwice(Duration),
    /// Have a second mapping read a topic from its start.
    Replay(Duration),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(function, point) => write!(f, "{function} is killed {point}"),
            Self::KillAny => write!(f, "a function is killed"),
            Self::KillAll => write!(f, "all functions are killed"),
            Self::Cut(duration) => write!(
                f,
                "the line to the broker is cut for {:.0} s",
                duration.as_secs_f32()
            ),
            Self::CutUntilDelivered(times) => {
                write!(
                    f,
                    "the line to the broker is cut until a batch was delivered {times} times"
                )
            }
            Self::Slow(delay, duration) => {
                write!(
                    f,
                    "the line to the broker takes {} ms more for {:.0} s",
                    delay.as_millis(),
                    duration.as_secs_f32()
                )
            }
            Self::KillBroker(away) => write!(
                f,
                "the broker is killed, and away for {:.0} s",
                away.as_secs_f32()
            ),
            Self::DeliverTwice(duration) => write!(
                f,
                "a topic is delivered twice for {:.0} s",
                duration.as_secs_f32()
            ),
            Self::Replay(duration) => write!(
                f,
                "a topic is read from its start for {:.0} s",
                duration.as_secs_f32()
            ),
        }
    }
}

/// What the storm did.
#[derive(Debug, Default)]
pub struct Log {
    kills: BTreeMap<(&'static str, Point), Vec<Hits>>,
    /// Processes killed at random.
    pub killed_at_random: usize,
    /// How often the line was cut, and how often it was slow.
    pub line: (usize, usize),
    /// How often the broker was killed.
    pub broker: usize,
    /// How often a topic was delivered twice at once, and how often from its start.
    pub repeated: (usize, usize),
    /// The calls that AWS refused.
    refusals: Vec<Hits>,
}

impl Log {
    /// How often each function was killed at each point.
    pub fn kills(&self) -> impl Iterator<Item = (&'static str, Point, u32)> {
        self.kills.iter().map(|((function, point), hits)| {
            (*function, *point, hits.iter().map(Hits::count).sum())
        })
    }

    /// How many calls AWS refused.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.refusals.iter().map(Hits::count).sum()
    }
}

/// The strength of the storm.
#[derive(Debug, Clone, Copy)]
pub struct Force {
    /// How often a batch must be delivered before the long outage ends; `None` for no outage. A
    /// time would not do: a batch that loses a record counts its deliveries from the start, and the
    /// length of a delivery depends on what was killed.
    pub outage: Option<u32>,
}

/// The progress of a run.
#[derive(Debug, Default)]
pub struct Stage {
    /// Every fault of the first round was injected.
    pub dealt: AtomicBool,
    /// Every event is published.
    pub published: AtomicBool,
}

/// How long the storm waits, after publishing, for the faults that were not hit yet.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest outage. If it is too short, the audit reports it.
const LONGEST_OUTAGE: Duration = Duration::from_secs(420);

/// Injects faults until everything is published, and at least for one full round. At the end, every
/// fault is removed.
///
/// # Errors
/// The broker did not come back, or a mapping could not be started.
pub async fn rage(
    stack: &Stack,
    force: Force,
    chance: &mut Chance,
    (stage, deliveries): (&Stage, &Deliveries),
    say: impl Fn(&str),
) -> Result<Log, Error> {
    let mut log = Log {
        refusals: refuse_some(stack),
        ..Log::default()
    };
    let mut copies = Copies::default();
    let mut round = 0;
    while round == 0 || !stage.published.load(Ordering::Relaxed) {
        for (turn, trouble) in deal(round, chance).into_iter().enumerate() {
            if round > 0 && stage.published.load(Ordering::Relaxed) {
                break;
            }
            // The long outage comes once the storm is under way.
            let outage = force
                .outage
                .filter(|_| (round, turn) == (0, 8))
                .map(Trouble::CutUntilDelivered);
            for trouble in outage.into_iter().chain([trouble]) {
                if !matches!(trouble, Trouble::Kill(..) | Trouble::KillAny) {
                    say(&trouble.to_string());
                }
                make(stack, trouble, chance, (&mut log, &mut copies), deliveries).await?;
            }
            sleep(Duration::from_millis(chance.between(200, 2400) as u64)).await;
        }
        round += 1;
        stage.dealt.store(true, Ordering::Relaxed);
    }
    // The calls that the remaining faults wait for are in flight.
    let patience = Instant::now() + PATIENCE;
    while log.kills().any(|(.., kills)| kills == 0) && Instant::now() < patience {
        sleep(Duration::from_millis(200)).await;
    }
    while copies.running.join_next().await.is_some() {}
    stack.proxy.heal();
    Ok(log)
}

/// The faults of one round in random order: every named point once, and the others between. The
/// broker is killed in every second round.
fn deal(round: usize, chance: &mut Chance) -> Vec<Trouble> {
    let mut deck = Vec::new();
    for function in CONSUMERS {
        deck.extend(Point::OF_CONSUMERS.map(|point| Trouble::Kill(function, point)));
    }
    deck.extend(Point::OF_COMPLETION.map(|point| Trouble::Kill(COMPLETION, point)));
    let seconds = |chance: &mut Chance, from: usize, end: usize| {
        Duration::from_millis(chance.between(from * 1000, end * 1000) as u64)
    };
    deck.extend([
        Trouble::KillAny,
        Trouble::KillAny,
        Trouble::KillAny,
        Trouble::KillAll,
        Trouble::Cut(seconds(chance, 1, 18)),
        Trouble::Slow(
            Duration::from_millis(chance.between(20, 300) as u64),
            seconds(chance, 2, 6),
        ),
        Trouble::DeliverTwice(seconds(chance, 5, 15)),
        Trouble::Replay(seconds(chance, 5, 15)),
    ]);
    if round.is_multiple_of(2) {
        deck.push(Trouble::KillBroker(seconds(chance, 1, 5)));
    }
    chance.shuffle(&mut deck);
    deck
}

async fn make(
    stack: &Stack,
    trouble: Trouble,
    chance: &mut Chance,
    (log, copies): (&mut Log, &mut Copies),
    deliveries: &Deliveries,
) -> Result<(), Error> {
    match trouble {
        Trouble::Kill(function, point) => {
            let (service, operation, moment) = point.call();
            let matches = Matches {
                service: Some(service.to_owned()),
                operation: Some(operation.to_owned()),
                function: Some(format!("studio-{function}-local")),
                occurrence: Occurrence::Nth(chance.between(1, 3) as u32),
                ..Matches::default()
            };
            let hits = stack.proxy.inject(Fault {
                matches,
                action: Action::KillCaller(moment),
            });
            log.kills.entry((function, point)).or_default().push(hits);
        }
        Trouble::KillAny => {
            let running: Vec<u32> = stack.proxy.functions().into_keys().collect();
            if !running.is_empty() {
                log.killed_at_random += usize::from(process::kill(*chance.one_of(&running)));
            }
        }
        Trouble::KillAll => {
            for process_id in stack.proxy.functions().into_keys() {
                log.killed_at_random += usize::from(process::kill(process_id));
            }
        }
        Trouble::Cut(duration) => {
            let line = stack.broker.line().ok_or(Error::NoLine)?;
            log.line.0 += 1;
            line.cut();
            sleep(duration).await;
            line.mend();
        }
        Trouble::CutUntilDelivered(times) => {
            let line = stack.broker.line().ok_or(Error::NoLine)?;
            log.line.0 += 1;
            line.cut();
            let begin = Instant::now();
            while deliveries.most() < times && begin.elapsed() < LONGEST_OUTAGE {
                sleep(Duration::from_millis(200)).await;
            }
            line.mend();
        }
        Trouble::Slow(delay, duration) => {
            let line = stack.broker.line().ok_or(Error::NoLine)?;
            log.line.1 += 1;
            line.slow_down(delay);
            sleep(duration).await;
            line.mend();
        }
        Trouble::KillBroker(away) => {
            log.broker += usize::from(stack.broker.kill().await);
            sleep(away).await;
            stack
                .broker
                .restart()
                .await
                .map_err(local::stack::Error::from)?;
        }
        Trouble::DeliverTwice(duration) => {
            log.repeated.0 += 1;
            copy(stack, Begin::WhereItIs, duration, chance, copies).await?;
        }
        Trouble::Replay(duration) => {
            log.repeated.1 += 1;
            copy(stack, Begin::AtTheStart, duration, chance, copies).await?;
        }
    }
    Ok(())
}

/// The second mappings that are running.
#[derive(Debug, Default)]
struct Copies {
    running: JoinSet<()>,
}

/// Where a second mapping of a topic begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// Where the topic's own mapping would continue.
    WhereItIs,
    /// At the first record.
    AtTheStart,
}

/// Delivers a topic a second time for a while, through a mapping like its own with another consumer
/// group.
async fn copy(
    stack: &Stack,
    begin: Begin,
    duration: Duration,
    chance: &mut Chance,
    copies: &mut Copies,
) -> Result<(), Error> {
    let own = chance.one_of(&stack.mappings).clone();
    let copied = Mapping {
        consumer_group: format!("{}-again-{}", own.consumer_group, chance.bits()),
        ..own.clone()
    };
    if begin == Begin::WhereItIs {
        groups::begin_with(stack, &own, &copied).await?;
    }
    let sources = Sources {
        cluster: stack.broker.cluster().clone(),
        bootstrap: stack.broker.bootstrap().to_owned(),
        lambda: stack.clients.lambda.clone(),
        s3: stack.clients.s3.clone(),
    };
    let (reports, _) = mpsc::unbounded_channel();
    let poller = Poller::start(copied, sources, reports).map_err(local::stack::Error::from)?;
    copies.running.spawn(async move {
        sleep(duration).await;
        poller.stop().await;
    });
    Ok(())
}

/// Has AWS refuse one call in so many from now on, as throttled or as failed.
fn refuse_some(stack: &Stack) -> Vec<Hits> {
    [
        ("dynamodb", 41, 400, "ThrottlingException"),
        ("dynamodb", 67, 500, "InternalServerError"),
        ("states", 23, 400, "ThrottlingException"),
        ("states", 59, 500, "InternalServerError"),
        ("s3", 17, 503, "SlowDown"),
        ("s3", 31, 500, "InternalError"),
    ]
    .into_iter()
    .map(|(service, one_in, status, error)| {
        let matches = Matches {
            service: Some(service.to_owned()),
            occurrence: Occurrence::EveryNth(one_in),
            ..Matches::default()
        };
        stack.proxy.inject(Fault {
            matches,
            action: Action::Fail {
                status,
                error: error.to_owned(),
            },
        })
    })
    .collect()
}

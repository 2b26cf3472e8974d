//! The storm: faults of the functions, of the broker and the line to it, and of AWS's answers, all
//! injected from outside.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use fault_proxy::{Action, Fault, Hits, Matches, Moment, Occurrence};
use local::{broker::Line, stack::Stack};
use tokio::time::sleep;

use crate::{
    Error,
    chance::Chance,
    deliveries::Deliveries,
    messages::{self, Lost, Which},
    settle::sweep,
};

mod copies;
mod log;
mod point;
mod trouble;

use copies::{Begin, Copies};
pub use log::{Faults, Log};
use point::{COMPLETION, LINE, RENDER};
pub use point::{Point, deployed, points};
use trouble::{Trouble, deal};

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
    /// How much of the first round's faults is dealt, in thousandths.
    dealt: AtomicUsize,
    /// Every event is published.
    pub published: AtomicBool,
}

impl Stage {
    fn deals(&self, turn: usize, turns: usize) {
        self.dealt.store(1000 * turn / turns, Ordering::Relaxed);
    }

    /// How much of the first round's faults is dealt, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.dealt.load(Ordering::Relaxed) as f64 / 1000.0
    }

    /// Whether every fault of the first round was injected.
    #[must_use]
    pub fn is_dealt(&self) -> bool {
        self.dealt.load(Ordering::Relaxed) == 1000
    }
}

/// How long the storm waits for a fault that has hit nothing yet.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many messages come twice at a time, and how many once more at the end.
const DOUBLED_MESSAGES: usize = 10;
const LATE_MESSAGES: usize = 100;

/// How long it takes until a function gives up publishing, and a little more.
const UNTIL_PUT_OFF: Duration = Duration::from_secs(18);

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
    // A fault needs something to hit.
    wait_until(|| !at_work(stack).is_empty()).await;
    let mut round = 0;
    while round == 0 || !stage.published.load(Ordering::Relaxed) {
        let deck = deal(round, chance);
        let turns = deck.len();
        for (turn, trouble) in deck.into_iter().enumerate() {
            if round == 0 {
                stage.deals(turn, turns);
            }
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
        stage.deals(turns, turns);
    }
    // The calls that the remaining faults wait for are in flight.
    wait_until(|| !log.waits_for_a_kill()).await;
    copies.stopped().await;
    stack.proxy.heal();
    // Long after their jobs have ended.
    log.late = messages::send_again(stack, LATE_MESSAGES, chance).await?;
    Ok(log)
}

/// Waits until `done`, at most for [`PATIENCE`]. If that is too short, the audit reports it.
async fn wait_until(done: impl Fn() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !done() && Instant::now() < patience {
        sleep(Duration::from_millis(200)).await;
    }
}

async fn make(
    stack: &Stack,
    trouble: Trouble,
    chance: &mut Chance,
    (log, copies): (&mut Log, &mut Copies),
    deliveries: &Deliveries,
) -> Result<(), Error> {
    let line = stack.broker.line().ok_or(Error::NoLine)?;
    match trouble {
        Trouble::Kill(function, point) => {
            let hits = kill_at(stack, function, point, chance);
            log.kills.entry((function, point)).or_default().push(hits);
        }
        Trouble::KillAny => {
            let at_work = at_work(stack);
            if !at_work.is_empty() {
                let (process_id, name) = chance.one_of(&at_work).clone();
                log.killed_at_random
                    .extend(processes::kill(process_id).then_some(name));
            }
        }
        Trouble::KillAll => {
            let at_work = at_work(stack).into_iter();
            let killed = at_work.filter(|(process_id, _)| processes::kill(*process_id));
            log.killed_at_random.extend(killed.map(|(_, name)| name));
        }
        Trouble::Cut(duration) => {
            log.cuts += 1;
            line.cut();
            sleep(duration).await;
            line.mend();
        }
        Trouble::CutUntilDelivered(times) => {
            log.cuts += 1;
            line.cut();
            let begin = Instant::now();
            while deliveries.most() < times && begin.elapsed() < LONGEST_OUTAGE {
                sleep(Duration::from_millis(200)).await;
            }
            line.mend();
        }
        Trouble::Slow(delay, duration) => {
            log.slow += 1;
            slow_down(line, delay, duration).await;
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
            let begin = Begin::WhereItIs;
            log.twice
                .push(copies.start(stack, begin, duration, chance).await?);
        }
        Trouble::Replay(duration) => {
            let begin = Begin::AtTheStart;
            log.replayed
                .push(copies.start(stack, begin, duration, chance).await?);
        }
        Trouble::DoubleMessages => {
            log.doubled += messages::send_again(stack, DOUBLED_MESSAGES, chance).await?;
        }
        Trouble::LoseMessages => {
            let lost = messages::lose_some(stack, Which::Any).await?;
            log.lost += lost.messages;
        }
        Trouble::LoseEnds => {
            let lost = lose_ends(stack, line, chance).await?;
            log.lost += lost.messages;
            log.lost_with_ends += lost.with_ends;
        }
        Trouble::CutQueue(calls) => log.queue_cuts.push(cut_queue(stack, calls)),
        Trouble::WakeTwice => {
            // Under the storm a sweep may fail.
            let _ = tokio::join!(sweep(stack), sweep(stack));
            log.woken_twice += 1;
        }
        Trouble::CutWakes(calls) => log.wake_cuts.push(cut_wakes(stack, calls)),
        Trouble::NewerMessage => log.newer.push(messages::send_newer(stack, chance).await?),
    }
    Ok(())
}

/// Cuts the line to the broker until messages are put off because Kafka does not take the ends of
/// their jobs, and loses some of these messages.
async fn lose_ends(stack: &Stack, line: &Line, chance: &mut Chance) -> Result<Lost, Error> {
    wait_until(|| !messages::all(stack).is_empty()).await;
    line.cut();
    let lost = async {
        // Whether their jobs are drawn or not, their ends are to be published.
        messages::send_again(stack, DOUBLED_MESSAGES, chance).await?;
        sleep(UNTIL_PUT_OFF).await;
        messages::lose_some(stack, Which::WithEnds).await
    };
    let lost = lost.await;
    line.mend();
    lost
}

/// The processes of functions whose init phase is over, with the functions' names. If one dies in
/// that phase, the emulator ends all environments of its function, which AWS does not: a few such
/// kills in a row would fail jobs that no six kills have hit.
fn at_work(stack: &Stack) -> Vec<(u32, Arc<str>)> {
    // In the init phase a function only connects, and reads what is not there.
    let connects = |name: &str| {
        let names = ["GetItem", "GetQueueAttributes"];
        names.contains(&name)
    };
    let calls = stack.proxy.calls();
    let works = calls.iter().filter(|call| !connects(&call.operation.name));
    let works: BTreeSet<u32> = works.filter_map(|call| call.process_id).collect();
    let running = stack.proxy.functions().into_iter();
    running
        .filter(|(process_id, _)| works.contains(process_id))
        .collect()
}

/// Has one of the function's next calls of the point kill it.
fn kill_at(stack: &Stack, function: &str, point: Point, chance: &mut Chance) -> Hits {
    let (service, operation, moment) = point.call();
    let puts_off = point == Point::BetweenPutOffAndAnswer;
    if puts_off {
        refuse_uploads(stack);
    }
    // A batch sends all its messages in one call, or in none: its next one may be the only one.
    let nth = match operation {
        "SendMessageBatch" => 1,
        _ => chance.between(1, 3) as u32,
    };
    let matches = Matches {
        service: Some(service.to_owned()),
        operation: Some(operation.to_owned()),
        body_contains: point.body().map(str::to_owned),
        function: Some(deployed(function)),
        occurrence: Occurrence::Nth(nth),
    };
    stack.proxy.inject(Fault {
        matches,
        action: Action::KillCaller(moment),
    })
}

/// Has S3 refuse the next uploads of `render`, enough of them to use up the tries of some.
fn refuse_uploads(stack: &Stack) {
    stack.proxy.inject(Fault {
        matches: Matches {
            service: Some("s3".to_owned()),
            operation: Some("PutObject".to_owned()),
            function: Some(deployed(RENDER)),
            occurrence: Occurrence::First(40),
            ..Matches::default()
        },
        action: Action::Fail {
            status: 503,
            error: "SlowDown".to_owned(),
        },
    });
}

/// Cuts so many of the functions' next calls to the queue.
fn cut_queue(stack: &Stack, calls: u32) -> Hits {
    let matches = Matches {
        service: Some("sqs".to_owned()),
        occurrence: Occurrence::First(calls),
        ..Matches::default()
    };
    stack.proxy.inject(Fault {
        matches,
        action: Action::Cut(Moment::Before),
    })
}

/// Cuts so many of the next looks of `completion` at lines: whose turn it is is not known then, and the
/// slot stays free until a sweep.
fn cut_wakes(stack: &Stack, calls: u32) -> Hits {
    let matches = Matches {
        service: Some("dynamodb".to_owned()),
        operation: Some("Query".to_owned()),
        body_contains: Some(LINE.to_owned()),
        function: Some(deployed(COMPLETION)),
        occurrence: Occurrence::First(calls),
    };
    stack.proxy.inject(Fault {
        matches,
        action: Action::Cut(Moment::Before),
    })
}

/// Slows the line down for a while, and until that has delayed something.
async fn slow_down(line: &Line, delay: Duration, duration: Duration) {
    let before = line.pieces_delayed();
    line.slow_down(delay);
    sleep(duration).await;
    wait_until(|| line.pieces_delayed() > before).await;
    line.mend();
}

/// Has AWS refuse one call in so many from now on, as throttled or as failed.
fn refuse_some(stack: &Stack) -> Vec<(String, Hits)> {
    [
        ("dynamodb", 41, 400, "ThrottlingException"),
        ("dynamodb", 67, 500, "InternalServerError"),
        // Only long jobs have executions.
        ("states", 5, 400, "ThrottlingException"),
        ("states", 7, 500, "InternalServerError"),
        ("sqs", 13, 400, "ThrottlingException"),
        ("sqs", 31, 500, "InternalError"),
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
        let hits = stack.proxy.inject(Fault {
            matches,
            action: Action::Fail {
                status,
                error: error.to_owned(),
            },
        });
        (format!("{service} refused with {error}"), hits)
    })
    .collect()
}

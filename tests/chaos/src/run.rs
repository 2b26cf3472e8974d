//! One run: it publishes, injects faults, sweeps and watches at once; then it settles and audits.

use std::{
    mem,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use contract::{Time, Topic};
use futures::future::join_all;
use local::{
    broker::Broker,
    checkout::Checkout,
    stack::{Options, Stack},
};
use tokio::{sync::mpsc, time::sleep};

use crate::{
    Error,
    audit::{Audit, Evidence, TEN_RETRIES, audit},
    chance::Chance,
    deliveries::Deliveries,
    poison,
    publication::Publication,
    settle::{SWEEP_PAUSE, settle, sweep},
    storm::{self, Force, Log, Stage},
    watch::{States, Watch},
    workload::{Size, Workload},
};

/// The parameters of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed of all random choices.
    pub seed: u64,
    /// The size of the workload.
    pub size: Size,
    /// The shortest time for publishing, because the storm needs events to hit.
    pub over: Duration,
    /// How often a batch must be delivered before the long outage ends; `None` for no outage.
    pub outage: Option<u32>,
    /// The longest time until nothing is in flight after the storm.
    pub within: Duration,
}

impl Plan {
    /// Ten thousand records, and one outage that outlasts ten retries: eight to twelve minutes on
    /// two cores. The emulator's interpreter is one Python thread and manages three jobs per
    /// second. So most records are new versions of known entities, few of which cause a render.
    #[must_use]
    pub fn long(seed: u64) -> Self {
        Self {
            seed,
            size: Size {
                events: 10_000,
                tenants: 200,
                versions: 100,
                titles_percent: 4,
            },
            over: Duration::from_secs(120),
            outage: Some(TEN_RETRIES + 1),
            within: Duration::from_secs(300),
        }
    }

    /// Five hundred records, and the same faults without the outage: about two minutes.
    #[must_use]
    pub fn short(seed: u64) -> Self {
        Self {
            seed,
            size: Size {
                events: 500,
                tenants: 40,
                versions: 12,
                titles_percent: 12,
            },
            over: Duration::from_secs(40),
            outage: None,
            within: Duration::from_secs(240),
        }
    }
}

/// The most open jobs, and the concurrency of `completion`. A step above the limit is throttled and
/// retried, and too many retries would take all the time of the emulator's interpreter, which is
/// one Python thread.
const MOST_OPEN: u32 = 48;

/// The pause between two looks at the jobs' states.
const LOOK_PAUSE: Duration = Duration::from_secs(20);

/// Runs a plan on a stack of its own, and stops the stack. `say` receives the progress.
///
/// # Errors
/// An [`Error`]; a fault that the audit finds is not one.
pub async fn run(checkout: Checkout, plan: &Plan, say: impl Fn(&str)) -> Result<Audit, Error> {
    let mut chance = Chance::of(plan.seed);
    let now = Time::new(jiff::Timestamp::now()).to_string();
    let mut workload = Workload::grow(plan.size, &now, &mut chance.branch());
    let mut examples = poison::examples(&checkout.root)?;
    chance.shuffle(&mut examples);
    workload.lines.push(examples);

    let mut options = Options::new(checkout);
    options.broker = Broker::Apache;
    options.line = true;
    options.wait_scale = 0.1;
    options.render_deadline = Duration::from_secs(30);
    options.completion_concurrency = MOST_OPEN;
    let mut stack = Stack::start(&options).await?;
    append_times(&stack).await.map_err(|source| Error::Kafka {
        doing: "having the broker write times",
        source,
    })?;
    let watch = Watch::start(&stack).await?;
    let deliveries = Deliveries::of(mem::replace(
        &mut stack.reports,
        mpsc::unbounded_channel().1,
    ));
    say(&format!(
        "seed {}: {} records of {} tenants",
        plan.seed,
        records(&workload),
        plan.size.tenants
    ));

    let stage = Stage::default();
    let mut states = States::default();
    let progress = Progress::default();
    let publishing = async {
        publish(&stack, &workload, plan, (&watch, &stage), &progress).await;
        stage.published.store(true, Ordering::Relaxed);
        say("everything is published");
    };
    let telling = async {
        while !stage.published.load(Ordering::Relaxed) {
            sleep(Duration::from_secs(30)).await;
            let (published, opened) = (
                progress.published.load(Ordering::Relaxed),
                progress.opened.load(Ordering::Relaxed),
            );
            say(&format!(
                "{published} published, at least {opened} jobs opened, {} ended",
                watch.ended()
            ));
        }
    };
    let force = Force {
        outage: plan.outage,
    };
    let (log, (), (), (), looked) = tokio::join!(
        storm::rage(&stack, force, &mut chance, (&stage, &deliveries), &say),
        publishing,
        telling,
        sweep_until(&stack, &stage),
        look_until(&stack, &stage, &mut states),
    );
    let log: Log = log?;
    looked?;
    say("the storm is over");
    let unsettled = settle(&stack, &watch, plan.within).await?;
    states.look(&stack).await?;
    say("auditing");
    let produced = watch.stop().await?;
    let deliveries = deliveries.most();
    let outage = plan.outage.is_some();
    let evidence = Evidence {
        workload: &workload,
        produced,
        states: &states,
        log: &log,
        unsettled,
        deliveries,
        outage,
    };
    let audit = audit(&stack, evidence).await;
    stack.stop().await;
    audit
}

fn records(workload: &Workload) -> usize {
    workload
        .lines
        .iter()
        .chain([&workload.last])
        .map(Vec::len)
        .sum()
}

/// Has the broker stamp the studio's records with the time of arrival. Only that time orders
/// records across topics.
async fn append_times(stack: &Stack) -> Result<(), kafka_client::Error> {
    let produced: Vec<&str> = Topic::ALL
        .into_iter()
        .filter(|topic| !topic.is_consumed())
        .map(Topic::as_str)
        .collect();
    stack
        .broker
        .cluster()
        .configure_topics(&produced, &[("message.timestamp.type", "LogAppendTime")])
        .await
}

#[derive(Debug, Default)]
struct Progress {
    published: AtomicUsize,
    opened: AtomicU64,
}

/// Publishes all lines in parallel, spread over the plan's time, and pauses while too many jobs are
/// open. After the storm's first full round it publishes the last line.
async fn publish(
    stack: &Stack,
    workload: &Workload,
    plan: &Plan,
    (watch, stage): (&Watch, &Stage),
    progress: &Progress,
) {
    let (begun, total) = (Instant::now(), records(workload));
    let may = || {
        let elapsed = begun.elapsed().as_secs_f64() / plan.over.as_secs_f64().max(1.0);
        let open = progress
            .opened
            .load(Ordering::Relaxed)
            .saturating_sub(watch.ended() as u64);
        progress.published.load(Ordering::Relaxed) <= (total as f64 * elapsed) as usize
            && open < u64::from(MOST_OPEN)
    };
    let publish_line = async |line: &Vec<Publication>| {
        for publication in line {
            while !may() {
                sleep(Duration::from_millis(100)).await;
            }
            progress.published.fetch_add(1, Ordering::Relaxed);
            publish_one(stack, publication).await;
            progress
                .opened
                .fetch_add(u64::from(publication.opens), Ordering::Relaxed);
        }
    };
    join_all(workload.lines.iter().map(&publish_line)).await;
    while !stage.dealt.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(100)).await;
    }
    publish_line(&workload.last).await;
}

/// Publishes as a reliable producer does: it retries until the broker has the record.
async fn publish_one(stack: &Stack, publication: &Publication) {
    let headers: Vec<(&str, Option<&[u8]>)> = publication
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect();
    let (topic, key, value) = (
        publication.topic.as_str(),
        publication.key.as_deref(),
        publication.value.as_deref(),
    );
    while stack.publish(topic, key, value, &headers).await.is_err() {
        sleep(Duration::from_millis(500)).await;
    }
}

async fn sweep_until(stack: &Stack, stage: &Stage) {
    while !stage.published.load(Ordering::Relaxed) {
        sleep(SWEEP_PAUSE * 2).await;
        sweep(stack).await;
    }
}

async fn look_until(stack: &Stack, stage: &Stage, states: &mut States) -> Result<(), Error> {
    while !stage.published.load(Ordering::Relaxed) {
        sleep(LOOK_PAUSE).await;
        states.look(stack).await?;
    }
    Ok(())
}

//! One run: publish, rage, sweep and watch at once; then settle, and audit.

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

/// What is run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What all chance grows from.
    pub seed: u64,
    /// How much is published.
    pub size: Size,
    /// How long publishing takes at least: a storm needs somebody to hit.
    pub over: Duration,
    /// How often some batch is delivered while the functions cannot reach the broker once, if that
    /// is to be.
    pub outage: Option<u32>,
    /// How long it may take afterwards until nothing is on its way.
    pub within: Duration,
}

impl Plan {
    /// Ten thousand records, and one outage that is longer than ten retries: eight to twelve
    /// minutes on two cores. The emulator, whose interpreter is one thread of Python, takes three
    /// jobs a second; so most records are versions of what is known, of which few have a picture
    /// rendered.
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

/// As many jobs may be open at once, and as many steps be taken. A step that finds no room is
/// throttled and tried again, and if many are, that is all that the emulator's interpreter, one
/// thread of Python, has time for.
const MOST_OPEN: u32 = 48;

/// Between two looks at the jobs' states.
const LOOK_PAUSE: Duration = Duration::from_secs(20);

/// Runs a plan on a stack of its own, and stops that. `say` hears how it goes.
///
/// # Errors
/// An [`Error`]; what the audit finds is none.
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

/// Has the broker stamp what the studio produces with the time when it took it: across topics,
/// nothing else tells what came first.
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

/// Publishes every line, all lines at once, spread over the plan's time and held back while too
/// much is open; then, when the storm has done everything once, what comes last.
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

/// As every producer that means it: again until the broker has it.
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

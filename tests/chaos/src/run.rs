//! One run: it publishes, injects faults, sweeps and watches at once; then it settles and audits.

use std::{
    convert::Infallible,
    mem,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use contract::Time;
use futures::future::join_all;
use local::{
    broker::Broker,
    checkout::Checkout,
    deploy::Providers,
    stack::{Options, Stack},
};
use serde_json::json;
use tokio::{sync::mpsc, time::sleep};

use crate::{
    Error,
    audit::{Audit, Evidence, TEN_RETRIES, World, audit},
    chance::Chance,
    deliveries::Deliveries,
    lines::Lines,
    messages, poison,
    publication::Publication,
    settle::{SWEEP_PAUSE, settle, sweep},
    storm::{self, Force, Log, Stage},
    upgrade::Upgrade,
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
    /// The least number of jobs that its records open.
    pub least_jobs: usize,
    /// Another version's functions, with which it begins; `None` for only one version.
    pub upgrade: Option<Upgrade>,
}

impl Plan {
    /// Ten thousand records, of which more than three thousand cause a render, and one outage that
    /// outlasts ten retries.
    #[must_use]
    pub fn long(seed: u64) -> Self {
        Self {
            seed,
            size: Size {
                events: 10_000,
                tenants: 200,
                versions: 100,
                titles_percent: 36,
                films: 60,
            },
            over: Duration::from_secs(120),
            outage: Some(TEN_RETRIES + 1),
            within: LONG_SETTLED_WITHIN,
            least_jobs: 3_000,
            upgrade: None,
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
                films: 16,
            },
            over: Duration::from_secs(40),
            outage: None,
            within: SETTLED_WITHIN,
            least_jobs: 60,
            upgrade: None,
        }
    }
}

/// The most open jobs: as many as wait in the queue, so that there is always something to kill, to
/// lose and to double.
const MOST_OPEN: u32 = 400;

/// How far publishing may be ahead of the storm's first round, as a share of all records.
const AHEAD: f64 = 0.1;

/// The longest time until nothing is in flight after a short storm: longer than the lease of a slot,
/// whose holder may have died at the end of the storm.
const SETTLED_WITHIN: Duration = Duration::from_secs(420);

/// The same after a long one: longer than the quarter of an hour for which a sweep puts an item
/// behind the others that met trouble.
const LONG_SETTLED_WITHIN: Duration = Duration::from_secs(1080);

/// The slots of the vendor that makes videos: so few that campaigns wait for their turn.
pub const SLOTS: usize = 3;
/// Those that one tenant may have.
pub const SLOTS_OF_A_TENANT: usize = 2;

/// How many invocations of `render` and of `completion` run at once. Each is a process, and they
/// share this machine's processors.
const RENDERS_AT_ONCE: u32 = 8;
const STEPS_AT_ONCE: u32 = 8;

/// The pause between two looks at the jobs' states.
const LOOK_PAUSE: Duration = Duration::from_secs(20);

/// The pause between two looks at the lines of vendors.
const LINES_PAUSE: Duration = Duration::from_secs(1);

/// Runs a plan on a stack of its own, and stops the stack. `say` receives the progress.
///
/// # Errors
/// An [`Error`]; a fault that the audit finds is not one.
pub async fn run(checkout: Checkout, plan: &Plan, say: impl Fn(&str)) -> Result<Audit, Error> {
    let mut chance = Chance::of(plan.seed);
    let workload = workload(plan, &checkout, &mut chance)?;
    let mut stack = Stack::start(&options(checkout)).await?;
    if let Some(upgrade) = &plan.upgrade {
        upgrade.begin(&stack).await?;
    }
    // The audit compares the moment of each with that of an acknowledgement.
    messages::keep(&stack);
    stack.proxy.keep_bodies("states", "StartExecution");
    let watch = Watch::start(&stack).await?;
    let deliveries = Deliveries::of(mem::replace(
        &mut stack.reports,
        mpsc::unbounded_channel().1,
    ));
    let receives = Deliveries::of_queues(mem::replace(
        &mut stack.queue_reports,
        mpsc::unbounded_channel().1,
    ));
    say(&format!(
        "seed {}: {} records of {} tenants, which open at least {} jobs",
        plan.seed,
        workload.records(),
        plan.size.tenants,
        workload.opens()
    ));

    let (mut states, mut lines) = (States::default(), Lines::default());
    let log = storm(
        (&stack, &watch, &deliveries),
        (plan, &workload),
        (&mut states, &mut lines),
        &mut chance,
        &say,
    )
    .await?;
    say("the storm is over");
    let unsettled = settle(&stack, &watch, plan.within).await?;
    states.look(&stack).await?;
    say("reading what it left");
    let world = World::read(&stack, watch.stop().await?).await?;
    let line = stack.broker.line().ok_or(Error::NoLine)?;
    let evidence = Evidence {
        workload: &workload,
        states: &states,
        stood: &lines.stood,
        faults: log.count(
            &stack.proxy.calls(),
            line.connections_cut(),
            line.pieces_delayed(),
        ),
        unsettled,
        deliveries: deliveries.most(),
        receives: receives.most(),
        outage: plan.outage.is_some(),
        least_jobs: plan.least_jobs,
    };
    stack.stop().await;
    Ok(audit(&world, &evidence))
}

/// The events of a plan, and those of `events/lambda` that can never succeed.
fn workload(plan: &Plan, checkout: &Checkout, chance: &mut Chance) -> Result<Workload, Error> {
    let now = Time::new(jiff::Timestamp::now()).to_string();
    let mut workload = Workload::grow(plan.size, &now, &mut chance.branch());
    let mut examples = poison::examples(&checkout.root)?;
    chance.shuffle(&mut examples);
    workload.lines.push(examples);
    Ok(workload)
}

fn options(checkout: Checkout) -> Options {
    let mut options = Options::new(checkout);
    options.broker = Broker::Apache;
    options.line = true;
    options.wait_scale = 0.1;
    options.render_deadline = Duration::from_secs(30);
    options.render_concurrency = RENDERS_AT_ONCE;
    options.completion_concurrency = STEPS_AT_ONCE;
    options.providers = Providers {
        video: "runway".to_owned(),
        audio: "polly".to_owned(),
        ..Providers::default()
    };
    let slots = json!({ "all": SLOTS, "perTenant": SLOTS_OF_A_TENANT });
    options.provider_settings = json!({ "runway": { "inFlight": slots } });
    options
}

/// Publishes, injects faults, sweeps and watches at once, until everything is published and every
/// fault was injected. An error of one ends them all.
async fn storm(
    (stack, watch, deliveries): (&Stack, &Watch, &Deliveries),
    (plan, workload): (&Plan, &Workload),
    (states, lines): (&mut States, &mut Lines),
    chance: &mut Chance,
    say: &impl Fn(&str),
) -> Result<Log, Error> {
    let (stage, progress) = (Stage::default(), Progress::default());
    let publishing = async {
        publish(stack, workload, plan, (watch, &stage), &progress).await;
        stage.published.store(true, Ordering::Relaxed);
        say("everything is published");
        Ok(())
    };
    let force = Force {
        outage: plan.outage,
    };
    let raging = storm::rage(stack, force, chance, (&stage, deliveries), say);
    let upgrading = async {
        match &plan.upgrade {
            Some(upgrade) => upgrade.over_and_back(stack, plan.over / 4, say).await,
            None => Ok(()),
        }
    };
    let until_done = async { tokio::try_join!(raging, publishing, upgrading) };
    let meanwhile = async {
        tokio::try_join!(
            tell(watch, &progress, say),
            sweep_on(stack),
            look_on(stack, states),
            look_at_lines(stack, lines)
        )
    };
    tokio::select! {
        done = until_done => done.map(|(log, (), ())| log),
        Err(error) = meanwhile => Err(error),
    }
}

/// Says how far it is, until the watch fails.
async fn tell(
    watch: &Watch,
    progress: &Progress,
    say: &impl Fn(&str),
) -> Result<Infallible, Error> {
    loop {
        sleep(Duration::from_secs(30)).await;
        if watch.has_ended() {
            return Err(Error::WatchEnded);
        }
        let (published, opened) = (
            progress.published.load(Ordering::Relaxed),
            progress.opened.load(Ordering::Relaxed),
        );
        say(&format!(
            "{published} published, at least {opened} jobs opened, {} ended",
            watch.ended()
        ));
    }
}

async fn sweep_on(stack: &Stack) -> Result<Infallible, Error> {
    loop {
        sleep(SWEEP_PAUSE * 2).await;
        // Under the storm a sweep may fail.
        let _ = sweep(stack).await;
    }
}

async fn look_on(stack: &Stack, states: &mut States) -> Result<Infallible, Error> {
    loop {
        sleep(LOOK_PAUSE).await;
        states.look(stack).await?;
    }
}

async fn look_at_lines(stack: &Stack, lines: &mut Lines) -> Result<Infallible, Error> {
    loop {
        sleep(LINES_PAUSE).await;
        lines.look(stack).await?;
    }
}

#[derive(Debug, Default)]
struct Progress {
    published: AtomicUsize,
    opened: AtomicU64,
}

/// Publishes all lines in parallel, spread over the plan's time, and pauses while too many jobs are
/// open. It does not run ahead of the storm's first round: a fault hits nothing once all is done.
/// After that round it publishes the last line.
async fn publish(
    stack: &Stack,
    workload: &Workload,
    plan: &Plan,
    (watch, stage): (&Watch, &Stage),
    progress: &Progress,
) {
    let (begun, total) = (Instant::now(), workload.records());
    let may = || {
        let elapsed = begun.elapsed().as_secs_f64() / plan.over.as_secs_f64().max(1.0);
        let due = if stage.is_dealt() {
            elapsed
        } else {
            elapsed.min(stage.share() + AHEAD)
        };
        let open = progress
            .opened
            .load(Ordering::Relaxed)
            .saturating_sub(watch.ended() as u64);
        progress.published.load(Ordering::Relaxed) <= (total as f64 * due) as usize
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
    while !stage.is_dealt() {
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

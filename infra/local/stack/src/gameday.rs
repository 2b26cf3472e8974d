//! A game day: starts `make up`, puts each fault into it from outside, and looks whether the right
//! alarm rings, how soon, and whether everything that was asked for comes once the fault is mended
//! and what it left behind is cured with the operator's own commands.
//!
//! It looks at the stack as an operator does: the alarms in CloudWatch, what Kafka's consumers are
//! told, and `studio`. [`fault::Fault`] has the faults.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use processes::Group;
use serde_json::Value;

use crate::aws;
use crate::broker::Broker;
use crate::checkout::Checkout;
use crate::control::control_file;
use crate::log_tail::tail;
use crate::timeline::{Mark, Timeline};

mod bells;
pub mod cause;
pub mod fault;
mod kafka;
mod load;
mod notes;
pub mod place;
pub mod table;

use cause::{CauseError, mend, put_in};
use fault::{Bell, Cure, Fault, Load};
use load::{Plan, Sent, completed};
use place::{NoPlace, Place};
use table::Row;

/// How long the stack may take to be up, the build apart.
const UP_WITHIN: Duration = Duration::from_secs(300);
/// The pause between two looks at the alarms.
const LOOK: Duration = Duration::from_secs(2);
/// How long a fault that heals by itself is watched at least, so that an alarm had its chance.
const WATCHED: Duration = Duration::from_secs(90);
/// How long an alarm of an earlier fault may take to fall silent: the longest looks back for a
/// quarter of an hour.
const SILENT_WITHIN: Duration = Duration::from_secs(1200);

/// How to hold a game day.
#[derive(Debug, Clone)]
pub struct Options {
    /// The checkout, with the built binaries.
    pub checkout: Checkout,
    /// The broker of the stack.
    pub broker: Broker,
    /// The faults, in the order in which they are tried.
    pub faults: Vec<Fault>,
    /// How long each may take until its alarm rings.
    pub within: Duration,
    /// How long what was asked for may take to come once the fault is mended.
    pub cured_within: Duration,
}

/// Why there was no game day.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or a process could not be made.
    #[error("the game day cannot keep its files in {0}")]
    Files(PathBuf, #[source] io::Error),
    /// `make up` ended or was not up in time.
    #[error("`studio-local up` {state}; its log ends:\n{log}")]
    NotUp {
        /// What happened to it.
        state: String,
        /// The end of its log.
        log: String,
    },
    /// The stack cannot be found.
    #[error(transparent)]
    Place(#[from] NoPlace),
    /// An event could not be published or read.
    #[error("Kafka failed before any fault was in")]
    Kafka(#[from] kafka_client::Error),
    /// The examples cannot be read.
    #[error("the contract's examples cannot be read")]
    Examples(#[source] io::Error),
    /// The alarms cannot be read.
    #[error(transparent)]
    Alarms(#[from] aws::Error),
    /// The stack does not work at all.
    #[error("a poster does not come within {} s although no fault is in", UP_WITHIN.as_secs())]
    Sick,
    /// A fault expects an alarm that the stack does not have.
    #[error("the stack has no alarm {0}; it has {1}")]
    NoAlarm(String, String),
}

/// Why one fault could not be tried to its end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Cause(#[from] CauseError),
    #[error("Kafka failed: {0}")]
    Kafka(#[from] kafka_client::Error),
    #[error("the alarms cannot be read: {0}")]
    Alarms(#[from] aws::Error),
    #[error("the example cannot be read: {0}")]
    Examples(#[from] io::Error),
    #[error("`studio {0}` failed: {1}")]
    Studio(String, String),
    #[error("what was there before the fault did not come within {} s", UP_WITHIN.as_secs())]
    NothingBefore,
    #[error("{bell} still rang from an earlier fault after {} s", SILENT_WITHIN.as_secs())]
    StillRinging { bell: String },
}

/// Holds a game day, and returns what came of each fault.
///
/// # Errors
/// An [`Error`] if the stack does not work without a fault.
pub async fn run(options: &Options, timeline: &Timeline) -> Result<Vec<Row>, Error> {
    timeline.wait_for("starting `studio-local up`");
    let mut up = Up::start(&options.checkout, &options.broker)?;
    let place = up.place().await?;
    timeline.rest();
    has_all_bells(&place, &options.faults).await?;
    is_well(&place, &options.checkout).await?;
    timeline.say(Mark::Stack, "the stack is up, and a poster came through it");

    let mut rows = Vec::new();
    let mut left = options.faults.clone();
    while !left.is_empty() {
        let fault = left.remove(next(&left, &bells::ringing(&place).await?));
        timeline.wait_for(format!("{fault}: {}", fault.sentence()));
        let row = tried(&place, fault, options).await;
        timeline.rest();
        let mark = if row.is_right() {
            Mark::Completed
        } else {
            Mark::Failed
        };
        let bell = row.bell.as_deref().unwrap_or("no bell");
        let seconds = row
            .seconds
            .map_or(String::new(), |some| format!(" after {some} s"));
        let lost = row.lost;
        timeline.say(mark, &format!("{fault}: {bell}{seconds}, {lost} lost"));
        rows.push(row);
        if up.has_ended() {
            rows.extend(left.drain(..).map(|fault| {
                let mut row = empty(fault);
                row.trouble = Some("the stack ended in an earlier fault".to_owned());
                row
            }));
        }
    }
    up.stop().await;
    Ok(rows)
}

/// The index of the next fault: the first of which no alarm rings already, else the first.
fn next(left: &[Fault], ringing: &BTreeSet<String>) -> usize {
    let is_quiet = |fault: &Fault| match fault.bell() {
        Bell::OneOf(bells) => !bells.iter().any(|bell| ringing.contains(*bell)),
        Bell::None => ringing.is_empty(),
    };
    left.iter().position(is_quiet).unwrap_or_default()
}

/// `studio-local up` as a process of its own, as a developer starts it.
#[derive(Debug)]
struct Up {
    group: Group,
    env: PathBuf,
    log: PathBuf,
}

impl Up {
    fn start(checkout: &Checkout, broker: &Broker) -> Result<Self, Error> {
        // Its files are deleted with it, if this process is killed.
        let folder = checkout.root.join("target/gameday/up");
        let failed = |source| Error::Files(folder.clone(), source);
        fs::create_dir_all(&folder).map_err(failed)?;
        let (env, log) = (folder.join("up.env"), folder.join("up.log"));
        for old in [&env, &control_file(&env)] {
            match fs::remove_file(old) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::Files(folder, source));
                }
                Ok(()) | Err(_) => {}
            }
        }
        let output = File::create(&log).map_err(failed)?;
        let mut command = Command::new(checkout.binaries.join("studio-local"));
        command
            .current_dir(&checkout.root)
            .args(["up", "--vendors", "--broker", argument(broker)])
            .arg("--venv")
            .arg(&checkout.venv)
            .arg("--env")
            .arg(&env);
        let group = Group::spawn(command, &output, &folder).map_err(failed)?;
        Ok(Self { group, env, log })
    }

    /// Waits until the stack is up.
    async fn place(&mut self) -> Result<Place, Error> {
        let until = Instant::now() + UP_WITHIN;
        // It writes the file with its control port last.
        while !control_file(&self.env).is_file() {
            let state = if self.has_ended() {
                "ended".to_owned()
            } else if Instant::now() > until {
                format!("was not up within {} s", UP_WITHIN.as_secs())
            } else {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            let log = tail(&self.log, 40);
            return Err(Error::NotUp { state, log });
        }
        Ok(Place::of(&self.env)?)
    }

    fn has_ended(&mut self) -> bool {
        self.group.ended().is_ok_and(|status| status.is_some())
    }

    /// Asks the stack to stop, and kills it if it does not.
    async fn stop(mut self) {
        processes::terminate(self.group.id());
        let until = Instant::now() + Duration::from_secs(30);
        while !self.has_ended() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A broker as the command line names it.
fn argument(broker: &Broker) -> &str {
    match broker {
        Broker::Embedded => "embedded",
        Broker::Apache => "apache",
        Broker::External(address) => address,
    }
}

/// Whether the stack has each alarm that a fault expects: a name with a typing error in it would
/// never ring.
async fn has_all_bells(place: &Place, faults: &[Fault]) -> Result<(), Error> {
    let all = bells::all(place).await?;
    for fault in faults {
        if let Bell::OneOf(bells) = fault.bell()
            && let Some(missing) = bells.iter().find(|bell| !all.contains(**bell))
        {
            let there: Vec<&str> = all.iter().map(String::as_str).collect();
            return Err(Error::NoAlarm((*missing).to_owned(), there.join(", ")));
        }
    }
    Ok(())
}

/// Whether a poster comes while no fault is in.
async fn is_well(place: &Place, checkout: &Checkout) -> Result<(), Error> {
    let plan = Plan::of(Load::Posters(1), "tenant-gameday-before", checkout);
    let plan = plan.map_err(Error::Examples)?;
    for sent in &plan.during {
        sent.publish(&place.cluster).await?;
    }
    let until = Instant::now() + UP_WITHIN;
    while completed(&place.cluster, &plan.tenants).await? < plan.assets {
        if Instant::now() > until {
            return Err(Error::Sick);
        }
    }
    Ok(())
}

/// A row of a fault of which nothing is known.
fn empty(fault: Fault) -> Row {
    Row {
        fault: fault.name(),
        bell: None,
        seconds: None,
        right: false,
        others: Vec::new(),
        cured: None,
        lost: 0,
        trouble: None,
    }
}

/// Tries one fault, and always mends it.
async fn tried(place: &Place, fault: Fault, options: &Options) -> Row {
    let mut row = empty(fault);
    let name = format!("tenant-gameday-{fault}");
    let result = match Plan::of(fault.load(), &name, &options.checkout) {
        Ok(plan) => {
            row.lost = plan.assets;
            trial(place, fault, &plan, options, &mut row).await
        }
        Err(error) => Err(error.into()),
    };
    if let Err(trouble) = result {
        row.trouble = Some(trouble.to_string());
        // The next fault finds a stack without this one, as far as that can be.
        if cause::broken(place).is_ok_and(|broken| broken.contains(&fault))
            && let Err(error) = mend(place, fault).await
        {
            row.trouble = Some(format!("{trouble}; and it was not mended: {error}"));
        }
    }
    row
}

async fn trial(
    place: &Place,
    fault: Fault,
    plan: &Plan,
    options: &Options,
    row: &mut Row,
) -> Result<(), Trouble> {
    let rang = silent(place, fault).await?;
    publish(place, &plan.before).await?;
    until_before(place, plan).await?;

    if fault == Fault::BrokerFrozen {
        publish(place, &plan.during).await?;
    }
    let tenant = plan.tenants.first().filter(|_| !plan.before.is_empty());
    put_in(place, fault, tenant.map(String::as_str)).await?;
    let begun = Instant::now();
    tokio::time::sleep(fault.takes_hold_after()).await;
    let during: &[Sent] = match fault {
        // It takes nothing from a producer either, so these records came just before.
        Fault::BrokerFrozen => &[],
        _ => &plan.during,
    };
    tokio::try_join!(
        publish(place, during),
        listen(place, fault, plan, &rang, begun, options.within, row),
    )?;
    mend(place, fault).await?;
    let mended = Instant::now();
    cure(place, fault, plan).await?;
    publish(place, &plan.again).await?;
    if until_all(
        place,
        plan,
        plan.assets,
        (mended, options.cured_within),
        row,
    )
    .await?
        && let Cure::CloseBreaker(provider) = fault.cure()
    {
        let again = fell_back(place, plan, provider).await?;
        let assets = plan.assets + again;
        until_all(place, plan, assets, (mended, options.cured_within), row).await?;
    }
    Ok(())
}

/// Waits until as many assets of the plan came, and writes into the row how many are missing. Returns
/// whether all came.
async fn until_all(
    place: &Place,
    plan: &Plan,
    assets: usize,
    (mended, within): (Instant, Duration),
    row: &mut Row,
) -> Result<bool, Trouble> {
    loop {
        let came = completed(&place.cluster, &plan.tenants).await?;
        row.lost = assets.saturating_sub(came);
        row.cured = (row.lost == 0).then(|| mended.elapsed().as_secs());
        if row.lost == 0 || mended.elapsed() > within {
            return Ok(row.lost == 0);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until none of the alarms of a fault rings, and returns those that ring for others.
async fn silent(place: &Place, fault: Fault) -> Result<BTreeSet<String>, Trouble> {
    let until = Instant::now() + SILENT_WITHIN;
    loop {
        let ringing = bells::ringing(place).await?;
        let still = match fault.bell() {
            Bell::OneOf(bells) => bells.iter().find(|bell| ringing.contains(**bell)).copied(),
            Bell::None => None,
        };
        match still {
            None => return Ok(ringing),
            Some(bell) if Instant::now() > until => {
                return Err(Trouble::StillRinging {
                    bell: bell.to_owned(),
                });
            }
            Some(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn publish(place: &Place, events: &[Sent]) -> Result<(), Trouble> {
    for event in events {
        event.publish(&place.cluster).await?;
    }
    Ok(())
}

/// Waits until what was published before the fault came.
async fn until_before(place: &Place, plan: &Plan) -> Result<(), Trouble> {
    let until = Instant::now() + UP_WITHIN;
    while completed(&place.cluster, &plan.tenants).await? < plan.before.len() {
        if Instant::now() > until {
            return Err(Trouble::NothingBefore);
        }
    }
    Ok(())
}

/// Waits for the right alarm, and writes into the row what rang. `rang` are the alarms that rang
/// before the fault.
async fn listen(
    place: &Place,
    fault: Fault,
    plan: &Plan,
    rang: &BTreeSet<String>,
    begun: Instant,
    within: Duration,
    row: &mut Row,
) -> Result<(), Trouble> {
    let right: &[&str] = match fault.bell() {
        Bell::OneOf(bells) => bells,
        Bell::None => &[],
    };
    let mut others = BTreeSet::new();
    loop {
        for bell in bells::ringing(place).await?.difference(rang) {
            if right.contains(&bell.as_str()) {
                row.seconds.get_or_insert(begun.elapsed().as_secs());
                row.bell.get_or_insert_with(|| bell.clone());
            } else {
                others.insert(bell.clone());
            }
        }
        let has_healed = right.is_empty()
            && begun.elapsed() > WATCHED
            && completed(&place.cluster, &plan.tenants).await? >= plan.assets;
        if row.bell.is_some() || has_healed || begun.elapsed() > within {
            row.right = if right.is_empty() {
                others.is_empty()
            } else {
                row.bell.is_some()
            };
            row.others = others.into_iter().collect();
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Cures what the fault left behind, with the operator's commands.
async fn cure(place: &Place, fault: Fault, plan: &Plan) -> Result<(), Trouble> {
    match fault.cure() {
        Cure::None => {}
        Cure::CloseBreaker(provider) => {
            studio(
                place,
                &["providers", "close-breaker", provider, "--execute"],
            )
            .await?;
        }
        Cure::Resubmit => {
            for tenant in &plan.tenants {
                resubmit(place, tenant).await?;
            }
        }
        Cure::Redrive => {
            for tenant in &plan.tenants {
                let redrive = ["dead-letters", "redrive", "--tenant", tenant, "--execute"];
                studio(place, &redrive).await?;
            }
        }
        Cure::SendAgain => {
            for tenant in &plan.tenants {
                let discard = ["dead-letters", "discard", "--tenant", tenant, "--execute"];
                studio(place, &discard).await?;
            }
        }
    }
    Ok(())
}

/// Makes again what another provider made instead of `provider`. Returns how many.
async fn fell_back(place: &Place, plan: &Plan, provider: &str) -> Result<usize, Trouble> {
    let mut again = 0;
    for tenant in &plan.tenants {
        let resubmit = [
            "--json",
            "jobs",
            "resubmit",
            "--degraded",
            "--provider",
            provider,
            "--tenant",
            tenant,
            "--execute",
        ];
        let said = studio(place, &resubmit).await?;
        let pages = said
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        again += pages
            .map(|page| aws::members(&page["jobs"]).len())
            .sum::<usize>();
    }
    Ok(again)
}

/// Makes the failed jobs of a tenant again.
async fn resubmit(place: &Place, tenant: &str) -> Result<(), Trouble> {
    let list = [
        "--json", "jobs", "list", "--tenant", tenant, "--state", "failed",
    ];
    let listed = studio(place, &list).await?;
    let ids: Vec<String> = listed
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .flat_map(|page| page["jobs"].as_array().cloned().unwrap_or_default())
        .filter_map(|job| job["id"].as_str().map(str::to_owned))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut again = vec!["jobs", "resubmit", "--tenant", tenant, "--execute"];
    again.extend(ids.iter().map(String::as_str));
    studio(place, &again).await.map(drop)
}

/// Runs a command of `studio` on the stack, and returns what it printed.
async fn studio(place: &Place, arguments: &[&str]) -> Result<String, Trouble> {
    let said = arguments.join(" ");
    let failed = |why: String| Trouble::Studio(said.clone(), why);
    let mut command = command_of_studio(&place.env).map_err(|error| failed(error.to_string()))?;
    command.args(arguments);
    let ran = tokio::task::spawn_blocking(move || command.output());
    let Output {
        status,
        stdout,
        stderr,
    } = ran
        .await
        .map_err(io::Error::other)
        .and_then(|ran| ran)
        .map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(String::from_utf8_lossy(&stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// `studio`, beside this program, for the stack that wrote `env`.
fn command_of_studio(env: &Path) -> io::Result<Command> {
    let mut command = Command::new(Checkout::find()?.binaries.join("studio"));
    command.arg(format!("--local={}", env.display()));
    Ok(command)
}

/// Publishes what a fault that is only a producer's consists of, for `studio-local break`. Returns
/// the number of events.
///
/// # Errors
/// An [`io::Error`] if the examples cannot be read, or the broker does not take an event.
pub async fn produce(place: &Place, fault: Fault, checkout: &Checkout) -> io::Result<usize> {
    let now = jiff::Timestamp::now().as_millisecond();
    let plan = Plan::of(fault.load(), &format!("tenant-break-{now}"), checkout)?;
    for event in &plan.during {
        let published = event.publish(&place.cluster).await;
        published.map_err(io::Error::other)?;
    }
    Ok(plan.during.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_while_one_of_its_alarms_rings_for_another() {
        let left = [Fault::MappingDisabled, Fault::WrongTable, Fault::ClockAhead];
        let ringing = |bells: &[&str]| bells.iter().map(|bell| (*bell).to_owned()).collect();
        assert_eq!(next(&left, &ringing(&[])), 0);
        assert_eq!(next(&left, &ringing(&["nothing-taken"])), 2);
        assert_eq!(next(&left, &ringing(&["nothing-taken", "older-events"])), 0);
        assert_eq!(
            next(&[Fault::Burst, Fault::ClockAhead], &ringing(&["lag"])),
            1
        );
    }
}

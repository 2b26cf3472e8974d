//! `studio-local`: the local stack's command line.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use contract::{Topic, printable};
use local::bare::Bare;
use local::broker::Broker;
use local::checkout::Checkout;
use local::demo;
use local::deploy::Providers;
use local::emulator::{Pace, Transport};
use local::gameday;
use local::gameday::cause;
use local::gameday::fault::{Bell, Cure, Fault};
use local::gameday::place::Place;
use local::input::Input;
use local::logs::Wanted;
use local::provoke::{self, Alarm};
use local::publish;
use local::stack::Options;
use local::timeline::Timeline;
use local::up;
use local::waits;
use operations::consumed_topic;
use tokio::signal::unix::{SignalKind, signal};

/// The studio's event functions on one machine: the real binaries and the real template, without an
/// AWS account and without Docker.
///
/// `demo` follows one event through them; `up` keeps the same stack running, so that you can
/// publish to it.
#[derive(Debug, Parser)]
#[command(name = "studio-local", max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish one event, show how its assets are made, and keep them in target/demo.
    ///
    /// Starts a stack of its own on free ports, and stops it at the end. Leaves
    /// target/demo/assets/*.png and target/demo/events.jsonl, which has a line for each produced
    /// record as a consumer reads it. Exits with 0 if every render job that the event opened is
    /// completed and nothing was produced twice.
    Demo {
        /// Your own CloudEvent, as a file or `-` for standard input. It is published unchanged to
        /// the topic that its `type` names.
        #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
        event: Option<PathBuf>,
        /// Publish the example of this topic: event.created, event.published, cms.published or
        /// campaign.launched.
        #[arg(long, default_value = "event.created", value_parser = consumed_topic, conflicts_with = "event")]
        topic: Topic,
        /// Give up after this number of seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        within: u64,
        #[command(flatten)]
        stack: StackArguments,
    },
    /// Clone the contract's example of a voice, from its samples to a spot that the ready voice
    /// speaks, with the sandbox as the vendor.
    ///
    /// Also plays the voice's owner, who reads aloud the text that the vendor asks for. The waits
    /// between two requests to the vendor last minutes on AWS; here they are cut to a hundredth.
    /// Leaves target/demo/events.jsonl, the spot, and the text that the owner had to read.
    Voice {
        /// Give up after this number of seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        within: u64,
        #[command(flatten)]
        stack: StackArguments,
    },
    /// Start the stack, show what happens on it, and run it until Ctrl-C.
    ///
    /// Uses port 9092 for Kafka, 4566 for AWS and 4567 for the console if they are free. Prints how
    /// to look at the stack, publish to it, read from it and run a function against it.
    Up {
        /// Begin with what the last stack kept, and keep it again at the end: the table, the
        /// buckets, the topics and the consumers' positions, in target/up.kept.
        #[arg(long)]
        keep: bool,
        /// The file to write with the stack's addresses, for a shell and for `studio --local`
        /// [default: target/up.env].
        #[arg(long, value_name = "FILE")]
        env: Option<PathBuf>,
        #[command(flatten)]
        stack: StackArguments,
    },
    /// Start only the AWS emulator, print the environment of a shell that uses it, and run it until
    /// Ctrl-C.
    ///
    /// In such a shell, `make deploy STAGE=staging` deploys to it with the same `sam` and `aws` as
    /// to AWS. What is deployed ends with the emulator.
    Aws {
        /// The port to listen on [default: any free port].
        #[arg(long)]
        port: Option<u16>,
    },
    /// Provoke an alarm on one of our own metrics, and wait until the metric passes the alarm's
    /// threshold.
    ///
    /// ALARM is the alarm's entry in docs/runbook.md. Only the functions write the metric.
    Provoke {
        /// dead-letters, put-off, breaker, jobs-fail, event-to-asset, spend or undrawn.
        alarm: Alarm,
        #[command(flatten)]
        stack: StackArguments,
    },
    /// Put a fault into the stack that `up` keeps running, for a person to find and cure.
    ///
    /// The fault comes from outside, as it would on AWS: through AWS's API, through Kafka, in what a
    /// producer sends, or in what a dependency answers. Without a FAULT, this lists all of them
    /// with the alarm that is to ring, and says which are in. `mend` takes it out again.
    #[command(after_help = BREAK_HELP)]
    Break {
        /// The fault; without one, all are listed.
        fault: Option<Fault>,
        /// The file that `up` wrote [default: target/up.env].
        #[arg(long, value_name = "FILE")]
        env: Option<PathBuf>,
    },
    /// Take a fault out of the stack that `up` keeps running, and say what cures what it left.
    ///
    /// Without a FAULT, all that are in.
    Mend {
        /// The fault; without one, all that are in.
        fault: Option<Fault>,
        /// The file that `up` wrote [default: target/up.env].
        #[arg(long, value_name = "FILE")]
        env: Option<PathBuf>,
    },
    /// Put each fault into a stack of its own, one after another, and print for each: the bell, the
    /// seconds until it rang, whether it was the right one, whether a cure brought everything, and
    /// what was lost.
    ///
    /// Runs for two to four hours, without anybody's help. Exits with 0 if every row is right.
    #[command(after_help = GAMEDAY_HELP)]
    Gameday {
        /// Only these faults; by default all, those for Apache Kafka only on it.
        #[arg(value_name = "FAULT")]
        faults: Vec<Fault>,
        /// How long each may take until its alarm rings, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 1500)]
        within: u64,
        /// How long what was asked for may take to come once the fault is mended, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
        cured_within: u64,
        /// `apache`, `embedded`, or the `host:port` of a broker that already runs.
        #[arg(long, default_value = "apache")]
        broker: Broker,
        /// Print the rows as JSON, one line for each, instead of the table.
        #[arg(long)]
        json: bool,
    },
    /// Publish one event to the stack that `up` keeps running, and say what came of it.
    ///
    /// Waits until its consumer has taken it and its jobs have ended. Exits with 0 if all of them
    /// completed, or if it changed nothing; with 1 if it became a dead letter, if a job failed, or if
    /// the time is up.
    Publish {
        /// Your own CloudEvent, as a file or `-` for standard input. It is published unchanged to
        /// the topic that its `type` names.
        #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
        event: Option<PathBuf>,
        /// Publish the example of this topic: event.created, event.published, cms.published or
        /// campaign.launched.
        #[arg(long, default_value = "event.created", value_parser = consumed_topic, conflicts_with = "event")]
        topic: Topic,
        /// Only publish it.
        #[arg(long)]
        no_wait: bool,
        /// Wait for this number of seconds at most.
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 120,
            conflicts_with = "no_wait"
        )]
        within: u64,
        /// The file that `up` wrote [default: target/up.env].
        #[arg(long, value_name = "FILE")]
        env: Option<PathBuf>,
    },
    /// Print the functions' logs on the stack that `up` keeps running.
    ///
    /// The lines are those that CloudWatch Logs has on AWS: JSON, with the metrics among them.
    Logs {
        /// Only the functions with this in their names, such as `event-created`.
        #[arg(default_value = "")]
        function: String,
        /// Write the lines for people, and leave out those that say nothing.
        #[arg(long)]
        pretty: bool,
        /// Wait for new lines until Ctrl-C.
        #[arg(long, short)]
        follow: bool,
        /// The file that `up` wrote [default: target/up.env].
        #[arg(long, value_name = "FILE")]
        env: Option<PathBuf>,
    },
    /// Count how often a consumer waits on the network for one batch, and measure its memory.
    ///
    /// Invokes the warm consumer of eventzr.event.created.v1 once with first-seen events, while the
    /// proxy delays each of its calls. A call that waits for another shows up in the chains of
    /// calls and in the elapsed time.
    Waits {
        /// The number of events in the batch.
        #[arg(long, default_value_t = 100)]
        events: u32,
        /// The delay of each call, in milliseconds.
        #[arg(long, value_name = "MILLISECONDS", default_value_t = 100)]
        delay: u64,
        #[command(flatten)]
        stack: StackArguments,
    },
}

const BREAK_HELP: &str = "\
An exercise for two, with `make up VENDORS=1 BROKER=apache` in a terminal of its own:
  studio-local break mapping-disabled     one puts a fault in
  make publish NO_WAIT=1                  and publishes, as a producer would
  aws cloudwatch describe-alarms --state-value ALARM --query 'MetricAlarms[].AlarmName'
                                          the other starts with docs/runbook.md
  studio-local mend                       and takes it out once the cause is found";

const GAMEDAY_HELP: &str = "\
Examples:
  studio-local gameday
  studio-local gameday mapping-disabled wrong-table --within 300
  studio-local gameday --json >gameday.jsonl";

#[derive(Debug, Args)]
struct StackArguments {
    /// `embedded` (in this process), `apache` (real Apache Kafka: needs Java 17 and Maven), or the
    /// `host:port` of a broker that already runs.
    #[arg(long, default_value = "embedded")]
    broker: Broker,
    /// The Python environment of the emulator, installed from infra/local/requirements.txt
    /// [default: target/venv].
    #[arg(long, value_name = "FOLDER")]
    venv: Option<PathBuf>,
    /// Use vendors, which the sandbox plays: for pictures under the text, videos, and spoken spots.
    #[arg(long)]
    vendors: bool,
    /// How many seconds a render may take before the sweep checks it.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    render_deadline: u64,
    /// How often alarms are evaluated, in seconds. CloudWatch does it every minute.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    alarms_every: u64,
}

impl StackArguments {
    fn options(self) -> std::io::Result<Options> {
        let mut options = Options::new(Checkout::find()?);
        options.broker = self.broker;
        if self.vendors {
            options.providers = Providers {
                image: "openai,studio-canvas".to_owned(),
                video: "runway".to_owned(),
                audio: "elevenlabs,polly".to_owned(),
                voice: "elevenlabs".to_owned(),
            };
        }
        options.render_deadline = Duration::from_secs(self.render_deadline);
        options.alarms_every = Duration::from_secs(self.alarms_every);
        if let Some(venv) = self.venv {
            options.checkout.venv = std::path::absolute(venv)?;
        }
        Ok(options)
    }
}

fn input(event: Option<PathBuf>, topic: Topic) -> Input {
    match event {
        None => Input::Example(topic),
        Some(path) if path.as_os_str() == "-" => Input::Stdin,
        Some(path) => Input::File(path),
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if is_set("MAKELEVEL") && error.use_stderr() => return misused(&error),
        Err(error) => error.exit(),
    };
    let no_color = is_set("NO_COLOR");
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let code = runtime.block_on(run(arguments.command, no_color));
    // Do not wait for tasks that hang on a broker that does not answer.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

#[expect(
    clippy::disallowed_methods,
    reason = "a command line asks once what its user wants, and this is where"
)]
fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// What is wrong with the arguments that `make` passed on, for a person who called `make`.
fn misused(error: &clap::Error) -> ExitCode {
    eprintln!(
        "studio-local: {}",
        without_usage(&error.render().to_string())
    );
    ExitCode::from(2)
}

/// What clap says, without how to call the program, which the reader did not call.
fn without_usage(said: &str) -> String {
    let said = said.strip_prefix("error: ").unwrap_or(said);
    let of_usage = |part: &&str| {
        let part = part.trim_start();
        !part.starts_with("Usage:") && !part.starts_with("For more information")
    };
    let parts: Vec<&str> = said.split("\n\n").filter(of_usage).collect();
    parts.join("\n\n").trim_end().to_owned()
}

/// How a command ended.
type Done = Result<(), Box<dyn Error>>;

async fn run(command: Command, no_color: bool) -> ExitCode {
    let timeline = Timeline::start(no_color);
    let done = match command {
        Command::Demo {
            event,
            topic,
            within,
            stack,
        } => stoppable(demo(input(event, topic), within, stack, &timeline)).await,
        Command::Voice { within, stack } => stoppable(voice(within, stack, &timeline)).await,
        Command::Provoke { alarm, stack } => stoppable(provoked(alarm, stack, &timeline)).await,
        Command::Waits {
            events,
            delay,
            stack,
        } => stoppable(measured(events, delay, stack, &timeline)).await,
        Command::Gameday {
            faults,
            within,
            cured_within,
            broker,
            json,
        } => {
            let chosen = (faults, broker);
            stoppable(game_day(chosen, (within, cured_within), json, &timeline)).await
        }
        Command::Break { fault, env } => Some(broken(fault, env).await),
        Command::Mend { fault, env } => Some(mended(fault, env).await),
        Command::Logs {
            function,
            pretty,
            follow,
            env,
        } => {
            let wanted = Wanted {
                function,
                pretty,
                follow,
            };
            stoppable(logs(wanted, env)).await
        }
        // These two stop in order by themselves.
        Command::Up { keep, env, stack } => Some(up(keep, env, stack, &timeline).await),
        Command::Aws { port } => Some(aws(port).await),
        Command::Publish {
            event,
            topic,
            no_wait,
            within,
            env,
        } => {
            let within = (!no_wait).then(|| Duration::from_secs(within));
            stoppable(publish(input(event, topic), within, env, &timeline)).await
        }
    };
    timeline.rest();
    match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => failed(&*error),
        None => ExitCode::from(130),
    }
}

/// Runs a command until it ends, or until the user asks to stop: then `None`. Dropping the command
/// stops everything that it started.
async fn stoppable(command: impl Future<Output = Done>) -> Option<Done> {
    tokio::select! {
        done = command => Some(done),
        () = asked_to_stop() => None,
    }
}

async fn demo(input: Input, within: u64, stack: StackArguments, timeline: &Timeline) -> Done {
    let within = Duration::from_secs(within);
    Ok(demo::event::run(&stack.options()?, input, within, timeline).await?)
}

async fn voice(within: u64, stack: StackArguments, timeline: &Timeline) -> Done {
    let mut options = stack.options()?;
    options.providers.voice = "elevenlabs".to_owned();
    options.providers.audio = "elevenlabs".to_owned();
    options.wait_scale = 0.01;
    Ok(demo::voice::run(&options, Duration::from_secs(within), timeline).await?)
}

async fn provoked(alarm: Alarm, stack: StackArguments, timeline: &Timeline) -> Done {
    provoke::provoke(alarm, stack.options()?, timeline).await?;
    Ok(())
}

async fn measured(events: u32, delay: u64, stack: StackArguments, timeline: &Timeline) -> Done {
    timeline.wait_for("measuring");
    let delay = Duration::from_millis(delay);
    let waits = waits::measure(&stack.options()?, events, delay).await?;
    timeline.rest();
    println!("{waits}");
    Ok(())
}

async fn up(keep: bool, env: Option<PathBuf>, stack: StackArguments, timeline: &Timeline) -> Done {
    let mut options = stack.options()?;
    options.kept = keep.then(|| options.checkout.kept());
    let env = env.map_or_else(|| Ok(options.checkout.env()), std::path::absolute)?;
    Ok(up::run(options, env, asked_to_stop(), timeline).await?)
}

async fn aws(port: Option<u16>) -> Done {
    let mut until = std::pin::pin!(asked_to_stop());
    let checkout = Checkout::find()?;
    let bare = tokio::select! {
        bare = Bare::start(&checkout, port, Pace::default(), Transport::Tls) => bare?,
        () = &mut until => return Ok(()),
    };
    for (name, value) in bare.variables() {
        println!("export {name}='{value}'");
    }
    until.await;
    bare.emulator.stop();
    Ok(())
}

/// The faults that were chosen, else all; those for Apache Kafka only where it is the broker.
fn chosen(faults: Vec<Fault>, broker: &Broker) -> Vec<Fault> {
    if !faults.is_empty() {
        return faults;
    }
    Fault::all()
        .filter(|fault| *broker == Broker::Apache || !fault.needs_apache_kafka())
        .collect()
}

async fn game_day(
    (faults, broker): (Vec<Fault>, Broker),
    (within, cured_within): (u64, u64),
    json: bool,
    timeline: &Timeline,
) -> Done {
    let options = gameday::Options {
        checkout: Checkout::find()?,
        faults: chosen(faults, &broker),
        broker,
        within: Duration::from_secs(within),
        cured_within: Duration::from_secs(cured_within),
    };
    let rows = gameday::run(&options, timeline).await?;
    if json {
        for row in &rows {
            println!("{}", serde_json::to_string(row)?);
        }
    } else {
        println!("\n{}", gameday::table::table(&rows));
    }
    let wrong = rows.iter().filter(|row| !row.is_right()).count();
    if wrong > 0 {
        return Err(format!("{wrong} of {} rows are wrong", rows.len()).into());
    }
    Ok(())
}

fn place(env: Option<PathBuf>) -> Result<(Checkout, Place), Box<dyn Error>> {
    let checkout = Checkout::find()?;
    let env = env.unwrap_or_else(|| checkout.env());
    let place = Place::of(&env)?;
    Ok((checkout, place))
}

async fn broken(fault: Option<Fault>, env: Option<PathBuf>) -> Done {
    let Some(fault) = fault else {
        // The list needs no stack.
        let broken = place(env)
            .ok()
            .and_then(|(_, place)| cause::broken(&place).ok())
            .unwrap_or_default();
        for fault in Fault::all() {
            let state = if broken.contains(&fault) { "  IN" } else { "" };
            println!(
                "{fault}{state}\n    {}\n    {}",
                fault.sentence(),
                rings(fault)
            );
        }
        return Ok(());
    };
    let (checkout, place) = place(env)?;
    cause::put_in(&place, fault, None).await?;
    println!("{fault} is in. {}", fault.sentence());
    if fault.is_of_a_producer() {
        let events = gameday::produce(&place, fault, &checkout).await?;
        println!("{events} events are published.");
    } else {
        println!("Publish, as a producer would: make publish NO_WAIT=1");
    }
    println!("{}", rings(fault));
    Ok(())
}

/// The alarm that is to ring.
fn rings(fault: Fault) -> String {
    match fault.bell() {
        Bell::OneOf(bells) => format!("rings {}", bells.join(" or ")),
        Bell::None => "rings nothing: it heals by itself".to_owned(),
    }
}

async fn mended(fault: Option<Fault>, env: Option<PathBuf>) -> Done {
    let (_, place) = place(env)?;
    let faults = match fault {
        Some(fault) => vec![fault],
        None => cause::broken(&place)?,
    };
    if faults.is_empty() {
        println!("nothing is broken");
    }
    for fault in faults {
        cause::mend(&place, fault).await?;
        println!("{fault} is out. {}", cure(fault));
    }
    Ok(())
}

/// What cures what a fault left behind.
fn cure(fault: Fault) -> String {
    match fault.cure() {
        Cure::None => "The rest comes by itself.".to_owned(),
        Cure::CloseBreaker(provider) => format!(
            "The breaker is still open: studio --local providers close-breaker {provider} --execute. \
             What another provider made instead is made again: studio --local jobs resubmit \
             --degraded --provider {provider} --since 1d --execute"
        ),
        Cure::Resubmit => "Jobs that failed are made again: \
             studio --local jobs list --tenant <TENANT> --state failed, then jobs resubmit"
            .to_owned(),
        Cure::Redrive => "The dead letters are redriven: \
             studio --local dead-letters redrive --tenant <TENANT> --execute"
            .to_owned(),
        Cure::SendAgain => "The producer sends the events again, corrected; the dead letters: \
             studio --local dead-letters discard --tenant <TENANT> --execute"
            .to_owned(),
    }
}

async fn publish(
    input: Input,
    within: Option<Duration>,
    env: Option<PathBuf>,
    timeline: &Timeline,
) -> Done {
    let checkout = Checkout::find()?;
    let env = env.unwrap_or_else(|| checkout.env());
    Ok(publish::run(&checkout, input, &env, within, timeline).await?)
}

async fn logs(wanted: Wanted, env: Option<PathBuf>) -> Done {
    let checkout = Checkout::find()?;
    let env = env.unwrap_or_else(|| checkout.env());
    Ok(local::logs::run(&wanted, &env).await?)
}

/// Waits for Ctrl-C, SIGTERM, or the end of the terminal.
async fn asked_to_stop() {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    );
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Prints an error with its causes, each once. What it quotes steers no terminal.
fn failed(error: &(dyn Error + 'static)) -> ExitCode {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let sentence = error.to_string();
        if !text.contains(&sentence) {
            text = format!("{text}: {sentence}");
        }
        cause = error.source();
    }
    let lines: Vec<String> = text.lines().map(printable).collect();
    eprintln!("studio-local: {}", lines.join("\n"));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_demo_takes_a_file_or_standard_input_and_a_broker() {
        let Ok(Command::Demo {
            event,
            topic: Topic::EventCreated,
            stack,
            within: 60,
        }) = parse("studio-local demo --event - --broker apache")
        else {
            panic!("not understood")
        };
        assert_eq!(
            (event, stack.broker),
            (Some(PathBuf::from("-")), Broker::Apache)
        );
        let Ok(Command::Up {
            keep: false,
            env: None,
            stack,
        }) = parse("studio-local up --broker 127.0.0.1:9092")
        else {
            panic!("not understood")
        };
        assert_eq!(stack.broker, Broker::External("127.0.0.1:9092".to_owned()));
        assert!(parse("studio-local demo --topic eventzr.cms.published.v1").is_ok());
        assert!(parse("studio-local demo --topic eventzr.studio.template.created.v1").is_err());
        assert!(parse("studio-local demo --broker kafka").is_err());
        assert!(parse("studio-local publish --event my.json --env up.env").is_ok());
        assert!(
            parse("studio-local publish --event - --topic eventzr.cms.published.v1").is_err(),
            "one or the other"
        );
        assert!(parse("studio-local").is_err());
    }

    #[test]
    fn a_topic_has_its_short_name_and_publishing_waits_unless_told_not_to() {
        let parsed = parse("studio-local publish --topic cms.published --no-wait");
        assert!(matches!(
            parsed,
            Ok(Command::Publish {
                topic: Topic::CmsPublished,
                no_wait: true,
                ..
            })
        ));
        assert!(matches!(
            parse("studio-local publish"),
            Ok(Command::Publish {
                topic: Topic::EventCreated,
                no_wait: false,
                within: 120,
                ..
            })
        ));
        assert!(parse("studio-local publish --no-wait --within 5").is_err());
    }

    #[test]
    fn what_make_passed_on_wrongly_is_told_without_the_program_that_it_called() {
        let lines = [
            "studio-local demo --topic event.deleted",
            "studio-local demo --brokr apache",
            "studio-local demo --event my.json --topic cms.published",
        ];
        let told = lines.map(|line| {
            let error = parse(line).expect_err("misused");
            without_usage(&error.render().to_string())
        });
        insta::assert_snapshot!(told.join("\n---\n"));
    }

    #[test]
    fn a_fault_is_named_and_the_embedded_broker_has_no_faults_of_apache_kafka() {
        assert!(matches!(
            parse("studio-local break mapping-disabled"),
            Ok(Command::Break {
                fault: Some(Fault::MappingDisabled),
                env: None
            })
        ));
        assert!(matches!(
            parse("studio-local mend"),
            Ok(Command::Mend { fault: None, .. })
        ));
        assert!(parse("studio-local break mapping").is_err());
        let embedded = chosen(vec![], &Broker::Embedded);
        let apache = chosen(vec![], &Broker::Apache);
        assert!(!embedded.contains(&Fault::TopicDeleted) && !embedded.is_empty());
        assert!(apache.contains(&Fault::TopicDeleted) && apache.len() > embedded.len());
        let one = vec![Fault::TopicDeleted];
        assert_eq!(chosen(one.clone(), &Broker::Embedded), one);
    }

    #[test]
    fn the_emulator_alone_takes_a_port_and_nothing_else() {
        let parsed = parse("studio-local aws --port 4566");
        assert!(matches!(parsed, Ok(Command::Aws { port: Some(4566) })));
        assert!(matches!(
            parse("studio-local aws"),
            Ok(Command::Aws { port: None })
        ));
        assert!(parse("studio-local aws --broker apache").is_err());
    }
}

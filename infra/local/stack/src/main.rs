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
use local::input::Input;
use local::provoke::{self, Alarm};
use local::publish;
use local::stack::Options;
use local::timeline::Timeline;
use local::up;
use local::waits;
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
        /// Publish the example of this topic: one of the four that the studio consumes.
        #[arg(long, default_value = "eventzr.event.created.v1", value_parser = consumed, conflicts_with = "event")]
        topic: Topic,
        /// Give up after this number of seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        within: u64,
        #[command(flatten)]
        stack: StackArguments,
    },
    /// Clone the contract's example of a voice, from its samples to the ready voice, with the
    /// sandbox as the vendor.
    ///
    /// Also plays the voice's owner, who reads aloud the text that the vendor asks for. The waits
    /// between two requests to the vendor last minutes on AWS; here they are cut to a hundredth.
    /// Leaves target/demo/events.jsonl, and the text that the owner had to read.
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
    /// Publish one event to the stack that `up` keeps running.
    Publish {
        /// Your own CloudEvent, as a file or `-` for standard input. It is published unchanged to
        /// the topic that its `type` names.
        #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
        event: Option<PathBuf>,
        /// Publish the example of this topic: one of the four that the studio consumes.
        #[arg(long, default_value = "eventzr.event.created.v1", value_parser = consumed, conflicts_with = "event")]
        topic: Topic,
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
        if let Some(venv) = self.venv {
            options.checkout.venv = std::path::absolute(venv)?;
        }
        Ok(options)
    }
}

fn consumed(name: &str) -> Result<Topic, String> {
    let consumed: Vec<Topic> = Topic::ALL
        .into_iter()
        .filter(|topic| topic.is_consumed())
        .collect();
    consumed
        .iter()
        .copied()
        .find(|topic| topic.as_str() == name)
        .ok_or_else(|| {
            let names: Vec<&str> = consumed.iter().map(|topic| topic.as_str()).collect();
            format!("the studio consumes {}", names.join(", "))
        })
}

fn input(event: Option<PathBuf>, topic: Topic) -> Input {
    match event {
        None => Input::Example(topic),
        Some(path) if path.as_os_str() == "-" => Input::Stdin,
        Some(path) => Input::File(path),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[expect(
        clippy::disallowed_methods,
        reason = "a command line asks once what its user wants, and this is where"
    )]
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let code = runtime.block_on(run(arguments.command, no_color));
    // Do not wait for tasks that hang on a broker that does not answer.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
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
        // These two stop in order by themselves.
        Command::Up { env, stack } => Some(up(env, stack, &timeline).await),
        Command::Aws { port } => Some(aws(port).await),
        Command::Publish { event, topic, env } => {
            Some(publish(input(event, topic), env, &timeline).await)
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

async fn up(env: Option<PathBuf>, stack: StackArguments, timeline: &Timeline) -> Done {
    let options = stack.options()?;
    let env = env.map_or_else(|| Ok(options.checkout.env()), std::path::absolute)?;
    Ok(up::run(options, env, asked_to_stop(), timeline).await?)
}

async fn aws(port: Option<u16>) -> Done {
    let mut until = std::pin::pin!(asked_to_stop());
    let checkout = Checkout::find()?;
    let bare = tokio::select! {
        bare = Bare::start(&checkout, port, 1.0) => bare?,
        () = &mut until => return Ok(()),
    };
    for (name, value) in bare.variables() {
        println!("export {name}='{value}'");
    }
    until.await;
    bare.emulator.stop();
    Ok(())
}

async fn publish(input: Input, env: Option<PathBuf>, timeline: &Timeline) -> Done {
    let checkout = Checkout::find()?;
    let env = env.unwrap_or_else(|| checkout.env());
    Ok(publish::run(&checkout, input, &env, timeline).await?)
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
        let Ok(Command::Up { env: None, stack }) = parse("studio-local up --broker 127.0.0.1:9092")
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

//! `studio-chaos`: runs the storm from the command line.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use chaos::{Plan, Upgrade, run};
use clap::Parser;
use local::checkout::Checkout;

/// A storm of faults on the real stack, and an audit of the result.
///
/// Starts Apache Kafka, the emulator with IAM enforced and the real functions on this machine, and
/// publishes events of all consumed topics. Meanwhile it kills functions at named points and at random,
/// kills the broker, cuts and slows the line to it, has AWS refuse calls, and delivers batches
/// twice and topics from their start. Then it sweeps until nothing is in flight, and counts what is
/// lost, duplicated or out of order. Exits with 0 if nothing is.
///
/// A seed repeats the same storm as far as the machine allows: the seed decides what happens, but
/// not at which instruction.
#[derive(Debug, Parser)]
#[command(name = "studio-chaos", max_term_width = 110)]
struct Arguments {
    /// The seed of all random choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many consecutive seeds to run, from the first.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Publish five hundred records instead of ten thousand, and leave out the long outage, as
    /// `make test` does.
    #[arg(long)]
    short: bool,
    /// Begin with the functions of the checkout in this folder, which are built there in the same
    /// profile. While the storm rages, replace them by those of this checkout, go back, and replace
    /// them again, without a pause.
    #[arg(long, value_name = "FOLDER")]
    released: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut failed = Vec::new();
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let plan = if arguments.short {
            Plan::short(seed)
        } else {
            Plan::long(seed)
        };
        let begun = Instant::now();
        let say = |what: &str| eprintln!("{:7.1} s  {what}", begun.elapsed().as_secs_f32());
        let audit = match Checkout::find() {
            Ok(checkout) => {
                let released = arguments.released.as_deref();
                let upgrade = released.map(|folder| Upgrade::new(folder, &checkout));
                run(checkout, &Plan { upgrade, ..plan }, say).await
            }
            Err(error) => Err(error.into()),
        };
        match audit {
            Ok(audit) => {
                println!(
                    "seed {seed}, {:.0} s\n{audit}",
                    begun.elapsed().as_secs_f32()
                );
                if !audit.passes() {
                    failed.push(seed);
                }
            }
            Err(error) => {
                let mut text = error.to_string();
                let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
                while let Some(error) = cause {
                    text = format!("{text}: {error}");
                    cause = error.source();
                }
                eprintln!("studio-chaos: seed {seed}: {text}");
                return ExitCode::from(2);
            }
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    let seeds: Vec<String> = failed.iter().map(u64::to_string).collect();
    eprintln!(
        "studio-chaos: something is wrong with seed {}; run one again with --seed",
        seeds.join(", ")
    );
    ExitCode::FAILURE
}

//! `studio`: the operator's command line. It invokes the function `operator`, which runs next to
//! the brokers and the table, and prints its answers.

mod arguments;
mod ask;
mod audit;
mod dead_letters;
mod deployment;
mod erasing;
mod jobs;
mod providers;
mod queue;
mod table;
mod tenants;
mod time;
mod voices;

use std::{error::Error, process::ExitCode};

use clap::Parser as _;
use operations::{Smoked, Step};

use arguments::{Arguments, Command};
use ask::{AskError, Function};

/// The exit code. 2 is clap's, for a command line that it cannot parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Everything is done or shown.
    Done = 0,
    /// AWS or the function failed; a retry may help.
    Failed = 1,
    /// A retry does not help, for example because the thing does not exist or access to it is
    /// denied.
    Refused = 3,
    /// The work is done as far as possible, but something is left.
    Left = 4,
}

fn main() -> ExitCode {
    let Arguments {
        deployment,
        json,
        reason,
        command,
    } = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("studio: {error}");
            return ExitCode::from(Exit::Failed as u8);
        }
    };
    let done = runtime.block_on(async {
        let function = Function::at(deployment.deployment(), reason).await?;
        match command {
            Command::DeadLetters(command) => dead_letters::run(&function, command, json).await,
            Command::Smoke { within } => smoke(&function, within, json).await,
            Command::Jobs(command) => jobs::run(&function, command, json).await,
            Command::Tenants(command) => tenants::run(&function, command, json).await,
            Command::Voices(command) => voices::run(&function, command, json).await,
            Command::Providers(command) => providers::run(&function, command, json).await,
            Command::Queue => queue::show(&function, json).await,
            Command::Audit(list) => audit::list(&function, list, json).await,
        }
    });
    let exit = done.unwrap_or_else(|error: AskError| {
        eprintln!("studio: {}", contract::printable(&chain(&error)));
        match error.is_final() {
            true => Exit::Refused,
            false => Exit::Failed,
        }
    });
    ExitCode::from(exit as u8)
}

/// Sends an event through the whole system.
async fn smoke(function: &Function, within: u32, json: bool) -> Result<Exit, AskError> {
    let (answer, smoked) = function.ask::<Smoked>(&Step::Smoke { within }).await?;
    let seconds = smoked.milliseconds as f64 / 1000.0;
    table::print(json, &answer, || {
        format!(
            "An event came through in {seconds:.1} s: job {} is completed\n",
            smoked.job
        )
    });
    Ok(Exit::Done)
}

/// An error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

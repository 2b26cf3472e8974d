//! `studio`: the operator's command line. It invokes the function `operator`, which runs next to
//! the brokers and the table, and prints its answers.

mod arguments;
mod ask;
mod dead_letters;
mod jobs;
mod place;
mod table;
mod time;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
use ask::{AskError, Function};
use operations::{Smoked, Step};

/// The exit code. 2 is clap's, for a command line that it cannot parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
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
        place,
        json,
        command,
    } = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("studio: {error}");
            return ExitCode::from(End::Failed as u8);
        }
    };
    let done = runtime.block_on(async {
        let function = Function::at(place.place()).await?;
        match command {
            Command::DeadLetters(command) => dead_letters::run(&function, command, json).await,
            Command::Smoke { within } => smoke(&function, within, json).await,
            Command::Jobs(command) => jobs::run(&function, command, json).await,
        }
    });
    let end = done.unwrap_or_else(|error: AskError| {
        eprintln!("studio: {}", table::plain(&chain(&error)));
        match error.is_final() {
            true => End::Refused,
            false => End::Failed,
        }
    });
    ExitCode::from(end as u8)
}

/// Sends an event through the whole system.
async fn smoke(function: &Function, within: u32, json: bool) -> Result<End, AskError> {
    let (answer, smoked) = function.ask::<Smoked>(&Step::Smoke { within }).await?;
    let seconds = smoked.milliseconds as f64 / 1000.0;
    dead_letters::print(json, &answer, || {
        format!(
            "An event came through in {seconds:.1} s: job {} is completed\n",
            smoked.job
        )
    });
    Ok(End::Done)
}

/// An error and its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
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

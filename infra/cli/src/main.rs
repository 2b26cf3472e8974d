//! `studio`: the operator's command line. It asks the function `operator`, which runs where the
//! brokers and the table are, and shows what that answers.

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

/// How it ended, as the shell sees it. 2 is clap's, for a command line that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All of it is done, or shown.
    Done = 0,
    /// AWS or the function did not do their part; trying again may help.
    Failed = 1,
    /// There is no such thing, or it cannot be had: trying again does not help.
    Refused = 3,
    /// It is done as far as it can be, and something is left.
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

/// Has an event go the whole way.
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

/// An error and what caused it, in one line.
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

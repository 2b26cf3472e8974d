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
mod settings;
mod smoke;
mod table;
mod tenants;
mod time;
mod voices;

use std::{error::Error, process::ExitCode};

use clap::Parser as _;

use arguments::{Arguments, Command, FunctionCommand, SettingsCommand};
use ask::{AskError, Function};

/// The exit code. 2 is clap's, for a command line that it cannot parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Everything is done or shown.
    Done = 0,
    /// AWS or the function failed, and a retry may help; or the checked settings are invalid.
    Failed = 1,
    /// A retry does not help, for example because the thing does not exist or access to it is
    /// denied.
    Refused = 3,
    /// The work is done as far as possible, but something is left.
    Left = 4,
    /// No consumer has decided on the event of a smoke check.
    NotTaken = 5,
    /// The event of a smoke check has a job that neither completed nor failed.
    Open = 6,
    /// The event of a smoke check failed.
    EventFailed = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

fn main() -> ExitCode {
    let Arguments {
        deployment,
        json,
        reason,
        command,
    } = Arguments::parse();
    let command = match command {
        Command::Function(command) => command,
        Command::Settings(SettingsCommand::Check { file }) => return settings::check(&file).into(),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("studio: {error}");
            return Exit::Failed.into();
        }
    };
    let done = runtime.block_on(async {
        let function = Function::at(deployment.deployment(), reason).await?;
        match command {
            FunctionCommand::DeadLetters(command) => {
                dead_letters::run(&function, command, json).await
            }
            FunctionCommand::Smoke { event, within } => {
                smoke::run(&function, event, within, json).await
            }
            FunctionCommand::Jobs(command) => jobs::run(&function, command, json).await,
            FunctionCommand::Tenants(command) => tenants::run(&function, command, json).await,
            FunctionCommand::Voices(command) => voices::run(&function, command, json).await,
            FunctionCommand::Providers(command) => providers::run(&function, command, json).await,
            FunctionCommand::Queue => queue::show(&function, json).await,
            FunctionCommand::Audit(list) => audit::list(&function, list, json).await,
        }
    });
    let exit = done.unwrap_or_else(|error: AskError| {
        eprintln!("studio: {}", contract::printable(&chain(&error)));
        match error.is_final() {
            true => Exit::Refused,
            false => Exit::Failed,
        }
    });
    exit.into()
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

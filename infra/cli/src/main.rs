//! `studio`: the operator's command line. It invokes the function `operator`, which runs next to
//! the brokers and the table, and prints its answers.

mod arguments;
mod ask;
mod audit;
mod bulk;
mod counts;
mod dead_letters;
mod deployment;
mod erasing;
mod job_line;
mod jobs;
mod manual;
mod providers;
mod queue;
mod settings;
mod smoke;
mod table;
mod tenants;
mod time;
mod voices;
mod why;

use std::{env, error::Error, process::ExitCode};

use clap::Parser as _;

use arguments::{Arguments, Command, FunctionCommand, ProvidersCommand, SettingsCommand};
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
        Command::Settings(SettingsCommand::Check {
            file,
            audio_providers,
        }) => return settings::check(&file, audio_providers.as_deref().unwrap_or_default()).into(),
        Command::Completions { shell } => return manual::completions(shell).into(),
        Command::Man { folder } => return manual::pages(folder.as_deref()).into(),
    };
    let deployment = match deployment.deployment(stage_of_shell()) {
        Ok(deployment) => deployment,
        Err(error) => error.exit(),
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
        let function = Function::at(deployment, reason).await?;
        match command {
            FunctionCommand::DeadLetters(command) => {
                dead_letters::run(&function, command, json).await
            }
            FunctionCommand::Smoke { event, within } => {
                smoke::run(&function, event, within, json).await
            }
            FunctionCommand::Why(arguments) => why::run(&function, arguments, json).await,
            FunctionCommand::Jobs(command) => jobs::run(&function, command, json).await,
            FunctionCommand::Tenants(command) => tenants::run(&function, command, json).await,
            FunctionCommand::Voices(command) => voices::run(&function, command, json).await,
            FunctionCommand::Providers { command } => {
                let command = command.unwrap_or(ProvidersCommand::List);
                providers::run(&function, command, json).await
            }
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

/// The stage that the shell names, so that it need not be typed each time.
#[expect(
    clippy::disallowed_methods,
    reason = "a command line has no invocations, and clap would hold the variable against --local"
)]
fn stage_of_shell() -> Option<String> {
    env::var("STUDIO_STAGE").ok()
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

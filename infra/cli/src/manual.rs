//! `studio completions` and `studio man`: what a shell and `man` read. Both are made of the arguments.

use std::{
    io::{self, Write as _},
    path::Path,
};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{Exit, arguments::Arguments};

/// Prints the completions for a shell.
pub fn completions(shell: Shell) -> Exit {
    let mut text = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(shell, &mut command, "studio", &mut text);
    written(io::stdout().write_all(&text), "the completions")
}

/// Prints the manual page, or writes those of all commands into `folder`.
pub fn pages(folder: Option<&Path>) -> Exit {
    match folder {
        None => {
            let mut page = Vec::new();
            let made = Man::new(command()).render(&mut page);
            let printed = made.and_then(|()| io::stdout().write_all(&page));
            written(printed, "the manual page")
        }
        Some(folder) => {
            let made = clap_mangen::generate_to(command(), folder);
            written(made, &format!("the manual pages into {}", folder.display()))
        }
    }
}

/// The command whose help is short enough for a page: clap's `help` repeats all of them.
fn command() -> Command {
    Arguments::command().disable_help_subcommand(true)
}

fn written(done: io::Result<()>, what: &str) -> Exit {
    match done {
        Ok(()) => Exit::Done,
        // `studio man | head` reads no more than it needs.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            eprintln!("studio: writing {what}: {error}");
            Exit::Failed
        }
    }
}

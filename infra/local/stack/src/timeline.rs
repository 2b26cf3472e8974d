//! Prints what happens line by line, with the time since the start. On a terminal, a spinner moves
//! below the lines. What events say steers no terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::printable;
use tokio::task::JoinHandle;

/// The subject of a line: its label, and its colour if colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The stack itself: a step of its start or its end.
    Stack,
    /// A record was published.
    Published,
    /// A function answered a mapping's invocation.
    Invoked,
    /// A template was created or updated.
    Template,
    /// A render job was opened.
    Job,
    /// A render job was completed.
    Completed,
    /// A voice was submitted, or is ready.
    Voice,
    /// Something failed.
    Failed,
}

impl Mark {
    fn label(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Published => "published",
            Self::Invoked => "invoked",
            Self::Template => "template",
            Self::Job => "job",
            Self::Completed => "completed",
            Self::Voice => "voice",
            Self::Failed => "failed",
        }
    }

    /// The colour as an SGR parameter of ANSI terminals.
    fn color(self) -> &'static str {
        match self {
            Self::Stack => "2",
            Self::Published => "36",
            Self::Invoked => "34",
            Self::Template => "35",
            Self::Job => "33",
            Self::Completed => "32",
            Self::Voice => "35",
            Self::Failed => "31",
        }
    }
}

/// A timeline on standard output. Clones write to the same one.
#[derive(Debug, Clone)]
pub struct Timeline {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    color: bool,
    live: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the program waits for; `None` if it waits for nothing.
    busy: Option<String>,
    frame: usize,
    spinner: Option<JoinHandle<()>>,
}

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const CLEAR_LINE: &str = "\r\x1b[2K";

impl Timeline {
    /// A timeline that begins now. `no_color` is the user's wish (no-color.org). Without a terminal
    /// there are no colours either.
    #[must_use]
    pub fn start(no_color: bool) -> Self {
        let live = io::stdout().is_terminal();
        let shared = Shared {
            started: Instant::now(),
            color: live && !no_color,
            live,
            state: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.shared.started.elapsed()
    }

    /// Writes a line.
    pub fn say(&self, mark: Mark, text: &str) {
        let state = self.shared.state();
        let clear = if self.shared.live { CLEAR_LINE } else { "" };
        let seconds = self.elapsed().as_secs_f64();
        let line = line(self.shared.color, seconds, mark, text);
        // If the reader has closed the pipe, the line is lost, which is fine.
        let _ = writeln!(io::stdout(), "{clear}{line}");
        self.shared.draw(&state);
    }

    /// Shows what the program waits for now: with a spinner on a terminal, not at all elsewhere.
    pub fn wait_for(&self, what: impl Into<String>) {
        let what: String = what.into();
        let mut state = self.shared.state();
        state.busy = Some(printable(&what));
        if self.shared.live && state.spinner.is_none() {
            let shared = Arc::downgrade(&self.shared);
            state.spinner = Some(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    let Some(shared) = shared.upgrade() else {
                        return;
                    };
                    let mut state = shared.state();
                    state.frame += 1;
                    shared.draw(&state);
                }
            }));
        }
        self.shared.draw(&state);
    }

    /// Ends the waiting, and clears the spinner.
    pub fn rest(&self) {
        let mut state = self.shared.state();
        state.busy = None;
        if let Some(spinner) = state.spinner.take() {
            spinner.abort();
        }
        if self.shared.live {
            let _ = write!(io::stdout(), "{CLEAR_LINE}");
            let _ = io::stdout().flush();
        }
    }
}

/// A line. `text` may quote an event.
fn line(color: bool, seconds: f64, mark: Mark, text: &str) -> String {
    let (before, after) = if color {
        (format!("\x1b[{}m", mark.color()), "\x1b[0m")
    } else {
        (String::new(), "")
    };
    let (label, text) = (mark.label(), printable(text));
    format!("{seconds:7.2} s  {before}{label:<9}{after}  {text}")
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, state: &State) {
        if let (true, Some(busy)) = (self.live, &state.busy) {
            let frame = FRAMES[state.frame % FRAMES.len()];
            let _ = write!(
                io::stdout(),
                "{CLEAR_LINE}{:7.2} s  {frame} {busy}",
                self.started.elapsed().as_secs_f64()
            );
        }
        let _ = io::stdout().flush();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // However the program ends, the shell's prompt must begin on a clean line.
        if self.live && self.state().busy.is_some() {
            let _ = write!(io::stdout(), "{CLEAR_LINE}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_says_sets_no_title_and_no_clipboard() {
        let text = "evt \u{1b}]0;owned\u{7}\u{1b}]52;c;cm0=\u{7} \u{202e}";
        let plain = line(false, 1.0, Mark::Published, text);
        assert_eq!(
            plain,
            r"   1.00 s  published  evt \u{1b}]0;owned\u{7}\u{1b}]52;c;cm0=\u{7} \u{202e}"
        );
        let colored = line(true, 1.0, Mark::Published, text);
        assert_eq!(colored.matches('\u{1b}').count(), 2, "our own colour");
    }
}

//! Tasks of the vendors that take their time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Behaviour;

/// All tasks, by id; ids count up.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    all: Mutex<BTreeMap<String, Task>>,
    /// How many are worked on at once; 0 for all.
    at_once: AtomicUsize,
}

/// A task.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// How often it was asked for.
    pub polls: u32,
    /// What it costs, in the vendor's unit.
    pub cost: u64,
    /// A status that it has for its first so many questions.
    pub held: Option<(String, u32)>,
    /// The code and the message that it fails with.
    pub fails: Option<(String, String)>,
    /// Whether the first address of its output has run out.
    pub expires: bool,
    /// How many bytes its output has, if not as many as the fixture.
    pub bytes: Option<usize>,
    /// Whether its output breaks off after those.
    pub breaks: bool,
    /// Whether it was said to be over.
    pub is_over: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// Where it writes: bucket and key.
    pub place: Option<(String, String)>,
}

impl Task {
    pub(super) fn new(cost: u64, behaviour: Option<&Behaviour>) -> Self {
        let mut task = Self {
            polls: 0,
            cost,
            held: None,
            fails: None,
            expires: false,
            bytes: None,
            breaks: false,
            is_over: false,
            cancelled: false,
            place: None,
        };
        match behaviour {
            Some(Behaviour::TaskStatus { status, polls }) => {
                task.held = Some((status.clone(), *polls))
            }
            Some(Behaviour::TaskFails { code, message }) => {
                task.fails = Some((code.clone(), message.clone()))
            }
            Some(Behaviour::OutputOf { bytes }) => task.bytes = Some(*bytes),
            Some(Behaviour::OutputBreaks { bytes }) => {
                (task.bytes, task.breaks) = (Some(*bytes), true)
            }
            Some(Behaviour::OutputExpires) => task.expires = true,
            _ => {}
        }
        task
    }

    /// Counts a question. How many steps it has made since, or the status that it is held at.
    pub(super) fn asked(&mut self) -> Result<u32, String> {
        self.polls += 1;
        match &self.held {
            Some((status, polls)) if self.polls <= *polls => Err(status.clone()),
            Some((_, polls)) => Ok(self.polls - polls),
            None => Ok(self.polls),
        }
    }
}

impl Tasks {
    pub(super) fn all(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limit(&self, at_once: usize) {
        self.at_once.store(at_once, Ordering::Relaxed);
    }

    /// Whether a task has to wait for those that came before it.
    pub(super) fn waits(&self, id: &str) -> bool {
        let at_once = self.at_once.load(Ordering::Relaxed);
        let all = self.all();
        let before = all
            .range(..id.to_owned())
            .filter(|(_, task)| !task.is_over)
            .count();
        at_once > 0 && before >= at_once
    }

    /// Adds a task and returns its id.
    pub(super) fn add(&self, task: Task) -> String {
        let mut tasks = self.all();
        let id = format!("00000000-0000-4000-8000-{:012x}", tasks.len() + 1);
        tasks.insert(id.clone(), task);
        id
    }
}

//! The tasks of vendors that work asynchronously.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::script::Behaviour;

/// All tasks by id. Ids count up.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    all: Mutex<BTreeMap<String, Task>>,
    /// How many tasks are worked on at once. 0 means all.
    at_once: AtomicUsize,
}

/// A task.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// The number of polls.
    pub polls: u32,
    /// The cost, in the vendor's unit.
    pub cost: u64,
    /// A status, and for how many polls the task keeps it.
    pub held: Option<(String, u32)>,
    /// The code and the message with which the task fails.
    pub fails: Option<(String, String)>,
    /// Whether the first address of its output has expired.
    pub expires: bool,
    /// The size of its output in bytes, if it differs from the fixture's.
    pub bytes: Option<usize>,
    /// Whether its output breaks off after those bytes.
    pub breaks: bool,
    /// Whether the vendor has reported the task's end.
    pub is_over: bool,
    /// Whether the task was cancelled.
    pub cancelled: bool,
    /// Where the task writes: bucket and key.
    pub place: Option<(String, String)>,
    /// What the vendor repeats of the request in each answer.
    pub repeated: Value,
    /// Whether its output is written there. The vendor writes it once.
    pub is_written: bool,
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
            repeated: Value::Null,
            is_written: false,
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

    /// Counts a poll. Returns the number of polls since the held status ended, or the held status
    /// as the error.
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

    /// Whether a task has to wait for earlier tasks.
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

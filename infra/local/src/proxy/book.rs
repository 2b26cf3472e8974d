//! What the proxy writes down: every call, who ever called, and the trouble that is to come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fault::{Action, Fault, Hits, Matches};
use super::operation::Operation;

/// One call that went through the proxy, or is on its way.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service and the operation, in AWS's spelling.
    pub operation: Operation,
    /// The process that called.
    pub process_id: Option<u32>,
    /// The name of the function that this process runs, if it is one.
    pub function: Option<Arc<str>>,
    /// When its head was read.
    pub started: Instant,
    /// When the last byte of the answer was passed on, or the call was given up.
    pub ended: Option<Instant>,
    /// The status that the caller got; none while it waits, or if its connection was cut.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub calls: Vec<Call>,
    /// Counts the times that `calls` was cleared: a call that began before must not end in
    /// another's row.
    pub chapter: u64,
    /// The functions that ever called, by their process.
    pub functions: BTreeMap<u32, Arc<str>>,
    /// The processes that connected last, the last one first: who connects mostly does so several
    /// times at once.
    pub recent: Vec<u32>,
    pub faults: Vec<Injected>,
    pub delay: Duration,
}

#[derive(Debug)]
pub(super) struct Injected {
    pub fault: Fault,
    /// How many calls matched it.
    pub seen: u32,
    pub hits: Hits,
}

/// A row of the book.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    chapter: u64,
    index: usize,
}

/// So many processes are remembered as those that connected last.
const RECENT: usize = 6;

impl Book {
    pub(super) fn has_connected(&mut self, process_id: Option<u32>) {
        if let Some(process_id) = process_id {
            self.recent.retain(|recent| *recent != process_id);
            self.recent.insert(0, process_id);
            self.recent.truncate(RECENT);
        }
    }

    pub(super) fn begin(&mut self, call: Call) -> Row {
        if let (Some(process_id), Some(function)) = (call.process_id, &call.function) {
            self.functions.insert(process_id, Arc::clone(function));
        }
        self.calls.push(call);
        Row {
            chapter: self.chapter,
            index: self.calls.len() - 1,
        }
    }

    pub(super) fn end(&mut self, row: Row, status: Option<u16>) {
        if row.chapter == self.chapter
            && let Some(call) = self.calls.get_mut(row.index)
            && call.ended.is_none()
        {
            call.ended = Some(Instant::now());
            call.status = status;
        }
    }

    pub(super) fn wants_body(&self, operation: &Operation, function: Option<&str>) -> bool {
        let wants = |matches: &Matches| {
            matches.body_contains.is_some() && matches.names(operation, function)
        };
        self.faults
            .iter()
            .any(|injected| wants(&injected.fault.matches))
    }

    /// The constant delay, and what the first fault that hits this call does.
    pub(super) fn trouble(
        &mut self,
        operation: &Operation,
        function: Option<&str>,
        body: &str,
    ) -> (Duration, Option<Action>) {
        let mut action = None;
        self.faults.retain_mut(|Injected { fault, seen, hits }| {
            let matches = &fault.matches;
            let wanted = matches.body_contains.as_deref();
            // A call that suffers one fault is none that a later one counts.
            if action.is_some()
                || !matches.names(operation, function)
                || wanted.is_some_and(|wanted| !body.contains(wanted))
            {
                return true;
            }
            *seen += 1;
            if matches.occurrence.hits(*seen) {
                hits.add_one();
                action = Some(fault.action.clone());
            }
            // What is over is forgotten: a long run injects thousands.
            !matches.occurrence.is_over(*seen)
        });
        (self.delay, action)
    }
}

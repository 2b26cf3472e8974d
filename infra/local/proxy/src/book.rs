//! The proxy's records: all calls, the calling functions, and the pending faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fault::{Action, Fault, Hits, Matches};
use super::operation::Operation;

/// One call that went through the proxy, or is still in flight.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service and the operation, in AWS's spelling.
    pub operation: Operation,
    /// The calling process.
    pub process_id: Option<u32>,
    /// The name of the function that this process runs, if it runs one.
    pub function: Option<Arc<str>>,
    /// When the call's head was read.
    pub started: Instant,
    /// When the last byte of the answer was passed on, or the call was given up.
    pub ended: Option<Instant>,
    /// The status that the caller got. `None` while the call is in flight, or if its connection was
    /// cut.
    pub status: Option<u16>,
    /// Whether an injected fault hit the call.
    pub is_hit: bool,
    /// The request's body, if bodies of its operation are kept ([`Proxy::keep_bodies`]).
    ///
    /// [`Proxy::keep_bodies`]: super::Proxy::keep_bodies
    pub body: Option<Arc<str>>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub calls: Vec<Call>,
    /// How often `calls` was cleared. A call that began before a clear must not end in another
    /// call's row.
    pub chapter: u64,
    /// The functions that have made calls, by their process.
    pub functions: BTreeMap<u32, Arc<str>>,
    /// The processes that connected last, the latest first. A process usually opens several
    /// connections in a row.
    pub recent: Vec<u32>,
    pub faults: Vec<Injected>,
    /// The operations whose requests' bodies are kept.
    pub kept: BTreeSet<Operation>,
    pub delay: Duration,
}

#[derive(Debug)]
pub(super) struct Injected {
    pub fault: Fault,
    /// The number of calls that matched the fault.
    pub seen: u32,
    pub hits: Hits,
}

/// The position of a call in the book.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    chapter: u64,
    index: usize,
}

/// The length of [`Book::recent`].
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
        if let Some(call) = self.call(row)
            && call.ended.is_none()
        {
            call.ended = Some(Instant::now());
            call.status = status;
        }
    }

    /// The call of a row, unless the book was cleared since.
    fn call(&mut self, row: Row) -> Option<&mut Call> {
        (row.chapter == self.chapter).then_some(())?;
        self.calls.get_mut(row.index)
    }

    /// Keeps the body of a call, if bodies of its operation are kept.
    pub(super) fn read(&mut self, row: Row, operation: &Operation, body: &str) {
        if self.kept.contains(operation)
            && let Some(call) = self.call(row)
        {
            call.body = Some(body.into());
        }
    }

    /// Marks a call as hit by a fault.
    pub(super) fn hit(&mut self, row: Row) {
        if let Some(call) = self.call(row) {
            call.is_hit = true;
        }
    }

    pub(super) fn wants_body(&self, operation: &Operation, function: Option<&str>) -> bool {
        let wants = |matches: &Matches| {
            matches.body_contains.is_some() && matches.names(operation, function)
        };
        let mut faults = self.faults.iter();
        self.kept.contains(operation) || faults.any(|injected| wants(&injected.fault.matches))
    }

    /// The constant delay, and the action of the first fault that hits this call.
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
            // Later faults do not count a call that an earlier fault has hit.
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
            // A fault that can hit no more calls is removed, because a long run injects thousands.
            !matches.occurrence.is_over(*seen)
        });
        (self.delay, action)
    }
}

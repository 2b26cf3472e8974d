//! The mapping itself, without I/O and without a clock: records, outcomes and the time go in,
//! actions come out.
//!
//! Records wait per partition until they form a batch. From then on they belong to a *unit*, which
//! is invoked, retried, split or discarded as a whole. Units are kept in the order in which their
//! records must be resolved: a unit waits while an earlier one holds records of one of its
//! partitions, and new batches contain only partitions that no unit holds. So each partition has at
//! most one invocation in flight, and its records are resolved in order, however a batch is split.
//!
//! AWS's pages leave some questions open. Our interpretations:
//! - A partial batch response retries exactly the listed records ("just those specific items",
//!   kafka-retry-configurations.html), as one smaller batch, before any later record of their
//!   partitions. The committed offset advances to the lowest unresolved record, so after a restart
//!   records that had succeeded may be redelivered.
//! - "Splitting a batch does not count towards the retry quota" (the page for streams): with bisect
//!   on, a failed batch of two or more records is split. Each half continues at once with the
//!   retries that its parent had left. An invalid response is not a function error: "entire batch
//!   will be retried", so the batch is not split.
//! - An invocation that did not reach the function (throttled, or Lambda not reached) does not
//!   count as an attempt. It is repeated until the records are too old (the page for streams).
//! - The pause between retries is not documented. Ours is 200 ms, doubled up to 5 s.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::action::{Action, Answer, Condition, Discard, Outcome, RetryReason};
use super::mapping::Mapping;
use super::payload::{Frame, PAYLOAD_LIMIT, Record};
use super::response::failed_records;

/// How many invocations one poller keeps in flight (kafka-scaling-modes.html).
pub const MOST_INVOCATIONS: usize = 5;

const FIRST_PAUSE: i64 = 200;
const LONGEST_PAUSE: i64 = 5_000;

/// The state of one mapping. Times are milliseconds since the Unix epoch, and never decrease.
#[derive(Debug)]
pub struct Batches {
    mapping: Arc<Mapping>,
    frame: Arc<Frame>,
    partitions: BTreeMap<i32, Partition>,
    units: Vec<Unit>,
    next_unit: u64,
}

#[derive(Debug)]
struct Partition {
    buffer: VecDeque<Buffered>,
    buffered_bytes: usize,
    paused: bool,
    /// One past the last record that went into a unit.
    taken: i64,
    /// The last committed offset or, before the first commit, the offset at which reading began.
    /// `None` before the first record.
    committed: Option<i64>,
}

#[derive(Debug)]
struct Buffered {
    record: Arc<Record>,
    size: usize,
    since: i64,
}

#[derive(Debug)]
struct Unit {
    id: u64,
    records: Vec<Arc<Record>>,
    state: State,
    invocations: u32,
    /// The failures that count against the retry limit.
    failures: u32,
    /// The number of consecutive reasons to pause.
    setbacks: u32,
    answer: Option<Answer>,
    /// The partitions that were revoked while an invocation was in flight.
    revoked: BTreeSet<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting { until: i64 },
    Invoking,
    Discarding,
}

impl Unit {
    fn holds(&self, partition: i32) -> bool {
        self.records
            .iter()
            .any(|record| record.partition == partition)
    }

    fn partitions(&self) -> BTreeSet<i32> {
        self.records.iter().map(|record| record.partition).collect()
    }
}

impl Batches {
    /// A mapping without partitions.
    #[must_use]
    pub fn new(mapping: Arc<Mapping>, frame: Arc<Frame>) -> Self {
        Self {
            mapping,
            frame,
            partitions: BTreeMap::new(),
            units: Vec::new(),
            next_unit: 0,
        }
    }

    /// Adds a partition that the group has assigned.
    pub fn assign(&mut self, partition: i32) {
        self.partitions
            .entry(partition)
            .or_insert_with(|| Partition {
                buffer: VecDeque::new(),
                buffered_bytes: 0,
                paused: false,
                taken: 0,
                committed: None,
            });
    }

    /// Whether a partition is assigned to us.
    #[must_use]
    pub fn is_assigned(&self, partition: i32) -> bool {
        self.partitions.contains_key(&partition)
    }

    /// Removes a partition that the group has revoked. Its buffered records are forgotten, and work
    /// in flight ends without a commit.
    pub fn revoke(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        for unit in &mut self.units {
            match unit.state {
                State::Waiting { .. } => {
                    unit.records.retain(|record| record.partition != partition)
                }
                State::Invoking | State::Discarding => {
                    unit.revoked.insert(partition);
                }
            }
        }
        self.units.retain(|unit| !unit.records.is_empty());
    }

    /// Adds a record that was read. A record of a partition that is not assigned is ignored.
    pub fn add(&mut self, record: Record, now: i64) -> Option<Action> {
        let size = self.frame.record_size(&record);
        let most = self.most_buffered();
        let number = record.partition;
        let partition = self.partitions.get_mut(&number)?;
        partition.committed.get_or_insert(record.offset);
        partition.buffered_bytes += size;
        partition.buffer.push_back(Buffered {
            record: Arc::new(record),
            size,
            since: now,
        });
        if partition.paused
            || (partition.buffer.len() < most && partition.buffered_bytes < 2 * PAYLOAD_LIMIT)
        {
            return None;
        }
        partition.paused = true;
        Some(Action::Pause { partition: number })
    }

    /// All actions that are possible now.
    pub fn next_actions(&mut self, now: i64) -> Vec<Action> {
        let mut actions = Vec::new();
        loop {
            self.dispatch(now, &mut actions);
            self.discard_oversized(&mut actions);
            if self.invoking() == MOST_INVOCATIONS || !self.form_batch(now) {
                break;
            }
        }
        let most = self.most_buffered();
        for (&number, partition) in &mut self.partitions {
            if partition.paused
                && partition.buffer.len() <= most / 2
                && partition.buffered_bytes <= PAYLOAD_LIMIT
            {
                partition.paused = false;
                actions.push(Action::Resume { partition: number });
            }
        }
        actions
    }

    /// When the next action is due if nothing else happens. `None` if only an outcome or a record
    /// can cause one.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        if self.invoking() == MOST_INVOCATIONS {
            return None;
        }
        let retries = (0..self.units.len()).filter_map(|at| match self.units[at].state {
            State::Waiting { until } if self.is_first(at) => Some(until),
            _ => None,
        });
        let window = self
            .free_partitions()
            .first()
            .map(|(since, _)| since + self.window());
        retries.chain(window).min()
    }

    /// Processes the outcome of [`Action::Invoke`].
    pub fn settle(&mut self, unit: u64, outcome: Outcome, now: i64) -> Vec<Action> {
        let Some(at) = self
            .units
            .iter()
            .position(|one| one.id == unit && one.state == State::Invoking)
        else {
            return Vec::new();
        };
        let mut unit = self.units.remove(at);
        let touched = unit.partitions();
        let (cause, failed) = match outcome {
            Outcome::Answered { answer, body } => {
                let verdict = self.verdict(&answer, &body, &unit.records);
                unit.answer = Some(answer);
                match verdict {
                    Ok(failed) => (RetryReason::Listed, Some(failed)),
                    Err(cause) => (cause, None),
                }
            }
            Outcome::Throttled => (RetryReason::Throttled, None),
            Outcome::NotReached { reason } => (RetryReason::NotReached(reason), None),
        };
        // The records of a revoked partition belong to another reader now.
        let revoked = std::mem::take(&mut unit.revoked);
        unit.records.retain(|record| {
            let listed = failed
                .as_ref()
                .is_none_or(|failed| failed.contains(&(record.partition, record.offset)));
            listed && !revoked.contains(&record.partition)
        });
        let mut actions = Vec::new();
        if !unit.records.is_empty() {
            self.try_again(at, unit, cause, now, &mut actions);
        }
        self.commit(&touched - &revoked, &mut actions);
        actions
    }

    /// Processes the end of [`Action::Discard`]: the records are at the destination, or dropped.
    pub fn discarded(&mut self, unit: u64) -> Vec<Action> {
        let Some(at) = self
            .units
            .iter()
            .position(|one| one.id == unit && one.state == State::Discarding)
        else {
            return Vec::new();
        };
        let unit = self.units.remove(at);
        let mut actions = Vec::new();
        self.commit(&unit.partitions() - &unit.revoked, &mut actions);
        actions
    }

    /// Whether any unit is being invoked or on its way to the destination.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.units
            .iter()
            .any(|unit| !matches!(unit.state, State::Waiting { .. }))
    }

    fn verdict(
        &self,
        answer: &Answer,
        body: &[u8],
        records: &[Arc<Record>],
    ) -> Result<BTreeSet<(i32, i64)>, RetryReason> {
        match &answer.function_error {
            Some(error) => Err(RetryReason::FunctionError(error.clone())),
            // services-kinesis-batchfailurereporting.html: without ReportBatchItemFailures the
            // response has no meaning.
            None if !self.mapping.report_batch_item_failures => Ok(BTreeSet::new()),
            None => {
                failed_records(body, &self.frame, records).map_err(RetryReason::InvalidResponse)
            }
        }
    }

    fn try_again(
        &mut self,
        at: usize,
        mut unit: Unit,
        cause: RetryReason,
        now: i64,
        actions: &mut Vec<Action>,
    ) {
        let records = unit.records.len();
        let (counts, bisect) = match cause {
            RetryReason::FunctionError(_) => (true, self.mapping.bisect && records > 1),
            RetryReason::Listed | RetryReason::InvalidResponse(_) => (true, false),
            RetryReason::Throttled | RetryReason::NotReached(_) => (false, false),
        };
        if bisect {
            let second = unit.records.split_off(records / 2);
            let second = Unit {
                id: self.new_id(),
                records: second,
                state: State::Waiting { until: now },
                answer: unit.answer.clone(),
                revoked: BTreeSet::new(),
                ..unit
            };
            let first = Unit {
                id: self.new_id(),
                state: State::Waiting { until: now },
                ..unit
            };
            self.units.splice(at..at, [first, second]);
            actions.push(Action::Retrying {
                records,
                cause,
                pause: 0,
                split: true,
            });
            return;
        }
        unit.failures += u32::from(counts);
        if counts
            && self
                .mapping
                .maximum_retries
                .is_some_and(|most| unit.failures > most)
        {
            self.discard(at, unit, Condition::RetryAttemptsExhausted, actions);
            return;
        }
        let pause = (FIRST_PAUSE << unit.setbacks.min(5)).min(LONGEST_PAUSE);
        unit.setbacks += 1;
        unit.id = self.new_id();
        unit.state = State::Waiting { until: now + pause };
        self.units.insert(at, unit);
        actions.push(Action::Retrying {
            records,
            cause,
            pause,
            split: false,
        });
    }

    fn discard(
        &mut self,
        at: usize,
        mut unit: Unit,
        condition: Condition,
        actions: &mut Vec<Action>,
    ) {
        unit.id = self.new_id();
        unit.state = State::Discarding;
        let (records, answer) = (unit.records.clone(), unit.answer.clone());
        let discard = Discard {
            records,
            condition,
            invocations: unit.invocations,
            answer,
        };
        actions.push(Action::Discard {
            unit: unit.id,
            discard,
        });
        self.units.insert(at, unit);
    }

    /// Dispatches every unit that is due and whose partitions no earlier unit holds.
    fn dispatch(&mut self, now: i64, actions: &mut Vec<Action>) {
        let mut at = 0;
        while at < self.units.len() && self.invoking() < MOST_INVOCATIONS {
            let due = matches!(self.units[at].state, State::Waiting { until } if until <= now);
            if !due || !self.is_first(at) {
                at += 1;
                continue;
            }
            let expired = self.take_expired(at, now);
            if let Some(expired) = expired {
                // The rest of the unit, if any, waits behind the records on their way to the
                // destination.
                self.units.retain(|unit| !unit.records.is_empty());
                self.discard(at, expired, Condition::RecordAgeExceeded, actions);
                continue;
            }
            let unit = &mut self.units[at];
            unit.state = State::Invoking;
            unit.invocations += 1;
            let (attempt, records) = (unit.invocations, unit.records.clone());
            actions.push(Action::Invoke {
                unit: unit.id,
                attempt,
                records,
            });
            at += 1;
        }
    }

    /// Takes the records that are too old to be sent out of a unit, as a unit of their own.
    fn take_expired(&mut self, at: usize, now: i64) -> Option<Unit> {
        let oldest = now.saturating_sub(
            i64::try_from(self.mapping.maximum_age?.as_millis()).unwrap_or(i64::MAX),
        );
        let unit = &mut self.units[at];
        let (expired, fresh) =
            std::mem::take(&mut unit.records)
                .into_iter()
                .partition(|record: &Arc<Record>| {
                    record.timestamp.is_some_and(|at| at.millis() < oldest)
                });
        unit.records = fresh;
        let unit = &self.units[at];
        (!expired.is_empty()).then(|| Unit {
            records: expired,
            answer: unit.answer.clone(),
            revoked: BTreeSet::new(),
            ..*unit
        })
    }

    /// Discards a record that alone exceeds the payload limit, once it is the first of its
    /// partition.
    fn discard_oversized(&mut self, actions: &mut Vec<Action>) {
        let free: Vec<i32> = self
            .free_partitions()
            .into_iter()
            .map(|(_, number)| number)
            .collect();
        for number in free {
            let room = PAYLOAD_LIMIT - self.frame.size() - self.frame.partition_size(number);
            let partition = self
                .partitions
                .get_mut(&number)
                .expect("a free partition is ours");
            if partition
                .buffer
                .front()
                .is_some_and(|first| first.size >= room)
            {
                let record = partition.take();
                let unit = self.new_unit(vec![record], 0);
                self.discard(
                    self.units.len(),
                    unit,
                    Condition::MaximumPayloadSizeExceeded,
                    actions,
                );
            }
        }
    }

    /// Forms a unit from buffered records if a batch is full or its window has ended. Returns false
    /// otherwise.
    fn form_batch(&mut self, now: i64) -> bool {
        let free = self.free_partitions();
        let Some(&(since, _)) = free.first() else {
            return false;
        };
        let mut bytes = self.frame.size();
        let mut full = false;
        let mut counts: Vec<(i32, usize)> = Vec::new();
        let mut total = 0;
        'partitions: for (_, number) in free {
            let mut of_partition = self.frame.partition_size(number);
            let room = PAYLOAD_LIMIT - self.frame.size() - of_partition;
            for (index, buffered) in self.partitions[&number].buffer.iter().enumerate() {
                if buffered.size >= room {
                    break; // it goes to the destination after the records before it
                }
                if total == self.mapping.batch_size
                    || bytes + of_partition + buffered.size >= PAYLOAD_LIMIT
                {
                    full = true;
                    break 'partitions;
                }
                bytes += of_partition + buffered.size;
                of_partition = 0;
                total += 1;
                if index == 0 {
                    counts.push((number, 0));
                }
                counts
                    .last_mut()
                    .expect("pushed with the partition's first record")
                    .1 += 1;
            }
        }
        if !(full || total == self.mapping.batch_size || now >= since + self.window()) {
            return false;
        }
        counts.sort_unstable();
        let mut records = Vec::with_capacity(total);
        for (number, count) in counts {
            let partition = self
                .partitions
                .get_mut(&number)
                .expect("a free partition is ours");
            records.extend((0..count).map(|_| partition.take()));
        }
        let unit = self.new_unit(records, now);
        self.units.push(unit);
        true
    }

    /// The partitions with buffered records and without a unit, each with the time since which its
    /// first record waits. The longest wait comes first.
    fn free_partitions(&self) -> Vec<(i64, i32)> {
        let held: BTreeSet<i32> = self
            .units
            .iter()
            .flat_map(|unit| unit.records.iter().map(|record| record.partition))
            .collect();
        let mut free: Vec<(i64, i32)> = self
            .partitions
            .iter()
            .filter(|(number, _)| !held.contains(number))
            .filter_map(|(&number, partition)| Some((partition.buffer.front()?.since, number)))
            .collect();
        free.sort_unstable();
        free
    }

    fn is_first(&self, at: usize) -> bool {
        let partitions = self.units[at].partitions();
        !self.units[..at]
            .iter()
            .any(|earlier| partitions.iter().any(|&partition| earlier.holds(partition)))
    }

    /// Commits, for each partition, everything before its lowest unresolved record.
    fn commit(&mut self, touched: BTreeSet<i32>, actions: &mut Vec<Action>) {
        for number in touched {
            let Some(partition) = self.partitions.get_mut(&number) else {
                continue;
            };
            let unresolved = self
                .units
                .iter()
                .filter(|unit| !unit.revoked.contains(&number));
            let unresolved = unresolved
                .flat_map(|unit| &unit.records)
                .filter(|record| record.partition == number);
            let offset = unresolved
                .map(|record| record.offset)
                .min()
                .unwrap_or(partition.taken);
            if partition
                .committed
                .is_none_or(|committed| committed < offset)
            {
                partition.committed = Some(offset);
                actions.push(Action::Commit {
                    partition: number,
                    offset,
                });
            }
        }
    }

    fn new_unit(&mut self, records: Vec<Arc<Record>>, now: i64) -> Unit {
        Unit {
            id: self.new_id(),
            records,
            state: State::Waiting { until: now },
            invocations: 0,
            failures: 0,
            setbacks: 0,
            answer: None,
            revoked: BTreeSet::new(),
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_unit += 1;
        self.next_unit
    }

    fn invoking(&self) -> usize {
        self.units
            .iter()
            .filter(|unit| unit.state == State::Invoking)
            .count()
    }

    fn window(&self) -> i64 {
        i64::try_from(self.mapping.window.as_millis()).expect("at most 300 s")
    }

    /// How many records of one partition are buffered. Resuming costs a fetch, so this number stays
    /// large even if the batch size is small.
    fn most_buffered(&self) -> usize {
        (2 * self.mapping.batch_size).max(1_000)
    }
}

impl Partition {
    fn take(&mut self) -> Arc<Record> {
        let first = self.buffer.pop_front().expect("the caller has seen it");
        self.buffered_bytes -= first.size;
        self.taken = first.record.offset + 1;
        first.record
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(super) mod tests;

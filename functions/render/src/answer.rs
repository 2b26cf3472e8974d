//! The answer to a batch: what waits goes back into the queue as a new message, and only what this
//! code cannot read, or the queue does not take, is named in the answer.
//!
//! A message that is named comes again after the queue's visibility timeout, and its receive count
//! grows, until the fifth receive moves it to the dead-letter queue. An hour's outage would move
//! everything there. So trouble that passes sends a new message, whose count begins anew, and the
//! count of receives tells crashes alone.

use std::{collections::BTreeSet, iter, time::Duration};

use contract::Time;
use dead_letters::DeadLetter;
use domain::{JobId, TenantKey};
use operations::DeadLetterSource;
use queue::{Message, NotRead, Outgoing, SendError};
use runtime::chain;
use serde::Serialize;
use store::MetTrouble;
use telemetry::Measured;
use tokio::time::timeout;

use crate::{
    config::Config,
    effects::{Effects, time},
    event::Record,
    in_hand::MessageInHand,
    note::{MOST_OF_A_MESSAGE, note_all},
    progress::Progress,
    put_off::pause,
    trouble::Trouble,
};

/// The partial batch response for SQS. It works only on a mapping with `FunctionResponseTypes:
/// [ReportBatchItemFailures]`. Source: "Handling errors for an SQS event source in Lambda" in the
/// Lambda guide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchResponse {
    /// The messages that come again. Empty if the whole batch is done.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One message that comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchItemFailure {
    /// Its id.
    pub item_identifier: String,
}

/// What becomes of the messages of a batch.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The ids of those that come again.
    kept: BTreeSet<String>,
    dead_lettered: usize,
    put_off: usize,
}

impl Answer {
    /// Keeps messages that this code cannot read: one of a newer version can be read after the next
    /// deployment. From the dead-letter queue it becomes a dead letter for an operator.
    pub(crate) async fn keep_unreadable(
        &mut self,
        config: &Config,
        effects: &impl Effects,
        unreadable: Vec<(&Record, NotRead)>,
    ) {
        for (record, error) in unreadable {
            let id = record.message_id.clone();
            tracing::error!(id, "a message cannot be read: {}", chain(&error));
            if record.queue != config.dead_letter_queue {
                self.kept.insert(id);
                continue;
            }
            let letter = dead_letter(record, &error);
            match effects.write_dead_letter(&letter, time(effects)).await {
                Ok(()) => self.dead_lettered += 1,
                Err(error) => {
                    tracing::error!(id, "not dead-lettered: {}", chain(&error));
                    self.kept.insert(id);
                }
            }
        }
    }

    /// Sends again what is left to do of `messages`. What is not known to be sent `within` this time
    /// comes again.
    pub(crate) async fn put_off(
        &mut self,
        config: &Config,
        effects: &impl Effects,
        messages: &[MessageInHand<'_>],
        progress: &Progress,
        within: Duration,
    ) {
        let (mut ids, mut outgoing, mut troubled) = (Vec::new(), Vec::new(), 0);
        let mut notes = Vec::new();
        for one in messages {
            let jobs = one.message.jobs.iter().copied();
            let left: Vec<JobId> = jobs.filter(|job| progress.is_left(*job)).collect();
            if left.is_empty() {
                continue;
            }
            let is_late = log(one, &left, progress);
            troubled += usize::from(!is_late);
            let id = &one.record.message_id;
            // In the queue it would be drawn beside others again, and the function may die of it.
            let has_survived = left.iter().any(|job| progress.survived_alone(*job));
            let parts = parts(left, progress);
            if one.is_dead && !has_survived && parts.len() == 1 {
                self.kept.insert(id.clone());
                continue;
            }
            for jobs in parts {
                ids.push(id);
                let again = again(config, one, jobs, is_late);
                if !is_late {
                    notes.extend(notes_of(&again, progress, time(effects)));
                }
                outgoing.push(again);
            }
        }
        if troubled > 0 {
            effects.emit(Measured::PutOff { messages: troubled });
        }
        if outgoing.is_empty() {
            return;
        }
        let noted = timeout(within, note_all(effects, notes));
        let (sent, _) = tokio::join!(timeout(within, effects.send(outgoing)), noted);
        let sent = sent.unwrap_or_else(|_| vec![Err(SendError::NotAnswered); ids.len()]);
        for (id, sent) in iter::zip(&ids, sent) {
            if let Err(error) = sent {
                tracing::error!(id, "not put off: {}", chain(&error));
                self.kept.insert((*id).clone());
            }
        }
        let again: BTreeSet<&String> = ids.into_iter().collect();
        let again = again.into_iter().filter(|id| !self.kept.contains(*id));
        self.put_off = again.count();
    }

    /// The answer. Also logs the invocation.
    pub(crate) fn respond(self, records: &[Record]) -> BatchResponse {
        let Self {
            kept,
            dead_lettered,
            put_off,
        } = self;
        tracing::info!(
            received = records.len(),
            done = records
                .len()
                .saturating_sub(kept.len() + dead_lettered + put_off),
            put_off,
            kept = kept.len(),
            dead_lettered,
            "batch handled"
        );
        let failure = |item_identifier| BatchItemFailure { item_identifier };
        BatchResponse {
            batch_item_failures: kept.into_iter().map(failure).collect(),
        }
    }
}

/// Logs why the jobs that are `left` of a message wait; what only follows another is not worth a
/// line. Returns whether they wait for nothing but time, or a message of their own.
fn log(one: &MessageInHand<'_>, left: &[JobId], progress: &Progress) -> bool {
    let mut troubles = left.iter().filter_map(|job| progress.trouble(*job));
    let reason = troubles
        .find(|trouble| !matches!(trouble, Trouble::NoTime | Trouble::Follows | Trouble::Apart));
    let id = &one.record.message_id;
    let (jobs, tries) = (left.len(), one.message.tries);
    if let Some(trouble) = reason {
        let entity = one.message.entity;
        tracing::warn!(id, %entity, jobs, tries, "put off: {}", chain(trouble));
        return false;
    }
    let is_late = left.iter().all(|job| {
        matches!(
            progress.trouble(*job),
            Some(Trouble::NoTime | Trouble::Apart)
        )
    });
    tracing::debug!(id, jobs, tries, is_late, "put off");
    is_late
}

/// The jobs that are `left` of a message, as they are sent again: together, or each by itself if one
/// of them killed the function.
fn parts(left: Vec<JobId>, progress: &Progress) -> Vec<Vec<JobId>> {
    let killed = |job: &JobId| matches!(progress.trouble(*job), Some(Trouble::Apart));
    match left.iter().any(killed) {
        true => left.into_iter().map(|job| vec![job]).collect(),
        false => vec![left],
    }
}

/// The message that has the jobs that are `left` taken up again: at once, if only time was missing.
fn again(config: &Config, one: &MessageInHand<'_>, left: Vec<JobId>, is_late: bool) -> Outgoing {
    let Message { entity, tries, .. } = one.message;
    let (tries, delay) = match is_late {
        true => (tries, Duration::ZERO),
        false => (
            tries.saturating_add(1),
            pause(config.put_off_seconds, tries, entity),
        ),
    };
    Outgoing {
        message: Message {
            entity,
            jobs: left,
            tries,
        },
        // SQS names the group of each message. Without it, the entity is a group by itself.
        tenant: one.record.tenant().unwrap_or(TenantKey(entity.0)),
        delay,
    }
}

/// What is noted of the jobs that are sent `again` because of trouble: what they met, and when they
/// are taken up again. Nothing is noted if it is DynamoDB that is away.
fn notes_of(again: &Outgoing, progress: &Progress, now: Time) -> Vec<(JobId, MetTrouble)> {
    let jobs = || again.message.jobs.iter().copied().take(MOST_OF_A_MESSAGE);
    let met: Vec<&Trouble> = jobs().filter_map(|job| progress.trouble(job)).collect();
    // What only follows another says less.
    let reason = met
        .iter()
        .find(|trouble| !matches!(trouble, Trouble::NoTime | Trouble::Follows | Trouble::Apart))
        .or(met.first());
    let Some(reason) = reason.filter(|reason| !matches!(reason, Trouble::Store(_))) else {
        return Vec::new();
    };
    let seconds = u32::try_from(again.delay.as_secs()).unwrap_or(u32::MAX);
    let trouble = MetTrouble {
        at: now,
        what: chain(*reason),
        again: Some(now.plus_seconds(seconds)),
    };
    jobs().map(|job| (job, trouble.clone())).collect()
}

/// A message that cannot be read, as a dead letter. It names no tenant: the group of a message is
/// only derived from one. The group and the id are in its headers.
fn dead_letter(record: &Record, error: &NotRead) -> DeadLetter {
    let header = |name: &str, value: Option<&str>| {
        let value = value.map(|value| value.as_bytes().to_vec());
        (name.to_owned(), value)
    };
    DeadLetter {
        topic: DeadLetterSource::RenderQueue.as_str().to_owned(),
        partition: 0,
        offset: record.sent_at().unwrap_or_default(),
        timestamp: record.sent_at(),
        key: None,
        value: Some(record.body.clone().into_bytes()),
        headers: vec![
            header("message-id", Some(&record.message_id)),
            header("message-group", record.group()),
        ],
        unread: None,
        cause: error.to_string(),
    }
}

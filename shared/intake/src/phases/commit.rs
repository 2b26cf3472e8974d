//! The first phase of a batch: a decision is committed for each record, and a record that can never
//! succeed becomes a dead letter.
//!
//! The phase first reads what the table has of the events. Then it commits the decisions in groups,
//! a transaction each. A cancelled transaction decides the outcome of no record: the phase commits
//! the halves of the group one after the other, down to a record by itself, and the outcome of that
//! commit is the record's. If DynamoDB does not take calls or does not answer, the mapping delivers
//! the records of the group again.

use std::{sync::Arc, time::SystemTime};

use contract::printable;
use dead_letters::{DeadLetter, DeliveredBy};
use domain::EntityState;
use futures::future::{join, join_all};
use runtime::chain;
use store::{Committed, Prepared, StoreError};
use telemetry::Span;
use tokio::time::timeout;

use super::{
    left,
    lines::{Entity, Line, Turn, lines, take_in},
    time,
};
use crate::{
    calls::Calls,
    effects::Effects,
    examine::dead_letter,
    progress::{Fate, Progress, RecordInHand, Retry},
    record::ReadEvent,
};

/// The most entities whose records are decided on at once: it bounds the memory that a batch of
/// thousands takes.
const LINES_AT_ONCE: usize = 200;

/// Commits a decision for each record, concurrently across entities and in order within one;
/// dead-letters the records that can never succeed.
pub(super) async fn all(
    items: &mut [RecordInHand<'_>],
    by: DeliveredBy,
    effects: &impl Effects,
    calls: &Calls,
    until: SystemTime,
) {
    let phase = Phase {
        by,
        effects,
        calls,
        until,
    };
    let mut lines = lines(items).into_iter();
    loop {
        let mut some: Vec<Line<'_, '_>> = lines.by_ref().take(LINES_AT_ONCE).collect();
        if some.is_empty() {
            return;
        }
        phase.look_up(&mut some).await;
        loop {
            let turns: Vec<Turn<'_, '_>> = some.iter_mut().filter_map(Line::turn).collect();
            if turns.is_empty() {
                break;
            }
            phase.commit(turns).await;
        }
    }
}

/// What the records of a batch are committed with.
struct Phase<'a, E> {
    by: DeliveredBy,
    effects: &'a E,
    calls: &'a Calls,
    until: SystemTime,
}

impl<E: Effects> Phase<'_, E> {
    /// Reads what the table has of the lines' events. Those that were committed before are done
    /// with; if nothing can be read, all are to be delivered again.
    async fn look_up(&self, lines: &mut [Line<'_, '_>]) {
        let events: Vec<&ReadEvent> = lines.iter().flat_map(Line::events).collect();
        if events.is_empty() {
            return;
        }
        let found = self.for_several(self.effects.look_up(&events)).await;
        match found {
            Ok(found) => take_in(found, lines),
            Err(why) => {
                for line in lines {
                    line.put_off(|| retry(why.as_ref()));
                }
            }
        }
    }

    /// Commits a record of each line: in groups those that can be decided beforehand, and the others
    /// by themselves.
    async fn commit(&self, turns: Vec<Turn<'_, '_>>) {
        let (decided, others) = self.decide(turns);
        let groups = store::groups(decided).into_iter();
        let groups = join_all(groups.map(|group| self.commit_group(group)));
        let others = join_all(others.into_iter().map(|turn| self.commit_alone(turn)));
        join(groups, others).await;
    }

    /// Decides what follows from each record, as far as that can be decided beforehand.
    fn decide<'a, 'b>(
        &self,
        turns: Vec<Turn<'a, 'b>>,
    ) -> (Vec<(Turn<'a, 'b>, Prepared)>, Vec<Turn<'a, 'b>>) {
        let now = time(self.effects.now());
        let (mut decided, mut others) = (Vec::new(), Vec::new());
        for mut turn in turns {
            match turn.decide(self.effects, now) {
                Some(decision) => decided.push((turn, decision)),
                None => others.push(turn),
            }
        }
        (decided, others)
    }

    /// Commits the decisions of a group in one transaction, or in two for its halves if that one is
    /// cancelled, and so on. A conflict is over by then, a smaller transaction asks less of a
    /// partition that cannot keep up, and of what is refused in the end one record is left.
    async fn commit_group(&self, group: Vec<(Turn<'_, '_>, Prepared)>) {
        let mut waiting = vec![group];
        while let Some(group) = waiting.pop() {
            let (mut turns, decisions): (Vec<_>, Vec<_>) = group.into_iter().unzip();
            if turns.len() == 1 {
                let turn = turns.remove(0);
                self.commit_alone(turn).await;
                continue;
            }
            match self
                .for_several(self.effects.commit_together(decisions))
                .await
            {
                Ok(Some(committed)) => {
                    for (turn, committed) in turns.into_iter().zip(committed) {
                        turn.holds(committed);
                    }
                }
                Ok(None) => {
                    let later = turns.split_off(turns.len() / 2);
                    for half in [later, turns] {
                        let (decided, others) = self.decide(half);
                        waiting.extend(Some(decided).filter(|half| !half.is_empty()));
                        for turn in others {
                            self.commit_alone(turn).await;
                        }
                    }
                }
                Err(why) => {
                    for turn in turns {
                        turn.item.progress = Progress::Over(Fate::Retry(retry(why.as_ref())));
                    }
                }
            }
        }
    }

    async fn commit_alone(&self, turn: Turn<'_, '_>) {
        let Turn { item, entity, .. } = turn;
        let commit = commit_one(item, entity.state(), self.by, self.effects);
        let ended = timeout(left(self.effects, self.until), self.calls.make(commit)).await;
        if ended.is_err() {
            item.progress = Progress::Over(Fate::Retry(Retry::NoTime("commit")));
        }
        if matches!(item.progress, Progress::Committed(_)) {
            let written = ended.ok().flatten();
            *entity = written.map_or(Entity::Unknown, |state| Entity::Known(Some(state)));
        }
    }

    /// Makes a call for several records. If it fails, none of them is to be tried by itself: the
    /// error, or `None` if the time was up.
    async fn for_several<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Option<Arc<StoreError>>> {
        match timeout(left(self.effects, self.until), self.calls.make(call)).await {
            Ok(answer) => answer.map_err(|error| Some(Arc::new(error))),
            Err(_) => Err(None),
        }
    }
}

/// Why a record is to be delivered again after a call for several.
fn retry(why: Option<&Arc<StoreError>>) -> Retry {
    why.map_or(Retry::NoTime("commit"), |error| {
        Retry::Together(Arc::clone(error))
    })
}

/// Commits one record by itself, or dead-letters it. Returns its entity, if this changed it.
async fn commit_one(
    item: &mut RecordInHand<'_>,
    before: Option<&EntityState>,
    by: DeliveredBy,
    effects: &impl Effects,
) -> Option<EntityState> {
    let now = time(effects.now());
    let letter = match &item.progress {
        Progress::Described(read) => match effects.commit(read, before, now).await {
            Ok(Committed { entry, entity }) => {
                item.is_committed(entry);
                return entity;
            }
            Err(error) if error.is_transient() => {
                item.progress = Progress::Over(Fate::Retry(Retry::Commit(error)));
                return None;
            }
            Err(error) => &dead_letter(item.record, &chain(&error)),
        },
        Progress::Poison(letter) => letter,
        Progress::Committed(_) | Progress::Over(_) => return None,
    };
    let fate = match effects.write_dead_letter(letter, by, now).await {
        Ok(()) => {
            dead_lettered(&mut item.span, letter);
            Fate::DeadLetter
        }
        Err(error) => Fate::Retry(Retry::DeadLetter(error)),
    };
    item.progress = Progress::Over(fate);
    None
}

/// Says that a record is a dead letter now. The cause is not logged, because it quotes the record;
/// `studio dead-letters show` prints it for this id.
pub(super) fn dead_lettered(span: &mut Span<'_>, letter: &DeadLetter) {
    let (topic, partition, offset, id) =
        (&*letter.topic, letter.partition, letter.offset, letter.id());
    let tenant = letter.tenant();
    let tenant = tenant.as_ref().map(|tenant| printable(tenant.as_str()));
    tracing::warn!(topic, partition, offset, %id, tenant, "record dead-lettered");
    span.happens("dead-lettered");
}

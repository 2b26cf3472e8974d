//! Redrive: invokes the consumers of dead letters again, as the mapping would. Nothing is published
//! to the topics, because their other readers would see each record twice. A record that was
//! handled before has no further effect, because ids are derived from its event.

use std::time::{Duration, Instant};

use contract::{Time, Topic};
use dead_letters::DeadLetterError;
use operations::{Fate, Handled, Pace, Which};
use runtime::chain;
use store::{DeadLetterEntry, Resolution, ResolveOutcome};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{
    Operator,
    invoke::{LARGEST_PAYLOAD, invoke},
    list::entry_of,
    step::StepError,
    waiting::{Found, Records},
};

/// The longest time during which records are begun; the last one may take as long as its consumer
/// does.
const AT_MOST: Duration = Duration::from_secs(150);

/// The most records of one answer.
const MOST: usize = 50;

/// The run stops after this many records in a row that could not be handled now, because the next
/// ones would probably fail too.
const MOST_FAILURES: usize = 3;

/// Redrives records, or without `execute` reports which consumer would get each. A record that its
/// consumer is done with is resolved at once, so that an interrupted run can continue with the
/// rest.
pub(crate) async fn redrive(
    operator: &Operator,
    which: &Which,
    after: Option<&str>,
    execute: bool,
    pace: Pace,
    now: Time,
) -> Result<Handled, StepError> {
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_secs(1) / pace.per_second.get());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut records = Records::of(operator, which, after, now)?;
    let mut handled = Handled {
        records: Vec::new(),
        unknown: Vec::new(),
        stopped: None,
        next: None,
    };
    let mut failures = 0;
    while handled.records.len() < MOST && begin.elapsed() < AT_MOST {
        let Some(found) = records.next().await? else {
            break;
        };
        match found {
            Found::Waits(entry) => {
                let fate = match redrive_one(operator, &entry, execute, pace, &mut ticks, now).await
                {
                    Ok(fate) => fate,
                    Err(error) => Fate::NotYet { why: chain(&error) },
                };
                tracing::info!(id = %entry.id, fate = fate.as_str(), "dead letter");
                failures = if matches!(fate, Fate::NotYet { .. }) {
                    failures + 1
                } else {
                    0
                };
                handled.records.push((entry_of(entry), fate));
                if failures == MOST_FAILURES {
                    handled.stopped = Some(format!(
                        "{failures} records in a row could not be handled now"
                    ));
                    return Ok(handled);
                }
            }
            Found::WasResolved(entry) => handled.records.push((entry_of(entry), Fate::WasResolved)),
            Found::Unknown(id) => handled.unknown.push(id),
        }
    }
    handled.next = records.goes_on();
    Ok(handled)
}

async fn redrive_one(
    operator: &Operator,
    entry: &DeadLetterEntry,
    execute: bool,
    pace: Pace,
    ticks: &mut Interval,
    now: Time,
) -> Result<Fate, DeadLetterError> {
    let stays = |why: String| Ok(Fate::Stays { why });
    let topic: Option<Topic> = entry.topic.parse().ok();
    let Some(consumer) = topic.and_then(|topic| operator.config.consumers.get(&topic)) else {
        return stays(format!("nobody consumes {}", entry.topic));
    };
    if entry.count >= pace.guard {
        return stays(format!(
            "it was dead-lettered {} times: each time it came back",
            entry.count
        ));
    }
    let Some(record) = operator.dead_letters.record(entry).await? else {
        return stays("its content is gone".to_owned());
    };
    let redelivery = match intake::redelivery(&record) {
        Ok(redelivery) => redelivery,
        Err(error) => return stays(chain(&error)),
    };
    if redelivery.payload.len() > LARGEST_PAYLOAD {
        return stays(format!(
            "as a batch it has {} bytes; a function takes at most {LARGEST_PAYLOAD}",
            redelivery.payload.len()
        ));
    }
    if !execute {
        return Ok(Fate::WouldBeRedriven {
            to: consumer.clone(),
        });
    }

    let stands = async |id| {
        operator
            .store
            .dead_letter_entry(id)
            .await
            .map_err(DeadLetterError::Entry)
    };
    let is_another = redelivery.id != entry.id;
    let before = if is_another {
        stands(redelivery.id).await?
    } else {
        None
    };
    ticks.tick().await;
    match invoke(&operator.lambda, consumer, redelivery.payload)
        .await
        .map(|answer| intake::is_done(&answer))
    {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => {
            return Ok(Fate::NotYet {
                why: "its consumer cannot handle it now; the consumer's log says why".to_owned(),
            });
        }
        Ok(Err(error)) => {
            return Ok(Fate::NotYet {
                why: format!("{consumer} answered what no consumer does: {error}"),
            });
        }
        Err(error) => return Ok(Fate::NotYet { why: chain(&error) }),
    }
    let outcome = operator
        .dead_letters
        .resolve(entry, Some(&record), Resolution::Redriven, now)
        .await?;
    // A record that has become readable comes back under its new id.
    let other = if is_another {
        stands(redelivery.id).await?
    } else {
        None
    };
    if let Some(other) =
        other.filter(|other| before.is_none_or(|before| other.count > before.count))
    {
        return Ok(Fate::CameBack {
            cause: other.cause,
            count: other.count,
            now: Some(other.id),
        });
    }
    match outcome {
        ResolveOutcome::Resolved => Ok(Fate::Redriven {
            to: consumer.clone(),
        }),
        ResolveOutcome::CameBack => {
            let (cause, count) = stands(entry.id)
                .await?
                .map_or_else(Default::default, |now| (now.cause, now.count));
            Ok(Fate::CameBack {
                cause,
                count,
                now: None,
            })
        }
    }
}

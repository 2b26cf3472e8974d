//! What a job does that no provider makes at the moment: it waits, as long as the trouble of one of
//! them may pass, and is asked for again by itself.

use contract::Time;

use crate::{Job, MOST_ATTEMPTS, Next, Outcome, ProviderId, RetryDecision};

/// The pause before a provider with an open breaker is looked at again, in seconds.
const UNTIL_THE_NEXT_LOOK: u32 = 2 * 60;

/// The longest pause between two requests to a provider in trouble, in seconds.
const LONGEST_PAUSE: u32 = 15 * 60;

/// What to do for `job`, which [`next`](crate::next) gives up, if it need not be given up: the first
/// of `providers` whose trouble may pass is asked again, after pauses of a minute, two, four and so
/// on up to a quarter of an hour, and not while its breaker is open (`out_of_order`).
///
/// `None`: it is given up. No provider's trouble passes, or `patience_seconds` are over since the
/// job first asked one; if it asked none, since its deadline, which a turn that comes late moves on.
#[must_use]
pub fn wait_out(
    job: &Job,
    providers: &[ProviderId],
    out_of_order: &[ProviderId],
    patience_seconds: u32,
    now: Time,
) -> Option<Next> {
    let first = job.attempts.first().map(|attempt| attempt.at);
    let since = first.unwrap_or(job.deadline);
    if patience_seconds == 0 || now >= since.plus_seconds(patience_seconds) {
        return None;
    }
    let mut waits: Option<u32> = None;
    for &provider in providers {
        let is_out_of_order = out_of_order.contains(&provider);
        let last = job.attempts.at(provider).next_back();
        let pause = match last.and_then(|attempt| attempt.outcome.as_ref()) {
            Some(Outcome::Refused { refusal, at, .. }) => {
                let pause = match refusal.retry_decision(provider) {
                    RetryDecision::Fail => return None,
                    RetryDecision::AskTheNext => continue,
                    // The breaker is the pause.
                    RetryDecision::OpenTheBreaker => 0,
                    RetryDecision::AskAgain => pause_after(job.attempts.at(provider).count()),
                };
                let waited = now.milliseconds_since(*at) / 1000;
                pause.saturating_sub(u32::try_from(waited).unwrap_or(u32::MAX))
            }
            // What was not refused is no reason to give up, unless it was not even asked.
            None if last.is_none() && is_out_of_order => 0,
            Some(Outcome::Accepted | Outcome::Made { .. }) | None => continue,
        };
        let pause = match is_out_of_order {
            true => pause.max(UNTIL_THE_NEXT_LOOK),
            false => pause,
        };
        if pause == 0 {
            return Some(Next::Ask(provider));
        }
        waits = Some(waits.map_or(pause, |earlier| earlier.min(pause)));
    }
    waits.map(|seconds| Next::Wait { seconds })
}

/// The pause after the last of `tries` requests to a provider, in seconds.
fn pause_after(tries: usize) -> u32 {
    let doublings = tries.saturating_sub(MOST_ATTEMPTS).min(10);
    let doublings = u32::try_from(doublings).unwrap_or(10);
    (60 * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

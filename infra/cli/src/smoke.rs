//! `studio smoke`: an event through the whole system, and the text that says how far it came.

use std::time::{Duration, Instant};

use contract::{Identifier, printable};
use operations::{JobState, Smoked, SmokedOfAnyVersion, Step};
use serde_json::json;

use crate::{
    Exit,
    ask::{AskError, Function},
    table::print,
};

/// The longest wait of one call in seconds: the function waits no longer.
const A_CALL: u32 = 240;

/// Sends an event, or takes up the `event` of an earlier call, and waits for it for `within`
/// seconds: in several calls, if one cannot wait that long.
pub async fn run(
    function: &Function,
    mut event: Option<Identifier>,
    within: u32,
    json: bool,
) -> Result<Exit, AskError> {
    let (begin, mut left) = (Instant::now(), within);
    loop {
        let before = begin.elapsed();
        let step = Step::Smoke {
            within: left.min(A_CALL),
            event: event.take(),
        };
        left = left.saturating_sub(A_CALL);
        let (_, SmokedOfAnyVersion(smoked)) = function.ask(&step).await?;
        event = smoked.awaited_event().filter(|_| left > 0).cloned();
        if event.is_none() {
            let smoked = counted_from(smoked, before);
            print(json, &json!(smoked).to_string(), || text(&smoked));
            return Ok(exit(&smoked));
        }
    }
}

/// The answer of the last call, with the time of the calls `before` it.
fn counted_from(mut smoked: Smoked, before: Duration) -> Smoked {
    match &mut smoked {
        Smoked::Through { milliseconds, .. } => {
            *milliseconds += u64::try_from(before.as_millis()).unwrap_or_default();
        }
        Smoked::NotTaken { seconds, .. } | Smoked::Open { seconds, .. } => {
            *seconds += before.as_secs();
        }
        Smoked::Failed { .. } => {}
    }
    smoked
}

fn exit(smoked: &Smoked) -> Exit {
    match smoked {
        Smoked::Through { .. } => Exit::Done,
        Smoked::NotTaken { .. } => Exit::NotTaken,
        Smoked::Open { .. } => Exit::Open,
        Smoked::Failed { .. } => Exit::EventFailed,
    }
}

fn text(smoked: &Smoked) -> String {
    match smoked {
        Smoked::Through { job, milliseconds } => {
            let seconds = *milliseconds as f64 / 1000.0;
            format!("An event came through in {seconds:.1} s: job {job} is completed\n")
        }
        Smoked::NotTaken { event, seconds } => format!(
            "After {seconds} s no consumer has taken the event {event}: is the mapping enabled, is the consumer behind, and what does the log of \
             event-created say?\n{}",
            again(event)
        ),
        Smoked::Open {
            event,
            job,
            state,
            seconds,
        } => format!(
            "After {seconds} s the job {job} of the event {event} is {state}: {}\n{}",
            where_to_look(*state),
            again(event)
        ),
        Smoked::Failed { event, detail, .. } => {
            format!("The event {event} failed: {}\n", printable(detail))
        }
    }
}

/// Where an operator finds why a job stays in this state.
fn where_to_look(state: JobState) -> &'static str {
    match state {
        JobState::Created => {
            "it was never taken up, so what do `studio queue` and the log of render say?"
        }
        JobState::Submitted => "its poster is being made, so what does the log of completion say?",
        JobState::Cancelled | JobState::Erased | JobState::Completed | JobState::Failed => {
            "`studio audit` says who asked for what"
        }
    }
}

fn again(event: &Identifier) -> String {
    let event = printable(event.as_str());
    format!("To wait on for the same event: smoke --event {event}\n")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn each() -> [Smoked; 7] {
        let event = Identifier::parse("316aa6d0-8154-4a9e-9af7-85d5f4a6bc81").unwrap();
        let job: Uuid = "aec4c8e1-cbe3-5d61-8d23-fabd1e6117d0".parse().unwrap();
        let open = |state| Smoked::Open {
            event: event.clone(),
            job,
            state,
            seconds: 90,
        };
        [
            Smoked::Through {
                job,
                milliseconds: 1234,
            },
            Smoked::NotTaken {
                event: event.clone(),
                seconds: 90,
            },
            open(JobState::Created),
            open(JobState::Submitted),
            open(JobState::Cancelled),
            open(JobState::Erased),
            Smoked::Failed {
                event: event.clone(),
                job,
                detail: "S3 does not answer".to_owned(),
            },
        ]
    }

    #[test]
    fn each_outcome_says_where_the_event_is_and_where_to_look() {
        let texts: Vec<_> = each().iter().map(text).collect();
        insta::assert_snapshot!("smoke", texts.join("\n"));
    }

    #[test]
    fn each_outcome_has_its_exit_code() {
        let codes = each().map(|smoked| exit(&smoked) as u8);
        assert_eq!(codes, [0, 5, 6, 6, 6, 6, 7]);
    }

    #[test]
    fn the_time_of_earlier_calls_counts() {
        let before = Duration::from_millis(240_500);
        let [through, not_taken, open, .., failed] = each().map(|one| counted_from(one, before));
        let time = |smoked: &Smoked| json!(smoked);
        assert_eq!(time(&through)["milliseconds"], 241_734);
        assert_eq!(time(&not_taken)["seconds"], 330);
        assert_eq!(time(&open)["seconds"], 330);
        assert_eq!(json!(failed), json!(each()[6]));
    }
}

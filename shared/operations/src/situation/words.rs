//! The words: how each situation stands, and what comes next.

use contract::{FailureClass, Time};

use super::{OutOfOrder, Situation, Trouble};

impl Situation {
    /// How it stands, in words.
    pub(super) fn now(&self) -> String {
        match self {
            Self::Queued { since, trouble, .. } => with_trouble(
                format!(
                    "It waits in the queue to be drawn, since {}.",
                    clock(*since)
                ),
                trouble.as_ref(),
            ),
            Self::InLine {
                provider, since, ..
            } => {
                let since =
                    since.map_or_else(String::new, |since| format!(", since {}", clock(since)));
                format!(
                    "It waits for its turn at {provider}{since}: no slot there was free for it."
                )
            }
            Self::Begun {
                execution,
                since,
                trouble,
            } => with_trouble(
                format!(
                    "Its execution {execution} runs, and has asked no provider yet; it was decided \
                     on at {}.",
                    clock(*since)
                ),
                trouble.as_ref(),
            ),
            Self::WithoutExecution { execution, .. } => {
                format!(
                    "A provider is to make it, and no execution runs: {execution} is not there or has ended."
                )
            }
            Self::Asked {
                provider,
                at,
                trouble,
            } => with_trouble(
                format!(
                    "{provider} was asked at {}, and its answer is not stored.",
                    clock(*at)
                ),
                trouble.as_ref(),
            ),
            Self::AtProvider {
                provider,
                ticket,
                since,
                trouble,
                ..
            } => {
                let ticket = ticket
                    .as_ref()
                    .map_or_else(String::new, |ticket| format!(" (ticket {ticket})"));
                with_trouble(
                    format!("{provider} works on it{ticket}, since {}.", clock(*since)),
                    trouble.as_ref(),
                )
            }
            Self::Kept {
                provider,
                since,
                trouble,
            } => with_trouble(
                format!(
                    "{provider} made it, and the bucket does not take it: the studio keeps it, since {}.",
                    clock(*since)
                ),
                trouble.as_ref(),
            ),
            Self::AskedAgain {
                provider,
                refusals,
                said,
                ..
            } => format!(
                "{provider} refused it {refusals} time{}, and said last: {said}",
                if *refusals == 1 { "" } else { "s" }
            ),
            Self::ToBeAsked {
                passed_over,
                trouble,
                ..
            } => with_trouble(
                format!("It is between two requests.{}", said_of(passed_over)),
                trouble.as_ref(),
            ),
            Self::Paused { passed_over, .. } => {
                format!("It waits for a provider.{}", said_of(passed_over))
            }
            Self::ToFail { detail, .. } => format!("No provider is left to ask: {detail}."),
            Self::Stored { at, trouble } => with_trouble(
                format!(
                    "Its asset is stored since {}, and it is not completed yet.",
                    clock(*at)
                ),
                trouble.as_ref(),
            ),
            Self::Completed {
                at,
                by,
                instead_of,
                told,
            } => {
                let instead = match &instead_of[..] {
                    [] => String::new(),
                    before => format!(", instead of {}", before.join(" and ")),
                };
                format!(
                    "{by} made it{instead}. It is stored since {}. {}",
                    clock(*at),
                    told.sentence("Its end")
                )
            }
            Self::Failed {
                at,
                class,
                detail,
                told,
                ..
            } => format!(
                "It failed at {} as {}: {detail}. {}",
                clock(*at),
                class.as_str(),
                told.sentence("Its end")
            ),
            Self::Cancelled { at, told } => format!(
                "It was cancelled at {}. {}",
                clock(*at),
                told.sentence("Its end")
            ),
            Self::Erased { at } => format!("It was erased at {}.", clock(*at)),
        }
    }

    /// What comes next, in words.
    pub(super) fn next(&self) -> String {
        match self {
            Self::Queued {
                sweep_at, trouble, ..
            } => match again(trouble.as_ref()) {
                Some(again) => format!("Its message comes again {again}, and it is drawn then."),
                None => format!(
                    "It is drawn when its message is taken: tenants have turns, so a long queue of \
                     others delays it little. If its message was lost, the sweep sends it again \
                     after {}.",
                    clock(*sweep_at)
                ),
            },
            Self::InLine {
                provider, until, ..
            } => format!(
                "It starts when {provider} has a slot and it is this tenant's turn. It fails if it \
                 waits until {}.",
                clock(*until)
            ),
            Self::Begun { trouble, .. } => match trouble {
                Some(_) => STEP_AGAIN.to_owned(),
                None => "Its next step asks a provider. If nothing has happened for two minutes, \
                         `completion` is not invoked: it is throttled, or its concurrency is 0."
                    .to_owned(),
            },
            Self::WithoutExecution { sweep_at, .. } => format!(
                "Its message starts the execution. If that was lost or has ended, the sweep starts \
                 it after {}.",
                clock(*sweep_at)
            ),
            Self::Asked { provider, .. } => format!(
                "The step that asked ends within two minutes. If it died, the next one takes the \
                 outcome as unknown, and asks {provider} again only if that cannot be paid twice."
            ),
            Self::AtProvider {
                provider, until, ..
            } => format!(
                "{provider} is asked how far it is, every minute at least. The job fails if it is \
                 not done by {}.",
                clock(*until)
            ),
            Self::Kept { .. } => {
                "It is stored as soon as the bucket takes it. Nothing is bought again.".to_owned()
            }
            Self::AskedAgain { provider, at, .. } => {
                format!("{provider} is asked again at {}.", clock(*at))
            }
            Self::ToBeAsked {
                provider, trouble, ..
            } => match trouble {
                Some(_) => STEP_AGAIN.to_owned(),
                None => format!("Its next step asks {provider}."),
            },
            Self::Paused { until, .. } => format!("It is looked at again at {}.", clock(*until)),
            Self::ToFail { class, .. } => {
                format!("Its next step closes it as failed: {}.", class.as_str())
            }
            Self::Stored { trouble, .. } => match trouble {
                Some(_) => STEP_AGAIN.to_owned(),
                None => "Its next step completes it, and publishes that.".to_owned(),
            },
            Self::Failed {
                again_by: Some(by), ..
            } => format!("Job {by} makes it again."),
            Self::Failed { class, .. } => after_failure(*class).to_owned(),
            Self::Completed { .. } | Self::Cancelled { .. } | Self::Erased { .. } => String::new(),
        }
    }
}

const STEP_AGAIN: &str = "Its execution takes the step again by itself, after pauses that grow.";

/// What an operator can do about a failed job.
fn after_failure(class: FailureClass) -> &'static str {
    match class {
        FailureClass::InvalidInput | FailureClass::Moderation => {
            "Nothing comes by itself. Its owner changes the content, and that is rendered; or an \
             operator resubmits it."
        }
        FailureClass::NotConfigured => {
            "Nothing comes by itself. Configure a provider for this kind, then resubmit it."
        }
        FailureClass::OutcomeUnknown => {
            "Nothing comes by itself, because it may be paid for. Resubmit it if it is wanted."
        }
        FailureClass::Unavailable
        | FailureClass::Timeout
        | FailureClass::Abandoned
        | FailureClass::TooManyOpen
        | FailureClass::Cancelled
        | FailureClass::Internal => "Nothing comes by itself. Resubmit it once the cause is gone.",
    }
}

fn with_trouble(sentence: String, trouble: Option<&Trouble>) -> String {
    match trouble {
        None => sentence,
        Some(Trouble { at, what, .. }) => {
            format!("{sentence} At {} it met trouble: {what}", clock(*at))
        }
    }
}

fn again(trouble: Option<&Trouble>) -> Option<String> {
    let again = trouble?.again?;
    Some(format!("at {}", clock(again)))
}

fn said_of(passed_over: &[OutOfOrder]) -> String {
    let said = passed_over.iter().map(|one| {
        format!(
            " {} is passed over until {}, because it turned the studio away: {}",
            one.provider,
            clock(one.until),
            one.why
        )
    });
    said.collect()
}

/// A time as the sentences have it, in UTC: `2026-11-27 09:30:00 UTC`.
pub(crate) fn clock(time: Time) -> String {
    time.timestamp()
        .strftime("%Y-%m-%d %H:%M:%S UTC")
        .to_string()
}

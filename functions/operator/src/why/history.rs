//! What happened to a job, in order: each line is something that the code wrote when it decided it.

use std::iter;

use contract::Time;
use domain::{Attempt, Job, Note, Noted, Outcome, Output, ProviderId, Refusal, State};
use operations::Happened;
use store::{JobSeen, MetTrouble};

/// The history of a job, in order.
pub(crate) fn history(seen: &JobSeen) -> Vec<Happened> {
    let job = &seen.job;
    let mut history = vec![opened(job)];
    history.extend(job.notes.iter().map(noted));
    let before = iter::once(None).chain(job.attempts.iter().map(Some));
    let attempts = iter::zip(before, &job.attempts);
    history.extend(attempts.flat_map(|(before, attempt)| attempted(before, attempt)));
    history.extend(seen.trouble.as_ref().map(troubled));
    history.extend(ended(&job.state));
    // What is of one moment stays in the order of above: a turn comes before the request.
    history.sort_by_key(|happened| happened.at);
    history
}

fn noted(note: &Note) -> Happened {
    let what = match note.what {
        Noted::JoinedLine { provider } => {
            format!("waits for its turn at {provider}: no slot there is free for it")
        }
        Noted::TurnCame { provider } => format!("its turn came at {provider}"),
        Noted::PassedOver { provider, until } => {
            format!("{provider} is not asked: its breaker is open until {until}")
        }
    };
    happened(note.at, what)
}

fn troubled(trouble: &MetTrouble) -> Happened {
    let again = trouble.again.map_or_else(String::new, |again| {
        format!("; it is taken up again at {again}")
    });
    happened(trouble.at, format!("met trouble: {}{again}", trouble.what))
}

fn happened(at: Time, what: String) -> Happened {
    Happened { at, what }
}

fn opened(job: &Job) -> Happened {
    let what = match job.resubmit_of {
        Some(old) => format!("created to make {old} again"),
        None => format!(
            "created for {} {} of {}",
            job.trigger.topic, job.trigger.id, job.trigger.source
        ),
    };
    happened(job.created_at, what)
}

/// An attempt, after the one `before` it, and its refusal if the provider refused.
fn attempted(before: Option<&Attempt<ProviderId>>, attempt: &Attempt<ProviderId>) -> Vec<Happened> {
    let provider = attempt.asked;
    let instead = before
        .filter(|before| before.asked != provider)
        .map_or_else(String::new, |before| {
            format!(" instead of {}", before.asked)
        });
    let outcome = match &attempt.outcome {
        Some(Outcome::Accepted) if attempt.kept.is_some() => {
            ", which made it; the studio keeps it until the bucket takes it".to_owned()
        }
        None => ", and has not answered".to_owned(),
        Some(Outcome::Accepted) => ", which works on it".to_owned(),
        Some(Outcome::Made { credits }) => format!(", which made it for {credits} credits"),
        Some(Outcome::Refused { .. }) => String::new(),
    };
    let ticket = attempt
        .ticket
        .as_ref()
        .map_or_else(String::new, |ticket| format!(" (ticket {ticket})"));
    // Nothing was sent, so the vendor's support finds no request.
    let asked = match (attempt.unsent, &attempt.outcome) {
        (true, Some(Outcome::Made { .. })) => {
            format!("drawn over what {provider} had painted before: nothing was sent")
        }
        (true, _) => format!("did not ask {provider}{instead}: nothing was sent"),
        (false, _) => format!(
            "asked {provider}{instead}{ticket}{outcome}; request {}",
            attempt.token
        ),
    };
    let mut history = vec![happened(attempt.at, asked)];
    if let Some(Outcome::Refused {
        refusal,
        detail,
        at,
        ..
    }) = &attempt.outcome
    {
        let what = match (attempt.unsent, refusal) {
            (true, _) => detail.clone(),
            (false, Refusal::NotStored) => format!("{}: {detail}", class(*refusal)),
            (false, _) => format!("{provider} did not make it: {}: {detail}", class(*refusal)),
        };
        history.push(happened(*at, what));
    }
    history
}

/// What a job's state says of its end, and of an asset that is stored before it.
fn ended(state: &State) -> Vec<Happened> {
    match state {
        State::Created | State::Submitted { output: None, .. } => Vec::new(),
        State::Submitted {
            output: Some(output),
            ..
        } => stored(output, "stored"),
        State::Completed { output, .. } => stored(output, "stored, completed"),
        State::Failed { failure } => {
            let what = format!("failed: {}: {}", failure.class.as_str(), failure.detail);
            vec![happened(failure.at, what)]
        }
        State::Cancelled { at } => vec![happened(*at, "cancelled".to_owned())],
        State::Erased { at } => vec![happened(*at, "erased".to_owned())],
    }
}

/// That an asset is stored, and what it does not show as it was asked for.
fn stored(output: &Output, what: &str) -> Vec<Happened> {
    let undrawn = output.shows.undrawn.iter();
    let undrawn = undrawn.map(|field| format!("not drawn: {field}"));
    let adjusted = output.shows.adjusted.iter();
    let adjusted = adjusted.map(|field| format!("not as asked for: {field}"));
    let all = iter::once(what.to_owned()).chain(undrawn).chain(adjusted);
    all.map(|what| happened(output.stored_at, what)).collect()
}

fn class(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Moderation => "its rules forbid the content",
        Refusal::InvalidInput => "it cannot use the content",
        Refusal::Auth => "it rejects the key",
        Refusal::Billing => "the account has no credit left",
        Refusal::RateLimited { .. } => "it is asked too often",
        Refusal::Transient => "it is in trouble",
        Refusal::ProviderGone => "it or its model is retired",
        Refusal::Blocked => "the request was blocked, maybe before it got there",
        Refusal::OutcomeUnknown => "the outcome is unknown",
        Refusal::NotStored => "it made it, and the studio lost it",
    }
}

#[cfg(test)]
mod tests {
    use contract::{Adjusted, Shows, Undrawn};
    use domain::Work as _;

    use super::*;

    #[test]
    fn a_history_says_what_an_asset_does_not_show() {
        let at = at();
        let mut output = Output {
            key: "poster.png".to_owned(),
            stored_at: at,
            credits: 0,
            length_ms: None,
            shows: Shows {
                alt_text: None,
                undrawn: vec![Undrawn {
                    field: "venue.name".to_owned(),
                    characters: 5,
                    scripts: vec!["Tamil".to_owned()],
                }],
                adjusted: vec![Adjusted {
                    field: "brand.logo".to_owned(),
                    what: "left-out".to_owned(),
                    reason: "it has 1 × 1 pixels".to_owned(),
                }],
            },
        };
        let of = |output: &Output| {
            let submitted_at = at;
            let output = output.clone();
            let history = ended(&State::Completed {
                output,
                submitted_at,
            });
            let said = history.into_iter().map(|happened| happened.what);
            said.collect::<Vec<_>>()
        };
        assert_eq!(
            of(&output),
            [
                "stored, completed",
                "not drawn: venue.name, 5 characters (Tamil)",
                "not as asked for: brand.logo left-out: it has 1 × 1 pixels",
            ]
        );
        output.shows = Shows::default();
        assert_eq!(of(&output), ["stored, completed"]);
    }

    /// A job that waited, whose first provider refused it and whose second was passed over.
    fn seen() -> JobSeen {
        let at = |second| at().plus_seconds(second);
        let job = crate::why::example::job("runway");
        let token = domain::derive(&[b"token"]);
        let job = job
            .waiting(ProviderId::Runway, at(1))
            .noting_turn(at(5))
            .woken(at(900))
            .asking(ProviderId::Runway, token, at(6));
        let refused = Outcome::Refused {
            refusal: Refusal::Auth,
            detail: "401: no such key".to_owned(),
            at: at(7),
            credits: 0,
        };
        let passed_over = Noted::PassedOver {
            provider: ProviderId::OpenAi,
            until: at(900),
        };
        let job = job
            .answered(refused, at(7))
            .noting(passed_over, at(8))
            .asking(ProviderId::StudioCanvas, token, at(8));
        JobSeen {
            job,
            trouble: Some(MetTrouble {
                at: at(9),
                what: "storing the asset in S3: AccessDenied".to_owned(),
                again: None,
            }),
        }
    }

    fn at() -> Time {
        Time::new("2026-11-20T10:00:00Z".parse().expect("a time"))
    }

    #[test]
    fn a_history_says_when_a_job_waited_whose_turn_came_and_whom_it_fell_back_from() {
        let history = history(&seen());
        let lines: Vec<&str> = history
            .iter()
            .map(|happened| happened.what.as_str())
            .collect();
        let token = domain::derive(&[b"token"]);
        assert_eq!(
            lines,
            [
                "created for eventzr.event.created.v1 evt-1 of events-svc",
                "waits for its turn at runway: no slot there is free for it",
                "its turn came at runway",
                &format!("asked runway; request {token}"),
                "runway did not make it: it rejects the key: 401: no such key",
                "openai is not asked: its breaker is open until 2026-11-20T10:15:00.000Z",
                &format!(
                    "asked studio-canvas instead of runway, and has not answered; request {token}"
                ),
                "met trouble: storing the asset in S3: AccessDenied",
            ]
        );
        assert!(history.is_sorted_by_key(|happened| happened.at));
    }
}

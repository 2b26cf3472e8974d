//! `studio providers`: the requests of its commands, and the text of the answers.

use contract::printable;
use operations::{
    BreakerFate, BreakerHandled, BreakerSummary, ProviderSummary, ProvidersListed, Step,
};

use crate::{
    Exit,
    arguments::ProvidersCommand,
    ask::{AskError, Function},
    table::{print, table},
    time::shown,
};

pub async fn run(
    function: &Function,
    command: ProvidersCommand,
    json: bool,
) -> Result<Exit, AskError> {
    match command {
        ProvidersCommand::List => {
            let (answer, listed) = function.ask(&Step::ListProviders).await?;
            print(json, &answer, || list(&listed));
        }
        ProvidersCommand::CloseBreaker { provider, execute } => {
            let step = Step::CloseBreaker { provider, execute };
            let (answer, handled) = function.ask(&step).await?;
            print(json, &answer, || fate(&handled));
        }
    }
    Ok(Exit::Done)
}

fn list(listed: &ProvidersListed) -> String {
    let rows = listed.providers.iter().map(|one| {
        let breaker = match &one.breaker {
            Some(breaker) => format!("open until {} UTC", shown(breaker.until)),
            None => "closed".to_owned(),
        };
        let most = one.most_in_flight;
        let most = most.map_or_else(String::new, |most| format!(" of {most}"));
        let cells = vec![
            one.provider.clone(),
            format!("{}{most}", one.in_flight),
            one.waiting.to_string(),
            one.credits_today.to_string(),
            one.credits_in_all.to_string(),
            breaker,
        ];
        (cells, trouble(one))
    });
    let head = [
        "PROVIDER",
        "IN FLIGHT",
        "WAITING",
        "CREDITS TODAY",
        "31 DAYS",
        "BREAKER",
    ];
    table(&head, &rows.collect::<Vec<_>>())
}

/// The last refusal in the provider's words, and why the breaker is open if that is something else.
fn trouble(one: &ProviderSummary) -> Option<String> {
    let refusal = one.last_refusal.as_ref().map(|last| {
        let (at, class, said, of) = (shown(last.at), &last.class, &last.said, last.of);
        format!("last refused {at} UTC, {class}: {said} ({of})")
    });
    let why = one.breaker.as_ref().map(|breaker| &breaker.why);
    let said = one.last_refusal.as_ref().map(|last| &last.said);
    let opened = why.filter(|why| said != Some(*why));
    let opened = opened.map(|why| format!("breaker: {why}"));
    let both: Vec<String> = opened.into_iter().chain(refusal).collect();
    (!both.is_empty()).then(|| both.join("; "))
}

fn fate(handled: &BreakerHandled) -> String {
    let provider = printable(&handled.provider);
    match &handled.fate {
        BreakerFate::WouldBeClosed { breaker } => format!(
            "would be closed     {provider}  {}\n\nThis was a dry run. Apply it with --execute.\n",
            opened(breaker)
        ),
        BreakerFate::Closed { breaker } => {
            format!("closed              {provider}  {}\n", opened(breaker))
        }
        BreakerFate::WasClosed => format!("closed before       {provider}\n"),
    }
}

fn opened(breaker: &BreakerSummary) -> String {
    format!(
        "open until {} UTC: {}",
        shown(breaker.until),
        printable(&breaker.why)
    )
}

#[cfg(test)]
mod tests {
    use contract::Time;
    use operations::RefusalSummary;
    use uuid::Uuid;

    use super::*;

    fn breaker() -> BreakerSummary {
        BreakerSummary {
            until: Time::new("2026-11-27T09:45:00Z".parse().unwrap()),
            why: "401: Incorrect API key\nprovided".to_owned(),
        }
    }

    fn provider(name: &str) -> ProviderSummary {
        ProviderSummary {
            provider: name.to_owned(),
            breaker: None,
            waiting: 0,
            in_flight: 0,
            most_in_flight: None,
            credits_today: 0,
            credits_in_all: 0,
            last_refusal: None,
        }
    }

    fn refusal(said: &str) -> Option<RefusalSummary> {
        Some(RefusalSummary {
            at: Time::new("2026-11-27T09:30:00Z".parse().unwrap()),
            class: "auth".to_owned(),
            said: said.to_owned(),
            of: Uuid::from_u128(7),
        })
    }

    #[test]
    fn a_list_shows_calls_line_cost_breaker_and_what_the_provider_said_last() {
        let openai = ProviderSummary {
            breaker: Some(breaker()),
            waiting: 9_997,
            in_flight: 4,
            most_in_flight: Some(10),
            credits_today: 120,
            credits_in_all: 4_300,
            last_refusal: refusal("401: Incorrect API key\nprovided"),
            ..provider("openai")
        };
        let runway = ProviderSummary {
            breaker: Some(breaker()),
            last_refusal: refusal("429: slow down"),
            ..provider("runway")
        };
        let providers = vec![provider("studio-canvas"), openai, runway];
        insta::assert_snapshot!("providers_list", list(&ProvidersListed { providers }));
    }

    #[test]
    fn each_fate_of_a_breaker_names_its_provider() {
        let lines = [
            BreakerFate::WouldBeClosed { breaker: breaker() },
            BreakerFate::Closed { breaker: breaker() },
            BreakerFate::WasClosed,
        ]
        .map(|one| {
            fate(&BreakerHandled {
                provider: "openai".to_owned(),
                fate: one,
            })
        });
        insta::assert_snapshot!("providers_fates", lines.concat());
    }
}

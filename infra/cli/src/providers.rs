//! `studio providers`: the requests of its commands, and the text of the answers.

use contract::printable;
use operations::{BreakerFate, BreakerHandled, BreakerSummary, ProvidersListed, Step};

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
        let why = one.breaker.as_ref().map(|breaker| breaker.why.clone());
        let cells = vec![one.provider.clone(), one.waiting.to_string(), breaker];
        (cells, why)
    });
    let head = ["PROVIDER", "WAITING", "BREAKER"];
    table(&head, &rows.collect::<Vec<_>>())
}

fn fate(handled: &BreakerHandled) -> String {
    let provider = printable(&handled.provider);
    match &handled.fate {
        BreakerFate::WouldBeClosed { breaker } => format!(
            "would be closed     {provider}  {}\n\nNothing is done yet. Do it with --execute.\n",
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
    use operations::ProviderSummary;

    use super::*;

    fn breaker() -> BreakerSummary {
        BreakerSummary {
            until: Time::new("2026-11-27T09:45:00Z".parse().unwrap()),
            why: "401: Incorrect API key\nprovided".to_owned(),
        }
    }

    #[test]
    fn a_list_shows_how_many_wait_and_what_the_provider_of_an_open_breaker_said() {
        let of = |provider: &str, breaker, waiting| ProviderSummary {
            provider: provider.to_owned(),
            breaker,
            waiting,
        };
        let canvas = of("studio-canvas", None, 0);
        let providers = vec![canvas, of("openai", Some(breaker()), 9_997)];
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

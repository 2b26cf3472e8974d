//! `studio tenants`: the requests of its commands, and the text of the answers.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use contract::{Identifier, printable};
use operations::{
    CloseRemainder, ClosedRemainder, Reason, RemainderFate, RemainderHandled, Step, TenantData,
    TenantFate, TenantHandled,
};

use crate::{
    Exit,
    arguments::{EraseArguments, TenantsCommand},
    ask::{AskError, Function},
    erasing::{Passes, repeat},
    table::{counted, print},
    time::shown,
};

pub async fn run(
    function: &Function,
    command: TenantsCommand,
    json: bool,
) -> Result<Exit, AskError> {
    match command {
        TenantsCommand::Erase {
            tenant,
            erase: EraseArguments { execute, within },
            confirm,
        } => {
            if execute {
                check(&tenant, confirm, typed)?;
            }
            let step = Step::EraseTenant { tenant, execute };
            let passes = Passes { text: erased, left };
            repeat(
                function,
                &step,
                passes,
                Duration::from_secs(within.into()),
                json,
            )
            .await
        }
        TenantsCommand::CloseRemainder {
            tenant,
            remainder,
            execute,
        } => {
            let reason = function
                .reason()
                .and_then(|reason| Reason::parse(reason).ok());
            let Some(reason) = reason else {
                let why = "say why with --reason '…': it stays on record";
                return Err(AskError::Refused(why.to_owned()));
            };
            let step = Step::CloseRemainder(CloseRemainder {
                tenant,
                remainder,
                reason,
                execute,
            });
            let (answer, handled) = function.ask(&step).await?;
            print(json, &answer, || closing(&handled));
            Ok(Exit::Done)
        }
    }
}

/// Checks that an operator gave the name of the tenant again, in `confirm` or by `ask`.
fn check(
    tenant: &Identifier,
    confirm: Option<String>,
    ask: impl FnOnce() -> Option<String>,
) -> Result<(), AskError> {
    let tenant = tenant.as_str();
    let why = match confirm.or_else(ask) {
        Some(name) if name == tenant => return Ok(()),
        Some(name) => {
            format!(
                "nothing is erased, because the name that confirms it is `{name}`, not `{tenant}`"
            )
        }
        None => format!("erasing cannot be undone, so confirm it with --confirm {tenant}"),
    };
    Err(AskError::Refused(why))
}

/// What the operator types on the terminal as the tenant's name; `None` without a terminal.
fn typed() -> Option<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    eprint!("Erasing cannot be undone. Type the tenant's name to go on: ");
    let mut line = String::new();
    stdin.read_line(&mut line).ok()?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// What became of a remainder.
fn closing(handled: &RemainderHandled) -> String {
    let remainder = printable(&handled.remainder.to_string());
    match &handled.fate {
        RemainderFate::WouldBeClosed { met_at } => format!(
            "would be closed     {remainder}  kept on {} UTC\n\n\
             This was a dry run. Apply it with --execute; it cannot be undone.\n",
            shown(*met_at)
        ),
        RemainderFate::Closed { at } => {
            let tenant = printable(handled.tenant.as_str());
            format!(
                "closed              {remainder}  {} UTC\n\n\
                 Now run: tenants erase {tenant} --execute --confirm {tenant}\n",
                shown(*at)
            )
        }
        RemainderFate::WasClosed { at, reason } => format!(
            "closed before       {remainder}  {} UTC: {}\n",
            shown(*at),
            printable(reason)
        ),
    }
}

/// What a pass erased, or would erase.
fn erased(handled: &TenantHandled) -> String {
    let tenant = printable(handled.tenant.as_str());
    match &handled.fate {
        TenantFate::WouldBeErased { data } if *data == TenantData::default() => format!(
            "Nothing of {tenant} is stored. A tenant's name is written as its events have it.\n"
        ),
        TenantFate::WouldBeErased { data } => format!(
            "would be erased     {tenant}  {}\n\n\
             This was a dry run. Apply it with --execute --confirm {tenant}; it cannot be undone.\n",
            counts(data)
        ),
        TenantFate::Erased { data, closed } => {
            let closed: String = closed.iter().map(kept_by_decision).collect();
            format!("erased              {tenant}  {}\n{closed}", counts(data))
        }
        TenantFate::Erasing { data, .. } => {
            format!("erased in part      {tenant}  {}\n", counts(data))
        }
    }
}

fn kept_by_decision(closed: &ClosedRemainder) -> String {
    format!(
        "  kept: {}, closed {} UTC: {}\n",
        printable(&closed.remainder.to_string()),
        shown(closed.closed_at),
        printable(closed.reason.as_str())
    )
}

fn left(handled: &TenantHandled) -> Option<String> {
    match &handled.fate {
        TenantFate::WouldBeErased { .. } | TenantFate::Erased { .. } => None,
        TenantFate::Erasing { left, kept, .. } => {
            let kept = kept
                .iter()
                .map(|one| format!("; {}", printable(&one.to_string())));
            Some(format!(
                "left: {}{}",
                counts(left),
                kept.collect::<String>()
            ))
        }
    }
}

fn counts(data: &TenantData) -> String {
    let TenantData {
        jobs,
        voices,
        entities,
        outbox_entries,
        dead_letters,
    } = *data;
    let entities = match entities {
        1 => "1 entity".to_owned(),
        _ => format!("{entities} entities"),
    };
    let entries = match outbox_entries {
        1 => "1 outbox entry".to_owned(),
        _ => format!("{outbox_entries} outbox entries"),
    };
    [
        counted(jobs, "job"),
        counted(voices, "voice"),
        entities,
        entries,
        counted(dead_letters, "dead letter"),
    ]
    .join(", ")
}

#[cfg(test)]
mod tests {
    use contract::Time;
    use operations::{Kept, Reason};

    use super::*;

    fn at() -> Time {
        Time::new("2026-11-27T09:45:00Z".parse().unwrap())
    }

    fn handled(fate: TenantFate) -> TenantHandled {
        TenantHandled {
            tenant: Identifier::parse("tenant-monsoon-arts").unwrap(),
            fate,
        }
    }

    #[test]
    fn a_pass_says_what_it_erased_and_what_is_left() {
        let data = TenantData {
            jobs: 12,
            voices: 1,
            entities: 3,
            outbox_entries: 19,
            dead_letters: 0,
        };
        let rest = TenantData {
            jobs: 1,
            outbox_entries: 1,
            entities: 1,
            ..TenantData::default()
        };
        let texts = [
            TenantFate::WouldBeErased {
                data: TenantData::default(),
            },
            TenantFate::WouldBeErased { data },
            TenantFate::Erasing {
                data,
                left: rest,
                kept: Vec::new(),
            },
            TenantFate::Erased {
                data: rest,
                closed: Vec::new(),
            },
            TenantFate::Erased {
                data: TenantData::default(),
                closed: vec![ClosedRemainder {
                    remainder: "elevenlabs:job:7".parse().unwrap(),
                    reason: Reason::parse("The vendor\nclosed the account.").unwrap(),
                    closed_at: at(),
                }],
            },
        ]
        .map(|fate| erased(&handled(fate)));
        insta::assert_snapshot!("tenants_erase", texts.join("---\n"));
    }

    #[test]
    fn each_fate_of_a_remainder_names_it() {
        let reason = "The vendor closed the account.".to_owned();
        let lines = [
            RemainderFate::WouldBeClosed { met_at: at() },
            RemainderFate::Closed { at: at() },
            RemainderFate::WasClosed { at: at(), reason },
        ]
        .map(|fate| {
            closing(&RemainderHandled {
                tenant: Identifier::parse("tenant-monsoon-arts").unwrap(),
                remainder: "elevenlabs:job:7".parse().unwrap(),
                fate,
            })
        });
        insta::assert_snapshot!("tenants_close_remainder", lines.join("---\n"));
    }

    #[test]
    fn a_tenant_is_erased_only_if_its_name_was_given_again() {
        let tenant = Identifier::parse("tenant-gone").unwrap();
        let refused = |confirm: Option<&str>, typed: Option<&str>| {
            let ask = || typed.map(str::to_owned);
            let checked = check(&tenant, confirm.map(str::to_owned), ask);
            checked.err().map(|error| error.to_string())
        };
        assert_eq!(refused(Some("tenant-gone"), None), None);
        assert_eq!(refused(None, Some("tenant-gone")), None);
        assert_eq!(
            refused(None, None).unwrap(),
            "erasing cannot be undone, so confirm it with --confirm tenant-gone"
        );
        // What is typed does not make a wrong flag right.
        for (confirm, typed) in [
            (Some("tenant-g"), Some("tenant-gone")),
            (None, Some("")),
            (None, Some("tenant-gone ")),
            (None, Some("y")),
        ] {
            let why = refused(confirm, typed).unwrap();
            assert!(why.starts_with("nothing is erased"), "{why}");
        }
    }

    #[test]
    fn only_a_pass_that_leaves_something_is_repeated() {
        let data = TenantData::default();
        let of = |fate| left(&handled(fate));
        let closed = Vec::new();
        assert_eq!(of(TenantFate::Erased { data, closed }), None);
        assert_eq!(of(TenantFate::WouldBeErased { data }), None);
        let one = TenantData { jobs: 1, ..data };
        let erasing = |kept| TenantFate::Erasing {
            data,
            left: one,
            kept,
        };
        let counts = "left: 1 job, 0 voices, 0 entities, 0 outbox entries, 0 dead letters";
        assert_eq!(of(erasing(Vec::new())).unwrap(), counts);
        let kept = Kept {
            remainder: "elevenlabs:job:7".parse().unwrap(),
            why: "the key may not delete (Auth)".to_owned(),
        };
        let elevenlabs = "elevenlabs keeps its copy (elevenlabs:job:7)";
        assert_eq!(
            of(erasing(vec![kept])).unwrap(),
            format!("{counts}; {elevenlabs}: the key may not delete (Auth)")
        );
    }
}

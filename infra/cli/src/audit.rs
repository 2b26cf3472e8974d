//! `studio audit`: the request, and the text of the answer.

use operations::{AuditEntry, AuditListed, ListAudit, Step};
use serde_json::Value;

use crate::{
    Exit,
    arguments::AuditArguments,
    ask::{AskError, Function},
    table::{print, table},
    time::shown,
};

pub async fn list(
    function: &Function,
    arguments: AuditArguments,
    json: bool,
) -> Result<Exit, AskError> {
    let AuditArguments { since, until, most } = arguments;
    let step = Step::ListAudit(ListAudit { since, until, most });
    let (answer, listed) = function.ask(&step).await?;
    print(json, &answer, || text(&listed));
    Ok(Exit::Done)
}

fn text(listed: &AuditListed) -> String {
    if listed.entries.is_empty() {
        return "No operator changed anything in that time.\n".to_owned();
    }
    let rows = listed.entries.iter().map(row).collect::<Vec<_>>();
    let mut text = table(&["ASKED FOR (UTC)", "BY", "WHAT", "OUTCOME"], &rows);
    if let Some(next) = listed.next {
        text.push_str(&format!("\nThere are more: --until {next}\n"));
    }
    text
}

fn row(entry: &AuditEntry) -> (Vec<String>, Option<String>) {
    let cells = vec![
        shown(entry.at),
        entry
            .by
            .session
            .clone()
            .unwrap_or_else(|| "unknown".to_owned()),
        entry.request["step"].as_str().unwrap_or("?").to_owned(),
        entry
            .outcome
            .clone()
            .unwrap_or_else(|| "unknown: it did not end".to_owned()),
    ];
    let reason = entry.by.reason.as_deref().unwrap_or("no reason given");
    (cells, Some(format!("{reason}: {}", of(&entry.request))))
}

/// The members of a request, beside those that the row has or that each change has.
fn of(request: &Value) -> String {
    let mut rest = request.clone();
    if let Some(members) = rest.as_object_mut() {
        members.retain(|name, value| {
            !matches!(name.as_str(), "step" | "execute" | "pace") && !value.is_null()
        });
    }
    rest.to_string()
}

#[cfg(test)]
mod tests {
    use contract::Time;
    use operations::Asker;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_says_who_asked_for_what_and_why() {
        let at = Time::new("2026-11-27T09:45:00Z".parse().unwrap());
        let entry = |by, outcome: Option<&str>| AuditEntry {
            id: "316aa6d0".to_owned(),
            at,
            by,
            request: json!({ "step": "erase-tenant", "tenant": "tenant-gone", "execute": true }),
            outcome: outcome.map(str::to_owned),
        };
        let asha = Asker {
            session: Some("arn:aws:sts::123456789012:assumed-role/operator/asha".to_owned()),
            reason: Some("ticket\u{1b}[31m 4711".to_owned()),
        };
        let listed = AuditListed {
            entries: vec![entry(asha, Some("erased")), entry(Asker::default(), None)],
            next: Some(at),
        };
        insta::assert_snapshot!("audit_list", text(&listed));
        let none = AuditListed {
            entries: Vec::new(),
            next: None,
        };
        assert_eq!(text(&none), "No operator changed anything in that time.\n");
    }
}

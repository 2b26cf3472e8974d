//! The audit: an entry for each change, written before the change is made; and the list of them.

use contract::Time;
use operations::{ASKER, Asker, AuditEntry, AuditListed, ListAudit, RecordFate};
use serde_json::Value;
use store::AuditItem;

use crate::{
    Operator,
    step::{OperatorAnswer, StepError},
};

/// The most entries of one answer.
const MOST: u32 = 500;

/// Takes who asks out of a request, so that a step is left.
pub(crate) fn take_asker(request: &mut Value) -> Result<Asker, StepError> {
    let by = request
        .as_object_mut()
        .and_then(|members| members.remove(ASKER));
    by.map_or_else(
        || Ok(Asker::default()),
        |by| serde_json::from_value(by).map_err(StepError::Payload),
    )
}

/// Writes the entry of a change that is about to be made. Its id is that of the invocation, which
/// CloudTrail has too.
pub(crate) async fn open(
    operator: &Operator,
    by: &Asker,
    request: &Value,
    id: &str,
    at: Time,
) -> Result<(), StepError> {
    tracing::info!(
        session = by.session,
        reason = by.reason,
        "asked for a change"
    );
    let json = |error| StepError::Payload(error);
    let entry = AuditItem {
        id: id.to_owned(),
        at,
        by: serde_json::to_string(by).map_err(json)?,
        request: without_content(request).to_string(),
        outcome: None,
    };
    operator.store.open_audit(&entry).await?;
    Ok(())
}

/// A request without what an edited event says: the audit outlives the erasure of its tenant.
fn without_content(request: &Value) -> Value {
    let mut request = request.clone();
    if let Some(members) = request.as_object_mut() {
        members.remove("value");
    }
    request
}

/// Adds what came of a change. The change is made, so an entry without an outcome is only a
/// warning.
pub(crate) async fn close(
    operator: &Operator,
    id: &str,
    answered: &Result<OperatorAnswer, StepError>,
) {
    let outcome = match answered {
        Ok(answer) => outcome_of(answer),
        Err(error) => format!("failed: {}", runtime::chain(error)),
    };
    if let Err(error) = operator.store.close_audit(id, &outcome).await {
        tracing::warn!(
            id,
            "the audit misses an outcome: {}",
            runtime::chain(&error)
        );
    }
}

/// What came of a change, by the names of its results: no causes, because they quote content.
fn outcome_of(answer: &OperatorAnswer) -> String {
    if let OperatorAnswer::Handled(handled) = answer {
        let each = handled
            .records
            .iter()
            .map(|(entry, fate): &(_, RecordFate)| format!("{} {}", entry.id, fate.as_str()));
        return each.collect::<Vec<_>>().join(", ");
    }
    if let OperatorAnswer::JobsHandled(handled) = answer {
        let each = handled.jobs.iter();
        let each = each.map(|one| format!("{} {}", one.job.id, one.fate.as_str()));
        return each.collect::<Vec<_>>().join(", ");
    }
    let json = serde_json::to_value(answer).unwrap_or_default();
    json["fate"]["is"].as_str().unwrap_or("done").to_owned()
}

/// A page of the audit, the newest entries first.
pub(crate) async fn list(
    operator: &Operator,
    list: &ListAudit,
    now: Time,
) -> Result<AuditListed, StepError> {
    let until = list.until.unwrap_or(now.plus_seconds(1));
    let most = list.most.clamp(1, MOST) as usize;
    let found = operator.store.audit(list.since, until, most).await?;
    let next = found
        .last()
        .filter(|_| found.len() >= most)
        .map(|last| last.at);
    let entries = found.into_iter().map(entry_of).collect::<Result<_, _>>()?;
    Ok(AuditListed { entries, next })
}

fn entry_of(item: AuditItem) -> Result<AuditEntry, StepError> {
    let AuditItem {
        id,
        at,
        by,
        request,
        outcome,
    } = item;
    Ok(AuditEntry {
        id,
        at,
        by: serde_json::from_str(&by).map_err(StepError::Audit)?,
        request: serde_json::from_str(&request).map_err(StepError::Audit)?,
        outcome,
    })
}

#[cfg(test)]
mod tests {
    use operations::{BreakerFate, BreakerHandled};
    use serde_json::json;

    use super::*;

    #[test]
    fn who_asks_is_no_part_of_the_step() {
        let mut request = json!({
            "step": "list-providers",
            "by": { "session": "arn:aws:sts::1:assumed-role/operator/asha", "reason": "ticket 4711" },
        });
        let by = take_asker(&mut request).unwrap();
        assert_eq!(by.reason.as_deref(), Some("ticket 4711"));
        assert_eq!(request, json!({ "step": "list-providers" }));
        assert_eq!(take_asker(&mut request).unwrap(), Asker::default());
        assert!(take_asker(&mut json!({ "by": "asha" })).is_err());
    }

    #[test]
    fn an_edited_event_is_in_no_entry() {
        let request = serde_json::json!({ "step": "correct", "id": "7", "value": "a title" });
        let noted = without_content(&request);
        assert_eq!(noted, serde_json::json!({ "step": "correct", "id": "7" }));
    }

    #[test]
    fn an_outcome_names_the_result() {
        let answer = OperatorAnswer::BreakerHandled(BreakerHandled {
            provider: "openai".to_owned(),
            fate: BreakerFate::WasClosed,
        });
        assert_eq!(outcome_of(&answer), "was-closed");
    }
}

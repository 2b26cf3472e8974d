//! The schedules of the deployed stack: EventBridge's rules that invoke a function every few
//! minutes. The emulator runs them as AWS does.

use serde_json::{Value, json};

use crate::aws::{Aws, Error, JsonService, members};

/// Stops every schedule, so that the functions run only when they are invoked by hand.
///
/// # Errors
/// [`Error`] if EventBridge refuses.
pub async fn stop_all(aws: &Aws) -> Result<(), Error> {
    for rule in rules(aws).await? {
        switch(aws, &rule, "DisableRule").await?;
    }
    Ok(())
}

/// The rules with a schedule.
///
/// # Errors
/// [`Error`] if EventBridge refuses.
pub async fn rules(aws: &Aws) -> Result<Vec<Value>, Error> {
    let listed = aws
        .json(JsonService::Events, "ListRules", &json!({}))
        .await?;
    let rules = members(&listed["Rules"]).iter();
    let scheduled = rules.filter(|rule| rule["ScheduleExpression"].is_string());
    Ok(scheduled.cloned().collect())
}

/// Calls `EnableRule` or `DisableRule` for a rule.
///
/// # Errors
/// [`Error`] if EventBridge refuses.
pub async fn switch(aws: &Aws, rule: &Value, operation: &str) -> Result<(), Error> {
    let named = json!({ "Name": rule["Name"] });
    aws.json(JsonService::Events, operation, &named).await?;
    Ok(())
}

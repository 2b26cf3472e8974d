//! After the storm: sweeps, as the schedule would, until nothing is on its way any more.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::{error::DisplayErrorContext, types::AttributeValue};
use aws_sdk_lambda::primitives::Blob;
use local::stack::Stack;
use serde_json::json;

use crate::{Error, groups, watch::Watch};

/// Between two sweeps; on AWS it is five minutes.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(5);

/// What is still on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// Records that the mappings have not got over yet.
    pub lag: i64,
    /// Jobs that are open, and ends that are not known to be published.
    pub open: usize,
}

/// Sweeps once. What it answers does not matter here: what it leaves is looked at.
pub async fn sweep(stack: &Stack) {
    let payload = Blob::new(json!({ "step": "sweep" }).to_string());
    let invoke = stack
        .clients
        .lambda
        .invoke()
        .function_name(&stack.outputs.completion_function_name)
        .payload(payload);
    let _ = invoke.send().await;
}

/// Sweeps until every record is got over, nothing is open and nothing more is published; or for
/// `within`, and says what is left then.
pub async fn settle(
    stack: &Stack,
    watch: &Watch,
    within: Duration,
) -> Result<Option<Unsettled>, Error> {
    let until = Instant::now() + within;
    loop {
        sweep(stack).await;
        let unsettled = Unsettled {
            lag: groups::lag(stack).await?,
            open: open(stack).await?,
        };
        if unsettled == (Unsettled { lag: 0, open: 0 }) {
            watch.until_quiet(Duration::from_secs(3), within).await;
            return Ok(None);
        }
        if Instant::now() > until {
            return Ok(Some(unsettled));
        }
        tokio::time::sleep(SWEEP_PAUSE).await;
    }
}

async fn open(stack: &Stack) -> Result<usize, Error> {
    let scan = stack
        .clients
        .dynamodb
        .scan()
        .table_name(&stack.outputs.table_name)
        .consistent_read(true);
    let scan = scan
        .filter_expression("begins_with(pk, :job) AND attribute_exists(#open)")
        .projection_expression("pk");
    let scan = scan.expression_attribute_names("#open", "open");
    let scan = scan.expression_attribute_values(":job", AttributeValue::S("job#".to_owned()));
    let items: Result<Vec<_>, _> = scan.into_paginator().items().send().collect().await;
    let failed = |error| Error::Aws {
        doing: "looking at what is open",
        reason: DisplayErrorContext(error).to_string(),
    };
    Ok(items.map_err(failed)?.len())
}

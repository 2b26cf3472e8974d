//! After the storm: sweeps, as the schedule does, until nothing is in flight.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::{error::DisplayErrorContext, types::AttributeValue};
use aws_sdk_lambda::primitives::Blob;
use local::stack::Stack;
use serde_json::json;

use crate::{Error, groups, lines, messages, watch::Watch};

/// The pause between two sweeps; on AWS it is five minutes.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(5);

/// The work that is still in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// Records that the mappings have not acknowledged.
    pub lag: i64,
    /// Open jobs, and ends that wait for their mark.
    pub open: usize,
    /// Messages in the queue and in its dead-letter queue.
    pub queued: u64,
    /// Entries in the lines of vendors.
    pub waiting: usize,
    /// Slots of vendors that are held. That of a process that died is held until its lease is over.
    pub held: usize,
    /// Whether the last sweep succeeded.
    pub swept: bool,
    /// Whether nothing more was published for a while.
    pub quiet: bool,
}

/// Sweeps once, and returns whether the sweep succeeded.
pub async fn sweep(stack: &Stack) -> bool {
    let payload = Blob::new(json!({ "step": "sweep" }).to_string());
    let invoke = stack
        .clients
        .lambda
        .invoke()
        .function_name(&stack.outputs.completion_function_name)
        .payload(payload);
    let answer = invoke.send().await;
    answer.is_ok_and(|answer| answer.function_error().is_none())
}

/// Sweeps until a sweep succeeds, every record and every message is acknowledged, nothing is open
/// or waits in a line, no slot is held, and no more is published. Stops after `within`, and returns what is left.
pub async fn settle(
    stack: &Stack,
    watch: &Watch,
    within: Duration,
) -> Result<Option<Unsettled>, Error> {
    let until = Instant::now() + within;
    loop {
        let mut unsettled = Unsettled {
            swept: sweep(stack).await,
            lag: groups::lag(stack).await?,
            open: open(stack).await?,
            queued: messages::depth(stack).await?,
            waiting: lines::waiting(stack).await?.len(),
            held: lines::held_now(stack).await?,
            quiet: false,
        };
        let left = (unsettled.lag, unsettled.open, unsettled.queued);
        let at_vendors = (unsettled.waiting, unsettled.held);
        if unsettled.swept && left == (0, 0, 0) && at_vendors == (0, 0) {
            unsettled.quiet = watch.until_quiet(Duration::from_secs(3), within).await;
            return Ok((!unsettled.quiet).then_some(unsettled));
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

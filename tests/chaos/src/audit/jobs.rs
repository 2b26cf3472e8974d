//! Jobs: exactly the expected ones exist, each is closed, and each completed one has its file.

use std::collections::BTreeSet;

use aws_sdk_s3::error::DisplayErrorContext;
use local::stack::Stack;
use serde_json::Value;

use super::{Audit, Table, tally};
use crate::{
    Error,
    workload::{Certainty, Expected, JobKey, TemplateKey},
};

pub async fn audit(
    audit: &mut Audit,
    stack: &Stack,
    table: &Table,
    expected: &Expected,
) -> Result<(), Error> {
    audit.count("causes decided", expected.causes, table.decisions);
    let found: BTreeSet<JobKey> = table.jobs.values().map(key).collect();
    // Only the order of arrival decides which of the uncertain jobs exist, so those that exist
    // count as right.
    let possible = |(job, certainty): (&JobKey, &Certainty)| {
        (*certainty == Certainty::Always || found.contains(job)).then(|| job.clone())
    };
    let jobs: BTreeSet<JobKey> = expected.jobs.iter().filter_map(possible).collect();
    audit.same("jobs", &jobs, &found);
    audit.count("jobs, each once", found.len(), table.jobs.len());

    let states = tally(
        table
            .jobs
            .values()
            .map(|job| job["state"]["is"].as_str().unwrap_or("without a state")),
    );
    let count = |state: &str| states.get(state).copied().unwrap_or_default();
    audit.count(
        "jobs completed or failed",
        table.jobs.len(),
        count("completed") + count("failed"),
    );
    let failed = table
        .jobs
        .values()
        .filter(|job| job["state"]["is"] == "failed");
    let classes = tally(failed.map(|job| {
        job["state"]["failure"]["class"]
            .as_str()
            .unwrap_or("without a class")
    }));
    let classes: Vec<String> = classes
        .iter()
        .map(|(class, count)| format!("{count} {class}"))
        .collect();
    audit.know(
        "of these failed",
        if classes.is_empty() {
            "0".to_owned()
        } else {
            classes.join(", ")
        },
    );

    let files = files(stack).await?;
    let completed = table
        .jobs
        .values()
        .filter(|job| job["state"]["is"] == "completed");
    let keys = completed.map(|job| {
        job["state"]["output"]["key"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    audit.none(
        "completed jobs without their file",
        keys.filter(|key| !files.contains(key)).collect(),
    );
    Ok(())
}

fn key(job: &Value) -> JobKey {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let template = TemplateKey {
        tenant: text(&job["tenant"]),
        entity: text(&job["entity"]["id"]),
        kind: text(&job["asset"]),
    };
    JobKey {
        template,
        event: text(&job["trigger"]["id"]),
    }
}

async fn files(stack: &Stack) -> Result<BTreeSet<String>, Error> {
    let list = stack
        .clients
        .s3
        .list_objects_v2()
        .bucket(&stack.outputs.assets_bucket_name)
        .prefix("renders/");
    let pages: Result<Vec<_>, _> = list.into_paginator().send().collect().await;
    let failed = |error| Error::Aws {
        doing: "listing what was rendered",
        reason: DisplayErrorContext(error).to_string(),
    };
    let pages = pages.map_err(failed)?;
    Ok(pages
        .iter()
        .flat_map(|page| page.contents())
        .filter_map(|object| object.key().map(str::to_owned))
        .collect())
}

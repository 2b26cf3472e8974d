//! What does not fit into one go: a decision of many jobs, and jobs of vendors, which have an
//! execution each.

use std::slice;

use contract::Topic;
use serde_json::{Value, json};

use super::queued;
use crate::{
    campaigns::{campaign, providers},
    harness::{Studio, example, jobs_of, topics},
    messages::{deliver, none_kept, take},
};

/// Languages besides the example's own. Each has three pictures.
const LANGUAGES: [&str; 19] = [
    "cs", "da", "de", "es", "fi", "fr", "hu", "id", "it", "ms", "nb", "nl", "pl", "pt", "ro", "sv",
    "sw", "tr", "vi",
];

/// A content in twenty languages.
fn content(tenant: &str) -> Value {
    let mut event = example(Topic::CmsPublished, tenant, tenant);
    event["data"]["contentId"] = json!(tenant);
    let translations = LANGUAGES.map(|language| {
        json!({ "locale": language, "title": format!("A lantern, in {language}"), "summary": "Paper." })
    });
    event["data"]["translations"] = json!(translations);
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_of_sixty_jobs_is_drawn_whole() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-sixty";
    let jobs = queued(&mut studio, &content(tenant), 120).await;
    assert_eq!(jobs.len(), 60);
    let mut waiting = take(&studio, 1).await;
    assert_eq!(waiting[0].says()["jobs"].as_array().unwrap().len(), 60);
    // What a call has no time for is a new message.
    while let Some(message) = waiting.pop() {
        let answer = deliver(&studio, slice::from_ref(&message.body)).await;
        assert_eq!(answer, none_kept());
        if !studio.queue_is_empty().await {
            waiting.extend(take(&studio, 1).await);
        }
    }
    let produced = studio.produced_for(tenant, 240).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted), jobs);
    let counts = topics(&produced);
    assert!(counts.values().all(|count| *count == 60), "{counts:?}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_message_of_a_vendors_job_starts_one_execution() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
    })
    .await;
    studio
        .let_executions(&json!({ "Type": "Wait", "Seconds": 3600, "End": true }))
        .await;
    let tenant = "tenant-long";
    let event = campaign(tenant, &["video", "banner-mobile"]);
    let jobs = queued(&mut studio, &event, 4).await;
    let body = take(&studio, 1).await.remove(0).body;
    let twice = [body.clone(), body];
    let (one, other) = tokio::join!(deliver(&studio, &twice), deliver(&studio, &twice[..1]));
    assert_eq!((one, other), (none_kept(), none_kept()));
    assert_eq!(deliver(&studio, &twice[1..]).await, none_kept());
    // What the canvas draws does not wait for the vendor.
    let produced = studio.produced_for(tenant, 6).await;
    let drawn = jobs_of(&produced, Topic::RenderJobCompleted);
    assert_eq!(drawn.len(), 1);
    let machine = &studio.stack.outputs.render_state_machine_arn;
    let executions = studio.stack.clients.sfn.list_executions();
    let executions = executions.state_machine_arn(machine).send().await.unwrap();
    let names: Vec<&str> = executions
        .executions()
        .iter()
        .map(|one| one.name())
        .collect();
    let video = jobs.iter().find(|job| !drawn.contains(job)).unwrap();
    assert_eq!(names, [video.as_str()]);
    studio.stop().await;
}

//! `studio why` explains, by whatever an operator has in hand, what happened and what comes next.

use contract::{Time, Topic};
use jiff::Timestamp;
use local::records::Produced;
use serde_json::{Value, json};

use crate::{
    harness::{Studio, created, jobs_of, until},
    operator::studio,
};

const TENANT: &str = "tenant-why";

/// The address of the asset of the first job that is completed in `records`.
fn output_url(records: &[Produced]) -> String {
    let completed = Topic::RenderJobCompleted.as_str();
    let record = records.iter().find(|record| record.topic == completed);
    let event: Value = record.unwrap().event();
    event["data"]["outputUrl"].as_str().unwrap().to_owned()
}

/// What `studio why` says about something of the tenant.
async fn why(stack: &Studio, about: &str) -> String {
    let said = studio(stack, &format!("why {TENANT} {about}")).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    said.text
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_explained_by_its_id_and_so_are_its_jobs_its_asset_and_its_entity() {
    let mut stack = Studio::start().await;
    let event = created(TENANT, "one");
    stack.publish(&event).await;
    let records = stack.produced_for(TENANT, 8).await;
    let title = event["data"]["title"].as_str().unwrap();

    let of_event = why(&stack, "evt-one").await;
    for part in ["2 jobs opened", "What follows is published.", "made it"] {
        assert!(of_event.contains(part), "{part}");
    }
    let job = &jobs_of(&records, Topic::RenderJobCompleted)[0];
    let of_job = why(&stack, job).await;
    for part in ["studio-canvas made it", "Its end is published", title] {
        assert!(of_job.contains(part), "{part}");
    }
    let of_asset = why(&stack, &output_url(&records)).await;
    assert!(of_asset.contains("studio-canvas made it"));
    let of_entity = why(&stack, "event/event-one").await;
    assert!(of_entity.contains("evt-one of "), "its newest event");
    let of_tenant = studio(&stack, &format!("why {TENANT}")).await.text;
    assert!(of_tenant.contains(job) && of_tenant.contains("No dead letter waits."));

    // What is another tenant's is not there.
    for about in ["evt-one", job.as_str(), "event/event-one"] {
        let said = studio(&stack, &format!("why tenant-other {about}")).await;
        assert_eq!(said.code, Some(3), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_older_than_what_was_known_says_which_one_is_newer() {
    let mut stack = Studio::start().await;
    let newer = created(TENANT, "one");
    stack.publish(&newer).await;
    stack.produced_for(TENANT, 8).await;
    let mut older = newer.clone();
    older["id"] = json!("evt-correction");
    older["time"] = json!(Time::new(Timestamp::now()).minus_seconds(600));
    older["data"]["title"] = json!("The right title");
    stack.publish(&older).await;
    until("the older event is decided on", async || {
        let said = studio(&stack, &format!("why {TENANT} evt-correction")).await;
        said.code == Some(0)
    })
    .await;
    let said = why(&stack, "evt-correction").await;
    assert!(said.contains("older than what was known: evt-one of "));
    // To the second: zeros at the end of a time may be left out.
    assert!(said.contains(&newer["time"].as_str().unwrap()[..19]));
    let of_entity = why(&stack, "event/event-one").await;
    assert!(
        of_entity.contains("evt-correction of "),
        "it led to the entity"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_its_consumer_gave_up_is_explained_by_its_dead_letter() {
    let stack = Studio::start().await;
    let mut broken = created(TENANT, "broken");
    broken["data"]["title"] = json!("");
    stack.publish(&broken).await;
    until("its dead letter is written", async || {
        let said = studio(&stack, &format!("why {TENANT} evt-broken")).await;
        said.code == Some(0)
    })
    .await;
    let said = why(&stack, "evt-broken").await;
    assert!(
        said.contains("Its consumer wrote the dead letter"),
        "{said}"
    );
    assert!(said.contains("dead-letters redrive"), "{said}");
}

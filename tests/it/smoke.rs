//! A smoke check sends an event through everything, and tells apart where it stays. An operator and
//! the deployment act on that.

use std::time::Duration;

use contract::{SMOKE_TENANT, Topic};
use fault_proxy::{Action, Fault, Matches};
use kafka_client::At;
use local::metrics::emitted;
use serde_json::json;

use crate::{
    harness::{Studio, created, jobs_of, until},
    operator::{CREATED, CliOutput, studio},
};

/// The exit code of a `studio --json smoke …`, its outcome, and its event.
fn outcome(said: &CliOutput) -> (Option<i32>, String, String) {
    let answer = said.json().remove(0);
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    (said.code, text("outcome"), text("event"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smoke_check_emits_no_metric() {
    let mut stack = Studio::start().await;
    for _ in 0..2 {
        let said = studio(&stack, "smoke").await;
        assert!(
            said.code == Some(0) && said.text.starts_with("An event came through in "),
            "{said:?}"
        );
    }
    // Each smoke check sends a new event: two posters of one template.
    let produced = stack.produced_for(SMOKE_TENANT, 8).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted).len(), 2);
    // A tenant's event after them is all that the metrics know of.
    stack.publish(&created("tenant-real", "real")).await;
    stack.produced_for("tenant-real", 8).await;
    let sum = async |name: &str| -> f64 {
        let emitted = emitted(&stack.stack.clients).await.unwrap();
        let of_it = emitted.iter().filter(|(metric, _)| metric.name == name);
        of_it.flat_map(|(_, values)| values).sum()
    };
    until("the event is measured", async || {
        sum("JobsCompleted").await >= 2.0
    })
    .await;
    for (name, expected) in [
        ("RecordsReceived", 1.0),
        ("RecordsDone", 1.0),
        ("ProviderCalls", 2.0),
        ("JobsCompleted", 2.0),
        ("JobsFailed", 0.0),
    ] {
        assert_eq!(sum(name).await, expected, "{name}");
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_job_is_open_is_waited_for_and_not_sent_again() {
    let mut stack = Studio::start().await;
    stack.hold_the_queue().await;
    let said = studio(&stack, "--json smoke --within 5").await;
    let (code, is, event) = outcome(&said);
    assert_eq!((code, is.as_str()), (Some(6), "open"), "{said:?}");
    assert_eq!(said.json()[0]["state"], "created");

    let said = studio(&stack, &format!("smoke --event {event} --within 1")).await;
    assert!(
        said.code == Some(6)
            && said.text.contains("is created: it was never taken up")
            && said.text.contains(&format!("smoke --event {event}")),
        "{said:?}"
    );

    stack.release_the_queue().await;
    let said = studio(&stack, &format!("smoke --event {event}")).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let produced = stack.produced_for(SMOKE_TENANT, 4).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted).len(), 1);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_consumer_takes_is_told_from_one_that_failed() {
    let stack = Studio::start_with(|options| options.poll = false).await;
    let said = studio(&stack, "--json smoke --within 2").await;
    let (code, is, event) = outcome(&said);
    assert_eq!((code, is.as_str()), (Some(5), "not-taken"), "{said:?}");
    let said = studio(&stack, &format!("smoke --event {event} --within 1")).await;
    assert!(
        said.code == Some(5) && said.text.contains("no consumer has taken the event"),
        "{said:?}"
    );
    let ends = stack.stack.broker.cluster().offsets(CREATED, At::Latest);
    let records: i64 = ends.await.unwrap().values().sum();
    assert_eq!(records, 1, "the second call sent no event");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_failed_is_told_with_its_reason() {
    let stack = Studio::start_with(|options| {
        options.render_patience = Duration::from_secs(3);
    })
    .await;
    // Its consumer cannot use it. It is in the name of a smoke check, as if this version read the
    // event otherwise than it writes it.
    let mut event = created(SMOKE_TENANT, "smoke");
    event["data"]["startsAt"] = json!("never");
    stack.publish(&event).await;
    until("the dead letter is there", async || {
        let said = studio(&stack, "--json dead-letters list").await;
        !said.json()[0]["entries"].as_array().unwrap().is_empty()
    })
    .await;
    let id = event["id"].as_str().unwrap();
    let said = studio(&stack, &format!("smoke --event {id} --within 1")).await;
    assert!(
        said.code == Some(7)
            && said.text.contains("its consumer wrote the dead letter")
            && said.text.contains("startsAt"),
        "{said:?}"
    );
    let said = studio(&stack, "--json smoke --event evt-other --within 0").await;
    let (code, is, _) = outcome(&said);
    assert_eq!((code, is.as_str()), (Some(5), "not-taken"), "{said:?}");

    // Its poster cannot be stored.
    let matches = Matches {
        service: Some("s3".to_owned()),
        operation: Some("PutObject".to_owned()),
        ..Matches::default()
    };
    let action = Action::Fail {
        status: 503,
        error: "SlowDown".to_owned(),
    };
    stack.stack.proxy.inject(Fault { matches, action });
    let said = studio(&stack, "--json smoke").await;
    let (code, is, _) = outcome(&said);
    assert_eq!((code, is.as_str()), (Some(7), "failed"), "{said:?}");
    let detail = said.json()[0]["detail"].as_str().unwrap().to_owned();
    assert!(!detail.is_empty(), "{said:?}");
    stack.stop().await;
}

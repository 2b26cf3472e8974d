//! Which comes first: the acknowledgement of a job's `created` or its message, and the older message
//! of an entity or the newer one.

use std::{
    collections::BTreeMap,
    slice,
    time::{Duration, Instant},
};

use contract::{Identifier, Topic};
use domain::TenantKey;
use fault_proxy::{Action, Fault, Matches, Occurrence};
use serde_json::{Value, json};

use super::{calls, entity, queued};
use crate::{
    harness::{Studio, by_id, created, topics},
    messages::{RENDER, deliver, keep_sendings, none_kept, sendings, take},
};

/// When the broker's acknowledgement of each job's `created` passed on its way to the function.
fn acknowledged(studio: &Studio) -> BTreeMap<String, Instant> {
    let sent = studio.stack.broker.line().unwrap().tap().sent();
    let created = sent
        .iter()
        .filter(|sent| &*sent.topic == Topic::RenderJobCreated.as_str());
    let mut first = BTreeMap::new();
    for sent in created {
        let event: Value = serde_json::from_slice(sent.value.as_deref().unwrap()).unwrap();
        let job = event["data"]["jobId"].as_str().unwrap().to_owned();
        if let Some(at) = sent.acknowledged {
            let known = first.entry(job).or_insert(at);
            *known = at.min(*known);
        }
    }
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_after_the_broker_has_acknowledged_its_jobs() {
    let mut studio = Studio::on_apache_kafka(|options| options.line = true).await;
    keep_sendings(&studio);
    // A function that does not wait for the acknowledgement is faster than it.
    let line = studio.stack.broker.line().unwrap();
    line.slow_down(Duration::from_millis(300));
    let tenant = "tenant-acknowledged";
    for number in 0..3 {
        let event = created(tenant, &format!("acknowledged-{number}"));
        studio.publish(&event).await;
    }
    studio.produced_for(tenant, 24).await;
    let acknowledged = acknowledged(&studio);
    let group = TenantKey::new(&Identifier::parse(tenant).unwrap()).to_string();
    let mut sent = Vec::new();
    for sending in sendings(&studio) {
        assert_eq!(sending.group, group, "{sending:?}");
        for job in sending.message["jobs"].as_array().unwrap() {
            let job = job.as_str().unwrap();
            assert!(acknowledged[job] <= sending.at, "{job}: {sending:?}");
            sent.push(job.to_owned());
        }
    }
    sent.sort();
    let created: Vec<String> = acknowledged.into_keys().collect();
    assert_eq!(sent, created, "each of the six, once");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_out_of_order_leave_each_template_its_newest_picture() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-out-of-order";
    let old = created(tenant, "out-of-order");
    let mut new = old.clone();
    new["id"] = json!("evt-newer");
    new["data"]["version"] = json!(2);
    new["data"]["title"] = json!("Lanterns on the Lake, at last");
    let older = queued(&mut studio, &old, 4).await;
    queued(&mut studio, &new, 8).await;
    let mut messages = take(&studio, 2).await;
    messages.sort_by_key(|message| message.body.contains(&older[0]));
    for message in &messages {
        let answer = deliver(&studio, slice::from_ref(&message.body)).await;
        assert_eq!(answer, none_kept());
    }
    // The older two are completed, and change no template.
    let produced = studio.produced_for(tenant, 14).await;
    let counts = topics(&produced);
    assert_eq!(counts[Topic::RenderJobCompleted.as_str()], 4);
    let updated = counts[Topic::TemplateUpdated.as_str()];
    assert_eq!(updated, 2 + 2, "for the new facts, and for their pictures");
    let templates = entity(&studio, &messages[0].says()).await.templates;
    for template in templates.values() {
        let url = &template.asset.as_ref().unwrap().output_url;
        let completed = produced
            .iter()
            .map(|record| record.event()["data"].take())
            .find(|data| data["outputUrl"] == *url)
            .unwrap();
        assert!(!older.contains(&completed["jobId"].as_str().unwrap().to_owned()));
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_messages_of_one_entity_drawn_at_once_lose_no_picture() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-contended";
    let pictures = created(tenant, "contended");
    let mut square = pictures.clone();
    square["id"] = json!("evt-square");
    square["type"] = json!(Topic::EventPublished.as_str());
    square["data"]["assets"] = json!(["social-square"]);
    queued(&mut studio, &pictures, 4).await;
    queued(&mut studio, &square, 6).await;
    let messages = take(&studio, 2).await;
    // Both have read the entity before either writes it.
    let hits = studio.stack.proxy.inject(Fault {
        matches: Matches {
            operation: Some("TransactWriteItems".to_owned()),
            function: Some(RENDER.to_owned()),
            occurrence: Occurrence::First(2),
            ..Matches::default()
        },
        action: Action::Delay(Duration::from_secs(4)),
    });
    let [one, other] = [0, 1].map(|number| slice::from_ref(&messages[number].body));
    let (one, other) = tokio::join!(deliver(&studio, one), deliver(&studio, other));
    assert_eq!((one, other), (none_kept(), none_kept()));
    assert_eq!(hits.count(), 2);
    assert!(calls(&studio, "TransactWriteItems") >= 3, "they collided");
    assert_eq!(calls(&studio, "PutObject"), 3, "none is drawn again for it");

    let produced = studio.produced_for(tenant, 12).await;
    let counts = topics(&produced);
    assert_eq!(by_id(&produced).len(), 12, "{counts:?}");
    assert!(counts.values().all(|count| *count == 3), "{counts:?}");
    let templates = entity(&studio, &messages[0].says()).await.templates;
    let pictures = templates.values().filter(|one| one.asset.is_some());
    assert_eq!((templates.len(), pictures.count()), (3, 3));
    studio.stop().await;
}

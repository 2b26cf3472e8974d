//! Outages: what a picture needs is away, for as long as it likes. Its message is put off and not
//! given back, so that the outage uses up none of the receives after which a message is dead.

use contract::Topic;
use fault_proxy::{Action, Fault, Matches};
use serde_json::{Value, json};

use super::{poster, queued};
use crate::{
    harness::{Studio, created, jobs_of, the_eight, topics, until},
    messages::{RENDER, Taken, deliver, group_of, keep_sendings, none_kept, sendings, take},
};

/// What a message says of how often it was put off.
fn tries(message: &Value) -> u64 {
    message["tries"].as_u64().unwrap()
}

/// Lets a picture's message meet an outage until it was put off so often. After the outage the
/// picture is drawn.
async fn is_outlasted(
    studio: &mut Studio,
    times: u64,
    begin: impl FnOnce(&Studio),
    end: impl FnOnce(&Studio),
) {
    let tenant = "tenant-outage";
    let event = created(tenant, "outage");
    let jobs = queued(studio, &event, 4).await;
    begin(studio);
    studio.release_the_queue().await;
    let is_put_off = || {
        let sent = sendings(studio).into_iter();
        let mut by_render = sent.filter(|sending| sending.function == RENDER);
        by_render.any(|sending| tries(&sending.message) >= times)
    };
    until("its message was put off so often", async || is_put_off()).await;
    studio.hold_the_queue().await;

    // Each time it is a new message and the only one: no receive brings it nearer to its last.
    let Taken { body, receives } = take(studio, 1).await.remove(0);
    assert_eq!(receives, 1, "{body}");
    assert!(studio.queue_is_empty().await);
    let message: Value = serde_json::from_str(&body).unwrap();
    assert!(tries(&message) >= times, "{body}");
    let mut carried: Vec<String> = serde_json::from_value(message["jobs"].clone()).unwrap();
    carried.sort();
    assert_eq!(carried, jobs, "{body}");

    end(studio);
    let group = group_of(studio, &jobs[0]).await;
    studio.send_message(&body, &group).await;
    studio.release_the_queue().await;
    let produced = studio.produced_for(tenant, 8).await;
    assert_eq!(topics(&produced), the_eight());
}

/// Has every call of the function that draws fail at a service, or at one of its operations.
fn refuse(studio: &Studio, service: &str, operation: Option<&str>) {
    studio.stack.proxy.inject(Fault {
        matches: Matches {
            service: Some(service.to_owned()),
            operation: operation.map(str::to_owned),
            function: Some(RENDER.to_owned()),
            ..Matches::default()
        },
        action: Action::Fail {
            status: 500,
            error: "InternalServerError".to_owned(),
        },
    });
}

fn heal(studio: &Studio) {
    studio.stack.proxy.heal();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_dynamodb_uses_up_no_receive_of_a_message() {
    let mut studio = Studio::start().await;
    keep_sendings(&studio);
    let begin = |studio: &Studio| refuse(studio, "dynamodb", None);
    is_outlasted(&mut studio, 3, begin, heal).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_s3_uses_up_no_receive_of_a_message() {
    let mut studio = Studio::start().await;
    keep_sendings(&studio);
    let begin = |studio: &Studio| refuse(studio, "s3", Some("PutObject"));
    is_outlasted(&mut studio, 3, begin, heal).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_kafka_uses_up_no_receive_of_a_message() {
    let mut studio = Studio::on_apache_kafka(|options| options.line = true).await;
    keep_sendings(&studio);
    let begin = |studio: &Studio| studio.stack.broker.line().unwrap().cut();
    let end = |studio: &Studio| studio.stack.broker.line().unwrap().mend();
    is_outlasted(&mut studio, 2, begin, end).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_put_off_longer_each_time_up_to_a_quarter_of_an_hour() {
    let mut studio = Studio::start().await;
    keep_sendings(&studio);
    let tenant = "tenant-put-off";
    queued(&mut studio, &poster(tenant), 2).await;
    let first = take(&studio, 1).await.remove(0);
    refuse(&studio, "s3", Some("PutObject"));
    // Locally it begins with one second. SQS takes no more than fifteen minutes.
    for (tried, shortest, longest) in [
        (0, 0, 2),
        (3, 6, 10),
        (6, 48, 80),
        (12, 675, 900),
        (u32::MAX - 1, 675, 900),
    ] {
        let mut message = first.says();
        message["tries"] = json!(tried);
        let answer = deliver(&studio, &[message.to_string()]).await;
        assert_eq!(answer, none_kept(), "{tried}");
        let put_off = sendings(&studio).pop().unwrap();
        assert_eq!(tries(&put_off.message), u64::from(tried) + 1);
        let is_in_time = (shortest..=longest).contains(&put_off.delay);
        assert!(is_in_time, "{tried}: {put_off:?}");
    }
    heal(&studio);
    assert_eq!(deliver(&studio, &[first.body]).await, none_kept());
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted).len(), 1);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_put_off_is_given_back() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-given-back";
    queued(&mut studio, &poster(tenant), 2).await;
    let message = take(&studio, 1).await.remove(0);
    refuse(&studio, "s3", Some("PutObject"));
    refuse(&studio, "sqs", None);
    let answer = deliver(&studio, std::slice::from_ref(&message.body)).await;
    let kept = answer.unwrap()["batchItemFailures"].take();
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
    heal(&studio);
    assert_eq!(deliver(&studio, &[message.body]).await, none_kept());
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobCompleted).len(), 1);
    studio.stop().await;
}

//! A message that comes twice, late, or about what is not there any more.

use contract::Topic;
use local::records::Produced;
use serde_json::json;

use super::{calls, poster, queued};
use crate::{
    harness::{PATIENCE, Studio, by_id, created, the_eight, topics},
    messages::{deliver, group_of, message_of, none_kept, take},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_message_gives_each_job_one_end_even_if_both_are_drawn_at_once() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-doubled";
    queued(&mut studio, &created(tenant, "doubled"), 4).await;
    let body = take(&studio, 1).await.remove(0).body;
    let twice = [body.clone(), body];
    let (one, other) = tokio::join!(deliver(&studio, &twice), deliver(&studio, &twice));
    assert_eq!((one, other), (none_kept(), none_kept()));
    let produced = studio.produced_for(tenant, 8).await;
    assert_eq!(topics(&produced), the_eight());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_message_publishes_the_same_ends_again_and_draws_nothing() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-late";
    let jobs = queued(&mut studio, &created(tenant, "late"), 4).await;
    studio.release_the_queue().await;
    let before = studio.produced_for(tenant, 8).await;
    assert_eq!((before.len(), calls(&studio, "PutObject")), (8, 2));

    let message = message_of(&studio, &jobs).await.to_string();
    let group = group_of(&studio, &jobs[0]).await;
    studio.send_message(&message, &group).await;
    let are_again = |produced: &[Produced]| produced.len() >= 8 + 4;
    let after = studio.produced_until("the ends came again", PATIENCE, are_again);
    assert_eq!(by_id(after.await), by_id(&before));
    assert_eq!(calls(&studio, "PutObject"), 2);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_a_job_that_is_not_there_is_done() {
    let mut studio = Studio::start().await;
    let tenant = "tenant-there";
    let jobs = queued(&mut studio, &poster(tenant), 2).await;
    let there = take(&studio, 1).await.remove(0);
    let mut gone = there.says();
    gone["jobs"] = json!(["5f5d1d0a-5a6c-5b0e-8f5e-2f6a3b1c9d10", jobs[0]]);
    gone["from"] = json!("a version that says more");
    let answer = deliver(&studio, &[gone.to_string()]).await;
    assert_eq!(answer, none_kept());
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!(topics(&produced)[Topic::RenderJobCompleted.as_str()], 1);
    studio.stop().await;
}

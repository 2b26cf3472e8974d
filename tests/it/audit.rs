//! What operators changed is on record: who, when, what, why, and what came of it.

use fault_proxy::Moment;
use serde_json::Value;

use crate::{
    harness::Studio,
    operator::{OPERATOR, kill, studio},
};

async fn entries(stack: &Studio) -> Vec<Value> {
    let listed = studio(stack, "audit --json").await.json();
    listed[0]["entries"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_an_operator_is_on_record_even_if_it_dies() {
    let stack = Studio::start_with(|options| options.poll = false).await;
    let close = "providers close-breaker openai";
    studio(&stack, close).await;
    assert!(
        entries(&stack).await.is_empty(),
        "a dry run changes nothing"
    );

    let closed = studio(&stack, &format!("{close} --execute --reason ticket-4711")).await;
    assert_eq!(closed.code, Some(0), "{closed:?}");
    let first = entries(&stack).await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0]["by"]["reason"], "ticket-4711");
    let session = first[0]["by"]["session"].as_str().unwrap();
    assert!(session.starts_with("arn:aws:"), "{session}");
    assert_eq!(first[0]["request"]["step"], "close-breaker");
    assert_eq!(first[0]["request"]["provider"], "openai");
    assert_eq!(first[0]["outcome"], "was-closed");

    // The entry is written before the change, so it is there if the function dies.
    let hits = kill(&stack, OPERATOR, ("dynamodb", "PutItem"), Moment::After);
    let died = studio(&stack, &format!("{close} --execute")).await;
    assert_eq!(died.code, Some(1), "{died:?}");
    assert_eq!(hits.count(), 1);
    stack.stack.proxy.heal();
    let both = entries(&stack).await;
    assert_eq!(both.len(), 2, "{both:?}");
    assert_eq!((&both[0]["outcome"], &both[1]), (&Value::Null, &first[0]));
    stack.stop().await;
}

use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};
use domain::{EntityKey, JobId, TenantKey};
use uuid::Uuid;

use super::*;
use crate::Message;

fn sent(id: &str) -> SendMessageBatchResultEntry {
    let sent = SendMessageBatchResultEntry::builder()
        .id(id)
        .message_id("f3a1")
        .md5_of_message_body("5eb6");
    sent.build().unwrap()
}

fn refused(id: &str, code: &str, sender_fault: bool) -> BatchResultErrorEntry {
    let refused = BatchResultErrorEntry::builder()
        .id(id)
        .code(code)
        .sender_fault(sender_fault);
    refused.build().unwrap()
}

fn answer(
    successful: Vec<SendMessageBatchResultEntry>,
    failed: Vec<BatchResultErrorEntry>,
) -> SendMessageBatchOutput {
    SendMessageBatchOutput::builder()
        .set_successful(Some(successful))
        .set_failed(Some(failed))
        .build()
        .unwrap()
}

/// What became of each message.
fn named(results: &[Result<(), SendError>]) -> Vec<String> {
    let name = |result: &Result<(), SendError>| match result {
        Ok(()) => "sent".to_owned(),
        Err(SendError::Refused {
            code, sender_fault, ..
        }) => format!("{code} {sender_fault}"),
        Err(SendError::NotAnswered) => "not answered".to_owned(),
        Err(SendError::Call(why)) => format!("call: {why}"),
    };
    results.iter().map(name).collect()
}

#[test]
fn each_message_has_the_result_that_the_answer_gives_under_its_id() {
    let answer = answer(
        vec![sent("3"), sent("0")],
        vec![
            refused("2", "InternalError", false),
            refused("1", "InvalidMessageContents", true),
        ],
    );
    assert_eq!(
        named(&results(&answer, 4)),
        [
            "sent",
            "InvalidMessageContents true",
            "InternalError false",
            "sent"
        ]
    );
}

#[test]
fn a_message_that_the_answer_leaves_out_is_not_sent() {
    let nothing = answer(Vec::new(), Vec::new());
    assert_eq!(named(&results(&nothing, 2)), ["not answered"; 2]);
    let others = answer(vec![sent("1"), sent("2"), sent("x"), sent("")], Vec::new());
    assert_eq!(named(&results(&others, 2)), ["not answered", "sent"]);
}

#[test]
fn a_message_in_both_lists_of_the_answer_is_not_sent() {
    let both = answer(vec![sent("0")], vec![refused("0", "InternalError", false)]);
    assert_eq!(named(&results(&both, 1)), ["InternalError false"]);
}

#[test]
fn a_failed_call_is_the_result_of_each_of_its_messages() {
    assert_eq!(named(&failed("no route".into(), 3)), ["call: no route"; 3]);
}

#[test]
fn an_entry_has_its_place_as_id_and_its_tenant_as_group() {
    let mut one = Outgoing {
        message: Message {
            entity: EntityKey(Uuid::from_u128(1)),
            jobs: vec![JobId(Uuid::from_u128(2))],
            tries: 0,
        },
        tenant: TenantKey(Uuid::from_u128(3)),
        delay: Duration::from_millis(7_900),
    };
    let built = entry((9, &one)).unwrap();
    assert_eq!(built.id(), "9");
    assert_eq!(built.message_body(), one.message.to_json());
    let group = "00000000-0000-0000-0000-000000000003";
    assert_eq!(built.message_group_id(), Some(group));
    assert_eq!(built.delay_seconds(), Some(7));
    one.delay = Duration::from_secs(901);
    assert_eq!(entry((0, &one)).unwrap().delay_seconds(), Some(900));
}

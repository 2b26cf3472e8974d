//! How the reasons of a cancelled transaction are read. Its items are: the outbox entry, the entity,
//! a job, and the check of the tenant's tombstone.

use super::*;

const FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";
const NONE: &str = "None";

/// The reasons with these codes. A failed condition returns the item that stands there, which says
/// where its reason stood; the check of a tombstone returns none.
fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
    let last = codes.len() - 1;
    let reason = |(place, code): (usize, &&str)| {
        let reason = CancellationReason::builder().code(*code);
        match *code == FAILED && place < last {
            true => reason.item("place", AttributeValue::N(place.to_string())),
            false => reason,
        }
        .build()
    };
    codes.iter().enumerate().map(reason).collect()
}

/// What came of a guarded transaction with an entity, in words.
fn read(codes: &[&str]) -> String {
    let reasons = reasons(codes);
    let place = |item: &Item| item["place"].as_n().unwrap().clone();
    match Cancelled::read(&reasons, true, true) {
        Cancelled::Erased => "erased".to_owned(),
        Cancelled::Decided(item) => format!("decided: {}", place(item)),
        Cancelled::Changed(Some(item)) => format!("changed: {}", place(item)),
        Cancelled::Changed(None) => "changed".to_owned(),
        Cancelled::Invalid => "invalid".to_owned(),
        Cancelled::Unable => "unable".to_owned(),
    }
}

#[test]
fn an_erasure_counts_before_all_else() {
    assert_eq!(read(&[NONE, NONE, NONE, FAILED]), "erased");
    assert_eq!(read(&[FAILED, FAILED, FAILED, FAILED]), "erased");
    assert_eq!(read(&["ThrottlingError", NONE, NONE, FAILED]), "erased");
}

#[test]
fn a_decision_that_stands_there_counts_before_what_it_changed() {
    assert_eq!(read(&[FAILED, NONE, NONE, NONE]), "decided: 0");
    assert_eq!(read(&[FAILED, FAILED, FAILED, NONE]), "decided: 0");
    assert_eq!(read(&[FAILED, CONFLICT, NONE, NONE]), "decided: 0");
}

#[test]
fn a_changed_item_is_decided_again_from_what_stands_there() {
    assert_eq!(read(&[NONE, FAILED, NONE, NONE]), "changed: 1");
    assert_eq!(read(&[NONE, NONE, FAILED, NONE]), "changed");
    assert_eq!(read(&[NONE, CONFLICT, NONE, NONE]), "changed");
    // Another writer of the tombstone: the erasure, which is not through yet.
    assert_eq!(read(&[NONE, NONE, NONE, CONFLICT]), "changed");
}

#[test]
fn what_dynamodb_cannot_do_is_no_reason_to_decide_again() {
    assert_eq!(read(&["ThrottlingError", NONE, NONE, NONE]), "unable");
    let code = "ProvisionedThroughputExceeded";
    assert_eq!(read(&[NONE, FAILED, code, NONE]), "unable");
    assert_eq!(read(&[NONE, "ValidationError", NONE, NONE]), "invalid");
}

#[test]
fn without_a_guard_the_last_reason_is_that_of_a_job() {
    let reasons = reasons(&[NONE, NONE, FAILED]);
    assert!(matches!(
        Cancelled::read(&reasons, true, false),
        Cancelled::Changed(None)
    ));
}

#[test]
fn without_an_entity_the_second_reason_is_that_of_a_job() {
    let reasons = reasons(&[NONE, FAILED, NONE]);
    assert!(matches!(
        Cancelled::read(&reasons, false, true),
        Cancelled::Changed(None)
    ));
}

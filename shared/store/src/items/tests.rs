use super::*;
use crate::packed::MOST_BYTES;

#[test]
fn what_could_not_be_unpacked_is_left_to_dynamodb_to_refuse() {
    let item = |text: &str| Item::from([("state".to_owned(), packed(text))]);
    let largest = "x".repeat(MOST_BYTES);
    let packed = item(&largest);
    assert!(size(&packed) < 4096);
    assert!(unpacked(&packed, "state").unwrap() == largest);
    let larger = item(&format!("{largest}x"));
    assert!(larger["state"].is_s(), "more than the 400 KB of an item");
}

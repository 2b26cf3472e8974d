use super::*;
use aws_sdk_dynamodb::primitives::Blob;

use crate::packed::MOST_BYTES;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// The size of an item with one attribute, whose name has one letter, without that letter.
fn size_of(value: AttributeValue) -> usize {
    size(&Item::from([("a".to_owned(), value)])) - 1
}

#[test]
fn an_item_has_the_bytes_of_its_names_and_values() {
    assert_eq!(size(&Item::new()), 0);
    assert_eq!(size_of(text("value")), 5);
    assert_eq!(size_of(text("é")), 2, "bytes, and not letters");
    assert_eq!(size_of(AttributeValue::N("1000".to_owned())), 4);
    assert_eq!(size_of(AttributeValue::B(Blob::new([0; 7]))), 7);
    assert_eq!(size_of(AttributeValue::Bool(true)), 1);
    let item = [("pk", text("job#1")), ("expires_at", text("17"))];
    let item = item.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(size(&Item::from(item)), 2 + 5 + 10 + 2);
}

#[test]
fn a_list_and_a_map_have_three_bytes_more_and_one_for_each_element() {
    let list = AttributeValue::L;
    assert_eq!(size_of(list(Vec::new())), 3);
    assert_eq!(
        size_of(list(vec![text("four"), text("sixsix")])),
        3 + 2 + 10
    );
    let map = [("topic", text("four")), ("key", text("sixsix"))];
    let map = map.map(|(name, value)| (name.to_owned(), value));
    let map = AttributeValue::M(HashMap::from(map));
    assert_eq!(size_of(map.clone()), 3 + 2 + 8 + 10);
    // As an earlier version wrote the events of an entry.
    assert_eq!(size_of(list(vec![map])), 3 + 1 + 23);
}

#[test]
fn the_first_digit_of_an_id_is_its_shard() {
    for (pk, shard) in [
        ("job#70000000-0000-0000-0000-000000000000", "7"),
        ("voice#f0000000-0000-0000-0000-000000000000", "f"),
        ("dead-letter#00000000-0000-0000-0000-000000000000", "0"),
        ("inbound#not-an-id", "0"),
        ("job#", "0"),
        ("job", "0"),
    ] {
        assert_eq!(open_shard(pk), shard, "{pk}");
    }
    assert_eq!(dead_letters_shard("7"), "dead-letter#7");
    assert_eq!(queued_shard("7"), "queue#7");
}

#[test]
fn an_item_without_a_whole_owner_has_none() {
    let listed = |listed: &str, tenant: &str| {
        let attributes = [("listed", listed), ("tenant", tenant)];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), text(value)));
        owner(&Item::from(attributes))
    };
    let owner = listed("outbox#2126-11-20T10:00:00.000Z", "tenant-a").unwrap();
    assert_eq!(owner.tenant.as_str(), "tenant-a");
    assert_eq!(owner.since.to_string(), "2126-11-20T10:00:00.000Z");
    for (others, tenant) in [
        ("job#2126-11-20T10:00:00.000Z", "tenant-a"),
        ("outbox#noon", "tenant-a"),
        ("outbox#2126-11-20T10:00:00.000Z", ""),
    ] {
        assert_eq!(listed(others, tenant), None, "{others}, {tenant}");
    }
}

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

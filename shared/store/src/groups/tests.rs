use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Time};
use domain::{EntityKey, InboundEventKey, JobId, WorkId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{Committed, ErasureGuard, OutboxEntry};

/// A decision of a test: which entity it changes, its jobs, its tenant if it is guarded, and the
/// bytes of its entry.
#[derive(Debug, Clone, Copy)]
struct Shape {
    entity: u128,
    jobs: u128,
    tenant: Option<usize>,
    bytes: usize,
}

/// Small decisions about many entities, and some that take up a lot.
fn shape() -> impl Strategy<Value = Shape> {
    let jobs = prop_oneof![9 => 0..3_u128, 1 => 90..99_u128];
    let bytes =
        prop_oneof![9 => 0..4_000_usize, 2 => 300_000..400_000_usize, 1 => Just(3_600_000_usize)];
    let tenant = prop::option::of(0..3_usize);
    (0..30_u128, jobs, tenant, bytes).prop_map(|(entity, jobs, tenant, bytes)| Shape {
        entity,
        jobs,
        tenant,
        bytes,
    })
}

/// The decision with this number, by which its entry and its jobs are known.
fn prepared(number: usize, shape: Shape) -> Prepared {
    let id = |kind: u128, id: u128| Uuid::from_u128(kind << 64 | id);
    let number = number as u128;
    let key = Key::inbound(InboundEventKey(id(1, number)));
    let mut entry = key.clone().into_item();
    let text = AttributeValue::S("x".repeat(shape.bytes));
    entry.insert("events".to_owned(), text);
    let entity = Key::entity(EntityKey(id(2, shape.entity)));
    let jobs = (0..shape.jobs).map(|job| JobId(id(3, number << 8 | job)));
    let jobs = jobs.map(|job| Key::work(WorkId::Job(job)));
    let others = iter::once(entity).chain(jobs).map(Key::into_item);
    let check = shape.tenant.map(|tenant| {
        let tenant = Identifier::parse(&format!("tenant-{tenant}")).unwrap();
        let happened = Time::new(jiff::Timestamp::UNIX_EPOCH);
        let guard = ErasureGuard {
            tenant: &tenant,
            happened,
        };
        Check::new(&key, guard)
    });
    Prepared {
        committed: Committed {
            entry: OutboxEntry::of_erased_tenant(key, String::new()),
            entity: None,
        },
        puts: iter::once(entry)
            .chain(others)
            .map(|item| (item, 0))
            .collect(),
        check,
    }
}

fn grouped(shapes: &[Shape]) -> Vec<Vec<(usize, Prepared)>> {
    let decided = shapes.iter().enumerate();
    groups(
        decided
            .map(|(number, shape)| (number, prepared(number, *shape)))
            .collect(),
    )
}

/// The number of decisions in each group.
fn lengths(shapes: impl Iterator<Item = Shape>) -> Vec<usize> {
    let shapes: Vec<Shape> = shapes.collect();
    grouped(&shapes).iter().map(Vec::len).collect()
}

/// A decision with two jobs about an entity of its own.
fn usual(entity: u128) -> Shape {
    Shape {
        entity,
        jobs: 2,
        tenant: Some(0),
        bytes: 3_000,
    }
}

#[test]
fn a_hundred_decisions_with_two_jobs_each_are_four_or_five_groups() {
    assert_eq!(lengths((0..100).map(usual)), [24, 24, 24, 24, 4]);
    let many_tenants = (0..100).zip(0..).map(|(entity, tenant)| Shape {
        tenant: Some(tenant),
        ..usual(entity)
    });
    assert_eq!(lengths(many_tenants), [20; 5]);
    let unguarded = (0..100).map(|entity| Shape {
        tenant: None,
        ..usual(entity)
    });
    assert_eq!(lengths(unguarded), [25; 4]);
}

#[test]
fn large_decisions_share_a_group_up_to_its_bytes() {
    let large = (0..10).map(|entity| Shape {
        bytes: 390_000,
        ..usual(entity)
    });
    assert_eq!(lengths(large), [8, 2]);
}

#[test]
fn the_largest_decision_is_a_group() {
    let largest = (0..3).map(|entity| Shape {
        jobs: 97,
        ..usual(entity)
    });
    assert_eq!(lengths(largest), [1; 3]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(128)
    })]
    #[test]
    fn a_group_is_a_transaction_that_dynamodb_takes_and_nothing_is_lost_or_overtakes(
        shapes in prop::collection::vec(shape(), 0..40),
    ) {
        let groups = grouped(&shapes);
        // So two decisions about one entity are in groups in their order.
        let order: Vec<usize> = groups.iter().flatten().map(|(number, _)| *number).collect();
        prop_assert_eq!(order, (0..shapes.len()).collect::<Vec<_>>());
        for group in &groups {
            prop_assert!(!group.is_empty());
            let decisions = || group.iter().map(|(_, decision)| decision);
            let mut times: BTreeMap<Key, usize> = BTreeMap::new();
            let (mut bytes, mut items) = (0, 0);
            for (item, _) in decisions().flat_map(|decision| &decision.puts) {
                *times.entry(Key::of(item).unwrap()).or_default() += 1;
                bytes += items::size(item);
                items += 1;
            }
            prop_assert!(times.values().all(|times| *times == 1), "{times:?}");
            let checks = decisions().filter_map(|decision| decision.check.clone());
            items += crate::tombstone::strictest(checks).len();
            prop_assert!(group.len() == 1 || items <= MOST_ITEMS && bytes <= MOST_BYTES);
        }
    }
}

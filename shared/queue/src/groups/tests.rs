use std::time::Duration;

use domain::{EntityKey, JobId, TenantKey};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::Message;

/// The `number`-th message, of so many jobs.
fn outgoing((number, jobs): (usize, usize)) -> Outgoing {
    let jobs = (0..jobs).map(|job| JobId(Uuid::from_u128(job as u128)));
    Outgoing {
        message: Message {
            entity: EntityKey(Uuid::from_u128(number as u128)),
            jobs: jobs.collect(),
            tries: 0,
        },
        tenant: TenantKey(Uuid::from_u128(7)),
        delay: Duration::ZERO,
    }
}

/// The number of messages in each group, if they have so many jobs each.
fn lengths(jobs: &[usize]) -> Vec<usize> {
    let all = jobs.iter().copied().enumerate().map(outgoing);
    groups(all.collect()).iter().map(Vec::len).collect()
}

#[test]
fn a_hundred_and_one_usual_messages_are_eleven_groups() {
    let mut expected = vec![10; 10];
    expected.push(1);
    assert_eq!(lengths(&[2; 101]), expected);
    assert!(lengths(&[]).is_empty());
}

#[test]
fn ten_of_the_largest_messages_are_one_group() {
    assert_eq!(lengths(&[97; 10]), [10]);
}

#[test]
fn large_messages_share_a_group_up_to_its_bytes() {
    // 39 bytes a job: 97,500 bytes each.
    assert_eq!(lengths(&[2_500; 5]), [2, 2, 1]);
    assert_eq!(lengths(&[7_000, 1, 7_000, 1, 1]), [1, 1, 1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(32)
    })]
    #[test]
    fn a_group_is_a_call_that_sqs_takes_and_nothing_is_lost_or_overtakes(
        jobs in prop::collection::vec(prop_oneof![4 => 1..4_usize, 1 => 2_000..7_000_usize], 0..40),
    ) {
        let all: Vec<Outgoing> = jobs.iter().copied().enumerate().map(outgoing).collect();
        let groups = groups(all.clone());
        let order: Vec<Outgoing> = groups.iter().flatten().cloned().collect();
        prop_assert_eq!(order, all);
        for group in &groups {
            prop_assert!((1..=MOST_AT_ONCE).contains(&group.len()));
            let bytes: usize = group.iter().map(|one| one.message.to_json().len()).sum();
            prop_assert!(group.len() == 1 || bytes <= MOST_BYTES);
        }
        for (one, next) in groups.iter().zip(groups.iter().skip(1)) {
            let bytes: usize = one.iter().chain(&next[..1]).map(size).sum();
            prop_assert!(one.len() == MOST_AT_ONCE || bytes > MOST_BYTES);
        }
    }
}

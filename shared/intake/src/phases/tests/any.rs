//! Every failure, and every two failures, of the calls of one batch.

use super::{script::Answer, world::World};

const RECORDS: [(i32, &[&str]); 2] = [(0, &["a1", "b1", "a10"]), (1, &["bad", "c1"])];

/// Each call of the batch, with each way in which it can fail.
fn failures() -> Vec<(String, Answer)> {
    let calls = ["a1", "b1", "c1"]
        .into_iter()
        .flat_map(|name| ["commit", "publish", "sent"].map(|verb| format!("{verb} {name}")));
    // It opens no job.
    let calls = calls.chain(["commit a10", "publish a10", "mark a10"].map(str::to_owned));
    let calls = calls.chain(["dead-letter 0@0", "dead-letter 1@0"].map(str::to_owned));
    // The first events of the three entities, and a half of them if they are cancelled.
    let calls = calls.chain(["read", "together a1+b1+c1", "together b1+c1"].map(str::to_owned));
    // The jobs of all, and of the others if `b1` is delivered again.
    let calls = calls.chain(["send a1+b1+c1", "send a1+c1"].map(str::to_owned));
    let each = calls.flat_map(|call| {
        let for_good = call.starts_with("commit").then_some(Answer::FailsForGood);
        let answers = [Answer::Fails, Answer::IsLost].into_iter().chain(for_good);
        answers.map(move |answer| (call.clone(), answer))
    });
    each.collect()
}

/// Delivers the batch with these failures twice, and then without.
fn try_with(failures: &[(String, Answer)]) {
    let mut world = World::of(&RECORDS);
    for (call, answer) in failures {
        world.script.answers(call, *answer);
    }
    for again in [world.deliver(), world.deliver_again()] {
        for (partition, names) in RECORDS {
            let places = (0..names.len()).map(|offset| format!("{partition}@{offset}"));
            let (named, others): (Vec<_>, Vec<_>) = places.partition(|place| again.contains(place));
            // The mapping delivers from the first failure on, so all later records are named.
            assert!(
                others.iter().max() < named.iter().min() || named.is_empty(),
                "{again:?}"
            );
            for place in others {
                assert!(world.is_over(&place), "{place} is lost");
            }
        }
    }
    world.settles();
}

#[test]
fn no_failure_loses_doubles_or_reorders_anything() {
    let failures = failures();
    assert_eq!(failures.len(), 42);
    for failure in failures {
        try_with(&[failure]);
    }
}

#[test]
fn no_two_failures_lose_double_or_reorder_anything() {
    // To the phases a lost answer is a failure.
    let mut failures = failures();
    failures.retain(|(_, answer)| *answer != Answer::IsLost);
    for (number, first) in failures.iter().enumerate() {
        for second in &failures[..number] {
            if second.0 != first.0 {
                try_with(&[first.clone(), second.clone()]);
            }
        }
    }
}

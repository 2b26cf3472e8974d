//! A job is made again as an operator asks for it: once, however often it is asked for.

use domain::{Job, ResubmitError, State};
use outbox::{CommitError, Resubmission};

use crate::{
    bench::Bench,
    samples::{described, failure, inbound, now},
};

/// An open job of an entity that is known.
async fn opened(bench: &Bench) -> Job {
    let description = described("a", "event-1", "Lanterns");
    let committed = bench
        .outbox
        .commit(&inbound("one"), &description, None, now())
        .await;
    let starts = committed.unwrap().entry.starts;
    bench.store.job(starts[0]).await.unwrap()
}

#[tokio::test]
async fn a_failed_job_is_made_again_once_and_an_open_one_not_at_all() {
    let bench = Bench::start().await;
    let open = opened(&bench).await;
    let refused = bench.outbox.commit_resubmission(&open, now()).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, CommitError::Resubmit(ResubmitError::Open)),
        "{refused}"
    );
    let failed = domain::fail(open, failure(), None).unwrap().jobs.remove(0);
    let failed = bench.store.save(failed).await.unwrap();
    assert_eq!(bench.outbox.resubmitted(&failed).await.unwrap(), None);

    let to_be = bench.outbox.resubmission(&failed, now()).await.unwrap();
    let Resubmission::New(decision) = &to_be else {
        panic!("{to_be:?}")
    };
    assert_eq!(to_be.job(), Some(decision.starts[0]));
    let entry = bench
        .outbox
        .commit_resubmission(&failed, now())
        .await
        .unwrap();
    assert_eq!(entry.starts, decision.starts);
    assert_eq!(entry.events, decision.events);
    let again = bench.store.job(entry.starts[0]).await.unwrap();
    assert_eq!(again.resubmit_of, Some(failed.id));
    assert!(matches!(again.state, State::Created), "{again:?}");

    let found = bench
        .outbox
        .commit_resubmission(&failed, now())
        .await
        .unwrap();
    assert_eq!(found.events, entry.events);
    let before = bench.outbox.resubmission(&failed, now()).await.unwrap();
    assert!(matches!(before, Resubmission::Before(_)), "{before:?}");
    assert_eq!(before.job(), Some(again.id));
    let found = bench.outbox.resubmitted(&failed).await.unwrap();
    assert_eq!(found.unwrap().starts, entry.starts);
}

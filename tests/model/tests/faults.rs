//! A rule that is left out is missed: the walk finds the promise that it kept, and the shortest way
//! to break it.

use model::{Bounds, Fault, Promise, walk};

/// The shortest way to break `promise` without a rule.
fn broken(promise: Promise, rule: Fault, bounds: Bounds) -> String {
    let found = walk(bounds, &[rule], &[promise]);
    found
        .expect_err("the promise is kept without the rule")
        .trace
}

const ERASED: Bounds = Bounds {
    erase: true,
    ..Bounds::CALM
};

const ONE_CRASH: Bounds = Bounds {
    crashes: 1,
    ..Bounds::CALM
};

const ONE_LOST: Bounds = Bounds {
    lost: 1,
    ..Bounds::CALM
};

/// A job that a vendor is paid for.
const LONG_WITH_A_CRASH: Bounds = Bounds {
    long: true,
    ..ONE_CRASH
};

#[test]
fn without_the_check_of_the_tombstone_something_stays() {
    insta::assert_snapshot!(broken(
        Promise::ErasedIsErased,
        Fault::NoTombstoneCheck,
        ERASED
    ));
}

#[test]
fn with_one_pass_something_stays() {
    insta::assert_snapshot!(broken(Promise::ErasedIsErased, Fault::OnePassErase, ERASED));
}

#[test]
fn a_found_end_that_is_not_checked_is_published_too_late() {
    let bounds = Bounds {
        crashes: 1,
        ..ERASED
    };
    insta::assert_snapshot!(broken(
        Promise::ErasedIsErased,
        Fault::FoundEndNotChecked,
        bounds
    ));
}

#[test]
#[ignore = "a minute: `make model`"]
fn a_closed_job_that_is_erased_at_once_leaves_a_file() {
    let bounds = Bounds {
        long: true,
        crashes: 1,
        lost: 1,
        ..ERASED
    };
    insta::assert_snapshot!(broken(
        Promise::ErasedIsErased,
        Fault::ClosedJobErasedAtOnce,
        bounds
    ));
}

#[test]
fn entries_that_only_the_index_leads_to_stay_with_their_events() {
    insta::assert_snapshot!(broken(
        Promise::ErasedIsErased,
        Fault::EntriesByIndexAlone,
        ERASED
    ));
}

#[test]
fn a_dead_letters_object_that_no_entry_names_stays() {
    let bounds = Bounds {
        inbound: 2,
        reused: true,
        crashes: 1,
        at_once: 1,
        ..ERASED
    };
    insta::assert_snapshot!(broken(
        Promise::ErasedIsErased,
        Fault::ObjectsByEntriesAlone,
        bounds
    ));
}

#[test]
fn a_vendors_file_deleted_before_the_note_is_gone() {
    insta::assert_snapshot!(broken(
        Promise::PaidKept,
        Fault::VendorFileDeletedBeforeNote,
        LONG_WITH_A_CRASH
    ));
}

#[test]
fn publishing_before_the_commit_gives_an_id_two_contents() {
    insta::assert_snapshot!(broken(
        Promise::OneContent,
        Fault::PublishBeforeCommit,
        ONE_CRASH
    ));
}

#[test]
fn marking_before_publishing_leaves_events_unpublished() {
    insta::assert_snapshot!(broken(
        Promise::AllPublished,
        Fault::MarkBeforePublish,
        ONE_CRASH
    ));
}

#[test]
fn an_entry_taken_for_published_while_its_job_is_open_lets_the_end_come_first() {
    insta::assert_snapshot!(broken(
        Promise::CreatedFirst,
        Fault::OpenJobTakenForPublished,
        ONE_CRASH
    ));
}

/// An erasure closes one job after another, and publishes nothing of the past.
#[test]
fn an_entry_taken_for_published_with_one_closed_job_lets_an_end_come_alone() {
    let bounds = Bounds {
        two_jobs: true,
        crashes: 1,
        ..ERASED
    };
    insta::assert_snapshot!(broken(
        Promise::CreatedFirst,
        Fault::OneClosedJobTakenForPublished,
        bounds
    ));
}

#[test]
fn a_sweep_that_sends_an_unannounced_job_lets_an_end_come_alone() {
    let bounds = Bounds {
        crashes: 1,
        ..ERASED
    };
    insta::assert_snapshot!(broken(Promise::CreatedFirst, Fault::SilentJobSent, bounds));
}

#[test]
fn sending_before_publishing_lets_the_end_come_first() {
    insta::assert_snapshot!(broken(
        Promise::CreatedFirst,
        Fault::SendBeforePublish,
        Bounds::CALM
    ));
}

#[test]
fn a_sweep_that_sends_nothing_leaves_a_lost_job_open() {
    insta::assert_snapshot!(broken(Promise::JobsEnd, Fault::SweepSendsNothing, ONE_LOST));
}

#[test]
fn a_message_acknowledged_before_its_ends_are_published_leaves_them_unpublished() {
    insta::assert_snapshot!(broken(
        Promise::AllPublished,
        Fault::AcknowledgeBeforePublish,
        ONE_CRASH
    ));
}

#[test]
fn a_message_put_off_without_its_closed_jobs_leaves_ends_unpublished() {
    insta::assert_snapshot!(broken(
        Promise::AllPublished,
        Fault::ClosedJobsNotPutOff,
        Bounds {
            lost: 1,
            ..ONE_CRASH
        }
    ));
}

/// The message is put off, because Kafka does not take the end, and is lost then.
#[test]
fn an_end_that_is_not_left_to_the_sweep_is_lost_with_its_message() {
    insta::assert_snapshot!(broken(
        Promise::AllPublished,
        Fault::EndsNotLeftToSweep,
        Bounds {
            lost: 2,
            ..Bounds::CALM
        }
    ));
}

#[test]
fn a_drawn_end_written_without_its_version_takes_an_end_back() {
    let bounds = Bounds {
        cancels: 1,
        ..Bounds::CALM
    };
    insta::assert_snapshot!(broken(
        Promise::Forward,
        Fault::DrawnEndWithoutVersion,
        bounds
    ));
}

#[test]
fn a_withheld_end_that_is_told_comes_alone() {
    insta::assert_snapshot!(broken(
        Promise::CreatedFirst,
        Fault::WithheldEndTold,
        ERASED
    ));
}

#[test]
fn a_withheld_end_that_is_forgotten_leaves_an_announced_job_without_one() {
    insta::assert_snapshot!(broken(
        Promise::AllPublished,
        Fault::WithheldEndForgotten,
        ERASED
    ));
}

#[test]
fn an_attempt_written_after_its_request_is_paid_twice() {
    insta::assert_snapshot!(broken(
        Promise::PaidOnce,
        Fault::AttemptAfterPost,
        LONG_WITH_A_CRASH
    ));
}

#[test]
fn an_attempt_without_a_token_is_sent_by_two() {
    let bounds = Bounds {
        long: true,
        ..ONE_LOST
    };
    insta::assert_snapshot!(broken(
        Promise::PaidOnce,
        Fault::AttemptWithoutToken,
        bounds
    ));
}

#[test]
fn a_reused_id_that_is_not_noticed_loses_its_event() {
    let bounds = Bounds {
        inbound: 2,
        reused: true,
        ..Bounds::CALM
    };
    insta::assert_snapshot!(broken(
        Promise::NothingLost,
        Fault::ContentNotChecked,
        bounds
    ));
}

/// The pass reads the job before `render` stores its file, and deletes what is not there yet.
#[test]
fn a_tombstone_read_before_the_transaction_leaves_a_file_of_an_erased_tenant() {
    let rule = Fault::TombstoneReadBeforeTransaction;
    insta::assert_snapshot!(broken(Promise::ErasedIsErased, rule, ERASED));
}

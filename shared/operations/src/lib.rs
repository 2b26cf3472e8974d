//! The requests of an operator and their answers: the contract between the command line `studio`
//! and the function `operator`, which runs inside the VPC, and between `operator` and the functions
//! `completion` ([`CompletionStep`]) and `erase` ([`EraseStep`]). No I/O.
//!
//! A list, and every step on several records, comes in pages: an answer holds the position of the
//! next page, and the caller asks again from there.

mod audit;
mod bulk;
mod completion;
mod correct;
mod counts;
mod dead_letters;
mod erase;
mod failure;
mod jobs;
mod providers;
mod queue;
mod remainders;
mod set_aside;
mod short_name;
mod situation;
mod smoke;
mod source;
mod tenants;
mod voices;
mod why;

pub use audit::{ASKER, Asker, AuditEntry, AuditListed, ListAudit};
pub use bulk::{ChangeJobs, CountJobs, JobsHandled};
pub use completion::{CompletionStep, VoiceVerification};
pub use correct::{Correct, Corrected, CorrectionFate, Edited};
pub use counts::{Counted, Counts, cause_in_common};
pub use dead_letters::{
    CountDeadLetters, DeadLetterSummary, Discard, Filter, Gathered, Handled, HowResolved,
    ListDeadLetters, Listed, Pace, RecordBytes, RecordContent, RecordFate, Redrive, Shown,
    UnreadEnvelope, Which,
};
pub use erase::{EraseStep, TenantData, TenantErasure, VoiceErasure};
pub use failure::{FailureKind, FunctionError};
pub use jobs::{
    ChangeJob, Happened, JobExecution, JobFate, JobFilter, JobHandled, JobShown, JobState,
    JobSummary, JobsListed, ListJobs,
};
pub use providers::{
    BreakerFate, BreakerHandled, BreakerSummary, ProviderSummary, ProvidersListed, RefusalSummary,
};
pub use queue::Queued;
pub use remainders::{
    CloseRemainder, ClosedRemainder, Kept, Reason, Remainder, RemainderFate, RemainderHandled,
    UnknownRemainder,
};
pub use set_aside::{RecordSetAside, SetAside, SetAsideFate};
pub use short_name::{NotConsumed, consumed_topic};
pub use situation::{OutOfOrder, Situation, Told, Trouble, Verdict};
pub use smoke::{Smoked, SmokedOfAnyVersion};
pub use source::{DeadLetterSource, UnknownSource};
pub use tenants::{TenantFate, TenantHandled};
pub use voices::{
    EraseVoice, ListVoices, UnknownStatus, VerifyVoice, VoiceFate, VoiceHandled, VoiceShown,
    VoiceStatus, VoiceSummary, VoicesListed,
};
pub use why::{
    About, AskWhy, EntityExplained, EventExplained, EventName, EventOutcome, Explained,
    Explanation, JobLine, NewestEvent, OlderEvent, PublishedEvent, TemplateLine, TenantExplained,
    UnknownAbout,
};

use contract::Identifier;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A request: the payload of the function `operator`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Step {
    /// Write a dead letter for each record of the on-failure envelopes. Answered by [`Gathered`].
    Gather,
    /// The dead letters that wait for an operator, by when they were first seen, the newest first.
    /// Answered by [`Listed`].
    ListDeadLetters(ListDeadLetters),
    /// How many dead letters wait, by cause, tenant and topic. Answered by [`Counted`].
    CountDeadLetters(CountDeadLetters),
    /// Have a record that stops its partition become a dead letter. Answered by [`RecordSetAside`].
    SetAside(SetAside),
    /// One dead letter with its content. Answered by [`Shown`].
    ShowDeadLetter {
        /// Its id.
        id: Uuid,
    },
    /// Invoke the consumers with dead letters again. Answered by [`Handled`].
    Redrive(Redrive),
    /// Give a dead letter's consumer its record again, edited and under a new id. Answered by
    /// [`Corrected`].
    Correct(Correct),
    /// Delete dead letters for good. Answered by [`Handled`].
    Discard(Discard),
    /// Send an event of the reserved tenant through the whole pipeline, and wait for its poster.
    /// Answered by [`Smoked`].
    Smoke {
        /// The longest wait, in seconds; the function waits for 240 at most.
        within: u32,
        /// An event that an earlier smoke check sent: the step waits for it and sends none. A
        /// function from before this field sends a new event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<Identifier>,
    },
    /// Render jobs, newest first. Answered by [`JobsListed`].
    ListJobs(ListJobs),
    /// How many render jobs there are, by cause, tenant and provider. Answered by [`Counted`].
    CountJobs(CountJobs),
    /// One job with its history. Answered by [`JobShown`].
    ShowJob {
        /// The tenant.
        tenant: Identifier,
        /// Its id.
        job: Uuid,
    },
    /// Open a new job that makes a closed job again. Answered by [`JobHandled`].
    ResubmitJob(ChangeJob),
    /// Cancel an open job. Answered by [`JobHandled`].
    CancelJob(ChangeJob),
    /// Open a new job for each closed job that matches. Answered by [`JobsHandled`].
    ResubmitJobs(ChangeJobs),
    /// Cancel each open job that matches. Answered by [`JobsHandled`].
    CancelJobs(ChangeJobs),
    /// Erase everything of a tenant. Answered by [`TenantHandled`].
    EraseTenant {
        /// The tenant.
        tenant: Identifier,
        /// Whether to do it; otherwise the answer only says what the step would do.
        execute: bool,
    },
    /// Let the erasure of a tenant go on without what a vendor or a bucket keeps. Answered by
    /// [`RemainderHandled`].
    CloseRemainder(CloseRemainder),
    /// Cloned voices, newest first. Answered by [`VoicesListed`].
    ListVoices(ListVoices),
    /// One cloned voice. Answered by [`VoiceShown`].
    ShowVoice {
        /// The tenant.
        tenant: Identifier,
        /// Its id.
        voice: Uuid,
    },
    /// Verify that a voice is its owner's. Answered by [`VoiceHandled`].
    VerifyVoice(VerifyVoice),
    /// Erase a voice, here and at its provider. Answered by [`VoiceHandled`].
    EraseVoice(EraseVoice),
    /// Every provider with its breaker. Answered by [`ProvidersListed`].
    ListProviders,
    /// Close a provider's breaker, so that the studio asks the provider again at once. Answered by
    /// [`BreakerHandled`].
    CloseBreaker {
        /// The provider's name.
        provider: String,
        /// Whether to do it; otherwise the answer only says what the step would do.
        execute: bool,
    },
    /// How full the queue of what is to be rendered is. Answered by [`Queued`].
    Queue,
    /// The changes that operators asked for, newest first. Answered by [`AuditListed`].
    ListAudit(ListAudit),
    /// Why something of a tenant's came, came otherwise or did not come. Answered by [`Explained`].
    Why(AskWhy),
}

#[cfg(test)]
mod tests {
    use contract::S3Object;

    use super::*;

    #[test]
    fn every_step_of_tenants_voices_providers_smoke_and_the_queue_is_read_back() {
        let tenant = Identifier::parse("tenant-monsoon-arts").unwrap();
        let (voice, execute) = (Uuid::from_u128(7), true);
        for (step, name) in [
            (
                Step::EraseTenant {
                    tenant: tenant.clone(),
                    execute,
                },
                "erase-tenant",
            ),
            (
                Step::CloseRemainder(CloseRemainder {
                    tenant: tenant.clone(),
                    remainder: "elevenlabs:job:7".parse().unwrap(),
                    reason: Reason::parse("the vendor closed the account").unwrap(),
                    execute,
                }),
                "close-remainder",
            ),
            (
                Step::ShowVoice {
                    tenant: tenant.clone(),
                    voice,
                },
                "show-voice",
            ),
            (
                Step::VerifyVoice(VerifyVoice {
                    tenant: tenant.clone(),
                    voice,
                    recording: S3Object::parse("s3://voices/asha.mp3"),
                    execute,
                }),
                "verify-voice",
            ),
            (
                Step::EraseVoice(EraseVoice {
                    tenant,
                    voice,
                    execute,
                }),
                "erase-voice",
            ),
            (
                Step::Smoke {
                    within: 120,
                    event: Some(Identifier::parse("e-1").unwrap()),
                },
                "smoke",
            ),
            (Step::ListProviders, "list-providers"),
            (Step::Queue, "queue"),
            (
                Step::CloseBreaker {
                    provider: "openai".to_owned(),
                    execute,
                },
                "close-breaker",
            ),
        ] {
            let json = serde_json::to_value(&step).unwrap();
            assert_eq!(json["step"], name);
            assert_eq!(serde_json::from_value::<Step>(json).unwrap(), step);
        }
    }

    #[test]
    fn a_smoke_check_without_an_event_is_asked_for_as_before_that_field() {
        let step = Step::Smoke {
            within: 120,
            event: None,
        };
        let form = r#"{"step":"smoke","within":120}"#;
        assert_eq!(serde_json::to_string(&step).unwrap(), form);
        assert_eq!(serde_json::from_str::<Step>(form).unwrap(), step);
    }
}

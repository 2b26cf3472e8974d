//! A step: the requests of the state machines, of the schedule and of `operator`, the replies and
//! the errors.

use asset_paths::PathsError;
use aws_sdk_s3::error::BoxError;
use contract::{S3Object, Time};
use domain::{JobId, ProviderId, TaskToken, VoiceModelId, WorkId};
use drawing::{DeleteError, FetchError, PutError};
use executions::GoOnError;
use lambda_runtime::Diagnostic;
use operations::{CompletionStep, VoiceVerification};
use outbox::{CommitError, PublishEntryError};
use providers::Refused;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use store::StoreError;
use work::CloseError;

/// The error name for an execution whose name belongs to another voice model, or that is none of
/// the job or voice model in its input: that one must not change.
pub(crate) const ID_REUSED: &str = "Studio.IdReused";

/// The error name for trouble of ours that passes.
const TRANSIENT: &str = "Studio.Transient";

/// The error name for an object that S3 refuses to return. That may pass, so it is retried for a
/// few minutes; after that the object's owner has to do something.
pub(crate) const FORBIDDEN: &str = "Studio.Forbidden";

/// A request: the payload of the function.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// Of a state machine or of the schedule.
    Machine(MachineStep),
    /// Of the function `operator`.
    Operator(CompletionStep),
}

impl<'de> Deserialize<'de> for Request {
    /// The name of the step decides which type it has, so that an error is that of the type. An
    /// untagged enum would only say that neither type matches.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let step = Value::deserialize(deserializer)?;
        let name = step.get("step").and_then(Value::as_str).unwrap_or_default();
        let request = match CompletionStep::NAMES.contains(&name) {
            true => CompletionStep::deserialize(step).map(Self::Operator),
            false => MachineStep::deserialize(step).map(Self::Machine),
        };
        request.map_err(D::Error::custom)
    }
}

/// A step of a state machine or of the schedule. `name` is the name of the execution that takes it.
/// The execution's input is its starter's choice; the name is checked (`executions.rs`).
#[derive(Debug, Clone, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum MachineStep {
    /// Ask the provider for the job's media.
    Submit { job_id: JobId, name: String },
    /// Ask the provider again whether the media is done.
    Poll { job_id: JobId, name: String },
    /// The media is stored: close the job and publish its end.
    Finish { job_id: JobId, name: String },
    /// A step failed for good, with Step Functions' error name and cause: close the job and publish
    /// its end.
    Fail {
        job_id: JobId,
        name: String,
        error: String,
        #[serde(default)]
        cause: String,
    },
    /// Register the voice model of the execution with this name, or go on with it if the input is
    /// that of a restart.
    RegisterVoice {
        name: String,
        input: Input,
        /// When the execution was started; without it, now.
        #[serde(default)]
        started_at: Option<Time>,
    },
    /// Do the next action for a voice model, if one is due.
    AdvanceVoice {
        voice_model_id: VoiceModelId,
        name: String,
    },
    /// The execution of a voice model waits for its owner; the token resumes it.
    AwaitOwner {
        voice_model_id: VoiceModelId,
        name: String,
        task_token: TaskToken,
    },
    /// A step of a voice failed for good, with Step Functions' error name and cause.
    FailVoice {
        voice_model_id: String,
        name: String,
        error: String,
        #[serde(default)]
        cause: String,
    },
    /// Handle overdue jobs and voice models, and unpublished ends.
    Sweep,
}

/// The input of an execution. It should have ids alone. Anything else that a starter writes there
/// may be personal, so no log shows it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Input(Value);

impl Input {
    /// The name and the text of its one member; `None` if it is anything else.
    pub(crate) fn only(&self) -> Option<(&str, &str)> {
        let members = self.0.as_object().filter(|members| members.len() == 1)?;
        let (name, value) = members.iter().next()?;
        Some((name, value.as_str()?))
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input")
    }
}

/// The reply of a step. The state machine branches on `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "status",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Reply {
    /// The provider needs more time; poll after this many seconds.
    Pending { poll_after_seconds: u32 },
    /// The provider asks for a pause, or a concurrency limit is reached for a voice; take the step
    /// again after this many seconds.
    Waiting { seconds: u32 },
    /// The job waits for its turn at a provider, and this execution is over. To the state machine,
    /// also to executions that began before there were lines, that is as if it were closed.
    #[serde(rename = "closed")]
    InLine,
    /// The asset is stored.
    Stored,
    /// The job is closed, and its end is published.
    Closed,
    /// The voice model is registered, and that is published.
    Registered,
    /// The owner still has to verify that the voice is theirs.
    Unverified,
    /// The token that resumes the execution is stored.
    AwaitingOwner,
    /// The voice failed. Step Functions keeps the reason: it names the class alone.
    VoiceFailed { reason: String },
    /// The counts of the sweep.
    Swept {
        overdue: usize,
        running: usize,
        restarted: usize,
        sent: usize,
        failed: usize,
        closed: usize,
        published: usize,
        woken: usize,
    },
    /// The reply to an operator who verifies a voice.
    #[serde(untagged)]
    VoiceVerification(VoiceVerification),
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Publish(#[from] PublishEntryError),
    #[error(transparent)]
    Logo(#[from] FetchError),
    #[error(transparent)]
    Asset(#[from] PutError),
    #[error(transparent)]
    AssetPaths(#[from] PathsError),
    #[error("cancelling the job {job} at its provider")]
    Cancel { job: JobId, source: Refused },
    #[error("asking a provider")]
    Provider(#[source] Refused),
    #[error("looking in the bucket for an answer that the table did not take")]
    Answer(#[source] BoxError),
    #[error("reading a recording from S3")]
    Recording(#[source] BoxError),
    #[error("There is nothing at {0}, or the studio may not read it")]
    RecordingForbidden(S3Object),
    #[error("There is nothing where sample {0} is to be, or the studio may not read it")]
    SampleForbidden(usize),
    #[error(transparent)]
    Delete(#[from] DeleteError),
    #[error(transparent)]
    GoOn(#[from] GoOnError),
    #[error(
        "the input of an execution is `tenantId` alone, because Step Functions keeps it: a training is read from a file of the tenant's"
    )]
    MoreThanIds,
    #[error(
        "the execution is called `{0}`; its name is to be the voice model's id, a UUID in lower case"
    )]
    ExecutionName(String),
    #[error("the execution `{name}` is none of the {id}, or no longer its current one")]
    NotItsExecution { name: String, id: WorkId },
    #[error("the input names no voice model: `voiceModelId` is to be a UUID in lower case")]
    NoVoiceModelId,
    #[error("{0} clones no voices")]
    NoCloner(ProviderId),
    #[error("no asset of the job {0} is stored, and none is on its way")]
    NothingStored(JobId),
    #[error(
        "{troubled} of {overdue} overdue jobs could not be looked after, the log says why of each; {left} more were left to the next sweep"
    )]
    Sweep {
        troubled: usize,
        left: usize,
        overdue: usize,
    },
}

impl StepError {
    /// The error name that the state machine's `Retry` and `Catch` match. It decides the failure's
    /// fate. Trouble of ours, `Studio.Transient`, is retried for longer than any provider may work,
    /// trouble at a provider and a forbidden object for a few minutes at most. The others are not
    /// retried.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Self::Store(error) if error.is_transient() => TRANSIENT,
            Self::Commit(error) if error.is_transient() => TRANSIENT,
            Self::Publish(_)
            | Self::Asset(_)
            | Self::AssetPaths(_)
            | Self::Sweep { .. }
            | Self::Recording(_)
            | Self::Answer(_)
            | Self::Delete(_)
            | Self::GoOn(_)
            | Self::Logo(FetchError::S3(_)) => TRANSIENT,
            Self::Cancel { .. } | Self::Provider(_) => "Studio.ProviderTrouble",
            Self::Logo(FetchError::Forbidden)
            | Self::RecordingForbidden(_)
            | Self::SampleForbidden(_) => FORBIDDEN,
            Self::Logo(FetchError::Unfit(_)) | Self::MoreThanIds | Self::ExecutionName(_) => {
                "Studio.InvalidInput"
            }
            Self::Commit(CommitError::IdReused)
            | Self::NotItsExecution { .. }
            | Self::NoVoiceModelId => ID_REUSED,
            Self::Store(_) | Self::Commit(_) | Self::NothingStored(_) | Self::NoCloner(_) => {
                "Studio.Internal"
            }
        }
    }

    /// Whether it is trouble of ours that passes.
    pub(crate) fn is_transient(&self) -> bool {
        self.error_type() == TRANSIENT
    }

    /// The message of the error. If the content's owner can fix it, it is one sentence for them;
    /// otherwise it is the chain of causes, which only operators see. Step Functions keeps it for
    /// 90 days, so it quotes neither content nor a vendor, who may quote it: the log has what a
    /// vendor said.
    fn message(&self) -> String {
        match self {
            Self::MoreThanIds
            | Self::RecordingForbidden(_)
            | Self::SampleForbidden(_)
            | Self::ExecutionName(_)
            | Self::NotItsExecution { .. }
            | Self::NoVoiceModelId
            | Self::Commit(CommitError::IdReused) => self.to_string(),
            Self::Provider(refused) => format!("{self}: {:?}", refused.refusal),
            Self::Store(_)
            | Self::Commit(_)
            | Self::Publish(_)
            | Self::Logo(_)
            | Self::Asset(_)
            | Self::AssetPaths(_)
            | Self::Cancel { .. }
            | Self::Recording(_)
            | Self::Answer(_)
            | Self::Delete(_)
            | Self::GoOn(_)
            | Self::NoCloner(_)
            | Self::NothingStored(_)
            | Self::Sweep { .. } => runtime::chain(self),
        }
    }
}

impl From<CloseError> for StepError {
    fn from(error: CloseError) -> Self {
        match error {
            CloseError::Commit(error) => Self::Commit(error),
            CloseError::Publish(error) => Self::Publish(error),
        }
    }
}

impl From<StepError> for Diagnostic {
    fn from(error: StepError) -> Self {
        Self {
            error_type: error.error_type().to_owned(),
            error_message: error.message(),
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::Identifier;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operators_step_and_a_machines_are_told_apart_by_name() {
        let verify = CompletionStep::VerifyVoice {
            voice_model_id: uuid::Uuid::nil(),
            tenant_id: Identifier::parse("tenant-a").unwrap(),
            recording: None,
        };
        let json = serde_json::to_value(&verify).unwrap();
        assert!(matches!(
            serde_json::from_value(json).unwrap(),
            Request::Operator(step) if step == verify
        ));
        assert!(matches!(
            serde_json::from_value(json!({ "step": "sweep" })).unwrap(),
            Request::Machine(MachineStep::Sweep)
        ));
    }

    #[test]
    fn an_error_in_a_request_names_the_field_or_the_step() {
        let error = |json| {
            let read: Result<Request, _> = serde_json::from_value(json);
            read.unwrap_err().to_string()
        };
        assert_eq!(
            error(json!({ "step": "verify-voice" })),
            "missing field `voiceModelId`"
        );
        assert_eq!(error(json!({ "step": "poll" })), "missing field `jobId`");
        let nameless = json!({ "step": "poll", "jobId": JobId(uuid::Uuid::nil()) });
        assert_eq!(error(nameless), "missing field `name`");
        assert!(error(json!({ "step": "close" })).starts_with("unknown variant `close`"));
    }

    #[test]
    fn every_step_of_a_state_machine_carries_the_name_of_its_execution() {
        for machine in [
            include_str!("../../../infra/statemachines/render.asl.json"),
            include_str!("../../../infra/statemachines/voice-training.asl.json"),
        ] {
            let machine: Value = serde_json::from_str(machine).unwrap();
            let states = machine["States"].as_object().unwrap();
            let tasks: Vec<&Value> = states.values().filter(|s| s["Type"] == "Task").collect();
            assert_eq!(tasks.len(), 4);
            for task in tasks {
                let payload = &task["Arguments"]["Payload"];
                assert_eq!(
                    payload["name"], "{% $states.context.Execution.Name %}",
                    "{payload}"
                );
                // Step Functions keeps the parameters of each task, and so these are ids, an error
                // of ours, and an input that is refused if it has more than an id.
                for name in payload.as_object().unwrap().keys() {
                    let is_known = matches!(
                        name.as_str(),
                        "step"
                            | "name"
                            | "jobId"
                            | "voiceModelId"
                            | "taskToken"
                            | "startedAt"
                            | "input"
                            | "error"
                            | "cause"
                    );
                    assert!(is_known, "{name} in {payload}");
                }
            }
        }
    }

    /// The state to which a choice of a state machine goes after a reply, as Step Functions decides.
    fn next<'a>(choice: &'a Value, reply: &Value) -> &'a str {
        let goes = |one: &&Value| one["Condition"] == compared(&reply["status"]);
        let taken = choice["Choices"].as_array().unwrap().iter().find(goes);
        let next = taken.map_or(&choice["Default"], |one| &one["Next"]);
        next.as_str().unwrap()
    }

    fn compared(status: &Value) -> String {
        format!(
            "{{% $states.input.status = '{}' %}}",
            status.as_str().unwrap()
        )
    }

    /// Fails unless the choice goes on from each reply to the state beside it, which finds the field
    /// that it waits for, and unless it compares only what one of them says.
    fn branches(machine: &str, choice: &str, replies: &[(Reply, &str)]) {
        let machine: Value = serde_json::from_str(machine).unwrap();
        let states = &machine["States"];
        let mut said = Vec::new();
        for (reply, wanted) in replies {
            let reply = serde_json::to_value(reply).unwrap();
            let next = next(&states[choice], &reply);
            assert_eq!(next, *wanted, "{reply}");
            if let Some(seconds) = states[next]["Seconds"].as_str() {
                let named = |(name, value): (&String, &Value)| {
                    value.is_number() && seconds == format!("{{% $states.input.{name} %}}")
                };
                assert!(
                    reply.as_object().unwrap().iter().any(named),
                    "{seconds} of {reply}"
                );
            }
            said.push(compared(&reply["status"]));
        }
        for one in states[choice]["Choices"].as_array().unwrap() {
            let condition = one["Condition"].as_str().unwrap();
            assert!(said.iter().any(|said| said == condition), "{condition}");
        }
    }

    #[test]
    fn a_state_machine_branches_on_the_statuses_that_steps_reply() {
        branches(
            include_str!("../../../infra/statemachines/render.asl.json"),
            "IsStored",
            &[
                (
                    Reply::Pending {
                        poll_after_seconds: 7,
                    },
                    "WaitForProvider",
                ),
                (Reply::Waiting { seconds: 7 }, "Pause"),
                (Reply::InLine, "Closed"),
                (Reply::Closed, "Closed"),
                (Reply::Stored, "Finish"),
            ],
        );
        let reason = "too quiet".to_owned();
        branches(
            include_str!("../../../infra/statemachines/voice-training.asl.json"),
            "WhatNow",
            &[
                (Reply::Registered, "Advance"),
                (Reply::Waiting { seconds: 7 }, "Wait"),
                (Reply::Unverified, "AwaitOwner"),
                (Reply::VoiceFailed { reason }, "Failed"),
                (Reply::Closed, "Closed"),
            ],
        );
    }

    #[test]
    fn an_input_has_one_id_and_nothing_else() {
        let only = |json: Value| {
            let input: Input = serde_json::from_value(json).unwrap();
            let only = input.only();
            only.map(|(name, text)| (name.to_owned(), text.to_owned()))
        };
        let tenant = ("tenantId".to_owned(), "tenant-gone".to_owned());
        assert_eq!(only(json!({ "tenantId": "tenant-gone" })), Some(tenant));
        for more in [
            json!({ "tenantId": "tenant-gone", "name": "Asha, warm" }),
            json!({ "tenantId": 1 }),
            json!({}),
            json!("tenant-gone"),
            json!(["tenant-gone"]),
        ] {
            assert_eq!(only(more.clone()), None, "{more}");
        }
    }

    #[test]
    fn what_step_functions_keeps_of_an_error_quotes_neither_content_nor_a_vendor() {
        let said = "your prompt `Asha Rao sings` is against our rules";
        for error in [
            StepError::Provider(Refused::new(domain::Refusal::Transient, said)),
            StepError::Logo(FetchError::Forbidden),
            StepError::MoreThanIds,
        ] {
            let told = Diagnostic::from(error).error_message;
            assert!(!told.contains("Asha"), "{told}");
        }
    }

    #[test]
    fn a_reply_to_an_operator_has_its_status_beside_its_fields() {
        let reply = Reply::VoiceVerification(VoiceVerification::NotVerified {
            reason: "Record it again.".to_owned(),
        });
        assert_eq!(
            serde_json::to_value(reply).unwrap(),
            json!({ "status": "not-verified", "reason": "Record it again." })
        );
        assert_eq!(
            serde_json::to_value(Reply::Closed).unwrap(),
            json!({ "status": "closed" })
        );
    }

    #[test]
    fn an_execution_ends_when_its_job_waits_for_its_turn_also_an_old_one() {
        // Executions keep the definition that they began with, and it knows this status.
        assert_eq!(
            serde_json::to_value(Reply::InLine).unwrap(),
            json!({ "status": "closed" })
        );
    }
}

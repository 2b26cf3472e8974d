//! Go on: the execution of a voice model that waits for its owner, or for its erasure.

use aws_sdk_sfn::{
    error::{BoxError, SdkError},
    operation::send_task_success::SendTaskSuccessError,
};
use domain::{TaskToken, VoiceModelId};

use crate::Executions;

/// An execution that waits could not be resumed.
#[derive(Debug, thiserror::Error)]
#[error("telling the execution of the voice model {voice} to go on")]
pub struct GoOnError {
    voice: VoiceModelId,
    source: BoxError,
}

impl Executions {
    /// Lets the execution of `voice`, which waits with `token`, go on. One that waits no more is
    /// fine: it went on, or gave up.
    ///
    /// # Errors
    /// A [`GoOnError`]; doing it again is safe.
    pub async fn let_go_on(&self, voice: VoiceModelId, token: &TaskToken) -> Result<(), GoOnError> {
        match self
            .sfn
            .send_task_success()
            .task_token(token.expose())
            .output("{}")
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    SendTaskSuccessError::TaskDoesNotExist(_)
                        | SendTaskSuccessError::TaskTimedOut(_)
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(GoOnError {
                voice,
                source: error.into(),
            }),
        }
    }
}

//! Executions: each may touch one job or voice model alone, the one whose execution it is.
//!
//! A starter of executions chooses their input, so an id in it proves nothing. The name does:
//! Step Functions has one execution of a name in 90 days, and the studio itself starts the one
//! whose name the job or voice model has.

use domain::Work;

use crate::step::StepError;

/// Refuses a step of the execution `name`, unless that is the current execution of `work`.
pub(crate) fn check<W: Work>(work: &W, name: &str) -> Result<(), StepError> {
    match is_current(work, name) {
        true => Ok(()),
        false => Err(StepError::NotItsExecution {
            name: name.to_owned(),
            id: work.id(),
        }),
    }
}

/// Whether `name` is the name of the current execution of `work`: its id, and from the first
/// restart on `<id>-<n>`.
pub(crate) fn is_current<W: Work>(work: &W, name: &str) -> bool {
    work.execution_name() == name
}

#[cfg(test)]
mod tests {
    use contract::{Identifier, Time};
    use domain::{ProviderId, Registration, VoiceModel, VoiceModelId, derive};

    use super::*;

    fn voice(restarts: u32) -> VoiceModel {
        let now = Time::new("2026-11-27T10:00:00Z".parse().unwrap());
        let registration = Registration {
            id: VoiceModelId(derive(&[b"a voice"])),
            tenant: &Identifier::parse("tenant-b").unwrap(),
            provider: ProviderId::ElevenLabs,
            now,
            deadline: now,
        };
        let failure = domain::Failure {
            class: contract::FailureClass::Internal,
            detail: String::new(),
            at: now,
        };
        let voice = registration.refused(None, failure, None).voice.unwrap();
        VoiceModel { restarts, ..voice }
    }

    #[test]
    fn only_the_current_execution_of_a_voice_may_touch_it() {
        let id = voice(0).id;
        for (restarts, current) in [(0, format!("{id}")), (1, format!("{id}-1"))] {
            let voice = voice(restarts);
            assert!(check(&voice, &current).is_ok(), "{current}");
            for other in [
                String::new(),
                "my-voice".to_owned(),
                derive(&[b"another voice"]).to_string(),
                format!("{id}-{}", restarts + 1),
                format!("{id}-x"),
                format!("{id}-0{restarts}"),
                id.to_string().to_uppercase(),
            ] {
                let refused = check(&voice, &other).unwrap_err();
                assert_eq!(refused.error_type(), "Studio.IdReused", "{other}");
                assert!(refused.to_string().contains("is none of the voice model"));
            }
        }
        // An execution that an operator redrives after a restart.
        assert!(check(&voice(1), &id.to_string()).is_err());
    }
}

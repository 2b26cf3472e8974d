//! Amazon Polly: speaks a spot in a task that writes into our bucket. It needs no key: the
//! function's role authenticates.
//!
//! Source: the API reference of StartSpeechSynthesisTask and GetSpeechSynthesisTask.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_polly::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{Engine, LanguageCode, OutputFormat, TaskStatus, VoiceId},
};
use contract::{Configuration, Locale, Shows};
use domain::Refusal;
use drawing::{Language, day};

use crate::{
    Answer, Body, Media, Order, Progress, Refused,
    http::{REQUEST_ID, attempt_of, is_anyones, short},
    prompt,
    settings::{PollySettings, PollyVoice},
};

#[derive(Debug)]
pub(crate) struct Polly {
    settings: PollySettings,
    client: Client,
}

impl Polly {
    pub(crate) fn new(settings: PollySettings, aws: &SdkConfig) -> Self {
        // The SDK must not retry a start, because each start creates a task.
        let mut config =
            aws_sdk_polly::config::Builder::from(aws).retry_config(RetryConfig::disabled());
        if let Some(endpoint) = &settings.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Self {
            settings,
            client: Client::from_conf(config.build()),
        }
    }

    /// Whether it has a voice for the language of `configuration`.
    pub(crate) fn speaks(&self, configuration: &Configuration) -> bool {
        self.speaker(configuration).is_some()
    }

    /// The voice for the language of `configuration`, with the tag under which it is set.
    fn speaker(&self, configuration: &Configuration) -> Option<(&Locale, &PollyVoice)> {
        self.settings.speakers.of(&Language::of(configuration))
    }

    /// Starts the task of a spot.
    pub(crate) async fn submit(&self, order: Order<'_>) -> Result<Answer, Refused> {
        let configuration = &order.job.configuration;
        let Some((tag, speaker)) = self.speaker(configuration) else {
            let detail = "no voice of polly.speakers speaks the language of the text";
            return Err(Refused::new(Refusal::ProviderGone, detail).unsent());
        };
        let text = prompt::speech(configuration, day(configuration).as_deref());
        let start = self
            .client
            .start_speech_synthesis_task()
            .text(text)
            .voice_id(VoiceId::from(speaker.voice.as_str()))
            .engine(Engine::from(speaker.engine.as_str()))
            .language_code(LanguageCode::from(speaker.language_code(tag)))
            .output_format(OutputFormat::Mp3)
            .output_s3_bucket_name(order.bucket)
            .output_s3_key_prefix(prefix(order.folder));
        let token = attempt_of(order.job)?.token.to_string();
        let start = start.customize().mutate_request(move |request| {
            request.headers_mut().insert(REQUEST_ID, token.clone());
        });
        let started = start
            .send()
            .await
            .map_err(|error| refused(&error, Refusal::OutcomeUnknown))?;
        let task = started
            .synthesis_task()
            .and_then(|task| task.task_id())
            .map(str::to_owned);
        let ticket =
            task.ok_or_else(|| Refused::new(Refusal::OutcomeUnknown, "the answer has no task id"))?;
        Ok(Answer::Accepted { ticket })
    }

    /// The state of the task.
    pub(crate) async fn poll(&self, order: Order<'_>, task: &str) -> Result<Progress, Refused> {
        let answer = self
            .client
            .get_speech_synthesis_task()
            .task_id(task)
            .send()
            .await;
        let answer = answer.map_err(|error| refused(&error, Refusal::Transient))?;
        let Some(state) = answer.synthesis_task() else {
            return Err(Refused::new(Refusal::Transient, "the answer has no task"));
        };
        match state.task_status() {
            Some(TaskStatus::Completed) => {
                let characters = u64::try_from(state.request_characters()).unwrap_or(0);
                Ok(Progress::Done(Box::new(Media {
                    body: Body::Object {
                        bucket: order.bucket.to_owned(),
                        key: object_key(order.folder, task),
                    },
                    made_by: match state.engine() {
                        Some(engine) => format!("polly/{engine}"),
                        None => "polly".to_owned(),
                    },
                    credits: (characters * self.settings.credits_per_million_characters)
                        .div_ceil(1_000_000),
                    length_ms: None,
                    copy: None,
                    shows: Shows::default(),
                    painting: None,
                })))
            }
            Some(TaskStatus::Failed) => {
                let reason = state.task_status_reason().unwrap_or("the task failed");
                Ok(Progress::Failed(Refused::new(
                    Refusal::Transient,
                    short(reason),
                )))
            }
            other => Ok(Progress::Pending {
                status: other.map_or_else(|| "unknown".to_owned(), |s| s.as_str().to_owned()),
            }),
        }
    }
}

/// The key prefix that the task writes to, beside the asset. Polly adds `.<task id>.mp3`.
fn prefix(folder: &str) -> String {
    format!("{folder}polly")
}

/// The key of the file that the task writes.
pub(crate) fn object_key(folder: &str, task: &str) -> String {
    format!("{}.{task}.mp3", prefix(folder))
}

fn refused<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    if_unknown: Refusal,
) -> Refused {
    let (refusal, detail) = match error {
        SdkError::ServiceError(service) => {
            let (code, message) = (
                service.err().code().unwrap_or("unknown"),
                service.err().message().unwrap_or(""),
            );
            let status = service.raw().status().as_u16();
            let refusal = of_code(code, status, if_unknown);
            (refusal, format!("{code}: {message}"))
        }
        SdkError::ConstructionFailure(_) => {
            (Refusal::InvalidInput, "the request is invalid".to_owned())
        }
        SdkError::DispatchFailure(failure) if failure.is_io() && !failure.is_timeout() => {
            // The connection was refused or cut. A refused one had no effect, but the two look
            // alike.
            (if_unknown, "the connection failed".to_owned())
        }
        _ => (if_unknown, "no answer".to_owned()),
    };
    Refused::new(refusal, short(&detail))
}

/// The class of an error by AWS's code for it, and by the answer's HTTP status where AWS gives no
/// code. `if_unknown` is for an error after which the task may be there.
fn of_code(code: &str, status: u16, if_unknown: Refusal) -> Refusal {
    match code {
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "ServiceQuotaExceededException" => Refusal::RateLimited { retry_after: None },
        "ServiceFailureException" | "InternalFailure" => if_unknown,
        "ServiceUnavailable" | "ServiceUnavailableException" => Refusal::Transient,
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "SubscriptionRequiredException"
        | "InvalidS3BucketException"
        | "InvalidS3KeyException" => Refusal::Auth,
        // Our settings: a voice, an engine or a language that do not go together, or that the
        // region does not have. No text of a tenant's is at fault.
        "EngineNotSupportedException"
        | "SynthesisTaskNotFoundException"
        | "ValidationException"
        | "LanguageNotSupportedException"
        | "ResourceNotFoundException" => Refusal::ProviderGone,
        _ if status >= 500 => if_unknown,
        // AWS's own errors have a code.
        "unknown" if is_anyones(status) => Refusal::Blocked,
        _ => Refusal::InvalidInput,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: the errors of StartSpeechSynthesisTask in Polly's API reference, and the errors
    /// that are common to AWS's services.
    #[test]
    fn each_of_awss_codes_has_its_class() {
        let limited = Refusal::RateLimited { retry_after: None };
        for (code, status, class) in [
            ("ThrottlingException", 400, limited),
            ("ServiceQuotaExceededException", 402, limited),
            ("ServiceFailureException", 500, Refusal::OutcomeUnknown),
            ("ServiceUnavailable", 503, Refusal::Transient),
            ("AccessDeniedException", 403, Refusal::Auth),
            ("InvalidS3BucketException", 400, Refusal::Auth),
            ("EngineNotSupportedException", 400, Refusal::ProviderGone),
            ("LanguageNotSupportedException", 400, Refusal::ProviderGone),
            ("ResourceNotFoundException", 404, Refusal::ProviderGone),
            ("ValidationException", 400, Refusal::ProviderGone),
            ("TextLengthExceededException", 400, Refusal::InvalidInput),
            ("InvalidSsmlException", 400, Refusal::InvalidInput),
            ("ANewException", 500, Refusal::OutcomeUnknown),
            ("unknown", 403, Refusal::Blocked),
        ] {
            let refusal = of_code(code, status, Refusal::OutcomeUnknown);
            assert_eq!(refusal, class, "{code}");
        }
    }
}

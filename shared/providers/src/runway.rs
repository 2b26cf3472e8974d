//! Runway: makes a video as a task, which the studio polls.
//!
//! Source of shapes and codes: the vendor's SDK 5.24.0, and its pages on HTTP errors and on task
//! failures. Statuses are an open set: an unknown status counts as pending. The host of finished
//! videos: the vendor's page on outputs.

use std::time::Duration;

use contract::Shows;
use domain::{Job, Refusal};
use reqwest::{RequestBuilder, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Answer, Body, Media, Progress, Refused, Stream,
    http::{ErrorAnswer, Http, attempt_of, check_id, is_id, send_free, send_paid, short, whole},
    keys::VendorKey,
    prompt,
    settings::RunwaySettings,
};

/// The longest download of a finished video.
const DOWNLOAD: Duration = Duration::from_secs(200);

#[derive(Debug)]
pub(crate) struct Runway {
    settings: RunwaySettings,
    http: Http,
    key: VendorKey,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    status: String,
    #[serde(default)]
    output: Vec<String>,
    failure: Option<String>,
    failure_code: Option<String>,
    cost: Option<Cost>,
    estimated_cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Cost {
    credits: f64,
}

impl Runway {
    pub(crate) fn new(settings: RunwaySettings, http: Http, key: VendorKey) -> Self {
        Self {
            settings,
            http,
            key,
        }
    }

    pub(crate) async fn prepare(&self) -> Result<(), Refused> {
        self.key.get().await.map(drop)
    }

    /// Creates the task for the job's video.
    pub(crate) async fn submit(&self, job: &Job) -> Result<Answer, Refused> {
        let ratio = match job.asset.size() {
            Some((width, height)) if width < height => "720:1280",
            _ => "1280:720",
        };
        let body = json!({
            "model": self.settings.model,
            "promptText": prompt::video(&job.configuration),
            "ratio": ratio,
            "duration": self.settings.seconds,
        });
        let request = self
            .http
            .post(format!("{}/text_to_video", self.settings.base_url))
            .json(&body);
        let response = send_paid(attempt_of(job)?, self.signed(request).await?).await?;
        if !response.status().is_success() {
            let answer = ErrorAnswer::read(response).await;
            return Err(self.refused(&answer).await);
        }
        let bytes = whole(response, Refusal::OutcomeUnknown).await?;
        let created: Created = serde_json::from_slice(&bytes)
            .map_err(|_| Refused::new(Refusal::OutcomeUnknown, "the answer has no task id"))?;
        if !is_id(&created.id) {
            return Err(Refused::new(
                Refusal::OutcomeUnknown,
                "the task id has characters that a URL path cannot have",
            ));
        }
        Ok(Answer::Accepted { ticket: created.id })
    }

    /// The state of the task, with the video once it is made.
    pub(crate) async fn poll(&self, task: &str) -> Result<Progress, Refused> {
        let Some(task) = self.task(task).await? else {
            // It existed, so it was deleted, and its video is gone.
            let detail = "the task is not there any more";
            let gone = Refused::new(Refusal::OutcomeUnknown, detail);
            return Ok(Progress::Failed(gone));
        };
        let credits = self.credits(&task);
        match task.status.as_str() {
            "SUCCEEDED" => {
                let Some(url) = task.output.first() else {
                    let detail = "the task succeeded without a video";
                    return Ok(Progress::Failed(Refused {
                        credits,
                        ..Refused::new(Refusal::OutcomeUnknown, detail)
                    }));
                };
                Ok(Progress::Done(Box::new(Media {
                    body: Body::Stream(self.download(url).await?),
                    made_by: format!("runway/{}", self.settings.model),
                    credits,
                    length_ms: Some(u64::from(self.settings.seconds) * 1000),
                    // The task's id, which is the ticket, names the copy.
                    copy: None,
                    shows: Shows::default(),
                    painting: None,
                })))
            }
            _ => Ok(match without_video(&task) {
                Some(refused) => Progress::Failed(Refused { credits, ..refused }),
                None => Progress::Pending {
                    status: task.status,
                },
            }),
        }
    }

    /// Cancels a task or deletes its video, and returns the credits that it cost: a task that is
    /// cancelled while it runs is not refunded. A missing task counts as deleted, and as free.
    pub(crate) async fn stop(&self, id: &str) -> Result<u64, Refused> {
        let before = self.task(id).await;
        self.erase(id).await?;
        // A task has its cost once it is over. One that was cancelled is still there, and one that
        // was over before is not.
        let after = self.task(id).await;
        match (after, before) {
            (Ok(Some(task)), _) | (_, Ok(Some(task))) => Ok(self.credits(&task)),
            (Ok(None), _) | (_, Ok(None)) => Ok(0),
            (Err(refused), Err(_)) => Err(refused),
        }
    }

    /// Cancels a task or deletes its video. A missing task counts as deleted.
    pub(crate) async fn erase(&self, task: &str) -> Result<(), Refused> {
        check_id(task)?;
        let request = self
            .http
            .delete(format!("{}/tasks/{task}", self.settings.base_url));
        let response = send_free(self.signed(request).await?).await?;
        if response.status().is_success() || response.status().as_u16() == 404 {
            return Ok(());
        }
        Err(ErrorAnswer::read(response)
            .await
            .refused(Refusal::Transient))
    }

    /// The task as the vendor has it; `None` if it is not there any more.
    async fn task(&self, id: &str) -> Result<Option<Task>, Refused> {
        let url = format!("{}/tasks/{id}", self.settings.base_url);
        let response = send_free(self.signed(self.http.get(url)).await?).await?;
        if !response.status().is_success() {
            let answer = ErrorAnswer::read(response).await;
            return match answer.status {
                404 if is_own(&answer) => Ok(None),
                // This request may be repeated.
                500.. => Err(answer.refused(Refusal::Transient)),
                _ => Err(self.refused(&answer).await),
            };
        }
        let bytes = whole(response, Refusal::Transient).await?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| Refused::new(Refusal::Transient, "the task cannot be parsed"))
    }

    /// Downloads the video from a signed URL that expires. The request carries no key, and goes
    /// over TLS only and to the vendor's hosts only (except if both the API and the video are on
    /// this machine): a vendor's answer must not send this function anywhere else.
    async fn download(&self, url: &str) -> Result<Stream, Refused> {
        let own_machine = self.settings.base_url.starts_with("http://127.0.0.1:")
            && url.starts_with("http://127.0.0.1:");
        if !own_machine {
            // The job is not failed: the video is paid for, and the setting may be mended in time.
            check_host(url, &self.settings.output_hosts)
                .map_err(|detail| Refused::new(Refusal::Transient, detail))?;
        }
        let response = send_free(self.http.get(url.to_owned()).timeout(DOWNLOAD)).await?;
        match response.status().as_u16() {
            200 => Ok(Stream(response)),
            // Another poll of the task brings a fresh URL.
            status => Err(Refused::new(
                Refusal::Transient,
                format!("downloading the video: HTTP {status}"),
            )),
        }
    }

    async fn signed(&self, request: RequestBuilder) -> Result<RequestBuilder, Refused> {
        let key = self.key.get().await?;
        Ok(request
            .bearer_auth(key.expose_secret())
            .header("X-Runway-Version", "2024-11-06"))
    }

    async fn refused(&self, answer: &ErrorAnswer) -> Refused {
        let refusal = refusal(answer);
        if refusal == Refusal::Auth {
            self.key.forget().await;
        }
        answer.refused(refusal)
    }

    fn credits(&self, task: &Task) -> u64 {
        let cost = task.cost.as_ref().or(task.estimated_cost.as_ref());
        let vendors = cost.map_or(0.0, |cost| cost.credits.clamp(0.0, 1e9).ceil()) as u64;
        vendors * self.settings.credits_per_credit
    }
}

/// The class of a refusal. The vendor's errors have no codes, and only those in its own form
/// concern our account. It never answers 403.
///
/// That an account is empty is a sentence (400), and so is its limit of tasks a day (429), which no
/// pause of ours outlasts. With 502 and 504 the vendor sheds load before it takes a task, and may be
/// asked again (<https://docs.dev.runwayml.com/errors/errors/>).
fn refusal(answer: &ErrorAnswer) -> Refusal {
    match answer.status {
        502 | 504 => Refusal::Transient,
        400 | 402 if says(answer, "enough credits") => Refusal::Billing,
        429 if says(answer, "daily") => Refusal::Billing,
        401 if is_own(answer) => Refusal::Auth,
        404 | 410 if is_own(answer) => Refusal::ProviderGone,
        _ => answer.by_status(),
    }
}

/// Whether an error in the vendor's own form has these words, in lower case.
fn says(answer: &ErrorAnswer, words: &str) -> bool {
    let said = answer.body["error"].as_str().unwrap_or_default();
    said.to_lowercase().contains(words)
}

/// Whether an error is in the vendor's own form: `{"error": "…"}`, and maybe `docUrl` and the like.
fn is_own(answer: &ErrorAnswer) -> bool {
    answer.body["error"].is_string()
}

/// Checks that a URL is one of TLS at one of these hosts. The error does not repeat the whole URL,
/// because its signature is a credential.
fn check_host(url: &str, hosts: &[String]) -> Result<(), String> {
    let parsed = Url::parse(url).ok().filter(|url| url.scheme() == "https");
    let Some(url) = parsed else {
        return Err("the address of the video is not https://".to_owned());
    };
    let host = url.host_str().unwrap_or_default();
    let place = match url.port() {
        // `Url` drops the port of https.
        None if hosts.iter().any(|known| known == host) => return Ok(()),
        None => host.to_owned(),
        Some(port) => format!("{host}:{port}"),
    };
    Err(short(&format!(
        "the video is at {place}, which is not among the settings' runway.outputHosts"
    )))
}

/// Why a task ended without a video, without its cost; `None` if it has not ended.
fn without_video(task: &Task) -> Option<Refused> {
    match task.status.as_str() {
        "FAILED" => {
            let code = task.failure_code.as_deref().unwrap_or_default();
            let said = task.failure.as_deref().unwrap_or_default();
            let detail = short(&format!("FAILED {code}: {said}"));
            Some(Refused::new(of_task(code), detail))
        }
        // By a person, in the vendor's portal. Like a task that was deleted there, it may have been
        // paid for, is not bought again by itself, and is no fault of the tenant's.
        "CANCELLED" => Some(Refused::new(
            Refusal::OutcomeUnknown,
            "the task was cancelled at the vendor",
        )),
        _ => None,
    }
}

/// The class of a task's failure. An unknown code is a fault of the vendor.
fn of_task(code: &str) -> Refusal {
    match code.split('.').next().unwrap_or_default() {
        // The vendor's own trouble with a good input: "try again later".
        _ if code.ends_with(".INTERNAL") => Refusal::Transient,
        "SAFETY" => Refusal::Moderation,
        "INPUT_PREPROCESSING" | "ASSET" => match code.contains("SAFETY") {
            true => Refusal::Moderation,
            false => Refusal::InvalidInput,
        },
        _ => Refusal::Transient,
    }
}

#[cfg(test)]
mod tests {
    use contract::FailureClass;
    use domain::{ProviderId, RetryDecision};

    use super::*;
    use crate::http::ANYONES;

    #[test]
    fn only_an_error_in_the_vendors_own_form_concerns_the_account() {
        let own = |status| refusal(&ErrorAnswer::of(status, r#"{"error":"No."}"#));
        assert_eq!(own(401), Refusal::Auth);
        assert_eq!(own(404), Refusal::ProviderGone);
        assert_eq!(own(403), Refusal::Blocked, "it never answers so");
        for status in ANYONES {
            let firewalls = ErrorAnswer::of_a_firewall(status);
            assert_eq!(refusal(&firewalls), Refusal::Blocked, "{status}");
        }
    }

    /// The vendor's answers, and what each means. Sources: its page on errors, and the fixtures of
    /// public clients for the sentences.
    #[test]
    fn each_of_the_vendors_answers_has_its_class() {
        for (status, sentence, class) in [
            (
                400,
                "You do not have enough credits to run this task.",
                Refusal::Billing,
            ),
            (400, "Validation of body failed", Refusal::InvalidInput),
            (401, "The API key provided is invalid.", Refusal::Auth),
            (404, "The model does not exist.", Refusal::ProviderGone),
            (408, "Request timeout.", Refusal::Transient),
            (429, "Daily task limit reached.", Refusal::Billing),
            (
                429,
                "Too many requests.",
                Refusal::RateLimited { retry_after: None },
            ),
            (500, "Internal error.", Refusal::OutcomeUnknown),
            (502, "Bad gateway.", Refusal::Transient),
            (503, "Service unavailable.", Refusal::Transient),
            (504, "Gateway timeout.", Refusal::Transient),
        ] {
            let answer = ErrorAnswer::of(status, &json!({ "error": sentence }).to_string());
            assert_eq!(refusal(&answer), class, "{status} {sentence}");
        }
        for (code, class) in [
            ("SAFETY.INPUT.TEXT", Refusal::Moderation),
            ("INPUT_PREPROCESSING.SAFETY.TEXT", Refusal::Moderation),
            ("INPUT_PREPROCESSING.INTERNAL", Refusal::Transient),
            ("ASSET.INVALID", Refusal::InvalidInput),
            ("INTERNAL.BAD_OUTPUT.CODE01", Refusal::Transient),
            ("THIRD_PARTY.UNAVAILABLE", Refusal::Transient),
            ("", Refusal::Transient),
        ] {
            assert_eq!(of_task(code), class, "{code}");
        }
    }

    #[test]
    fn a_task_that_was_cancelled_at_the_vendor_is_neither_bought_again_nor_the_tenants_fault() {
        let ended = |status: &str, code: Option<&str>| {
            let task = json!({ "status": status, "failureCode": code, "failure": "no" });
            without_video(&serde_json::from_value(task).unwrap()).map(|refused| refused.refusal)
        };
        let refusal = ended("CANCELLED", None).unwrap();
        assert_eq!(
            refusal.retry_decision(ProviderId::Runway),
            RetryDecision::AskTheNext
        );
        assert_eq!(
            refusal.failure_class(ProviderId::Runway),
            FailureClass::OutcomeUnknown
        );
        assert_eq!(
            ended("FAILED", Some("SAFETY.INPUT.TEXT")),
            Some(Refusal::Moderation)
        );
        for status in ["PENDING", "THROTTLED", "RUNNING", "A_NEW_STATUS"] {
            assert_eq!(ended(status, None), None, "{status}");
        }
    }

    #[test]
    fn a_video_is_fetched_from_the_vendors_hosts_only() {
        let hosts = RunwaySettings::default().output_hosts;
        let check = |url: &str| check_host(url, &hosts);
        assert_eq!(
            check("https://dnznrvs05pmza.cloudfront.net/output.mp4?_jwt=secret"),
            Ok(())
        );
        assert_eq!(
            check("https://DNZNRVS05PMZA.cloudfront.net:443/output.mp4"),
            Ok(())
        );
        for url in [
            "https://evil.example/output.mp4",
            "https://another.cloudfront.net/output.mp4",
            "https://dnznrvs05pmza.cloudfront.net.evil.example/",
            "https://dnznrvs05pmza.cloudfront.net@evil.example/",
            "https://dnznrvs05pmza.cloudfront.net:8443/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "http://dnznrvs05pmza.cloudfront.net/output.mp4",
            "file:///etc/passwd",
            "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
            "",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
        assert_eq!(
            check("https://evil.example:444/output.mp4?_jwt=secret"),
            Err("the video is at evil.example:444, which is not among the settings' runway.outputHosts".to_owned())
        );
    }
}

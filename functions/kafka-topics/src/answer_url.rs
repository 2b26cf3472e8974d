//! Where an answer may go. CloudFormation gives a presigned URL of a bucket of its own. An invoker
//! writes the request, and could otherwise have the function send one anywhere in the VPC.

use std::net::IpAddr;

use runtime::optional;
use url::Url;

/// The most characters of a host that an error names.
const LONGEST_HOST: usize = 253;

/// To which hosts the function sends answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswersTo {
    /// S3 alone.
    S3,
    /// S3, and servers on this machine: the emulator's CloudFormation is one.
    S3AndLoopback,
}

impl AnswersTo {
    /// `ANSWERS_TO_LOOPBACK`, which only the local stack sets to `true`. The template does not have
    /// it.
    pub(crate) fn from_env() -> Self {
        match optional("ANSWERS_TO_LOOPBACK").as_str() {
            "true" => Self::S3AndLoopback,
            _ => Self::S3,
        }
    }
}

/// A URL that an answer may go to. Its query has a signature, so no log shows it.
pub(crate) struct AnswerUrl(Url);

/// A URL that no answer goes to. Only the host is named, because the rest lets its reader answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerUrlError {
    #[error("the request's ResponseURL is no URL with a host")]
    NoUrl,
    #[error(
        "the request's ResponseURL has the host {0}: an answer goes to S3 alone, over HTTPS, on its own port and without a user's name"
    )]
    NotS3(String),
}

impl AnswerUrl {
    /// Parses a URL that an answer may go to.
    pub(crate) fn parse(url: &str, to: AnswersTo) -> Result<Self, AnswerUrlError> {
        let url = Url::parse(url).map_err(|_| AnswerUrlError::NoUrl)?;
        let host = url.host_str().ok_or(AnswerUrlError::NoUrl)?;
        let has_no_user = url.username().is_empty() && url.password().is_none();
        // The port is `None` where it is the scheme's own.
        let is_s3 = url.scheme() == "https" && url.port().is_none() && is_of_s3(host);
        let is_here = to == AnswersTo::S3AndLoopback && url.scheme() == "http" && is_loopback(host);
        if has_no_user && (is_s3 || is_here) {
            return Ok(Self(url));
        }
        Err(AnswerUrlError::NotS3(
            host.chars().take(LONGEST_HOST).collect(),
        ))
    }

    /// The URL.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host.
    pub(crate) fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().to_owned()
    }
}

/// Whether S3 alone answers under `host`: it is `<bucket>.s3.<region>.amazonaws.com`, or without
/// the region, or with a hyphen before it, as older URLs have it. In China `.cn` follows.
fn is_of_s3(host: &str) -> bool {
    let ending = [".amazonaws.com", ".amazonaws.com.cn"];
    let Some(name) = ending.iter().find_map(|ending| host.strip_suffix(ending)) else {
        return false;
    };
    let bucket = name.strip_suffix(".s3").or_else(|| {
        let (before, last) = name.rsplit_once('.')?;
        match last.strip_prefix("s3-") {
            Some(region) => is_region(region).then_some(before),
            None => before.strip_suffix(".s3").filter(|_| is_region(last)),
        }
    });
    bucket.is_some_and(|bucket| !bucket.is_empty())
}

/// Whether `label` looks like a region: `us-east-1`, `us-gov-west-1`.
fn is_region(label: &str) -> bool {
    let is_word = |part: &str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match label.split('-').collect::<Vec<_>>().as_slice() {
        [area, directions @ .., number] => {
            area.len() == 2
                && is_word(area)
                && !directions.is_empty()
                && directions.iter().copied().all(is_word)
                && is_number(number)
        }
        [] | [_] => false,
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> Option<AnswerUrlError> {
        AnswerUrl::parse(url, AnswersTo::S3).err()
    }

    #[test]
    fn an_answer_goes_to_a_bucket_that_cloudformation_names() {
        for host in [
            "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
            "cloudformation-custom-resource-response-apsouth1.s3.ap-south-1.amazonaws.com",
            "cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com",
            "cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com",
            "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn",
        ] {
            for port in ["", ":443"] {
                let url = format!("https://{host}{port}/arn%3Aaws?X-Amz-Signature=secret");
                assert_eq!(refusal(&url), None, "{url}");
            }
        }
    }

    #[test]
    fn an_answer_goes_nowhere_else_and_the_error_names_the_host_alone() {
        for (host, url) in [
            ("b.s3.amazonaws.com", "http://b.s3.amazonaws.com/secret"),
            ("b.s3.amazonaws.com", "ftp://b.s3.amazonaws.com/secret"),
            (
                "b.s3.amazonaws.com",
                "https://b.s3.amazonaws.com:8443/secret",
            ),
            ("b.s3.amazonaws.com", "https://secret@b.s3.amazonaws.com/"),
            ("b.s3.amazonaws.com", "https://:secret@b.s3.amazonaws.com/"),
            (
                "evil.example",
                "https://b.s3.amazonaws.com@evil.example/secret",
            ),
            (
                "b.s3.amazonaws.com.evil.example",
                "https://b.s3.amazonaws.com.evil.example/secret",
            ),
            ("b.s3.amazonaws.com.", "https://b.s3.amazonaws.com./secret"),
            (
                "evils3.amazonaws.com",
                "https://evils3.amazonaws.com/secret",
            ),
            ("s3.amazonaws.com", "https://s3.amazonaws.com/b/secret"),
            (
                "b.s3.elb.amazonaws.com",
                "https://b.s3.elb.amazonaws.com/secret",
            ),
            (
                "b.s3.compute-1.amazonaws.com",
                "https://b.s3.compute-1.amazonaws.com/secret",
            ),
            (
                "b.s3.us-east-1.elb.amazonaws.com",
                "https://b.s3.us-east-1.elb.amazonaws.com/secret",
            ),
            ("169.254.169.254", "http://169.254.169.254/latest/secret"),
            ("127.0.0.1", "http://127.0.0.1:9001/secret"),
            ("10.0.0.7", "https://10.0.0.7/secret"),
        ] {
            let error = refusal(url).unwrap();
            assert_eq!(error, AnswerUrlError::NotS3(host.to_owned()), "{url}");
            let said = error.to_string();
            assert!(said.contains(host) && !said.contains("secret"), "{said}");
        }
        for url in ["", "no URL", "/answer", "mailto:someone"] {
            assert_eq!(refusal(url), Some(AnswerUrlError::NoUrl), "{url}");
        }
    }

    #[test]
    fn the_local_stack_may_be_answered_on_loopback_and_nowhere_else() {
        let refused = |url: &str| AnswerUrl::parse(url, AnswersTo::S3AndLoopback).is_err();
        for url in [
            "http://127.0.0.1:4566/answer",
            "http://localhost:4566/answer",
        ] {
            assert!(!refused(url), "{url}");
        }
        for url in [
            "http://10.0.0.7:4566/answer",
            "http://127.0.0.1.evil.example/answer",
            "http://user@127.0.0.1:4566/answer",
            "https://127.0.0.1:4566/answer",
        ] {
            assert!(refused(url), "{url}");
        }
    }
}

//! Identifies a request's service and operation, in each of the protocols of AWS's SDKs.

use std::fmt;

use hyper::Method;
use hyper::http::request::Parts;

/// A service and one of its operations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operation {
    /// The service's name in signatures: `dynamodb`, `sqs`, `s3`.
    pub service: String,
    /// The operation, or method and path if the protocol does not name it.
    pub name: String,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.name)
    }
}

impl Operation {
    /// Determines the operation from a request's head.
    #[must_use]
    pub fn of(head: &Parts) -> Self {
        let service = signed_for(head).unwrap_or("unsigned").to_owned();
        let name = match header(head, "x-amz-target").and_then(|target| target.rsplit('.').next()) {
            Some(operation) => operation.to_owned(),
            None if service == "s3" => s3_operation(head),
            None => rest_operation(head),
        };
        Self { service, name }
    }
}

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

/// The service in a signature's scope: `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn signed_for(head: &Parts) -> Option<&str> {
    let (_, credential) = header(head, "authorization")?.split_once("Credential=")?;
    credential.split([',', ' ']).next()?.split('/').nth(3)
}

/// S3 identifies operations by method, path and query. (Path-style: the first segment is the
/// bucket.)
fn s3_operation(head: &Parts) -> String {
    let path = head.uri.path().trim_start_matches('/');
    let key = path.split_once('/').map_or("", |(_, key)| key);
    let query = head.uri.query().unwrap_or_default();
    let has = |name: &str| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name))
    };
    let name = match (&head.method, key.is_empty()) {
        (&Method::PUT, false) if has("partNumber") => "UploadPart",
        (&Method::PUT, false) if head.headers.contains_key("x-amz-copy-source") => "CopyObject",
        (&Method::PUT, false) => "PutObject",
        (&Method::GET, false) => "GetObject",
        (&Method::HEAD, false) => "HeadObject",
        (&Method::DELETE, false) if has("uploadId") => "AbortMultipartUpload",
        (&Method::DELETE, false) => "DeleteObject",
        (&Method::POST, false) if has("uploads") => "CreateMultipartUpload",
        (&Method::POST, false) if has("uploadId") => "CompleteMultipartUpload",
        (&Method::GET, true) if has("list-type") => "ListObjectsV2",
        (&Method::HEAD, true) => "HeadBucket",
        (&Method::PUT, true) => "CreateBucket",
        _ => return rest_operation(head),
    };
    name.to_owned()
}

/// Lambda's `Invoke`, an operation of the CBOR protocol, or else method and path.
fn rest_operation(head: &Parts) -> String {
    let path = head.uri.path();
    if path.ends_with("/invocations") {
        return "Invoke".to_owned();
    }
    match path.split_once("/operation/") {
        Some((_, operation)) => operation.to_owned(),
        None => format!("{} {path}", head.method),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(method: &str, uri: &str, service: &str, target: Option<&str>) -> Parts {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=ASIA/20260228/us-east-1/{service}/aws4_request, SignedHeaders=host"
        );
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", scope);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn operations_of_each_protocol_are_identified() {
        let cases = [
            (
                head(
                    "POST",
                    "/",
                    "dynamodb",
                    Some("DynamoDB_20120810.TransactWriteItems"),
                ),
                "dynamodb TransactWriteItems",
            ),
            (
                head(
                    "POST",
                    "/",
                    "states",
                    Some("AWSStepFunctions.StartExecution"),
                ),
                "states StartExecution",
            ),
            (
                head("POST", "/", "sqs", Some("AmazonSQS.SendMessageBatch")),
                "sqs SendMessageBatch",
            ),
            (
                head("PUT", "/bucket/a/b.png?x-id=PutObject", "s3", None),
                "s3 PutObject",
            ),
            (
                head("PUT", "/bucket/a?partNumber=1&uploadId=u", "s3", None),
                "s3 UploadPart",
            ),
            (
                head("DELETE", "/bucket/a?uploadId=u", "s3", None),
                "s3 AbortMultipartUpload",
            ),
            (
                head("GET", "/bucket?list-type=2", "s3", None),
                "s3 ListObjectsV2",
            ),
            (
                head(
                    "POST",
                    "/2015-03-31/functions/f/invocations",
                    "lambda",
                    None,
                ),
                "lambda Invoke",
            ),
            (
                head(
                    "POST",
                    "/service/Granite/operation/PutMetricData",
                    "monitoring",
                    None,
                ),
                "monitoring PutMetricData",
            ),
            (
                head("GET", "/elsewhere", "xray", None),
                "xray GET /elsewhere",
            ),
        ];
        for (head, expected) in cases {
            assert_eq!(Operation::of(&head).to_string(), expected);
        }
    }
}

//! Signed requests to the emulator, for services of which the stack needs only a few operations.
//! The SDKs of CloudFormation, CloudWatch Logs and IAM take two minutes of processor time to
//! compile.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::emulator::REGION;
use runtime::chain;

/// How long the emulator may take to answer.
const WITHIN: Duration = Duration::from_secs(60);

/// A client of the emulator, with the credentials of its root.
#[derive(Debug, Clone)]
pub struct Aws {
    address: SocketAddr,
    root: Credentials,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// A service with AWS's query protocol: a form as the request, XML as the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryService {
    /// CloudFormation.
    CloudFormation,
    /// IAM.
    Iam,
    /// The Security Token Service.
    Sts,
}

impl QueryService {
    /// The service's name in a signature, and the version of its API.
    fn api(self) -> (&'static str, &'static str) {
        match self {
            Self::CloudFormation => ("cloudformation", "2010-05-15"),
            Self::Iam => ("iam", "2010-05-08"),
            Self::Sts => ("sts", "2011-06-15"),
        }
    }
}

/// A service with AWS's JSON protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonService {
    /// CloudWatch, with its alarms.
    CloudWatch,
    /// DynamoDB, with the form of items as they are stored.
    DynamoDb,
    /// EventBridge, with its schedules.
    Events,
    /// CloudWatch Logs.
    Logs,
}

impl JsonService {
    /// The service's name in a signature, and in the header `x-amz-target`.
    fn api(self) -> (&'static str, &'static str) {
        match self {
            Self::CloudWatch => ("monitoring", "GraniteServiceVersion20100801"),
            Self::DynamoDb => ("dynamodb", "DynamoDB_20120810"),
            Self::Events => ("events", "AWSEvents"),
            Self::Logs => ("logs", "Logs_20140328"),
        }
    }
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be signed, which is a bug in this file.
    #[error("{operation} cannot be signed: {reason}")]
    NotSigned {
        /// The operation.
        operation: String,
        /// The reason.
        reason: String,
    },
    /// The emulator did not answer.
    #[error("the emulator at {address} did not answer {operation}: {reason}")]
    NoAnswer {
        /// The emulator's address.
        address: SocketAddr,
        /// The operation.
        operation: String,
        /// The reason.
        reason: String,
    },
    /// The service refused the request.
    #[error("{operation} was refused ({status}): {answer}")]
    Refused {
        /// The operation.
        operation: String,
        /// The HTTP status.
        status: StatusCode,
        /// The service's answer.
        answer: String,
    },
    /// The answer does not follow the protocol.
    #[error("the answer to {operation} cannot be read: {reason}")]
    Unreadable {
        /// The operation.
        operation: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl Aws {
    /// A client of the emulator at an address.
    #[must_use]
    pub fn at(address: SocketAddr, root: Credentials) -> Self {
        Self {
            address,
            root,
            http: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Calls an operation of a query service, and returns its result as JSON: elements named
    /// `member` become an array, other elements an object, and an element without child elements
    /// its text.
    ///
    /// # Errors
    /// [`Error`] if the call fails.
    pub async fn query(
        &self,
        service: QueryService,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, Error> {
        let (name, version) = service.api();
        let fields = [("Action", operation), ("Version", version)]
            .into_iter()
            .chain(parameters.iter().copied());
        let fields: Vec<String> = fields
            .map(|(field, value)| format!("{field}={}", escaped(value)))
            .collect();
        let form = ("content-type", "application/x-www-form-urlencoded");
        let answer = self
            .post(name, operation, &[form], fields.join("&"))
            .await?;
        let unreadable = |reason: String| Error::Unreadable {
            operation: operation.to_owned(),
            reason,
        };
        let answer =
            roxmltree::Document::parse(&answer).map_err(|error| unreadable(error.to_string()))?;
        let result = answer
            .root_element()
            .children()
            .find(|child| child.tag_name().name() == format!("{operation}Result"));
        Ok(result.map_or(Value::Null, json_of))
    }

    /// Calls an operation of a service with AWS's JSON protocol, and returns its answer; null for an
    /// empty one.
    ///
    /// # Errors
    /// [`Error`] if the call fails.
    pub async fn json(
        &self,
        service: JsonService,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Error> {
        let (name, target) = service.api();
        let target = format!("{target}.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let answer = self
            .post(name, operation, &headers, input.to_string())
            .await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&answer).map_err(|error| Error::Unreadable {
            operation: operation.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Calls an operation of CloudWatch Logs.
    async fn logs(&self, operation: &str, input: &Value) -> Result<Value, Error> {
        self.json(JsonService::Logs, operation, input).await
    }

    /// All items of an operation of CloudWatch Logs that answers in pages.
    ///
    /// # Errors
    /// [`Error`] if a page cannot be fetched.
    pub async fn all_logs(
        &self,
        operation: &str,
        mut input: Value,
        items: &str,
    ) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        loop {
            let mut page = self.logs(operation, &input).await?;
            if let Value::Array(some) = page[items].take() {
                all.extend(some);
            }
            match page["nextToken"].take() {
                Value::Null => return Ok(all),
                next => input["nextToken"] = next,
            }
        }
    }

    async fn post(
        &self,
        service: &str,
        operation: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<String, Error> {
        let request = self.signed(service, headers, body);
        let request = request.map_err(|reason| Error::NotSigned {
            operation: operation.to_owned(),
            reason,
        })?;
        let no_answer = |reason: String| Error::NoAnswer {
            address: self.address,
            operation: operation.to_owned(),
            reason,
        };
        let answered = async {
            let answer = self
                .http
                .request(request)
                .await
                .map_err(|error| no_answer(chain(&error)))?;
            let (head, body) = answer.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| no_answer(chain(&error)))?
                .to_bytes();
            Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
        };
        let late = |_| no_answer(format!("no answer within {} s", WITHIN.as_secs()));
        let (status, answer) = tokio::time::timeout(WITHIN, answered)
            .await
            .map_err(late)??;
        if status.is_success() {
            return Ok(answer);
        }
        Err(Error::Refused {
            operation: operation.to_owned(),
            status,
            answer,
        })
    }

    fn signed(
        &self,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Request<Full<Bytes>>, String> {
        let url = format!("http://{}/", self.address);
        let identity = self.root.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let signable = SignableRequest::new(
            "POST",
            &url,
            headers.iter().copied(),
            SignableBody::Bytes(body.as_bytes()),
        )
        .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &parameters)
            .map_err(|error| error.to_string())?
            .into_parts();
        let mut request = Request::post(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .body(Full::from(body))
            .map_err(|error| error.to_string())?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// The items of a list in an answer. Empty if the list is empty or missing.
#[must_use]
pub fn members(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// The fields `Field.member.1.Name=…` in which the query protocol passes a list of structures.
#[must_use]
pub(crate) fn listed<'a>(
    list: &'a str,
    names: (&'a str, &'a str),
    values: &[(&'a str, &'a str)],
) -> Vec<(String, &'a str)> {
    let fields = values
        .iter()
        .enumerate()
        .flat_map(|(index, (name, value))| {
            let at = format!("{list}.member.{}", index + 1);
            [
                (format!("{at}.{}", names.0), *name),
                (format!("{at}.{}", names.1), *value),
            ]
        });
    fields.collect()
}

fn json_of(node: roxmltree::Node<'_, '_>) -> Value {
    let elements: Vec<_> = node
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    match elements.first() {
        None => json!(node.text().unwrap_or_default()),
        Some(first) if first.tag_name().name() == "member" => {
            elements.into_iter().map(json_of).collect()
        }
        Some(_) => elements
            .into_iter()
            .map(|element| (element.tag_name().name().to_owned(), json_of(element)))
            .collect(),
    }
}

/// Percent-encodes a form's value: only RFC 3986's unreserved characters stay as they are.
fn escaped(value: &str) -> impl std::fmt::Display + '_ {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(value, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_in_xml_is_read_as_json() {
        let answer = r#"<R xmlns="x"><Stacks><member><Name>a</Name><Empty/></member><member><Name>b &amp; c</Name></member></Stacks></R>"#;
        let document = roxmltree::Document::parse(answer).expect("XML");
        let expected = json!({ "Stacks": [{ "Name": "a", "Empty": "" }, { "Name": "b & c" }] });
        assert_eq!(json_of(document.root_element()), expected);
    }

    #[test]
    fn a_value_in_a_form_is_escaped() {
        assert_eq!(escaped("a b&c=ü~").to_string(), "a%20b%26c%3D%C3%BC~");
    }

    #[test]
    fn a_list_of_structures_is_numbered_from_one() {
        let fields = listed(
            "Parameters",
            ("ParameterKey", "ParameterValue"),
            &[("Stage", "local"), ("Empty", "")],
        );
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            fields,
            [
                "Parameters.member.1.ParameterKey=Stage",
                "Parameters.member.1.ParameterValue=local",
                "Parameters.member.2.ParameterKey=Empty",
                "Parameters.member.2.ParameterValue=",
            ]
        );
    }
}

//! The built command line: its exit codes, its requests and its credentials. A server of this test
//! stands in Lambda's place.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;

const JOB: &str = "aec4c8e1-cbe3-5d61-8d23-fabd1e6117d0";

/// A request as the server got it.
struct Request {
    head: String,
    body: Value,
}

/// A server that gives one answer after the other.
struct Lambda {
    address: String,
    requests: Receiver<Request>,
}

impl Lambda {
    fn with(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        // The process of the test ends it.
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                sender.send(request(&stream)).unwrap();
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { address, requests }
    }

    /// The requests so far. Each was sent before the command got its answer.
    fn requests(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }
}

fn request(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Request {
        head,
        body: serde_json::from_slice(&body).unwrap(),
    }
}

/// An answer of Lambda's with one more header.
fn answer(status: &str, header: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n{header}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What the function returned.
fn returned(body: &Value) -> String {
    answer("200 OK", "x-amz-executed-version: $LATEST", body)
}

/// The command line in a shell with nothing but a home, a region and `variables`.
fn shell(home: &Path, address: &str, variables: &[(&str, &str)], words: &[&str]) -> Output {
    let ran = Command::new(env!("CARGO_BIN_EXE_studio"))
        .env_clear()
        .env("HOME", home)
        .env("AWS_ENDPOINT_URL", address)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    println!("{words:?}: {ran:?}");
    ran
}

/// Runs the command line with an access key, and returns its exit code, its output and its errors.
fn studio(lambda: &Lambda, words: &str) -> (Option<i32>, String, String) {
    let home = tempfile::tempdir().unwrap();
    let key = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let mut line = vec!["--stage", "test"];
    line.extend(words.split(' '));
    said(shell(home.path(), &lambda.address, &key, &line))
}

fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn each_outcome_of_a_smoke_check_has_an_exit_code() {
    for (body, code, word) in [
        (
            json!({ "outcome": "through", "job": JOB, "milliseconds": 1234 }),
            0,
            "An event came through in 1.2 s",
        ),
        // A function from before there were other outcomes.
        (
            json!({ "job": JOB, "milliseconds": 1234 }),
            0,
            "An event came through in 1.2 s",
        ),
        (
            json!({ "outcome": "not-taken", "event": "e-1", "seconds": 120 }),
            5,
            "smoke --event e-1",
        ),
        (
            json!({ "outcome": "open", "event": "e-1", "job": JOB, "state": "created", "seconds": 120 }),
            6,
            "smoke --event e-1",
        ),
        (
            json!({ "outcome": "failed", "event": "e-1", "job": JOB, "detail": "S3 does not answer" }),
            7,
            "S3 does not answer",
        ),
    ] {
        let (ended, text, _) = studio(&Lambda::with(vec![returned(&body)]), "smoke");
        assert_eq!(ended, Some(code), "{text}");
        assert!(text.contains(word), "{text}");
        let (ended, text, _) = studio(&Lambda::with(vec![returned(&body)]), "smoke --json");
        assert_eq!(ended, Some(code), "{text}");
        let mut printed = body;
        printed["outcome"] = printed.get("outcome").cloned().unwrap_or(json!("through"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), printed);
    }
}

#[test]
fn a_long_wait_is_several_calls_for_one_event() {
    let not_taken = json!({ "outcome": "not-taken", "event": "e-1", "seconds": 240 });
    let through = json!({ "outcome": "through", "job": JOB, "milliseconds": 1234 });
    let lambda = Lambda::with(vec![returned(&not_taken), returned(&through)]);
    let (code, ..) = studio(&lambda, "smoke --within 300");
    assert_eq!(code, Some(0));
    let asked: Vec<_> = lambda.requests().into_iter().map(|one| one.body).collect();
    assert_eq!(
        asked,
        [
            json!({ "step": "smoke", "within": 240 }),
            json!({ "step": "smoke", "within": 60, "event": "e-1" }),
        ]
    );
}

#[test]
fn a_named_event_is_waited_for_and_none_is_sent() {
    let open = json!({ "outcome": "open", "event": "e-1", "job": JOB, "state": "submitted", "seconds": 5 });
    let lambda = Lambda::with(vec![returned(&open)]);
    let (code, ..) = studio(&lambda, "smoke --event e-1 --within 5");
    assert_eq!(code, Some(6));
    let asked = lambda.requests().remove(0).body;
    assert_eq!(
        asked,
        json!({ "step": "smoke", "within": 5, "event": "e-1" })
    );
}

#[test]
fn a_crash_may_pass_and_what_aws_denies_does_not() {
    let crashed = answer(
        "200 OK",
        "x-amz-function-error: Unhandled",
        &json!({ "errorType": "Runtime.ExitError", "errorMessage": "Runtime exited" }),
    );
    let (code, _, error) = studio(&Lambda::with(vec![crashed]), "smoke");
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("studio-operator-test crashed: Runtime exited"),
        "{error}"
    );
    for (kind, code, sentence) in [
        ("Studio.Transient", 1, "studio-operator-test failed: why"),
        ("Studio.Internal", 3, "studio-operator-test failed: why"),
        ("Studio.InvalidInput", 3, "why"),
    ] {
        let failed = answer(
            "200 OK",
            "x-amz-function-error: Unhandled",
            &json!({ "errorType": kind, "errorMessage": "why" }),
        );
        let (ended, _, error) = studio(&Lambda::with(vec![failed]), "smoke");
        assert_eq!(ended, Some(code), "{error}");
        assert!(error.contains(sentence), "{error}");
    }
    for denied in [
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    ] {
        let header = format!("x-amzn-errortype: {denied}");
        let body = json!({ "message": "no" });
        let lambda = Lambda::with(vec![answer("403 Forbidden", &header, &body)]);
        let (code, _, error) = studio(&lambda, "smoke");
        assert_eq!(code, Some(3), "{denied}: {error}");
        assert!(
            error.contains("you may not invoke studio-operator-test: no"),
            "{error}"
        );
    }
}

#[test]
fn a_shell_without_credentials_asks_nothing() {
    let (home, lambda) = (tempfile::tempdir().unwrap(), Lambda::with(Vec::new()));
    let words = ["--stage", "test", "smoke"];
    let (code, _, error) = said(shell(home.path(), &lambda.address, &[], &words));
    assert_eq!(code, Some(3), "{error}");
    assert!(
        error.contains("studio-operator-test was not asked") && error.contains("sign in"),
        "{error}"
    );
}

/// A home in which a person ran `aws login`. The session was not over in a far time.
fn signed_in() -> TempDir {
    // The cached session's file is named by the SHA-256 of what the profile has as `login_session`.
    const SESSION: &str = "arn:aws:iam::123456789012:user/asha";
    const FILE: &str =
        "login/cache/6097272640eedfaf5399784285eacbff1563489a99d42a6cc06bace3d745b9ad.json";
    let home = tempfile::tempdir().unwrap();
    let aws = home.path().join(".aws");
    fs::create_dir_all(aws.join("login/cache")).unwrap();
    let profile = format!("[default]\nlogin_session = {SESSION}\n");
    fs::write(aws.join("config"), profile).unwrap();
    let session = json!({
        "accessToken": {
            "accessKeyId": "ASIAOFALOGIN", "secretAccessKey": "secret", "sessionToken": "session",
            "accountId": "123456789012", "expiresAt": "2199-12-25T21:30:00Z",
        },
        "tokenType": "aws_sigv4", "refreshToken": "refresh", "identityToken": "identity",
        "clientId": "aws:signin:::cli/same-device", "dpopKey": "needed to renew the session only",
    });
    fs::write(aws.join(FILE), session.to_string()).unwrap();
    home
}

#[test]
fn a_session_of_aws_login_signs_the_call() {
    let through = json!({ "outcome": "through", "job": JOB, "milliseconds": 1234 });
    let (home, lambda) = (signed_in(), Lambda::with(vec![returned(&through)]));
    let words = ["--stage", "test", "smoke"];
    let (code, _, error) = said(shell(home.path(), &lambda.address, &[], &words));
    assert_eq!(code, Some(0), "{error}");
    let head = lambda.requests().remove(0).head;
    assert!(head.contains("Credential=ASIAOFALOGIN/"), "{head}");
}

#[test]
fn settings_are_checked_by_the_parser_of_the_functions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.json");
    let path = file.to_str().unwrap();
    let check = |json: &str| {
        fs::write(&file, json).unwrap();
        said(shell(folder.path(), "", &[], &["settings", "check", path]))
    };
    for valid in ["", "{}", r#"{"runway":{"seconds":8}}"#] {
        assert_eq!(check(valid).0, Some(0), "{valid}");
    }
    let named = "the settings of the providers (PROVIDER_SETTINGS): ";
    for (wrong, sentence) in [
        (
            r#"{"runway":{"seconds":11}}"#,
            "runway.seconds is `11`; it must be 2 to 10",
        ),
        (r#"{"runaway":{}}"#, "unknown field `runaway`"),
        ("{", "EOF while parsing"),
    ] {
        let (code, _, error) = check(wrong);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(named) && error.contains(sentence), "{error}");
    }
    fs::remove_file(&file).unwrap();
    let words = ["settings", "check", path];
    let (code, _, error) = said(shell(folder.path(), "", &[], &words));
    assert_eq!(code, Some(1));
    assert!(error.contains("settings.json"), "{error}");
    // The standard input of this shell is empty.
    let (code, ..) = said(shell(folder.path(), "", &[], &["settings", "check", "-"]));
    assert_eq!(code, Some(0));
}

//! Tests the proxy against a small echo server that counts the requests that reach it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::header::HeaderName;
use hyper_util::client::legacy::connect::HttpConnector;
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::*;
use crate::fault::{Matches, Occurrence};

/// A server that answers every site with the path, the host and the body of the request.
fn echo(socket: &Path) -> Arc<AtomicUsize> {
    let listener = UnixListener::bind(socket).expect("a socket");
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    async move {
                        let host = request.headers()["host"].to_str().expect("text").to_owned();
                        let path = request.uri().to_string();
                        let body = request.into_body().collect().await?.to_bytes();
                        let answer = format!("{path} {host} {}", String::from_utf8_lossy(&body));
                        let answer = Response::builder()
                            .header("access-control-allow-origin", "*")
                            .header("access-control-expose-headers", "*")
                            .body(full(Bytes::from(answer)));
                        Ok::<_, hyper::Error>(answer.expect("an answer"))
                    }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    reached
}

/// The end of the stack's access keys.
const ENDING: &str = "0123456789ABCDEF";

struct Bench {
    proxy: Proxy,
    // The echo server's socket is in it.
    _folder: TempDir,
    reached: Arc<AtomicUsize>,
    client: Client<HttpConnector, AnswerBody>,
}

impl Bench {
    async fn start() -> Self {
        let admission = Admission {
            key_ending: ENDING.to_owned(),
            secret_paths: "/secret/",
        };
        let proxy = Proxy::start(None, admission).await.expect("a port");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("echo");
        let reached = echo(&socket);
        proxy.forward_to(socket);
        Self {
            proxy,
            _folder: folder,
            reached,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Makes a call as DynamoDB's SDK does. Returns the status and the answer, or `None` if the
    /// connection was cut.
    async fn call(&self, operation: &str, body: &str) -> Option<(u16, String)> {
        let response = self
            .send(self.proxy.address(), &signed(ENDING), operation, body)
            .await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn send(
        &self,
        address: SocketAddr,
        authorization: &str,
        operation: &str,
        body: &str,
    ) -> Option<Response<Incoming>> {
        let request = Request::post(format!("http://{address}/a/b?c=%20d"))
            .header("authorization", authorization)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(full(Bytes::from(body.to_owned())))
            .expect("a request");
        self.client.request(request).await.ok()
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

/// The header of a signature with a key that ends so.
fn signed(ending: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=AKIA{ending}/20260228/us-east-1/dynamodb/aws4_request")
}

fn fault(operation: &str, occurrence: Occurrence, action: Action) -> Fault {
    let matches = Matches {
        operation: Some(operation.to_owned()),
        occurrence,
        ..Matches::default()
    };
    Fault { matches, action }
}

#[tokio::test]
async fn a_call_is_passed_on_as_it_is_and_recorded() {
    let bench = Bench::start().await;
    let (status, answer) = bench.call("GetItem", "{}").await.expect("an answer");
    assert_eq!(
        (status, answer),
        (200, format!("/a/b?c=%20d {} {{}}", bench.proxy.address()))
    );

    let calls = bench.proxy.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].operation.to_string(), "dynamodb GetItem");
    assert_eq!(calls[0].process_id, Some(std::process::id()));
    assert_eq!(calls[0].status, Some(200));
    assert!(calls[0].ended.is_some());
    bench.proxy.clear();
    assert!(bench.proxy.calls().is_empty());
}

#[tokio::test]
async fn a_call_through_the_quiet_port_is_neither_recorded_nor_disturbed() {
    let bench = Bench::start().await;
    bench.proxy.inject(fault(
        "PutItem",
        Occurrence::Every,
        Action::Cut(Moment::Before),
    ));
    let quiet = bench.proxy.quiet_address();
    let answer = bench.send(quiet, &signed(ENDING), "PutItem", "{}").await;
    assert_eq!(answer.expect("an answer").status(), 200);
    assert!(bench.proxy.calls().is_empty());
    let refused = bench.send(quiet, &signed("TEST"), "PutItem", "{}").await;
    assert_eq!(refused.expect("an answer").status(), 403);
    assert_eq!(bench.reached(), 1);
}

#[tokio::test]
async fn a_call_with_a_foreign_key_is_refused_and_neither_arrives_nor_is_recorded() {
    let bench = Bench::start().await;
    let refused = bench
        .send(bench.proxy.address(), &signed("TEST"), "PutItem", "{}")
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 403);
    assert_eq!(
        refused.headers()["x-amzn-errortype"],
        "AccessDeniedException"
    );
    assert_eq!(bench.reached(), 0);
    assert!(bench.proxy.calls().is_empty());
}

#[tokio::test]
async fn no_answer_tells_a_browser_to_show_it_to_another_site() {
    let bench = Bench::start().await;
    for address in [bench.proxy.address(), bench.proxy.quiet_address()] {
        let answer = bench.send(address, &signed(ENDING), "GetItem", "{}").await;
        let answer = answer.expect("an answer");
        let mut names = answer.headers().keys().map(HeaderName::as_str);
        assert_eq!(answer.status(), 200);
        assert!(!names.any(|name| name.starts_with("access-control-")));
    }
}

#[tokio::test]
async fn the_nth_call_fails_with_an_aws_error_and_never_arrives() {
    let bench = Bench::start().await;
    let action = Action::Fail {
        status: 400,
        error: "ThrottlingException".to_owned(),
    };
    bench
        .proxy
        .inject(fault("PutItem", Occurrence::Nth(2), action));
    let mut statuses = Vec::new();
    for operation in ["PutItem", "GetItem", "PutItem", "PutItem"] {
        statuses.push(bench.call(operation, "").await.expect("an answer").0);
    }
    assert_eq!(statuses, [200, 200, 400, 200]);
    assert_eq!(bench.reached(), 3);
    let calls = bench.proxy.calls();
    let hit: Vec<bool> = calls.iter().map(|call| call.is_hit).collect();
    assert_eq!(hit, [false, false, true, false]);
}

#[tokio::test]
async fn the_bodies_of_chosen_operations_are_kept_and_still_arrive() {
    let bench = Bench::start().await;
    bench.proxy.keep_bodies("dynamodb", "PutItem");
    for operation in ["PutItem", "GetItem"] {
        let (_, answer) = bench.call(operation, "the body").await.expect("an answer");
        assert!(answer.ends_with("the body"), "{answer}");
    }
    let calls = bench.proxy.calls();
    let bodies: Vec<Option<&str>> = calls.iter().map(|call| call.body.as_deref()).collect();
    assert_eq!(bodies, [Some("the body"), None]);
}

#[tokio::test]
async fn a_connection_is_cut_on_either_side_of_the_answer() {
    let bench = Bench::start().await;
    bench.proxy.inject(fault(
        "PutItem",
        Occurrence::First(1),
        Action::Cut(Moment::Before),
    ));
    bench.proxy.inject(fault(
        "DeleteItem",
        Occurrence::First(1),
        Action::Cut(Moment::After),
    ));
    assert_eq!(bench.call("PutItem", "").await, None);
    assert_eq!(bench.reached(), 0);
    assert_eq!(bench.call("DeleteItem", "").await, None);
    assert_eq!(bench.reached(), 1);
    assert!(
        bench.call("PutItem", "").await.is_some(),
        "the fault was for one call"
    );
    assert_eq!(
        bench
            .proxy
            .calls()
            .iter()
            .map(|call| call.status)
            .collect::<Vec<_>>(),
        [None, None, Some(200)]
    );
}

#[tokio::test]
async fn a_fault_can_match_the_body_which_still_arrives() {
    let bench = Bench::start().await;
    let matches = Matches {
        body_contains: Some("poison".to_owned()),
        ..Matches::default()
    };
    bench.proxy.inject(Fault {
        matches,
        action: Action::Delay(Duration::from_millis(80)),
    });
    let started = Instant::now();
    assert!(
        bench
            .call("PutItem", "harmless")
            .await
            .expect("an answer")
            .1
            .ends_with("harmless")
    );
    assert!(
        bench
            .call("PutItem", "some poison")
            .await
            .expect("an answer")
            .1
            .ends_with("some poison")
    );
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn every_call_is_delayed_until_the_proxy_is_healed() {
    let bench = Bench::start().await;
    bench.proxy.set_delay(Duration::from_millis(50));
    bench.proxy.inject(fault(
        "PutItem",
        Occurrence::Every,
        Action::Cut(Moment::Before),
    ));
    let started = Instant::now();
    assert!(bench.call("GetItem", "").await.is_some());
    assert!(started.elapsed() >= Duration::from_millis(50));
    bench.proxy.heal();
    assert!(bench.call("PutItem", "").await.is_some());
}

#[tokio::test]
async fn only_the_calling_process_is_killed() {
    let bench = Bench::start().await;
    bench.proxy.inject(fault(
        "PutItem",
        Occurrence::Every,
        Action::KillCaller(Moment::After),
    ));
    // Bash opens the connection itself, and then waits for an answer that never comes.
    let (host, port) = (bench.proxy.address().ip(), bench.proxy.address().port());
    let key = signed(ENDING);
    let script = format!(
        r#"exec 3<>/dev/tcp/{host}/{port}; printf 'POST / HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key}\r\nx-amz-target: D.PutItem\r\nContent-Length: 0\r\n\r\n' >&3; read -r _ <&3; exit 7"#
    );
    let status = tokio::process::Command::new("bash")
        .args(["-c", &script])
        .status()
        .await
        .expect("bash");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
    assert_eq!(bench.reached(), 1);
    let process_id = bench.proxy.calls()[0].process_id;
    assert!(process_id.is_some_and(|process_id| process_id != std::process::id()));
}

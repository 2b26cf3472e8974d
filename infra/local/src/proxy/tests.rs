//! Tests the proxy against a small echo server that counts the requests that reach it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A server that answers with the path, the host and the body of the request.
async fn echo() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
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
                        Ok::<_, hyper::Error>(Response::new(full(Bytes::from(answer))))
                    }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (address, reached)
}

struct Bench {
    proxy: Proxy,
    reached: Arc<AtomicUsize>,
    client: Client<HttpConnector, BoxBody<Bytes, hyper::Error>>,
}

impl Bench {
    async fn start() -> Self {
        let proxy = Proxy::start(None).await.expect("a port");
        let (target, reached) = echo().await;
        proxy.forward_to(target);
        Self {
            proxy,
            reached,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Makes a call as DynamoDB's SDK does. Returns the status and the answer, or `None` if the
    /// connection was cut.
    async fn call(&self, operation: &str, body: &str) -> Option<(u16, String)> {
        let request = Request::post(format!("http://{}/a/b?c=%20d", self.proxy.address()))
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=K/20260228/us-east-1/dynamodb/aws4_request",
            )
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(full(Bytes::from(body.to_owned())))
            .expect("a request");
        let response = self.client.request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
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
    let script = format!(
        r#"exec 3<>/dev/tcp/{host}/{port}; printf 'POST / HTTP/1.1\r\nHost: h\r\nx-amz-target: D.PutItem\r\nContent-Length: 0\r\n\r\n' >&3; read -r _ <&3; exit 7"#
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

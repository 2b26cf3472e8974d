//! Lambda's Runtime API as a function sees it, on loopback: hands out one invocation at a time and
//! sees from outside when a function asks for the next.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// How long an invocation may take: Lambda's own longest.
const WITHIN: Duration = Duration::from_secs(900);

/// One API for one process. It stops when it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    /// What the process calls `AWS_LAMBDA_RUNTIME_API`.
    pub address: SocketAddr,
    payloads: mpsc::UnboundedSender<Bytes>,
    heard: mpsc::UnboundedReceiver<Heard>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
enum Heard {
    /// It asks for the next invocation.
    Next(Instant),
    /// It was given one.
    Given(Instant),
    /// It answers it.
    Answered(Instant, Bytes),
    /// It says that it failed.
    Failed(Bytes),
}

/// A function that did not do its part.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It says so itself.
    #[error("it failed: {0}")]
    Failed(String),
    /// It says nothing.
    #[error("it said nothing for {} s", WITHIN.as_secs())]
    Silent,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (payloads, given) = mpsc::unbounded_channel();
        let (hears, heard) = mpsc::unbounded_channel();
        let given = Arc::new(Mutex::new(given));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (given, hears) = (given.clone(), hears.clone());
                let service =
                    service_fn(move |request| answer(request, given.clone(), hears.clone()));
                // A process that is killed breaks its connection; that is no news.
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self {
            address,
            payloads,
            heard,
            server,
        })
    }

    /// When the process asks for its next invocation.
    pub async fn next(&mut self) -> Result<Instant, Error> {
        loop {
            match self.hear().await? {
                Heard::Next(at) => return Ok(at),
                Heard::Failed(why) => return Err(failed(&why)),
                Heard::Given(_) | Heard::Answered(..) => {}
            }
        }
    }

    /// Gives it an invocation; returns its answer, and how long it took, once it asks for the next
    /// one.
    pub async fn invoke(&mut self, payload: Bytes) -> Result<(Bytes, Duration), Error> {
        // It is there as long as the server is.
        let _ = self.payloads.send(payload);
        let (mut begin, mut answer) = (Instant::now(), None);
        loop {
            match self.hear().await? {
                Heard::Given(at) => begin = at,
                Heard::Answered(at, body) => answer = Some((body, at - begin)),
                Heard::Failed(why) => return Err(failed(&why)),
                Heard::Next(_) => {
                    if let Some(answer) = answer {
                        return Ok(answer);
                    }
                }
            }
        }
    }

    async fn hear(&mut self) -> Result<Heard, Error> {
        tokio::time::timeout(WITHIN, self.heard.recv())
            .await
            .ok()
            .flatten()
            .ok_or(Error::Silent)
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn failed(why: &Bytes) -> Error {
    Error::Failed(String::from_utf8_lossy(why).into_owned())
}

async fn answer(
    request: Request<Incoming>,
    given: Arc<Mutex<mpsc::UnboundedReceiver<Bytes>>>,
    hears: mpsc::UnboundedSender<Heard>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let hear = |heard| drop(hears.send(heard));
    if method == Method::GET && path.ends_with("/invocation/next") {
        hear(Heard::Next(Instant::now()));
        let payload = given.lock().await.recv().await.unwrap_or_default();
        hear(Heard::Given(Instant::now()));
        let ends = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            + WITHIN;
        let response = Response::builder()
            .header(
                "lambda-runtime-aws-request-id",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            )
            .header("lambda-runtime-deadline-ms", ends.as_millis().to_string())
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:000000000000:function:bench",
            );
        return Ok(response.body(Full::new(payload)).unwrap_or_default());
    }
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let at = Instant::now();
    hear(if path.ends_with("/response") {
        Heard::Answered(at, body)
    } else {
        Heard::Failed(body)
    });
    let mut accepted = Response::new(Full::new(Bytes::from_static(b"{\"status\":\"OK\"}")));
    *accepted.status_mut() = hyper::StatusCode::ACCEPTED;
    Ok(accepted)
}

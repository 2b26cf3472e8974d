//! A fake of Lambda's Runtime API on loopback: it hands out one invocation at a time, and sees from
//! outside when a function asks for the next.

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

/// The longest time for an invocation: Lambda's own maximum.
const WITHIN: Duration = Duration::from_secs(900);

/// An API for one process. It stops when it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    /// The value of the process's `AWS_LAMBDA_RUNTIME_API`.
    pub address: SocketAddr,
    payloads: mpsc::UnboundedSender<Bytes>,
    heard: mpsc::UnboundedReceiver<Heard>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
enum Heard {
    /// The process asked for the next invocation.
    Next(Instant),
    /// The process received an invocation.
    Given(Instant),
    /// The process answered an invocation.
    Answered(Instant, Bytes),
    /// The process reported a failure.
    Failed(Bytes),
}

/// A function failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The function reported an error.
    #[error("it failed: {0}")]
    Failed(String),
    /// The function sent nothing in time.
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
                // A killed process breaks its connection, which is expected.
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

    /// Waits until the process asks for its next invocation; returns when it did.
    pub async fn next(&mut self) -> Result<Instant, Error> {
        loop {
            match self.hear().await? {
                Heard::Next(at) => return Ok(at),
                Heard::Failed(why) => return Err(failed(&why)),
                Heard::Given(_) | Heard::Answered(..) => {}
            }
        }
    }

    /// Hands out an invocation; returns the answer and how long it took, once the process asks for
    /// the next one.
    pub async fn invoke(&mut self, payload: Bytes) -> Result<(Bytes, Duration), Error> {
        // The channel is open as long as the server runs.
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

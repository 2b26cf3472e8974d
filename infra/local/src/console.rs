//! The console: a page on loopback that shows what the stack does, live. Through the function
//! `operator` it offers the same operations as `studio`.
//!
//! It uses only the records in Kafka, the mappings' reports, and that function's answers.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use contract::Topic;
use futures::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

mod ask;
mod gallery;
mod gate;
mod live;
mod page;

use ask::{Answer, Operator};
use gallery::Gallery;
use live::Live;

use crate::mapping::Report;
use crate::records::Produced;
use crate::stack::Stack;

/// The largest request body that the page may send, in bytes.
const LARGEST_QUESTION: usize = 64 * 1024;

type Body = BoxBody<Bytes, Infallible>;

/// A running console. It stops when it is dropped.
#[derive(Debug)]
pub struct Console {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// The state that all connections share.
#[derive(Debug)]
struct Shared {
    live: Arc<Live>,
    gallery: Gallery,
    operator: Operator,
    /// The content security policy of the page.
    policy: HeaderValue,
}

/// What the page shows about the stack.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    kafka: String,
    aws: String,
    assets: String,
    assets_bucket: String,
    consumed: Vec<&'static str>,
    produced: Vec<&'static str>,
}

impl Console {
    /// Listens on loopback, on `port` or on any free port.
    ///
    /// # Errors
    /// If the port cannot be bound.
    pub async fn start(port: Option<u16>, stack: &Stack) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let (consumed, produced): (Vec<Topic>, Vec<Topic>) =
            Topic::ALL.into_iter().partition(|t| t.is_consumed());
        let names = |topics: Vec<Topic>| topics.into_iter().map(Topic::as_str).collect();
        let assets = stack.outputs.asset_base_url.clone();
        let about = About {
            kafka: stack.broker.bootstrap().to_owned(),
            aws: format!("http://{}", stack.proxy.address()),
            assets: assets.clone(),
            assets_bucket: stack.outputs.assets_bucket_name.clone(),
            consumed: names(consumed),
            produced: names(produced),
        };
        let shared = Arc::new(Shared {
            live: Arc::new(Live::start(&about)),
            gallery: Gallery::default(),
            operator: Operator {
                function: stack.outputs.operator_function_name.clone(),
                lambda: stack.clients.lambda.clone(),
            },
            policy: HeaderValue::from_str(&page::policy(&assets)).map_err(io::Error::other)?,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// The address on which the console listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows a record from Kafka.
    pub fn record(&self, record: &Produced) {
        self.shared.gallery.take(record);
        self.shared.live.record(record);
    }

    /// Shows a mapping's report.
    pub fn report(&self, report: &Report) {
        self.shared.live.report(report, jiff::Timestamp::now());
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // The connections are owned here, so that they end with the console.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                // Out of file descriptors, or the client left: neither ends the console.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    // A client may disconnect at any time.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if let Err(refused) = gate::admit(&head.method, path, &head.headers) {
        return said(&Answer::refused(
            StatusCode::FORBIDDEN,
            &refused.to_string(),
            refused.cure(),
        ));
    }
    if let (&Method::GET, Some(file)) = (&head.method, page::file(path)) {
        return with_headers(
            Response::new(whole(file.text)),
            file.content_type,
            Some(&shared.policy),
        );
    }
    match (&head.method, path.strip_prefix("/ask/")) {
        (&Method::GET, None) if path == "/live" => {
            let after = head
                .headers
                .get("last-event-id")
                .and_then(|id| id.to_str().ok());
            let frames = shared
                .live
                .follow(after)
                .map(|bytes| Ok(Frame::data(bytes)));
            with_headers(
                Response::new(BodyExt::boxed(StreamBody::new(frames))),
                "text/event-stream",
                None,
            )
        }
        (&Method::GET, None) if path == "/gallery" => with_headers(
            Response::new(whole(shared.gallery.json())),
            "application/json",
            None,
        ),
        (&Method::POST, Some(step)) => {
            let question = Limited::new(body, LARGEST_QUESTION)
                .collect()
                .await
                .map(|body| body.to_bytes());
            said(&match question.map(|question| ask::read(step, &question)) {
                Ok(Ok(step)) => shared.operator.ask(&step).await,
                Ok(Err(unread)) => {
                    Answer::refused(unread.status(), &unread.to_string(), unread.cure())
                }
                Err(_) => Answer::refused(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    &format!("a question has at most {LARGEST_QUESTION} bytes"),
                    "Ask about fewer records at once.",
                ),
            })
        }
        _ => said(&Answer::refused(
            StatusCode::NOT_FOUND,
            &format!("there is no {} {path} here", head.method),
            "The console is the page at /.",
        )),
    }
}

fn said(answer: &Answer) -> Response<Body> {
    let mut response = Response::new(whole(answer.body.clone()));
    *response.status_mut() = answer.status;
    with_headers(response, "application/json", None)
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

/// Adds the headers of every answer: only this page may use it, browsers must not guess its type,
/// and must not store it.
fn with_headers(
    mut response: Response<Body>,
    content_type: &'static str,
    policy: Option<&HeaderValue>,
) -> Response<Body> {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if let Some(policy) = policy {
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

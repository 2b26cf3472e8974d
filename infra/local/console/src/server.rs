//! The console's server: its page, its live stream, its gallery, and the operator's requests.

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
use kafka_client::Record;
use local_gate::Refused;
use poller::Report;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{self, JoinHandle, JoinSet};

use super::ask::{self, Answer, Operator};
use super::gallery::Gallery;
use super::live::Live;
use super::page;

/// The largest request body that the page may send, in bytes.
const LARGEST_REQUEST: usize = 64 * 1024;

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

/// What the console shows, and whom it asks.
#[derive(Debug)]
pub struct Options {
    /// The port on loopback. `None` chooses a free one.
    pub port: Option<u16>,
    /// The brokers' addresses, for the page to show.
    pub kafka: String,
    /// The address of AWS, for the page to show.
    pub aws: String,
    /// The beginning of the assets' URLs, from which the page shows pictures, videos and audio.
    pub assets: String,
    /// The bucket of the assets, for the page to show.
    pub assets_bucket: String,
    /// The name of the function that carries out an operator's requests.
    pub operator: String,
    /// Invokes that function. The client must not retry, because a first try may have been carried
    /// out.
    pub lambda: aws_sdk_lambda::Client,
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
    /// Listens on loopback, and serves the page.
    ///
    /// # Errors
    /// If the port cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let (consumed, produced): (Vec<Topic>, Vec<Topic>) =
            Topic::ALL.into_iter().partition(|t| t.is_consumed());
        let names = |topics: Vec<Topic>| topics.into_iter().map(Topic::as_str).collect();
        let policy = HeaderValue::from_str(&page::policy(&options.assets));
        let about = About {
            kafka: options.kafka,
            aws: options.aws,
            assets: options.assets,
            assets_bucket: options.assets_bucket,
            consumed: names(consumed),
            produced: names(produced),
        };
        let shared = Arc::new(Shared {
            live: Arc::new(Live::start(&about)),
            gallery: Gallery::default(),
            operator: Operator {
                function: options.operator,
                lambda: options.lambda,
            },
            policy: policy.map_err(io::Error::other)?,
        });
        let accepting = tokio::spawn(accept(listener, address, Arc::clone(&shared)));
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
    pub fn record(&self, record: &Record) {
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

async fn accept(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    // The connections are owned here, so that they end with the console.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, address, Arc::clone(&shared)));
                }
                // Out of file descriptors, or the client left: neither ends the console.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, address: SocketAddr, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let looked = task::spawn_blocking(move || local_gate::admit_connection(peer, address));
    let connection = looked.await.unwrap_or(Err(Refused::User));
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, connection, &shared).await) }
    });
    // A client may disconnect at any time.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Answers a request. `connection` says whether its connection may be answered at all.
async fn answer(
    request: Request<Incoming>,
    connection: Result<(), Refused>,
    shared: &Arc<Shared>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    // A link to the page is harmless, but only the page itself may load the rest.
    let is_public = page::file(path).is_some();
    let admitted =
        connection.and_then(|()| local_gate::admit_page(&head.method, &head.headers, is_public));
    if let Err(refused) = admitted {
        return said(&Answer::refused(
            StatusCode::FORBIDDEN,
            &refused.to_string(),
            refused.cure(),
        ));
    }
    if let (&Method::GET, Some(file)) = (&head.method, page::file(path)) {
        let response = Response::new(whole(file.text));
        return with_headers(response, file.content_type, Some(&shared.policy));
    }
    match (&head.method, path.strip_prefix("/ask/")) {
        (&Method::GET, None) if path == "/live" => live(&head.headers, shared),
        (&Method::GET, None) if path == "/gallery" => {
            let response = Response::new(whole(shared.gallery.json()));
            with_headers(response, "application/json", None)
        }
        (&Method::POST, Some(step)) => said(&ask(step, body, shared).await),
        _ => said(&Answer::refused(
            StatusCode::NOT_FOUND,
            &format!("there is no {} {path} here", head.method),
            "The console is the page at /.",
        )),
    }
}

/// The live stream, from the last event that the page has seen.
fn live(headers: &HeaderMap, shared: &Shared) -> Response<Body> {
    let after = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let frames = shared.live.follow(after);
    let frames = frames.map(|bytes| Ok(Frame::data(bytes)));
    let response = Response::new(BodyExt::boxed(StreamBody::new(frames)));
    with_headers(response, "text/event-stream", None)
}

/// Carries out an operator's request.
async fn ask(step: &str, body: Incoming, shared: &Shared) -> Answer {
    let request = Limited::new(body, LARGEST_REQUEST).collect().await;
    let Ok(request) = request else {
        return Answer::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("a request has at most {LARGEST_REQUEST} bytes"),
            "Ask for fewer records at once.",
        );
    };
    match ask::read(step, &request.to_bytes()) {
        Ok(step) => shared.operator.ask(&step).await,
        Err(unread) => Answer::refused(unread.status(), &unread.to_string(), unread.cure()),
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

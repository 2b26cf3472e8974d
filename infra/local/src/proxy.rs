//! A proxy between the functions and AWS: it sees every call, and makes the trouble that tests ask for.
//!
//! Faults come from outside, so that the binaries under test are the ones that are shipped.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

mod operation;

pub use operation::Operation;

/// One call that went through the proxy, or is on its way.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service and the operation, in AWS's spelling.
    pub operation: Operation,
    /// The process that called.
    pub process_id: Option<u32>,
    /// The name of the function that this process runs, if it is one.
    pub function: Option<Arc<str>>,
    /// When its head was read.
    pub started: Instant,
    /// When the last byte of the answer was passed on, or the call was given up.
    pub ended: Option<Instant>,
    /// The status that the caller got; none while it waits, or if its connection was cut.
    pub status: Option<u16>,
}

/// Trouble for the calls that match.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which calls.
    pub matches: Matches,
    /// What happens to them.
    pub action: Action,
}

/// Which calls a fault is for. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// The service as requests are signed for it: `dynamodb`, `states`, `s3`.
    pub service: Option<String>,
    /// The operation: `TransactWriteItems`, `StartExecution`, `PutObject`.
    pub operation: Option<String>,
    /// What the request's body has in it.
    pub body_contains: Option<String>,
    /// The name of the function that calls.
    pub function: Option<String>,
    /// Which of the calls that match the rest.
    pub occurrence: Occurrence,
}

/// Which of the calls that match a fault it hits, counted since it was injected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Occurrence {
    /// All of them.
    #[default]
    Every,
    /// Only this one; the first is 1.
    Nth(u32),
    /// The first so many.
    First(u32),
    /// Every so manieth: of `EveryNth(3)` the third, the sixth, and so on.
    EveryNth(u32),
}

impl Occurrence {
    /// Whether it means the call that is the `number`-th to match, from 1.
    #[must_use]
    pub fn hits(self, number: u32) -> bool {
        match self {
            Self::Every => true,
            Self::Nth(nth) => number == nth,
            Self::First(times) => number <= times,
            Self::EveryNth(nth) => number.is_multiple_of(nth),
        }
    }

    /// Whether it means no call after the `number`-th.
    fn is_over(self, number: u32) -> bool {
        match self {
            Self::Every | Self::EveryNth(_) => false,
            Self::Nth(last) | Self::First(last) => number >= last,
        }
    }
}

/// On which side of the emulator's answer something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the call is forwarded: the emulator never sees it.
    Before,
    /// After the emulator has answered: the effect is there, and the caller never learns of it.
    After,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The call is forwarded so much later.
    Delay(Duration),
    /// The caller gets an AWS error instead; the emulator never sees the call.
    Fail {
        /// The HTTP status.
        status: u16,
        /// The error's type: `ThrottlingException`, `InternalServerError`.
        error: String,
    },
    /// The connection is closed without an answer.
    Cut(Moment),
    /// The calling process, and only it, is killed (`kill -9`).
    KillCaller(Moment),
}

/// A running proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
#[derive(Debug)]
struct State {
    target: OnceLock<SocketAddr>,
    client: Client<HttpConnector, BoxBody<Bytes, hyper::Error>>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    calls: Vec<Call>,
    /// Counts the times that `calls` was cleared: a call that began before must not end in another's row.
    chapter: u64,
    /// The functions that ever called, by their process.
    functions: BTreeMap<u32, Arc<str>>,
    /// The processes that connected last, the last one first: who connects mostly does so several times at once.
    recent: Vec<u32>,
    faults: Vec<Injected>,
    delay: Duration,
}

#[derive(Debug)]
struct Injected {
    fault: Fault,
    /// How many calls matched it.
    seen: u32,
    hits: Hits,
}

/// How often a fault has hit.
#[derive(Debug, Clone, Default)]
pub struct Hits(Arc<AtomicU32>);

impl Hits {
    /// How often so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A row of the book.
#[derive(Debug, Clone, Copy)]
struct Row {
    chapter: u64,
    index: usize,
}

impl Proxy {
    /// Listens on loopback, on `port` or on any. Calls wait for nothing: set the target before anybody calls.
    pub async fn start(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            target: OnceLock::new(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            book: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, address, Arc::clone(&state)));
        Ok(Self { address, state, accepting })
    }

    /// Says where calls go; only the first word counts.
    pub fn forward_to(&self, target: SocketAddr) {
        let _ = self.state.target.set(target);
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every call since the start, or since they were last cleared, in the order they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.book().calls.clone()
    }

    /// Forgets the calls.
    pub fn clear(&self) {
        let mut book = self.state.book();
        book.calls.clear();
        book.chapter += 1;
    }

    /// The processes of functions that have called and still run, with the functions' names.
    #[must_use]
    pub fn functions(&self) -> BTreeMap<u32, Arc<str>> {
        let mut functions = self.state.book().functions.clone();
        functions.retain(|process_id, name| crate::process::function_of(*process_id).as_deref() == Some(&**name));
        functions
    }

    /// Makes trouble from now on. A call suffers the first injected fault that hits it.
    pub fn inject(&self, fault: Fault) -> Hits {
        let hits = Hits::default();
        self.state.book().faults.push(Injected { fault, seen: 0, hits: hits.clone() });
        hits
    }

    /// Ends all trouble, the constant delay too.
    pub fn heal(&self) {
        let mut book = self.state.book();
        book.faults.clear();
        book.delay = Duration::ZERO;
    }

    /// Delays every call by so much, besides what faults do.
    pub fn set_delay(&self, delay: Duration) {
        self.state.book().delay = delay;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, state: Arc<State>) {
    // Owned here, so that the connections end with the proxy.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, address, Arc::clone(&state)));
                }
                // Out of file descriptors, or the peer left: neither ends the proxy.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, address: SocketAddr, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let likely = state.book().recent.clone();
    let caller = tokio::task::spawn_blocking(move || Caller::of_connection(peer, address, &likely));
    let caller = caller.await.unwrap_or_default();
    state.book().has_connected(caller.process_id);
    let service = service_fn(|request| handle(request, caller.clone(), Arc::clone(&state)));
    // A caller that goes away, or a cut connection, ends here; both are in the book.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Default)]
struct Caller {
    process_id: Option<u32>,
    function: Option<Arc<str>>,
}

impl Caller {
    fn of_connection(peer: SocketAddr, address: SocketAddr, likely: &[u32]) -> Self {
        let process_id = crate::process::owner_of_connection(peer, address, likely);
        Self { process_id, function: process_id.and_then(crate::process::function_of).map(Arc::from) }
    }
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut")]
struct Cut;

async fn handle(
    request: Request<Incoming>,
    caller: Caller,
    state: Arc<State>,
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Cut> {
    let (head, body) = request.into_parts();
    let operation = Operation::of(&head);
    let row = state.book().begin(Call {
        operation: operation.clone(),
        process_id: caller.process_id,
        function: caller.function.clone(),
        started: Instant::now(),
        ended: None,
        status: None,
    });
    // Only a fault that looks into bodies makes one wait until it is whole.
    let (body, text) = if state.book().wants_body(&operation, caller.function.as_deref()) {
        let Ok(collected) = body.collect().await else {
            state.book().end(row, None);
            return Err(Cut);
        };
        let bytes = collected.to_bytes();
        (full(bytes.clone()), String::from_utf8_lossy(&bytes).into_owned())
    } else {
        (body.boxed(), String::new())
    };
    let (delay, action) = state.book().trouble(&operation, caller.function.as_deref(), &text);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }

    let cut = |state: &State| {
        state.book().end(row, None);
        Err(Cut)
    };
    match &action {
        Some(Action::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Action::Fail { status, error }) => {
            state.book().end(row, Some(*status));
            return Ok(failure(&operation, *status, error));
        }
        Some(Action::Cut(Moment::Before)) => return cut(&state),
        Some(Action::KillCaller(Moment::Before)) => {
            kill(caller.process_id);
            return cut(&state);
        }
        Some(Action::Cut(Moment::After) | Action::KillCaller(Moment::After)) | None => {}
    }

    let Ok(response) = forward(&state, head, body).await else {
        return cut(&state);
    };
    if let Some(Action::Cut(Moment::After) | Action::KillCaller(Moment::After)) = action {
        let _ = response.into_body().collect().await;
        if matches!(action, Some(Action::KillCaller(_))) {
            kill(caller.process_id);
        }
        return cut(&state);
    }
    let status = response.status().as_u16();
    Ok(response.map(|body| Watched { body, state, row, status }.boxed()))
}

fn kill(caller: Option<u32>) {
    // Tests drive the local stack from their own process too, and a fault is never for that one.
    if let Some(process_id) = caller.filter(|caller| *caller != std::process::id()) {
        let _ = crate::process::kill(process_id);
    }
}

/// Sends the request on as it is: the signature covers the host that the caller addressed, so that stays.
async fn forward(
    state: &State,
    mut head: Parts,
    body: BoxBody<Bytes, hyper::Error>,
) -> Result<Response<Incoming>, String> {
    let target = state.target.get().ok_or("the proxy has no target yet")?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("http://{target}{path}").parse::<Uri>().map_err(|error| error.to_string())?;
    remove_connection_headers(&mut head.headers);
    let mut response =
        state.client.request(Request::from_parts(head, body)).await.map_err(|error| error.to_string())?;
    remove_connection_headers(response.headers_mut());
    Ok(response)
}

/// These speak of one connection, and there are two.
fn remove_connection_headers(headers: &mut hyper::HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(HeaderName::from_static("keep-alive"));
}

/// An error as the service itself would write it.
fn failure(operation: &Operation, status: u16, error: &str) -> Response<BoxBody<Bytes, hyper::Error>> {
    let message = "The local stack was asked to fail this call.";
    let (content_type, body) = if operation.service == "s3" {
        ("application/xml", format!("<Error><Code>{error}</Code><Message>{message}</Message></Error>"))
    } else {
        ("application/x-amz-json-1.0", format!(r#"{{"__type":"{error}","message":"{message}"}}"#))
    };
    let mut response = Response::new(full(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    if let Ok(error) = error.parse() {
        response.headers_mut().insert("x-amzn-errortype", error);
    }
    response
}

fn full(bytes: Bytes) -> BoxBody<Bytes, hyper::Error> {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed()
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many processes are remembered as those that connected last.
const RECENT: usize = 6;

impl Book {
    fn has_connected(&mut self, process_id: Option<u32>) {
        if let Some(process_id) = process_id {
            self.recent.retain(|recent| *recent != process_id);
            self.recent.insert(0, process_id);
            self.recent.truncate(RECENT);
        }
    }

    fn begin(&mut self, call: Call) -> Row {
        if let (Some(process_id), Some(function)) = (call.process_id, &call.function) {
            self.functions.insert(process_id, Arc::clone(function));
        }
        self.calls.push(call);
        Row { chapter: self.chapter, index: self.calls.len() - 1 }
    }

    fn end(&mut self, row: Row, status: Option<u16>) {
        if row.chapter == self.chapter
            && let Some(call) = self.calls.get_mut(row.index)
            && call.ended.is_none()
        {
            call.ended = Some(Instant::now());
            call.status = status;
        }
    }

    fn wants_body(&self, operation: &Operation, function: Option<&str>) -> bool {
        let wants = |matches: &Matches| matches.body_contains.is_some() && matches.names(operation, function);
        self.faults.iter().any(|injected| wants(&injected.fault.matches))
    }

    /// The constant delay, and what the first fault that hits this call does.
    fn trouble(&mut self, operation: &Operation, function: Option<&str>, body: &str) -> (Duration, Option<Action>) {
        let mut action = None;
        self.faults.retain_mut(|Injected { fault, seen, hits }| {
            let matches = &fault.matches;
            let wanted = matches.body_contains.as_deref();
            // A call that suffers one fault is none that a later one counts.
            if action.is_some()
                || !matches.names(operation, function)
                || wanted.is_some_and(|wanted| !body.contains(wanted))
            {
                return true;
            }
            *seen += 1;
            if matches.occurrence.hits(*seen) {
                hits.0.fetch_add(1, Ordering::Relaxed);
                action = Some(fault.action.clone());
            }
            // What is over is forgotten: a long run injects thousands.
            !matches.occurrence.is_over(*seen)
        });
        (self.delay, action)
    }
}

impl Matches {
    fn names(&self, operation: &Operation, function: Option<&str>) -> bool {
        self.service.as_ref().is_none_or(|service| *service == operation.service)
            && self.operation.as_ref().is_none_or(|name| *name == operation.name)
            && self.function.as_deref().is_none_or(|name| Some(name) == function)
    }
}

/// The emulator's answer on its way to the caller; closes the call's row at its end.
struct Watched {
    body: Incoming,
    state: Arc<State>,
    row: Row,
    status: u16,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.state.book().end(self.row, Some(self.status));
    }
}

#[cfg(test)]
mod tests;

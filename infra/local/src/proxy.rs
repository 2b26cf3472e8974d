//! A proxy between the functions and AWS. It records every call, and injects the faults that tests
//! ask for.
//!
//! Faults come from outside, so that the tested binaries are those that are deployed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
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

mod book;
mod fault;
mod operation;

pub use book::Call;
pub use fault::{Action, Fault, Hits, Matches, Moment, Occurrence};
pub use operation::Operation;

use book::{Book, Injected, Row};

/// A running proxy. It stops when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// The state that all connections share.
#[derive(Debug)]
struct State {
    target: OnceLock<SocketAddr>,
    client: Client<HttpConnector, BoxBody<Bytes, hyper::Error>>,
    book: Mutex<Book>,
}

impl Proxy {
    /// Listens on loopback, on `port` or on any free port. Calls do not wait for a target, so set
    /// the target before the first call.
    pub async fn start(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        // The head and the body of a request leave one after the other. With Nagle's algorithm, the
        // body of a connection's second request waited 40 ms for the acknowledgement of the head.
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let state = Arc::new(State {
            target: OnceLock::new(),
            client: Client::builder(TokioExecutor::new()).build(connector),
            book: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, address, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            accepting,
        })
    }

    /// Sets the target of the calls. Only the first call of this method has an effect.
    pub fn forward_to(&self, target: SocketAddr) {
        let _ = self.state.target.set(target);
    }

    /// The address on which the proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All calls since the start or since the last [`Proxy::clear`], in the order in which they
    /// arrived.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.book().calls.clone()
    }

    /// Forgets the recorded calls.
    pub fn clear(&self) {
        let mut book = self.state.book();
        book.calls.clear();
        book.chapter += 1;
    }

    /// The processes of functions that have made calls and still run, with the functions' names.
    #[must_use]
    pub fn functions(&self) -> BTreeMap<u32, Arc<str>> {
        let mut functions = self.state.book().functions.clone();
        functions.retain(|process_id, name| {
            crate::process::function_of(*process_id).as_deref() == Some(&**name)
        });
        functions
    }

    /// Injects a fault from now on. A call gets the first injected fault that hits it.
    pub fn inject(&self, fault: Fault) -> Hits {
        let hits = Hits::default();
        self.state.book().faults.push(Injected {
            fault,
            seen: 0,
            hits: hits.clone(),
        });
        hits
    }

    /// Removes all faults and the constant delay.
    pub fn heal(&self) {
        let mut book = self.state.book();
        book.faults.clear();
        book.delay = Duration::ZERO;
    }

    /// Delays every call by this time, in addition to the faults.
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
    // The connections are owned here, so that they end with the proxy.
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
    // If the caller leaves or the connection is cut, serving ends here. The book has a record of
    // both.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The process at the other end of a connection.
#[derive(Debug, Clone, Default)]
struct Caller {
    process_id: Option<u32>,
    function: Option<Arc<str>>,
}

impl Caller {
    fn of_connection(peer: SocketAddr, address: SocketAddr, likely: &[u32]) -> Self {
        let process_id = crate::process::owner_of_connection(peer, address, likely);
        Self {
            process_id,
            function: process_id
                .and_then(crate::process::function_of)
                .map(Arc::from),
        }
    }
}

/// The error that ends a connection without an answer.
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
    // A body is collected only if a fault inspects it.
    let (body, text) = if state
        .book()
        .wants_body(&operation, caller.function.as_deref())
    {
        let Ok(collected) = body.collect().await else {
            state.book().end(row, None);
            return Err(Cut);
        };
        let bytes = collected.to_bytes();
        (
            full(bytes.clone()),
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    } else {
        (body.boxed(), String::new())
    };
    let (delay, action) = state
        .book()
        .trouble(&operation, caller.function.as_deref(), &text);
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
    Ok(response.map(|body| {
        Watched {
            body,
            state,
            row,
            status,
        }
        .boxed()
    }))
}

fn kill(caller: Option<u32>) {
    // Tests call the local stack from their own process, too. A fault must never kill that one.
    if let Some(process_id) = caller.filter(|caller| *caller != std::process::id()) {
        let _ = crate::process::kill(process_id);
    }
}

/// Forwards the request unchanged. The Host header stays as well, because the signature covers the
/// host that the caller addressed.
async fn forward(
    state: &State,
    mut head: Parts,
    body: BoxBody<Bytes, hyper::Error>,
) -> Result<Response<Incoming>, String> {
    let target = state.target.get().ok_or("the proxy has no target yet")?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("http://{target}{path}")
        .parse::<Uri>()
        .map_err(|error| error.to_string())?;
    remove_connection_headers(&mut head.headers);
    let mut response = state
        .client
        .request(Request::from_parts(head, body))
        .await
        .map_err(|error| error.to_string())?;
    remove_connection_headers(response.headers_mut());
    Ok(response)
}

/// Removes the headers that describe a single connection, because there are two connections here.
fn remove_connection_headers(headers: &mut hyper::HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(HeaderName::from_static("keep-alive"));
}

/// An error in the service's own format.
fn failure(
    operation: &Operation,
    status: u16,
    error: &str,
) -> Response<BoxBody<Bytes, hyper::Error>> {
    let message = "The local stack was asked to fail this call.";
    let (content_type, body) = if operation.service == "s3" {
        (
            "application/xml",
            format!("<Error><Code>{error}</Code><Message>{message}</Message></Error>"),
        )
    } else {
        (
            "application/x-amz-json-1.0",
            format!(r#"{{"__type":"{error}","message":"{message}"}}"#),
        )
    };
    let mut response = Response::new(full(Bytes::from(body)));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static(content_type),
    );
    if let Ok(error) = error.parse() {
        response.headers_mut().insert("x-amzn-errortype", error);
    }
    response
}

fn full(bytes: Bytes) -> BoxBody<Bytes, hyper::Error> {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed()
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The emulator's answer on its way to the caller. At its end, it closes the call's row.
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

//! The server: names the caller and the operation of a call, applies the fault that hits it, and
//! forwards it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use local_gate::Refused;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::admission::{Admission, Denied};
use super::answer::{
    AnswerBody, failure, full, refusal, remove_connection_headers, remove_cors_headers,
};
use super::book::{Book, Call, Injected, Row};
use super::caller::{Caller, function_of};
use super::connector::Connector;
use super::fault::{Action, Fault, Hits, Moment};
use super::operation::Operation;

/// A running proxy. It stops when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    quiet_address: SocketAddr,
    state: Arc<State>,
    accepting: [JoinHandle<()>; 2],
}

/// The port that a call came through.
#[derive(Debug, Clone, Copy)]
enum Port {
    /// Its calls are recorded, and faults hit them.
    Watched,
    /// Its calls are only forwarded.
    Quiet,
}

/// The state that all connections share.
#[derive(Debug)]
struct State {
    admission: Admission,
    connector: Connector,
    client: Client<Connector, AnswerBody>,
    book: Mutex<Book>,
}

impl Proxy {
    /// Listens on loopback, on `port` or on any free port, and on a second port for calls that are
    /// only forwarded. Calls do not wait for a target, so set the target before the first call.
    pub async fn start(port: Option<u16>, admission: Admission) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let quiet = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, quiet_address) = (listener.local_addr()?, quiet.local_addr()?);
        let connector = Connector::default();
        let state = Arc::new(State {
            admission,
            client: Client::builder(TokioExecutor::new()).build(connector.clone()),
            connector,
            book: Mutex::default(),
        });
        let accepting = [
            tokio::spawn(accept(listener, address, Port::Watched, Arc::clone(&state))),
            tokio::spawn(accept(
                quiet,
                quiet_address,
                Port::Quiet,
                Arc::clone(&state),
            )),
        ];
        Ok(Self {
            address,
            quiet_address,
            state,
            accepting,
        })
    }

    /// Sets the target of the calls, a Unix socket. Only the first call of this method has an
    /// effect.
    pub fn forward_to(&self, target: PathBuf) {
        self.state.connector.connect_to(target);
    }

    /// The address on which the proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for calls that are neither recorded nor disturbed.
    #[must_use]
    pub fn quiet_address(&self) -> SocketAddr {
        self.quiet_address
    }

    /// All calls since the start or since the last [`Proxy::clear`], in the order in which they
    /// arrived.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.book().calls.clone()
    }

    /// Keeps the requests' bodies of an operation from now on.
    pub fn keep_bodies(&self, service: &str, operation: &str) {
        self.state.book().kept.insert(Operation {
            service: service.to_owned(),
            name: operation.to_owned(),
        });
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
        functions.retain(|process_id, name| function_of(*process_id).as_deref() == Some(&**name));
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
        for accepting in &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, port: Port, state: Arc<State>) {
    // The connections are owned here, so that they end with the proxy.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, address, port, Arc::clone(&state)));
                }
                // Out of file descriptors, or the peer left: neither ends the proxy.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    address: SocketAddr,
    port: Port,
    state: Arc<State>,
) {
    let _ = stream.set_nodelay(true);
    let likely = state.book().recent.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let caller = match port {
            Port::Watched => Caller::of_connection(peer, address, &likely),
            Port::Quiet => Caller::default(),
        };
        (local_gate::admit_connection(peer, address), caller)
    });
    let (connection, caller) = looked
        .await
        .unwrap_or_else(|_| (Err(Refused::User), Caller::default()));
    state.book().has_connected(caller.process_id);
    let service = service_fn(|request: Request<Incoming>| {
        let (state, caller) = (Arc::clone(&state), caller.clone());
        async move {
            let (head, body) = request.into_parts();
            let gate = connection.map_err(Denied::from);
            if let Err(denied) = gate.and_then(|()| state.admission.admits(&head)) {
                return Ok(refusal(&Operation::of(&head), denied));
            }
            match port {
                Port::Watched => handle(head, body, caller, state).await,
                Port::Quiet => pass(head, body, &state).await,
            }
        }
    });
    // If the caller leaves or the connection is cut, serving ends here. The book has a record of
    // both.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The error that ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut")]
struct Cut;

type Answered = Result<Response<AnswerBody>, Cut>;

async fn handle(head: Parts, body: Incoming, caller: Caller, state: Arc<State>) -> Answered {
    let operation = Operation::of(&head);
    let row = state.book().begin(Call {
        operation: operation.clone(),
        process_id: caller.process_id,
        function: caller.function.clone(),
        started: Instant::now(),
        ended: None,
        status: None,
        is_hit: false,
        body: None,
    });
    let cut = |state: &State| {
        state.book().end(row, None);
        Err(Cut)
    };
    let function = caller.function.as_deref();
    let inspected = state.book().wants_body(&operation, function);
    let Ok((body, text)) = readable(body, inspected).await else {
        return cut(&state);
    };
    let (delay, action) = {
        let mut book = state.book();
        book.read(row, &operation, &text);
        let (delay, action) = book.trouble(&operation, function, &text);
        if action.is_some() {
            book.hit(row);
        }
        (delay, action)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match &action {
        Some(Action::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Action::Fail { status, error }) => {
            state.book().end(row, Some(*status));
            let message = "The fault proxy failed this call, because a test asked for it.";
            return Ok(failure(&operation, *status, error, message));
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
    Ok(watched(response, state, row))
}

/// Forwards a call and its answer.
async fn pass(head: Parts, body: Incoming, state: &State) -> Answered {
    match forward(state, head, body.boxed()).await {
        Ok(response) => Ok(response.map(BodyExt::boxed)),
        Err(_) => Err(Cut),
    }
}

/// A request's body and, if a fault inspects it or the book keeps it, its text. Other bodies are
/// not collected.
async fn readable(body: Incoming, inspected: bool) -> Result<(AnswerBody, String), hyper::Error> {
    if !inspected {
        return Ok((body.boxed(), String::new()));
    }
    let bytes = body.collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok((full(bytes), text))
}

/// The emulator's answer, which closes the call's row at its end.
fn watched(response: Response<Incoming>, state: Arc<State>, row: Row) -> Response<AnswerBody> {
    let status = response.status().as_u16();
    response.map(|body| {
        Watched {
            body,
            state,
            row,
            status,
        }
        .boxed()
    })
}

fn kill(caller: Option<u32>) {
    // Tests call the local stack from their own process, too. A fault must never kill that one.
    if let Some(process_id) = caller.filter(|caller| *caller != std::process::id()) {
        let _ = processes::kill(process_id);
    }
}

/// Forwards the request unchanged. The Host header stays as well, because the signature covers the
/// host that the caller addressed.
async fn forward(
    state: &State,
    mut head: Parts,
    body: AnswerBody,
) -> Result<Response<Incoming>, String> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{EMULATOR}{path}")
        .parse::<Uri>()
        .map_err(|error| error.to_string())?;
    remove_connection_headers(&mut head.headers);
    let mut response = state
        .client
        .request(Request::from_parts(head, body))
        .await
        .map_err(|error| error.to_string())?;
    remove_connection_headers(response.headers_mut());
    remove_cors_headers(response.headers_mut());
    Ok(response)
}

/// The authority of a forwarded request. The connector does not look at it.
const EMULATOR: &str = "http://emulator";

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

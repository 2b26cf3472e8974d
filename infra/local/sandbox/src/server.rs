//! The server: finds the vendor of a request, applies the script that hits it, and records both.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use fault_proxy::Moment;
use futures::{StreamExt as _, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use local_gate::Refused;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::book::{Book, Call, Row};
use super::elevenlabs::{self, Voices};
use super::exchange::{Asked, Reply};
use super::script::{Behaviour, Script};
use super::tasks::Tasks;
use super::vendor::Vendor;
use super::{openai, polly, runway};

/// The running sandbox. It stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// The state that all connections share.
#[derive(Debug)]
struct State {
    address: SocketAddr,
    s3: OnceLock<aws_sdk_s3::Client>,
    book: Mutex<Book>,
    /// A permit for each held request that may go on.
    released: Semaphore,
    tasks: Tasks,
    voices: Voices,
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Listens on a free loopback port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            address,
            s3: OnceLock::new(),
            book: Mutex::default(),
            released: Semaphore::new(0),
            tasks: Tasks::default(),
            voices: Voices::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            accepting,
        })
    }

    /// Sets the S3 client with which Polly writes. Only the first call has an effect.
    pub fn use_s3(&self, s3: aws_sdk_s3::Client) {
        let _ = self.state.s3.set(s3);
    }

    /// All vendors' addresses, as a value of `PROVIDER_SETTINGS`.
    #[must_use]
    pub fn settings(&self) -> Value {
        let base = |vendor: Vendor| format!("http://{}/{}/v1", self.address, vendor.as_str());
        let [english, hindi] = elevenlabs::VOICES;
        json!({
            "openai": { "baseUrl": base(Vendor::OpenAi) },
            "elevenlabs": {
                "baseUrl": base(Vendor::ElevenLabs),
                "speakers": { "en": { "voice": english }, "hi": { "voice": hindi } },
            },
            "runway": { "baseUrl": base(Vendor::Runway) },
            "polly": { "endpoint": format!("http://{}/polly", self.address) },
        })
    }

    /// All requests since the start or since the last [`Sandbox::clear`].
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.book().calls.clone()
    }

    /// Forgets the recorded requests.
    pub fn clear(&self) {
        self.state.book().calls.clear();
    }

    /// Limits the number of tasks that Runway works on at once. Later tasks wait as `THROTTLED`, as
    /// they do at the vendor.
    pub fn let_runway_work_on(&self, tasks: usize) {
        self.state.tasks.limit(tasks);
    }

    /// The number of cloned voices at ElevenLabs.
    #[must_use]
    pub fn voices(&self) -> usize {
        self.state.voices.count()
    }

    /// Marks all cloned voices as verified, as if their owners had done it with the vendor
    /// directly.
    pub fn verify_voices(&self) {
        self.state.voices.verify();
    }

    /// Makes a vendor misbehave from now on. A request gets the first script that hits it.
    pub fn script(&self, script: Script) {
        self.state.book().scripts.push((script, 0));
    }

    /// Lets one request go on that is or will be [`Behaviour::Held`].
    pub fn release(&self) {
        self.state.released.add_permits(1);
    }

    /// Removes all scripts.
    pub fn heal(&self) {
        self.state.book().scripts.clear();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // The connections are owned here, so that they end with the sandbox.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, Arc::clone(&state)));
                }
                // Out of file descriptors, or the peer left: neither ends the sandbox.
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let address = state.address;
    let looked = tokio::task::spawn_blocking(move || {
        let admitted = local_gate::admit_connection(peer, address);
        (admitted, processes::owner_of_connection(peer, address, &[]))
    });
    let (connection, caller) = looked.await.unwrap_or((Err(Refused::User), None));
    let service = service_fn(|request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move {
            let admitted = connection.and_then(|()| local_gate::admit_program(request.headers()));
            match admitted {
                Ok(()) => handle(request, caller, state).await,
                Err(refused) => Ok(response(Reply::json(
                    403,
                    &json!({ "error": refused.to_string(), "cure": refused.cure() }),
                ))),
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

type Answered = Result<Response<BoxBody<Bytes, Cut>>, Cut>;

async fn handle(request: Request<Incoming>, caller: Option<u32>, state: Arc<State>) -> Answered {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query();
    let Some((vendor, path)) = addressed(target.map_or("/", |target| target.as_str())) else {
        return Ok(response(Reply::json(404, &Value::Null)));
    };
    let Ok(body) = body.collect().await else {
        return Err(Cut);
    };
    let body = body.to_bytes();
    let call = call(vendor, &head, path, &body, caller);
    let (row, behaviour) = {
        let mut book = state.book();
        let row = book.begin(call);
        (row, book.hit(vendor, head.method.as_str(), path, &body))
    };
    if let Some(instead) = before(&state, row, behaviour.as_ref(), caller).await {
        return instead;
    }
    let asked = Asked {
        method: head.method.as_str(),
        path: path.split('?').next().unwrap_or_default(),
        query: path.split_once('?').map_or("", |(_, query)| query),
        headers: &head.headers,
        body: &body,
        behaviour: behaviour.as_ref(),
    };
    let reply = match vendor {
        Vendor::OpenAi => openai::answer(&asked),
        Vendor::ElevenLabs => elevenlabs::answer(&state.voices, &asked),
        Vendor::Runway => runway::answer(&state.tasks, state.address, &asked),
        Vendor::Polly => polly::answer(&state.tasks, state.s3.get(), &asked).await,
    };
    after(&state, row, behaviour.as_ref(), caller, reply)
}

/// The vendor that a request addresses, and the path after the vendor's own address.
fn addressed(target: &str) -> Option<(Vendor, &str)> {
    Vendor::ALL.into_iter().find_map(|vendor| {
        let rest = target.strip_prefix('/')?.strip_prefix(vendor.as_str())?;
        Some((vendor, rest.strip_prefix("/v1").unwrap_or(rest)))
    })
}

fn call(vendor: Vendor, head: &Parts, path: &str, body: &Bytes, caller: Option<u32>) -> Call {
    let attempt = head.headers.get("x-client-request-id");
    Call {
        vendor,
        method: head.method.to_string(),
        path: path.to_owned(),
        body: body.clone(),
        attempt: attempt.and_then(|id| Some(id.to_str().ok()?.to_owned())),
        process_id: caller,
        at: Instant::now(),
        accepted: false,
        status: None,
    }
}

/// What a script does before the vendor carries out the request. `None` if the vendor then does.
async fn before(
    state: &State,
    row: Row,
    behaviour: Option<&Behaviour>,
    caller: Option<u32>,
) -> Option<Answered> {
    match behaviour? {
        Behaviour::Slow(delay) => {
            sleep(*delay).await;
            None
        }
        Behaviour::Held => {
            let released = state.released.acquire().await;
            released.expect("it is never closed").forget();
            None
        }
        Behaviour::Answer {
            status,
            headers,
            body,
        } => {
            let mut reply = Reply::json(*status, body);
            reply.headers.extend(headers.iter().cloned());
            state.book().note(row, false, Some(*status));
            Some(Ok(response(reply)))
        }
        Behaviour::Firewall { status } => {
            state.book().note(row, false, Some(*status));
            Some(Ok(response(Reply::page(*status))))
        }
        Behaviour::Cut(Moment::Before) => Some(Err(Cut)),
        Behaviour::KillCaller(Moment::Before) => {
            kill(caller);
            Some(Err(Cut))
        }
        Behaviour::Cut(Moment::After)
        | Behaviour::KillCaller(Moment::After)
        | Behaviour::AcceptThenAnswer { .. }
        | Behaviour::TaskStatus { .. }
        | Behaviour::TaskFails { .. }
        | Behaviour::OutputOf { .. }
        | Behaviour::OutputBreaks { .. }
        | Behaviour::OutputExpires
        | Behaviour::WantsOwner => None,
    }
}

/// What the caller gets once the vendor has carried out the request: its reply, or what a script
/// puts in its place.
fn after(
    state: &State,
    row: Row,
    behaviour: Option<&Behaviour>,
    caller: Option<u32>,
    reply: Reply,
) -> Answered {
    let accepted = reply.accepted;
    match behaviour {
        Some(Behaviour::Cut(Moment::After)) => {
            state.book().note(row, accepted, None);
            Err(Cut)
        }
        Some(Behaviour::KillCaller(Moment::After)) => {
            state.book().note(row, accepted, None);
            kill(caller);
            Err(Cut)
        }
        Some(Behaviour::AcceptThenAnswer { status, body }) => {
            state.book().note(row, accepted, Some(*status));
            Ok(response(Reply::json(*status, body)))
        }
        None
        | Some(
            Behaviour::Slow(_)
            | Behaviour::Held
            | Behaviour::Answer { .. }
            | Behaviour::Firewall { .. }
            | Behaviour::Cut(Moment::Before)
            | Behaviour::KillCaller(Moment::Before)
            | Behaviour::TaskStatus { .. }
            | Behaviour::TaskFails { .. }
            | Behaviour::OutputOf { .. }
            | Behaviour::OutputBreaks { .. }
            | Behaviour::OutputExpires
            | Behaviour::WantsOwner,
        ) => {
            state.book().note(row, accepted, Some(reply.status));
            Ok(response(reply))
        }
    }
}

fn kill(caller: Option<u32>) {
    // Tests call from their own process, too. A script must never kill that one.
    if let Some(process_id) = caller.filter(|caller| *caller != std::process::id()) {
        let _ = processes::kill(process_id);
    }
}

fn response(reply: Reply) -> Response<BoxBody<Bytes, Cut>> {
    /// Small enough that the data before the break is really sent.
    const CHUNK: usize = 64 * 1024;
    /// How long an answer that breaks off stands still first.
    const BEFORE_THE_CUT: Duration = Duration::from_millis(100);
    let body = if reply.breaks {
        let chunks: Vec<Bytes> = reply
            .body
            .chunks(CHUNK)
            .map(Bytes::copy_from_slice)
            .collect();
        let frames = chunks.into_iter().map(|chunk| Ok(Frame::data(chunk)));
        // A cut at once would drop the headers and the last chunk before they are sent.
        let cut = stream::once(async {
            sleep(BEFORE_THE_CUT).await;
            Err(Cut)
        });
        BodyExt::boxed(StreamBody::new(stream::iter(frames).chain(cut)))
    } else {
        Full::new(reply.body)
            .map_err(|never| match never {})
            .boxed()
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    if !response.headers().contains_key(CONTENT_TYPE) {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

//! The vendor sandbox: one small server that implements the media vendors' endpoints as documented,
//! and misbehaves as a test scripts it.
//!
//! The functions find it through the ordinary base URL settings and do not know that it is a
//! sandbox. Each vendor's file names the sources of its answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::proxy::{Moment, Occurrence};

mod elevenlabs;
mod openai;
mod polly;
mod refusals;
mod runway;
mod tasks;
mod voices;

pub use refusals::{Refusal, refusal};

use tasks::Tasks;
use voices::Voices;

/// A vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// OpenAI Images.
    OpenAi,
    /// ElevenLabs.
    ElevenLabs,
    /// Runway.
    Runway,
    /// Amazon Polly.
    Polly,
}

impl Vendor {
    /// All vendors.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::ElevenLabs, Self::Runway, Self::Polly];

    /// The vendor's name in the sandbox's addresses and in the name of its key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::ElevenLabs => "elevenlabs",
            Self::Runway => "runway",
            Self::Polly => "polly",
        }
    }
}

/// One request to a vendor.
#[derive(Debug, Clone)]
pub struct Call {
    /// The vendor.
    pub vendor: Vendor,
    /// The method.
    pub method: String,
    /// The path after the vendor's own address, with its query.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// The attempt to which it belongs: `x-client-request-id`.
    pub attempt: Option<String>,
    /// The calling process.
    pub process_id: Option<u32>,
    /// When the request arrived.
    pub at: Instant,
    /// Whether the vendor carried out the request, whatever it then answered.
    pub accepted: bool,
    /// The status of the answer. `None` if there was no answer.
    pub status: Option<u16>,
}

impl Call {
    /// Whether the request may cost money, which every request that creates something may.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        self.method == "POST"
    }
}

/// How a vendor misbehaves, and when.
#[derive(Debug, Clone)]
pub struct Script {
    /// The vendor.
    pub vendor: Vendor,
    /// The method. `None` matches any.
    pub method: Option<&'static str>,
    /// The end of the path. `None` matches any.
    pub path_ends: Option<String>,
    /// A text that the body contains. `None` matches any.
    pub body_contains: Option<String>,
    /// Which of the matching requests.
    pub occurrence: Occurrence,
    /// The misbehaviour.
    pub behaviour: Behaviour,
}

impl Script {
    /// A behaviour for requests that create something.
    #[must_use]
    pub fn posts(vendor: Vendor, occurrence: Occurrence, behaviour: Behaviour) -> Self {
        Self {
            vendor,
            method: Some("POST"),
            path_ends: None,
            body_contains: None,
            occurrence,
            behaviour,
        }
    }
}

/// What a vendor does instead of its normal behaviour.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Answers after this delay.
    Slow(Duration),
    /// Answers with this, and does nothing.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Value,
    },
    /// Carries out the request, but answers with this.
    AcceptThenAnswer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Value,
    },
    /// Closes the connection without an answer, before or after it carries out the request.
    Cut(Moment),
    /// Kills the caller, before or after it carries out the request.
    KillCaller(Moment),
    /// The created task has this status for its first polls.
    TaskStatus {
        /// The status.
        status: String,
        /// The number of polls.
        polls: u32,
    },
    /// The created task fails.
    TaskFails {
        /// The vendor's error code.
        code: String,
        /// The vendor's message.
        message: String,
    },
    /// The task's output has this size.
    OutputOf {
        /// The size in bytes.
        bytes: usize,
    },
    /// Every download of the task's output breaks off after this many bytes.
    OutputBreaks {
        /// The number of bytes.
        bytes: usize,
    },
    /// The first address of the task's output has expired when it is fetched.
    OutputExpires,
    /// The owner of the created voice must verify it.
    WantsOwner,
}

/// The running sandbox. It stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct State {
    address: SocketAddr,
    s3: OnceLock<aws_sdk_s3::Client>,
    book: Mutex<Book>,
    tasks: Tasks,
    voices: Voices,
}

#[derive(Debug, Default)]
struct Book {
    calls: Vec<Call>,
    scripts: Vec<(Script, u32)>,
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
        serde_json::json!({
            "openai": { "baseUrl": base(Vendor::OpenAi) },
            "elevenlabs": { "baseUrl": base(Vendor::ElevenLabs) },
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
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let address = state.address;
    let caller = tokio::task::spawn_blocking(move || {
        crate::process::owner_of_connection(peer, address, &[])
    });
    let caller = caller.await.ok().flatten();
    let service = service_fn(|request| handle(request, caller, Arc::clone(&state)));
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

/// A request, in the form that the vendors' endpoints need.
pub(crate) struct Asked<'a> {
    pub method: &'a str,
    /// The path after the vendor's own address, without the query.
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    /// The scripted behaviour of the task that this request creates.
    pub behaviour: Option<&'a Behaviour>,
}

impl Asked<'_> {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A vendor's answer.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Whether the vendor carried out the request.
    pub accepted: bool,
    /// Whether the connection breaks after the body, as if there were more.
    pub breaks: bool,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: Bytes::from(body.to_string()),
            accepted: status < 300,
            breaks: false,
        }
    }

    pub(crate) fn file(content_type: &'static str, bytes: &'static [u8]) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self {
            status: 200,
            headers,
            body: Bytes::from_static(bytes),
            accepted: true,
            breaks: false,
        }
    }
}

async fn handle(
    request: Request<Incoming>,
    caller: Option<u32>,
    state: Arc<State>,
) -> Result<Response<BoxBody<Bytes, Cut>>, Cut> {
    let (head, body) = request.into_parts();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let Some((vendor, path)) = Vendor::ALL.into_iter().find_map(|vendor| {
        let rest = target.strip_prefix('/')?.strip_prefix(vendor.as_str())?;
        Some((vendor, rest.strip_prefix("/v1").unwrap_or(rest)))
    }) else {
        return Ok(answer(Reply::json(404, &Value::Null)));
    };
    let Ok(body) = body.collect().await else {
        return Err(Cut);
    };
    let body = body.to_bytes();
    let row = {
        let mut book = state.book();
        book.calls.push(Call {
            vendor,
            method: head.method.to_string(),
            path: path.to_owned(),
            body: body.clone(),
            attempt: head
                .headers
                .get("x-client-request-id")
                .and_then(|id| Some(id.to_str().ok()?.to_owned())),
            process_id: caller,
            at: Instant::now(),
            accepted: false,
            status: None,
        });
        book.calls.len() - 1
    };
    let behaviour = state.book().hit(vendor, head.method.as_str(), path, &body);
    match &behaviour {
        Some(Behaviour::Slow(delay)) => tokio::time::sleep(*delay).await,
        Some(Behaviour::Answer {
            status,
            headers,
            body,
        }) => {
            let mut said = Reply::json(*status, body);
            said.headers.extend(headers.iter().cloned());
            state.book().note(row, false, Some(*status));
            return Ok(answer(said));
        }
        Some(Behaviour::Cut(Moment::Before)) => return Err(Cut),
        Some(Behaviour::KillCaller(Moment::Before)) => {
            kill(caller);
            return Err(Cut);
        }
        _ => {}
    }
    let asked = Asked {
        method: head.method.as_str(),
        path: path.split('?').next().unwrap_or_default(),
        headers: &head.headers,
        body: &body,
        behaviour: behaviour.as_ref(),
    };
    let said = match vendor {
        Vendor::OpenAi => openai::answer(&asked),
        Vendor::ElevenLabs => elevenlabs::answer(&state, &asked),
        Vendor::Runway => runway::answer(&state, &asked),
        Vendor::Polly => polly::answer(&state, &asked).await,
    };
    state.book().note(row, said.accepted, None);
    match behaviour {
        Some(Behaviour::Cut(Moment::After)) => return Err(Cut),
        Some(Behaviour::KillCaller(Moment::After)) => {
            kill(caller);
            return Err(Cut);
        }
        Some(Behaviour::AcceptThenAnswer { status, body }) => {
            state.book().note(row, said.accepted, Some(status));
            return Ok(answer(Reply::json(status, &body)));
        }
        _ => {}
    }
    state.book().note(row, said.accepted, Some(said.status));
    Ok(answer(said))
}

fn kill(caller: Option<u32>) {
    // Tests call from their own process, too. A script must never kill that one.
    if let Some(process_id) = caller.filter(|caller| *caller != std::process::id()) {
        let _ = crate::process::kill(process_id);
    }
}

fn answer(said: Reply) -> Response<BoxBody<Bytes, Cut>> {
    /// Small enough that the data before the break is really sent.
    const CHUNK: usize = 64 * 1024;
    let body = if said.breaks {
        let chunks: Vec<Bytes> = said
            .body
            .chunks(CHUNK)
            .map(Bytes::copy_from_slice)
            .collect();
        let frames = chunks
            .into_iter()
            .map(|chunk| Ok(Frame::data(chunk)))
            .chain([Err(Cut)]);
        BodyExt::boxed(StreamBody::new(stream::iter(frames)))
    } else {
        Full::new(said.body).map_err(|never| match never {}).boxed()
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in said.headers {
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

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn note(&mut self, row: usize, accepted: bool, status: Option<u16>) {
        // The calls may have been cleared meanwhile.
        if let Some(call) = self.calls.get_mut(row) {
            call.accepted = accepted;
            call.status = status;
        }
    }

    fn hit(&mut self, vendor: Vendor, method: &str, path: &str, body: &[u8]) -> Option<Behaviour> {
        let text = String::from_utf8_lossy(body);
        for (script, count) in &mut self.scripts {
            let matches = script.vendor == vendor
                && script.method.is_none_or(|wanted| wanted == method)
                && script
                    .path_ends
                    .as_ref()
                    .is_none_or(|end| path.ends_with(end.as_str()))
                && script
                    .body_contains
                    .as_ref()
                    .is_none_or(|part| text.contains(part));
            if !matches {
                continue;
            }
            *count += 1;
            if script.occurrence.hits(*count) {
                return Some(script.behaviour.clone());
            }
        }
        None
    }
}

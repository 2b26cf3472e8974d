//! A connection to one broker. Any number of requests may be in flight: the correlation id assigns
//! each answer to its request. A broker answers requests in the order in which they arrive.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiVersionsRequest, RequestHeader, ResponseHeader},
    protocol::{
        Decodable as _, HeaderVersion as _, Request, StrBytes, VersionRange,
        encode_request_header_into_buffer,
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{Error, task::Task};

/// How long a broker may take to accept a connection, or to answer a request that waits for
/// nothing.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);

/// The longest answer that the client accepts, in bytes. A fetch asks for far less, but a broker
/// sends a single batch whole, however large it is (KIP-74).
const LONGEST_ANSWER: u32 = 256 << 20;

/// How many unwritten requests the queue holds. While it is full, further callers wait.
const WAITING: usize = 64;

/// The client id that the broker sees unless the caller sets another.
pub(crate) const CLIENT_ID: &str = "kafka-client";

/// An open connection. It closes when it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    client_id: StrBytes,
    requests: mpsc::Sender<Waiting>,
    correlation: AtomicI32,
    versions: BTreeMap<i16, VersionRange>,
    task: Task,
}

/// A request that waits to be written.
struct Waiting {
    correlation: i32,
    frame: Bytes,
    answer: oneshot::Sender<Bytes>,
}

/// The callers that wait for an answer, by correlation id.
type Unanswered = Mutex<HashMap<i32, oneshot::Sender<Bytes>>>;

impl Connection {
    /// Connects, and asks the broker for the protocol versions that it supports (KIP-35).
    pub(crate) async fn open(address: &str, client_id: &str) -> Result<Self, Error> {
        let stream = match timeout(WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return Err(Error::Unreachable {
                    address: address.to_owned(),
                    reason: error.to_string(),
                });
            }
            Err(_) => {
                return Err(Error::TimedOut {
                    address: address.to_owned(),
                    after: WITHIN,
                });
            }
        };
        // Without `TCP_NODELAY` a small request can wait until the previous packet is acknowledged.
        // If the option cannot be set, requests are only slower.
        let _ = stream.set_nodelay(true);
        let (requests, waiting) = mpsc::channel(WAITING);
        let mut connection = Self {
            address: address.to_owned(),
            client_id: StrBytes::from_string(client_id.to_owned()),
            requests,
            correlation: AtomicI32::new(0),
            // Every broker understands version 0 of this request, and answers with the same content
            // in it.
            versions: [(ApiVersionsRequest::KEY, VersionRange { min: 0, max: 0 })].into(),
            task: Task::spawn(speak(stream, waiting)),
        };
        let answer = connection
            .ask(&ApiVersionsRequest::default(), 0..=0, WITHIN)
            .await?;
        crate::error::check(answer.error_code, || {
            "say which versions it speaks".to_owned()
        })?;
        let spoken = answer
            .api_keys
            .iter()
            .map(|api| (api.api_key, (api.min_version, api.max_version)));
        connection.versions = spoken
            .map(|(api, (min, max))| (api, VersionRange { min, max }))
            .collect();
        Ok(connection)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_over()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request in the newest of `versions` that the broker supports, and waits for the
    /// answer. A caller that stops waiting loses this answer and nothing else.
    pub(crate) async fn ask<R: Request>(
        &self,
        request: &R,
        versions: RangeInclusive<i16>,
        within: Duration,
    ) -> Result<R::Response, Error> {
        let version = self.newest::<R>(versions)?;
        let correlation = self.correlation.fetch_add(1, Ordering::Relaxed);
        let frame = self.frame(request, version, correlation)?;
        let (answer, answered) = oneshot::channel();
        let exchange = async {
            self.requests
                .send(Waiting {
                    correlation,
                    frame,
                    answer,
                })
                .await
                .map_err(|_| self.lost())?;
            answered.await.map_err(|_| self.lost())
        };
        let Ok(answer) = timeout(within, exchange).await else {
            // The broker hangs, so the next request must use a new connection.
            self.task.stop();
            return Err(Error::TimedOut {
                address: self.address.clone(),
                after: within,
            });
        };
        let mut answer = answer?;
        ResponseHeader::decode(&mut answer, R::Response::header_version(version))
            .and_then(|_| R::Response::decode(&mut answer, version))
            .map_err(|error| self.not_understood(&error))
    }

    /// Whether the broker supports this version of a request.
    pub(crate) fn speaks<R: Request>(&self, version: i16) -> bool {
        self.versions
            .get(&R::KEY)
            .is_some_and(|spoken| (spoken.min..=spoken.max).contains(&version))
    }

    fn newest<R: Request>(&self, wanted: RangeInclusive<i16>) -> Result<i16, Error> {
        let spoken = self.versions.get(&R::KEY);
        let version = spoken.map(|spoken| spoken.max.min(*wanted.end()));
        version
            .filter(|version| {
                wanted.contains(version) && spoken.is_some_and(|spoken| spoken.min <= *version)
            })
            .ok_or_else(|| {
                let spoken = spoken.map_or_else(
                    || "none".to_owned(),
                    |spoken| format!("{} to {}", spoken.min, spoken.max),
                );
                let what = format!(
                    "of the request with Kafka's number {} it speaks {spoken} and not {wanted:?}",
                    R::KEY
                );
                Error::Protocol {
                    address: self.address.clone(),
                    what,
                }
            })
    }

    fn frame<R: Request>(
        &self,
        request: &R,
        version: i16,
        correlation: i32,
    ) -> Result<Bytes, Error> {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(correlation)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::new();
        frame.put_u32(0);
        encode_request_header_into_buffer(&mut frame, &header)
            .and_then(|()| request.encode(&mut frame, version))
            .map_err(|error| self.not_understood(&error))?;
        let length = u32::try_from(frame.len() - 4).map_err(|error| self.not_understood(&error))?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        Ok(frame.freeze())
    }

    fn lost(&self) -> Error {
        Error::Unreachable {
            address: self.address.clone(),
            reason: "the connection was lost".to_owned(),
        }
    }

    fn not_understood(&self, what: &impl ToString) -> Error {
        Error::Protocol {
            address: self.address.clone(),
            what: what.to_string(),
        }
    }
}

/// Writes requests and reads answers until either fails. Then every waiting caller gets an error,
/// because its sender is dropped.
async fn speak(stream: TcpStream, waiting: mpsc::Receiver<Waiting>) {
    let (reading, writing) = stream.into_split();
    let unanswered = Unanswered::default();
    tokio::select! {
        () = write(writing, waiting, &unanswered) => {}
        () = read(reading, &unanswered) => {}
    }
}

async fn write(
    mut stream: OwnedWriteHalf,
    mut waiting: mpsc::Receiver<Waiting>,
    unanswered: &Unanswered,
) {
    while let Some(Waiting {
        correlation,
        frame,
        answer,
    }) = waiting.recv().await
    {
        unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(correlation, answer);
        if stream.write_all(&frame).await.is_err() {
            return;
        }
    }
}

/// Reads frames: a length of four bytes, then that many bytes. In every version the first four of
/// them are the correlation id.
async fn read(mut stream: OwnedReadHalf, unanswered: &Unanswered) {
    while let Ok(length @ 4..=LONGEST_ANSWER) = stream.read_u32().await {
        let mut frame = vec![0; length as usize];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        let correlation = i32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
        let waits = unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&correlation);
        match waits {
            // The caller may have stopped waiting.
            Some(waits) => drop(waits.send(Bytes::from(frame))),
            None => return,
        }
    }
}

/// One connection per broker, opened when it is first needed and reopened after it is lost.
#[derive(Debug)]
pub(crate) struct Pool {
    client_id: String,
    slots: Mutex<HashMap<String, Slot>>,
}

/// The lock is held while a connection opens, so that concurrent callers share one connection.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

impl Pool {
    pub(crate) fn new(client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            slots: Mutex::default(),
        }
    }

    pub(crate) async fn connection(&self, address: &str) -> Result<Arc<Connection>, Error> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(address.to_owned()).or_default())
        };
        let mut slot = slot.lock().await;
        if let Some(connection) = slot.as_ref().filter(|connection| connection.is_open()) {
            return Ok(Arc::clone(connection));
        }
        *slot = None;
        let connection = Arc::new(Connection::open(address, &self.client_id).await?);
        Ok(Arc::clone(slot.insert(connection)))
    }
}

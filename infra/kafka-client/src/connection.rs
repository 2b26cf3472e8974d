//! A connection to one broker. Any number of requests may be under way: an answer finds its request
//! by the correlation id. A broker answers in the order in which it was asked.

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

/// What a broker may take to accept a connection, and for an answer that waits for nothing.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes. A fetch asks for far less, but gets a single batch
/// whole however large it is (KIP-74).
const LONGEST_ANSWER: u32 = 256 << 20;

/// How many requests wait to be written before the next one waits too.
const WAITING: usize = 64;

/// What the broker is called where nothing else is said.
pub(crate) const CLIENT_ID: &str = "kafka-client";

/// A connection that is being spoken on. It closes when it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    client_id: StrBytes,
    requests: mpsc::Sender<Waiting>,
    correlation: AtomicI32,
    versions: BTreeMap<i16, VersionRange>,
    task: Task,
}

/// A request that is to be written.
struct Waiting {
    correlation: i32,
    frame: Bytes,
    answer: oneshot::Sender<Bytes>,
}

/// Who waits for which answer.
type Unanswered = Mutex<HashMap<i32, oneshot::Sender<Bytes>>>;

impl Connection {
    /// Connects, and asks which versions of the protocol the broker speaks (KIP-35).
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
        // Without it an answer waits for the next packet's acknowledgement; where it cannot be set,
        // it only waits.
        let _ = stream.set_nodelay(true);
        let (requests, waiting) = mpsc::channel(WAITING);
        let mut connection = Self {
            address: address.to_owned(),
            client_id: StrBytes::from_string(client_id.to_owned()),
            requests,
            correlation: AtomicI32::new(0),
            // Every broker answers version 0, and says the same in it.
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

    /// Asks in the newest of `versions` that the broker speaks, and awaits the answer. A caller
    /// that stops waiting loses the answer and no more.
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
            // The broker hangs: the next request is to come by a new connection.
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

    /// Whether the broker speaks this version of a request.
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

/// Writes and reads until either ends. All who wait hear of the end, for their senders go with it.
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

/// Reads frames: a length of four bytes, and as many bytes, of which the first four are the
/// correlation id in every version.
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
            // Who asked may be gone.
            Some(waits) => drop(waits.send(Bytes::from(frame))),
            None => return,
        }
    }
}

/// One connection for each broker, made when it is needed, and made again when it was lost.
#[derive(Debug)]
pub(crate) struct Pool {
    client_id: String,
    slots: Mutex<HashMap<String, Slot>>,
}

/// Its lock is held while a connection is made, so that one is made and not many.
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

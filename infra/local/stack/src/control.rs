//! The control port of `make up`: another process puts the faults in, and takes them out, that no
//! API of AWS or Kafka has. `studio-local break` and `mend` use it.
//!
//! It answers programs of this user on loopback, and no page of a browser:
//! `PUT /faults/<NAME>` puts a fault in, `DELETE /faults/<NAME>` takes it out. Both may be repeated.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum as _;
use fault_proxy::{Action, Fault as Call, Matches, Occurrence, Proxy};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use local_gate::Refused;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{self, JoinHandle, JoinSet};
use vendor_sandbox::{Refusal, Sandbox, Script, Vendor, refusal};

use crate::gameday::fault::Fault;

/// The control port. Dropping it closes the port, and removes its file.
#[derive(Debug)]
pub struct Control {
    file: PathBuf,
    accepting: JoinHandle<()>,
}

/// What the port has to do with, and what it has put in.
#[derive(Debug)]
struct Shared {
    proxy: Arc<Proxy>,
    sandbox: Arc<Sandbox>,
    broken: Mutex<BTreeSet<Fault>>,
}

/// The file that has the address of the control port of the stack that wrote `env`.
#[must_use]
pub fn control_file(env: &Path) -> PathBuf {
    env.with_extension("control")
}

impl Control {
    /// Listens on a free port on loopback, and writes its address beside `env`.
    ///
    /// # Errors
    /// There is no port, or the file cannot be written.
    pub async fn start(proxy: Arc<Proxy>, sandbox: Arc<Sandbox>, env: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let file = control_file(env);
        fs::write(&file, format!("{address}\n"))?;
        let shared = Arc::new(Shared {
            proxy,
            sandbox,
            broken: Mutex::default(),
        });
        Ok(Self {
            file,
            accepting: tokio::spawn(accept(listener, address, shared)),
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.accepting.abort();
        // If the deletion fails, the file names a port that no longer answers, which is harmless.
        let _ = fs::remove_file(&self.file);
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    // The connections are owned here, so that they end with the port.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, address, Arc::clone(&shared)));
                }
                // Out of file descriptors, or the client left: neither ends the port.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, address: SocketAddr, shared: Arc<Shared>) {
    let looked = task::spawn_blocking(move || local_gate::admit_connection(peer, address));
    let connection = looked.await.unwrap_or(Err(Refused::User));
    let service = service_fn(|request: Request<Incoming>| {
        let admitted = connection.and_then(|()| local_gate::admit_program(request.headers()));
        let (status, said) = match admitted {
            Ok(()) => shared.take(request.method(), request.uri().path()),
            Err(refused) => (StatusCode::FORBIDDEN, refused.to_string()),
        };
        let mut answer = Response::new(Full::new(Bytes::from(said)));
        *answer.status_mut() = status;
        async move { Ok::<_, Infallible>(answer) }
    });
    // A client may disconnect at any time.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Shared {
    /// Carries a request out: the status and the text of the answer.
    fn take(&self, method: &Method, path: &str) -> (StatusCode, String) {
        let named = path
            .strip_prefix("/faults/")
            .and_then(|name| Fault::from_str(name, false).ok())
            .filter(|fault| is_switched_here(*fault));
        let Some(fault) = named else {
            return (
                StatusCode::NOT_FOUND,
                format!("the control port has no {path}"),
            );
        };
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        match *method {
            Method::PUT => broken.insert(fault),
            Method::DELETE => broken.remove(&fault),
            _ => {
                return (
                    StatusCode::METHOD_NOT_ALLOWED,
                    "PUT puts a fault in, DELETE takes it out".to_owned(),
                );
            }
        };
        // The proxy and the sandbox take out all of their faults at once.
        self.proxy.heal();
        self.sandbox.heal();
        for fault in &*broken {
            for call in calls(*fault) {
                self.proxy.inject(call);
            }
            for script in scripts(*fault) {
                self.sandbox.script(script);
            }
        }
        (StatusCode::OK, String::new())
    }
}

/// Whether the proxy or the sandbox makes the fault.
#[must_use]
pub fn is_switched_here(fault: Fault) -> bool {
    !calls(fault).is_empty() || !scripts(fault).is_empty()
}

/// What the proxy does for a fault.
fn calls(fault: Fault) -> Vec<Call> {
    let every = |service: &str, status: u16, error: &str| {
        vec![Call {
            matches: Matches {
                service: Some(service.to_owned()),
                occurrence: Occurrence::Every,
                ..Matches::default()
            },
            action: Action::Fail {
                status,
                error: error.to_owned(),
            },
        }]
    };
    match fault {
        Fault::StorageAway => every("s3", 503, "SlowDown"),
        Fault::TableAway => every("dynamodb", 500, "InternalServerError"),
        _ => Vec::new(),
    }
}

/// What the sandbox does for a fault.
fn scripts(fault: Fault) -> Vec<Script> {
    let why = match fault {
        Fault::VendorKeyRevoked => Refusal::Auth,
        Fault::VendorsAway => Refusal::Unavailable,
        _ => return Vec::new(),
    };
    Vendor::ALL
        .into_iter()
        .filter_map(|vendor| {
            Some(Script {
                vendor,
                method: None,
                path_ends: None,
                body_contains: None,
                occurrence: Occurrence::Every,
                behaviour: refusal(vendor, why)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use fault_proxy::Admission;

    use super::*;

    async fn shared() -> Shared {
        let admission = Admission {
            key_ending: "KEY".to_owned(),
            secret_paths: "/secret/",
        };
        Shared {
            proxy: Arc::new(Proxy::start(None, admission).await.expect("a port")),
            sandbox: Arc::new(Sandbox::start().await.expect("a port")),
            broken: Mutex::default(),
        }
    }

    #[tokio::test]
    async fn a_fault_that_is_taken_out_leaves_the_others_in() {
        let shared = shared().await;
        let ok = StatusCode::OK;
        assert_eq!(shared.take(&Method::PUT, "/faults/storage-away").0, ok);
        assert_eq!(shared.take(&Method::PUT, "/faults/table-away").0, ok);
        assert_eq!(shared.take(&Method::DELETE, "/faults/storage-away").0, ok);
        // Repeating it changes nothing.
        assert_eq!(shared.take(&Method::DELETE, "/faults/storage-away").0, ok);
        let broken = shared.broken.lock().expect("not poisoned");
        assert_eq!(*broken, BTreeSet::from([Fault::TableAway]));
    }

    #[tokio::test]
    async fn a_fault_of_another_place_is_refused_by_name() {
        let shared = shared().await;
        for path in ["/faults/mapping-disabled", "/faults/x", "/", "/faults/"] {
            let (status, said) = shared.take(&Method::PUT, path);
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(said.contains(path), "{said}");
        }
        let (status, _) = shared.take(&Method::GET, "/faults/table-away");
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn every_vendor_that_can_refuse_a_key_does() {
        assert_eq!(scripts(Fault::VendorKeyRevoked).len(), Vendor::ALL.len());
        assert_eq!(scripts(Fault::VendorsAway).len(), Vendor::ALL.len());
    }
}

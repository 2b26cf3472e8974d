//! The connector of the proxy's client: every connection goes to one Unix socket. No page in a
//! browser can reach it, and no other user, if it is in a folder of ours.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tower_service::Service;

/// Connects to the socket, whatever the address of a request is. Clones have the same socket.
#[derive(Debug, Clone, Default)]
pub(super) struct Connector {
    socket: Arc<OnceLock<PathBuf>>,
}

impl Connector {
    /// Sets the socket. Only the first call has an effect.
    pub(super) fn connect_to(&self, socket: PathBuf) {
        let _ = self.socket.set(socket);
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<UnixStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let socket = Arc::clone(&self.socket);
        Box::pin(async move {
            let socket = socket
                .get()
                .ok_or_else(|| io::Error::other("the proxy has no target yet"))?;
            loop {
                match UnixStream::connect(socket).await {
                    // The target has many connections to accept. With TCP the kernel would wait.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    connected => return connected.map(TokioIo::new),
                }
            }
        })
    }
}

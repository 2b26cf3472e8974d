//! Serves the assets bucket over HTTP, as a content delivery network does on AWS, so that an
//! `outputUrl` of the local stack can be opened. As there, a page may show a file whose address it
//! knows; other users of this machine may not.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use local_gate::{Refused, admit_connection, admit_host};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use crate::ports::is_free;

/// The server of the assets. It closes when it is dropped.
#[derive(Debug)]
pub struct Assets {
    address: SocketAddr,
    listener: Option<TcpListener>,
    serving: Option<JoinHandle<()>>,
}

impl Assets {
    /// Binds a loopback port before the bucket exists, because the stack must know its own URLs
    /// when it is deployed: `port` if it is free, or else any free one.
    pub async fn bind(port: Option<u16>) -> io::Result<Self> {
        let port = port.filter(|port| is_free(*port)).unwrap_or(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener: Some(listener),
            serving: None,
        })
    }

    /// The beginning of the URLs.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts to serve the objects of a bucket.
    pub fn serve(&mut self, s3: aws_sdk_s3::Client, bucket: String) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        let address = self.address;
        self.serving = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    // Out of file descriptors, or the client left: neither ends the server.
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                };
                let (s3, bucket) = (s3.clone(), bucket.clone());
                connections.spawn(async move {
                    let looked = spawn_blocking(move || admit_connection(peer, address));
                    let connection = looked.await.unwrap_or(Err(Refused::User));
                    let service = service_fn(|request| answer(request, connection, &s3, &bucket));
                    let connection = hyper::server::conn::http1::Builder::new();
                    // A client may disconnect at any time.
                    let _ = connection
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
                while connections.try_join_next().is_some() {}
            }
        }));
    }
}

impl Drop for Assets {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// Answers a request. `connection` says whether its connection may be answered at all.
async fn answer(
    request: Request<Incoming>,
    connection: Result<(), Refused>,
    s3: &aws_sdk_s3::Client,
    bucket: &str,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = |status| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        response
    };
    if connection.is_err() || admit_host(request.headers()).is_err() {
        return Ok(status(StatusCode::FORBIDDEN));
    }
    if request.method() != Method::GET {
        return Ok(status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let key = request.uri().path().trim_start_matches('/');
    // A CDN serves no other folder: the texts for voices' owners are beside it.
    if !key.starts_with("renders/") {
        return Ok(status(StatusCode::NOT_FOUND));
    }
    let Ok(object) = s3.get_object().bucket(bucket).key(key).send().await else {
        return Ok(status(StatusCode::NOT_FOUND));
    };
    let content_type = object
        .content_type()
        .and_then(|value| HeaderValue::from_str(value).ok());
    let Ok(body) = object.body.collect().await else {
        return Ok(status(StatusCode::BAD_GATEWAY));
    };
    let mut response = Response::new(Full::new(body.into_bytes()));
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(response)
}

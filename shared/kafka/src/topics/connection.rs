//! A connection to one broker, in Kafka's own protocol. librdkafka's client for administrators has
//! no place for a token: rdkafka asks for one only where a producer or a consumer is polled, so on
//! MSK it would be refused.

use std::{io, sync::Arc, time::Duration};

use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    error::ParseResponseErrorCode as _,
    messages::{RequestHeader, ResponseHeader, SaslAuthenticateRequest, SaslHandshakeRequest},
    protocol::{
        Decodable as _, HeaderVersion as _, Request, StrBytes, encode_request_header_into_buffer,
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{self, ClientConfig, crypto::aws_lc_rs, pki_types::ServerName},
};
use tokio_util::either::Either;

use runtime::{AMAZON_ROOTS, RootsError, chain, parse_roots};

use crate::{Authentication, authentication::token};

/// What a broker may take to let us in, and for each answer.
const WITHIN: Duration = Duration::from_secs(20);

/// The longest answer that is read. What a broker says of eleven topics is a few thousand bytes.
const LONGEST_ANSWER: u32 = 4 << 20;

/// A broker that knows us.
pub(super) struct Connection {
    stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    requests: i32,
}

/// Why a broker did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// It cannot be reached, or went away.
    #[error("speaking to it")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("it did not answer within {} s", WITHIN.as_secs())]
    TimedOut,
    /// What it should be known by is not as it should be.
    #[error("reading the certificates that the brokers' own chain to")]
    Roots(#[from] RootsError),
    /// It shows another certificate than one that a known one stands behind, or none.
    #[error("setting up TLS")]
    Tls(#[from] rustls::Error),
    /// Its address has no name.
    #[error("`{0}` is not host:port")]
    Address(String),
    /// There is no token to show to it.
    #[error("the function could not sign an IAM token for it: {0}")]
    NoToken(String),
    /// It does not take the token.
    #[error(
        "it refused the function's IAM token, so look whether the function's role may kafka-cluster:Connect to this cluster and whether \
         its clock is right: {0}"
    )]
    Refused(String),
    /// What it says is not Kafka's protocol, or not a version of it that both know.
    #[error("it answers what is not understood: {0}")]
    Protocol(String),
}

impl ConnectionError {
    /// Whether another try may succeed. A broker that refuses the token, or shows a certificate that
    /// no known one stands behind, does so until an operator changes something, or until the grant of
    /// a new role is known everywhere.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Io(error) => !is_of_a_certificate(error),
            Self::TimedOut | Self::NoToken(_) => true,
            Self::Roots(_)
            | Self::Tls(_)
            | Self::Address(_)
            | Self::Refused(_)
            | Self::Protocol(_) => false,
        }
    }
}

/// Whether TLS ended because of the broker's certificate.
fn is_of_a_certificate(error: &io::Error) -> bool {
    let tls = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

impl Connection {
    /// Connects, and proves who we are.
    pub(super) async fn open(
        address: &str,
        authentication: &Authentication,
        credentials: Option<&SharedCredentialsProvider>,
    ) -> Result<Self, ConnectionError> {
        timeout(
            WITHIN,
            Self::open_slowly(address, authentication, credentials),
        )
        .await
        .unwrap_or(Err(ConnectionError::TimedOut))
    }

    async fn open_slowly(
        address: &str,
        authentication: &Authentication,
        credentials: Option<&SharedCredentialsProvider>,
    ) -> Result<Self, ConnectionError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match authentication {
            Authentication::None => Ok(Self {
                stream: Either::Left(stream),
                requests: 0,
            }),
            Authentication::Iam { region, roots } => {
                let host = address
                    .rsplit_once(':')
                    .map_or(address, |(host, _)| host)
                    .to_owned();
                let name = ServerName::try_from(host)
                    .map_err(|_| ConnectionError::Address(address.to_owned()))?;
                let connector =
                    TlsConnector::from(Arc::new(tls(roots.as_deref().unwrap_or(AMAZON_ROOTS))?));
                let stream = Either::Right(Box::new(connector.connect(name, stream).await?));
                let credentials = credentials
                    .ok_or_else(|| ConnectionError::NoToken("it has no credentials".into()))?;
                let token = token(credentials, region.clone()).await;
                let token = token
                    .map_err(|error| ConnectionError::NoToken(chain(&*error)))?
                    .token;
                let mut connection = Self {
                    stream,
                    requests: 0,
                };
                connection.show(&token).await?;
                Ok(connection)
            }
        }
    }

    /// Shows the token (RFC 7628). A broker that does not like it says why only after a dummy 0x01
    /// reply.
    async fn show(&mut self, token: &str) -> Result<(), ConnectionError> {
        let handshake = SaslHandshakeRequest::default()
            .with_mechanism(StrBytes::from_static_str("OAUTHBEARER"));
        let answer = self.ask(&handshake, 1).await?;
        if answer.error_code.is_err() {
            let known: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
            return Err(ConnectionError::Refused(format!(
                "it knows no OAUTHBEARER, only {}",
                known.join(", ")
            )));
        }
        let mut said = Bytes::from(format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}"));
        loop {
            let answer = self
                .ask(&SaslAuthenticateRequest::default().with_auth_bytes(said), 1)
                .await?;
            if let Some(error) = answer.error_code.err() {
                let message = answer
                    .error_message
                    .map_or_else(|| error.to_string(), |message| message.to_string());
                return Err(ConnectionError::Refused(message));
            }
            if answer.auth_bytes.is_empty() {
                return Ok(());
            }
            said = Bytes::from_static(b"\x01");
        }
    }

    /// Asks in a version of the protocol, and awaits the answer.
    pub(super) async fn ask<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, ConnectionError> {
        timeout(WITHIN, self.ask_slowly(request, version))
            .await
            .unwrap_or(Err(ConnectionError::TimedOut))
    }

    async fn ask_slowly<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, ConnectionError> {
        self.requests += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.requests)
            .with_client_id(Some(StrBytes::from_static_str("studio")));
        let not_understood = |error: &dyn ToString| ConnectionError::Protocol(error.to_string());
        let mut bytes = BytesMut::new();
        encode_request_header_into_buffer(&mut bytes, &header)
            .map_err(|error| not_understood(&error))?;
        request
            .encode(&mut bytes, version)
            .map_err(|error| not_understood(&error))?;
        let length = u32::try_from(bytes.len()).map_err(|error| not_understood(&error))?;
        self.stream.write_u32(length).await?;
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await?;

        let length = self.stream.read_u32().await?;
        if length > LONGEST_ANSWER {
            return Err(ConnectionError::Protocol(format!(
                "an answer of {length} bytes"
            )));
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|error| not_understood(&error))?];
        self.stream.read_exact(&mut bytes).await?;
        let mut bytes = Bytes::from(bytes);
        let header = ResponseHeader::decode(&mut bytes, R::Response::header_version(version))
            .map_err(|error| not_understood(&error))?;
        if header.correlation_id != self.requests {
            return Err(ConnectionError::Protocol(
                "the answer to another request".to_owned(),
            ));
        }
        R::Response::decode(&mut bytes, version).map_err(|error| not_understood(&error))
    }
}

fn tls(roots: &str) -> Result<ClientConfig, ConnectionError> {
    let store = parse_roots(roots)?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(config
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth())
}

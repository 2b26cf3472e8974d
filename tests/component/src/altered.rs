//! A client whose answers a test alters on their way. The emulator has capacity for everything, and
//! DynamoDB says in its answers what it had none for.

use std::{fmt, sync::Arc};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
        http_client_fn,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::Value;

use crate::world::http;

/// What a test makes of the answer to an operation.
type Alter = dyn Fn(&str, &mut Value) + Send + Sync;

/// A client whose answers are altered by `alter`, which is told the operation.
pub fn altered(alter: impl Fn(&str, &mut Value) + Send + Sync + 'static) -> SharedHttpClient {
    let client = http();
    let alter: Arc<Alter> = Arc::new(alter);
    http_client_fn(move |settings, components| {
        SharedHttpConnector::new(Altered {
            connector: client.http_connector(settings, components),
            alter: Arc::clone(&alter),
        })
    })
}

struct Altered {
    connector: SharedHttpConnector,
    alter: Arc<Alter>,
}

impl fmt::Debug for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Altered").finish_non_exhaustive()
    }
}

impl HttpConnector for Altered {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let answered = self.connector.call(request);
        let alter = Arc::clone(&self.alter);
        HttpConnectorFuture::new(async move {
            let mut answer = answered.await?;
            let body = ByteStream::new(answer.take_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?;
            let mut json: Value = serde_json::from_slice(&body.into_bytes())
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            alter(&operation, &mut json);
            // They are those of the answer as it was.
            answer.headers_mut().remove("content-length");
            answer.headers_mut().remove("x-amz-crc32");
            *answer.body_mut() = SdkBody::from(json.to_string());
            Ok(answer)
        })
    }
}

//! The whole local stack: broker, proxy, emulator, the deployed template, and pollers for its
//! mappings.

use std::io;
use std::time::Duration;

use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use contract::Topic;
use hyper::body::Bytes;
use kafka_client::{Message, Published};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::assets::Assets;
use crate::broker::{self, Broker, Iam, RunningBroker};
use crate::checkout::Checkout;
use crate::clients::Clients;
use crate::deploy::{self, Outputs, Parameters, Providers, STACK, Sources};
use crate::emulator::{self, Emulator};
use crate::mapping::{self, Mapping, Poller, Report};
use crate::proxy::Proxy;
use crate::sandbox::Sandbox;

/// How to start a stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the template, the functions and the emulator are.
    pub checkout: Checkout,
    /// The broker to use.
    pub broker: Broker,
    /// The broker's port. `None` chooses a free one.
    pub broker_port: Option<u16>,
    /// Whether the functions reach Apache Kafka through a line of their own, which can be slowed
    /// down and cut.
    pub line: bool,
    /// How Apache Kafka authenticates the functions, if it does. It then behaves towards them as
    /// MSK does.
    pub iam: Option<Iam>,
    /// The port for AWS, which is the proxy's. `None` chooses a free one.
    pub aws_port: Option<u16>,
    /// How long a render may take before the sweep checks it.
    pub render_deadline: Duration,
    /// How many steps of renders may run at once. Each is a process, and they share this machine's
    /// processors.
    pub completion_concurrency: u32,
    /// The factor for Step Functions' waits: 1 is as on AWS, 0 skips them.
    pub wait_scale: f64,
    /// The providers. The sandbox plays the vendors.
    pub providers: Providers,
    /// More settings of the vendors, which take precedence over the sandbox's: an object per
    /// vendor.
    pub provider_settings: serde_json::Value,
    /// Whether the mappings are polled. If not, the caller invokes the functions.
    pub poll: bool,
    /// The base address of a collector that accepts spans over OTLP and plain HTTP; empty for no
    /// spans.
    pub otlp_endpoint: String,
}

impl Options {
    /// The default options for a checkout.
    #[must_use]
    pub fn new(checkout: Checkout) -> Self {
        Self {
            checkout,
            broker: Broker::Embedded,
            broker_port: None,
            line: false,
            iam: None,
            aws_port: None,
            render_deadline: Duration::from_secs(900),
            completion_concurrency: 4,
            wait_scale: 1.0,
            providers: Providers::default(),
            provider_settings: serde_json::Value::Null,
            poll: true,
            otlp_endpoint: String::new(),
        }
    }
}

/// A running stack. Dropping it stops everything; `stop` also lets the mappings finish their work
/// first.
#[derive(Debug)]
pub struct Stack {
    /// The outputs of the deployed stack.
    pub outputs: Outputs,
    /// Clients of the emulator that bypass the proxy.
    pub clients: Clients,
    /// The mappings of the deployed stack.
    pub mappings: Vec<Mapping>,
    /// The proxy through which the functions' calls go.
    pub proxy: Proxy,
    /// The broker. Apache Kafka can be killed and restarted.
    pub broker: RunningBroker,
    /// The mappings' reports of what they do.
    pub reports: UnboundedReceiver<Report>,
    /// The media vendors' sandbox.
    pub sandbox: Sandbox,
    /// The emulator.
    pub emulator: Emulator,
    pollers: Vec<Poller>,
    // Last, because it only has to be closed.
    _assets: Assets,
}

/// Why there is no stack, or why a record was not published to it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port or a file was not available.
    #[error("the local stack could not be started")]
    Start(#[from] io::Error),
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// The emulator failed.
    #[error(transparent)]
    Emulator(#[from] emulator::Error),
    /// The deployment failed.
    #[error(transparent)]
    Deploy(#[from] deploy::Error),
    /// The mappings cannot be read or polled.
    #[error("the event source mappings of the stack cannot be polled")]
    Mapping(#[from] mapping::Error),
    /// The operator function failed.
    #[error("invoking the operator function: {0}")]
    Operator(String),
    /// A record was not published.
    #[error("the record could not be published to {topic}")]
    Publish {
        /// The topic.
        topic: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
}

impl Stack {
    /// Starts everything and deploys the template. Returns once events can be published.
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let checkout = &options.checkout;
        let proxy = Proxy::start(options.aws_port).await?;
        let mut assets = Assets::bind().await?;
        let sandbox = Sandbox::start().await?;
        let emulator = emulator::Options {
            venv: checkout.venv.clone(),
            port: None,
            functions_endpoint: proxy.address(),
            wait_scale: options.wait_scale,
        };
        let broker = broker::Options {
            port: options.broker_port,
            pom: checkout.apache_kafka_pom(),
            installed: checkout.apache_kafka(),
            line: options.line,
            iam: options.iam.clone(),
        };
        // On Apache Kafka the deployment creates the studio's own topics, as on AWS; the topics
        // that the studio reads belong to other teams. With IAM it cannot, because the broker does
        // not know the functions' credentials yet.
        let makes_topics = matches!(options.broker, Broker::Apache) && options.iam.is_none();
        let topics = Topic::ALL
            .into_iter()
            .filter(|topic| topic.is_consumed() || !makes_topics)
            .map(Topic::as_str);
        let topics: Vec<&str> = topics.collect();
        let (emulator, broker) = tokio::try_join!(
            async { Ok::<_, Error>(Emulator::start(&emulator).await?) },
            async {
                let broker = options.broker.start(&broker).await?;
                broker.create_topics(&topics).await?;
                Ok(broker)
            }
        )?;
        proxy.forward_to(emulator.address());

        let clients = Clients::of(emulator.address());
        let sources = Sources {
            template: checkout.template(),
            binaries: checkout.binaries.clone(),
            functions: checkout.functions(),
        };
        let roots = broker.iam().map_or("", |(_, roots)| roots);
        let parameters = Parameters {
            bootstrap_servers: broker.bootstrap_of_functions(),
            authentication: if broker.iam().is_some() {
                "iam"
            } else {
                "none"
            },
            roots: roots.to_owned(),
            makes_topics: makes_topics.then_some(broker::PARTITIONS.unsigned_abs()),
            asset_base_url: assets.base_url(),
            render_deadline: options.render_deadline,
            completion_concurrency: options.completion_concurrency,
            providers: options.providers.clone(),
            provider_settings: over(sandbox.settings(), &options.provider_settings).to_string(),
            otlp_endpoint: options.otlp_endpoint.clone(),
        };
        let outputs = deploy::deploy(&clients, &sources, &parameters).await?;
        sandbox.use_s3(clients.s3.clone());
        assets.serve(clients.s3.clone(), outputs.assets_bucket_name.clone());

        let mappings = mapping::read_mappings(&clients.aws, &clients.lambda, STACK).await?;
        let (sender, reports) = mpsc::unbounded_channel();
        let mut pollers = Vec::new();
        for mapping in mappings.iter().filter(|_| options.poll) {
            let sources = mapping::Sources {
                cluster: broker.cluster().clone(),
                bootstrap: broker.bootstrap().to_owned(),
                lambda: clients.lambda.clone(),
                s3: clients.s3.clone(),
            };
            pollers.push(Poller::start(mapping.clone(), sources, sender.clone())?);
        }
        Ok(Self {
            outputs,
            clients,
            mappings,
            proxy,
            broker,
            reports,
            sandbox,
            emulator,
            pollers,
            _assets: assets,
        })
    }

    /// The ARN of the function that consumes `topic`, if there is one.
    #[must_use]
    pub fn consumer(&self, topic: Topic) -> Option<&str> {
        let mapping = self
            .mappings
            .iter()
            .find(|mapping| mapping.topic == topic.as_str())?;
        Some(&mapping.function)
    }

    /// Publishes a record, and waits until the broker has it. Without a value it is a tombstone.
    pub async fn publish(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> Result<Published, Error> {
        let published = self
            .broker
            .cluster()
            .publish(message(topic, key, value, headers))
            .await;
        published.map_err(|source| Error::Publish {
            topic: topic.to_owned(),
            source,
        })
    }

    /// Invokes the operator function as a schedule on AWS does every five minutes: it gathers the
    /// on-failure envelopes, and counts the dead letters that wait.
    ///
    /// # Errors
    /// [`Error::Operator`] if the function fails.
    pub async fn gather(&self) -> Result<(), Error> {
        let gather = Blob::new(json!({ "step": "gather" }).to_string());
        let invoke = self
            .clients
            .lambda
            .invoke()
            .function_name(&self.outputs.operator_function_name)
            .payload(gather);
        let invoked = invoke
            .send()
            .await
            .map_err(|error| Error::Operator(DisplayErrorContext(error).to_string()))?;
        match invoked.function_error() {
            None => Ok(()),
            Some(_) => {
                let payload = invoked
                    .payload()
                    .map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned());
                Err(Error::Operator(payload.unwrap_or_default()))
            }
        }
    }

    /// Lets the mappings finish their work, then stops everything.
    pub async fn stop(self) {
        for poller in self.pollers {
            poller.stop().await;
        }
        self.emulator.stop();
    }
}

/// A record as a neighbouring team publishes it. Without a value it is a tombstone.
pub(crate) fn message(
    topic: &str,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(&str, Option<&[u8]>)],
) -> Message {
    let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.map(bytes)));
    Message {
        topic: topic.to_owned(),
        key: key.map(bytes),
        value: value.map(bytes),
        headers: headers.collect(),
        ..Message::default()
    }
}

/// `settings`, with the vendors' settings from `more` on top.
fn over(mut settings: serde_json::Value, more: &serde_json::Value) -> serde_json::Value {
    for (vendor, own) in more.as_object().into_iter().flatten() {
        for (name, value) in own.as_object().into_iter().flatten() {
            settings[vendor][name] = value.clone();
        }
    }
    settings
}

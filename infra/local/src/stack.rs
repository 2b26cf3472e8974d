//! The whole local stack: broker, proxy, emulator, the deployed template, and the mappings that it
//! asks for.

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
    /// Which broker.
    pub broker: Broker,
    /// A free port for the broker, or one that is found.
    pub broker_port: Option<u16>,
    /// Whether the functions reach Apache Kafka by a line of their own, which can be slow, and cut.
    pub line: bool,
    /// How Apache Kafka knows the functions, if it does: they then meet it as they meet MSK.
    pub iam: Option<Iam>,
    /// A free port for AWS (which is the proxy's), or one that is found.
    pub aws_port: Option<u16>,
    /// How long a render may take before the sweep looks after it.
    pub render_deadline: Duration,
    /// How many steps of renders are taken at once: each is a process, and they share this
    /// machine's processors.
    pub completion_concurrency: u32,
    /// What Step Functions multiplies its waits by: 1 is as on AWS, 0 skips them.
    pub wait_scale: f64,
    /// Who makes what; vendors are the sandbox's.
    pub providers: Providers,
    /// Settings of the vendors over the sandbox's addresses: an object for each vendor.
    pub provider_settings: serde_json::Value,
    /// Whether the mappings are polled. Without, whoever started the stack invokes the functions.
    pub poll: bool,
    /// The base of a collector's address that takes spans over OTLP and plain HTTP; empty for no
    /// spans.
    pub otlp_endpoint: String,
}

impl Options {
    /// The defaults, for a checkout.
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

/// A running stack. All of it stops when it is dropped; `stop` also lets the mappings finish what
/// they do.
#[derive(Debug)]
pub struct Stack {
    /// What the deployed stack says of itself.
    pub outputs: Outputs,
    /// Clients of the emulator, past the proxy.
    pub clients: Clients,
    /// The mappings of the deployed stack.
    pub mappings: Vec<Mapping>,
    /// What the functions' calls go through.
    pub proxy: Proxy,
    /// The broker, to be killed and restarted if it is Apache Kafka.
    pub broker: RunningBroker,
    /// What the mappings do, as they do it.
    pub reports: UnboundedReceiver<Report>,
    /// The media vendors.
    pub sandbox: Sandbox,
    /// The emulator.
    pub emulator: Emulator,
    pollers: Vec<Poller>,
    // Last: it is only closed.
    _assets: Assets,
}

/// Why there is no stack, or why a record is not on it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port or a file could not be had.
    #[error("the local stack could not be started")]
    Start(#[from] io::Error),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// The emulator.
    #[error(transparent)]
    Emulator(#[from] emulator::Error),
    /// The deployment.
    #[error(transparent)]
    Deploy(#[from] deploy::Error),
    /// The mappings.
    #[error("the event source mappings of the stack cannot be polled")]
    Mapping(#[from] mapping::Error),
    /// The operator function did not count what waits.
    #[error("invoking the operator function: {0}")]
    Operator(String),
    /// A record was not taken.
    #[error("the record could not be published to {topic}")]
    Publish {
        /// Where to.
        topic: String,
        /// Why not.
        #[source]
        source: kafka_client::Error,
    },
}

impl Stack {
    /// Starts everything and deploys; returns when events can be published.
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
        // On Apache Kafka the deployment makes the studio's own topics, as it does on AWS; those it
        // reads are other teams'. Brokers that know nobody yet would refuse it.
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

    /// The ARN of the function that consumes `topic`, if one does.
    #[must_use]
    pub fn consumer(&self, topic: Topic) -> Option<&str> {
        let mapping = self
            .mappings
            .iter()
            .find(|mapping| mapping.topic == topic.as_str())?;
        Some(&mapping.function)
    }

    /// Publishes a record and waits until the broker has it. No value is a tombstone.
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

    /// Has the operator function do what a schedule has it do on AWS every five minutes: gather the
    /// on-failure envelopes, and count what waits.
    ///
    /// # Errors
    /// [`Error::Operator`] if it fails.
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

    /// Lets the mappings finish what they do, then stops everything.
    pub async fn stop(self) {
        for poller in self.pollers {
            poller.stop().await;
        }
        self.emulator.stop();
    }
}

/// A record as a neighbour of the studio's publishes it. No value is a tombstone.
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

/// `settings` with what `more` says of each vendor besides.
fn over(mut settings: serde_json::Value, more: &serde_json::Value) -> serde_json::Value {
    for (vendor, own) in more.as_object().into_iter().flatten() {
        for (name, value) in own.as_object().into_iter().flatten() {
            settings[vendor][name] = value.clone();
        }
    }
    settings
}

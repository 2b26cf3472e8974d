//! The whole local stack: broker, proxy, emulator, the deployed template, and pollers for its
//! mappings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use contract::Topic;
use fault_proxy::Proxy;
use hyper::body::Bytes;
use kafka_client::{Message, Published, Record};
use poller::{Mapping, Report};
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use vendor_sandbox::Sandbox;

use crate::assets::Assets;
use crate::bare::Bare;
use crate::broker::{self, Broker, Iam, RunningBroker};
use crate::checkout::Checkout;
use crate::clients::Clients;
use crate::deploy::{self, Outputs, Parameters, Providers, STACK, Sources};
use crate::emulator::{Emulator, Pace, Transport};
use crate::kept::{Parts, assets_port, restore, save};
use crate::polling::{Polling, Reports};
use crate::queues::Queues;
use crate::schedules;

pub use crate::error::Error;

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
    /// The ARN of the CloudFront distribution that serves the assets; empty for none.
    pub asset_distribution_arn: String,
    /// Whether teams are told of failed jobs by webhook.
    pub webhooks: bool,
    /// The event bus that gets an event for each failed job; empty for none.
    pub notices_event_bus: String,
    /// How long a render may take before the sweep checks it.
    pub render_deadline: Duration,
    /// How many steps of renders may run at once. Each is a process, and they share this machine's
    /// processors.
    pub completion_concurrency: u32,
    /// How many batches of the queue may be rendered at once, at least 2.
    pub render_concurrency: u32,
    /// How long after a failed invocation the queue's messages come again: whole seconds.
    pub render_visibility: Duration,
    /// How long a picture is tried again while what it needs is away: whole seconds.
    pub render_patience: Duration,
    /// How many jobs of one tenant may wait for vendors or be made by them; 0 for any number.
    pub most_open_jobs: u32,
    /// How long a job waits for vendors that are all in trouble: whole seconds.
    pub vendor_patience: Duration,
    /// The factor for Step Functions' waits: 1 is as on AWS, 0 skips them.
    pub wait_scale: f64,
    /// How often alarms are evaluated. CloudWatch does it every minute.
    pub alarms_every: Duration,
    /// The providers. The sandbox plays the vendors.
    pub providers: Providers,
    /// More settings of the vendors, which take precedence over the sandbox's: an object per
    /// vendor.
    pub provider_settings: serde_json::Value,
    /// Whether the mappings are polled. If not, the caller invokes the functions, and messages stay in
    /// the queues until they are released.
    pub poll: bool,
    /// Whether the schedules run, as on AWS. If not, the caller invokes what they would.
    pub schedules: bool,
    /// The base address of a collector that accepts spans over OTLP and plain HTTP; empty for no
    /// spans.
    pub otlp_endpoint: String,
    /// The lowest level that the functions log, from `TRACE` to `ERROR`.
    pub log_level: &'static str,
    /// The folder with what an earlier stack kept, which [`Stack::stop_and_keep`] writes.
    pub kept: Option<PathBuf>,
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
            asset_distribution_arn: String::new(),
            webhooks: false,
            notices_event_bus: String::new(),
            render_deadline: Duration::from_secs(900),
            completion_concurrency: 4,
            render_concurrency: 4,
            // On AWS it is longer than the function may run. Here the poller hides a message while
            // its invocation runs, so this is the pause before another try.
            render_visibility: Duration::from_secs(5),
            render_patience: Duration::from_secs(14_400),
            most_open_jobs: 1000,
            vendor_patience: Duration::from_secs(7200),
            wait_scale: 1.0,
            alarms_every: Pace::default().alarms_every,
            providers: Providers::default(),
            provider_settings: serde_json::Value::Null,
            poll: true,
            schedules: true,
            otlp_endpoint: String::new(),
            log_level: "INFO",
            kept: None,
        }
    }
}

/// A running stack. Dropping it stops everything; `stop` also lets the mappings of topics finish
/// their work first.
#[derive(Debug)]
pub struct Stack {
    /// The outputs of the deployed stack.
    pub outputs: Outputs,
    /// The credentials of the emulator's root, which no other stack has.
    pub root: Credentials,
    /// Clients of the emulator whose calls the proxy neither records nor disturbs.
    pub clients: Clients,
    /// The mappings of topics of the deployed stack.
    pub mappings: Vec<Mapping>,
    /// The mappings of its queues.
    pub queues: Arc<Queues>,
    /// The proxy, through which every call goes.
    pub proxy: Arc<Proxy>,
    /// The broker. Apache Kafka can be killed and restarted.
    pub broker: RunningBroker,
    /// The reports of the mappings of topics.
    pub reports: UnboundedReceiver<Report>,
    /// The reports of the mappings of queues.
    pub queue_reports: UnboundedReceiver<queue_poller::Report>,
    /// The media vendors' sandbox.
    pub sandbox: Arc<Sandbox>,
    /// The emulator.
    pub emulator: Emulator,
    /// The offset behind the last record of each partition that was put back.
    kept: BTreeMap<(String, i32), i64>,
    polling: Polling,
    // Last, because it only has to be closed.
    _assets: Assets,
}

impl Stack {
    /// Starts everything and deploys the template. Returns once events can be published.
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let mut assets = Assets::bind(options.kept.as_deref().and_then(assets_port)).await?;
        let sandbox = Sandbox::start().await?;
        let (bare, broker) = tokio::try_join!(start_bare(options), start_broker(options))?;
        let clients = bare.clients();
        let Bare {
            root,
            proxy,
            emulator,
        } = bare;
        let sources = Sources {
            template: options.checkout.template(),
            binaries: options.checkout.binaries.clone(),
            functions: options.checkout.functions(),
        };
        let parameters = parameters(options, &broker, &sandbox, assets.base_url());
        let outputs = deploy::deploy(&clients, &sources, &parameters).await?;
        if !options.schedules {
            schedules::stop_all(&clients.aws).await?;
        }
        sandbox.use_s3(clients.s3.clone());
        assets.serve(clients.s3.clone(), outputs.assets_bucket_name.clone());

        let (socket, every) = (emulator.socket(), options.alarms_every);
        let (mut polling, reports) = Polling::of(&clients, STACK, &broker, socket, every).await?;
        let Reports {
            topics: reports,
            queues: queue_reports,
        } = reports;
        let kept = match &options.kept {
            Some(folder) => {
                let parts = Parts {
                    clients: &clients,
                    outputs: &outputs,
                    broker: &broker,
                    mappings: &polling.mappings,
                };
                restore(folder, &parts).await?
            }
            None => BTreeMap::new(),
        };
        if options.poll {
            polling.begin().await?;
        }
        Ok(Self {
            outputs,
            root,
            clients,
            mappings: polling.mappings.clone(),
            queues: Arc::clone(&polling.queues),
            proxy: Arc::new(proxy),
            broker,
            reports,
            queue_reports,
            sandbox: Arc::new(sandbox),
            emulator,
            kept,
            polling,
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

    /// Lets the mappings of topics finish their work, then stops everything. What is in the queues
    /// is lost with the emulator.
    pub async fn stop(self) {
        self.polling.stop().await;
        self.emulator.stop();
    }

    /// Lets all mappings finish their work, keeps in `folder` what the next stack begins with
    /// ([`Options::kept`]), and stops everything.
    ///
    /// # Errors
    /// An [`Error`] if it cannot be kept; everything is stopped even so.
    pub async fn stop_and_keep(self, folder: &Path) -> Result<(), Error> {
        self.queues.hold().await;
        self.polling.stop().await;
        let parts = Parts {
            clients: &self.clients,
            outputs: &self.outputs,
            broker: &self.broker,
            mappings: &self.mappings,
        };
        let kept = save(folder, &parts).await;
        self.emulator.stop();
        Ok(kept?)
    }

    /// Whether a record was put back from an earlier stack.
    #[must_use]
    pub fn was_kept(&self, record: &Record) -> bool {
        let place = (record.topic.as_ref().to_owned(), record.partition);
        self.kept
            .get(&place)
            .is_some_and(|end| record.offset < *end)
    }
}

/// Whether the deployment creates the studio's own topics.
///
/// On Apache Kafka it does, as on AWS; the topics that the studio reads belong to other teams. With
/// IAM it cannot, because the broker does not know the functions' credentials yet.
fn makes_topics(options: &Options) -> bool {
    matches!(options.broker, Broker::Apache) && options.iam.is_none()
}

async fn start_bare(options: &Options) -> Result<Bare, Error> {
    let pace = Pace {
        wait_scale: options.wait_scale,
        alarms_every: options.alarms_every,
    };
    let transport = Transport::Plain;
    Ok(Bare::start(&options.checkout, options.aws_port, pace, transport).await?)
}

/// Starts the broker, with the topics that the deployment does not create.
async fn start_broker(options: &Options) -> Result<RunningBroker, Error> {
    let checkout = &options.checkout;
    let started = broker::Options {
        port: options.broker_port,
        pom: checkout.apache_kafka_pom(),
        installed: checkout.apache_kafka(),
        line: options.line,
        iam: options.iam.clone(),
    };
    let broker = options.broker.start(&started).await?;
    let topics: Vec<&str> = Topic::ALL
        .into_iter()
        .filter(|topic| topic.is_consumed() || !makes_topics(options))
        .map(Topic::as_str)
        .collect();
    broker.create_topics(&topics).await?;
    Ok(broker)
}

/// The parameters with which the template is deployed for `broker` and `sandbox`.
fn parameters(
    options: &Options,
    broker: &RunningBroker,
    sandbox: &Sandbox,
    asset_base_url: String,
) -> Parameters {
    let (authentication, roots) = match broker.iam() {
        Some((_, roots)) => ("iam", roots),
        None => ("none", ""),
    };
    Parameters {
        bootstrap_servers: broker.bootstrap_of_functions(),
        authentication,
        roots: roots.to_owned(),
        makes_topics: makes_topics(options).then_some(broker::PARTITIONS.unsigned_abs()),
        asset_base_url,
        asset_distribution_arn: options.asset_distribution_arn.clone(),
        webhooks: options.webhooks,
        notices_event_bus: options.notices_event_bus.clone(),
        render_deadline: options.render_deadline,
        completion_concurrency: options.completion_concurrency,
        render_concurrency: options.render_concurrency,
        render_visibility: options.render_visibility,
        render_patience: options.render_patience,
        most_open_jobs: options.most_open_jobs,
        vendor_patience: options.vendor_patience,
        providers: options.providers.clone(),
        provider_settings: over(sandbox.settings(), &options.provider_settings).to_string(),
        otlp_endpoint: options.otlp_endpoint.clone(),
        log_level: options.log_level,
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

#[cfg(test)]
mod tests {
    use domain::ProviderId;
    use vendor_sandbox::Vendor;

    #[test]
    fn the_sandbox_plays_every_provider_that_is_a_vendor() {
        let vendors = ProviderId::ALL
            .into_iter()
            .filter(|provider| *provider != ProviderId::StudioCanvas)
            .map(ProviderId::as_str);
        assert!(vendors.eq(Vendor::ALL.into_iter().map(Vendor::as_str)));
    }
}

//! Deploys `infra/template.yaml` unchanged, except that it rewrites the addresses of code and state
//! machine definitions, as `sam package` would.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_sdk_s3::error::DisplayErrorContext;
use futures::future::try_join_all;
use serde_json::Value;

use crate::aws::{self, Aws, QueryService, members};
use crate::clients::Clients;
use crate::emulator::REGION;

mod code;
mod error;
mod template;

pub use code::zip_function;
pub use error::Error;
use error::{read_text, refused};
use template::{BUCKET, Packaged, definition_key, function_key, package};

/// The stack's name in the emulator.
pub const STACK: &str = "studio-local";
/// The cluster in the mappings. It does not exist: the local poller reads from the local broker.
pub const CLUSTER_ARN: &str = "arn:aws:kafka:us-east-1:000000000000:cluster/studio-local/00000000-0000-0000-0000-000000000000-s1";

/// The cluster in the metrics of Kafka's connections. Nothing here emits them.
const CLUSTER_NAME: &str = "studio-local";

/// This machine's processor, as Lambda names it: what the parameter `Architecture` must be where the
/// functions run here.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "x86_64"
};

/// The bucket from which brands' logos may be read.
pub const LOGO_BUCKET: &str = "studio-local-logos";

/// The bucket from which samples of voices are read.
pub const VOICE_BUCKET: &str = "studio-local-voices";

/// The key of every vendor. The sandbox accepts any key; a real vendor would refuse this one.
pub const KEY: &str = "key-for-the-sandbox-only";

/// The vendors that authenticate us by a key.
const VENDORS_WITH_KEYS: [&str; 3] = ["openai", "elevenlabs", "runway"];

const TEMPLATE_KEY: &str = "template.yaml";
/// How long the emulator may take to create the stack.
const WITHIN: Duration = Duration::from_secs(120);

/// Where the parts of a deployment are.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The template. Paths in it are relative to its folder.
    pub template: PathBuf,
    /// The folder of the built functions. Each binary has the name of its function's folder and
    /// runs from here.
    pub binaries: PathBuf,
    /// The folder of the functions' sources. The files in a function's `package` folder go next to
    /// its bootstrap.
    pub functions: PathBuf,
}

/// The parameters that differ between local stacks.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// The broker that the functions publish to.
    pub bootstrap_servers: String,
    /// How the functions authenticate: `iam` or `none`.
    pub authentication: &'static str,
    /// The root certificates of the broker's own certificate, as PEM; empty for Amazon's.
    pub roots: String,
    /// The number of partitions, if the deployment creates the topics that the functions write.
    pub makes_topics: Option<u32>,
    /// The beginning of the assets' URLs.
    pub asset_base_url: String,
    /// The ARN of the CloudFront distribution that serves the assets; empty for none.
    pub asset_distribution_arn: String,
    /// Whether teams are told of failed jobs by webhook.
    pub webhooks: bool,
    /// The event bus that gets an event for each failed job; empty for none.
    pub notices_event_bus: String,
    /// How long a render may take before the sweep checks it.
    pub render_deadline: Duration,
    /// How many steps may run at once.
    pub completion_concurrency: u32,
    /// How many batches of the queue may be rendered at once, at least 2.
    pub render_concurrency: u32,
    /// How long after a failed invocation the queue's messages come again.
    pub render_visibility: Duration,
    /// How long a picture is tried again while what it needs is away.
    pub render_patience: Duration,
    /// How many jobs of one tenant may wait for vendors or be made by them; 0 for any number.
    pub most_open_jobs: u32,
    /// How long a job waits for vendors that are all in trouble: whole seconds.
    pub vendor_patience: Duration,
    /// The providers.
    pub providers: Providers,
    /// The vendors' settings, as JSON.
    pub provider_settings: String,
    /// The base address of a collector that accepts spans; empty for no spans.
    pub otlp_endpoint: String,
    /// The lowest level that the functions log, from `TRACE` to `ERROR`.
    pub log_level: &'static str,
}

/// The providers by media type, as the template takes them: names separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers {
    /// The image providers.
    pub image: String,
    /// The video providers.
    pub video: String,
    /// The audio providers.
    pub audio: String,
    /// The provider that clones voices; empty for none.
    pub voice: String,
}

impl Default for Providers {
    /// Only the embedded canvas, so nothing costs anything.
    fn default() -> Self {
        Self {
            image: "studio-canvas".to_owned(),
            video: String::new(),
            audio: String::new(),
            voice: String::new(),
        }
    }
}

/// The stack's outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    /// The table.
    pub table_name: String,
    /// The bucket of the rendered files.
    pub assets_bucket_name: String,
    /// The bucket of the dead letters.
    pub dead_letters_bucket_name: String,
    /// The state machine of the jobs that are long.
    pub render_state_machine_arn: String,
    /// The state machine that trains voices.
    pub voice_state_machine_arn: String,
    /// The function that draws what the queue asks for.
    pub render_function_name: String,
    /// The queue of what is to be drawn.
    pub render_queue_url: String,
    /// The queue of messages whose function died too often.
    pub dead_letter_queue_url: String,
    /// The function that runs the steps of a job that is long.
    pub completion_function_name: String,
    /// The function that erases.
    pub erase_function_name: String,
    /// The function that handles operators' requests.
    pub operator_function_name: String,
    /// The function that creates Kafka topics.
    pub kafka_topics_function_name: String,
    /// The beginning of the assets' URLs.
    pub asset_base_url: String,
}

/// Packs and uploads the code, creates the stack, and waits until it is complete.
pub async fn deploy(
    clients: &Clients,
    sources: &Sources,
    parameters: &Parameters,
) -> Result<Outputs, Error> {
    let packaged = package(&read_text(&sources.template)?)?;
    prepare(clients).await?;
    upload(clients, sources, &packaged).await?;
    create(clients, parameters).await?;
    let description = describe(&clients.aws).await?;
    let output = |name: &'static str| {
        let found = members(&description["Outputs"])
            .iter()
            .find(|output| output["OutputKey"] == name);
        found
            .and_then(|output| output["OutputValue"].as_str())
            .map(str::to_owned)
            .ok_or(Error::Output(name))
    };
    Ok(Outputs {
        table_name: output("TableName")?,
        assets_bucket_name: output("AssetsBucketName")?,
        dead_letters_bucket_name: output("DeadLettersBucketName")?,
        render_state_machine_arn: output("RenderStateMachineArn")?,
        voice_state_machine_arn: output("VoiceTrainingStateMachineArn")?,
        render_function_name: output("RenderFunctionName")?,
        render_queue_url: output("RenderQueueUrl")?,
        dead_letter_queue_url: output("RenderDeadLetterQueueUrl")?,
        completion_function_name: output("CompletionFunctionName")?,
        erase_function_name: output("EraseFunctionName")?,
        operator_function_name: output("OperatorFunctionName")?,
        kafka_topics_function_name: output("KafkaTopicsFunctionName")?,
        asset_base_url: output("AssetBaseUrl")?,
    })
}

/// Creates what the template takes as given: the buckets of other teams, and the vendors' keys.
/// Also creates the bucket of the deployment.
async fn prepare(clients: &Clients) -> Result<(), Error> {
    for bucket in [BUCKET, LOGO_BUCKET, VOICE_BUCKET] {
        let created = clients.s3.create_bucket().bucket(bucket).send().await;
        created.map_err(|error| refused("create a bucket", DisplayErrorContext(error)))?;
    }
    let secrets = VENDORS_WITH_KEYS.map(|vendor| {
        let name = format!("studio/local/{vendor}");
        clients
            .secrets
            .create_secret()
            .name(name)
            .secret_string(KEY)
            .send()
    });
    try_join_all(secrets)
        .await
        .map_err(|error| refused("store the vendors' keys", DisplayErrorContext(error)))?;
    Ok(())
}

async fn upload(clients: &Clients, sources: &Sources, packaged: &Packaged) -> Result<(), Error> {
    let mut objects = Vec::new();
    for function in &packaged.functions {
        let beside = sources.functions.join(function).join("package");
        objects.push((
            function_key(function),
            zip_function(&sources.binaries.join(function), &beside)?,
        ));
    }
    let folder = sources.template.parent().unwrap_or(Path::new("."));
    for name in &packaged.definitions {
        let path = folder.join("statemachines").join(definition_key(name));
        objects.push((definition_key(name), read_text(&path)?.into_bytes()));
    }
    objects.push((
        TEMPLATE_KEY.to_owned(),
        packaged.template.clone().into_bytes(),
    ));
    let put = |(key, body): (String, Vec<u8>)| {
        let put = clients
            .s3
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(body.into());
        put.send()
    };
    try_join_all(objects.into_iter().map(put))
        .await
        .map_err(|error| refused("upload the code", DisplayErrorContext(error)))?;
    Ok(())
}

/// The template's parameters, by name.
fn values(parameters: &Parameters) -> Vec<(&'static str, String)> {
    let topics = match parameters.makes_topics {
        Some(_) => "made",
        None => "given",
    };
    let Providers {
        image,
        video,
        audio,
        voice,
    } = parameters.providers.clone();
    let text = str::to_owned;
    vec![
        ("Stage", text("local")),
        ("Architecture", text(ARCHITECTURE)), // the functions run on this machine
        ("KafkaClusterArn", text(CLUSTER_ARN)),
        // Makes the alarm on the brokers, which stays silent.
        ("KafkaClusterName", text(CLUSTER_NAME)),
        (
            "KafkaBootstrapServers",
            parameters.bootstrap_servers.clone(),
        ),
        ("KafkaAuthentication", text(parameters.authentication)),
        ("KafkaRootsPem", parameters.roots.clone()),
        ("AssetBaseUrl", parameters.asset_base_url.clone()),
        (
            "AssetDistributionArn",
            parameters.asset_distribution_arn.clone(),
        ),
        (
            "Webhooks",
            text(if parameters.webhooks { "on" } else { "off" }),
        ),
        ("NoticesEventBus", parameters.notices_event_bus.clone()),
        ("Topics", text(topics)),
        (
            "TopicPartitions",
            parameters.makes_topics.unwrap_or(1).to_string(),
        ),
        ("SubnetIds", String::new()),
        ("SecurityGroupIds", String::new()),
        (
            "RenderDeadlineSeconds",
            parameters.render_deadline.as_secs().to_string(),
        ),
        // No invocation is under way for longer, unless a test makes it.
        ("ErasureSettleSeconds", text("3")),
        ("LogoBuckets", text(LOGO_BUCKET)),
        ("VoiceProvider", voice),
        ("VoiceBuckets", text(VOICE_BUCKET)),
        ("ImageProviders", image),
        ("VideoProviders", video),
        ("AudioProviders", audio),
        ("ProviderSettings", parameters.provider_settings.clone()),
        (
            "CompletionConcurrency",
            parameters.completion_concurrency.to_string(),
        ),
        (
            "RenderConcurrency",
            parameters.render_concurrency.to_string(),
        ),
        // Two more for the dead-letter queue.
        (
            "RenderReserved",
            (parameters.render_concurrency + 2).to_string(),
        ),
        (
            "RenderVisibilitySeconds",
            parameters.render_visibility.as_secs().to_string(),
        ),
        (
            "RenderPatienceSeconds",
            parameters.render_patience.as_secs().to_string(),
        ),
        // SQS delays a message in real time, whatever factor Step Functions' waits have.
        ("RenderPutOffSeconds", text("1")),
        ("MostOpenJobs", parameters.most_open_jobs.to_string()),
        (
            "VendorPatienceSeconds",
            parameters.vendor_patience.as_secs().to_string(),
        ),
        ("OtlpEndpoint", parameters.otlp_endpoint.clone()),
        ("LogLevel", text(parameters.log_level)),
    ]
}

async fn create(clients: &Clients, parameters: &Parameters) -> Result<(), Error> {
    let values = values(parameters);
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    // As `sam deploy` does, CloudFormation reads the template from the bucket, because it is longer
    // than a request may be (51,200 bytes).
    let template = format!("https://s3.{REGION}.amazonaws.com/{BUCKET}/{TEMPLATE_KEY}");
    let values = aws::listed("Parameters", ("ParameterKey", "ParameterValue"), &values);
    let mut fields = vec![
        ("StackName", STACK),
        ("TemplateURL", template.as_str()),
        ("Capabilities.member.1", "CAPABILITY_IAM"),
        ("Capabilities.member.2", "CAPABILITY_NAMED_IAM"),
        ("Capabilities.member.3", "CAPABILITY_AUTO_EXPAND"),
    ];
    fields.extend(values.iter().map(|(name, value)| (name.as_str(), *value)));
    clients
        .aws
        .query(QueryService::CloudFormation, "CreateStack", &fields)
        .await?;
    wait_until_created(&clients.aws).await
}

async fn wait_until_created(aws: &Aws) -> Result<(), Error> {
    let deadline = Instant::now() + WITHIN;
    loop {
        let status = describe(aws).await?["StackStatus"]
            .as_str()
            .unwrap_or("no status")
            .to_owned();
        match status.as_str() {
            "CREATE_COMPLETE" => return Ok(()),
            "CREATE_IN_PROGRESS" if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(30)).await
            }
            _ => {
                return Err(Error::Failed {
                    status,
                    reasons: reasons(aws).await,
                });
            }
        }
    }
}

/// Describes the stack.
async fn describe(aws: &Aws) -> Result<Value, Error> {
    let mut described = aws
        .query(
            QueryService::CloudFormation,
            "DescribeStacks",
            &[("StackName", STACK)],
        )
        .await?;
    match described["Stacks"][0].take() {
        Value::Null => Err(refused("describe the stack", "it is not there")),
        stack => Ok(stack),
    }
}

/// The reasons of all failed resources from the stack's events, oldest first.
async fn reasons(aws: &Aws) -> String {
    let events = aws
        .query(
            QueryService::CloudFormation,
            "DescribeStackEvents",
            &[("StackName", STACK)],
        )
        .await;
    let events = match events {
        Ok(events) => events,
        Err(error) => return format!("its events cannot be read: {error}"),
    };
    let of_failures = members(&events["StackEvents"])
        .iter()
        .rev()
        .filter_map(|event| {
            let status = event["ResourceStatus"].as_str()?;
            let reason = event["ResourceStatusReason"]
                .as_str()
                .filter(|reason| !reason.is_empty())?;
            let resource = event["LogicalResourceId"].as_str().unwrap_or("?");
            status
                .contains("FAILED")
                .then(|| format!("  {resource} {status}: {reason}"))
        });
    let lines: Vec<String> = of_failures.collect();
    if lines.is_empty() {
        "  its events give no reason".to_owned()
    } else {
        lines.join("\n")
    }
}

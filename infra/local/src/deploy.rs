//! Deploys `infra/template.yaml` unchanged, except that it rewrites the addresses of code and state
//! machine definitions, as `sam package` would.

use std::fs;
use std::io::{self, Cursor, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_sdk_s3::error::DisplayErrorContext;
use futures::future::try_join_all;
use serde_json::Value;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::aws::{self, Aws, QueryService, members};
use crate::clients::Clients;
use crate::emulator::REGION;

/// The stack's name in the emulator.
pub const STACK: &str = "studio-local";
/// The cluster in the mappings. It does not exist: the local poller reads from the local broker.
pub const CLUSTER_ARN: &str = "arn:aws:kafka:us-east-1:000000000000:cluster/studio-local/00000000-0000-0000-0000-000000000000-s1";

/// The bucket from which brands' logos may be read.
pub const LOGO_BUCKET: &str = "studio-local-logos";

/// The bucket from which samples of voices are read.
pub const VOICE_BUCKET: &str = "studio-local-voices";

/// The key of every vendor. The sandbox accepts any key; a real vendor would refuse this one.
pub const KEY: &str = "sandbox-key-and-nobody-elses";

/// The vendors that authenticate us by a key.
const VENDORS_WITH_KEYS: [&str; 3] = ["openai", "elevenlabs", "runway"];

const BUCKET: &str = "studio-local-deployment";
const TEMPLATE_KEY: &str = "template.yaml";
const WITHIN: Duration = Duration::from_secs(60);

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
    /// How long a render may take before the sweep checks it.
    pub render_deadline: Duration,
    /// How many steps may run at once.
    pub completion_concurrency: u32,
    /// The providers.
    pub providers: Providers,
    /// The vendors' settings, as JSON.
    pub provider_settings: String,
    /// The base address of a collector that accepts spans; empty for no spans.
    pub otlp_endpoint: String,
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
    /// The state machine that renders.
    pub render_state_machine_arn: String,
    /// The state machine that trains voices.
    pub voice_state_machine_arn: String,
    /// The function that runs the steps of a render.
    pub completion_function_name: String,
    /// The function that handles operators' requests.
    pub operator_function_name: String,
    /// The beginning of the assets' URLs.
    pub asset_base_url: String,
}

/// Why the stack was not deployed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// A function's binary is missing.
    #[error("{0} is not built: run `make build`")]
    NotBuilt(PathBuf),
    /// A line that must be rewritten has an unexpected form.
    #[error("line {number} of the template, `{line}`, is not of the form `{expected}`")]
    Line {
        /// The line's number, counted from 1.
        number: usize,
        /// The line.
        line: String,
        /// The expected form.
        expected: &'static str,
    },
    /// A zip could not be written.
    #[error("cannot pack a function")]
    Zip(#[source] io::Error),
    /// The emulator refused a call.
    #[error("cannot {what}: {reason}")]
    Refused {
        /// The refused action.
        what: &'static str,
        /// The emulator's answer.
        reason: String,
    },
    /// CloudFormation refused a call.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// CloudFormation did not create the stack.
    #[error("the stack was not created ({status}):\n{reasons}")]
    Failed {
        /// The stack's status.
        status: String,
        /// The reasons, one line per failed resource.
        reasons: String,
    },
    /// An output that the local stack needs is missing.
    #[error("the template has no output `{0}`")]
    Output(&'static str),
}

/// The template ready for CreateStack, and the objects that it needs in the bucket.
#[derive(Debug, PartialEq, Eq)]
struct Packaged {
    template: String,
    functions: Vec<String>,
    definitions: Vec<String>,
}

/// Packs and uploads the code, creates the stack, and waits until it is complete.
pub async fn deploy(
    clients: &Clients,
    sources: &Sources,
    parameters: &Parameters,
) -> Result<Outputs, Error> {
    let packaged = package(&read_text(&sources.template)?)?;
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
        completion_function_name: output("CompletionFunctionName")?,
        operator_function_name: output("OperatorFunctionName")?,
        asset_base_url: output("AssetBaseUrl")?,
    })
}

/// Rewrites the lines that `sam package` would rewrite, and changes no other byte. A line of
/// another form is an error, and is not skipped.
fn package(template: &str) -> Result<Packaged, Error> {
    let mut packaged = Packaged {
        template: String::with_capacity(template.len()),
        functions: vec![],
        definitions: vec![],
    };
    for (index, whole) in template.split_inclusive('\n').enumerate() {
        let line = whole.trim_end_matches(['\r', '\n']);
        let content = line.trim_start();
        let (name, prefix, suffix, expected) = if content.starts_with("CodeUri:") {
            (
                "CodeUri",
                "CodeUri: ../target/lambda/",
                "/",
                "CodeUri: ../target/lambda/<function>/",
            )
        } else if content.starts_with("DefinitionUri:") {
            (
                "DefinitionUri",
                "DefinitionUri: statemachines/",
                ".asl.json",
                "DefinitionUri: statemachines/<name>.asl.json",
            )
        } else {
            packaged.template.push_str(whole);
            continue;
        };
        let is_name = |part: &&str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '-')
        };
        let part = content
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(suffix))
            .filter(is_name);
        let part = part.ok_or_else(|| Error::Line {
            number: index + 1,
            line: content.to_owned(),
            expected,
        })?;
        let (key, list) = match name {
            "CodeUri" => (function_key(part), &mut packaged.functions),
            _ => (definition_key(part), &mut packaged.definitions),
        };
        if !list.iter().any(|listed| listed == part) {
            list.push(part.to_owned());
        }
        let (indent, end) = (&line[..line.len() - content.len()], &whole[line.len()..]);
        packaged.template.push_str(&format!(
            "{indent}{name}: {{Bucket: {BUCKET}, Key: {key}}}{end}"
        ));
    }
    Ok(packaged)
}

fn function_key(function: &str) -> String {
    format!("{function}.zip")
}

fn definition_key(name: &str) -> String {
    format!("{name}.asl.json")
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
        .map_err(|error| refused("keep the vendors' keys", DisplayErrorContext(error)))?;
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

/// Packs a function. Lambda expects an executable file named `bootstrap` at the top of a zip. Here
/// that file is a script that replaces itself by the binary in Cargo's folder, because copying six
/// binaries of 90 MB each took a stack four seconds. The files in the folder `beside`, if it
/// exists, keep their paths.
fn zip_function(binary: &Path, beside: &Path) -> Result<Vec<u8>, Error> {
    let binary = fs::canonicalize(binary).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::NotBuilt(binary.to_owned()),
        _ => Error::Read {
            path: binary.to_owned(),
            source,
        },
    })?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options)
        .map_err(|error| Error::Zip(error.into()))?;
    zip.write_all(&becomes(&binary)).map_err(Error::Zip)?;
    for path in files_in(beside)? {
        let name = path
            .strip_prefix(beside)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        zip.start_file(name, options.unix_permissions(0o644))
            .map_err(|error| Error::Zip(error.into()))?;
        zip.write_all(&fs::read(&path).map_err(|source| Error::Read { path, source })?)
            .map_err(Error::Zip)?;
    }
    Ok(zip
        .finish()
        .map_err(|error| Error::Zip(error.into()))?
        .into_inner())
}

/// A shell script that replaces itself by a program. Between single quotes the shell takes every
/// byte literally.
fn becomes(program: &Path) -> Vec<u8> {
    let mut script = b"#!/bin/sh\nexec '".to_vec();
    for &byte in program.as_os_str().as_bytes() {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            other => script.push(other),
        }
    }
    script.extend_from_slice(b"'\n");
    script
}

/// All files in a folder and its subfolders, in a fixed order. Empty if the folder does not exist.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |source| Error::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(files_in(&path)?)
        } else {
            files.push(path)
        }
    }
    Ok(files)
}

async fn create(clients: &Clients, parameters: &Parameters) -> Result<(), Error> {
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    let deadline = parameters.render_deadline.as_secs().to_string();
    let concurrency = parameters.completion_concurrency.to_string();
    let partitions = parameters.makes_topics.unwrap_or(1).to_string();
    let values = [
        ("Stage", "local"),
        ("Architecture", architecture), // the functions run on this machine
        ("KafkaClusterArn", CLUSTER_ARN),
        (
            "KafkaBootstrapServers",
            parameters.bootstrap_servers.as_str(),
        ),
        ("KafkaAuthentication", parameters.authentication),
        ("KafkaRootsPem", parameters.roots.as_str()),
        ("AssetBaseUrl", parameters.asset_base_url.as_str()),
        (
            "Topics",
            if parameters.makes_topics.is_some() {
                "made"
            } else {
                "given"
            },
        ),
        ("TopicPartitions", partitions.as_str()),
        ("SubnetIds", ""),
        ("SecurityGroupIds", ""),
        ("RenderDeadlineSeconds", deadline.as_str()),
        ("LogoBuckets", LOGO_BUCKET),
        ("VoiceProvider", parameters.providers.voice.as_str()),
        ("VoiceBuckets", VOICE_BUCKET),
        ("ImageProviders", parameters.providers.image.as_str()),
        ("VideoProviders", parameters.providers.video.as_str()),
        ("AudioProviders", parameters.providers.audio.as_str()),
        ("ProviderSettings", parameters.provider_settings.as_str()),
        ("CompletionConcurrency", concurrency.as_str()),
        ("OtlpEndpoint", parameters.otlp_endpoint.as_str()),
    ];
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

    let deadline = Instant::now() + WITHIN;
    loop {
        let status = describe(&clients.aws).await?["StackStatus"]
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
                    reasons: reasons(&clients.aws).await,
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

fn refused(what: &'static str, reason: impl std::fmt::Display) -> Error {
    Error::Refused {
        what,
        reason: reason.to_string(),
    }
}

fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_addresses_of_code_and_definitions_change() {
        let template = "Resources:\r\n  A:\n    Properties:\n      # CodeUri: elsewhere\n      CodeUri: ../target/lambda/event-created/\n      \
                        Handler: bootstrap  \n  B:\n      CodeUri: ../target/lambda/event-created/\r\n  C:\n    \
                        DefinitionUri: statemachines/render.asl.json";
        let packaged = package(template).expect("understood");
        assert_eq!(
            packaged.template,
            "Resources:\r\n  A:\n    Properties:\n      # CodeUri: elsewhere\n      CodeUri: {Bucket: studio-local-deployment, Key: event-created.zip}\n      \
             Handler: bootstrap  \n  B:\n      CodeUri: {Bucket: studio-local-deployment, Key: event-created.zip}\r\n  C:\n    \
             DefinitionUri: {Bucket: studio-local-deployment, Key: render.asl.json}"
        );
        assert_eq!(
            (packaged.functions, packaged.definitions),
            (vec!["event-created".to_owned()], vec!["render".to_owned()])
        );
    }

    #[test]
    fn a_line_of_another_form_is_refused_and_quoted() {
        for line in [
            "CodeUri: ../target/lambda/event-created",
            "CodeUri: ../target/lambda/../x/",
            "CodeUri: {Bucket: a, Key: b}",
            "CodeUri:",
            "DefinitionUri: statemachines/render.json",
            "DefinitionUri: s3://bucket/render.asl.json",
        ] {
            match package(&format!("Resources:\n    {line}\n")) {
                Err(Error::Line {
                    number: 2,
                    line: named,
                    ..
                }) => assert_eq!(named, line),
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_function_is_packed_as_an_executable_bootstrap_with_its_package_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let binary = folder.path().join("event-created");
        let package = folder.path().join("package");
        assert!(matches!(
            zip_function(&binary, &package),
            Err(Error::NotBuilt(_))
        ));
        fs::write(&binary, b"binary").expect("written");
        let names = |packed| {
            let zip = zip::ZipArchive::new(Cursor::new(packed)).expect("a zip");
            zip.file_names()
                .map(|name| name.expect("UTF-8").into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(zip_function(&binary, &package).expect("packed")),
            ["bootstrap"]
        );
        fs::create_dir_all(package.join("fonts")).expect("made");
        fs::write(package.join("fonts/a.ttf"), b"font").expect("written");
        let packed = zip_function(&binary, &package).expect("packed");
        assert_eq!(names(packed.clone()), ["bootstrap", "fonts/a.ttf"]);
        let mut zip = zip::ZipArchive::new(Cursor::new(packed)).expect("a zip");
        let bootstrap = zip.by_name("bootstrap").expect("named bootstrap");
        assert_eq!(bootstrap.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    }

    #[test]
    fn a_bootstrap_becomes_the_binary_whatever_its_path() {
        let folder = tempfile::Builder::new()
            .prefix("it's $HOME \"quoted\" ")
            .tempdir()
            .expect("a temporary folder");
        let binary = folder.path().join("echo");
        std::os::unix::fs::symlink("/bin/echo", &binary).expect("linked");
        let script = folder.path().join("bootstrap");
        fs::write(&script, becomes(&binary)).expect("written");
        let ran = std::process::Command::new("/bin/sh")
            .arg(&script)
            .output()
            .expect("started");
        assert_eq!(
            (ran.status.code(), ran.stdout),
            (Some(0), b"\n".to_vec()),
            "{:?}",
            ran.stderr
        );
    }
}

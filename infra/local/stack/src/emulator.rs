//! AWS on this machine: ministack, with IAM enforced. It runs our real bootstraps as processes.
//!
//! It listens on a Unix socket in a folder that only its user may enter. All calls come through the
//! fault proxy.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use processes::Group;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::log_tail::tail;

/// The only region of the local stack.
pub const REGION: &str = "us-east-1";
/// The beginning of the paths to which functions PUT the answers of CloudFormation's custom
/// resources. The rest is a random token; on AWS the whole is a presigned URL.
pub(crate) const SECRET_PATHS: &str = "/_ministack/cfn-response/";

/// How long the emulator may take to answer. Several start at once where tests run.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// What the emulator takes the requests to it for. They all come without TLS, over its Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// What they are: a policy that demands TLS denies them.
    Plain,
    /// What they would be on AWS: a stage's buckets and queues, which demand TLS, let them in.
    Tls,
}

/// How fast the emulator's clocks go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The factor for Step Functions' waits: 1 is as on AWS, 0 skips `Wait` states and the pauses
    /// of `Retry`.
    pub wait_scale: f64,
    /// How often alarms are evaluated. CloudWatch does it every minute.
    pub alarms_every: Duration,
}

impl Default for Pace {
    /// As on AWS.
    fn default() -> Self {
        Self {
            wait_scale: 1.0,
            alarms_every: Duration::from_secs(60),
        }
    }
}

/// How to start the emulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Python environment in which `requirements.txt` installed ministack.
    pub venv: PathBuf,
    /// The program that starts it, the folder `infra/local/stack/emulator`.
    pub launcher: PathBuf,
    /// The credentials of its root. Functions get those of their own roles.
    pub root: Credentials,
    /// The address at which the functions reach AWS, which is the proxy's.
    pub functions_endpoint: SocketAddr,
    /// The address in the URLs that the emulator itself gives to functions.
    pub answers_endpoint: SocketAddr,
    /// How fast its clocks go.
    pub pace: Pace,
    /// What its requests count as.
    pub transport: Transport,
}

/// A running emulator. Dropping it stops it and every function that it runs.
#[derive(Debug)]
pub struct Emulator {
    socket: PathBuf,
    group: Group,
    folder: TempDir,
}

/// Why the emulator does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Python environment does not exist.
    #[error(
        "the emulator is not installed in {0}: `make demo` does it, or python3 -m venv and pip install -r infra/local/requirements.txt"
    )]
    NotInstalled(PathBuf),
    /// A file or a process could not be created.
    #[error("the emulator could not be started")]
    Start(#[from] io::Error),
    /// The emulator ended before it was ready, or did not become ready in time.
    #[error("the emulator {state}; its log ends:\n{log}")]
    NotReady {
        /// What happened to it.
        state: String,
        /// The end of the emulator's log.
        log: String,
    },
}

impl Emulator {
    /// Starts the emulator, and returns once it answers.
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let python = options.venv.join("bin/python");
        if !python.exists() {
            return Err(Error::NotInstalled(options.venv.clone()));
        }
        let folder = tempfile::Builder::new()
            .prefix("studio-emulator-")
            // No other user may reach the socket in it.
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()?;
        let log = File::create(log_file(folder.path()))?;
        let temporary = folder.path().join("tmp");
        fs::create_dir(&temporary)?;
        let socket = folder.path().join("aws.sock");

        let mut command = Command::new(python);
        // The functions inherit the emulator's whole environment, so it has only what Lambda would
        // give them. The launcher takes the root's credentials out of it; an argument would show
        // them to every user. With -P Python looks for modules in the launcher's folder alone, and
        // with -B it leaves none of its own files there.
        command
            .args(["-P", "-B"])
            .args([&options.launcher, &socket])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", folder.path())
            .env("TMPDIR", &temporary)
            .env("STATE_DIR", folder.path().join("state"))
            .env("S3_DATA_DIR", folder.path().join("s3"))
            .env("AWS_ACCESS_KEY_ID", options.root.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", options.root.secret_access_key())
            // Only for the URLs that it gives to functions.
            .env("GATEWAY_PORT", options.answers_endpoint.port().to_string())
            .env("AUTH", "true")
            // For the function that answers CloudFormation: on AWS it sends its answers to S3 alone.
            .env("ANSWERS_TO_LOOPBACK", "true")
            // For the function that calls webhooks: on AWS it calls none but public servers.
            .env("WEBHOOKS_TO_LOOPBACK", "true")
            .env("MINISTACK_REGION", REGION)
            // A listener on a fixed port, for a service that the studio does not use.
            .env("IOT_MTLS_ENABLED", "false")
            .env("SFN_WAIT_SCALE", options.pace.wait_scale.to_string())
            .env(
                "ALARMS_EVERY",
                options.pace.alarms_every.as_secs_f64().to_string(),
            )
            .env(
                "COUNTS_AS_TLS",
                (options.transport == Transport::Tls).to_string(),
            )
            // Each invocation in flight occupies a thread, and so does each call that a function
            // makes. The default of 64 is exhausted once fifty jobs wait for Kafka.
            .env("MINISTACK_WORKER_THREADS", "256")
            // An IP address instead of a name, so that the functions' S3 client uses path-style
            // addresses.
            .env(
                "AWS_ENDPOINT_URL",
                format!("http://{}", options.functions_endpoint),
            );

        let group = Group::spawn(command, &log, folder.path())?;
        let mut emulator = Self {
            socket,
            group,
            folder,
        };
        emulator.wait_until_ready().await?;
        Ok(emulator)
    }

    /// The Unix socket on which the emulator listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Tells what came of the last batch of a mapping, which the emulator then says of it. The
    /// patch `mapping_results` reads the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tell_result(socket: &Path, mapping: &str, result: &str) -> io::Result<()> {
        fs::write(
            socket.with_file_name(format!("mapping-result-{mapping}")),
            result,
        )
    }

    /// The emulator's log, which exists as long as the emulator runs.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        log_file(self.folder.path())
    }

    /// The end of the emulator's log.
    #[must_use]
    fn log_tail(&self) -> String {
        tail(&self.log_file(), 40)
    }

    /// Kills the emulator and every function that it runs.
    pub fn stop(mut self) {
        self.group.kill();
    }

    async fn wait_until_ready(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.group.ended()? {
                return Err(self.not_ready(format!("ended at once ({status})")));
            }
            if is_ready(&self.socket).await {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(
                    self.not_ready(format!("was not ready within {} s", READY_WITHIN.as_secs()))
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn not_ready(&self, state: String) -> Error {
        Error::NotReady {
            state,
            log: self.log_tail(),
        }
    }
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("emulator.log")
}

async fn is_ready(socket: &Path) -> bool {
    let probe = async {
        let mut stream = UnixStream::connect(socket).await?;
        let request =
            b"GET /_ministack/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        io::Result::Ok(answer.split_ascii_whitespace().nth(1) == Some("200"))
    };
    tokio::time::timeout(Duration::from_secs(2), probe)
        .await
        .is_ok_and(|answer| answer.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(venv: PathBuf) -> Options {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        Options {
            venv,
            launcher: PathBuf::from("emulator"),
            root: Credentials::new("AKIAROOT", "ITSSECRET", None, None, "test"),
            functions_endpoint: nowhere,
            answers_endpoint: nowhere,
            pace: Pace::default(),
            transport: Transport::Plain,
        }
    }

    /// A Python environment whose interpreter is a shell script.
    fn venv(script: &str) -> TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("bin")).expect("made");
        let python = folder.path().join("bin/python");
        fs::write(&python, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("set");
        folder
    }

    #[tokio::test]
    async fn an_emulator_that_is_not_installed_has_its_own_error() {
        let error = Emulator::start(&options(PathBuf::from("/nowhere")))
            .await
            .expect_err("not there");
        assert!(matches!(error, Error::NotInstalled(_)), "{error}");
    }

    #[tokio::test]
    async fn an_emulator_that_ends_at_once_shows_its_log() {
        let venv = venv("echo no module named ministack; exit 3");
        let error = Emulator::start(&options(venv.path().to_owned()))
            .await
            .expect_err("it ended");
        assert!(
            error.to_string().contains("no module named ministack"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_roots_credentials_are_in_no_argument_and_others_may_not_enter_the_folder() {
        let venv = venv(r#"echo "arguments: $*"; echo "$AWS_ACCESS_KEY_ID"; stat -c %a .; exit 3"#);
        let error = Emulator::start(&options(venv.path().to_owned()))
            .await
            .expect_err("it ended");
        let said = error.to_string();
        let lines: Vec<&str> = said.lines().collect();
        let [.., arguments, key, mode] = lines.as_slice() else {
            panic!("{said}");
        };
        assert!(
            arguments.starts_with("arguments: -P -B emulator /")
                && arguments.ends_with("/aws.sock"),
            "{said}"
        );
        assert_eq!((*key, *mode), ("AKIAROOT", "700"), "{said}");
    }
}

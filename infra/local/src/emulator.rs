//! AWS on this machine: ministack, with IAM enforced. It runs our real bootstraps as processes.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Group, members, owner_of_listener};

/// The only region of the local stack.
pub const REGION: &str = "us-east-1";
/// The emulator's root credentials: access key and secret. Functions get the credentials of their
/// own roles instead.
pub const ROOT: (&str, &str) = ("test", "test");

const READY_WITHIN: Duration = Duration::from_secs(30);

/// How to start the emulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Python environment in which `requirements.txt` installed ministack.
    pub venv: PathBuf,
    /// The port. `None` chooses a free one.
    pub port: Option<u16>,
    /// The address at which the functions reach AWS, which is the proxy's.
    pub functions_endpoint: SocketAddr,
    /// The factor for Step Functions' waits: 0 skips `Wait` states and the pauses of `Retry`.
    pub wait_scale: f64,
}

/// A running emulator. Dropping it stops it and every function that it runs.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
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
    /// Another process uses the port.
    #[error("the emulator could not be started on port {0}: another process listens there")]
    PortTaken(u16),
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
        let port = match options.port {
            Some(port) => port,
            None => free_port()?,
        };
        let folder = tempfile::Builder::new()
            .prefix("studio-emulator-")
            .tempdir()?;
        let log = File::create(log_file(folder.path()))?;
        let temporary = folder.path().join("tmp");
        fs::create_dir(&temporary)?;

        let mut command = Command::new(python);
        // The functions inherit the emulator's whole environment, so it has only what Lambda would
        // give them.
        command
            .args(["-m", "ministack"])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", folder.path())
            .env("TMPDIR", &temporary)
            .env("STATE_DIR", folder.path().join("state"))
            .env("S3_DATA_DIR", folder.path().join("s3"))
            .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
            .env("GATEWAY_PORT", port.to_string())
            .env("AUTH", "true")
            .env("MINISTACK_REGION", REGION)
            // A listener on a fixed port, for a service that the studio does not use.
            .env("IOT_MTLS_ENABLED", "false")
            .env("SFN_WAIT_SCALE", options.wait_scale.to_string())
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
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            group,
            folder,
        };
        emulator.wait_until_ready().await?;
        Ok(emulator)
    }

    /// The address on which the emulator listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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
            if is_ready(self.address).await {
                break;
            }
            if Instant::now() > deadline {
                return Err(
                    self.not_ready(format!("was not ready within {} s", READY_WITHIN.as_secs()))
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Another emulator may own the port and answer: ours is the one in our group.
        match owner_of_listener(self.address) {
            Some(owner) if !members(self.group.id()).contains(&owner) => {
                Err(Error::PortTaken(self.address.port()))
            }
            _ => Ok(()),
        }
    }

    fn not_ready(&self, state: String) -> Error {
        if self.log_tail().contains("already in use") {
            return Error::PortTaken(self.address.port());
        }
        Error::NotReady {
            state,
            log: self.log_tail(),
        }
    }
}

/// A port that was free a moment ago, for a server that binds it later and reports if it cannot.
/// Two calls in one process never return the same port. The port is below the range from which
/// Linux takes the ports of outgoing connections, so no outgoing connection takes it.
pub fn free_port() -> io::Result<u16> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Another process of ours starts at another port.
    let begin = std::process::id().wrapping_mul(101);
    for _ in 0..COUNT {
        let next = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + next).map_err(io::Error::other)?;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrNotAvailable,
        "no port between 20000 and 32000 is free",
    ))
}

/// Whether no process listens on a port.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The last lines of a file. Empty if the file cannot be read.
#[must_use]
pub fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read(file)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("emulator.log")
}

async fn is_ready(address: SocketAddr) -> bool {
    let probe = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET /_ministack/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
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

    fn options(venv: PathBuf, port: Option<u16>) -> Options {
        Options {
            venv,
            port,
            functions_endpoint: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
            wait_scale: 1.0,
        }
    }

    /// A Python environment whose interpreter is a shell script.
    fn venv(script: &str) -> TempDir {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("bin")).expect("made");
        let python = folder.path().join("bin/python");
        fs::write(&python, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("set");
        folder
    }

    #[tokio::test]
    async fn an_emulator_that_is_not_installed_has_its_own_error() {
        let error = Emulator::start(&options(PathBuf::from("/nowhere"), None))
            .await
            .expect_err("not there");
        assert!(matches!(error, Error::NotInstalled(_)), "{error}");
    }

    #[tokio::test]
    async fn an_emulator_that_ends_at_once_shows_its_log() {
        let venv = venv("echo no module named ministack; exit 3");
        let error = Emulator::start(&options(venv.path().to_owned(), None))
            .await
            .expect_err("it ended");
        assert!(
            error.to_string().contains("no module named ministack"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn another_emulators_answer_is_not_mistaken_for_ours() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    .await;
            }
        });
        let venv = venv("sleep 60");
        let error = Emulator::start(&options(venv.path().to_owned(), Some(port)))
            .await
            .expect_err("taken");
        assert!(
            matches!(error, Error::PortTaken(taken) if taken == port),
            "{error}"
        );
    }
}

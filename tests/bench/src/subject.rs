//! The subjects of the benchmark: a function runs as a process under the fake Runtime API, and the
//! kernel reports what it used.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use processes::peak_resident_bytes;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::error::Error;
use crate::profile::{Profile, out_file};
use crate::runtime_api::RuntimeApi;

/// A function that can be started.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its name in the report.
    pub name: String,
    /// The program to run.
    pub program: PathBuf,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// The working directory.
    pub folder: PathBuf,
}

/// A running subject. It is killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    api: RuntimeApi,
    spawned: Instant,
    log: fs::File,
}

impl Subject {
    /// A built function of ours, or a subject of the bench: `<folder>/<name>`.
    pub fn built(folder: &Path, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            program: folder.join(name),
            arguments: Vec::new(),
            folder: folder.to_owned(),
        }
    }

    /// Starts it with `environment` as its only environment variables, besides those that Lambda
    /// sets.
    pub async fn start(&self, environment: &[(String, String)]) -> Result<Running, Error> {
        self.start_by(&[], environment).await
    }

    /// Starts it under the program `runner`.
    async fn start_by(
        &self,
        runner: &[&str],
        environment: &[(String, String)],
    ) -> Result<Running, Error> {
        let failed = |source| Error::Start {
            name: self.name.clone(),
            source,
        };
        let api = RuntimeApi::start().await.map_err(failed)?;
        let log = tempfile::tempfile().map_err(failed)?;
        let mut words = runner
            .iter()
            .map(PathBuf::from)
            .chain([self.program.clone()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(if runner.is_empty() {
                Stdio::inherit()
            } else {
                Stdio::piped()
            })
            .kill_on_drop(true);
        let spawned = Instant::now();
        let child = command.spawn().map_err(failed)?;
        Ok(Running {
            name: self.name.clone(),
            child,
            api,
            spawned,
            log,
        })
    }

    /// The profile of a whole run of the subject, from start to end, with `arguments`.
    pub async fn whole_profile(
        &self,
        environment: &[(String, String)],
        arguments: &[&str],
    ) -> Result<Profile, Error> {
        let failed = |source| Error::Start {
            name: format!("callgrind of {}", self.name),
            source,
        };
        let out = tempfile::NamedTempFile::new().map_err(failed)?;
        let mut command = Command::new("valgrind");
        command
            .arg("--tool=callgrind")
            .arg(out_file(&out))
            .arg(&self.program)
            .args(&self.arguments);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let ran = command
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(failed)?;
        if !ran.status.success() {
            let output = String::from_utf8_lossy(&ran.stderr).into_owned();
            return Err(Error::NoFigure {
                name: format!("callgrind of {}", self.name),
                output,
            });
        }
        Profile::read(out.path(), &self.name)
    }

    /// The instructions that callgrind counts, from the first one until the subject asks for its
    /// first invocation, and then for each of `batches`.
    pub async fn profile(
        &self,
        environment: &[(String, String)],
        batches: &[Bytes],
    ) -> Result<Profile, Error> {
        let failed = |source| Error::End {
            name: format!("callgrind of {}", self.name),
            source,
        };
        let out = tempfile::NamedTempFile::new().map_err(failed)?;
        let mut running = self
            .start_by(
                &["valgrind", "--tool=callgrind", &out_file(&out)],
                environment,
            )
            .await?;
        running.first_next().await?;
        for batch in batches {
            running.invoke(batch).await?;
        }
        // Valgrind counts until the end, and writes its file when a signal ends it.
        let ended = Command::new("kill")
            .args(["-TERM", &running.id().to_string()])
            .status()
            .await
            .map_err(failed)?;
        if !ended.success() {
            return Err(failed(io::Error::other(format!("kill answered {ended}"))));
        }
        let mut said = String::new();
        if let Some(mut stderr) = running.child.stderr.take() {
            stderr.read_to_string(&mut said).await.map_err(failed)?;
        }
        running.child.wait().await.map_err(failed)?;
        Profile::read(out.path(), &self.name)
    }
}

impl Running {
    /// The time from the start until the subject asks for its first invocation.
    pub async fn first_next(&mut self) -> Result<Duration, Error> {
        let asked = self.api.next().await.map_err(|source| Error::Runtime {
            name: self.name.clone(),
            source,
        })?;
        Ok(asked - self.spawned)
    }

    /// Has the subject handle a whole batch; returns how long that took.
    pub async fn invoke(&mut self, batch: &Bytes) -> Result<Duration, Error> {
        let (answer, took) = self.ask(batch).await?;
        match answer["batchItemFailures"].as_array() {
            Some(failures) if failures.is_empty() => Ok(took),
            _ => Err(Error::NotDone {
                name: self.name.clone(),
                answer: answer.to_string(),
            }),
        }
    }

    /// Invokes the subject; returns its answer, which must be JSON, and how long it took.
    pub async fn ask(&mut self, payload: &Bytes) -> Result<(Value, Duration), Error> {
        let answered = self.api.invoke(payload.clone()).await;
        let (answer, took) = answered.map_err(|source| Error::Runtime {
            name: self.name.clone(),
            source,
        })?;
        let read = serde_json::from_slice(&answer);
        let not_done = |_| Error::NotDone {
            name: self.name.clone(),
            answer: String::from_utf8_lossy(&answer).into_owned(),
        };
        Ok((read.map_err(not_done)?, took))
    }

    /// The bytes that it has logged so far. On Lambda there are also two or three lines of Lambda's
    /// own for each invocation.
    pub fn logged(&self) -> u64 {
        self.log.metadata().map_or(0, |metadata| metadata.len())
    }

    /// The processor time of all its threads so far. It comes from `schedstat`, which counts
    /// nanoseconds, because `stat` counts hundredths of a second.
    pub fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.id()))
            .into_iter()
            .flatten()
            .flatten();
        let of_thread = |folder: fs::DirEntry| {
            let text = fs::read_to_string(folder.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(threads.filter_map(of_thread).sum())
    }

    /// The largest resident set so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        peak_resident_bytes(self.id()).unwrap_or_default()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

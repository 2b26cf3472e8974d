//! Apache Kafka, one KRaft node in a JVM. The end-to-end tests and the fault tests run on it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kafka_client::Cluster;
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::iam::Listener;
use super::install::{Installed, copy_folder};
use super::{Error, Line, Options, loopback};
use crate::emulator::{free_port, tail};
use crate::process::{Group, members, owner_of_listener};

const READY_WITHIN: Duration = Duration::from_secs(60);

/// A node and its data. Dropping it kills the node and deletes the data.
#[derive(Debug)]
pub(super) struct Apache {
    port: u16,
    installed: Installed,
    line: Option<Line>,
    iam: Option<Listener>,
    // Declared before the folder, so that the process ends before its folder is removed.
    group: Mutex<Option<Group>>,
    folder: TempDir,
}

impl Apache {
    pub(super) async fn start(options: &Options) -> Result<Self, Error> {
        let (pom, folder, iam) = (
            options.pom.clone(),
            options.installed.clone(),
            options.iam.clone(),
        );
        let port = match options.port {
            Some(port) => port,
            None => free_port()?,
        };
        // Clients connect to the address that the broker advertises. For clients that come through
        // a line, the broker advertises the line's near end.
        let (line, by_line) = if options.line {
            let port = free_port()?;
            let line = Line::open(loopback(port)).await?;
            let by_line = ByLine {
                port,
                advertised: line.address().port(),
            };
            (Some(line), Some(by_line))
        } else {
            (None, None)
        };
        let prepared = tokio::task::spawn_blocking(move || {
            let installed = Installed::by(&pom, &folder)?;
            let folder = tempfile::Builder::new().prefix("studio-kafka-").tempdir()?;
            let iam = iam
                .map(|iam| Listener::prepare(iam, folder.path()))
                .transpose()?;
            let properties = properties(port, by_line, iam.as_ref(), free_port()?, folder.path());
            fs::write(folder.path().join("server.properties"), properties)?;
            copy_folder(&installed.storage, &folder.path().join("data"))?;
            Ok::<_, Error>((installed, folder, iam))
        });
        let (installed, folder, iam) = prepared.await.map_err(io::Error::other)??;
        let apache = Self {
            port,
            installed,
            line,
            iam,
            folder,
            group: Mutex::new(None),
        };
        apache.restart().await?;
        Ok(apache)
    }

    pub(super) fn bootstrap(&self) -> String {
        loopback(self.port).to_string()
    }

    pub(super) fn line(&self) -> Option<&Line> {
        self.line.as_ref()
    }

    pub(super) fn iam(&self) -> Option<&Listener> {
        self.iam.as_ref()
    }

    pub(super) async fn kill(&self) {
        *self.group.lock().await = None;
    }

    pub(super) async fn restart(&self) -> Result<(), Error> {
        let mut running = self.group.lock().await;
        *running = None;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let mut command = self.installed.broker(self.folder.path());
        match &self.iam {
            // A Java source file, which the JVM compiles and runs.
            Some(listener) => command.arg(listener.setting()).arg(&listener.iam.source),
            None => command.arg("kafka.Kafka"),
        };
        command.arg(self.folder.path().join("server.properties"));
        let group = running.insert(Group::spawn(command, &log, self.folder.path())?);
        let failed = |log: &Path| Error::Failed {
            what: "starting Apache Kafka",
            log: tail(log, 30),
        };
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let ended = group.ended()?.is_some();
            if ended || Instant::now() > deadline {
                return Err(failed(&self.folder.path().join("kafka.log")));
            }
            if tokio::net::TcpStream::connect(loopback(self.port))
                .await
                .is_ok()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Another process may own the port: ours is the one in our group.
        if owner_of_listener(loopback(self.port))
            .is_some_and(|owner| !members(group.id()).contains(&owner))
        {
            return Err(failed(&self.folder.path().join("kafka.log")));
        }
        // The port opens before the broker is ready. It is ready once its own metadata lists it.
        let failed = |source| Error::Kafka {
            bootstrap: self.bootstrap(),
            source,
        };
        let cluster = Cluster::new(&self.bootstrap()).map_err(failed)?;
        while cluster.brokers().await.map_err(failed)?.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("kafka.log")
    }
}

/// A listener for clients that come through a line: its port, and the port that it advertises.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByLine {
    port: u16,
    advertised: u16,
}

/// The broker's properties. The session timeout is short, because a killed broker cannot register
/// again before its old session has ended.
pub(super) fn properties(
    port: u16,
    by_line: Option<ByLine>,
    iam: Option<&Listener>,
    controller: u16,
    folder: &Path,
) -> String {
    let at = |port: u16| format!(",LINE://127.0.0.1:{port}");
    let (line, line_advertised) = by_line
        .map(|line| (at(line.port), at(line.advertised)))
        .unwrap_or_default();
    let (iam_listener, iam_properties) = iam
        .map(|listener| (listener.address(), listener.properties()))
        .unwrap_or_default();
    format!(
        "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{line}{iam_listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{line_advertised}{iam_listener}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
controller.quorum.voters=1@127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LINE:PLAINTEXT,IAM:SASL_SSL
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
{iam_properties}",
        data = folder.join("data").display()
    )
}

pub(super) fn missing(error: io::Error, program: &'static str, cure: &'static str) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::Missing { program, cure },
        _ => Error::Start(error),
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

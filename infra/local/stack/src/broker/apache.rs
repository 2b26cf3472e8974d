//! Apache Kafka, one KRaft node in a JVM. The end-to-end tests and the fault tests run on it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kafka_client::Cluster;
use processes::{Group, members, owner_of_listener};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::error::Error;
use super::iam::Listener;
use super::install::{Installed, copy_folder};
use super::line::Line;
use super::properties::{ByLine, properties};
use super::settings::{Options, loopback};
use crate::log_tail::tail;
use crate::ports::free_port;

/// How long the port may take to open, and then the broker to answer. Several JVMs start at once
/// where tests run.
const READY_WITHIN: Duration = Duration::from_secs(120);

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
            let folder = tempfile::Builder::new()
                .prefix("studio-kafka-")
                .permissions(fs::Permissions::from_mode(0o700))
                .tempdir()?;
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
        let cluster = Cluster::new(&self.bootstrap())
            .map_err(failed)?
            .within(READY_WITHIN);
        while cluster.brokers().await.map_err(failed)?.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("kafka.log")
    }
}

//! What every Apache Kafka on this machine starts from, made once: its jars, a formatted storage,
//! and an archive of the classes that it loads.

use std::fs::{self, File};
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::apache::{missing, text};
use super::{Error, loopback};
use crate::emulator::{free_port, tail};
use crate::process::terminate;

/// How long a broker may take to start while the JVM writes down which classes it loads, and to
/// stop.
const ARCHIVE_WITHIN: Duration = Duration::from_secs(60);

/// An installed Apache Kafka.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    /// The folder of the jars.
    jars: PathBuf,
    /// A storage that was formatted and never used.
    pub storage: PathBuf,
    /// The archive of classes (class data sharing): a broker with it takes a processor second less
    /// to start.
    classes: PathBuf,
}

impl Installed {
    /// Takes what is in `folder`, or makes it by the `pom.xml` in `pom`. A stamp, written last,
    /// says by which one it was made.
    pub(super) fn by(pom: &Path, folder: &Path) -> Result<Self, Error> {
        // Tests start several brokers at once: one installs, the others find it done.
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let installed = Self {
            jars: folder.join("libs"),
            storage: folder.join("storage"),
            classes: folder.join("classes.jsa"),
        };
        let (wanted, stamp) = (fs::read(pom.join("pom.xml"))?, folder.join("pom.xml"));
        if fs::read(&stamp).is_ok_and(|made_by| made_by == wanted) {
            return Ok(installed);
        }
        for made in [&installed.jars, &installed.storage] {
            if made.exists() {
                fs::remove_dir_all(made)?;
            }
        }
        installed.fetch(pom)?;
        let folder = tempfile::Builder::new().prefix("studio-kafka-").tempdir()?;
        let (port, controller) = (free_port()?, free_port()?);
        let properties = folder.path().join("server.properties");
        fs::write(
            &properties,
            super::apache::properties(port, None, None, controller, folder.path()),
        )?;
        installed.format(folder.path(), &properties)?;
        installed.archive(folder.path(), &properties, port)?;
        fs::write(stamp, wanted)?;
        Ok(installed)
    }

    fn fetch(&self, pom: &Path) -> Result<(), Error> {
        let output = Command::new("mvn")
            .args(["-B", "-q", "dependency:copy-dependencies"])
            .arg(format!("-DoutputDirectory={}", self.jars.display()))
            .current_dir(pom)
            .output()
            .map_err(|error| {
                missing(
                    error,
                    "mvn",
                    "install Maven 3.8 or newer (Debian: apt-get install maven)",
                )
            })?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            what: "fetching Apache Kafka with Maven",
            log: text(&output.stdout),
        })
    }

    /// Formats a storage and keeps it: it names no port, since the quorum's one voter stands in the
    /// properties.
    fn format(&self, folder: &Path, properties: &Path) -> Result<(), Error> {
        let output = self
            .java(folder)
            .args([
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                "c3R1ZGlvLWxvY2FsLTAwMQ",
                "--config",
            ])
            .arg(properties)
            .output()
            .map_err(|error| {
                missing(
                    error,
                    "java",
                    "install Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless)",
                )
            })?;
        if !output.status.success() {
            let log = text(&output.stderr) + &text(&output.stdout);
            return Err(Error::Failed {
                what: "formatting Apache Kafka's storage",
                log,
            });
        }
        copy_folder(&folder.join("data"), &self.storage)?;
        Ok(())
    }

    /// Starts a broker once, whose JVM writes the archive as it ends. A JVM that can make none ends
    /// all the same: brokers start without it.
    fn archive(&self, folder: &Path, properties: &Path, port: u16) -> Result<(), Error> {
        let log = folder.join("kafka.log");
        let output = File::create(&log)?;
        let mut broker = self
            .java(folder)
            .arg(format!(
                "-XX:ArchiveClassesAtExit={}",
                self.classes.display()
            ))
            .arg("kafka.Kafka")
            .arg(properties)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let deadline = Instant::now() + ARCHIVE_WITHIN;
        let started = until(deadline, &mut broker, |_| {
            TcpStream::connect(loopback(port)).is_ok()
        });
        terminate(broker.id());
        let ended = until(deadline, &mut broker, |broker| {
            matches!(broker.try_wait(), Ok(Some(_)))
        });
        if !ended {
            // It may have ended a moment ago.
            let _ = broker.kill();
            broker.wait()?;
        }
        if started {
            return Ok(());
        }
        Err(Error::Failed {
            what: "starting Apache Kafka for the first time",
            log: tail(&log, 30),
        })
    }

    /// A small JVM that is up soon rather than fast later. Of our environment it gets where
    /// programs are, and nothing else.
    #[expect(
        clippy::disallowed_methods,
        reason = "the JVM is found by the PATH of the user who starts the stack"
    )]
    fn java(&self, folder: &Path) -> Command {
        let mut command = Command::new("java");
        let kept = ["PATH", "JAVA_HOME"]
            .into_iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        command
            .env_clear()
            .envs(kept)
            .args([
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-XX:-UsePerfData",
                "-Xlog:disable",
                "-Xlog:all=error",
                "-Djava.awt.headless=true",
                "-Djava.net.preferIPv4Stack=true",
            ])
            .arg("-Dlog4j2.level=WARN")
            .arg(format!("-Djava.io.tmpdir={}", folder.display()))
            .arg("-cp")
            .arg(self.jars.join("*"));
        command
    }

    /// The JVM that a broker runs in, with its temporary files in `folder`.
    pub(super) fn broker(&self, folder: &Path) -> Command {
        let mut command = self.java(folder);
        command.arg(format!("-XX:SharedArchiveFile={}", self.classes.display()));
        command
    }
}

/// Waits until `done`, while a process runs; `false` if it never was.
fn until(deadline: Instant, process: &mut Child, mut done: impl FnMut(&mut Child) -> bool) -> bool {
    while Instant::now() < deadline {
        if done(process) {
            return true;
        }
        if !matches!(process.try_wait(), Ok(None)) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// Copies a folder of files and folders.
pub(super) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

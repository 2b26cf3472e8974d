//! The files from which every Apache Kafka on this machine starts, made once: its jars, a formatted
//! storage folder, and an archive of the classes that it loads; and its programs for people.

use std::fs::{self, File};
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use processes::terminate;

use super::error::Error;
use super::hashes::differences;
use super::java::{INSTALL, missing, text};
use super::properties::properties;
use super::settings::loopback;
use super::tools::write_tools;
use crate::log_tail::tail;
use crate::ports::free_port;

/// How long a broker may take to start while the JVM records the classes that it loads, and how
/// long it may take to stop.
const ARCHIVE_WITHIN: Duration = Duration::from_secs(120);

/// An installed Apache Kafka.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    /// The folder of the jars.
    jars: PathBuf,
    /// A storage folder that was formatted and never used.
    pub storage: PathBuf,
    /// The archive of classes (class data sharing). It saves a broker one second of processor time
    /// at the start.
    classes: PathBuf,
}

impl Installed {
    /// Uses the installation in `folder`, or makes it from the `pom.xml` and the `jars.sha256` in
    /// `pom`. A stamp, which is written last, records those that made it.
    pub(super) fn by(pom: &Path, folder: &Path) -> Result<Self, Error> {
        // Tests start several brokers at once: one installs, and the others then find the
        // installation complete.
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let installed = Self {
            jars: folder.join("libs"),
            storage: folder.join("storage"),
            classes: folder.join("classes.jsa"),
        };
        write_tools(&folder.join("bin"))?;
        let hashes = fs::read_to_string(pom.join("jars.sha256"))?;
        let wanted = fs::read_to_string(pom.join("pom.xml"))? + &hashes;
        let stamp = folder.join("made-by");
        if fs::read_to_string(&stamp).is_ok_and(|made_by| made_by == wanted) {
            return Ok(installed);
        }
        for made in [&installed.jars, &installed.storage] {
            if made.exists() {
                fs::remove_dir_all(made)?;
            }
        }
        installed.fetch(pom)?;
        let differences = differences(&installed.jars, &hashes)?;
        if !differences.is_empty() {
            return Err(Error::Jars(differences.join("; ")));
        }
        let folder = tempfile::Builder::new().prefix("studio-kafka-").tempdir()?;
        let (port, controller) = (free_port()?, free_port()?);
        let file = folder.path().join("server.properties");
        let written = properties(port, None, None, controller, folder.path());
        fs::write(&file, written)?;
        installed.format(folder.path(), &file)?;
        installed.archive(folder.path(), &file, port)?;
        fs::write(stamp, wanted)?;
        Ok(installed)
    }

    fn fetch(&self, pom: &Path) -> Result<(), Error> {
        let output = Command::new("mvn")
            .args(["-B", "-q", "--strict-checksums"])
            .arg("dependency:copy-dependencies")
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

    /// Formats a storage folder and keeps it. The folder contains no port, because the properties
    /// name the quorum's only voter.
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
            .map_err(|error| missing(error, "java", INSTALL))?;
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

    /// Starts a broker once; its JVM writes the archive when it ends. A JVM that cannot write one
    /// still ends normally, and brokers then start without an archive.
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

    /// A small JVM, tuned to start fast rather than to run fast. Of our environment it gets only
    /// the variables that locate programs.
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

    /// The JVM of a broker, with its temporary files in `folder`.
    pub(super) fn broker(&self, folder: &Path) -> Command {
        let mut command = self.java(folder);
        command.arg(format!("-XX:SharedArchiveFile={}", self.classes.display()));
        command
    }
}

/// Waits until `done` returns true, while the process runs. Returns `false` at the deadline, or if
/// the process ends first.
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

/// Copies a folder with all its files and subfolders.
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

//! The paths in a checkout.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// A checkout of the repository, and the paths of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The checkout's root.
    pub root: PathBuf,
    /// The emulator's Python environment.
    pub venv: PathBuf,
    /// The built functions.
    pub binaries: PathBuf,
}

impl Checkout {
    /// The checkout around the current folder, with the binaries next to the running one.
    pub fn find() -> io::Result<Self> {
        let here = env::current_dir()?;
        let root = here
            .ancestors()
            .find(|folder| folder.join("infra/local/requirements.txt").is_file());
        let root = root.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} is not in a checkout of this repository", here.display()),
            )
        })?;
        let running = env::current_exe()?;
        let folder = running.parent().unwrap_or(Path::new("."));
        // Cargo puts a test binary one folder deeper.
        let binaries = if folder.ends_with("deps") {
            folder.parent().unwrap_or(folder)
        } else {
            folder
        };
        Ok(Self {
            root: root.to_owned(),
            venv: root.join("target/venv"),
            binaries: binaries.to_owned(),
        })
    }

    /// The template, which is deployed here and on AWS.
    #[must_use]
    pub fn template(&self) -> PathBuf {
        self.root.join("infra/template.yaml")
    }

    /// The folder of the functions' sources.
    #[must_use]
    pub fn functions(&self) -> PathBuf {
        self.root.join("functions")
    }

    /// The fonts that are deployed next to each bootstrap that draws.
    #[must_use]
    pub fn fonts(&self) -> PathBuf {
        self.root.join("shared/canvas/fonts/files")
    }

    /// The program that starts the emulator: a folder, which Python runs.
    #[must_use]
    pub fn emulator(&self) -> PathBuf {
        self.root.join("infra/local/stack/emulator")
    }

    /// The folder of Apache Kafka's `pom.xml`.
    #[must_use]
    pub fn apache_kafka_pom(&self) -> PathBuf {
        self.root.join("infra/local/stack/apache-kafka")
    }

    /// The folder of the installed Apache Kafka.
    #[must_use]
    pub fn apache_kafka(&self) -> PathBuf {
        self.root.join("target/apache-kafka")
    }

    /// The folder of Apache Kafka's programs for people, once Apache Kafka is installed.
    #[must_use]
    pub fn kafka_tools(&self) -> PathBuf {
        self.apache_kafka().join("bin")
    }

    /// The file that `make up` provides for a shell while it runs.
    #[must_use]
    pub fn env(&self) -> PathBuf {
        self.root.join("target/up.env")
    }

    /// The folder of what `make up KEEP=1` keeps.
    #[must_use]
    pub fn kept(&self) -> PathBuf {
        self.root.join("target/up.kept")
    }

    /// The folder of the demo's results.
    #[must_use]
    pub fn demo(&self) -> PathBuf {
        self.root.join("target/demo")
    }

    /// The example event of a topic.
    #[must_use]
    pub fn example(&self, topic: contract::Topic) -> PathBuf {
        self.root
            .join("events")
            .join(topic.as_str())
            .join("example.json")
    }

    /// The example of a campaign whose spot a cloned voice speaks.
    #[must_use]
    pub fn spoken_campaign(&self) -> PathBuf {
        let topic = contract::Topic::CampaignLaunched;
        self.example(topic).with_file_name("example-voice.json")
    }

    /// The example input that starts the training of a voice.
    #[must_use]
    pub fn voice_training(&self) -> PathBuf {
        self.root.join("events/voice-training/example.json")
    }
}

//! Where the studio runs: a stage on AWS, or the stack of `make up` on this machine.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::config::{Credentials, SharedCredentialsProvider};

/// The stack to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployment {
    /// A stage on AWS, with the identity that this shell's AWS configuration names.
    Stage(String),
    /// On this machine, described by the file that `make up` writes. `None` means the file of the
    /// checkout around the current folder.
    Local(Option<PathBuf>),
}

/// Why the stack cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// There is no file from `make up`.
    #[error(
        "there is no target/up.env in this folder or above it: start the local stack with `make up`"
    )]
    NotUp,
    /// The file cannot be read.
    #[error("reading {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the read.
        source: io::Error,
    },
    /// The file lacks a variable.
    #[error("{path} does not set {variable}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The variable that it lacks.
        variable: &'static str,
    },
    /// No region is configured.
    #[error("no region is configured: set AWS_REGION, or the profile's region")]
    NoRegion,
}

impl Deployment {
    /// The function's name.
    pub fn function(&self) -> String {
        let stage = match self {
            Self::Stage(stage) => stage,
            Self::Local(_) => "local",
        };
        format!("studio-operator-{stage}")
    }

    /// The credentials, region and endpoint.
    pub async fn config(&self) -> Result<SdkConfig, DeploymentError> {
        match self {
            Self::Stage(_) => {
                let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
                if config.region().is_none() {
                    Err(DeploymentError::NoRegion)
                } else {
                    Ok(config)
                }
            }
            Self::Local(file) => {
                let path = file.clone().map_or_else(find, Ok)?;
                local(&path)
            }
        }
    }
}

/// The `make up` file of the checkout around the current folder.
fn find() -> Result<PathBuf, DeploymentError> {
    let here = env::current_dir().map_err(|source| DeploymentError::Read {
        path: PathBuf::from("."),
        source,
    })?;
    let files = here.ancestors().map(|folder| folder.join("target/up.env"));
    files
        .into_iter()
        .find(|file| file.is_file())
        .ok_or(DeploymentError::NotUp)
}

/// The configuration in the file that `make up` writes for a shell: one line `export NAME='value'`
/// for each variable.
fn local(path: &Path) -> Result<SdkConfig, DeploymentError> {
    let text = fs::read_to_string(path).map_err(|source| DeploymentError::Read {
        path: path.to_owned(),
        source,
    })?;
    let variable = |variable: &'static str| {
        let line = text.lines().find_map(|line| {
            line.strip_prefix("export ")?
                .strip_prefix(variable)?
                .strip_prefix("='")
        });
        let value = line
            .and_then(|value| value.strip_suffix('\''))
            .map(str::to_owned);
        value.ok_or(DeploymentError::Missing {
            path: path.to_owned(),
            variable,
        })
    };
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "make up",
    );
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variable("AWS_REGION")?))
        .endpoint_url(variable("AWS_ENDPOINT_URL")?)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_its_own_function() {
        assert_eq!(
            Deployment::Stage("staging".to_owned()).function(),
            "studio-operator-staging"
        );
        assert_eq!(Deployment::Local(None).function(), "studio-operator-local");
    }

    #[test]
    fn the_local_stack_is_where_its_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("up.env");
        let lines = "export AWS_ACCESS_KEY_ID='test'\nexport AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n\
                     export AWS_REGION='us-east-1'\nexport AWS_SECRET_ACCESS_KEY='test'\nexport TABLE_NAME='t'\n";
        fs::write(&path, lines).unwrap();
        let config = local(&path).unwrap();
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4566"));
        assert_eq!(config.region().map(AsRef::as_ref), Some("us-east-1"));
        fs::write(&path, lines.replace("AWS_REGION", "REGION")).unwrap();
        assert!(
            local(&path)
                .unwrap_err()
                .to_string()
                .ends_with("up.env does not set AWS_REGION")
        );
    }
}

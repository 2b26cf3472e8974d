//! The stack of `make up` as another process finds it: by the file that it writes for a shell, and
//! by the file with the address of its control port.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aws_credential_types::Credentials;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kafka_client::Cluster;
use runtime::chain;

use crate::clients::Clients;
use crate::control::control_file;
use crate::environment::{self, Environment};

/// A running stack.
#[derive(Debug)]
pub struct Place {
    /// The file that the stack wrote for a shell.
    pub env: PathBuf,
    /// Clients of its AWS, with the credentials of its root.
    pub clients: Clients,
    /// The broker's address.
    pub bootstrap: String,
    /// The broker.
    pub cluster: Cluster,
    /// The access key of its root, which no other stack has.
    pub key: String,
    environment: Environment,
    control: SocketAddr,
}

/// Why there is no stack to work on.
#[derive(Debug, thiserror::Error)]
pub enum NoPlace {
    /// The file for the shell cannot be read, or lacks a variable.
    #[error(transparent)]
    Environment(#[from] environment::Error),
    /// The file of the control port cannot be read.
    #[error(
        "cannot read {path}, which a running stack writes; start one with `make up` in another terminal"
    )]
    NoControl {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// What should be an address is none.
    #[error("{path} has no address in {what}; check that this version's `make up` wrote it")]
    Address {
        /// The file.
        path: PathBuf,
        /// Where in it.
        what: &'static str,
    },
    /// The broker's address is none.
    #[error("the broker at {bootstrap} cannot be addressed")]
    Broker {
        /// The address.
        bootstrap: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
}

/// Why the control port did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It did not answer.
    #[error(
        "the control port at {address} did not answer: {reason}; check that the stack still runs"
    )]
    NoAnswer {
        /// Its address.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// It refused.
    #[error("the control port at {address} refused {what}: {status} {said}")]
    Refused {
        /// Its address.
        address: SocketAddr,
        /// The request.
        what: String,
        /// The HTTP status.
        status: StatusCode,
        /// What it said.
        said: String,
    },
}

impl Place {
    /// The stack that wrote the file `env`.
    ///
    /// # Errors
    /// A [`NoPlace`].
    pub fn of(env: &Path) -> Result<Self, NoPlace> {
        let environment = Environment::read(env)?;
        let control = address_in(&control_file(env))?;
        let address = environment
            .variable("AWS_ENDPOINT_URL")?
            .strip_prefix("http://")
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| NoPlace::Address {
                path: env.to_owned(),
                what: "AWS_ENDPOINT_URL",
            })?;
        let key = environment.variable("AWS_ACCESS_KEY_ID")?.to_owned();
        let secret = environment.variable("AWS_SECRET_ACCESS_KEY")?;
        let root = Credentials::new(key.clone(), secret, None, None, "make up");
        let bootstrap = environment.variable("KAFKA_BOOTSTRAP_SERVERS")?.to_owned();
        let cluster = Cluster::new(&bootstrap).map_err(|source| NoPlace::Broker {
            bootstrap: bootstrap.clone(),
            source,
        })?;
        Ok(Self {
            env: env.to_owned(),
            clients: Clients::of(address, &root),
            bootstrap,
            cluster,
            key,
            environment,
            control,
        })
    }

    /// A variable of the stack's functions, such as `TABLE_NAME`.
    ///
    /// # Errors
    /// [`NoPlace::Environment`] if no function has it.
    pub fn variable(&self, name: &'static str) -> Result<&str, NoPlace> {
        Ok(self.environment.variable(name)?)
    }

    /// Asks the control port for a change: `PUT` puts a fault in, `DELETE` takes it out.
    ///
    /// # Errors
    /// A [`ControlError`].
    pub async fn control(&self, method: Method, fault: &str) -> Result<(), ControlError> {
        let address = self.control;
        let no_answer = |reason: String| ControlError::NoAnswer { address, reason };
        let what = format!("{method} /faults/{fault}");
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{address}/faults/{fault}"))
            .body(Empty::<Bytes>::new())
            .map_err(|error| no_answer(error.to_string()))?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client
            .request(request)
            .await
            .map_err(|error| no_answer(chain(&error)))?;
        let status = answer.status();
        let said = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| no_answer(chain(&error)))?
            .to_bytes();
        if status.is_success() {
            return Ok(());
        }
        Err(ControlError::Refused {
            address,
            what,
            status,
            said: String::from_utf8_lossy(&said).into_owned(),
        })
    }
}

/// The address in the file of a control port.
fn address_in(path: &Path) -> Result<SocketAddr, NoPlace> {
    let text = fs::read_to_string(path).map_err(|source| NoPlace::NoControl {
        path: path.to_owned(),
        source,
    })?;
    text.trim().parse().map_err(|_| NoPlace::Address {
        path: path.to_owned(),
        what: "its only line",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file of a stack, and that of its control port if it has one.
    fn written(control: Option<&str>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let env = folder.path().join("up.env");
        let lines = "export AWS_ACCESS_KEY_ID='AKIA'\nexport AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n\
                     export AWS_SECRET_ACCESS_KEY='s'\nexport KAFKA_BOOTSTRAP_SERVERS='127.0.0.1:9092'\n";
        fs::write(&env, lines).expect("written");
        if let Some(address) = control {
            fs::write(control_file(&env), address).expect("written");
        }
        (folder, env)
    }

    #[test]
    fn a_running_stack_is_found_by_its_two_files() {
        let (_folder, env) = written(Some("127.0.0.1:4568\n"));
        let place = Place::of(&env).expect("found");
        assert_eq!(place.bootstrap, "127.0.0.1:9092");
        assert_eq!(place.key, "AKIA");
        let missing = place.variable("TABLE_NAME").expect_err("not there");
        assert!(missing.to_string().contains("TABLE_NAME"), "{missing}");
    }

    #[test]
    fn a_stack_that_is_not_up_is_an_error_that_says_how_to_start_one() {
        let (_folder, env) = written(None);
        let error = Place::of(&env).expect_err("no control port");
        assert!(error.to_string().contains("make up"), "{error}");
    }
}

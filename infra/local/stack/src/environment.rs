//! The functions' environment variables, for a function that runs outside the emulator.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_sdk_lambda::error::DisplayErrorContext;

use crate::checkout::Checkout;
use crate::deploy::Outputs;
use crate::emulator::REGION;
use crate::stack::Stack;

/// Why the functions' environment cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The functions' configuration cannot be read.
    #[error("the functions' configuration cannot be read: {0}")]
    Functions(String),
    /// There is no file of a running stack.
    #[error(
        "cannot read {path}, which a running stack writes; start one with `make up` in another terminal"
    )]
    NotUp {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// The file lacks a variable.
    #[error("{path} has no {name}; check that `make up` wrote it")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: &'static str,
    },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it cannot be written.
        #[source]
        source: io::Error,
    },
}

/// The variables of all functions of `stack`, sorted by name. No two functions have different
/// values for the same variable.
pub async fn environment(
    stack: &Stack,
    checkout: &Checkout,
) -> Result<Vec<(String, String)>, Error> {
    let mut variables = vec![
        (
            "AWS_ENDPOINT_URL".to_owned(),
            format!("http://{}", stack.proxy.address()),
        ),
        ("AWS_REGION".to_owned(), REGION.to_owned()),
        // Version 1 of the AWS CLI reads only this one.
        ("AWS_DEFAULT_REGION".to_owned(), REGION.to_owned()),
        (
            "AWS_ACCESS_KEY_ID".to_owned(),
            stack.root.access_key_id().to_owned(),
        ),
        (
            "AWS_SECRET_ACCESS_KEY".to_owned(),
            stack.root.secret_access_key().to_owned(),
        ),
        // In a deployment, the fonts are next to the bootstrap.
        (
            "FONTS_FOLDER".to_owned(),
            checkout.fonts().display().to_string(),
        ),
    ];
    let consumers = stack.mappings.iter().map(|mapping| &mapping.function);
    let Outputs {
        render_function_name,
        completion_function_name,
        erase_function_name,
        operator_function_name,
        kafka_topics_function_name,
        ..
    } = &stack.outputs;
    let others = [
        render_function_name,
        completion_function_name,
        erase_function_name,
        operator_function_name,
        kafka_topics_function_name,
    ];
    for function in consumers.chain(others) {
        let configuration = stack
            .clients
            .lambda
            .get_function_configuration()
            .function_name(function)
            .send()
            .await;
        let configuration = configuration
            .map_err(|error| Error::Functions(DisplayErrorContext(error).to_string()))?;
        variables.extend(
            configuration
                .environment
                .and_then(|environment| environment.variables)
                .unwrap_or_default(),
        );
    }
    variables.sort();
    variables.dedup();
    Ok(variables)
}

/// A file with a function's environment variables, for a shell to `source` and for
/// `studio --local`. It has the stack's credentials, so only its user may read it. Dropping this
/// deletes the file.
#[derive(Debug)]
pub struct EnvFile {
    /// The file's path.
    pub path: PathBuf,
}

impl EnvFile {
    /// Writes the file for `stack`.
    ///
    /// # Errors
    /// An [`Error`].
    pub async fn write(stack: &Stack, checkout: &Checkout, path: PathBuf) -> Result<Self, Error> {
        let variables = environment(stack, checkout).await?;
        let quoted = |value: &str| value.replace('\'', r"'\''");
        let lines = variables
            .iter()
            .map(|(name, value)| format!("export {name}='{}'\n", quoted(value)));
        match write_for_user(&path, &lines.collect::<String>()) {
            Ok(()) => Ok(Self { path }),
            Err(source) => Err(Error::Write { path, source }),
        }
    }
}

/// The environment of a stack that is up, read from its file.
#[derive(Debug)]
pub struct Environment {
    path: PathBuf,
    text: String,
}

impl Environment {
    /// Reads the file of a stack that is up.
    ///
    /// # Errors
    /// [`Error::NotUp`] if it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self {
                path: path.to_owned(),
                text,
            }),
            Err(source) => Err(Error::NotUp {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The value of a variable that has one line and no quotes.
    ///
    /// # Errors
    /// [`Error::Missing`] if the file lacks it.
    pub fn variable(&self, name: &'static str) -> Result<&str, Error> {
        let value = self.text.lines().find_map(|line| {
            line.strip_prefix("export ")?
                .strip_prefix(name)?
                .strip_prefix("='")?
                .strip_suffix('\'')
        });
        value.ok_or_else(|| Error::Missing {
            path: self.path.clone(),
            name,
        })
    }
}

/// Writes a new file that only its user may read.
fn write_for_user(path: &Path, text: &str) -> io::Result<()> {
    // An old file might keep its mode, or be a link.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // If the deletion fails, the file names ports that no longer answer, which is harmless.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_variable_is_read_from_the_stacks_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("up.env");
        assert!(matches!(Environment::read(&path), Err(Error::NotUp { .. })));
        let lines = "export KAFKA='127.0.0.1:9092'\nexport KAFKA_ROOTS_PEM='a\nb'\n";
        fs::write(&path, lines).expect("written");
        let environment = Environment::read(&path).expect("there");
        assert_eq!(
            environment.variable("KAFKA").expect("there"),
            "127.0.0.1:9092"
        );
        let missing = environment.variable("TABLE_NAME").expect_err("not there");
        assert!(missing.to_string().contains("TABLE_NAME"), "{missing}");
    }

    #[test]
    fn the_file_with_the_credentials_is_readable_by_its_user_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("up.env");
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("set");
        write_for_user(&path, "new").expect("written");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
    }
}

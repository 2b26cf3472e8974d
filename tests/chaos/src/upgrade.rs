//! Other code under a stack that works: a release's and this checkout's in turns, without a pause.
//! What is deployed besides the code, such as the state machines, is this checkout's.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_sdk_lambda::{error::DisplayErrorContext, primitives::Blob};
use futures::future::try_join_all;
use local::{checkout::Checkout, deploy::zip_function, stack::Stack};
use tokio::time::sleep;

use crate::{Error, storm::deployed};

/// Whose functions a run begins and ends with.
#[derive(Debug, Clone)]
pub struct Upgrade {
    from: Checkout,
    to: Checkout,
}

impl Upgrade {
    /// From the functions of the checkout in `folder` to those of `to`. Both are built in the same
    /// profile, each in its own target folder.
    #[must_use]
    pub fn new(folder: &Path, to: &Checkout) -> Self {
        let built = to.binaries.strip_prefix(&to.root);
        let built = built.map_or_else(|_| PathBuf::from("target/storm"), Path::to_path_buf);
        let from = Checkout {
            root: folder.to_owned(),
            venv: to.venv.clone(),
            binaries: folder.join(built),
        };
        Self {
            from,
            to: to.clone(),
        }
    }

    /// Has the stack work with what it is to be upgraded from.
    ///
    /// # Errors
    /// An [`Error`]: a function is not built, or the emulator refuses it.
    pub(crate) async fn begin(&self, stack: &Stack) -> Result<(), Error> {
        install(stack, &self.from).await
    }

    /// Forward, back and forward again, with the time `each` before each of the three.
    ///
    /// # Errors
    /// An [`Error`], as in [`begin`](Self::begin).
    pub(crate) async fn over_and_back(
        &self,
        stack: &Stack,
        each: Duration,
        say: &impl Fn(&str),
    ) -> Result<(), Error> {
        for checkout in [&self.to, &self.from, &self.to] {
            sleep(each).await;
            install(stack, checkout).await?;
            say(&format!(
                "the functions are now those of {}",
                checkout.root.display()
            ));
        }
        Ok(())
    }
}

/// Replaces the code of all functions at once. The emulator ends what runs, as a kill of the storm
/// does; on AWS it goes on with the code that it has.
async fn install(stack: &Stack, checkout: &Checkout) -> Result<(), Error> {
    let folders = fs::read_dir(checkout.functions())?;
    let names: Vec<String> = folders
        .map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    try_join_all(names.iter().map(|name| replace(stack, checkout, name))).await?;
    Ok(())
}

async fn replace(stack: &Stack, checkout: &Checkout, function: &str) -> Result<(), Error> {
    let package = checkout.functions().join(function).join("package");
    let code = zip_function(&checkout.binaries.join(function), &package);
    let code = code.map_err(local::stack::Error::from)?;
    let update = stack
        .clients
        .lambda
        .update_function_code()
        .function_name(deployed(function))
        .zip_file(Blob::new(code));
    update.send().await.map_err(|error| Error::Aws {
        doing: "replacing the code of a function",
        reason: DisplayErrorContext(error).to_string(),
    })?;
    Ok(())
}

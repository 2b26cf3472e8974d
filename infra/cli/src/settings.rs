//! `studio settings check`: the parser of the functions, before a deployment.

use std::{fs, io, path::Path};

use contract::printable;
use providers::{Settings, SettingsError};

use crate::{Exit, chain};

/// Why the settings would stop the functions.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("reading {file}")]
    Read { file: String, source: io::Error },
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// Checks the settings in `file`, and whether the audio providers with these names can work with
/// them; `-` is the standard input. An empty text is valid: it means the defaults.
pub fn check(file: &Path, audio_providers: &str) -> Exit {
    let checked = read(file).and_then(|json| {
        let settings = Settings::parse(&json)?;
        Ok(settings.check_audio_providers(audio_providers)?)
    });
    match checked {
        Ok(()) => {
            println!("The settings of the providers are valid.");
            Exit::Done
        }
        Err(error) => {
            eprintln!("studio: {}", printable(&chain(&error)));
            Exit::Failed
        }
    }
}

fn read(file: &Path) -> Result<String, CheckError> {
    let read = match file.to_str() {
        Some("-") => io::read_to_string(io::stdin()),
        _ => fs::read_to_string(file),
    };
    read.map_err(|source| CheckError::Read {
        file: file.display().to_string(),
        source,
    })
}

//! What a demo leaves: the published events, the assets, the metrics and the emulator's log.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::DisplayErrorContext;
use telemetry::METRICS;

use super::error::Error;
use crate::metrics::{Metric, emitted};
use crate::records::Produced;
use crate::stack::Stack;
use crate::story::Asset;

/// The folder with the demo's results: the published events, the assets, the metrics and the
/// emulator's log.
pub(super) struct Results {
    /// The folder.
    pub folder: PathBuf,
    lines: File,
}

impl Results {
    /// Creates the folder, without the results of an earlier demo.
    pub(super) fn empty(folder: PathBuf) -> Result<Self, Error> {
        let make = || {
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            fs::create_dir_all(folder.join("assets"))?;
            File::create(folder.join("events.jsonl"))
        };
        let lines = make().map_err(|source| Error::Write {
            path: folder.clone(),
            source,
        })?;
        Ok(Self { folder, lines })
    }

    pub(super) fn keep(&mut self, record: &Produced) -> Result<(), Error> {
        let written = writeln!(self.lines, "{}", record.line());
        written.map_err(|source| Error::Write {
            path: self.folder.join("events.jsonl"),
            source,
        })
    }

    /// Writes the metrics that the functions emitted, with an entry for every metric that exists.
    /// Returns the file, and how many metrics have a value.
    pub(super) async fn metrics(&self, stack: &Stack) -> Result<(PathBuf, usize), Error> {
        let emitted = emitted(&stack.clients).await?;
        let path = self.folder.join("metrics.txt");
        let written = fs::write(&path, listed(&emitted));
        written.map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        let measured = METRICS
            .iter()
            .filter(|(name, _)| emitted.keys().any(|metric| metric.name == *name));
        Ok((path, measured.count()))
    }

    /// Fetches an asset from the bucket. Its URL is the configured base followed by its key.
    pub(super) async fn fetch(&self, stack: &Stack, asset: &Asset) -> Result<PathBuf, Error> {
        let failed = |reason: String| Error::Asset {
            url: asset.output_url.clone(),
            reason,
        };
        let base = &stack.outputs.asset_base_url;
        let key = asset
            .output_url
            .strip_prefix(base.as_str())
            .and_then(|rest| rest.strip_prefix('/'));
        let key = key.ok_or_else(|| failed(format!("it does not begin with {base}/")))?;
        self.fetch_object(stack, &asset.name, key).await
    }

    /// Fetches an object from the assets bucket.
    pub(super) async fn fetch_object(
        &self,
        stack: &Stack,
        name: &str,
        key: &str,
    ) -> Result<PathBuf, Error> {
        let failed = |reason: String| Error::Asset {
            url: key.to_owned(),
            reason,
        };
        let object = stack
            .clients
            .s3
            .get_object()
            .bucket(&stack.outputs.assets_bucket_name)
            .key(key)
            .send()
            .await;
        let object = object.map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|error| failed(error.to_string()))?
            .into_bytes();

        let extension = Path::new(key)
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or("bin");
        let names =
            std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}-{number}")));
        let mut paths = names.map(|name| {
            self.folder
                .join("assets")
                .join(name)
                .with_extension(extension)
        });
        let path = paths.find(|path| !path.exists()).unwrap_or_default();
        fs::write(&path, bytes).map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// Copies the emulator's log, because the stack deletes it.
    pub(super) fn log(&self, stack: &Stack) -> Result<PathBuf, Error> {
        let path = self.folder.join("emulator.log");
        fs::copy(stack.emulator.log_file(), &path).map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }
}

/// Every metric that exists, with its meaning and its values in the order of time. A metric that
/// was not emitted has a line that says so.
fn listed(emitted: &BTreeMap<Metric, Vec<f64>>) -> String {
    let mut text = String::new();
    for (name, measures) in METRICS {
        text.push_str(&format!("{name}: {measures}\n"));
        let its: Vec<_> = emitted
            .iter()
            .filter(|(metric, _)| metric.name == name)
            .collect();
        for (metric, values) in &its {
            let values: Vec<String> = values.iter().map(f64::to_string).collect();
            text.push_str(&format!("  {metric}  {}\n", values.join(" ")));
        }
        if its.is_empty() {
            text.push_str("  no value in this run\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_listed_with_its_values_or_with_none() {
        let stage = BTreeMap::from([("Stage".to_owned(), "local".to_owned())]);
        let depth = Metric {
            name: "DeadLetterDepth".to_owned(),
            dimensions: stage,
        };
        let text = listed(&BTreeMap::from([(depth, vec![0.0, 2.0])]));
        assert_eq!(text.lines().count(), 2 * METRICS.len());
        assert!(
            text.contains(
                "DeadLetterDepth: dead letters that wait for an operator\n  DeadLetterDepth{Stage=local}  0 2\n"
            ),
            "{text}"
        );
        assert!(text.contains("BreakerOpened: times that a provider turned the studio away, so that no job asks it for a while\n  no value in this run"));
    }
}

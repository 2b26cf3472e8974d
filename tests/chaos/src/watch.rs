//! Watches during the storm: a plain consumer of every produced topic, and periodic looks at the
//! jobs' states.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{error::DisplayErrorContext, types::AttributeValue};
use contract::Topic;
use local::{
    records::{From, Produced, Reader},
    stack::Stack,
};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use crate::{Error, packed::text};

/// A consumer of every topic that the studio produces.
pub struct Watch {
    task: JoinHandle<Result<Vec<Produced>, kafka_client::Error>>,
    stop: oneshot::Sender<()>,
    read: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Watch {
    /// Starts reading.
    pub async fn start(stack: &Stack) -> Result<Self, Error> {
        let produced: Vec<_> = Topic::ALL
            .into_iter()
            .filter(|topic| !topic.is_consumed())
            .map(Topic::as_str)
            .collect();
        let failed = |source| Error::Kafka {
            doing: "reading what the studio produces",
            source,
        };
        let mut reader = Reader::start(stack.broker.cluster(), &produced, From::Beginning)
            .await
            .map_err(failed)?;
        let (stop, mut stopped) = oneshot::channel();
        let (read, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, counted_ends) = (Arc::clone(&read), Arc::clone(&ended));
        let task = tokio::spawn(async move {
            let (mut records, mut ends) = (Vec::new(), HashSet::new());
            loop {
                let record = tokio::select! {
                    record = reader.next() => record,
                    _ = &mut stopped => break,
                };
                // The reader waits while the broker is away. It would skip a record that it cannot
                // read, and the audit must not miss one.
                let record = record?;
                let is_end = [Topic::RenderJobCompleted, Topic::RenderJobFailed]
                    .map(Topic::as_str)
                    .contains(&&*record.topic);
                if is_end && let Some(job) = record.event()["data"]["jobId"].as_str() {
                    ends.insert(job.to_owned());
                    counted_ends.store(ends.len(), Ordering::Relaxed);
                }
                records.push(record);
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Ok(records)
        });
        Ok(Self {
            task,
            stop,
            read,
            ended,
        })
    }

    /// Whether it stopped reading by itself, because of an error.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// How many jobs have ended.
    pub fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }

    /// Waits until a whole `pause` passes without a new record, for at most `most`. Returns whether
    /// one did.
    pub async fn until_quiet(&self, pause: Duration, most: Duration) -> bool {
        let quiet = async {
            let mut before = usize::MAX;
            while before != self.read.load(Ordering::Relaxed) {
                before = self.read.load(Ordering::Relaxed);
                tokio::time::sleep(pause).await;
            }
        };
        timeout(most, quiet).await.is_ok()
    }

    /// Stops, and returns every record, in the order of each partition.
    ///
    /// # Errors
    /// A record could not be read.
    pub async fn stop(self) -> Result<Vec<Produced>, Error> {
        // The reader may have ended already, with the error that is returned here.
        let _ = self.stop.send(());
        let read = self.task.await.expect("the reader does not panic");
        read.map_err(|source| Error::Kafka {
            doing: "reading what the studio produces",
            source,
        })
    }
}

/// The states in which each job was seen.
#[derive(Debug, Clone, Default)]
pub struct States {
    seen: BTreeMap<String, (usize, String, u64)>,
    /// Jobs that were seen in an earlier state than before, with both states.
    pub backwards: Vec<String>,
    /// The number of looks.
    pub looks: usize,
    /// How often a job was seen that had been seen before, so that its states were compared.
    pub compared: usize,
}

impl States {
    /// Looks at all jobs.
    pub async fn look(&mut self, stack: &Stack) -> Result<(), Error> {
        let scan = stack
            .clients
            .dynamodb
            .scan()
            .table_name(&stack.outputs.table_name)
            .consistent_read(true);
        let scan = scan
            .filter_expression("begins_with(pk, :job) AND sk = :state")
            .projection_expression("pk, #state");
        let scan = scan.expression_attribute_names("#state", "state");
        let scan = scan.expression_attribute_values(":job", AttributeValue::S("job#".to_owned()));
        let scan =
            scan.expression_attribute_values(":state", AttributeValue::S("state".to_owned()));
        let items: Result<Vec<_>, _> = scan.into_paginator().items().send().collect().await;
        let items = items.map_err(|error| Error::Aws {
            doing: "looking at the jobs",
            reason: DisplayErrorContext(error).to_string(),
        })?;
        for item in items {
            let state: Value = serde_json::from_str(&text(&item, "state")).unwrap_or_default();
            self.see(
                text(&item, "pk"),
                state["state"]["is"].as_str().unwrap_or_default(),
                state["version"].as_u64(),
            );
        }
        self.looks += 1;
        Ok(())
    }

    fn see(&mut self, job: String, is: &str, version: Option<u64>) {
        let now = (rank(is), is.to_owned(), version.unwrap_or_default());
        if let Some(before) = self.seen.get(&job) {
            self.compared += 1;
            let (rank, state, version) = before;
            // A closed job keeps its state, and every write increases the version.
            let back = now.0 < *rank || (now.0 == *rank && now.1 != *state) || now.2 < *version;
            if back {
                self.backwards
                    .push(format!("{job}: {before:?}, then {now:?}"));
            }
        }
        self.seen.insert(job, now);
    }
}

/// What has no state ranks below all that have one.
fn rank(state: &str) -> usize {
    match state {
        "" => 0,
        "created" => 1,
        "submitted" => 2,
        _closed => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_goes_backwards_or_ends_in_two_ways_is_noticed() {
        let back = |states: &[(&str, u64)]| {
            let mut seen = States::default();
            states
                .iter()
                .for_each(|(is, version)| seen.see("job#1".to_owned(), is, Some(*version)));
            assert_eq!(seen.compared, states.len() - 1);
            seen.backwards.len()
        };
        assert_eq!(
            back(&[
                ("created", 1),
                ("submitted", 2),
                ("submitted", 3),
                ("completed", 4)
            ]),
            0
        );
        assert_eq!(back(&[("submitted", 2), ("created", 3)]), 1);
        assert_eq!(back(&[("completed", 2), ("failed", 3)]), 1);
        assert_eq!(back(&[("submitted", 3), ("submitted", 2)]), 1);
        assert_eq!(back(&[("submitted", 3), ("", 4)]), 1);
    }
}

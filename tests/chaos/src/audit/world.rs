//! Reads what a run left: Kafka, the table, the buckets, and what the proxies saw. The rules of the
//! audit are functions of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use aws_sdk_s3::error::DisplayErrorContext;
use contract::Topic;
use fault_proxy::Call;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kafka_client::{At, Sent};
use local::{
    records::{From, Produced, Reader},
    stack::Stack,
};
use serde_json::Value;

use super::{file::File, table::Table};
use crate::{Error, messages::posted};

/// What a run left.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The table.
    pub table: Table,
    /// Every record of the produced topics, as a plain consumer read them during the storm.
    pub produced: Vec<Produced>,
    /// The number of records that the broker has in the produced topics.
    pub produced_count: i64,
    /// Every record of the consumed topics.
    pub consumed: Vec<Produced>,
    /// The objects of the assets bucket, by key.
    pub files: BTreeMap<String, File>,
    /// The objects of the dead letters' bucket, by key. Null if an object is not JSON.
    pub letters: BTreeMap<String, Value>,
    /// The beginning of the assets' URLs.
    pub asset_base_url: String,
    /// The jobs of each message that a function asked the queue to take.
    pub messages: Vec<Asked>,
    /// The requests to start an execution.
    pub starts: Vec<Asked>,
    /// The requests that may cost money, and that a vendor carried out.
    pub paid: Vec<Paid>,
    /// The records that the functions sent to the broker.
    pub sent: Vec<Sent>,
    /// The connections to the broker that were not understood.
    pub not_understood: usize,
}

/// A request to work on a job, whatever came of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The job; empty if the request names none.
    pub job: String,
    /// When the request arrived at AWS's proxy.
    pub at: Instant,
}

/// A request to a vendor.
#[derive(Debug, Clone)]
pub struct Paid {
    /// The vendor, as jobs name it.
    pub vendor: &'static str,
    /// The request's body.
    pub body: String,
}

/// The longest wait for the next record of Kafka.
const KAFKA_PATIENCE: Duration = Duration::from_secs(20);

/// How many objects are read at once.
const AT_ONCE: usize = 8;

impl World {
    /// Reads all of it; `produced` are the records that the watch has read.
    pub async fn read(stack: &Stack, produced: Vec<Produced>) -> Result<Self, Error> {
        let outputs = &stack.outputs;
        let tap = stack.broker.line().ok_or(Error::NoLine)?.tap();
        let files = objects(stack, &outputs.assets_bucket_name, |content_type, bytes| {
            File::of(content_type, bytes)
        });
        let letters = objects(stack, &outputs.dead_letters_bucket_name, |_, bytes| {
            serde_json::from_slice(bytes).unwrap_or_default()
        });
        let calls = stack.proxy.calls();
        let requests = stack.sandbox.calls().into_iter();
        let paid = requests.filter(|request| request.is_paid() && request.accepted);
        Ok(Self {
            table: Table::read(stack).await?,
            produced,
            produced_count: count(stack, &topics(false)).await?,
            consumed: read_all(stack, &topics(true)).await?,
            files: files.await?,
            letters: letters.await?,
            asset_base_url: outputs.asset_base_url.clone(),
            messages: calls.iter().flat_map(Asked::of_messages).collect(),
            starts: calls.iter().filter_map(Asked::of_start).collect(),
            paid: paid
                .map(|request| Paid {
                    vendor: request.vendor.as_str(),
                    body: String::from_utf8_lossy(&request.body).into_owned(),
                })
                .collect(),
            sent: tap.sent(),
            not_understood: tap.not_understood(),
        })
    }

    /// The completed jobs with the keys of their files; empty for a job that names none.
    pub fn completed(&self) -> impl Iterator<Item = (&String, &Value, &str)> {
        let completed = self.table.in_state("completed");
        completed.map(|(id, job)| {
            let key = job["state"]["output"]["key"].as_str();
            (id, job, key.unwrap_or_default())
        })
    }
}

impl Asked {
    /// What a call asks the queue to take: one for each job of a message.
    fn of_messages(call: &Call) -> Vec<Self> {
        let jobs = posted(call).into_iter().flat_map(|posted| posted.jobs());
        let at = call.started;
        jobs.map(|job| Self { job, at }).collect()
    }

    /// The start that a call asks for, if it asks for one.
    fn of_start(call: &Call) -> Option<Self> {
        if call.operation.to_string() != "states StartExecution" {
            return None;
        }
        let body: Value =
            serde_json::from_str(call.body.as_deref().unwrap_or_default()).unwrap_or_default();
        let input: Value =
            serde_json::from_str(body["input"].as_str().unwrap_or_default()).unwrap_or_default();
        Some(Self {
            job: input["jobId"].as_str().unwrap_or_default().to_owned(),
            at: call.started,
        })
    }
}

/// The topics that the studio consumes, or those that it produces.
fn topics(consumed: bool) -> Vec<&'static str> {
    let topics = Topic::ALL.into_iter();
    topics
        .filter(|topic| topic.is_consumed() == consumed)
        .map(Topic::as_str)
        .collect()
}

/// The number of records that the broker has in some topics.
async fn count(stack: &Stack, topics: &[&str]) -> Result<i64, Error> {
    let failed = |source| Error::Kafka {
        doing: "counting records",
        source,
    };
    let cluster = stack.broker.cluster();
    let mut count = 0;
    for topic in topics {
        let first = cluster.offsets(topic, At::Earliest).await.map_err(failed)?;
        let end = cluster.offsets(topic, At::Latest).await.map_err(failed)?;
        count += end.values().sum::<i64>() - first.values().sum::<i64>();
    }
    Ok(count)
}

/// Every record of some topics.
async fn read_all(stack: &Stack, topics: &[&str]) -> Result<Vec<Produced>, Error> {
    let failed = |source| Error::Kafka {
        doing: "reading the consumed topics",
        source,
    };
    let count = count(stack, topics).await?;
    let mut reader = Reader::start(stack.broker.cluster(), topics, From::Beginning)
        .await
        .map_err(failed)?;
    let mut records = Vec::new();
    for read in 0..count {
        let next = tokio::time::timeout(KAFKA_PATIENCE, reader.next()).await;
        let record = next.map_err(|_| Error::Missing {
            read,
            count,
            within: KAFKA_PATIENCE,
        })?;
        records.push(record.map_err(failed)?);
    }
    Ok(records)
}

/// Reads every object of a bucket: its key, and what `read` makes of its content type and bytes.
async fn objects<T>(
    stack: &Stack,
    bucket: &str,
    read: impl Fn(&str, &[u8]) -> T,
) -> Result<BTreeMap<String, T>, Error> {
    let list = stack.clients.s3.list_objects_v2().bucket(bucket);
    let pages: Result<Vec<_>, _> = list.into_paginator().send().collect().await;
    let pages = pages.map_err(|error| Error::Aws {
        doing: "listing a bucket",
        reason: DisplayErrorContext(error).to_string(),
    })?;
    let objects = pages.iter().flat_map(|page| page.contents());
    let keys: BTreeSet<&str> = objects.filter_map(|object| object.key()).collect();
    let read = &read;
    stream::iter(keys)
        .map(|key| async move {
            let (content_type, bytes) = object(stack, bucket, key).await?;
            Ok((key.to_owned(), read(&content_type, &bytes)))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// An object's content type and bytes.
async fn object(stack: &Stack, bucket: &str, key: &str) -> Result<(String, Vec<u8>), Error> {
    let failed = |reason| Error::Aws {
        doing: "reading an object",
        reason,
    };
    let get = stack.clients.s3.get_object().bucket(bucket).key(key);
    let object = get
        .send()
        .await
        .map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
    let content_type = object.content_type().unwrap_or_default().to_owned();
    let bytes = object.body.collect().await;
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    Ok((content_type, bytes.to_vec()))
}

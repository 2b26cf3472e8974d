//! What `make up KEEP=1` keeps from one run to the next: the table's items, the files of the
//! buckets, and on a broker of its own the topics' records and the consumers' positions.
//!
//! The next run deploys the template anew and puts all of it back, before anything polls. Messages of
//! queues and executions are not kept: the sweep begins their jobs again. Alarms, logs and metrics
//! begin anew.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::DisplayErrorContext;
use base64_simd::STANDARD as BASE64;
use contract::Topic;
use hyper::body::Bytes;
use kafka_client::{At, Cluster, From, Message, Reader, Record};
use poller::Mapping;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{self, JsonService, members};
use crate::broker::RunningBroker;
use crate::clients::Clients;
use crate::deploy::{LOGO_BUCKET, Outputs, VOICE_BUCKET};

const ITEMS: &str = "items.jsonl";
const FILES: &str = "files.jsonl";
const RECORDS: &str = "records.jsonl";
const GROUPS: &str = "groups.jsonl";
const ASSETS: &str = "assets.jsonl";

/// Why nothing was kept, or why it was not put back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written; without the folder, `make up KEEP=1` begins anew")]
    File {
        /// The file.
        path: PathBuf,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// The table refused.
    #[error(transparent)]
    Table(#[from] aws::Error),
    /// A bucket refused.
    #[error("the bucket {bucket} cannot be read or written: {reason}")]
    Bucket {
        /// The bucket.
        bucket: String,
        /// Its answer.
        reason: String,
    },
    /// The broker refused.
    #[error("the records of {topic} cannot be read or written")]
    Records {
        /// The topic.
        topic: String,
        /// The client's error.
        #[source]
        source: kafka_client::Error,
    },
    /// A record would have another place than before.
    #[error(
        "the record {offset} of {topic}, partition {partition}, would get another offset: remove {folder} to begin anew"
    )]
    Moved {
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// The folder.
        folder: PathBuf,
    },
}

/// The parts of a running stack that are kept.
pub(crate) struct Parts<'a> {
    pub clients: &'a Clients,
    pub outputs: &'a Outputs,
    pub broker: &'a RunningBroker,
    pub mappings: &'a [Mapping],
}

/// A file of a bucket.
#[derive(Debug, Serialize, Deserialize)]
struct KeptFile {
    bucket: String,
    key: String,
    content_type: Option<String>,
    body: String,
}

/// A record. Its bytes are Base64.
#[derive(Debug, Serialize, Deserialize)]
struct KeptRecord {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, Option<String>)>,
}

/// The positions of a consumer group in a topic, by partition.
#[derive(Debug, Serialize, Deserialize)]
struct KeptGroup {
    group: String,
    topic: String,
    positions: BTreeMap<i32, i64>,
}

/// The port at which the assets were served: their addresses are in what was kept.
pub(crate) fn assets_port(folder: &Path) -> Option<u16> {
    read::<u16>(&folder.join(ASSETS)).ok()?.pop()
}

/// Keeps everything in `folder`, in place of what was kept there before. Nothing may poll any more.
pub(crate) async fn save(folder: &Path, parts: &Parts<'_>) -> Result<(), Error> {
    let new = folder.with_extension("new");
    remove(&new)?;
    fs::create_dir_all(&new).map_err(in_file(&new))?;
    write(&new.join(ITEMS), &items(parts).await?)?;
    write(&new.join(FILES), &files(parts).await?)?;
    if !parts.broker.is_external() {
        let cluster = parts.broker.cluster();
        write(&new.join(RECORDS), &records(cluster).await?)?;
        write(&new.join(GROUPS), &groups(cluster, parts.mappings).await?)?;
    }
    let port = parts.outputs.asset_base_url.rsplit(':').next();
    let port: Option<u16> = port.and_then(|port| port.parse().ok());
    write(&new.join(ASSETS), &Vec::from_iter(port))?;
    remove(folder)?;
    fs::rename(&new, folder).map_err(in_file(folder))
}

/// Puts back what `folder` has. Returns the offset behind the last record of each partition that was
/// put back. Without the folder, does nothing.
pub(crate) async fn restore(
    folder: &Path,
    parts: &Parts<'_>,
) -> Result<BTreeMap<(String, i32), i64>, Error> {
    let mut ends = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(ends);
    }
    for item in read::<Value>(&folder.join(ITEMS))? {
        let put = json!({ "TableName": parts.outputs.table_name, "Item": item });
        let dynamodb = JsonService::DynamoDb;
        parts.clients.aws.json(dynamodb, "PutItem", &put).await?;
    }
    let path = folder.join(FILES);
    for file in read::<KeptFile>(&path)? {
        let body = decoded(&path, &file.body)?;
        put_file(parts.clients, file, body).await?;
    }
    if parts.broker.is_external() {
        return Ok(ends);
    }
    let cluster = parts.broker.cluster();
    for record in read::<KeptRecord>(&folder.join(RECORDS))? {
        let place = (record.topic.clone(), record.partition);
        ends.insert(place, record.offset + 1);
        publish(cluster, record, folder).await?;
    }
    for kept in read::<KeptGroup>(&folder.join(GROUPS))? {
        let committed = cluster.commit(&kept.group, &kept.topic, &kept.positions);
        committed.await.map_err(in_topic(&kept.topic))?;
    }
    Ok(ends)
}

/// All items of the table, as the table has them.
async fn items(parts: &Parts<'_>) -> Result<Vec<Value>, Error> {
    let (mut items, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut scan = json!({ "TableName": parts.outputs.table_name, "ConsistentRead": true });
        if !after.is_null() {
            scan["ExclusiveStartKey"] = after;
        }
        let dynamodb = JsonService::DynamoDb;
        let mut page = parts.clients.aws.json(dynamodb, "Scan", &scan).await?;
        items.extend(members(&page["Items"]).iter().cloned());
        after = page["LastEvaluatedKey"].take();
        if after.is_null() {
            return Ok(items);
        }
    }
}

/// The files of all buckets but that of the code.
async fn files(parts: &Parts<'_>) -> Result<Vec<KeptFile>, Error> {
    let (s3, outputs) = (&parts.clients.s3, parts.outputs);
    let mut files = Vec::new();
    for bucket in [
        outputs.assets_bucket_name.as_str(),
        outputs.dead_letters_bucket_name.as_str(),
        LOGO_BUCKET,
        VOICE_BUCKET,
    ] {
        let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| in_bucket(bucket, &error))?;
            for key in page.contents().iter().filter_map(|object| object.key()) {
                let got = s3.get_object().bucket(bucket).key(key).send().await;
                let got = got.map_err(|error| in_bucket(bucket, &error))?;
                let content_type = got.content_type().map(str::to_owned);
                let body = got.body.collect().await;
                let body = body
                    .map_err(|error| in_bucket(bucket, &error))?
                    .into_bytes();
                files.push(KeptFile {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                    content_type,
                    body: BASE64.encode_to_string(body),
                });
            }
        }
    }
    Ok(files)
}

async fn put_file(clients: &Clients, file: KeptFile, body: Vec<u8>) -> Result<(), Error> {
    let KeptFile {
        bucket,
        key,
        content_type,
        body: _,
    } = file;
    let put = clients
        .s3
        .put_object()
        .bucket(&bucket)
        .key(key)
        .set_content_type(content_type)
        .body(body.into());
    let put = put.send().await;
    put.map_err(|error| in_bucket(&bucket, &error))?;
    Ok(())
}

/// The records of all topics, those of a partition in order.
async fn records(cluster: &Cluster) -> Result<Vec<KeptRecord>, Error> {
    let mut records = Vec::new();
    for topic in Topic::ALL.map(Topic::as_str) {
        let ends = cluster.offsets(topic, At::Latest).await;
        let begins = cluster.offsets(topic, At::Earliest).await;
        let (ends, begins) = (
            ends.map_err(in_topic(topic))?,
            begins.map_err(in_topic(topic))?,
        );
        let mut left: BTreeMap<i32, i64> = ends
            .into_iter()
            .filter(|(partition, end)| begins.get(partition).is_none_or(|begin| begin < end))
            .collect();
        if left.is_empty() {
            continue;
        }
        let reader = Reader::start(cluster, &[topic], From::Beginning).await;
        let mut reader = reader.map_err(in_topic(topic))?;
        while !left.is_empty() {
            let record = reader.next().await.map_err(in_topic(topic))?;
            if left
                .get(&record.partition)
                .is_some_and(|end| record.offset + 1 >= *end)
            {
                left.remove(&record.partition);
            }
            records.push(kept(record));
        }
    }
    Ok(records)
}

fn kept(record: Record) -> KeptRecord {
    let base64 = |bytes: Bytes| BASE64.encode_to_string(bytes);
    let headers = record.headers.into_iter();
    KeptRecord {
        topic: record.topic.as_ref().to_owned(),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp.map(kafka_client::Timestamp::millis),
        key: record.key.map(base64),
        value: record.value.map(base64),
        headers: headers
            .map(|(name, value)| (name, value.map(base64)))
            .collect(),
    }
}

/// Publishes a kept record at its old place.
async fn publish(cluster: &Cluster, record: KeptRecord, folder: &Path) -> Result<(), Error> {
    let path = folder.join(RECORDS);
    let bytes = |base64: Option<String>| {
        let bytes = base64.map(|base64| decoded(&path, &base64));
        Ok::<_, Error>(bytes.transpose()?.map(Bytes::from))
    };
    let headers = record.headers.into_iter();
    let headers: Result<_, Error> = headers
        .map(|(name, value)| Ok((name, bytes(value)?)))
        .collect();
    let message = Message {
        topic: record.topic.clone(),
        partition: Some(record.partition),
        timestamp: record.timestamp,
        key: bytes(record.key)?,
        value: bytes(record.value)?,
        headers: headers?,
    };
    let published = cluster.publish(message).await;
    let published = published.map_err(in_topic(&record.topic))?;
    if published.offset == record.offset {
        Ok(())
    } else {
        Err(Error::Moved {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            folder: folder.to_owned(),
        })
    }
}

/// The positions of the mappings' consumer groups.
async fn groups(cluster: &Cluster, mappings: &[Mapping]) -> Result<Vec<KeptGroup>, Error> {
    let mut groups = Vec::new();
    for Mapping {
        consumer_group,
        topic,
        ..
    } in mappings
    {
        let committed = cluster.committed(consumer_group, topic).await;
        groups.push(KeptGroup {
            group: consumer_group.clone(),
            topic: topic.clone(),
            positions: committed.map_err(in_topic(topic))?,
        });
    }
    groups.retain(|kept| !kept.positions.is_empty());
    Ok(groups)
}

/// The bytes of a text that [`save`] wrote into `path`.
fn decoded(path: &Path, base64: &str) -> Result<Vec<u8>, Error> {
    let bytes = BASE64.decode_to_vec(base64);
    bytes.map_err(|error| in_file(path)(io::Error::new(io::ErrorKind::InvalidData, error)))
}

/// The values in a file, one on each line. None, if there is no such file.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(in_file(path))?,
    };
    let values = text.lines().map(serde_json::from_str);
    let values: Result<Vec<T>, _> = values.collect();
    values.map_err(|error| in_file(path)(error.into()))
}

fn write<T: Serialize>(path: &Path, values: &[T]) -> Result<(), Error> {
    let lines = values
        .iter()
        .map(|value| Ok(serde_json::to_string(value)? + "\n"));
    let text: io::Result<String> = lines.collect();
    text.and_then(|text| fs::write(path, text))
        .map_err(in_file(path))
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(in_file(folder)),
    }
}

fn in_file(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File {
        path: path.to_owned(),
        source,
    }
}

fn in_topic(topic: &str) -> impl FnOnce(kafka_client::Error) -> Error {
    move |source| Error::Records {
        topic: topic.to_owned(),
        source,
    }
}

fn in_bucket(bucket: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    Error::Bucket {
        bucket: bucket.to_owned(),
        reason: DisplayErrorContext(error).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{self, Broker};

    async fn embedded() -> RunningBroker {
        let options = broker::Options {
            port: None,
            pom: PathBuf::new(),
            installed: PathBuf::new(),
            line: false,
            iam: None,
        };
        let broker = Broker::Embedded.start(&options).await.expect("a broker");
        let topics = Topic::ALL.map(Topic::as_str);
        broker.create_topics(&topics).await.expect("created");
        broker
    }

    fn message(partition: i32, value: Option<&'static [u8]>) -> Message {
        Message {
            topic: Topic::EventCreated.as_str().to_owned(),
            partition: Some(partition),
            timestamp: Some(1_700_000_000_000),
            key: Some(Bytes::from_static(b"t-1")),
            value: value.map(Bytes::from_static),
            headers: vec![
                ("a".to_owned(), Some(Bytes::from_static(&[0, 255]))),
                ("b".to_owned(), None),
            ],
        }
    }

    #[tokio::test]
    async fn records_are_put_back_at_their_places_with_all_that_they_have() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = embedded().await;
        for (partition, value) in [(0, Some(&b"{}"[..])), (3, None), (0, Some(&[200]))] {
            let message = message(partition, value);
            first.cluster().publish(message).await.expect("published");
        }
        let before = records(first.cluster()).await.expect("read");
        let path = folder.path().join(RECORDS);
        write(&path, &before).expect("written");

        let second = embedded().await;
        for record in read::<KeptRecord>(&path).expect("read") {
            let put = publish(second.cluster(), record, folder.path()).await;
            put.expect("at its place");
        }
        let after = records(second.cluster()).await.expect("read");
        let text = |records: &[KeptRecord]| serde_json::to_string(records).expect("JSON");
        assert_eq!(before.len(), 3);
        assert_eq!(text(&before), text(&after));

        // Once more, each would get another place.
        let [record, ..] = <[KeptRecord; 3]>::try_from(after).expect("three");
        let moved = publish(second.cluster(), record, folder.path()).await;
        assert!(matches!(moved, Err(Error::Moved { .. })), "{moved:?}");
    }

    #[tokio::test]
    async fn a_record_that_another_program_broke_is_not_put_back_without_its_value() {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = embedded().await;
        let broken = KeptRecord {
            topic: Topic::EventCreated.as_str().to_owned(),
            partition: 0,
            offset: 0,
            timestamp: None,
            key: None,
            value: Some("not Base64!".to_owned()),
            headers: Vec::new(),
        };
        let put = publish(broker.cluster(), broken, folder.path()).await;
        let error = put.expect_err("no Base64").to_string();
        assert!(error.contains(RECORDS), "{error}");
    }

    #[test]
    fn what_another_program_broke_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(ITEMS);
        assert!(read::<Value>(&path).expect("nothing is kept").is_empty());
        fs::write(&path, "{}\n{\n").expect("written");
        let error = read::<Value>(&path).expect_err("not JSON");
        assert!(error.to_string().contains(ITEMS), "{error}");
    }
}

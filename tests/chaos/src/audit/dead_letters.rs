//! Dead letters: every record that can never succeed is one, byte for byte, and no other record is;
//! and no batch was dropped.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use aws_sdk_s3::error::DisplayErrorContext;
use contract::Topic;
use kafka_client::At;
use local::{
    records::{From, Produced, Reader},
    stack::Stack,
};
use serde_json::{Value, json};

use super::{Audit, Table, tally};
use crate::{
    Error,
    publication::{Fingerprint, Publication, fingerprint_of},
    workload::Workload,
};

type Place = (String, i32, i64);

/// The longest wait for the next record of Kafka.
const KAFKA_PATIENCE: Duration = Duration::from_secs(20);

pub async fn audit(
    audit: &mut Audit,
    stack: &Stack,
    table: &Table,
    workload: &Workload,
) -> Result<(), Error> {
    // Finds the records that can never succeed in Kafka. A record whose acknowledgement was lost is
    // there twice.
    let poison = workload
        .lines
        .iter()
        .flatten()
        .filter(|publication| publication.poison.is_some());
    let fingerprints: HashSet<Fingerprint> = poison.clone().map(Publication::fingerprint).collect();
    let consumed = consumed(stack).await?;
    let stands: BTreeMap<Place, &Produced> = consumed
        .iter()
        .filter(|record| fingerprints.contains(&fingerprint_of(record)))
        .map(|record| {
            (
                (record.topic.clone(), record.partition, record.offset),
                record,
            )
        })
        .collect();
    let rules = tally(poison.filter_map(|publication| publication.poison));
    audit.know(
        &format!("poison published, by {} rules", rules.len()),
        rules.values().sum::<usize>(),
    );

    let letters: BTreeSet<&Place> = table
        .dead_letters
        .iter()
        .map(|entry| &entry.place)
        .collect();
    audit.same("poison dead-lettered", &stands.keys().collect(), &letters);
    audit.count(
        "dead letters, each once",
        letters.len(),
        table.dead_letters.len(),
    );
    let mut differ = Vec::new();
    for entry in &table.dead_letters {
        let object = object(stack, &entry.object).await?;
        let same = stands
            .get(&entry.place)
            .is_some_and(|record| whole(record) == parts(&object));
        if !same {
            differ.push(format!("{:?}: {}", entry.place, entry.cause));
        }
    }
    audit.none(
        "dead letters that are not as they came, byte for byte",
        differ,
    );
    audit.none(
        "batches that a mapping gave up",
        on_failure_envelopes(stack).await?,
    );
    Ok(())
}

/// Key, value and headers of a record.
fn whole(record: &Produced) -> Value {
    let base64 = |bytes: &Vec<u8>| base64_simd::STANDARD.encode_to_string(bytes);
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|(name, value)| json!([name, value.as_ref().map(base64)]))
        .collect();
    json!([
        record.key.as_ref().map(base64),
        record.value.as_ref().map(base64),
        headers
    ])
}

/// The same parts of a dead letter's object.
fn parts(object: &Value) -> Value {
    json!([object["key"], object["value"], object["headers"]])
}

async fn object(stack: &Stack, key: &str) -> Result<Value, Error> {
    let failed = |reason| Error::Aws {
        doing: "reading a dead letter",
        reason,
    };
    let get = stack
        .clients
        .s3
        .get_object()
        .bucket(&stack.outputs.dead_letters_bucket_name)
        .key(key);
    let object = get
        .send()
        .await
        .map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
    let bytes = object
        .body
        .collect()
        .await
        .map_err(|error| failed(error.to_string()))?
        .into_bytes();
    serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))
}

async fn on_failure_envelopes(stack: &Stack) -> Result<Vec<String>, Error> {
    let list = stack
        .clients
        .s3
        .list_objects_v2()
        .bucket(&stack.outputs.dead_letters_bucket_name)
        .prefix("aws/lambda/");
    let failed = |error| Error::Aws {
        doing: "listing what was given up",
        reason: DisplayErrorContext(error).to_string(),
    };
    let listed = list.send().await.map_err(failed)?;
    Ok(listed
        .contents()
        .iter()
        .filter_map(|object| object.key().map(str::to_owned))
        .collect())
}

/// Every record of the consumed topics.
async fn consumed(stack: &Stack) -> Result<Vec<Produced>, Error> {
    let failed = |source| Error::Kafka {
        doing: "reading the consumed topics",
        source,
    };
    let topics: Vec<&str> = Topic::ALL
        .into_iter()
        .filter(|topic| topic.is_consumed())
        .map(Topic::as_str)
        .collect();
    let cluster = stack.broker.cluster();
    let mut count = 0;
    for topic in &topics {
        let first = cluster.offsets(topic, At::Earliest).await.map_err(failed)?;
        let end = cluster.offsets(topic, At::Latest).await.map_err(failed)?;
        count += end.values().sum::<i64>() - first.values().sum::<i64>();
    }
    let mut reader = Reader::start(cluster, &topics, From::Beginning)
        .await
        .map_err(failed)?;
    let mut records = Vec::new();
    for read in 0..count {
        let next = tokio::time::timeout(KAFKA_PATIENCE, reader.next()).await;
        records.push(
            next.map_err(|_| Error::Missing {
                read,
                count,
                within: KAFKA_PATIENCE,
            })?
            .map_err(failed)?,
        );
    }
    Ok(records)
}

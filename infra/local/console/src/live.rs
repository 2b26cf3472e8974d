//! The live stream: records in Kafka and reports of the mappings, each with a number. The last of
//! them are kept for pages that open later or reconnect.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use hyper::body::Bytes;
use kafka_client::Timestamp;
use poller::{Outcome, Report, What};
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

/// How many entries are kept.
const KEPT: usize = 1000;
/// The maximum size of all kept entries together, in bytes.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// How many bytes of a record's value are shown.
const SHOWN: usize = 64 * 1024;
/// The longest silence on the stream. A client that has left is noticed only when the server writes
/// to it.
const SILENCE: Duration = Duration::from_secs(15);

/// The stream, as server-sent events.
#[derive(Debug)]
pub(super) struct Live {
    /// Distinguishes this stack's numbers from an earlier stack's.
    run: i64,
    hello: Bytes,
    ring: Mutex<Ring>,
    /// The number of the last entry.
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

/// A record, as the page gets it.
#[derive(Serialize)]
struct Record<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    /// Milliseconds since 1970.
    at: Option<i64>,
    key: Option<String>,
    headers: Vec<(&'a str, Option<String>)>,
    /// The value, as far as it is shown. Null for a tombstone.
    text: Option<String>,
    bytes: usize,
    /// Whether the value continues after `text`.
    cut: bool,
}

impl Live {
    /// A stream without entries. Each page receives `about` first.
    pub(super) fn start(about: &impl Serialize) -> Self {
        let run = jiff::Timestamp::now().as_millisecond();
        let hello = json!({ "run": run, "about": about });
        Self {
            run,
            hello: Bytes::from(format!("retry: 1000\nevent: hello\ndata: {hello}\n\n")),
            ring: Mutex::default(),
            last: watch::Sender::new(0),
        }
    }

    /// Adds a record.
    pub(super) fn record(&self, record: &kafka_client::Record) {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let value = record.value.as_deref();
        let shown = value.map(|value| &value[..value.len().min(SHOWN)]);
        self.add(&json!({ "record": Record {
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            at: record.timestamp.map(Timestamp::millis),
            key: record.key.as_ref().map(text),
            headers: record.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref().map(text))).collect(),
            text: shown.map(|shown| String::from_utf8_lossy(shown).into_owned()),
            bytes: value.map_or(0, <[u8]>::len),
            cut: value.is_some_and(|value| value.len() > SHOWN),
        }}));
    }

    /// Adds a mapping's report, at `now`. The start of reading is left out.
    pub(super) fn report(&self, report: &Report, now: jiff::Timestamp) {
        let mut said = match &report.what {
            What::Started { .. } => return,
            What::Invoked {
                records,
                partitions,
                attempt,
                duration,
                outcome,
            } => {
                let (ended, why) = match outcome {
                    Outcome::Answered { answer, body } if answer.function_error.is_some() => (
                        "failed",
                        String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).into_owned(),
                    ),
                    Outcome::Answered { .. } => ("answered", String::new()),
                    Outcome::Throttled => ("throttled", String::new()),
                    Outcome::NotReached { reason } => ("not-reached", reason.clone()),
                };
                json!({ "what": "invoked", "records": records, "partitions": partitions, "attempt": attempt,
                    "took": duration.as_millis() as u64, "ended": ended, "why": why })
            }
            What::Retrying {
                records,
                cause,
                pause,
                ..
            } => {
                json!({ "what": "retrying", "records": records, "why": cause, "pause": pause.as_millis() as u64 })
            }
            What::Discarded {
                records,
                condition,
                destination,
            } => {
                json!({ "what": "discarded", "records": records, "why": format!("{condition:?}"), "to": destination })
            }
            What::Committed { partition, offset } => {
                json!({ "what": "committed", "partition": partition, "offset": offset })
            }
            What::Trouble { problem } => json!({ "what": "trouble", "why": problem }),
        };
        said["topic"] = json!(&*report.topic);
        said["at"] = json!(now.as_millisecond());
        self.add(&json!({ "report": said }));
    }

    fn add(&self, entry: &serde_json::Value) {
        let mut ring = self.ring();
        let number = *self.last.borrow() + 1;
        // Serialized JSON has no line breaks, so an entry is one line of data.
        let frame = Bytes::from(format!("id: {}-{number}\ndata: {entry}\n\n", self.run));
        ring.bytes += frame.len();
        ring.entries.push_back((number, frame));
        while ring.entries.len() > KEPT || ring.bytes > KEPT_BYTES {
            let Some((_, oldest)) = ring.entries.pop_front() else {
                break;
            };
            ring.bytes -= oldest.len();
        }
        self.last.send_replace(number);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All entries after `number`, and the number of the last one.
    fn after(&self, number: u64) -> (Bytes, u64) {
        let ring = self.ring();
        let frames: Vec<&Bytes> = ring
            .entries
            .iter()
            .filter(|(own, _)| *own > number)
            .map(|(_, frame)| frame)
            .collect();
        let last = ring.entries.back().map_or(number, |(own, _)| *own);
        (
            Bytes::from(
                frames
                    .into_iter()
                    .flat_map(|frame| frame.iter().copied())
                    .collect::<Vec<u8>>(),
            ),
            last,
        )
    }

    /// Sends a greeting, then the kept entries after `id`, then new entries, for as long as the
    /// client reads.
    pub(super) fn follow(self: &Arc<Self>, id: Option<&str>) -> impl Stream<Item = Bytes> + use<> {
        let (live, seen, last) = (Arc::clone(self), self.seen(id), self.last.subscribe());
        let hello = self.hello.clone();
        let rest = stream::unfold(
            (live, seen, last),
            |(live, mut seen, mut last)| async move {
                loop {
                    last.borrow_and_update();
                    let (frames, number) = live.after(seen);
                    seen = number;
                    if !frames.is_empty() {
                        return Some((frames, (live, seen, last)));
                    }
                    tokio::select! {
                        changed = last.changed() => changed.ok()?,
                        () = tokio::time::sleep(SILENCE) => {
                            return Some((Bytes::from_static(b": still here\n\n"), (live, seen, last)));
                        }
                    }
                }
            },
        );
        stream::once(async move { hello }).chain(rest)
    }

    /// The last number that a page saw, if it is one of this stack's. Otherwise 0.
    fn seen(&self, id: Option<&str>) -> u64 {
        let number = id
            .and_then(|id| id.split_once('-'))
            .filter(|(run, _)| run.parse() == Ok(self.run));
        number
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64, value: Option<Vec<u8>>) -> kafka_client::Record {
        kafka_client::Record {
            topic: "eventzr.event.created.v1".into(),
            partition: 0,
            offset,
            key: Some(Bytes::from_static(b"tenant")),
            headers: vec![("content-type".to_owned(), None)],
            value: value.map(Bytes::from),
            timestamp: Some(Timestamp::CreateTime(1)),
        }
    }

    /// The entries in some frames: their ids and their data.
    fn entries(frames: &Bytes) -> Vec<(String, serde_json::Value)> {
        let text = std::str::from_utf8(frames).expect("UTF-8");
        let frames = text
            .split_terminator("\n\n")
            .map(|frame| frame.split_once('\n').expect("an id and data"));
        let read = |(id, data): (&str, &str)| {
            let data = data.strip_prefix("data: ").expect("data");
            (
                id.strip_prefix("id: ").expect("an id").to_owned(),
                serde_json::from_str(data).expect("JSON"),
            )
        };
        frames.map(read).collect()
    }

    #[tokio::test]
    async fn a_page_gets_past_and_new_entries_and_after_a_break_only_the_rest() {
        let live = Arc::new(Live::start(&json!({ "kafka": "127.0.0.1:9092" })));
        live.record(&record(7, Some(b"line one\nid: sly\n\nline two".to_vec())));
        let mut page = Box::pin(live.follow(None));
        let hello = page.next().await.expect("hello");
        assert!(
            hello.starts_with(b"retry: 1000\nevent: hello\ndata: {"),
            "{hello:?}"
        );
        let first = entries(&page.next().await.expect("what was"));
        let [(id, said)] = &first[..] else {
            panic!("{first:?}")
        };
        assert_eq!(
            said["record"]["text"], "line one\nid: sly\n\nline two",
            "a value makes no frame of its own"
        );
        assert_eq!(
            (&said["record"]["offset"], &said["record"]["bytes"]),
            (&json!(7), &json!(26))
        );

        live.record(&record(8, None));
        let second = entries(&page.next().await.expect("what comes"));
        assert_eq!(
            (second[0].1["record"]["text"].clone(), second.len()),
            (serde_json::Value::Null, 1),
            "a tombstone"
        );

        let mut again = Box::pin(live.follow(Some(id)));
        again.next().await.expect("hello");
        assert_eq!(entries(&again.next().await.expect("the rest")), second);
        let mut other = Box::pin(live.follow(Some("1-1")));
        other.next().await.expect("hello");
        assert_eq!(
            entries(&other.next().await.expect("all")).len(),
            2,
            "an earlier stack's numbers mean nothing"
        );
    }

    #[test]
    fn the_oldest_entries_are_dropped_first() {
        let live = Live::start(&json!({}));
        for offset in 0..=KEPT {
            live.record(&record(offset as i64, Some(b"{}".to_vec())));
        }
        let kept = entries(&live.after(0).0);
        assert_eq!(
            (kept.len(), &kept[0].1["record"]["offset"]),
            (KEPT, &json!(1))
        );
        for offset in 0..200 {
            live.record(&record(offset, Some(vec![b'x'; 2 * SHOWN])));
        }
        let kept = entries(&live.after(0).0);
        assert!(kept.len() < 200 && live.ring().bytes <= KEPT_BYTES);
        let last = &kept[kept.len() - 1].1["record"];
        assert_eq!(
            (last["text"].as_str().map(str::len), &last["cut"]),
            (Some(SHOWN), &json!(true))
        );
    }

    #[test]
    fn a_report_says_what_a_mapping_did() {
        let live = Live::start(&json!({}));
        let report = |what| Report {
            topic: "eventzr.event.created.v1".into(),
            what,
        };
        let now = jiff::Timestamp::from_millisecond(1_000).expect("a time");
        live.report(
            &report(What::Started {
                partitions: vec![0],
            }),
            now,
        );
        live.report(
            &report(What::Committed {
                partition: 3,
                offset: 8,
            }),
            now,
        );
        let outcome = Outcome::NotReached {
            reason: "connection refused".to_owned(),
        };
        let (partitions, duration) = (vec![0, 3], Duration::from_millis(412));
        live.report(
            &report(What::Invoked {
                records: 2,
                partitions,
                attempt: 1,
                duration,
                outcome,
            }),
            now,
        );
        let said: Vec<_> = entries(&live.after(0).0)
            .into_iter()
            .map(|(_, said)| said["report"].clone())
            .collect();
        let topic = "eventzr.event.created.v1";
        assert_eq!(
            said,
            [
                json!({ "topic": topic, "at": 1000, "what": "committed", "partition": 3, "offset": 8 }),
                json!({ "topic": topic, "at": 1000, "what": "invoked", "records": 2, "partitions": [0, 3], "attempt": 1,
                    "took": 412, "ended": "not-reached", "why": "connection refused" }),
            ]
        );
    }
}

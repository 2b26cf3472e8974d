//! `studio dead-letters`: the requests of its commands, and the text of the answers.

use contract::printable;
use operations::{
    DeadLetterSummary, Discard, Filter, Gathered, Handled, ListDeadLetters, Listed, Pace,
    RecordBytes, RecordContent, RecordFate, Redrive, Shown, Step, Which,
};

use crate::{
    Exit,
    arguments::DeadLettersCommand,
    ask::{AskError, Function},
    table::{counted, fields, print, printable_lines, shortened, table},
    time::shown,
};

/// How many characters of a cause a list shows.
const LONGEST_CAUSE: usize = 160;

pub async fn run(
    function: &Function,
    command: DeadLettersCommand,
    json: bool,
) -> Result<Exit, AskError> {
    match command {
        DeadLettersCommand::List {
            filter,
            most,
            after,
        } => {
            let filter: Filter = filter.into();
            let step = Step::ListDeadLetters(ListDeadLetters {
                filter,
                after,
                most,
            });
            let (answer, listed) = function.ask(&step).await?;
            print(json, &answer, || list(&listed));
            Ok(Exit::Done)
        }
        DeadLettersCommand::Show { id } => {
            let (answer, shown) = function.ask(&Step::ShowDeadLetter { id }).await?;
            print(json, &answer, || show(&shown));
            Ok(Exit::Done)
        }
        DeadLettersCommand::Redrive {
            which,
            execute,
            per_second,
            guard,
        } => {
            let which: Which = which.into();
            let pace = Pace { per_second, guard };
            let step = |after| {
                Step::Redrive(Redrive {
                    which: which.clone(),
                    after,
                    execute,
                    pace,
                })
            };
            pages(function, step, execute, json).await
        }
        DeadLettersCommand::Discard { which, execute } => {
            let which: Which = which.into();
            let step = |after| {
                Step::Discard(Discard {
                    which: which.clone(),
                    after,
                    execute,
                })
            };
            pages(function, step, execute, json).await
        }
    }
}

/// Handles the records page by page, and prints what happened to each.
async fn pages(
    function: &Function,
    step: impl Fn(Option<String>) -> Step,
    execute: bool,
    json: bool,
) -> Result<Exit, AskError> {
    let (mut after, mut sum) = (None, Sum::default());
    loop {
        let (answer, handled) = function.ask::<Handled>(&step(after)).await?;
        print(json, &answer, || fates(&handled));
        sum.add(&handled);
        if let Some(why) = &handled.stopped {
            eprintln!(
                "studio: {}, so the others were not tried: fix the cause, and run the same command again",
                printable(why)
            );
        }
        after = handled.next;
        if after.is_none() {
            break;
        }
    }
    if !json {
        print!("{}", sum.sentence(execute));
    }
    Ok(if sum.left > 0 || sum.unknown > 0 {
        Exit::Left
    } else {
        Exit::Done
    })
}

fn list(listed: &Listed) -> String {
    let mut text = listed.gathered.as_ref().map(gathered).unwrap_or_default();
    if listed.entries.is_empty() && listed.next.is_none() {
        text.push_str("No record waits.\n");
        return text;
    }
    let rows: Vec<_> = listed
        .entries
        .iter()
        .map(|entry| (row(entry), Some(shortened(&entry.cause, LONGEST_CAUSE))))
        .collect();
    text.push_str(&table(
        &["FIRST SEEN (UTC)", "TIMES", "TOPIC", "AT", "TENANT", "ID"],
        &rows,
    ));
    text.push_str(&match &listed.next {
        Some(next) => format!("\nThere may be more: continue with --after {next}\n"),
        None => {
            format!(
                "\n{} That is all. Next: studio dead-letters show <ID>, then redrive or discard.\n",
                waits(rows.len())
            )
        }
    });
    text
}

fn waits(count: usize) -> String {
    if count == 1 {
        "1 record waits.".to_owned()
    } else {
        format!("{count} records wait.")
    }
}

fn gathered(gathered: &Gathered) -> String {
    let mut text = String::new();
    if gathered.records > 0 {
        let records = counted(gathered.records, "record");
        text.push_str(&format!(
            "Gathered {records} from on-failure envelopes.\n\n"
        ));
    }
    for unread in &gathered.unread {
        text.push_str(&format!(
            "An on-failure envelope cannot be read: {} ({})\n",
            printable(&unread.key),
            printable(&unread.why)
        ));
    }
    if gathered.more {
        text.push_str(
            "Some on-failure envelopes are not gathered yet: run the same command again.\n\n",
        );
    }
    text
}

fn row(entry: &DeadLetterSummary) -> Vec<String> {
    vec![
        shown(entry.first_seen),
        entry.count.to_string(),
        entry.topic.clone(),
        format!("{}/{}", entry.partition, entry.offset),
        entry.tenant.clone().unwrap_or_else(|| "-".to_owned()),
        entry.id.to_string(),
    ]
}

fn show(record: &Shown) -> String {
    let entry = &record.entry;
    let mut lines = vec![
        ("id", entry.id.to_string()),
        ("cause", entry.cause.clone()),
        (
            "topic",
            format!(
                "{} partition {} offset {}",
                entry.topic, entry.partition, entry.offset
            ),
        ),
        (
            "tenant",
            entry.tenant.clone().unwrap_or_else(|| "-".to_owned()),
        ),
        ("first seen", shown(entry.first_seen)),
        ("last seen", shown(entry.last_seen)),
        ("times", entry.count.to_string()),
    ];
    lines.extend(entry.resolved.as_ref().map(|resolved| {
        (
            "resolved",
            format!("{}, {}", resolved.how, shown(resolved.at)),
        )
    }));
    lines.extend(
        record
            .object
            .as_ref()
            .map(|object| ("object", object.clone())),
    );
    let mut text = fields(&lines);
    match (&record.content, &entry.resolved) {
        (Some(content), _) => text.push_str(&content_of(content)),
        (None, Some(_)) => text.push_str("\nIt is resolved, and its content is deleted.\n"),
        (None, None) => text.push_str(
            "\nIts content is not shown: it is gone, or too large. Look at the object.\n",
        ),
    }
    text
}

fn content_of(content: &RecordContent) -> String {
    let mut text = String::new();
    if let Some(unread) = &content.unread {
        text.push_str(&format!(
            "\nOnly this much of it can be read:\n{}\n",
            printable_lines(unread)
        ));
        return text;
    }
    text.push_str(&format!("\nkey         {}\n", bytes(content.key.as_ref())));
    for (name, value) in &content.headers {
        text.push_str(&format!(
            "header      {}: {}\n",
            printable(name),
            bytes(value.as_ref())
        ));
    }
    match &content.value {
        Some(RecordBytes::Text(value)) => {
            let json: Option<serde_json::Value> = serde_json::from_str(value).ok();
            let value = json.map_or_else(|| value.clone(), |json| format!("{json:#}"));
            text.push_str(&format!("value\n{}\n", printable_lines(&value)));
        }
        other => text.push_str(&format!("value       {}\n", bytes(other.as_ref()))),
    }
    text
}

fn bytes(bytes: Option<&RecordBytes>) -> String {
    match bytes {
        None => "none".to_owned(),
        Some(RecordBytes::Text(text)) => printable(text),
        Some(RecordBytes::Base64(base64)) => format!("{base64} (Base64)"),
    }
}

/// One line for each record: what happened to it, and its id and position.
fn fates(handled: &Handled) -> String {
    let mut text: String = handled
        .records
        .iter()
        .map(|(entry, fate)| fate_of(entry, fate))
        .collect();
    text.extend(
        handled
            .unknown
            .iter()
            .map(|id| format!("{:<16}  {id}  there is no such record\n", "unknown")),
    );
    text
}

fn fate_of(entry: &DeadLetterSummary, fate: &RecordFate) -> String {
    let (word, why) = match fate {
        RecordFate::WouldBeRedriven { to } => ("would be redriven", Some(format!("to {to}"))),
        RecordFate::WouldBeDiscarded => ("would be discarded", None),
        RecordFate::Redriven { to } => ("redriven", Some(format!("to {to}"))),
        RecordFate::Discarded => ("discarded", None),
        RecordFate::CameBack { cause, count, now } => {
            let now = now.map_or_else(String::new, |id| format!(", as {id}"));
            (
                "came back",
                Some(format!(
                    "dead-lettered {} now{now}: {}",
                    counted(usize::try_from(*count).unwrap_or(usize::MAX), "time"),
                    shortened(cause, LONGEST_CAUSE)
                )),
            )
        }
        RecordFate::NotYet { why } => ("not yet", Some(why.clone())),
        RecordFate::Stays { why } => ("stays", Some(why.clone())),
        RecordFate::WasResolved => ("resolved before", None),
    };
    let at = format!("{} {}/{}", entry.topic, entry.partition, entry.offset);
    let why = why.map_or_else(String::new, |why| format!("  {}", printable(&why)));
    format!("{word:<18}  {}  {}{why}\n", entry.id, printable(&at))
}

/// The totals of all pages.
#[derive(Debug, Default)]
struct Sum {
    done: usize,
    left: usize,
    resolved: usize,
    unknown: usize,
}

impl Sum {
    fn add(&mut self, handled: &Handled) {
        for (_, fate) in &handled.records {
            match fate {
                RecordFate::WasResolved => self.resolved += 1,
                fate if fate.is_left() => self.left += 1,
                _ => self.done += 1,
            }
        }
        self.unknown += handled.unknown.len();
    }

    fn sentence(&self, execute: bool) -> String {
        if self.done + self.left + self.resolved + self.unknown == 0 {
            return "No matching record waits.\n".to_owned();
        }
        let mut text = match execute {
            true => format!("\n{} done, {} left.", self.done, self.left),
            false => format!(
                "\n{} would be done, {} left. Nothing is done yet.",
                self.done, self.left
            ),
        };
        text.push_str(match (execute, self.done, self.left) {
            (false, 0, _) => "\n",
            (false, _, _) => " Do it with --execute.\n",
            (true, _, 0) => "\n",
            (true, _, _) => {
                " What is left waits as before: studio dead-letters show <ID> says why.\n"
            }
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use contract::Time;
    use operations::UnreadEnvelope;
    use uuid::Uuid;

    use super::*;

    fn entry(number: u128, cause: &str) -> DeadLetterSummary {
        let time = |text: &str| Time::new(text.parse().unwrap());
        DeadLetterSummary {
            id: Uuid::from_u128(number),
            topic: "eventzr.event.created.v1".to_owned(),
            partition: 3,
            offset: 100 + number as i64,
            tenant: (number != 2).then(|| "tenant-monsoon-arts".to_owned()),
            cause: cause.to_owned(),
            first_seen: time("2026-11-27T09:30:00.123Z"),
            last_seen: time("2026-11-27T10:00:00Z"),
            count: number as u64,
            resolved: None,
        }
    }

    fn three() -> [DeadLetterSummary; 3] {
        [
            entry(
                1,
                "data.startsAt: `tomorrow` is not an RFC 3339 time with an offset, such as 2026-02-14T18:30:00+05:30",
            ),
            entry(
                2,
                "the record has no key; the contract's key is the tenant's id",
            ),
            entry(
                12,
                "the mapping gave it up after 12 invocations: RetryAttemptsExhausted",
            ),
        ]
    }

    #[test]
    fn a_list_shows_each_record_with_its_cause_below() {
        let unread = vec![UnreadEnvelope {
            key: "aws/lambda/x".to_owned(),
            why: "it is not UTF-8".to_owned(),
        }];
        let gathered = Gathered {
            envelopes: 1,
            records: 1,
            unread,
            more: false,
        };
        let listed = Listed {
            entries: three().to_vec(),
            next: None,
            gathered: Some(gathered),
        };
        insta::assert_snapshot!("list", list(&listed));
        let next = Some("2026-11-27T09:30:00.123Z/00000000-0000-0000-0000-00000000000c".to_owned());
        let page = Listed {
            entries: three()[..1].to_vec(),
            next,
            gathered: None,
        };
        insta::assert_snapshot!("list_that_goes_on", list(&page));
        assert_eq!(
            list(&Listed {
                entries: vec![],
                next: None,
                gathered: None
            }),
            "No record waits.\n"
        );
    }

    #[test]
    fn a_record_is_shown_in_full_with_control_characters_escaped() {
        let content = RecordContent {
            timestamp: Some(1_795_000_000_000),
            key: Some(RecordBytes::Text("tenant-monsoon-arts".to_owned())),
            headers: vec![
                (
                    "content-type".to_owned(),
                    Some(RecordBytes::Text("application/cloudevents+json".to_owned())),
                ),
                (
                    "trace".to_owned(),
                    Some(RecordBytes::Base64("/wA=".to_owned())),
                ),
                ("empty".to_owned(), None),
            ],
            value: Some(RecordBytes::Text(
                r#"{"id":"evt-1","data":{"title":"\u001b[2J"}}"#.to_owned(),
            )),
            unread: None,
        };
        let object = Some("s3://eventzr-studio-dead-letters-staging/records/x.json".to_owned());
        let record = Shown {
            entry: three()[0].clone(),
            object,
            content: Some(content),
        };
        let text = show(&record);
        assert!(!text.contains('\u{1b}'));
        insta::assert_snapshot!("show", text);
    }

    #[test]
    fn each_record_has_a_line_and_the_total_counts_what_is_left() {
        let [first, second, third] = three();
        let to = "studio-event-created-staging".to_owned();
        let dry = Handled {
            records: vec![
                (
                    first.clone(),
                    RecordFate::WouldBeRedriven { to: to.clone() },
                ),
                (
                    third.clone(),
                    RecordFate::Stays {
                        why: "it was dead-lettered 12 times: each time it came back".to_owned(),
                    },
                ),
            ],
            unknown: vec![],
            stopped: None,
            next: None,
        };
        let mut sum = Sum::default();
        sum.add(&dry);
        insta::assert_snapshot!("redrive_dry", fates(&dry) + &sum.sentence(false));
        let done = Handled {
            records: vec![
                (first, RecordFate::Redriven { to }),
                (
                    second.clone(),
                    RecordFate::CameBack {
                        cause: second.cause.clone(),
                        count: 3,
                        now: None,
                    },
                ),
                (
                    third.clone(),
                    RecordFate::NotYet {
                        why: "its consumer cannot handle it now".to_owned(),
                    },
                ),
                (third, RecordFate::WasResolved),
            ],
            unknown: vec![Uuid::from_u128(99)],
            stopped: None,
            next: None,
        };
        let mut sum = Sum::default();
        sum.add(&done);
        insta::assert_snapshot!("redrive_done", fates(&done) + &sum.sentence(true));
    }
}

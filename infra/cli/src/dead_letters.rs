//! `studio dead-letters`: the requests of its commands, and the text of the answers.

use std::{
    fs,
    io::{self, IsTerminal as _},
    path::Path,
};

use contract::printable;
use operations::{
    Correct, Corrected, CorrectionFate, CountDeadLetters, Counts, DeadLetterSummary, Discard,
    Edited, Filter, Gathered, Handled, ListDeadLetters, Listed, Pace, Reason, RecordBytes,
    RecordContent, RecordFate, RecordSetAside, Redrive, SetAside, SetAsideFate, Shown, Step, Which,
};

use crate::{
    Exit,
    arguments::DeadLettersCommand,
    ask::{AskError, Function},
    counts,
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
            let (filter, is_first): (Filter, _) = (filter.into(), after.is_none());
            let step = Step::ListDeadLetters(ListDeadLetters {
                filter: filter.clone(),
                after,
                most,
            });
            let (answer, listed) = function.ask::<Listed>(&step).await?;
            print(json, &answer, || list(&listed));
            if is_first && listed.next.is_some() {
                if !json {
                    println!();
                }
                return count(function, filter, json).await;
            }
            Ok(Exit::Done)
        }
        DeadLettersCommand::Count { filter } => count(function, filter.into(), json).await,
        DeadLettersCommand::Add {
            topic,
            partition,
            offset,
            execute,
        } => {
            let reason = function.reason().map(Reason::parse);
            let Some(Ok(reason)) = reason else {
                let why = "say why with --reason '…': the dead letter keeps it";
                return Err(AskError::Refused(why.to_owned()));
            };
            let step = Step::SetAside(SetAside {
                topic,
                partition,
                offset,
                reason,
                execute,
            });
            let (answer, marked) = function.ask(&step).await?;
            print(json, &answer, || set_aside(&marked));
            Ok(Exit::Done)
        }
        DeadLettersCommand::Show { id, value } => {
            let (answer, shown) = function.ask(&Step::ShowDeadLetter { id }).await?;
            if value {
                let value = value_of(&shown)?;
                // A file gets it as it is; what it says steers no terminal.
                match io::stdout().is_terminal() {
                    true => println!("{}", printable_lines(&value)),
                    false => print!("{value}"),
                }
            } else {
                print(json, &answer, || show(&shown));
            }
            Ok(Exit::Done)
        }
        DeadLettersCommand::Correct {
            id,
            file,
            key,
            execute,
        } => {
            let value = Edited(read(&file)?);
            let step = Step::Correct(Correct {
                id,
                value,
                key,
                execute,
            });
            let (answer, corrected) = function.ask::<Corrected>(&step).await?;
            print(json, &answer, || correction(&corrected));
            Ok(match corrected.fate.is_left() {
                true => Exit::Left,
                false => Exit::Done,
            })
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
            pages(function, step, ("redriven", execute), json).await
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
            pages(function, step, ("discarded", execute), json).await
        }
    }
}

/// Counts the records that match, and prints the totals.
async fn count(function: &Function, filter: Filter, json: bool) -> Result<Exit, AskError> {
    let step = |after| {
        Step::CountDeadLetters(CountDeadLetters {
            filter: filter.clone(),
            after,
        })
    };
    let counts = counts::all(function, step, json).await?;
    if !json {
        print!("{}", counts::text(&counts, "record", "topic"));
    }
    Ok(Exit::Done)
}

fn set_aside(marked: &RecordSetAside) -> String {
    let at = format!("{} {}/{}", marked.topic, marked.partition, marked.offset);
    match marked.fate {
        SetAsideFate::WouldBeSetAside => {
            format!("would be set aside  {at}\n\nThis was a dry run. Apply it with --execute.\n")
        }
        SetAsideFate::SetAside => format!(
            "set aside           {at}\n\nIf its consumer cannot handle it when the mapping delivers it next, it is a dead letter: see dead-letters list.\n"
        ),
    }
}

/// Handles the records page by page, and prints what happened to each. `how` says what is done with
/// them, and whether it is.
async fn pages(
    function: &Function,
    step: impl Fn(Option<String>) -> Step,
    how: (&str, bool),
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
        print!("{}", sum.sentence(how));
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
        None if rows.len() > 1 => {
            let mut counts = Counts::default();
            for entry in &listed.entries {
                counts.add(&entry.cause, entry.tenant.as_deref(), &entry.topic);
            }
            format!(
                "\n{}\nThat is all. Next: studio dead-letters show <ID>, then redrive or discard.\n",
                counts::text(&counts, "record", "topic")
            )
        }
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

/// The value of a record, as text to edit: JSON with a member on each line.
fn value_of(record: &Shown) -> Result<String, AskError> {
    let content = record.content.as_ref();
    match content.and_then(|content| content.value.as_ref()) {
        Some(RecordBytes::Text(value)) => {
            let json: Option<serde_json::Value> = serde_json::from_str(value).ok();
            Ok(json.map_or_else(|| value.clone(), |json| format!("{json:#}\n")))
        }
        Some(RecordBytes::Base64(_)) | None => {
            let why = "the record has no value that is text: `dead-letters show` has what there is";
            Err(AskError::Refused(why.to_owned()))
        }
    }
}

/// The text of a file; `-` is the standard input.
fn read(file: &Path) -> Result<String, AskError> {
    let read = match file.to_str() {
        Some("-") => io::read_to_string(io::stdin()),
        _ => fs::read_to_string(file),
    };
    read.map_err(|error| AskError::Refused(format!("reading {}: {error}", file.display())))
}

/// What came of a correction.
fn correction(corrected: &Corrected) -> String {
    let id = corrected.record.id;
    match &corrected.fate {
        CorrectionFate::WouldBeSent { to, event } => format!(
            "would be sent  {id}  to {to} as the event {}\n\nThis was a dry run. Apply it with --execute.\n",
            printable(event)
        ),
        CorrectionFate::Sent { to, event } => {
            format!("sent  {id}  to {to} as the event {}\n", printable(event))
        }
        CorrectionFate::Refused { cause } => format!(
            "refused  {id}  {}\n\nThe record waits as before. Edit the file again.\n",
            printable(cause)
        ),
        CorrectionFate::NotYet { why } => format!(
            "not yet  {id}  {}\n\nThe record waits as before.\n",
            printable(why)
        ),
        CorrectionFate::Stays { why } => format!("stays  {id}  {}\n", printable(why)),
        CorrectionFate::WasResolved => format!("resolved before  {id}\n"),
    }
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

    fn sentence(&self, (how, execute): (&str, bool)) -> String {
        if self.done + self.left + self.resolved + self.unknown == 0 {
            return "No matching record waits.\n".to_owned();
        }
        let Self { done, left, .. } = self;
        let mut text = match execute {
            true => format!("\n{done} {how}, {left} failed or skipped."),
            false => format!("\n{done} would be {how}, {left} skipped. This was a dry run."),
        };
        text.push_str(match (execute, self.done, self.left) {
            (false, 0, _) => "\n",
            (false, _, _) => " Apply it with --execute.\n",
            (true, _, 0) => "\n",
            (true, _, _) => " Those wait as before: studio dead-letters show <ID> says why.\n",
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
    fn each_fate_of_a_correction_says_what_comes_next() {
        let (to, event) = (
            "studio-event-created-local".to_owned(),
            "e-1-corrected-7".to_owned(),
        );
        let fates = [
            CorrectionFate::WouldBeSent {
                to: to.clone(),
                event: event.clone(),
            },
            CorrectionFate::Sent { to, event },
            CorrectionFate::Refused {
                cause: "data.title: it is \u{1b}[2J blank".to_owned(),
            },
            CorrectionFate::NotYet {
                why: "studio-event-created-local cannot handle it now".to_owned(),
            },
            CorrectionFate::Stays {
                why: "the edited event is not a JSON object".to_owned(),
            },
            CorrectionFate::WasResolved,
        ];
        let [record, ..] = three();
        let texts = fates.map(|fate| {
            correction(&Corrected {
                record: record.clone(),
                fate,
            })
        });
        insta::assert_snapshot!("correct", texts.join("---\n"));
    }

    #[test]
    fn a_value_is_printed_to_be_edited_and_bytes_are_not() {
        let [entry, ..] = three();
        let shown = |value| Shown {
            entry: entry.clone(),
            object: None,
            content: Some(RecordContent {
                timestamp: None,
                key: None,
                headers: Vec::new(),
                value,
                unread: None,
            }),
        };
        let text = |text: &str| Some(RecordBytes::Text(text.to_owned()));
        assert_eq!(
            value_of(&shown(text(r#"{"id":"e-1"}"#))).unwrap(),
            "{\n  \"id\": \"e-1\"\n}\n"
        );
        assert_eq!(value_of(&shown(text("{"))).unwrap(), "{");
        assert!(value_of(&shown(Some(RecordBytes::Base64("AA==".to_owned())))).is_err());
        assert!(value_of(&shown(None)).is_err());
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
        insta::assert_snapshot!(
            "redrive_dry",
            fates(&dry) + &sum.sentence(("redriven", false))
        );
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
        insta::assert_snapshot!(
            "redrive_done",
            fates(&done) + &sum.sentence(("redriven", true))
        );
    }
}

//! One fault or more for each rule: what it is, the rule, and how to make it.

use std::time::Duration;

use contract::Topic;
use serde_json::{Value, json};

use super::{Case, MOST_RECEIVES, TEN_RETRIES, healthy::forget, points};
use crate::{audit::file::File, settle::Unsettled};

mod turns;

/// What is wrong, the rule that has to find it (or the beginning of its name, and `…`), and what
/// makes it wrong.
type Fault = (String, String, Box<dyn Fn(&mut Case)>);

fn fault(what: &str, rule: &str, break_it: impl Fn(&mut Case) + 'static) -> Fault {
    (what.to_owned(), rule.to_owned(), Box::new(break_it))
}

/// Every fault.
pub fn faults() -> Vec<Fault> {
    let all = [
        points_of_the_storm(),
        rest_of_the_storm(),
        jobs(),
        ends(),
        files(),
        contents(),
        announcements(),
        order(),
        paid(),
        turns::faults(),
        templates(),
        dead_letters(),
    ];
    all.into_iter().flatten().collect()
}

fn points_of_the_storm() -> Vec<Fault> {
    let missed = points().map(|(function, point)| {
        let rule = format!("{function} was killed {point}");
        fault("a point that was not hit", &rule, move |case| {
            case.faults.kills.insert((function, point), 0);
        })
    });
    let (function, point) = points().next().unwrap();
    let rule = format!("{function} was killed {point}");
    let absent = fault("a point that was never injected", &rule, move |case| {
        case.faults.kills.remove(&(function, point));
    });
    missed.chain([absent]).collect()
}

fn rest_of_the_storm() -> Vec<Fault> {
    vec![
        fault("no random kill", "processes killed at random", |case| {
            case.faults.killed_at_random = 0;
        }),
        fault("a refusal that hit nothing", "calls that s3…", |case| {
            case.faults.refusals[0].1 = 0;
        }),
        fault("no refusals", "calls that AWS refused, by kind", |case| {
            case.faults.refusals.clear();
        }),
        fault("cuts of nothing", "connections that were cut…", |case| {
            case.faults.cuts.1 = 0;
        }),
        fault(
            "nothing was late",
            "pieces of data that were late…",
            |case| {
                case.faults.slow.1 = 0;
            },
        ),
        fault("a broker that lived", "the broker was killed", |case| {
            case.faults.broker = 0;
        }),
        fault(
            "nothing twice",
            "batches delivered twice at once…",
            |case| {
                case.faults.twice.1 = 0;
            },
        ),
        fault(
            "nothing replayed",
            "batches delivered from a topic's start…",
            |case| {
                case.faults.replayed.1 = 0;
            },
        ),
        fault("nothing sent twice", "messages sent twice", |case| {
            case.faults.doubled = 0;
        }),
        fault("nothing late", "messages sent once more…", |case| {
            case.faults.late = 0;
        }),
        fault("nothing lost", "messages lost", |case| {
            case.faults.lost = 0;
        }),
        fault(
            "no end was left to the sweep",
            "messages lost whose ends…",
            |case| {
                case.faults.lost_with_ends = 0;
            },
        ),
        fault("nothing newer", "messages of a later version", |case| {
            case.faults.newer.clear();
        }),
        fault("a queue that was there", "calls to the queue…", |case| {
            case.faults.queue_cut = 0;
        }),
        fault(
            "a workload that opens too few jobs",
            "jobs that they open",
            |case| {
                for record in case.workload.lines.iter_mut().flatten() {
                    record.opens = 0;
                }
            },
        ),
        fault(
            "a message that waits",
            "something is still on its way…",
            |case| {
                case.unsettled = Some(Unsettled {
                    lag: 0,
                    open: 0,
                    queued: 1,
                    waiting: 0,
                    held: 0,
                    swept: true,
                    quiet: true,
                });
            },
        ),
        fault(
            "an outage that was too short",
            "deliveries of the batch…",
            |case| {
                case.deliveries = TEN_RETRIES;
            },
        ),
        fault(
            "messages that were dead letters too early",
            "receives of the message…",
            |case| {
                case.receives = MOST_RECEIVES - 1;
            },
        ),
        fault("an open job", "something is still on its way…", |case| {
            case.unsettled = Some(Unsettled {
                lag: 0,
                open: 1,
                queued: 0,
                waiting: 0,
                held: 0,
                swept: true,
                quiet: true,
            });
        }),
        fault(
            "a job that went back",
            "states that went backwards…",
            |case| {
                case.states.backwards.push("job-0001".to_owned());
            },
        ),
        fault(
            "no job was seen twice",
            "states that went backwards…",
            |case| {
                case.states.compared = 0;
            },
        ),
    ]
}

fn jobs() -> Vec<Fault> {
    vec![
        fault("an event that was not decided", "causes decided", |case| {
            case.world.table.decisions -= 1;
        }),
        fault("a job that was never opened", "jobs", |case| {
            let (id, _) = case.job();
            case.world.table.jobs.remove(&id);
        }),
        fault("a job that nothing asked for", "jobs", |case| {
            let (_, job) = case.job();
            job["trigger"]["id"] = json!("evt-of-nobody");
        }),
        fault("a job that was opened twice", "jobs, each once", |case| {
            let (_, job) = case.job();
            let again = job.clone();
            case.world.table.jobs.insert("again".to_owned(), again);
        }),
    ]
}

fn ends() -> Vec<Fault> {
    let without_fault = "jobs that failed without a fault of the storm";
    let lost = json!({ "outcome": {
        "is": "refused", "refusal": { "class": "outcome-unknown" },
        "detail": "the attempt was interrupted",
    } });
    let six = vec![lost; 6];
    vec![
        fault(
            "an open job",
            "jobs that neither completed nor failed",
            |case| {
                case.job().1["state"] = json!({ "is": "submitted" });
            },
        ),
        fault(
            "a cancelled job",
            "jobs that neither completed nor failed",
            |case| {
                case.job().1["state"] = json!({ "is": "cancelled" });
            },
        ),
        fault("a job that failed without cause", without_fault, |case| {
            case.fail("internal", "a defect", json!([]));
        }),
        fault("one that failed for its input", without_fault, |case| {
            case.fail("invalid-input", "The title cannot be drawn.", json!([]));
        }),
        fault(
            "one that lost attempts used up",
            without_fault,
            move |case| {
                case.fail("unavailable", "studio-canvas: …", json!(six));
            },
        ),
        fault("a picture whose step was killed", without_fault, |case| {
            case.fail("internal", "Runtime.ExitError: …", json!([]));
        }),
        fault(
            "a picture that may have been paid for",
            without_fault,
            |case| {
                case.fail("outcome-unknown", "the attempt was interrupted", json!([]));
            },
        ),
        fault("one whose executions all ended", without_fault, |case| {
            case.fail("abandoned", "its execution ended 3 times", json!([]));
        }),
        fault(
            "jobs that all failed as if killed",
            "jobs completed",
            move |case| {
                for job in case.world.table.jobs.values_mut() {
                    let failure = json!({ "class": "abandoned", "detail": "the function died of its message" });
                    job["state"] = json!({ "is": "failed", "failure": failure });
                }
            },
        ),
    ]
}

fn files() -> Vec<Fault> {
    vec![
        fault(
            "a missing asset",
            "completed jobs without their file",
            |case| {
                case.world.files.pop_first();
            },
        ),
        fault(
            "an asset elsewhere",
            "completed jobs that name another file",
            |case| {
                case.job().1["state"]["output"]["key"] = json!("renders/poster.png");
            },
        ),
        fault(
            "an asset that is cut off",
            "files that are not whole",
            |case| {
                let poster = include_bytes!("../../../../../docs/poster.png");
                assert_eq!(File::of("image/png", poster).fault, None);
                *case.file() = File::of("image/png", &poster[..poster.len() / 2]);
            },
        ),
        fault("an empty asset", "files that are not whole", |case| {
            *case.file() = File::of("image/png", b"");
        }),
        fault(
            "an asset of another size",
            "pictures of another size…",
            |case| {
                case.file().pixels = Some((1080, 1349));
            },
        ),
        fault(
            "an asset of no size",
            "pictures of another size…",
            |case| {
                case.file().pixels = None;
            },
        ),
        fault(
            "one picture for all",
            "pictures that show the same…",
            |case| {
                for file in case.world.files.values_mut() {
                    file.hash = 1;
                }
            },
        ),
        fault("a file of no job", "files of no job", |case| {
            let file = case.file().clone();
            let key = "renders/erased/poster.png".to_owned();
            case.world.files.insert(key, file);
        }),
    ]
}

/// The value of an event with something changed.
fn changed(value: &mut Option<Vec<u8>>, change: impl Fn(&mut Value)) {
    let mut event: Value = serde_json::from_slice(value.as_deref().unwrap()).unwrap();
    change(&mut event);
    *value = Some(event.to_string().into_bytes());
}

fn contents() -> Vec<Fault> {
    vec![
        fault("a record that was not read", "records produced…", |case| {
            case.world.produced_count += 1;
        }),
        fault(
            "an event that was not published",
            "events produced…",
            |case| {
                case.world.produced.pop();
            },
        ),
        fault(
            "an event that was not committed",
            "events produced…",
            |case| {
                case.world.table.kept.pop_last();
            },
        ),
        fault(
            "two contents under one id",
            "ids that ever appeared…",
            |case| {
                let mut again = case.world.produced[0].clone();
                changed(&mut again.value, |event| {
                    event["data"]["jobId"] = json!("x")
                });
                case.world.produced.push(again);
            },
        ),
        fault(
            "two contents in the table",
            "ids that ever appeared…",
            |case| {
                case.world.table.committed_twice.push("evt-1".to_owned());
            },
        ),
        fault(
            "other bytes than committed",
            "events that differ…",
            |case| {
                let value = &mut case.world.produced[0].value;
                changed(value, |event| event["more"] = json!(1));
            },
        ),
    ]
}

/// Changes the first record of a topic.
fn change(case: &mut Case, topic: Topic, change: impl Fn(&mut Value)) {
    let mut records = case.world.produced.iter_mut();
    let record = records.find(|record| record.topic == topic.as_str());
    changed(&mut record.unwrap().value, |event| {
        change(&mut event["data"])
    });
}

fn announcements() -> Vec<Fault> {
    let created = "created that state another kind, size or format";
    let completed = "completed that state another file, provider or tenant";
    let mut faults = vec![
        fault("a job without created", "jobs announced", |case| {
            let (id, _) = case.job();
            forget(&mut case.world, Topic::RenderJobCreated, &id);
        }),
        fault(
            "no completed",
            "jobs whose completion was announced",
            |case| {
                let (id, _) = case.job();
                forget(&mut case.world, Topic::RenderJobCompleted, &id);
            },
        ),
        fault(
            "no failed",
            "jobs that failed, or whose failure was announced…",
            |case| {
                let (id, _) = case.job();
                case.fail("internal", "Runtime.ExitError", json!([]));
                forget(&mut case.world, Topic::RenderJobFailed, &id);
            },
        ),
        fault(
            "two ends",
            "jobs that failed, or whose failure was announced…",
            |case| {
                let (id, job) = case.job();
                let completed = job["state"].clone();
                case.fail("internal", "Runtime.ExitError", json!([]));
                case.world.table.jobs.get_mut(&id).unwrap()["state"] = completed;
            },
        ),
    ];
    for (field, wrong) in [
        ("width", json!(1)),
        ("height", json!(null)),
        ("format", json!("mp4")),
        ("asset", json!("invitation")),
    ] {
        faults.push(fault(
            &format!("created with another {field}"),
            created,
            move |case| {
                change(case, Topic::RenderJobCreated, |data| {
                    data[field] = wrong.clone()
                });
            },
        ));
    }
    for (field, wrong) in [
        (
            "outputUrl",
            json!("https://assets.example.com/renders/other.png"),
        ),
        ("provider", json!("openai")),
        ("type", json!("video")),
        ("tenantId", json!("tenant-other")),
    ] {
        faults.push(fault(
            &format!("completed with another {field}"),
            completed,
            move |case| {
                change(case, Topic::RenderJobCompleted, |data| {
                    data[field] = wrong.clone()
                });
            },
        ));
    }
    for (field, wrong) in [("reason", json!("")), ("failure", json!("timeout"))] {
        let rule = "failed that state no reason, or another class";
        faults.push(fault(
            &format!("failed with another {field}"),
            rule,
            move |case| {
                case.fail("internal", "Runtime.ExitError", json!([]));
                change(case, Topic::RenderJobFailed, |data| {
                    data[field] = wrong.clone()
                });
            },
        ));
    }
    faults
}

fn order() -> Vec<Fault> {
    let sent = "jobs sent before the broker acknowledged…";
    let started = "jobs started before the broker acknowledged…";
    let created = |case: &Case| {
        let mut sent = case.world.sent.iter();
        let topic = Topic::RenderJobCreated.as_str();
        sent.position(|sent| &*sent.topic == topic).unwrap()
    };
    vec![
        fault(
            "a line that was not understood",
            "connections to the broker…",
            |case| {
                case.world.not_understood = 1;
            },
        ),
        fault(
            "a record past the line",
            "records that the line has not heard",
            |case| {
                case.world.sent.pop();
            },
        ),
        fault(
            "a job that was not sent",
            "jobs sent to the queue",
            |case| {
                let job = case.world.messages[0].job.clone();
                case.world.messages.retain(|message| message.job != job);
            },
        ),
        fault("a message of no job", "jobs sent to the queue", |case| {
            let mut message = case.world.messages[0].clone();
            message.job = String::new();
            case.world.messages.push(message);
        }),
        fault("a message before created was sent", sent, |case| {
            case.world.messages[0].at -= Duration::from_secs(5);
        }),
        fault(
            "a message between sent and acknowledged",
            sent,
            move |case| {
                let created = case.world.sent[created(case)].sent;
                case.world.messages[0].at = created + Duration::from_millis(1);
            },
        ),
        fault("two messages, the first of them early", sent, |case| {
            let mut message = case.world.messages[0].clone();
            message.at -= Duration::from_secs(5);
            case.world.messages.push(message);
        }),
        fault(
            "a message though nothing was acknowledged",
            sent,
            move |case| {
                let created = created(case);
                case.world.sent[created].acknowledged = None;
            },
        ),
        fault(
            "a video that was not started",
            "long jobs whose execution was started",
            |case| {
                case.world.starts.pop();
            },
        ),
        fault(
            "a picture with an execution",
            "long jobs whose execution was started",
            |case| {
                let picture = case.world.messages[0].clone();
                case.world.starts.push(picture);
            },
        ),
        fault("a start before created was sent", started, |case| {
            case.world.starts[0].at -= Duration::from_secs(5);
        }),
        fault(
            "an end before created",
            "jobs whose end was sent before…",
            |case| {
                let topic = Topic::RenderJobCompleted.as_str();
                let mut sent = case.world.sent.iter_mut();
                let end = sent.find(|sent| &*sent.topic == topic).unwrap();
                end.sent -= Duration::from_secs(5);
            },
        ),
    ]
}

fn paid() -> Vec<Fault> {
    vec![
        fault(
            "a storm in which nothing was paid for",
            "requests that a vendor carried out",
            |case| {
                case.world.paid.clear();
            },
        ),
        fault(
            "two requests for one video",
            "jobs that were paid for twice",
            |case| {
                let request = case.world.paid[0].clone();
                case.world.paid.push(request);
            },
        ),
    ]
}

fn templates() -> Vec<Fault> {
    let pictures = "templates without the picture of their newest job";
    vec![
        fault("a template that nothing created", "templates", |case| {
            let topic = Topic::TemplateCreated.as_str();
            let mut records = case.world.produced.iter();
            let first = records.position(|record| record.topic == topic).unwrap();
            case.world.produced.remove(first);
        }),
        fault(
            "a template with two ids",
            "templates with two ids",
            |case| {
                let mut again = case.world.produced.last().unwrap().clone();
                changed(&mut again.value, |event| {
                    event["data"]["templateId"] = json!("other")
                });
                case.world.produced.push(again);
            },
        ),
        fault(
            "an old title",
            "templates whose highest revision is not…",
            |case| {
                change(case, Topic::TemplateCreated, |data| {
                    data["configuration"]["title"] = json!("An older title");
                });
            },
        ),
        fault("the picture of an older job", pictures, |case| {
            change(case, Topic::TemplateCreated, |data| {
                data["asset"]["jobId"] = json!("job-older");
            });
        }),
        fault("another file than the job's", pictures, |case| {
            change(case, Topic::TemplateCreated, |data| {
                data["asset"]["outputUrl"] = json!("https://assets.example.com/old.png");
            });
        }),
        fault("an entity that is lost", pictures, |case| {
            case.world.table.entities.pop();
        }),
        fault("an entity whose newest job is lost", pictures, |case| {
            let templates = case.world.table.entities[0]["templates"].as_object_mut();
            for template in templates.unwrap().values_mut() {
                template["job"] = json!("job-lost");
            }
        }),
    ]
}

fn dead_letters() -> Vec<Fault> {
    let differ = "dead letters that are not as they came…";
    vec![
        fault(
            "a lost record",
            "records published that Kafka does not have",
            |case| {
                case.world.consumed.pop();
            },
        ),
        fault("a workload without poison", "poison published…", |case| {
            for line in &mut case.workload.lines {
                line.retain(|publication| publication.poison.is_none());
            }
        }),
        fault(
            "poison that was swallowed",
            "poison dead-lettered",
            |case| {
                case.world.table.dead_letters.remove(0);
            },
        ),
        fault(
            "a good record as a dead letter",
            "poison dead-lettered",
            |case| {
                let mut entry = case.world.table.dead_letters[0].clone();
                entry.place.2 = -1;
                case.world.table.dead_letters.push(entry);
            },
        ),
        fault("a dead letter twice", "dead letters, each once", |case| {
            let entry = case.world.table.dead_letters[0].clone();
            case.world.table.dead_letters.push(entry);
        }),
        fault("a dead letter without its object", differ, |case| {
            case.world.letters.pop_first();
        }),
        fault("a dead letter with another value", differ, |case| {
            let mut letters = case.world.letters.values_mut();
            letters.next().unwrap()["value"] = json!("b3RoZXI=");
        }),
        fault("a dead letter without its headers", differ, |case| {
            for letter in case.world.letters.values_mut() {
                letter["headers"] = json!([]);
            }
        }),
        fault("a dead letter without a cause", differ, |case| {
            case.world.table.dead_letters[0].cause = String::new();
        }),
        fault(
            "a message that was swallowed",
            "messages of a later version dead-lettered",
            |case| {
                let letters = &mut case.world.table.dead_letters;
                letters.retain(|entry| entry.place.0 != "render-queue");
            },
        ),
        fault(
            "a good message as a dead letter",
            "messages of a later version dead-lettered",
            |case| {
                case.faults.newer[0] = "another".to_owned();
            },
        ),
        fault(
            "a message that is a dead letter twice",
            "dead letters of the queue, each once",
            |case| {
                let mut letters = case.world.table.dead_letters.iter();
                let letter = letters.find(|entry| entry.place.0 == "render-queue");
                let letter = letter.unwrap().clone();
                case.world.table.dead_letters.push(letter);
            },
        ),
        fault(
            "a batch that was given up",
            "objects beside them…",
            |case| {
                let key = "aws/lambda/1/2/3/4".to_owned();
                case.world.letters.insert(key, json!({}));
            },
        ),
    ]
}

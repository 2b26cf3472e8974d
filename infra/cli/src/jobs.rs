//! `studio jobs`: the requests of its commands, and the text of the answers.

use contract::printable;
use operations::{
    ChangeJob, JobExecution, JobFate, JobFilter, JobHandled, JobShown, JobSummary, JobsListed,
    ListJobs, Step,
};

use crate::{
    Exit,
    arguments::{JobsArguments, JobsCommand},
    ask::{AskError, Function},
    table::{fields, print, table},
    time::shown,
};

pub async fn run(function: &Function, command: JobsCommand, json: bool) -> Result<Exit, AskError> {
    match command {
        JobsCommand::List {
            tenant,
            state,
            asset,
            since,
            until,
            most,
            after,
        } => {
            let filter = JobFilter {
                state,
                asset,
                since,
                until,
            };
            let step = Step::ListJobs(ListJobs {
                tenant: tenant.tenant,
                filter,
                after,
                most,
            });
            let (answer, listed) = function.ask(&step).await?;
            print(json, &answer, || list(&listed));
            Ok(Exit::Done)
        }
        JobsCommand::Show { tenant, id } => {
            let step = Step::ShowJob {
                tenant: tenant.tenant,
                job: id,
            };
            let (answer, shown) = function.ask(&step).await?;
            print(json, &answer, || show(&shown));
            Ok(Exit::Done)
        }
        JobsCommand::Resubmit { which } => change(function, which, Step::ResubmitJob, json).await,
        JobsCommand::Cancel { which } => change(function, which, Step::CancelJob, json).await,
    }
}

/// Changes the jobs one by one, and prints what happened to each.
async fn change(
    function: &Function,
    which: JobsArguments,
    step: impl Fn(ChangeJob) -> Step,
    json: bool,
) -> Result<Exit, AskError> {
    let JobsArguments {
        tenant,
        ids,
        execute,
    } = which;
    let (mut done, mut left) = (0, 0);
    for job in ids {
        let step = step(ChangeJob {
            tenant: tenant.tenant.clone(),
            job,
            execute,
        });
        let (answer, handled) = function.ask::<JobHandled>(&step).await?;
        print(json, &answer, || fate(&handled));
        match handled.fate {
            JobFate::Stays { .. } => left += 1,
            _ => done += 1,
        }
    }
    if !json && !execute && done > 0 {
        println!("\nNothing is done yet. Do it with --execute.");
    }
    Ok(if left > 0 { Exit::Left } else { Exit::Done })
}

fn list(listed: &JobsListed) -> String {
    if listed.jobs.is_empty() && listed.next.is_none() {
        return "No job matches. A tenant's name is written as its events have it.\n".to_owned();
    }
    let rows: Vec<_> = listed.jobs.iter().map(|job| (row(job), None)).collect();
    let mut text = table(
        &["CREATED (UTC)", "STATE", "MAKES", "OF", "PROVIDER", "ID"],
        &rows,
    );
    if let Some(next) = &listed.next {
        text.push_str(&format!(
            "\nThere may be more: continue with --after {next}\n"
        ));
    }
    text
}

fn row(job: &JobSummary) -> Vec<String> {
    vec![
        shown(job.created_at),
        job.state.to_string(),
        makes(job),
        format!("{} {}", job.entity.kind.as_str(), job.entity.id.as_str()),
        job.provider.clone(),
        job.id.to_string(),
    ]
}

fn makes(job: &JobSummary) -> String {
    match &job.locale {
        Some(locale) => format!("{}/{locale}", job.asset.as_str()),
        None => job.asset.as_str().to_owned(),
    }
}

fn show(shown_job: &JobShown) -> String {
    let JobShown {
        job,
        template,
        trigger,
        history,
        execution,
        object,
        resubmitted_as,
    } = shown_job;
    let mut lines = vec![
        ("id", job.id.to_string()),
        ("state", job.state.to_string()),
        (
            "makes",
            format!(
                "{} of {} {}",
                makes(job),
                job.entity.kind.as_str(),
                job.entity.id.as_str()
            ),
        ),
        ("template", template.to_string()),
        (
            "trigger",
            format!("{} {} of {}", trigger.topic, trigger.id, trigger.source),
        ),
        ("provider", job.provider.clone()),
        ("execution", execution_of(execution)),
    ];
    lines.extend(object.as_ref().map(|object| ("object", object.clone())));
    lines.extend(job.resubmit_of.map(|old| ("again of", old.to_string())));
    lines.extend(resubmitted_as.map(|new| ("again by", new.to_string())));
    let mut text = fields(&lines);
    text.push('\n');
    text.extend(
        history
            .iter()
            .map(|happened| format!("{}  {}\n", shown(happened.at), printable(&happened.what))),
    );
    text
}

fn execution_of(execution: &JobExecution) -> String {
    if let Some(provider) = &execution.waits_for {
        return format!("none, it waits for its turn at {provider}");
    }
    match execution.is.as_str() {
        "none" => "none, it is drawn from the queue".to_owned(),
        is => format!("{}, {is}", execution.name),
    }
}

fn fate(handled: &JobHandled) -> String {
    let (word, why) = match &handled.fate {
        JobFate::WouldBeResubmitted { by } => ("would be made again", format!("by {by}")),
        JobFate::Resubmitted { by, before: false } => ("made again", format!("by {by}")),
        JobFate::Resubmitted { by, before: true } => {
            ("made again", format!("by {by}, as was decided before"))
        }
        JobFate::WouldBeCancelled => ("would be cancelled", String::new()),
        JobFate::Cancelled => ("cancelled", String::new()),
        JobFate::Stays { why } => ("stays", why.clone()),
    };
    let line = format!(
        "{word:<20}{}  {}  {}",
        handled.job.id,
        makes(&handled.job),
        printable(&why)
    );
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use contract::{AssetKind, Entity, EntityKind, Identifier, Time, Topic, Trigger};
    use operations::{Happened, JobState};
    use uuid::Uuid;

    use super::*;

    fn time(text: &str) -> Time {
        Time::new(text.parse().unwrap())
    }

    fn job(number: u128, state: JobState) -> JobSummary {
        JobSummary {
            id: Uuid::from_u128(number),
            state,
            entity: Entity {
                kind: EntityKind::Event,
                id: Identifier::parse("event-diwali").unwrap(),
            },
            asset: AssetKind::Poster,
            locale: (number == 2).then(|| "hi-IN".to_owned()),
            provider: "studio-canvas".to_owned(),
            created_at: time("2026-11-27T09:30:00Z"),
            resubmit_of: (number == 2).then(|| Uuid::from_u128(1)),
        }
    }

    #[test]
    fn a_list_has_a_line_for_each_job() {
        let jobs = vec![job(2, JobState::Completed), job(1, JobState::Failed)];
        insta::assert_snapshot!("jobs_list", list(&JobsListed { jobs, next: None }));
        assert!(
            list(&JobsListed {
                jobs: vec![],
                next: None
            })
            .starts_with("No job matches.")
        );
    }

    #[test]
    fn a_job_is_shown_with_its_history() {
        let happened = |at: &str, what: &str| Happened {
            at: time(at),
            what: what.to_owned(),
        };
        let shown = JobShown {
            job: job(1, JobState::Failed),
            template: Uuid::from_u128(7),
            trigger: Trigger {
                topic: Topic::EventCreated,
                source: "events-svc".to_owned(),
                id: "evt-\u{1b}[2J".to_owned(),
            },
            history: vec![
                happened(
                    "2026-11-27T09:30:00Z",
                    "created for eventzr.event.created.v1 evt-1 of events-svc",
                ),
                happened(
                    "2026-11-27T09:30:01Z",
                    "failed: unavailable: the sandbox is out of order",
                ),
            ],
            execution: JobExecution {
                name: Uuid::from_u128(1).to_string(),
                is: "ended".to_owned(),
                waits_for: None,
            },
            object: None,
            resubmitted_as: Some(Uuid::from_u128(2)),
        };
        insta::assert_snapshot!("jobs_show", show(&shown));
    }

    #[test]
    fn a_job_that_is_in_the_queue_or_waits_for_its_turn_has_no_execution_to_show() {
        let of = |is: &str, waits_for: Option<&str>| {
            execution_of(&JobExecution {
                name: "a-job".to_owned(),
                is: is.to_owned(),
                waits_for: waits_for.map(str::to_owned),
            })
        };
        assert_eq!(of("none", None), "none, it is drawn from the queue");
        assert_eq!(of("missing", None), "a-job, missing");
        let waiting = of("waiting", Some("runway"));
        assert_eq!(waiting, "none, it waits for its turn at runway");
    }

    #[test]
    fn each_fate_of_a_job_is_one_line() {
        let by = Uuid::from_u128(2);
        let fates = [
            JobFate::WouldBeResubmitted { by },
            JobFate::Resubmitted { by, before: false },
            JobFate::Resubmitted { by, before: true },
            JobFate::WouldBeCancelled,
            JobFate::Cancelled,
            JobFate::Stays {
                why: "it is open; wait for its end, or cancel it first".to_owned(),
            },
        ];
        let lines = fates.map(|one| {
            fate(&JobHandled {
                job: job(1, JobState::Failed),
                fate: one,
            })
        });
        insta::assert_snapshot!("jobs_fates", lines.concat());
    }
}

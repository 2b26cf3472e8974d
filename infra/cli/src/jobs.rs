//! `studio jobs`: the requests of its commands, and the text of the answers.

use contract::{Configuration, Identifier, printable};
use operations::{
    ChangeJob, CountJobs, JobExecution, JobFilter, JobHandled, JobShown, JobSummary, JobsListed,
    ListJobs, Step, Verdict,
};

use crate::{
    Exit,
    arguments::{JobsArguments, JobsCommand},
    ask::{AskError, Function},
    bulk, counts,
    job_line::{fate, makes},
    table::{fields, print, shortened, table},
    time::shown,
};

/// How many characters of a cause a list shows.
const LONGEST_CAUSE: usize = 160;

pub async fn run(function: &Function, command: JobsCommand, json: bool) -> Result<Exit, AskError> {
    match command {
        JobsCommand::List {
            filter,
            most,
            after,
        } => {
            let (tenant, filter) = filter.parts();
            list(function, (tenant, filter), after, most, json).await
        }
        JobsCommand::Count { filter } => {
            let (tenant, filter) = filter.parts();
            let counts = counts::all(function, count(tenant, filter), json).await?;
            if !json {
                print!("{}", counts::text(&counts, "job", "provider"));
            }
            Ok(Exit::Done)
        }
        JobsCommand::Show { tenant, id } => {
            let step = Step::ShowJob { tenant, job: id };
            let (answer, shown) = function.ask(&step).await?;
            print(json, &answer, || show(&shown));
            Ok(Exit::Done)
        }
        JobsCommand::Resubmit { which } if which.ids.is_empty() => {
            bulk::change(function, which, ("resubmitted", Step::ResubmitJobs), json).await
        }
        JobsCommand::Cancel { which } if which.ids.is_empty() => {
            bulk::change(function, which, ("cancelled", Step::CancelJobs), json).await
        }
        JobsCommand::Resubmit { which } => change(function, which, Step::ResubmitJob, json).await,
        JobsCommand::Cancel { which } => change(function, which, Step::CancelJob, json).await,
    }
}

/// Lists a page of jobs; the first page of jobs of all tenants with the totals, if there are more.
async fn list(
    function: &Function,
    (tenant, filter): (Option<Identifier>, JobFilter),
    after: Option<String>,
    most: u32,
    json: bool,
) -> Result<Exit, AskError> {
    let is_first = after.is_none();
    let step = Step::ListJobs(ListJobs {
        tenant: tenant.clone(),
        filter: filter.clone(),
        after,
        most,
    });
    let (answer, listed) = function.ask::<JobsListed>(&step).await?;
    if is_empty(&listed) && is_first && !json {
        print!("{}", none(function, tenant.as_ref(), &filter).await?);
        return Ok(Exit::Done);
    }
    print(json, &answer, || listed_text(&listed, tenant.is_none()));
    if is_first && tenant.is_none() && listed.next.is_some() {
        let counts = counts::all(function, count(tenant, filter), json).await?;
        if !json {
            print!("\n{}", counts::text(&counts, "job", "provider"));
        }
    }
    Ok(Exit::Done)
}

fn is_empty(listed: &JobsListed) -> bool {
    listed.jobs.is_empty() && listed.next.is_none() && listed.unread.is_empty()
}

/// Why there is nothing to list.
async fn none(
    function: &Function,
    tenant: Option<&Identifier>,
    filter: &JobFilter,
) -> Result<String, AskError> {
    let Some(tenant) = tenant else {
        return Ok(none_text(None, filter));
    };
    let any = Step::ListJobs(ListJobs {
        tenant: Some(tenant.clone()),
        filter: JobFilter::default(),
        after: None,
        most: 1,
    });
    let (_, listed) = function.ask::<JobsListed>(&any).await?;
    Ok(none_text(Some((tenant, !is_empty(&listed))), filter))
}

/// That no job matches: of all tenants, or of one that has jobs or has none.
fn none_text(tenant: Option<(&Identifier, bool)>, filter: &JobFilter) -> String {
    let none = none_match(filter);
    match tenant {
        None => format!("{none}\n"),
        Some((tenant, has_jobs)) => {
            let tenant = printable(tenant.as_str());
            match has_jobs {
                true => format!("{none} {tenant} has other jobs.\n"),
                false => format!(
                    "{tenant} has no jobs. A tenant's name is written as its events have it.\n"
                ),
            }
        }
    }
}

/// That no job matches: by its state, if that is all that was asked for.
fn none_match(filter: &JobFilter) -> String {
    let only_state = JobFilter {
        state: filter.state,
        ..JobFilter::default()
    };
    match filter.state {
        Some(state) if *filter == only_state => format!("No {state} jobs."),
        Some(_) | None => "No job matches.".to_owned(),
    }
}

/// The request for a part of the count, which begins at the place that it gets.
fn count(tenant: Option<Identifier>, filter: JobFilter) -> impl Fn(Option<String>) -> Step {
    move |after| {
        Step::CountJobs(CountJobs {
            tenant: tenant.clone(),
            filter: filter.clone(),
            after,
        })
    }
}

/// Changes the named jobs one by one, and prints what happened to each.
async fn change(
    function: &Function,
    which: JobsArguments,
    step: impl Fn(ChangeJob) -> Step,
    json: bool,
) -> Result<Exit, AskError> {
    let JobsArguments {
        filter,
        ids,
        execute,
        ..
    } = which;
    let Some(tenant) = filter.tenant else {
        let why = "name the tenant of the jobs with --tenant";
        return Err(AskError::Refused(why.to_owned()));
    };
    let (mut done, mut left) = (0, 0);
    for job in ids {
        let step = step(ChangeJob {
            tenant: tenant.clone(),
            job,
            execute,
        });
        let (answer, handled) = function.ask::<JobHandled>(&step).await?;
        print(json, &answer, || fate(&handled));
        match handled.fate.is_left() {
            true => left += 1,
            false => done += 1,
        }
    }
    if !json && !execute && done > 0 {
        println!("\nThis was a dry run. Apply it with --execute.");
    }
    Ok(if left > 0 { Exit::Left } else { Exit::Done })
}

/// A line for each job, and below it why it failed or from whom it fell back.
fn listed_text(listed: &JobsListed, of_all: bool) -> String {
    let rows: Vec<_> = listed.jobs.iter().map(|job| row(job, of_all)).collect();
    let mut head = vec!["CREATED (UTC)", "STATE", "MAKES", "OF", "PROVIDER", "ID"];
    if of_all {
        head.insert(1, "TENANT");
    }
    let mut text = table(&head, &rows);
    for id in &listed.unread {
        text.push_str(&format!(
            "\nThis version of the code cannot read the job {id}.\n"
        ));
    }
    if let Some(next) = &listed.next {
        text.push_str(&format!(
            "\nThere may be more: continue with --after {next}\n"
        ));
    }
    text
}

fn row(job: &JobSummary, of_all: bool) -> (Vec<String>, Option<String>) {
    let mut cells = vec![
        shown(job.created_at),
        job.state.to_string(),
        makes(job),
        format!("{} {}", job.entity.kind.as_str(), job.entity.id.as_str()),
        job.provider.clone(),
        job.id.to_string(),
    ];
    if of_all {
        let tenant = job.tenant.as_ref().map_or("-", Identifier::as_str);
        cells.insert(1, tenant.to_owned());
    }
    let is_short = job.failure.is_some() || job.fell_back_from.is_some();
    let cause = is_short.then(|| shortened(&job.cause(), LONGEST_CAUSE));
    (cells, cause)
}

/// A job with what it is to show, how it stands, what comes next and what happened.
pub fn show(shown_job: &JobShown) -> String {
    let JobShown {
        job,
        template,
        trigger,
        input,
        verdict,
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
    ];
    lines.extend(input.as_ref().into_iter().flat_map(input_of));
    lines.extend([
        ("template", template.to_string()),
        (
            "trigger",
            format!("{} {} of {}", trigger.topic, trigger.id, trigger.source),
        ),
        ("provider", job.provider.clone()),
        ("execution", execution_of(execution)),
    ]);
    lines.extend(object.as_ref().map(|object| ("object", object.clone())));
    lines.extend(job.resubmit_of.map(|old| ("again of", old.to_string())));
    lines.extend(resubmitted_as.map(|new| ("again by", new.to_string())));
    if let Some(Verdict { now, next, .. }) = verdict {
        lines.push(("now", now.clone()));
        lines.extend((!next.is_empty()).then(|| ("next", next.clone())));
    }
    let mut text = fields(&lines);
    text.push('\n');
    text.extend(
        history
            .iter()
            .map(|happened| format!("{}  {}\n", shown(happened.at), printable(&happened.what))),
    );
    text
}

/// What a job is to show, without what a person would not look for: `--json` has all of it.
fn input_of(input: &Configuration) -> Vec<(&'static str, String)> {
    let Configuration {
        title,
        starts_at,
        ends_at,
        venue,
        organizer,
        ..
    } = input;
    let mut lines = vec![("title", title.to_string())];
    lines.extend(starts_at.map(|at| ("starts", at.to_string())));
    lines.extend(ends_at.map(|at| ("ends", at.to_string())));
    lines.extend(
        venue
            .as_ref()
            .map(|venue| ("venue", venue.name.to_string())),
    );
    lines.extend(
        organizer
            .as_ref()
            .map(|name| ("organizer", name.to_string())),
    );
    lines
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

#[cfg(test)]
mod tests {
    use contract::{AssetKind, Entity, EntityKind, FailureClass, Text, Time, Topic, Trigger};
    use operations::{Happened, JobFate, JobState, Situation, Told};
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
            tenant: Identifier::parse("tenant-monsoon-arts").ok(),
            failure: (state == JobState::Failed)
                .then(|| "unavailable: openai did not answer".to_owned()),
            fell_back_from: (state == JobState::Completed).then(|| "openai".to_owned()),
        }
    }

    #[test]
    fn a_list_has_a_line_for_each_job_and_below_it_what_is_wrong() {
        let jobs = vec![
            job(2, JobState::Completed),
            job(1, JobState::Failed),
            job(3, JobState::Created),
        ];
        let listed = JobsListed {
            jobs,
            unread: vec![Uuid::from_u128(9)],
            next: None,
        };
        insta::assert_snapshot!("jobs_list", listed_text(&listed, false));
        insta::assert_snapshot!("jobs_list_of_all", listed_text(&listed, true));
    }

    #[test]
    fn an_empty_list_says_whether_the_tenant_has_other_jobs() {
        let tenant = Identifier::parse("tenant-monsoon-arts").unwrap();
        let failed = JobFilter {
            state: Some(JobState::Failed),
            ..JobFilter::default()
        };
        let of_openai = JobFilter {
            provider: Some("openai".to_owned()),
            ..failed.clone()
        };
        let texts = [
            none_text(Some((&tenant, true)), &failed),
            none_text(Some((&tenant, true)), &of_openai),
            none_text(Some((&tenant, false)), &failed),
            none_text(None, &failed),
        ];
        insta::assert_snapshot!("jobs_list_empty", texts.concat());
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
            input: Some(Configuration {
                starts_at: Some("2026-11-29T18:00:00+05:30".parse().unwrap()),
                ..Configuration::titled(Text::parse("Diwali Lantern Walk").unwrap())
            }),
            verdict: Some(Verdict::from(Situation::Failed {
                at: time("2026-11-27T09:30:01Z"),
                class: FailureClass::Unavailable,
                detail: "the sandbox is out of order".to_owned(),
                told: Told::Published,
                again_by: Some(Uuid::from_u128(2)),
            })),
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
            JobFate::NotYet {
                why: "reading from DynamoDB".to_owned(),
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

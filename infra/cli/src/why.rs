//! `studio why`: the request, and the text of the explanations.

use contract::printable;
use operations::{
    AskWhy, DeadLetterSummary, EntityExplained, EventExplained, EventName, EventOutcome, Explained,
    Explanation, JobLine, NewestEvent, Step, TemplateLine, TenantExplained,
};

use crate::{
    Exit,
    arguments::WhyArguments,
    ask::{AskError, Function},
    job_line::makes,
    jobs,
    table::{fields, print, table},
    time::shown,
    voices,
};

pub async fn run(
    function: &Function,
    arguments: WhyArguments,
    json: bool,
) -> Result<Exit, AskError> {
    let WhyArguments {
        tenant,
        about,
        source,
    } = arguments;
    let step = Step::Why(AskWhy {
        tenant,
        about,
        source,
    });
    let (answer, explained) = function.ask::<Explained>(&step).await?;
    print(json, &answer, || text(&explained));
    Ok(match is_nothing(&explained) {
        true => Exit::Refused,
        false => Exit::Done,
    })
}

/// Whether there is nothing of this name.
fn is_nothing(explained: &Explained) -> bool {
    let is_nothing = |one: &Explanation| match one {
        Explanation::Event(event) => event.outcome == EventOutcome::NotFound,
        Explanation::Tenant(_)
        | Explanation::Entity(_)
        | Explanation::Job(_)
        | Explanation::Voice(_)
        | Explanation::DeadLetter(_) => false,
    };
    explained.found.iter().all(is_nothing)
}

fn text(explained: &Explained) -> String {
    let texts: Vec<String> = explained.found.iter().map(explanation).collect();
    let mut text = texts.join("\n");
    if is_nothing(explained) {
        text.push_str(&format!(
            "\nNothing of {} has this name. There is\n",
            printable(explained.tenant.as_str())
        ));
        for sentence in &explained.not_found {
            text.push_str(&format!("  {}\n", printable(sentence)));
        }
    }
    text
}

fn explanation(explanation: &Explanation) -> String {
    match explanation {
        Explanation::Tenant(tenant) => of_tenant(tenant),
        Explanation::Event(event) => of_event(event),
        Explanation::Entity(entity) => of_entity(entity),
        Explanation::Job(job) => jobs::show(job),
        Explanation::Voice(voice) => voices::show(voice),
        Explanation::DeadLetter(letter) => of_dead_letter(letter),
    }
}

fn of_tenant(tenant: &TenantExplained) -> String {
    let mut text = match &tenant.jobs[..] {
        [] => {
            "No jobs. A tenant's name is written as its events have it. An event that no consumer \
               has taken yet is not here: `smoke` says whether they take any.\n"
                .to_owned()
        }
        jobs => of_jobs(jobs),
    };
    if tenant.has_more_jobs {
        text.push_str("\nThere are older jobs: `jobs list` has them.\n");
    }
    match &tenant.dead_letters[..] {
        [] => text.push_str("\nNo dead letter waits.\n"),
        letters => {
            text.push_str("\nDead letters that wait:\n");
            text.push_str(&of_dead_letters(letters));
        }
    }
    if tenant.has_more_dead_letters {
        text.push_str("\nThere are more: `dead-letters list` has them.\n");
    }
    text
}

fn of_event(event: &EventExplained) -> String {
    let mut lines = vec![("event", event.id.clone())];
    lines.extend(
        event
            .source
            .as_ref()
            .map(|source| ("source", source.clone())),
    );
    lines.extend(event.decided_at.map(|at| ("decided", shown(at))));
    lines.push(("now", event.now.clone()));
    lines.extend((!event.next.is_empty()).then(|| ("next", event.next.clone())));
    let published = event.published.iter();
    lines.extend(published.map(|one| ("publishes", format!("{} {}", one.topic, one.id))));
    let mut text = fields(&lines);
    if !event.jobs.is_empty() {
        text.push_str(&format!("\n{}", of_jobs(&event.jobs)));
    }
    if !event.dead_letters.is_empty() {
        text.push_str(&format!("\n{}", of_dead_letters(&event.dead_letters)));
    }
    text
}

fn of_entity(entity: &EntityExplained) -> String {
    let named = &entity.entity;
    let name = format!("{} {}", named.kind.as_str(), named.id.as_str());
    let mut lines = vec![("entity", name)];
    lines.extend(entity.title.as_ref().map(|title| ("title", title.clone())));
    lines.extend(entity.starts_at.as_ref().map(|at| ("starts", at.clone())));
    lines.extend(entity.erased_at.map(|at| ("erased", shown(at))));
    for newest in &entity.newest {
        let NewestEvent {
            topic,
            event,
            last_older,
        } = newest;
        lines.push(("newest", format!("{topic}: {}", of_name(event))));
        lines.extend(last_older.as_ref().map(|older| {
            let (name, at) = (of_name(&older.event), shown(older.at));
            let why = format!("{name} came at {at} and is older: it changed no fact");
            ("older", why)
        }));
    }
    let mut text = fields(&lines);
    let rows: Vec<_> = entity.templates.iter().map(template).collect();
    if !rows.is_empty() {
        let head = ["MAKES", "REVISION", "STATE", "JOB"];
        text.push_str(&format!("\n{}", table(&head, &rows)));
    }
    text
}

fn of_name(event: &EventName) -> String {
    let EventName {
        source,
        id,
        time,
        version,
    } = event;
    let version = version.map_or_else(String::new, |version| format!(", version {version}"));
    format!("{id} of {source}, time {time}{version}")
}

/// A template with its latest job, and how that stands beneath it.
fn template(template: &TemplateLine) -> (Vec<String>, Option<String>) {
    let revision = template.revision.to_string();
    match &template.latest {
        Some(JobLine { job, verdict }) => {
            let cells = vec![
                makes(job),
                revision,
                job.state.to_string(),
                job.id.to_string(),
            ];
            (cells, Some(verdict.now.clone()))
        }
        None => {
            let cells = vec![template.id.to_string(), revision, "-".to_owned()];
            (
                cells,
                Some("Its latest job is not stored any more.".to_owned()),
            )
        }
    }
}

/// Jobs, and how each stands beneath it.
fn of_jobs(jobs: &[JobLine]) -> String {
    let row = |JobLine { job, verdict }: &JobLine| {
        let cells = vec![
            shown(job.created_at),
            job.state.to_string(),
            makes(job),
            format!("{} {}", job.entity.kind.as_str(), job.entity.id.as_str()),
            job.id.to_string(),
        ];
        let verdict = format!("{} {}", verdict.now, verdict.next);
        (cells, Some(verdict.trim_end().to_owned()))
    };
    let rows: Vec<_> = jobs.iter().map(row).collect();
    table(&["CREATED (UTC)", "STATE", "MAKES", "OF", "ID"], &rows)
}

fn of_dead_letters(letters: &[DeadLetterSummary]) -> String {
    let row = |letter: &DeadLetterSummary| {
        let cells = vec![
            shown(letter.first_seen),
            place(letter),
            letter.count.to_string(),
            letter.id.to_string(),
        ];
        (cells, Some(letter.cause.clone()))
    };
    let rows: Vec<_> = letters.iter().map(row).collect();
    table(&["SINCE (UTC)", "RECORD", "TIMES", "DEAD LETTER"], &rows)
}

fn of_dead_letter(letter: &DeadLetterSummary) -> String {
    let now = match &letter.resolved {
        None => "It waits for an operator.".to_owned(),
        Some(resolved) => format!("It is {} since {}.", resolved.how, shown(resolved.at)),
    };
    let mut lines = vec![
        ("id", letter.id.to_string()),
        ("record", place(letter)),
        ("cause", letter.cause.clone()),
        ("first", shown(letter.first_seen)),
        ("last", shown(letter.last_seen)),
        ("times", letter.count.to_string()),
        ("now", now),
    ];
    if letter.resolved.is_none() {
        let next = format!(
            "Fix the cause, then `dead-letters redrive {}`; `dead-letters show` has its content.",
            letter.id
        );
        lines.push(("next", next));
    }
    fields(&lines)
}

fn place(letter: &DeadLetterSummary) -> String {
    format!("{}/{}/{}", letter.topic, letter.partition, letter.offset)
}

#[cfg(test)]
mod tests;
